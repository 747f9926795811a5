-- +goose Up

-- creator: who made the room, 0 if nobody knows. The index is for counting somebody's rooms.
ALTER TABLE rooms ADD COLUMN creator INTEGER NOT NULL DEFAULT 0;
CREATE INDEX rooms_creator ON rooms (creator) WHERE creator <> 0;

-- How many rooms there are, so that nobody has to count them.
CREATE TABLE totals (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    rooms INTEGER NOT NULL
);
INSERT INTO totals (id, rooms) SELECT 1, count(*) FROM rooms;

-- +goose Down
DROP TABLE totals;
DROP INDEX rooms_creator;
ALTER TABLE rooms DROP COLUMN creator;
