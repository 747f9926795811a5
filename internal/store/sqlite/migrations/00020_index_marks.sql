-- +goose Up

-- Up to where a room's log was looked at for the index of what messages say: what is behind that comes
-- into it later. See indexer.go.
CREATE TABLE index_marks (
    room_id INTEGER PRIMARY KEY,
    seq     INTEGER NOT NULL
);
-- Where all messages are in the index, they need not be looked at again.
INSERT INTO index_marks (room_id, seq)
    SELECT id, last FROM (SELECT id, (SELECT max(seq) FROM messages WHERE room_id = rooms.id) AS last FROM rooms)
    WHERE last IS NOT NULL AND (SELECT done FROM indexing WHERE id = 1) = 1;

-- A half of an index is none: it is made anew.
UPDATE indexing SET version = '' WHERE done = 0;

-- done: no log has anything behind its mark; it is said only while nobody has the file open.
ALTER TABLE indexing DROP COLUMN room_id;
ALTER TABLE indexing DROP COLUMN seq;

-- +goose Down
ALTER TABLE indexing ADD COLUMN room_id INTEGER NOT NULL DEFAULT 0;
ALTER TABLE indexing ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;
UPDATE indexing SET done = 0;
DROP TABLE index_marks;
