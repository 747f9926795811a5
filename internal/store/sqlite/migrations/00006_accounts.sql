-- +goose Up

-- password: the hash of a user's password, in PHC form; NULL: he has none, and is a guest.
ALTER TABLE users ADD COLUMN password TEXT;

-- Where users have logged in. token_hash is what a login has to show; next_hash takes its place
-- with its first use, NULL if there is none. Ids are of their user. The token that a user had
-- before there were devices is his device 1.
CREATE TABLE devices (
    user_id    INTEGER NOT NULL,
    id         INTEGER NOT NULL,
    name       TEXT    NOT NULL,
    address    TEXT    NOT NULL,
    token_hash BLOB    NOT NULL,
    renewed_ms INTEGER NOT NULL,
    next_hash  BLOB,
    next_ms    INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    seen_ms    INTEGER NOT NULL,
    PRIMARY KEY (user_id, id)
) WITHOUT ROWID;
INSERT INTO devices
    SELECT id, 1, '', '', token_hash, created_ms, NULL, 0, created_ms, seen_ms FROM users
    WHERE name_key IS NOT NULL AND length(token_hash) = 32 AND token_hash <> zeroblob(32);
ALTER TABLE users DROP COLUMN token_hash;

-- Codes by which people register: code_hash is the SHA-256 of one. expires_ms 0: for good.
CREATE TABLE invitations (
    code_hash  BLOB    PRIMARY KEY,
    note       TEXT    NOT NULL,
    uses_left  INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    created_ms INTEGER NOT NULL
) WITHOUT ROWID;

-- Whom other programs know, by what they call them.
CREATE TABLE externals (
    external TEXT    PRIMARY KEY,
    user_id  INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX externals_user ON externals (user_id);

-- +goose Down
DROP TABLE externals;
DROP TABLE invitations;
ALTER TABLE users ADD COLUMN token_hash BLOB NOT NULL DEFAULT (zeroblob(32));
UPDATE users SET token_hash = d.token_hash FROM devices d WHERE d.user_id = users.id AND d.id = 1;
DROP TABLE devices;
ALTER TABLE users DROP COLUMN password;
