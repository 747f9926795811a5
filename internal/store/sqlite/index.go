package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"sarang/chat"
	"sarang/internal/words"
)

// The index of what messages say is written here, in the transaction that stores the events;
// search.go reads it, and indexer.go brings in what was stored before there was one.

// An entry's id is its place in the order of a search.
const (
	placeBits  = 20                      // of them count the messages of one millisecond
	placeMsMax = int64(1)<<42 - 1        // the last millisecond that has places, in the year 2109
	placeMost  = int64(1)<<placeBits - 1 // of one millisecond; what comes behind is not found
)

// placeMs is the millisecond among whose places one for a time is.
func placeMs(ms int64) int64 { return min(max(ms, 0), placeMsMax) }

// firstPlace is the first place of what is dated ms or later.
func firstPlace(ms int64) int64 { return placeMs(ms) << placeBits }

// indexStmts are the writer's statements about the index, and what it knows of it.
type indexStmts struct {
	addTerms, addPlace      bulk
	takeTerms, takePlace    *sql.Stmt
	lastPlace, findPlace    *sql.Stmt
	now, oldest             *sql.Stmt
	state, setState, unread *sql.Stmt

	mode indexMode
}

// indexMode says what a commit does with the index.
type indexMode uint8

const (
	indexOff   indexMode = iota // nothing is added; what is edited or erased is taken out
	indexOn                     // it is kept
	indexStale                  // nothing: it is to be made anew
)

// What a message says now.
const selectNow = `SELECT m.seq, m.kind, m.user_id, m.time_ms, coalesce(e.text, m.text) FROM messages m
	LEFT JOIN changes c ON c.room_id = m.room_id AND c.target = m.seq
	LEFT JOIN messages e ON e.room_id = m.room_id AND e.seq = c.edited AND c.edited <> 0
	WHERE m.room_id = ?1 AND `

func (x *indexStmts) prepare(ctx context.Context, conn *sql.Conn) (err error) {
	for _, s := range x.all() {
		if *s.stmt, err = conn.PrepareContext(ctx, s.query); err != nil {
			return err
		}
	}
	if err := x.addTerms.prepare(ctx, conn, "INSERT INTO search (rowid, terms) VALUES ", "(?, ?)", ""); err != nil {
		return err
	}
	return x.addPlace.prepare(ctx, conn, "INSERT INTO indexed (id, room_id, seq) VALUES ", "(?, ?, ?)", "")
}

func (x *indexStmts) all() []stmtOf {
	return []stmtOf{
		{&x.takeTerms, "INSERT INTO search (search, rowid, terms) VALUES ('delete', ?, ?)"},
		{&x.takePlace, "DELETE FROM indexed WHERE id = ?"},
		{&x.lastPlace, "SELECT coalesce(max(id), ?1 - 1) FROM indexed WHERE id BETWEEN ?1 AND ?1 + ?2"},
		{&x.findPlace, "SELECT id FROM indexed WHERE id BETWEEN ?1 AND ?1 + ?2 AND room_id = ?3 AND seq = ?4"},
		{&x.now, selectNow + "m.seq = ?2"},
		{&x.oldest, selectNow + "TRUE ORDER BY m.seq LIMIT ?2"},
		{&x.state, "SELECT version, room_id, seq, done FROM indexing WHERE id = 1"},
		{&x.setState, "UPDATE indexing SET version = ?, room_id = ?, seq = ?, done = ? WHERE id = 1"},
		{&x.unread, `SELECT seq, room_id FROM messages WHERE (room_id, seq) > (?1, ?2) ORDER BY room_id, seq LIMIT ?3`},
	}
}

func (x *indexStmts) close() error {
	errs := []error{closeStmts(x.addTerms.one, x.addTerms.many, x.addPlace.one, x.addPlace.many)}
	for _, s := range x.all() {
		errs = append(errs, closeStmts(*s.stmt))
	}
	return errors.Join(errs...)
}

// entry is a message that goes into the index.
type entry struct {
	room  chat.RoomID
	seq   chat.Seq
	ms    int64
	terms string
	place int64 // 0: there is none left
}

// termsOf is what the index keeps of a message; empty of one without a text.
func termsOf(room chat.RoomID, user chat.UserID, text string) string {
	return strings.Join(words.MessageTerms(room, user, text), " ")
}

// entriesOf are the entries of a batch, made before the writer's turn is taken: cutting words takes time.
// Those of events that are not stored are left out by their pointer.
func entriesOf(b *chat.Batch) map[*chat.Event]string {
	terms := make(map[*chat.Event]string)
	for i := range b.Appends {
		for j := range b.Appends[i].Events {
			if e := &b.Appends[i].Events[j]; e.Kind == chat.EventMessage && e.Text != "" {
				terms[e] = termsOf(e.Room, e.User, e.Text)
			}
		}
	}
	return terms
}

// indexRows puts the messages of a plan into the index.
func (w *writer) indexRows(ctx context.Context, p *plan) error {
	if w.index.mode != indexOn || len(p.terms) == 0 {
		return nil
	}
	entries := make([]entry, 0, len(p.terms))
	for i := range p.rows {
		e := p.rows[i].event
		if terms := p.terms[e]; terms != "" {
			entries = append(entries, entry{room: e.Room, seq: e.Seq, ms: e.TimeMs, terms: terms})
		}
	}
	return w.addEntries(ctx, entries)
}

// addEntries puts entries into the index that are not there.
func (w *writer) addEntries(ctx context.Context, entries []entry) error {
	next := make(map[int64]int64)
	kept := entries[:0]
	for _, e := range entries {
		first := firstPlace(e.ms)
		if _, known := next[first]; !known {
			var last int64
			if err := w.index.lastPlace.QueryRowContext(context.Background(), first, placeMost).Scan(bits[int64]{&last}); err != nil {
				return err
			}
			next[first] = last + 1
		}
		if e.place = next[first]; e.place <= first+placeMost {
			next[first]++
			kept = append(kept, e)
		}
	}
	return w.putEntries(ctx, kept)
}

func (w *writer) putEntries(ctx context.Context, entries []entry) error {
	err := w.insert(ctx, w.index.addPlace, len(entries), func(args []any, i int) []any {
		e := &entries[i]
		return append(args, e.place, int64(e.room), int64(e.seq))
	})
	if err != nil {
		return err
	}
	return w.insert(ctx, w.index.addTerms, len(entries), func(args []any, i int) []any {
		return append(args, entries[i].place, entries[i].terms)
	})
}

// nowOf is what a message says now, as an entry; without terms if it says nothing, and if it
// is no message.
func nowOf(scan func(...any) error, room chat.RoomID) (entry, error) {
	e := entry{room: room}
	var m chat.Event
	var body string
	err := scan(number[chat.Seq]{&e.seq}, number[chat.EventKind]{&m.Kind}, number[chat.UserID]{&m.User}, bits[int64]{&e.ms}, text{&body})
	if err == nil && m.Kind == chat.EventMessage {
		m.SetBody(body)
		e.terms = termsOf(room, m.User, m.Text)
	}
	return e, err
}

// now is nowOf one message, with its place if it is in the index.
func (w *writer) now(room chat.RoomID, seq chat.Seq) (entry, error) {
	e, err := nowOf(w.index.now.QueryRowContext(context.Background(), int64(room), int64(seq)).Scan, room)
	if errors.Is(err, sql.ErrNoRows) {
		return entry{room: room, seq: seq}, nil
	}
	if err == nil && e.terms != "" {
		err = w.place(&e)
	}
	return e, err
}

func (w *writer) place(e *entry) error {
	err := w.index.findPlace.QueryRowContext(context.Background(), firstPlace(e.ms), placeMost, int64(e.room), int64(e.seq)).Scan(bits[int64]{&e.place})
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}

// takeOut takes an entry out of the index, if it is there.
func (w *writer) takeOut(e *entry) error {
	if e.place == 0 {
		return nil
	}
	ctx := context.Background()
	return firstError(exec(ctx, w.index.takeTerms, e.place, e.terms), exec(ctx, w.index.takePlace, e.place))
}

// reindexed runs change, by which a message may say something else, and has the index say so.
func (w *writer) reindexed(e *chat.Event, change func() error) error {
	if w.index.mode == indexStale || e.Kind != chat.EventEdit && e.Kind != chat.EventDelete {
		return change()
	}
	was, err := w.now(e.Room, e.Target)
	if err != nil {
		return err
	}
	if err := w.takeOut(&was); err != nil {
		return err
	}
	if err := change(); err != nil {
		return err
	}
	is, err := w.now(e.Room, e.Target)
	switch {
	case err != nil || is.terms == "" || w.index.mode == indexOff:
		return err
	case was.place == 0:
		return w.addEntries(context.Background(), []entry{is})
	}
	is.place = was.place
	return w.putEntries(context.Background(), []entry{is})
}

// takeOutGone takes those messages of a room out of the index that are about to be erased: of its oldest
// events, as many as may be, those that eraseOldest will find.
func (w *writer) takeOutGone(ctx context.Context, room chat.RoomID, beforeMs int64, most int) error {
	state, err := w.stateOf(room)
	if err != nil {
		return err
	}
	return w.takeOutOldest(ctx, room, most, func(e *entry) bool {
		return e.ms < beforeMs && e.seq != state.last // the newest of all stays
	})
}

// takeOutOldest takes the oldest events of a room out of the index, up to the first that is not gone.
func (w *writer) takeOutOldest(ctx context.Context, room chat.RoomID, most int, goes func(*entry) bool) error {
	if w.index.mode == indexStale {
		return nil
	}
	rows, err := w.index.oldest.QueryContext(ctx, int64(room), most)
	if err != nil {
		return err
	}
	defer rows.Close()
	var gone []entry
	for rows.Next() {
		e, err := nowOf(rows.Scan, room)
		if err != nil {
			return err
		}
		if !goes(&e) {
			break
		}
		gone = append(gone, e)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for i := range gone {
		if gone[i].terms == "" {
			continue
		}
		if err := firstError(w.place(&gone[i]), w.takeOut(&gone[i])); err != nil {
			return err
		}
	}
	return nil
}
