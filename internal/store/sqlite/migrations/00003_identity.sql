-- +goose Up

-- chat.Event.Digest of authored events: by it a nonce that comes again with something
-- else is told from a retry, without reading texts. 0: not known, of events that were
-- stored before. The rows that are there are not touched.
ALTER TABLE messages ADD COLUMN digest INTEGER NOT NULL DEFAULT 0;

-- running is 1 from the opening of the store to its closing. When the file says 1 and has
-- no write-ahead log beside it, it is a copy of the file alone.
ALTER TABLE marker ADD COLUMN running INTEGER NOT NULL DEFAULT 0;

-- look is chat.Skeleton of name_key: by it a name is refused that can be taken for somebody
-- else's. NULL: not known, or the user has no name. Those that are there get theirs here if it
-- is the key itself, else with their next login.
ALTER TABLE users ADD COLUMN look TEXT;
UPDATE users SET look = name_key WHERE name_key NOT GLOB '*[^ -~]*';
CREATE INDEX users_look ON users (look) WHERE look IS NOT NULL;

-- Names that differ in the form of a letter that has two small ones are one name now, as the
-- final sigma. Where both were there, each keeps what it has, and the one with the old form
-- is not found any more.
UPDATE OR IGNORE users SET name_key = replace(name_key, 'ς', 'σ') WHERE name_key GLOB '*ς*';
UPDATE OR IGNORE rooms SET name_key = replace(name_key, 'ς', 'σ') WHERE name_key GLOB '*ς*';

-- +goose Down
DROP INDEX users_look;
ALTER TABLE users DROP COLUMN look;
ALTER TABLE marker DROP COLUMN running;
ALTER TABLE messages DROP COLUMN digest;
