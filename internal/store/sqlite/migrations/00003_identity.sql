-- +goose Up

-- chat.Event.Digest of authored events: by it a nonce that comes again with something
-- else is told from a retry, without reading texts. 0: not known, of events that were
-- stored before. The rows that are there are not touched.
ALTER TABLE messages ADD COLUMN digest INTEGER NOT NULL DEFAULT 0;

-- running is 1 from the opening of the store to its closing. When the file says 1 and has
-- no write-ahead log beside it, it is a copy of the file alone.
ALTER TABLE marker ADD COLUMN running INTEGER NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE marker DROP COLUMN running;
ALTER TABLE messages DROP COLUMN digest;
