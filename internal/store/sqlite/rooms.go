package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"sarang/chat"
)

// roomEphemeral is a bit of rooms.flags.
const roomEphemeral = 1

// The newest seq is one step into the table, which is ordered by (room_id, seq).
const selectRooms = `SELECT id, name, name_key, epoch, flags, created_ms,
	coalesce((SELECT max(seq) FROM messages WHERE room_id = rooms.id), 0)
	FROM rooms ORDER BY id`

func scanRoom(rows *sql.Rows) (chat.Room, error) {
	var r chat.Room
	var flags int64
	err := rows.Scan(number[chat.RoomID]{&r.ID}, text{&r.Name}, text{&r.Key}, bits[chat.Epoch]{&r.Epoch},
		bits[int64]{&flags}, bits[int64]{&r.CreatedMs}, number[chat.Seq]{&r.LastSeq})
	if err == nil && r.ID == 0 {
		err = &columnError{int64(0), "the id of a room"}
	}
	if err != nil {
		err = fmt.Errorf("room %d: %w", r.ID, err)
	}
	r.Ephemeral = flags&roomEphemeral != 0
	return r, err
}

// CreateRoom is documented at chat.Store.
func (s *Store) CreateRoom(ctx context.Context, r chat.Room) (chat.Room, error) {
	if err := s.begin(ctx); err != nil {
		return chat.Room{}, err
	}
	defer s.end()
	if r.Key == "" || r.Name == "" {
		return chat.Room{}, chat.Errorf(chat.CodeBadRequest, "a room needs a name and its key")
	}
	w := s.writer
	if err := w.take(ctx); err != nil {
		return chat.Room{}, err
	}
	defer w.giveBack()
	if err := w.ready(ctx); err != nil {
		return chat.Room{}, err
	}
	r.LastSeq = 0
	do := func() (err error) {
		r.ID, err = w.makeRoom(r)
		return err
	}
	stored := func() bool {
		_, known := w.rooms[r.ID]
		return known
	}
	if err := w.transact(ctx, do, stored); err != nil {
		return chat.Room{}, err
	}
	w.rooms[r.ID] = roomState{ephemeral: r.Ephemeral}
	return r, nil
}

// makeRoom inserts r inside a transaction.
func (w *writer) makeRoom(r chat.Room) (chat.RoomID, error) {
	ctx := context.Background()
	var id int64
	switch err := w.selectRoom.QueryRowContext(ctx, r.Key).Scan(bits[int64]{&id}); {
	case err == nil:
		return 0, chat.Errorf(chat.CodeRoomExists, "a room named %q exists already", r.Name)
	case !errors.Is(err, sql.ErrNoRows):
		return 0, err
	}
	flags := 0
	if r.Ephemeral {
		flags |= roomEphemeral
	}
	result, err := w.insertRoom.ExecContext(ctx, r.Name, r.Key, int64(r.Epoch), flags, r.CreatedMs)
	if err != nil {
		return 0, err
	}
	id, err = result.LastInsertId()
	return chat.RoomID(id), err
}
