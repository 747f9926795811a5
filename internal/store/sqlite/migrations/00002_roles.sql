-- +goose Up

-- target: the earlier event that this one is about; subject and role: of role events.
-- 0 for none, which takes one byte in a row. The rows that are there are not touched.
-- Role events are in their author's list (prev_seq) like his messages; only messages
-- count in authors.sent_count.
ALTER TABLE messages ADD COLUMN target  INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN subject INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN role    INTEGER NOT NULL DEFAULT 0;

-- The role that the newest role event about a user gave him, and that event's seq. Who
-- is not here has no role of his own. rooms.flags: bit 1 is "there are rows here"; a
-- room without it need not be looked up.
CREATE TABLE members (
    room_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    role    INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    PRIMARY KEY (room_id, user_id)
) WITHOUT ROWID;

-- +goose Down
DROP TABLE members;
UPDATE rooms SET flags = flags & ~2;
ALTER TABLE messages DROP COLUMN role;
ALTER TABLE messages DROP COLUMN subject;
ALTER TABLE messages DROP COLUMN target;
