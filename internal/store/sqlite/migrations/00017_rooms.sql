-- +goose Up

-- Names that rooms had: until until_ms no other room gets one.
CREATE TABLE room_names (
    name_key TEXT    NOT NULL PRIMARY KEY,
    room_id  INTEGER NOT NULL,
    until_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX room_names_room ON room_names (room_id);

-- Rooms that were deleted, of which something is still to be erased.
CREATE TABLE rooms_deleted (
    room_id INTEGER PRIMARY KEY
);

-- +goose Down
DROP TABLE rooms_deleted;
DROP TABLE room_names;
