-- +goose Up

-- Files that were uploaded; their bytes are beside the store, by hash. state: 0 a message names it,
-- 1 none has named it yet, 2 it has lost a link, and perhaps its last, 3 it is being removed.
CREATE TABLE files (
    id         INTEGER PRIMARY KEY,
    user_id    INTEGER NOT NULL,
    hash       BLOB    NOT NULL,
    size_bytes INTEGER NOT NULL,
    type       TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    width      INTEGER NOT NULL,
    height     INTEGER NOT NULL,
    thumbnail  INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    state      INTEGER NOT NULL
);
CREATE INDEX files_user ON files (user_id, state, size_bytes);
CREATE INDEX files_hash ON files (hash);
CREATE INDEX files_loose ON files (state, created_ms) WHERE state <> 0;

-- Which message names which file.
CREATE TABLE file_links (
    room_id INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    file_id INTEGER NOT NULL,
    PRIMARY KEY (room_id, seq, file_id)
) WITHOUT ROWID;
CREATE INDEX file_links_file ON file_links (file_id);

-- +goose Down
DROP TABLE file_links;
DROP TABLE files;
