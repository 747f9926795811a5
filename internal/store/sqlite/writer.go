package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"sarang/chat"
)

// writer is the one connection that writes, and what it knows of the database. All
// of it but turn and what is atomic belongs to whoever has the turn.
type writer struct {
	db          *sql.DB
	conn        *sql.Conn
	turn        chan struct{} // full while somebody has the turn
	wanted      atomic.Int64  // who waits for it
	takenAt     time.Time     // since when somebody has it
	busy        time.Duration // for which somebody had it, in all
	busyTimeout time.Duration

	userLast chat.UserID                   // every id from 1 to this one is a user
	userNext chat.UserID                   // and with those that the transaction under way makes
	rooms    cache[chat.RoomID, roomState] // see stateOf
	heads    cache[author, chat.Seq]       // the newest event of some authors; see headOf
	outcomes outcomes
	args     []any // scratch for one statement

	// unsettled is set when the outcome of a COMMIT is unknown. Nothing is written
	// until settle has cleared it and told inDoubt.
	unsettled atomic.Bool
	inDoubt   *outcomeOf

	whole bool         // the store was opened, all of it
	here  func() error // says whether the files are still there; see watch

	committed  func()    // called after a commit, with the turn; see boundLog
	erased     bool      // something was, by a transaction since committed was called last
	logTriedAt time.Time // when the log was to be begun anew and could not be
	logForeign bool      // for another program's sake: only time helps

	// endTx is COMMIT. Tests put a failing one in its place.
	endTx func(context.Context) error

	insertMessages, insertEvents        bulk
	upsertAuthors, upsertMembers        bulk
	selectState, selectAfter            *sql.Stmt
	selectHead, selectSent              *sql.Stmt
	selectHolder, insertUser            *sql.Stmt
	updateSeen, updateLater, clearKey   *sql.Stmt
	selectLook, updateLook              *sql.Stmt
	selectShown, selectDevices          *sql.Stmt
	putDevice, endDevice                *sql.Stmt
	selectRoom, insertRoom              *sql.Stmt
	selectTotals, updateTotals          *sql.Stmt
	countCreated                        *sql.Stmt
	updateRuled, updateMarker           *sql.Stmt
	members                             memberStmts
	updateTopic                         *sql.Stmt
	beginStmt, commitStmt, rollbackStmt *sql.Stmt
	sync                                syncing
	change                              changeStmts
	files                               fileStmts
	link                                linkStmts
	follows                             followStmts
	index                               indexStmts
	indexed                             atomic.Bool // all messages were looked at for the index, but the newest
}

// openWriter opens file for writing, migrates it and loads what the writer knows.
func openWriter(ctx context.Context, file string, c Config, there found) (*writer, error) {
	db, err := openDB(writerDSN(file, c), 1)
	if err != nil {
		return nil, err
	}
	w := &writer{
		db:          db,
		turn:        make(chan struct{}, 1),
		busyTimeout: time.Duration(c.BusyTimeoutMillis) * time.Millisecond,
		sync:        syncing{powerSafe: c.Sync == PowerSafe},
	}
	w.outcomes.kept = make(map[uint64]*outcome)
	w.endTx = func(ctx context.Context) error { return exec(ctx, w.commitStmt) }
	w.here, w.committed = func() error { return nil }, func() {}
	if err := w.open(ctx, file, c, there); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

func (w *writer) open(ctx context.Context, file string, c Config, there found) error {
	if err := checkWAL(ctx, w.db, file); err != nil {
		return err
	}
	if err := migrate(ctx, w.db, file); err != nil {
		return err
	}
	if err := there.checkWhole(ctx, w.db, file); err != nil {
		return err
	}
	var err error
	if w.conn, err = w.db.Conn(ctx); err != nil {
		return err
	}
	if err := w.prepare(ctx); err != nil {
		return err
	}
	// Settling writes, which finds out here and not at the first message whether
	// the file can be written, and loads.
	w.unsettled.Store(true)
	if err := w.settle(ctx); err != nil {
		return err
	}
	if err := w.beginIndex(ctx, c.NoSearch); err != nil {
		return err
	}
	w.whole = true
	return w.begun(ctx)
}

func (w *writer) prepare(ctx context.Context) error {
	for _, s := range []struct {
		stmt  **sql.Stmt
		query string
	}{
		{&w.beginStmt, "BEGIN IMMEDIATE"},
		{&w.commitStmt, "COMMIT"},
		{&w.rollbackStmt, "ROLLBACK"},
		{&w.selectState, selectState},
		{&w.selectAfter, selectAfter},
		{&w.selectHead, "SELECT last_seq FROM authors WHERE user_id = ? AND room_id = ?"},
		{&w.selectSent, "SELECT coalesce(sum(sent_count), 0) FROM authors WHERE user_id = ?"},
		{&w.selectHolder, "SELECT id, name, password IS NOT NULL, created_ms, seen_ms FROM users WHERE name_key = ?"},
		{&w.insertUser, "INSERT INTO users (name, name_key, password, created_ms, seen_ms, look) VALUES (?, ?, ?, ?, ?, ?)"},
		{&w.updateSeen, "UPDATE users SET seen_ms = ? WHERE id = ?"},
		{&w.updateLater, "UPDATE users SET seen_ms = ? WHERE id = ? AND seen_ms < ?"},
		{&w.clearKey, "UPDATE users SET name_key = NULL, look = NULL WHERE id = ?"},
		{&w.selectLook, selectLook},
		{&w.selectShown, selectShown},
		{&w.selectDevices, selectDevices},
		{&w.putDevice, putDevice},
		{&w.endDevice, "DELETE FROM devices WHERE user_id = ? AND id = ?"},
		{&w.updateLook, "UPDATE users SET look = ? WHERE id = ? AND look IS NULL"},
		{&w.selectRoom, "SELECT id FROM rooms WHERE name_key = ?"},
		{&w.insertRoom, "INSERT INTO rooms (name, name_key, epoch, flags, creator, created_ms) VALUES (?, ?, ?, ?, ?, ?)"},
		{&w.selectTotals, "SELECT rooms FROM totals WHERE id = 1"},
		{&w.updateTotals, "UPDATE totals SET rooms = rooms + ? WHERE id = 1"},
		{&w.countCreated, "SELECT count(*) FROM (SELECT 1 FROM rooms WHERE creator = ?1 AND creator <> 0 LIMIT ?2)"},
		{&w.updateRuled, "UPDATE rooms SET flags = flags | ? WHERE id = ?"},
		{&w.updateTopic, "UPDATE rooms SET topic = ? WHERE id = ?"},
		{&w.updateMarker, "UPDATE marker SET count = count + 1 WHERE id = 1"},
	} {
		var err error
		if *s.stmt, err = w.conn.PrepareContext(ctx, s.query); err != nil {
			return err
		}
	}
	if err := w.index.prepare(ctx, w.conn); err != nil {
		return err
	}
	if err := w.change.prepare(ctx, w.conn); err != nil {
		return err
	}
	if err := w.files.prepare(ctx, w.conn); err != nil {
		return err
	}
	if err := w.follows.prepare(ctx, w.conn); err != nil {
		return err
	}
	if err := w.link.prepare(ctx, w.conn); err != nil {
		return err
	}
	err := w.insertMessages.prepare(ctx, w.conn,
		"INSERT INTO messages (room_id, seq, user_id, kind, nonce, time_ms, prev_seq, text, digest, said, said_seq) VALUES ",
		"(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", "")
	if err != nil {
		return err
	}
	err = w.insertEvents.prepare(ctx, w.conn,
		"INSERT INTO messages (room_id, seq, user_id, kind, nonce, time_ms, prev_seq, text, digest, said, said_seq, target, subject, role, until_ms) VALUES ",
		"(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", "")
	if err != nil {
		return err
	}
	err = w.upsertMembers.prepare(ctx, w.conn,
		"INSERT INTO members (room_id, user_id, role, seq, until_ms) VALUES ", "(?, ?, ?, ?, ?)",
		" ON CONFLICT DO UPDATE SET role = excluded.role, seq = excluded.seq, until_ms = excluded.until_ms")
	if err != nil {
		return err
	}
	if err := w.members.prepare(ctx, w.conn); err != nil {
		return err
	}
	return w.upsertAuthors.prepare(ctx, w.conn,
		"INSERT INTO authors (user_id, room_id, last_seq, sent_count) VALUES ", "(?, ?, ?, ?)",
		" ON CONFLICT DO UPDATE SET last_seq = excluded.last_seq, sent_count = sent_count + excluded.sent_count")
}

func (w *writer) close() error {
	errs := []error{
		closeStmts(w.beginStmt, w.commitStmt, w.rollbackStmt, w.selectState, w.selectAfter, w.selectHead, w.selectSent,
			w.selectHolder, w.insertUser, w.updateSeen, w.updateLater, w.clearKey, w.selectLook, w.updateLook, w.selectRoom, w.insertRoom, w.selectTotals, w.updateTotals, w.countCreated,
			w.selectShown, w.selectDevices, w.putDevice, w.endDevice,
			w.updateRuled, w.updateMarker),
		closeStmts(w.insertMessages.one, w.insertMessages.many, w.insertEvents.one, w.insertEvents.many, w.upsertAuthors.one, w.upsertAuthors.many,
			w.upsertMembers.one, w.upsertMembers.many),
		w.members.close(),
		w.change.close(),
		w.files.close(),
		w.link.close(),
		w.follows.close(),
		w.index.close(),
		closeStmts(w.updateTopic),
	}
	if w.conn != nil {
		errs = append(errs, w.conn.Close())
	}
	return errors.Join(append(errs, w.db.Close())...)
}

// load forgets what the writer remembers of the database, and reads what it has to know
// of it, which does not grow with what is stored.
func (w *writer) load(ctx context.Context) error {
	w.rooms.reset(roomsKeptMax)
	w.heads.reset(headsKeptMax)
	row := w.conn.QueryRowContext(ctx, "SELECT coalesce(max(id), 0) FROM users")
	return row.Scan(number[chat.UserID]{&w.userLast})
}

// take waits for the turn to write. A nil return wants giveBack.
func (w *writer) take(ctx context.Context) error {
	select {
	case w.turn <- struct{}{}:
		w.taken()
		return nil
	default:
	}
	w.wanted.Add(1)
	defer w.wanted.Add(-1)
	select {
	case w.turn <- struct{}{}:
		w.taken()
		return nil
	case <-ctx.Done():
		return endedError(ctx.Err())
	}
}

// taken is called by whoever has got the turn.
func (w *writer) taken() { w.takenAt = time.Now() }

func (w *writer) giveBack() {
	w.busy += time.Since(w.takenAt)
	<-w.turn
}

// exec runs a statement for its effect alone.
func exec(ctx context.Context, stmt *sql.Stmt, args ...any) error {
	_, err := stmt.ExecContext(ctx, args...)
	return err
}

// bulkRows is how many rows one statement inserts while there are as many. More
// gains nothing that can be measured.
const bulkRows = 16

// bulk is an INSERT for one row and for bulkRows rows.
type bulk struct{ one, many *sql.Stmt }

func (b *bulk) prepare(ctx context.Context, conn *sql.Conn, head, row, tail string) (err error) {
	if b.one, err = conn.PrepareContext(ctx, head+row+tail); err != nil {
		return err
	}
	b.many, err = conn.PrepareContext(ctx, head+row+strings.Repeat(", "+row, bulkRows-1)+tail)
	return err
}

// insert runs the statement over n rows, whose values row appends to what it is
// given. It stops between statements when ctx has ended. w.args is its scratch and
// holds nothing of the rows afterwards.
func (w *writer) insert(ctx context.Context, b bulk, n int, row func(args []any, i int) []any) error {
	defer func() { clear(w.args[:cap(w.args)]) }()
	for i := 0; i < n; {
		// ctx is only looked at: to watch it while a statement runs would cost
		// a goroutine each.
		if err := ctx.Err(); err != nil {
			return err
		}
		stmt, rows := b.one, 1
		if n-i >= bulkRows {
			stmt, rows = b.many, bulkRows
		}
		w.args = w.args[:0]
		for range rows {
			w.args = row(w.args, i)
			i++
		}
		if err := exec(context.Background(), stmt, w.args...); err != nil {
			return err
		}
	}
	return nil
}
