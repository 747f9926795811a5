-- +goose Up

-- Of the newest events of kinds 17, 18 and 19: what the room is about at length, whether it is
-- archived, and how many seconds members wait between two messages.
ALTER TABLE rooms ADD COLUMN description TEXT    NOT NULL DEFAULT '';
ALTER TABLE rooms ADD COLUMN archived    INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rooms ADD COLUMN slow_s      INTEGER NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE rooms DROP COLUMN slow_s;
ALTER TABLE rooms DROP COLUMN archived;
ALTER TABLE rooms DROP COLUMN description;
