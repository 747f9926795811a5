-- +goose Up

-- The operators of the server.
CREATE TABLE operators (
    user_id INTEGER PRIMARY KEY
);

-- What was done by those who may, and is in no room's log. by_id 0 is whoever operates the
-- server. nonce: a call that is made again is known by it.
CREATE TABLE audit (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    nonce    INTEGER NOT NULL UNIQUE,
    time_ms  INTEGER NOT NULL,
    act      INTEGER NOT NULL,
    by_id    INTEGER NOT NULL,
    subject  INTEGER NOT NULL,
    room_id  INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    until_ms INTEGER NOT NULL,
    what     TEXT    NOT NULL,
    reason   TEXT    NOT NULL
);
CREATE INDEX audit_time ON audit (time_ms, room_id, seq, id);
CREATE INDEX audit_room ON audit (room_id, time_ms, seq, id);

-- Roles and kicks (kinds 4 and 5), and settings of rooms (16 and more), are read from the logs.
-- These are a few rows of many. Each INSERT asks whether a row is one of them: for a list of
-- kinds it makes a table each time, so this is said by comparisons.
CREATE INDEX messages_ruled ON messages (time_ms, room_id, seq) WHERE kind > 3 AND (kind < 6 OR kind > 15);
CREATE INDEX messages_ruled_room ON messages (room_id, time_ms, seq) WHERE kind > 3 AND (kind < 6 OR kind > 15);

-- Whom the server shuts out. id is that of the entry in audit; target is chat.Ban.Target;
-- network is empty, or user_id is 0.
CREATE TABLE bans (
    id         INTEGER PRIMARY KEY,
    target     TEXT    NOT NULL UNIQUE,
    user_id    INTEGER NOT NULL,
    network    TEXT    NOT NULL,
    until_ms   INTEGER NOT NULL,
    reason     TEXT    NOT NULL,
    created_ms INTEGER NOT NULL
);

-- What users have reported. outcome 0: it is open.
CREATE TABLE reports (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    room_id     INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    author      INTEGER NOT NULL,
    reporter    INTEGER NOT NULL,
    time_ms     INTEGER NOT NULL,
    reason      TEXT    NOT NULL,
    outcome     INTEGER NOT NULL DEFAULT 0,
    resolved_by INTEGER NOT NULL DEFAULT 0,
    resolved_ms INTEGER NOT NULL DEFAULT 0,
    note        TEXT    NOT NULL DEFAULT '',
    UNIQUE (room_id, seq, reporter)
);
CREATE INDEX reports_room ON reports (room_id, id);
CREATE INDEX reports_open ON reports (id) WHERE outcome = 0;
CREATE INDEX reports_open_room ON reports (room_id, id) WHERE outcome = 0;
CREATE INDEX reports_open_reporter ON reports (reporter) WHERE outcome = 0;
CREATE INDEX reports_resolved ON reports (resolved_ms) WHERE outcome <> 0;

-- +goose Down
DROP TABLE reports;
DROP TABLE bans;
DROP INDEX messages_ruled_room;
DROP INDEX messages_ruled;
DROP TABLE audit;
DROP TABLE operators;
