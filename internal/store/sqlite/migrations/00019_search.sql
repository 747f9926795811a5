-- +goose Up

-- What messages say now, by words; see search.go. An entry of the index has the id that it has in
-- indexed. The index keeps neither texts nor where in them a word stands. What is taken out of it is
-- overwritten, as texts are (secure-delete).
CREATE VIRTUAL TABLE search USING fts5 (terms, content = '', detail = none, columnsize = 0, tokenize = "ascii tokenchars ':'");
INSERT INTO search (search, rank) VALUES ('secure-delete', 1);

-- id: 2^20 for each millisecond of the message's time, and a count of those of one millisecond: the
-- newest has the highest.
CREATE TABLE indexed (
    id      INTEGER PRIMARY KEY,
    room_id INTEGER NOT NULL,
    seq     INTEGER NOT NULL
);

-- How far messages from before there was an index have come into it. version: what cut texts into words;
-- empty: nothing has yet.
CREATE TABLE indexing (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    version TEXT    NOT NULL,
    room_id INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    done    INTEGER NOT NULL
);
INSERT INTO indexing (id, version, room_id, seq, done) VALUES (1, '', 0, 0, 0);

-- +goose Down
DROP TABLE indexing;
DROP TABLE indexed;
DROP TABLE search;
