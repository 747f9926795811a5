package sqlstore

import (
	"context"
	"fmt"
	"math"
	"slices"

	"sarang/chat"
)

// The tables of what became of messages are written here, in the transaction that stores the
// events, and read here. Batches with such events go statement by statement, also where there
// is an Appender: they are few, and what is said plainly is not slowed down by them.

// changeTables is the step of the schema that makes them. messages.until_ms is, of messages,
// the first of the thread that they belong to.
func changeTables() []string {
	return []string{
		// changed: the newest event that is in here. edited, deleted, pinned: the event that did
		// it, 0 for none; edited is the newest one. A message that nobody has changed has no row.
		`CREATE TABLE changes (
			room_id BIGINT NOT NULL,
			target  BIGINT NOT NULL,
			changed BIGINT NOT NULL,
			edited  BIGINT NOT NULL,
			deleted BIGINT NOT NULL,
			pinned  BIGINT NOT NULL,
			PRIMARY KEY (room_id, target)
		)`,
		// The edits of a message, until it is deleted: their texts go with its own.
		`CREATE TABLE edits (
			room_id BIGINT NOT NULL,
			target  BIGINT NOT NULL,
			seq     BIGINT NOT NULL,
			PRIMARY KEY (room_id, target, seq)
		)`,
		// How many users have put an emoji on a message, and since which event it is there. One
		// that all have taken back stays: it counts for how many different ones there may be.
		`CREATE TABLE tallies (
			room_id BIGINT NOT NULL,
			target  BIGINT NOT NULL,
			emoji   {key} NOT NULL,
			since   BIGINT NOT NULL,
			tally   BIGINT NOT NULL,
			PRIMARY KEY (room_id, target, emoji)
		)`,
		// Who they are.
		`CREATE TABLE reactions (
			room_id BIGINT NOT NULL,
			target  BIGINT NOT NULL,
			user_id BIGINT NOT NULL,
			emoji   {key} NOT NULL,
			seq     BIGINT NOT NULL,
			PRIMARY KEY (room_id, target, user_id, emoji)
		)`,
		// The pages of what is pinned, and of threads.
		"CREATE INDEX changes_pinned ON changes (room_id, pinned) WHERE pinned <> 0",
		"CREATE INDEX messages_thread ON messages (room_id, until_ms, seq) WHERE kind = 1 AND until_ms <> 0",
	}
}

// changeStatements are those for events that change messages.
type changeStatements struct {
	find, update, insert                  string
	insertEdit, eraseEdits, eraseOne      string
	dropEdits, dropReactions, dropTallies string
	insertReaction, findReaction          string
	dropReaction, countUp, countDown      string
	insertTally                           string
	target, states                        string
	forget, forgetEdits, eraseEditsBehind string
	forgetTallies, forgetReactions        string
}

func compileChanges(d *Dialect) changeStatements {
	const of = " WHERE room_id = ? AND target = ?"
	s := changeStatements{
		find: `SELECT m.kind, m.target, m.until_ms, m.time_ms, coalesce(c.changed, 0), coalesce(c.edited, 0), coalesce(c.deleted, 0), coalesce(c.pinned, 0)
			FROM messages m LEFT JOIN changes c ON c.room_id = m.room_id AND c.target = m.seq
			WHERE m.room_id = ? AND m.seq = ?`,
		update: "UPDATE changes SET changed = ?, edited = ?, deleted = ?, pinned = ?" + of,
		insert: "INSERT INTO changes (changed, edited, deleted, pinned, room_id, target) VALUES (?, ?, ?, ?, ?, ?)",

		insertEdit: "INSERT INTO edits (room_id, target, seq) VALUES (?, ?, ?)",
		eraseEdits: `UPDATE messages SET text = '', digest = 0 WHERE room_id = ? AND seq IN
			(SELECT seq FROM edits WHERE room_id = ? AND target = ?)`,
		eraseOne: "UPDATE messages SET text = '', digest = 0 WHERE room_id = ? AND seq = ?",
		eraseEditsBehind: `UPDATE messages SET text = '', digest = 0 WHERE room_id = ? AND seq > ? AND seq IN
			(SELECT seq FROM edits WHERE room_id = ? AND target <= ?)`,
		dropEdits:     "DELETE FROM edits" + of,
		dropReactions: "DELETE FROM reactions" + of,
		dropTallies:   "DELETE FROM tallies" + of,

		findReaction:   "SELECT seq FROM reactions" + of + " AND user_id = ? AND emoji = ?",
		insertReaction: "INSERT INTO reactions (room_id, target, user_id, emoji, seq) VALUES (?, ?, ?, ?, ?)",
		dropReaction:   "DELETE FROM reactions" + of + " AND user_id = ? AND emoji = ?",
		countUp: "UPDATE tallies SET since = CASE WHEN tally = 0 THEN ? ELSE since END, tally = tally + 1" +
			of + " AND emoji = ?",
		countDown:   "UPDATE tallies SET tally = tally - 1" + of + " AND emoji = ?",
		insertTally: "INSERT INTO tallies (room_id, target, emoji, since, tally) VALUES (?, ?, ?, ?, 1)",

		// One statement, so that all is of one moment.
		target: `SELECT 0, kind, user_id, time_ms, '' FROM messages WHERE room_id = ? AND seq = ?
			UNION ALL SELECT 1, last_seq, 0, 0, '' FROM heads WHERE room_id = ?
			UNION ALL SELECT 2, deleted, pinned, 0, '' FROM changes` + of + `
			UNION ALL SELECT 3, seq, 0, 0, '' FROM edits` + of + `
			UNION ALL SELECT 4, 0, 0, 0, emoji FROM tallies` + of + `
			UNION ALL SELECT 5, seq, 0, 0, emoji FROM reactions` + of + " AND user_id = ?",
		states: `SELECT c.target, 0, 0, c.changed, c.edited, c.deleted, c.pinned, {text of m} FROM changes c
			LEFT JOIN messages m ON m.room_id = c.room_id AND m.seq = c.edited
			WHERE c.room_id = ? AND c.target >= ? AND c.target <= ?
			UNION ALL
			SELECT t.target, 1, t.since, t.tally, coalesce(r.seq, 0), 0, 0, t.emoji FROM tallies t
			LEFT JOIN reactions r ON r.room_id = t.room_id AND r.target = t.target AND r.user_id = ? AND r.emoji = t.emoji
			WHERE t.room_id = ? AND t.target >= ? AND t.target <= ? AND t.tally > 0
			ORDER BY 1, 2, 3`,

		forget:          "DELETE FROM changes WHERE room_id = ? AND target <= ?",
		forgetEdits:     "DELETE FROM edits WHERE room_id = ? AND target <= ?",
		forgetTallies:   "DELETE FROM tallies WHERE room_id = ? AND target <= ?",
		forgetReactions: "DELETE FROM reactions WHERE room_id = ? AND target <= ?",
	}
	for _, query := range []*string{
		&s.find, &s.update, &s.insert, &s.insertEdit, &s.eraseEdits, &s.eraseOne, &s.dropEdits, &s.dropReactions, &s.dropTallies,
		&s.findReaction, &s.insertReaction, &s.dropReaction, &s.countUp, &s.countDown, &s.insertTally, &s.target, &s.states,
		&s.forget, &s.forgetEdits, &s.eraseEditsBehind, &s.forgetTallies, &s.forgetReactions,
	} {
		*query = d.compile(*query)
	}
	return s
}

// storeChanges applies the events that change messages, in order, behind all rows of the
// batch.
func (s *Store) storeChanges(ctx context.Context, c Conn, b *Batch, stands map[chat.RoomID]bool) error {
	for _, e := range b.Changes {
		if !stands[e.Room] {
			continue
		}
		if err := s.storeChange(ctx, c, e); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) storeChange(ctx context.Context, c Conn, e *chat.Event) error {
	q, room, target, seq := &s.sql.change, int64(e.Room), int64(e.Target), int64(e.Seq)
	of := chat.Event{Room: e.Room, Seq: e.Target}
	var kind, answers, extra, changed, edited, deleted, pinned int64
	err := c.Query(ctx, q.find, []any{room, target}, func(scan Scan) error {
		return scan(&kind, &answers, &extra, &of.TimeMs, &changed, &edited, &deleted, &pinned)
	})
	of.Kind, of.Target = chat.EventKind(kind), chat.Seq(answers)
	of.SetExtra(extra)
	switch {
	case err != nil || chat.EventKind(kind) != chat.EventMessage:
		return err
	case deleted != 0 && e.Kind == chat.EventEdit:
		return execAll(ctx, c, stmt{q.eraseOne, []any{room, seq}})
	case deleted != 0:
		return nil
	}
	switch e.Kind {
	case chat.EventEdit:
		edited = seq
		err = execAll(ctx, c, stmt{q.insertEdit, []any{room, target, seq}}, stmt{s.sql.link.dropMentions, []any{room, target}})
		if err == nil {
			err = s.mention(ctx, c, e.Room, e.Target, of.TimeMs, e.Text)
		}
		if err == nil {
			err = s.reindex(ctx, c, e)
		}
	case chat.EventDelete:
		edited, deleted, pinned = 0, seq, 0
		err = execAll(ctx, c, stmt{q.eraseEdits, []any{room, room, target}}, stmt{q.eraseOne, []any{room, target}},
			stmt{q.dropEdits, []any{room, target}}, stmt{q.dropReactions, []any{room, target}}, stmt{q.dropTallies, []any{room, target}})
		if err == nil {
			err = s.unnameFiles(ctx, c, room, target)
		}
		if err == nil {
			err = s.unlink(ctx, c, &of)
		}
		if err == nil {
			err = s.reindex(ctx, c, e)
		}
	case chat.EventPin:
		pinned = seq
	case chat.EventUnpin:
		pinned = 0
	case chat.EventReact:
		err = s.react(ctx, c, e)
	case chat.EventUnreact:
		var n int64
		if n, err = c.Exec(ctx, q.dropReaction, room, target, int64(e.User), e.Text); err == nil && n > 0 {
			err = execAll(ctx, c, stmt{q.countDown, []any{room, target, e.Text}})
		}
	}
	if err != nil {
		return err
	}
	query := q.insert
	if changed != 0 {
		query = q.update
	}
	return execAll(ctx, c, stmt{query, []any{seq, edited, deleted, pinned, room, target}})
}

func (s *Store) react(ctx context.Context, c Conn, e *chat.Event) error {
	q, room, target := &s.sql.change, int64(e.Room), int64(e.Target)
	there := false
	err := c.Query(ctx, q.findReaction, []any{room, target, int64(e.User), e.Text}, func(scan Scan) error {
		var seq int64
		there = true
		return scan(&seq)
	})
	if err != nil || there {
		return err
	}
	n, err := c.Exec(ctx, q.countUp, int64(e.Seq), room, target, e.Text)
	if err == nil && n == 0 {
		_, err = c.Exec(ctx, q.insertTally, room, target, e.Text, int64(e.Seq))
	}
	if err != nil {
		return err
	}
	return execAll(ctx, c, stmt{q.insertReaction, []any{room, target, int64(e.User), e.Text, int64(e.Seq)}})
}

// stmt is a statement with what it is about.
type stmt struct {
	query string
	args  []any
}

// execAll runs statements until one fails.
func execAll(ctx context.Context, c Conn, stmts ...stmt) error {
	for _, st := range stmts {
		if _, err := c.Exec(ctx, st.query, st.args...); err != nil {
			return err
		}
	}
	return nil
}

// What the rows of changeStatements.target are about.
const (
	targetEvent = iota
	targetEnd
	targetChange
	targetEdit
	targetEmoji
	targetMine
)

// Target is documented at chat.ChangeStore.
func (s *Store) Target(ctx context.Context, room chat.RoomID, seq chat.Seq, user chat.UserID) (t chat.Target, err error) {
	if err := s.begin(ctx); err != nil {
		return chat.Target{}, err
	}
	defer s.end()
	r, at := int64(room), seqArg(seq)
	args := []any{r, at, r, r, at, r, at, r, at, r, at, int64(user)}
	err = s.read(ctx, func(ctx context.Context, c Conn) error {
		t = chat.Target{}
		return c.Query(ctx, s.sql.change.target, args, func(scan Scan) error { return scanTarget(scan, &t) })
	})
	slices.Sort(t.Edits)
	return t, err
}

// seqArg is a number that comes from a client: one beyond the database's integers is beyond
// everything.
func seqArg(seq chat.Seq) int64 { return int64(min(seq, math.MaxInt64)) }

func scanTarget(scan Scan, t *chat.Target) error {
	var what, a, b, ms int64
	var emoji string
	if err := scan(&what, &a, &b, &ms, &emoji); err != nil {
		return err
	}
	seq, err := whole[chat.Seq](a, "a seq")
	if err != nil {
		return err
	}
	switch what {
	case targetEvent:
		t.TimeMs = ms
		if t.Kind, err = whole[chat.EventKind](a, "a kind"); err != nil {
			return err
		}
		t.User, err = whole[chat.UserID](b, "a user")
	case targetEnd:
		t.AsOf = seq
	case targetChange:
		t.Deleted = seq
		t.Pinned, err = whole[chat.Seq](b, "a seq")
	case targetEdit:
		t.Edits = append(t.Edits, seq)
	case targetEmoji:
		t.Emojis = append(t.Emojis, emoji)
	case targetMine:
		t.Mine = append(t.Mine, chat.Reaction{Emoji: emoji, Mine: seq})
	}
	return err
}

// States is documented at chat.ChangeStore.
func (s *Store) States(ctx context.Context, room chat.RoomID, first, last chat.Seq, user chat.UserID) (states []chat.State, err error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.end()
	r, from, to := int64(room), seqArg(first), seqArg(last)
	args := []any{r, from, to, int64(user), r, from, to}
	err = s.read(ctx, func(ctx context.Context, c Conn) error {
		states = nil
		return c.Query(ctx, s.sql.change.states, args, func(scan Scan) (err error) {
			states, err = scanState(scan, states)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return states, nil
}

// scanState adds a row to states: a message, or an emoji on the last one.
func scanState(scan Scan, states []chat.State) ([]chat.State, error) {
	var target, what, since int64
	var of [4]int64
	var said string
	if err := scan(&target, &what, &since, &of[0], &of[1], &of[2], &of[3], &said); err != nil {
		return nil, err
	}
	var seqs [4]chat.Seq
	for i, n := range of {
		var err error
		if seqs[i], err = whole[chat.Seq](n, "a seq"); err != nil {
			return nil, err
		}
	}
	n := len(states)
	switch {
	case what == 0:
		at, err := whole[chat.Seq](target, "a seq")
		return append(states, chat.State{Target: at, Changed: seqs[0], Edited: seqs[1], Deleted: seqs[2], Pinned: seqs[3], Text: said}), err
	case n == 0 || int64(states[n-1].Target) != target:
		return nil, damagedError(fmt.Errorf("event %d has reactions and was not changed", target))
	}
	states[n-1].Reactions = append(states[n-1].Reactions, chat.Reaction{Emoji: said, Count: int(min(of[0], math.MaxInt32)), Mine: seqs[1]})
	return states, nil
}
