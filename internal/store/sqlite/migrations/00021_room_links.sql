-- +goose Up

-- Links by which people come into private rooms. id is that of the entry in audit; code_hash is the
-- SHA-256 of the code; uses_max 0: no bound; expires_ms 0: for good. last_use is the nonce of the
-- newest use: one that is counted again is known by it.
CREATE TABLE room_links (
    id         INTEGER PRIMARY KEY,
    room_id    INTEGER NOT NULL,
    code_hash  BLOB    NOT NULL UNIQUE,
    by_id      INTEGER NOT NULL,
    uses       INTEGER NOT NULL,
    uses_max   INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    last_use   INTEGER NOT NULL
);
CREATE INDEX room_links_room ON room_links (room_id, id);

-- +goose Down
DROP TABLE room_links;
