-- +goose Up

-- Which messages, as they are now, mention whom; user_id 0: everybody in the room. time_ms is the
-- message's. It follows from the log, as changes does. Texts that were stored before mention nobody:
-- the form of a mention was not known.
CREATE TABLE mentions (
    user_id INTEGER NOT NULL,
    room_id INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    time_ms INTEGER NOT NULL,
    PRIMARY KEY (user_id, room_id, seq)
) WITHOUT ROWID;
CREATE INDEX mentions_newest ON mentions (user_id, time_ms, room_id, seq) WHERE user_id <> 0;
CREATE INDEX mentions_message ON mentions (room_id, seq);

-- The messages of threads, and what a list of threads shows: how many of them were not deleted,
-- and the newest one.
CREATE TABLE replies (
    room_id INTEGER NOT NULL,
    root    INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    PRIMARY KEY (room_id, root, seq)
) WITHOUT ROWID;
CREATE TABLE threads (
    room_id  INTEGER NOT NULL,
    root     INTEGER NOT NULL,
    replies  INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    PRIMARY KEY (room_id, root)
) WITHOUT ROWID;
CREATE INDEX threads_newest ON threads (room_id, last_seq);
INSERT INTO replies (room_id, root, seq)
    SELECT m.room_id, r.seq, m.seq FROM messages m
    JOIN messages r ON r.room_id = m.room_id AND r.seq = CASE WHEN m.until_ms <> 0 THEN m.until_ms ELSE m.target END
    WHERE m.kind = 1 AND m.target <> 0 AND r.kind = 1;
INSERT INTO threads (room_id, root, replies, last_seq)
    SELECT p.room_id, p.root, sum(c.deleted IS NULL OR c.deleted = 0), max(p.seq) FROM replies p
    LEFT JOIN changes c ON c.room_id = p.room_id AND c.target = p.seq GROUP BY p.room_id, p.root;
DROP INDEX messages_thread;

-- +goose Down
CREATE INDEX messages_thread ON messages (room_id, until_ms, seq) WHERE kind = 1 AND until_ms <> 0;
DROP TABLE threads;
DROP TABLE replies;
DROP TABLE mentions;
