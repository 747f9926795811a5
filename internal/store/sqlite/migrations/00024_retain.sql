-- +goose Up

-- Of the newest event of kind 23: for how many seconds the room keeps what is said; 0: for as long as
-- the server does. Rooms that say so are found without a look at the others.
ALTER TABLE rooms ADD COLUMN retain_s INTEGER NOT NULL DEFAULT 0;
CREATE INDEX rooms_retain ON rooms (id) WHERE retain_s > 0;

-- +goose Down
DROP INDEX rooms_retain;
ALTER TABLE rooms DROP COLUMN retain_s;
