-- +goose Up

-- Of role events: the role holds at times below it; 0: for good. members has that of the
-- newest one. The rows that are there are not touched.
ALTER TABLE messages ADD COLUMN until_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE members  ADD COLUMN until_ms INTEGER NOT NULL DEFAULT 0;

-- A user's rooms, and the public rooms (rooms.flags: bit 2 is "private"), in order of their
-- ids.
CREATE INDEX members_user ON members (user_id, room_id);
CREATE INDEX rooms_public ON rooms (id) WHERE flags & 4 = 0;

-- +goose Down
DROP INDEX rooms_public;
DROP INDEX members_user;
ALTER TABLE members  DROP COLUMN until_ms;
ALTER TABLE messages DROP COLUMN until_ms;
