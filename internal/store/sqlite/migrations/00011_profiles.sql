-- +goose Up

-- What users say of themselves; chat.Profile. Who has said nothing has no row.
CREATE TABLE profiles (
    user_id      INTEGER PRIMARY KEY,
    display_name TEXT    NOT NULL,
    about        TEXT    NOT NULL,
    status       TEXT    NOT NULL,
    hidden       INTEGER NOT NULL
);

-- Who does not want to see whom.
CREATE TABLE blocks (
    user_id    INTEGER NOT NULL,
    blocked_id INTEGER NOT NULL,
    PRIMARY KEY (user_id, blocked_id)
) WITHOUT ROWID;

-- The names that users had until left_ms, as long as nobody else has them. look is
-- chat.Skeleton of name_key; '': not known.
CREATE TABLE old_names (
    name_key TEXT    PRIMARY KEY,
    user_id  INTEGER NOT NULL,
    look     TEXT    NOT NULL,
    left_ms  INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX old_names_user ON old_names (user_id);
CREATE INDEX old_names_look ON old_names (look);

-- Who belongs to a room.
CREATE INDEX memberships_room ON memberships (room_id, user_id);

-- +goose Down
DROP INDEX memberships_room;
DROP TABLE old_names;
DROP TABLE blocks;
DROP TABLE profiles;
