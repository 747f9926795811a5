-- +goose Up

-- Of the newest events of kinds 17, 18 and 19: what the room is about at length, whether it is
-- archived, and how many seconds members wait between two messages.
ALTER TABLE rooms ADD COLUMN description TEXT    NOT NULL DEFAULT '';
ALTER TABLE rooms ADD COLUMN archived    INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rooms ADD COLUMN slow_s      INTEGER NOT NULL DEFAULT 0;

-- What of the logs is in the audit log, too: roles and kicks, and settings of rooms.
DROP INDEX messages_ruled;
DROP INDEX messages_ruled_room;
CREATE INDEX messages_ruled ON messages (time_ms, room_id, seq) WHERE kind IN (4, 5, 16, 17, 18, 19);
CREATE INDEX messages_ruled_room ON messages (room_id, time_ms, seq) WHERE kind IN (4, 5, 16, 17, 18, 19);

-- +goose Down
DROP INDEX messages_ruled;
DROP INDEX messages_ruled_room;
CREATE INDEX messages_ruled ON messages (time_ms, room_id, seq) WHERE kind IN (4, 5);
CREATE INDEX messages_ruled_room ON messages (room_id, time_ms, seq) WHERE kind IN (4, 5);
ALTER TABLE rooms DROP COLUMN slow_s;
ALTER TABLE rooms DROP COLUMN archived;
ALTER TABLE rooms DROP COLUMN description;
