package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"

	"sarang/chat"
)

// The tables of what became of messages are written here, in the transaction that stores the
// events, and read here; see the migration 00009.

// changeStmts are the writer's statements for events that change messages.
type changeStmts struct {
	target                                *sql.Stmt // what is changed
	edit, edited                          *sql.Stmt
	erase, eraseOne                       *sql.Stmt // texts
	dropEdits, dropReactions, dropTallies *sql.Stmt
	deleted, pinned, touched              *sql.Stmt
	react, unreact, countUp, countDown    *sql.Stmt
	forget                                [4]*sql.Stmt // what is known of events that retention has erased
}

// upsertChange sets one column of a message's row, and changed with it.
func upsertChange(column string) string {
	return `INSERT INTO changes (room_id, target, changed, edited, deleted, pinned) VALUES (?1, ?2, ?3, 0, 0, 0)
		ON CONFLICT DO UPDATE SET changed = excluded.changed` + column
}

// The newest event that is known to be gone from the beginning of a log.
const goneBefore = " WHERE room_id = ?1 AND target < (SELECT min(seq) FROM messages WHERE room_id = ?1)"

func (c *changeStmts) all() []stmtOf {
	return []stmtOf{
		{&c.target, `SELECT m.kind, m.target, m.until_ms, m.time_ms, coalesce(c.deleted, 0) FROM messages m
			LEFT JOIN changes c ON c.room_id = m.room_id AND c.target = m.seq WHERE m.room_id = ? AND m.seq = ?`},
		{&c.edit, "INSERT INTO edits (room_id, target, seq) VALUES (?, ?, ?)"},
		{&c.erase, `UPDATE messages SET text = '', digest = 0 WHERE room_id = ?1
			AND seq IN (SELECT ?2 UNION ALL SELECT seq FROM edits WHERE room_id = ?1 AND target = ?2)`},
		{&c.eraseOne, "UPDATE messages SET text = '', digest = 0 WHERE room_id = ? AND seq = ?"},
		{&c.dropEdits, "DELETE FROM edits WHERE room_id = ? AND target = ?"},
		{&c.dropReactions, "DELETE FROM reactions WHERE room_id = ? AND target = ?"},
		{&c.dropTallies, "DELETE FROM tallies WHERE room_id = ? AND target = ?"},
		{&c.touched, upsertChange("")},
		{&c.edited, "UPDATE changes SET edited = ?3 WHERE room_id = ?1 AND target = ?2"},
		{&c.deleted, "UPDATE changes SET deleted = ?3, edited = 0, pinned = 0 WHERE room_id = ?1 AND target = ?2"},
		{&c.pinned, "UPDATE changes SET pinned = ?3 WHERE room_id = ?1 AND target = ?2"},
		{&c.react, "INSERT OR IGNORE INTO reactions (room_id, target, user_id, emoji, seq) VALUES (?, ?, ?, ?, ?)"},
		{&c.unreact, "DELETE FROM reactions WHERE room_id = ? AND target = ? AND user_id = ? AND emoji = ?"},
		{&c.countUp, `INSERT INTO tallies (room_id, target, emoji, since, count) VALUES (?, ?, ?, ?, 1)
			ON CONFLICT DO UPDATE SET since = CASE WHEN count = 0 THEN excluded.since ELSE since END, count = count + 1`},
		{&c.countDown, "UPDATE tallies SET count = count - 1 WHERE room_id = ? AND target = ? AND emoji = ?"},
		{&c.forget[0], "DELETE FROM changes" + goneBefore},
		{&c.forget[1], "DELETE FROM edits" + goneBefore},
		{&c.forget[2], "DELETE FROM tallies" + goneBefore},
		{&c.forget[3], "DELETE FROM reactions" + goneBefore},
	}
}

// stmtOf is a statement and what it asks.
type stmtOf struct {
	stmt  **sql.Stmt
	query string
}

func (c *changeStmts) prepare(ctx context.Context, conn *sql.Conn) (err error) {
	for _, s := range c.all() {
		if *s.stmt, err = conn.PrepareContext(ctx, s.query); err != nil {
			return err
		}
	}
	return nil
}

func (c *changeStmts) close() error {
	var errs []error
	for _, s := range c.all() {
		errs = append(errs, closeStmts(*s.stmt))
	}
	return errors.Join(errs...)
}

// storeChanges applies the events that change messages, in order, behind all rows of the
// batch.
func (w *writer) storeChanges(ctx context.Context, changes []*chat.Event) error {
	for _, e := range changes {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := w.reindexed(e, func() error { return w.applyChange(e) }); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) applyChange(e *chat.Event) error {
	c, ctx, room, target, seq := &w.change, context.Background(), int64(e.Room), int64(e.Target), int64(e.Seq)
	of := chat.Event{Room: e.Room, Seq: e.Target}
	var extra, deleted int64
	err := c.target.QueryRowContext(ctx, room, target).
		Scan(number[chat.EventKind]{&of.Kind}, number[chat.Seq]{&of.Target}, &extra, bits[int64]{&of.TimeMs}, &deleted)
	of.SetExtra(extra)
	switch {
	case errors.Is(err, sql.ErrNoRows), err == nil && of.Kind != chat.EventMessage:
		return nil
	case err != nil:
		return err
	case deleted != 0 && e.Kind == chat.EventEdit:
		w.erased = true
		return exec(ctx, c.eraseOne, room, seq)
	case deleted != 0:
		return nil
	}
	if err := exec(ctx, c.touched, room, target, seq); err != nil {
		return err
	}
	switch e.Kind {
	case chat.EventEdit:
		return firstError(exec(ctx, c.edit, room, target, seq), exec(ctx, c.edited, room, target, seq),
			exec(ctx, w.link.dropMentions, room, target), w.mention(e.Room, e.Target, of.TimeMs, e.Text))
	case chat.EventDelete:
		w.erased = true
		return firstError(
			exec(ctx, c.erase, room, target), w.files.unname(room, target), exec(ctx, c.dropEdits, room, target), exec(ctx, c.dropReactions, room, target),
			exec(ctx, c.dropTallies, room, target), exec(ctx, c.deleted, room, target, seq),
			exec(ctx, w.link.dropMentions, room, target), exec(ctx, w.link.erased, room, int64(of.ThreadRoot()), target))
	case chat.EventPin:
		return exec(ctx, c.pinned, room, target, seq)
	case chat.EventUnpin:
		return exec(ctx, c.pinned, room, target, 0)
	case chat.EventReact:
		return ifChanged(c.react, c.countUp, []any{room, target, e.Text, seq}, room, target, int64(e.User), e.Text, seq)
	case chat.EventUnreact:
		return ifChanged(c.unreact, c.countDown, []any{room, target, e.Text}, room, target, int64(e.User), e.Text)
	}
	return nil
}

// firstError returns the first error of statements that were run one after the other: the
// transaction is given up by it whole.
func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// ifChanged runs then if first has changed a row.
func ifChanged(first, then *sql.Stmt, thenArgs []any, args ...any) error {
	result, err := first.ExecContext(context.Background(), args...)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return err
	}
	return exec(context.Background(), then, thenArgs...)
}

// What selectTarget's rows are about.
const (
	targetEvent = iota
	targetEnd
	targetChange
	targetEdit
	targetEmoji
	targetMine
)

// One statement, so that all is of one moment.
const selectTarget = `SELECT 0, kind, user_id, time_ms, '' FROM messages WHERE room_id = ?1 AND seq = ?2
	UNION ALL SELECT 1, coalesce(max(seq), 0), 0, 0, '' FROM messages WHERE room_id = ?1
	UNION ALL SELECT 2, deleted, pinned, 0, '' FROM changes WHERE room_id = ?1 AND target = ?2
	UNION ALL SELECT 3, seq, 0, 0, '' FROM edits WHERE room_id = ?1 AND target = ?2
	UNION ALL SELECT 4, 0, 0, 0, emoji FROM tallies WHERE room_id = ?1 AND target = ?2
	UNION ALL SELECT 5, seq, 0, 0, emoji FROM reactions WHERE room_id = ?1 AND target = ?2 AND user_id = ?3`

// Target is documented at chat.ChangeStore.
func (s *Store) Target(ctx context.Context, room chat.RoomID, seq chat.Seq, user chat.UserID) (chat.Target, error) {
	if err := s.beginRead(ctx); err != nil {
		return chat.Target{}, err
	}
	defer s.endRead()
	rows, err := s.readers.target.QueryContext(ctx, int64(room), seqArg(seq), int64(user))
	if err != nil {
		return chat.Target{}, readError(err)
	}
	defer rows.Close()
	t, err := scanTarget(rows)
	if err != nil {
		return chat.Target{}, readError(fmt.Errorf("room %d, event %d: %w", room, seq, err))
	}
	return t, nil
}

// seqArg is a number that comes from a client: one beyond SQLite's integers is beyond
// everything.
func seqArg(seq chat.Seq) int64 { return int64(min(seq, math.MaxInt64)) }

func scanTarget(rows *sql.Rows) (t chat.Target, err error) {
	for rows.Next() {
		var what, b, c int64
		var a chat.Seq
		var emoji string
		if err := rows.Scan(&what, number[chat.Seq]{&a}, bits[int64]{&b}, bits[int64]{&c}, text{&emoji}); err != nil {
			return chat.Target{}, err
		}
		switch what {
		case targetEvent:
			if a > math.MaxUint8 {
				return chat.Target{}, damagedError(fmt.Errorf("there is no kind %d", a))
			}
			t.Kind, t.User, t.TimeMs = chat.EventKind(a), chat.UserID(b), c
		case targetEnd:
			t.AsOf = a
		case targetChange:
			t.Deleted, t.Pinned = a, chat.Seq(b)
		case targetEdit:
			t.Edits = append(t.Edits, a)
		case targetEmoji:
			t.Emojis = append(t.Emojis, emoji)
		case targetMine:
			t.Mine = append(t.Mine, chat.Reaction{Emoji: emoji, Mine: a})
		}
	}
	return t, rows.Err()
}

// A message's row, then its emojis in the order in which they came.
const selectStates = `SELECT c.target, 0, 0, c.changed, c.edited, c.deleted, c.pinned, coalesce(m.text, '') FROM changes c
	LEFT JOIN messages m ON m.room_id = c.room_id AND m.seq = c.edited
	WHERE c.room_id = ?1 AND c.target BETWEEN ?2 AND ?3
	UNION ALL
	SELECT t.target, 1, t.since, t.count, coalesce(r.seq, 0), 0, 0, t.emoji FROM tallies t
	LEFT JOIN reactions r ON r.room_id = t.room_id AND r.target = t.target AND r.user_id = ?4 AND r.emoji = t.emoji
	WHERE t.room_id = ?1 AND t.target BETWEEN ?2 AND ?3 AND t.count > 0
	ORDER BY 1, 2, 3, 8`

// States is documented at chat.ChangeStore.
func (s *Store) States(ctx context.Context, room chat.RoomID, first, last chat.Seq, user chat.UserID) ([]chat.State, error) {
	if err := s.beginRead(ctx); err != nil {
		return nil, err
	}
	defer s.endRead()
	rows, err := s.readers.states.QueryContext(ctx, int64(room), seqArg(first), seqArg(last), int64(user))
	if err != nil {
		return nil, readError(err)
	}
	defer rows.Close()
	states, err := scanStates(rows)
	if err != nil {
		return nil, readError(fmt.Errorf("room %d: %w", room, err))
	}
	return states, nil
}

func scanStates(rows *sql.Rows) (states []chat.State, err error) {
	for rows.Next() {
		var what, since int64
		var target, a, b, c, d chat.Seq
		var said string
		err := rows.Scan(number[chat.Seq]{&target}, &what, &since, number[chat.Seq]{&a}, number[chat.Seq]{&b},
			number[chat.Seq]{&c}, number[chat.Seq]{&d}, text{&said})
		n := len(states)
		switch {
		case err != nil:
			return nil, err
		case what == 0:
			states = append(states, chat.State{Target: target, Changed: a, Edited: b, Deleted: c, Pinned: d, Text: said})
		case n == 0 || states[n-1].Target != target:
			return nil, damagedError(fmt.Errorf("event %d has reactions and was not changed", target))
		default:
			states[n-1].Reactions = append(states[n-1].Reactions, chat.Reaction{Emoji: said, Count: int(min(a, math.MaxInt32)), Mine: b})
		}
	}
	return states, rows.Err()
}
