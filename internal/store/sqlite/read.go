package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"

	"sarang/chat"
)

// readers is the bounded pool of reading connections and its statements.
type readers struct {
	db                                   *sql.DB
	lastSeq, history, nonces, room, user *sql.Stmt
}

// The list of a user's messages is walked from its head; see the first migration.
const selectNonces = `WITH RECURSIVE said (seq, nonce, prev_seq) AS (
	SELECT m.seq, m.nonce, m.prev_seq FROM authors a
		JOIN messages m ON m.room_id = a.room_id AND m.seq = a.last_seq
		WHERE a.user_id = ?1 AND a.room_id = ?2
	UNION ALL
	SELECT m.seq, m.nonce, m.prev_seq FROM said
		JOIN messages m ON m.room_id = ?2 AND m.seq = said.prev_seq
	LIMIT ?3)
	SELECT nonce, seq FROM said`

const selectHistory = `SELECT m.seq, m.kind, m.user_id, coalesce(u.name, ''), m.nonce, m.time_ms, m.text
	FROM messages m LEFT JOIN users u ON u.id = m.user_id
	WHERE m.room_id = ? AND m.seq > ? ORDER BY m.seq LIMIT ?`

const selectUser = `SELECT name, coalesce(name_key, ''), created_ms, seen_ms,
	(SELECT coalesce(sum(sent_count), 0) FROM authors WHERE user_id = users.id)
	FROM users WHERE id = ?`

func openReaders(ctx context.Context, file string, c Config) (*readers, error) {
	db, err := openDB(readerDSN(file, c), c.ReadersMax)
	if err != nil {
		return nil, err
	}
	r := &readers{db: db}
	for _, s := range []struct {
		stmt  **sql.Stmt
		query string
	}{
		{&r.lastSeq, "SELECT coalesce(max(seq), 0) FROM messages WHERE room_id = ?"},
		{&r.history, selectHistory},
		{&r.nonces, selectNonces},
		{&r.room, selectRooms},
		{&r.user, selectUser},
	} {
		if *s.stmt, err = db.PrepareContext(ctx, s.query); err != nil {
			return nil, errors.Join(err, r.close())
		}
	}
	return r, nil
}

func (r *readers) close() error {
	return errors.Join(closeStmts(r.lastSeq, r.history, r.nonces, r.room, r.user), r.db.Close())
}

// LastSeq is documented at chat.Store.
func (s *Store) LastSeq(ctx context.Context, room chat.RoomID) (chat.Seq, error) {
	if err := s.begin(ctx); err != nil {
		return 0, err
	}
	defer s.end()
	if err := s.makeCertain(ctx); err != nil {
		return 0, err
	}
	var last chat.Seq
	if err := s.readers.lastSeq.QueryRowContext(ctx, int64(room)).Scan(number[chat.Seq]{&last}); err != nil {
		return 0, readError(err)
	}
	return last, nil
}

// makeCertain settles the outcome of a failed commit before somebody relies on it.
func (s *Store) makeCertain(ctx context.Context) error {
	if !s.writer.unsettled.Load() {
		return nil
	}
	if err := s.writer.take(ctx); err != nil {
		return err
	}
	defer s.writer.giveBack()
	return s.writer.ready(ctx)
}

// History is documented at chat.Store. The events of a page have consecutive numbers.
func (s *Store) History(ctx context.Context, room chat.RoomID, after chat.Seq, itemsMax, bytesMax int) ([]chat.Event, error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.end()
	// A cursor comes from a client; one beyond SQLite's integers is after everything.
	from := int64(min(after, math.MaxInt64))
	rows, err := s.readers.history.QueryContext(ctx, int64(room), from, max(itemsMax, 1))
	if err != nil {
		return nil, readError(err)
	}
	defer rows.Close()
	var events []chat.Event
	textBytes := 0
	for rows.Next() {
		e, err := scanEvent(rows, room)
		if err != nil {
			return nil, readError(err)
		}
		textBytes += len(e.Text)
		if len(events) > 0 {
			// A page ends where an event is missing: whoever counts along its events
			// sees the gap at the beginning of the next one.
			last := events[len(events)-1].Seq
			if e.Seq <= last {
				return nil, damagedError(fmt.Errorf("room %d: event %d stands behind event %d", room, e.Seq, last))
			}
			if textBytes > bytesMax || e.Seq > last+1 {
				return events, nil
			}
		}
		events = append(events, e)
	}
	if err := rows.Err(); err != nil {
		return nil, readError(err)
	}
	return events, nil
}

func scanEvent(rows *sql.Rows, room chat.RoomID) (chat.Event, error) {
	e := chat.Event{Room: room}
	err := rows.Scan(number[chat.Seq]{&e.Seq}, number[chat.EventKind]{&e.Kind}, number[chat.UserID]{&e.User},
		text{&e.Name}, bits[chat.Nonce]{&e.Nonce}, bits[int64]{&e.TimeMs}, text{&e.Text})
	if err != nil {
		err = fmt.Errorf("room %d, event %d: %w", room, e.Seq, err)
	}
	return e, err
}

// Nonces is documented at chat.Store.
func (s *Store) Nonces(ctx context.Context, room chat.RoomID, user chat.UserID, itemsMax int) ([]chat.NonceSeq, error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.end()
	rows, err := s.readers.nonces.QueryContext(ctx, int64(user), int64(room), max(itemsMax, 0))
	if err != nil {
		return nil, readError(err)
	}
	defer rows.Close()
	var found []chat.NonceSeq
	for rows.Next() {
		var n chat.NonceSeq
		if err := rows.Scan(bits[chat.Nonce]{&n.Nonce}, number[chat.Seq]{&n.Seq}); err != nil {
			return nil, readError(err)
		}
		found = append(found, n)
	}
	if err := rows.Err(); err != nil {
		return nil, readError(err)
	}
	return found, nil
}

// Rooms is documented at chat.Store.
func (s *Store) Rooms(ctx context.Context) ([]chat.Room, error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.end()
	rows, err := s.readers.room.QueryContext(ctx)
	if err != nil {
		return nil, readError(err)
	}
	defer rows.Close()
	var rooms []chat.Room
	for rows.Next() {
		r, err := scanRoom(rows)
		if err != nil {
			return nil, readError(err)
		}
		rooms = append(rooms, r)
	}
	if err := rows.Err(); err != nil {
		return nil, readError(err)
	}
	return rooms, nil
}

// User is documented at chat.Store.
func (s *Store) User(ctx context.Context, id chat.UserID) (chat.User, error) {
	if err := s.begin(ctx); err != nil {
		return chat.User{}, err
	}
	defer s.end()
	u := chat.User{ID: id}
	row := s.readers.user.QueryRowContext(ctx, int64(id))
	err := row.Scan(text{&u.Name}, text{&u.Key}, bits[int64]{&u.CreatedMs}, bits[int64]{&u.SeenMs}, number[uint64]{&u.SentCount})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return chat.User{}, chat.Errorf(chat.CodeBadRequest, "there is no user with id %d", id)
	case err != nil:
		return chat.User{}, readError(err)
	}
	return u, nil
}
