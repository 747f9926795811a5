-- +goose Up

-- topic: the text of the room's newest event of kind 6.
ALTER TABLE rooms ADD COLUMN topic TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE rooms DROP COLUMN topic;
