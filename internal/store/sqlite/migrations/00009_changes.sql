-- +goose Up

-- What became of messages. All of it follows from the log, and is brought up to date in the
-- transaction that stores an event; a message that nobody has changed has no row here.
-- messages.until_ms: of messages the first of the thread that they belong to.

-- changed: the newest event that is in here. edited, deleted, pinned: the event that did it, 0
-- for none; edited is the newest one.
CREATE TABLE changes (
    room_id INTEGER NOT NULL,
    target  INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    edited  INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    pinned  INTEGER NOT NULL,
    PRIMARY KEY (room_id, target)
) WITHOUT ROWID;

-- The edits of a message, until it is deleted: their texts go with its own.
CREATE TABLE edits (
    room_id INTEGER NOT NULL,
    target  INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    PRIMARY KEY (room_id, target, seq)
) WITHOUT ROWID;

-- How many users have put an emoji on a message, and since which event it is there. One that all
-- have taken back stays: it counts for how many different ones there may be.
CREATE TABLE tallies (
    room_id INTEGER NOT NULL,
    target  INTEGER NOT NULL,
    emoji   TEXT    NOT NULL,
    since   INTEGER NOT NULL,
    count   INTEGER NOT NULL,
    PRIMARY KEY (room_id, target, emoji)
) WITHOUT ROWID;

-- Who they are.
CREATE TABLE reactions (
    room_id INTEGER NOT NULL,
    target  INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    emoji   TEXT    NOT NULL,
    seq     INTEGER NOT NULL,
    PRIMARY KEY (room_id, target, user_id, emoji)
) WITHOUT ROWID;

-- The pages of what is pinned, and of threads.
CREATE INDEX changes_pinned ON changes (room_id, pinned) WHERE pinned <> 0;
CREATE INDEX messages_thread ON messages (room_id, until_ms, seq) WHERE kind = 1 AND until_ms <> 0;

-- +goose Down
DROP INDEX messages_thread;
DROP INDEX changes_pinned;
DROP TABLE reactions;
DROP TABLE tallies;
DROP TABLE edits;
DROP TABLE changes;
