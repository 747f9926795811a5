package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"

	"sarang/chat"
)

// The tables of mentions and threads are written here, in the transaction that stores the
// message or what changes it, and read here; see the migration 00018. A message that mentions
// nobody and answers none has no row in them.

// linkStmts are the writer's statements for messages that mention somebody, or answer.
type linkStmts struct {
	mention, dropMentions   *sql.Stmt
	reply, answered, erased *sql.Stmt
	forget                  [3]*sql.Stmt // what is known of events that retention has erased
}

func (l *linkStmts) all() []stmtOf {
	return []stmtOf{
		{&l.mention, "INSERT INTO mentions (user_id, room_id, seq, time_ms) VALUES (?, ?, ?, ?)"},
		{&l.dropMentions, "DELETE FROM mentions WHERE room_id = ? AND seq = ?"},
		{&l.reply, `INSERT INTO replies (room_id, root, seq)
			SELECT room_id, seq, ?3 FROM messages WHERE room_id = ?1 AND seq = ?2 AND kind = 1`},
		{&l.answered, `INSERT INTO threads (room_id, root, replies, last_seq) VALUES (?1, ?2, 1, ?3)
			ON CONFLICT DO UPDATE SET replies = replies + 1, last_seq = excluded.last_seq`},
		{&l.erased, `UPDATE threads SET replies = replies - 1 WHERE room_id = ?1 AND root = ?2
			AND EXISTS (SELECT 1 FROM replies WHERE room_id = ?1 AND root = ?2 AND seq = ?3)`},
		{&l.forget[0], "DELETE FROM mentions WHERE room_id = ?1 AND seq < (SELECT min(seq) FROM messages WHERE room_id = ?1)"},
		{&l.forget[1], "DELETE FROM replies WHERE room_id = ?1 AND root < (SELECT min(seq) FROM messages WHERE room_id = ?1)"},
		{&l.forget[2], "DELETE FROM threads WHERE room_id = ?1 AND root < (SELECT min(seq) FROM messages WHERE room_id = ?1)"},
	}
}

func (l *linkStmts) prepare(ctx context.Context, conn *sql.Conn) (err error) {
	for _, s := range l.all() {
		if *s.stmt, err = conn.PrepareContext(ctx, s.query); err != nil {
			return err
		}
	}
	return nil
}

func (l *linkStmts) close() error {
	var errs []error
	for _, s := range l.all() {
		errs = append(errs, closeStmts(*s.stmt))
	}
	return errors.Join(errs...)
}

// storeLinks notes what messages say of others. It comes before the changes of the same batch.
func (w *writer) storeLinks(ctx context.Context, linked []*chat.Event) error {
	for _, e := range linked {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := w.mention(e.Room, e.Seq, e.TimeMs, e.Text); err != nil {
			return err
		}
		if err := w.answer(e); err != nil {
			return err
		}
	}
	return nil
}

// mention notes whom a message mentions whose text is now this one.
func (w *writer) mention(room chat.RoomID, seq chat.Seq, timeMs int64, text string) error {
	for _, u := range chat.MentionedUsers(text) {
		if u != 0 && !w.isUser(u) {
			continue
		}
		if err := exec(context.Background(), w.link.mention, int64(u), int64(room), int64(seq), timeMs); err != nil {
			return err
		}
	}
	return nil
}

// answer notes to which thread a message belongs.
func (w *writer) answer(e *chat.Event) error {
	root := e.ThreadRoot()
	if root == 0 {
		return nil
	}
	room := int64(e.Room)
	args := []any{room, int64(root), int64(e.Seq)}
	result, err := w.link.reply.ExecContext(context.Background(), args...)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return err
	}
	return firstError(exec(context.Background(), w.link.answered, args...), w.follow(e))
}

const (
	selectMentions = `SELECT time_ms, room_id, seq FROM mentions
	WHERE user_id = ?1 AND user_id <> 0 AND (time_ms, room_id, seq) < (?2, ?3, ?4)
	ORDER BY time_ms DESC, room_id DESC, seq DESC LIMIT ?5`

	selectPins = `SELECT target, pinned FROM changes
	WHERE room_id = ?1 AND pinned <> 0 AND pinned <= ?2 ORDER BY pinned DESC LIMIT ?3`

	selectReplies       = "SELECT seq FROM replies WHERE room_id = ? AND root = ? AND seq > ? ORDER BY seq LIMIT ?"
	selectRepliesBefore = "SELECT seq FROM replies WHERE room_id = ? AND root = ? AND seq < ? ORDER BY seq DESC LIMIT ?"
)

// UserMentions is documented at chat.MentionStore.
func (s *Store) UserMentions(ctx context.Context, user chat.UserID, before chat.MentionPlace, itemsMax int) (page []chat.MentionPlace, err error) {
	if before == (chat.MentionPlace{}) {
		before = chat.MentionPlace{TimeMs: math.MaxInt64}
	}
	args := []any{int64(min(user, math.MaxInt64)), before.TimeMs, int64(min(before.Room, math.MaxInt64)), seqArg(before.Seq), max(itemsMax, 1)}
	err = s.readRows(ctx, s.readers.mentions, args, func(rows *sql.Rows) error {
		var m chat.MentionPlace
		err := rows.Scan(bits[int64]{&m.TimeMs}, number[chat.RoomID]{&m.Room}, number[chat.Seq]{&m.Seq})
		page = append(page, m)
		return err
	})
	return page, err
}

// Pins is documented at chat.ThreadStore.
func (s *Store) Pins(ctx context.Context, room chat.RoomID, before chat.Seq, itemsMax int) (page []chat.Pin, err error) {
	err = s.readRows(ctx, s.readers.pins, []any{int64(room), seqBefore(before), max(itemsMax, 1)}, func(rows *sql.Rows) error {
		var p chat.Pin
		err := rows.Scan(number[chat.Seq]{&p.Target}, number[chat.Seq]{&p.Pinned})
		page = append(page, p)
		return err
	})
	return page, err
}

// Replies is documented at chat.ThreadStore.
func (s *Store) Replies(ctx context.Context, room chat.RoomID, root chat.Seq, p chat.Page) (seqs []chat.Seq, more bool, err error) {
	stmt, from := s.readers.replies, p.After
	if p.Before != 0 {
		stmt, from = s.readers.repliesBefore, p.Before
	}
	itemsMax := min(max(p.ItemsMax, 1), math.MaxInt32)
	err = s.readRows(ctx, stmt, []any{int64(room), seqArg(root), seqArg(from), itemsMax + 1}, func(rows *sql.Rows) error {
		var seq chat.Seq
		err := rows.Scan(number[chat.Seq]{&seq})
		seqs = append(seqs, seq)
		return err
	})
	if err != nil {
		return nil, false, err
	}
	if more = len(seqs) > itemsMax; more {
		seqs = seqs[:itemsMax]
	}
	if p.Before != 0 {
		slices.Reverse(seqs)
	}
	return seqs, more, nil
}

// seqBefore is below which number something is looked for; 0 is any.
func seqBefore(seq chat.Seq) int64 { return seqArg(seq - 1) }

// readRows runs a statement of the readers, and calls each for its rows.
func (s *Store) readRows(ctx context.Context, stmt *sql.Stmt, args []any, each func(*sql.Rows) error) error {
	if err := s.beginRead(ctx); err != nil {
		return err
	}
	defer s.endRead()
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return readError(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows); err != nil {
			return readError(fmt.Errorf("a row of %v: %w", args[0], err))
		}
	}
	if err := rows.Err(); err != nil {
		return readError(err)
	}
	return nil
}
