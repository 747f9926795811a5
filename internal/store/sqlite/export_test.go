package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"

	"github.com/pressly/goose/v3"

	"sarang/chat"
)

// BreakCommits puts end in the place of COMMIT; end is given the real one. nil puts
// COMMIT back.
func BreakCommits(s *Store, end func(commit func() error) error) {
	w := s.writer
	w.turn <- struct{}{}
	defer w.giveBack()
	w.endTx = func(ctx context.Context) error {
		commit := func() error { return exec(ctx, w.commitStmt) }
		if end == nil {
			return commit()
		}
		return end(commit)
	}
}

// Synchronous is what SQLite does to have a commit on the disk: 2, FULL, or 1, NORMAL, which waits for no
// disk. The caller is a commit that is under way (BreakCommits).
func Synchronous(s *Store) (level int, err error) {
	err = s.writer.conn.QueryRowContext(context.Background(), "PRAGMA synchronous").Scan(&level)
	return level, err
}

// HoldWriter takes the turn to write until the returned function is called.
func HoldWriter(s *Store) (giveBack func()) {
	s.writer.turn <- struct{}{}
	return s.writer.giveBack
}

// HoldReader takes a reading connection until it is closed.
func HoldReader(ctx context.Context, s *Store) (*sql.Conn, error) { return s.readers.db.Conn(ctx) }

// SmallWaiting is how many claims and new rooms wait for a transaction.
func SmallWaiting(s *Store) int {
	s.small.mu.Lock()
	defer s.small.mu.Unlock()
	return len(s.small.waiting)
}

// KeepHeads puts n strangers into the cache of authors and returns its size.
func KeepHeads(s *Store, n int) (kept int) {
	s.writer.turn <- struct{}{}
	defer s.writer.giveBack()
	for i := range n {
		s.writer.heads.keep(author{user: 1 << 40, room: chat.RoomID(i + 1)}, 1)
	}
	return len(s.writer.heads.kept)
}

// FillBehind has the indexer know of as many rooms with something to do as it remembers.
func FillBehind(s *Store) {
	s.writer.turn <- struct{}{}
	defer s.writer.giveBack()
	for i := range roomsBehindMax {
		s.writer.index.addRoom(chat.RoomID(1<<40 + i))
	}
}

// IndexPiece has the indexer find what there is to do, and do the first piece of it.
func IndexPiece(ctx context.Context, s *Store) error {
	for {
		before := s.writer.index.behind.Load()
		if p, err := s.indexSome(ctx); err != nil || p.done || s.writer.index.behind.Load() < before {
			return err
		}
	}
}

// WritersKept is how many writers' batches are remembered.
func WritersKept(s *Store) int {
	s.writer.turn <- struct{}{}
	defer s.writer.giveBack()
	return len(s.writer.outcomes.kept)
}

// MakeOld makes a database as the program wrote it when it knew the first version
// migrations.
func MakeOld(ctx context.Context, file string, version int64) (err error) {
	db, err := openDB(dsn(file, "_journal_mode", "WAL"), 1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	sources, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, sources)
	if err != nil {
		return err
	}
	_, err = provider.UpTo(ctx, version)
	return err
}

// Queries are those that take more than one look-up by key, with how many values each
// is given.
func Queries() map[string]int {
	return map[string]int{
		selectAfter: 3, selectBefore: 3, selectAuthor: 3, selectUser + "id = ?": 1, selectUser + "name_key = ?": 1,
		selectHolder: 1, selectState: 1, selectLook: 3,
		selectShown: 3, selectDevices: 1, selectAllDevices: 3, selectPassword: 1,
		selectExternal: 1, selectInvitation: 1, selectInvitations: 2,
		selectDurable: 2, selectRetains: 2, selectOldest: 2, selectNewest: 1, selectEditsBehind: 2,
		selectRoom + "id = ?": 1, selectRoom + "name_key = ?": 1, selectPublicRooms: 2, selectPrivateRooms: 3, selectMyRooms: 3,
		selectMentions: 5, selectThreads: 4, selectFollow: 3, selectPins: 3, selectReplies: 4, selectRepliesBefore: 4, selectMemberships: 3,
	}
}

// The bounds of what is remembered.
const (
	HeadsKeptMax   = headsKeptMax
	WritersKeptMax = writersKeptMax
)

// BreakEnd has the store not note that it is closed.
func BreakEnd(ctx context.Context, s *Store) {
	s.writer.turn <- struct{}{}
	defer s.writer.giveBack()
	_, _ = s.writer.conn.ExecContext(ctx, "PRAGMA query_only = 1")
}

// Read begins a read that ends when leave is called.
func Read(ctx context.Context, s *Store) (leave func(), err error) {
	if err := s.beginRead(ctx); err != nil {
		return nil, err
	}
	return s.endRead, nil
}
