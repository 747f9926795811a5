-- +goose Up

-- Who follows which thread, and how far he has read it; followed 0: he has said that he does not want to.
-- Commit adds who starts a thread, writes in it or is mentioned there; see follows.go.
CREATE TABLE follows (
    user_id  INTEGER NOT NULL,
    room_id  INTEGER NOT NULL,
    root     INTEGER NOT NULL,
    followed INTEGER NOT NULL,
    mark_seq INTEGER NOT NULL,
    PRIMARY KEY (user_id, room_id, root)
) WITHOUT ROWID;
CREATE INDEX follows_thread ON follows (room_id, root);

-- Of the threads that are there, those who have started them, written in them or are mentioned there have
-- read all.
INSERT INTO follows (user_id, room_id, root, followed, mark_seq)
    SELECT x.user_id, t.room_id, t.root, 1, t.last_seq FROM threads t JOIN (
        SELECT r.room_id, r.root, m.user_id FROM replies r JOIN messages m ON m.room_id = r.room_id AND m.seq = r.seq
        UNION SELECT t.room_id, t.root, m.user_id FROM threads t JOIN messages m ON m.room_id = t.room_id AND m.seq = t.root
        UNION SELECT r.room_id, r.root, n.user_id FROM replies r JOIN mentions n ON n.room_id = r.room_id AND n.seq = r.seq
        UNION SELECT t.room_id, t.root, n.user_id FROM threads t JOIN mentions n ON n.room_id = t.room_id AND n.seq = t.root
    ) x ON x.room_id = t.room_id AND x.root = t.root WHERE x.user_id <> 0;

-- +goose Down
DROP TABLE follows;
