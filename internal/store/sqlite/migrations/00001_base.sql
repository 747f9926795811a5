-- +goose Up

-- "Sara" in ASCII: whose file this is, for the file command and for Open.
PRAGMA application_id = 1398895201;

-- name_key is NULL for a user whose name was taken over.
CREATE TABLE users (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT    NOT NULL,
    name_key   TEXT    UNIQUE,
    token_hash BLOB    NOT NULL,
    created_ms INTEGER NOT NULL,
    seen_ms    INTEGER NOT NULL
);

-- flags: bit 0 is "ephemeral".
CREATE TABLE rooms (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT    NOT NULL,
    name_key   TEXT    NOT NULL UNIQUE,
    epoch      INTEGER NOT NULL,
    flags      INTEGER NOT NULL,
    created_ms INTEGER NOT NULL
);

-- prev_seq is the seq of the same user's message before this one in the room, 0 if
-- there is none or the event is no message: a list, newest first, whose head is
-- authors.last_seq. It answers "the user's last messages here" without an index on
-- (room_id, user_id, seq), which more than halves the rate of inserts.
CREATE TABLE messages (
    room_id  INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    user_id  INTEGER NOT NULL,
    kind     INTEGER NOT NULL,
    nonce    INTEGER NOT NULL,
    time_ms  INTEGER NOT NULL,
    prev_seq INTEGER NOT NULL,
    text     TEXT    NOT NULL,
    PRIMARY KEY (room_id, seq)
) WITHOUT ROWID;

-- What a user has said in a room: one small row that a commit touches once, however
-- many messages it has. A user's sent count is the sum over his rooms.
CREATE TABLE authors (
    user_id    INTEGER NOT NULL,
    room_id    INTEGER NOT NULL,
    last_seq   INTEGER NOT NULL,
    sent_count INTEGER NOT NULL,
    PRIMARY KEY (user_id, room_id)
) WITHOUT ROWID;

-- One row that is rewritten after a commit whose outcome is unknown: when that
-- succeeds, what came before it is either lost or stored for good.
CREATE TABLE marker (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    count INTEGER NOT NULL
);
INSERT INTO marker (id, count) VALUES (1, 0);

-- +goose Down
DROP TABLE marker;
DROP TABLE authors;
DROP TABLE messages;
DROP TABLE rooms;
DROP TABLE users;
