-- +goose Up

-- What rooms do not take: words, one a line, and addresses of the web. version grows with each change.
CREATE TABLE room_filters (
    room_id INTEGER PRIMARY KEY,
    version INTEGER NOT NULL,
    words   TEXT    NOT NULL,
    links   INTEGER NOT NULL
);

-- +goose Down
DROP TABLE room_filters;
