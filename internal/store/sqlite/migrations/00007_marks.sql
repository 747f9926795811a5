-- +goose Up

-- said: how many messages (events of kind 1) the room has had up to this event; said_seq: the
-- newest of them. So unread messages are a difference of two rows, however many are between
-- them. Those of the rows that are there are counted here, once.
ALTER TABLE messages ADD COLUMN said     INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN said_seq INTEGER NOT NULL DEFAULT 0;
UPDATE messages SET said = counted.said, said_seq = counted.said_seq
    FROM (SELECT room_id, seq,
            sum(kind = 1) OVER w AS said,
            max(CASE WHEN kind = 1 THEN seq ELSE 0 END) OVER w AS said_seq
        FROM messages WINDOW w AS (PARTITION BY room_id ORDER BY seq)) AS counted
    WHERE messages.room_id = counted.room_id AND messages.seq = counted.seq;

-- Who belongs to which room since which event, and how far he has read; chat.Membership.
-- Of the data that is there, those belong to a room who have said something in it, and have
-- read all of it.
CREATE TABLE memberships (
    user_id   INTEGER NOT NULL,
    room_id   INTEGER NOT NULL,
    since_seq INTEGER NOT NULL,
    mark_seq  INTEGER NOT NULL,
    muted     INTEGER NOT NULL,
    PRIMARY KEY (user_id, room_id)
) WITHOUT ROWID;
INSERT INTO memberships (user_id, room_id, since_seq, mark_seq, muted)
    SELECT a.user_id, a.room_id, last, last, 0 FROM
        (SELECT user_id, room_id, coalesce((SELECT max(seq) FROM messages WHERE room_id = authors.room_id), 0) AS last
            FROM authors) AS a
        JOIN rooms ON rooms.id = a.room_id AND rooms.flags & 1 = 0
    ON CONFLICT DO NOTHING;

-- +goose Down
DROP TABLE memberships;
ALTER TABLE messages DROP COLUMN said_seq;
ALTER TABLE messages DROP COLUMN said;
