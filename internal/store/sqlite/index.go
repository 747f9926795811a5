package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"sarang/chat"
	"sarang/internal/words"
)

// The index of what messages say is written here; search.go reads it. indexer.go brings messages into
// it, a moment after they were stored: in the commit itself that would make storing dearer than all the
// rest. What is edited or erased is taken out in the transaction that does it.

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
	addTerms, addPlace   bulk
	takeTerms, takePlace *sql.Stmt
	lastPlace, findPlace *sql.Stmt
	now, oldest          *sql.Stmt
	state, setState      *sql.Stmt
	mark, setMark        *sql.Stmt // up to where a room's log was looked at
	dropMark             *sql.Stmt
	unread, marks        *sql.Stmt

	stale bool // nothing is done with it: it was made of texts that were cut in another way, or never
	backlog
}

// What a message says now. The files of one that was edited are in its first text, which is last.
const selectNow = `SELECT m.seq, m.kind, m.user_id, m.time_ms, coalesce(e.text, m.text), CASE WHEN e.seq IS NULL THEN '' ELSE m.text END FROM messages m
	LEFT JOIN changes c ON c.room_id = m.room_id AND c.target = m.seq
	LEFT JOIN messages e ON e.room_id = m.room_id AND e.seq = c.edited AND c.edited <> 0
	WHERE m.room_id = ?1 AND `

// selectUnread is what the events behind a mark say now, and selectMarks how far logs go, and how far they
// were looked at. A room that was deleted is not found, and what it held is not brought in any more.
const (
	selectUnread = selectNow + "m.seq > ?2 AND EXISTS (SELECT 1 FROM rooms WHERE id = ?1) ORDER BY m.seq LIMIT ?3"
	selectMarks  = `SELECT id, coalesce((SELECT max(seq) FROM messages WHERE room_id = rooms.id), 0),
	coalesce((SELECT seq FROM index_marks WHERE room_id = rooms.id), 0) FROM rooms WHERE id > ?1 ORDER BY id LIMIT ?2`
)

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
		{&x.state, "SELECT version, done FROM indexing WHERE id = 1"},
		{&x.setState, "UPDATE indexing SET version = ?, done = ? WHERE id = 1"},
		{&x.mark, "SELECT seq FROM index_marks WHERE room_id = ?"},
		{&x.setMark, "INSERT INTO index_marks (room_id, seq) VALUES (?, ?) ON CONFLICT DO UPDATE SET seq = excluded.seq"},
		{&x.dropMark, "DELETE FROM index_marks WHERE room_id = ?"},
		{&x.unread, selectUnread},
		{&x.marks, selectMarks},
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

// termsOf is what the index keeps of a message; empty of one that says nothing and has no files.
func termsOf(room chat.RoomID, user chat.UserID, text string, files bool) string {
	return strings.Join(words.MessageTerms(room, user, text, files), " ")
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
	var body, first string
	err := scan(number[chat.Seq]{&e.seq}, number[chat.EventKind]{&m.Kind}, number[chat.UserID]{&m.User}, bits[int64]{&e.ms}, text{&body}, text{&first})
	if err == nil && m.Kind == chat.EventMessage {
		was := m
		was.SetBody(first)
		m.SetBody(body)
		e.terms = termsOf(room, m.User, m.Text, m.Files != "" || was.Files != "")
	}
	return e, err
}

// now is nowOf one message, with its place if it is in the index.
func (w *writer) now(room chat.RoomID, seq chat.Seq) (entry, error) {
	e, err := nowOf(w.index.now.QueryRowContext(context.Background(), int64(room), int64(seq)).Scan, room)
	if errors.Is(err, sql.ErrNoRows) || isDamaged(err) {
		return entry{room: room, seq: seq}, nil
	}
	if err == nil && e.terms != "" {
		err = w.place(&e)
	}
	return e, err
}

// isDamaged reports whether a row has a value that nobody has stored. Such a message is in no index,
// and is no reason not to erase it.
func isDamaged(err error) bool {
	var damaged *columnError
	return errors.As(err, &damaged)
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
	if w.index.stale || e.Kind != chat.EventEdit && e.Kind != chat.EventDelete {
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
	if err != nil || is.terms == "" {
		return err
	}
	if was.place == 0 {
		mark, err := w.markOf(e.Room)
		if err != nil || e.Target > mark {
			return err // the indexer comes to it
		}
		return w.addEntries(context.Background(), []entry{is}) // it said nothing when that was there
	}
	is.place = was.place
	return w.putEntries(context.Background(), []entry{is})
}

// takeOutOldest takes the oldest events of a room out of the index, up to the first that is not gone; most
// of them, all if that is -1.
func (w *writer) takeOutOldest(ctx context.Context, room chat.RoomID, most int, goes func(*entry) bool) error {
	if w.index.stale {
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
		if err != nil && !isDamaged(err) {
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
