// Package sqlite keeps users, rooms and logs in one SQLite file: the store of a
// single server. It needs no cgo.
//
// There is one connection that writes and a bounded pool of connections that read.
// The file is in WAL mode, so readers see the last commit and never wait for the
// writer. The writer's turn is taken by the calling goroutine; claims and new rooms that
// wait for their turn together are done in one transaction. Who is known and logs in
// does not need it.
//
// A Store remembers where the logs that are written to end, so that an append is
// compared before anything is written, and what became of the newest batches. That is
// why nothing else may write to the file: the data folder is locked while it is open.
// Nothing that is done at the start, or kept in memory, grows with the database.
package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"sarang/chat"
	"sarang/lock"
)

// The files in the data folder. SQLite adds -wal and -shm files of its own.
const (
	DatabaseFile = "sarang.db"
	LockFile     = "sarang.lock"
)

// SyncMode says what a commit that has returned survives.
type SyncMode uint8

const (
	// PowerSafe: each commit is synced to the disk before it returns, so it
	// survives a power cut (synchronous=FULL, and F_FULLFSYNC on macOS).
	PowerSafe SyncMode = iota
	// ProcessSafe: each commit is handed to the operating system before it
	// returns, so it survives kill -9 of the server; a power cut may lose the
	// newest commits, whole, and nothing else (synchronous=NORMAL).
	ProcessSafe
)

// String returns the mode's name in lower case.
func (m SyncMode) String() string {
	if m == ProcessSafe {
		return "process-safe"
	}
	return "power-safe"
}

// Config says where and how the data is kept. Zero fields take the defaults.
type Config struct {
	Dir               string   // the data folder; made, with its parents, if it is not there
	Sync              SyncMode // default PowerSafe
	ReadersMax        int      // connections that read, and so reads at one time; default 4
	BusyTimeoutMillis int      // wait for another program's lock on the file; default 5000
	SmallPerTxMax     int      // claims and new rooms gathered into one transaction; default 256
	WALBytesMax       int64    // at it the write-ahead log is begun anew, with reads waiting for a moment; twice as much and one commit more may be in it; default 32 MiB
	WriterCacheBytes  int      // page cache of the writing connection; default 2 MiB
	ReaderCacheBytes  int      // page cache of each reading connection; default 2 MiB
	NoSearch          bool     // nothing is brought into the index of what messages say; who opens it without has that made up for
	Logger            *slog.Logger

	// ScrubAfter is how long after something was erased all pages are looked through for what is
	// left of it elsewhere; see Scrub. Default 10 min; negative: never.
	ScrubAfter time.Duration

	// IndexAfter is how long after a commit its messages are brought into the index. Default 1 s;
	// negative: only when Indexed is called.
	IndexAfter time.Duration
}

func (c Config) withDefaults() Config {
	c.ReadersMax = cmp.Or(c.ReadersMax, 4)
	c.BusyTimeoutMillis = cmp.Or(c.BusyTimeoutMillis, 5000)
	c.SmallPerTxMax = cmp.Or(c.SmallPerTxMax, 256)
	c.WALBytesMax = cmp.Or(c.WALBytesMax, 32<<20)
	c.WriterCacheBytes = cmp.Or(c.WriterCacheBytes, 2<<20)
	c.ReaderCacheBytes = cmp.Or(c.ReaderCacheBytes, 2<<20)
	c.ScrubAfter = cmp.Or(c.ScrubAfter, 10*time.Minute)
	c.IndexAfter = cmp.Or(c.IndexAfter, time.Second)
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	return c
}

// Store is a chat.Store in one SQLite file.
type Store struct {
	dir       string
	log       *slog.Logger
	folder    *folderLock
	writer    *writer
	readers   *readers
	small     gatherQueue
	claimRead chan struct{} // full while a claim is read
	backing   chan struct{} // full while a backup is made
	files     watch
	reads     gate // all reads but those of the writer

	noSearch    bool
	indexAfter  time.Duration
	indexWake   chan struct{} // full when something was committed
	stopIndexer context.CancelFunc
	indexing    sync.WaitGroup

	logBytesMax int64
	goneLogged  atomic.Bool

	mu      lock.Mutex // guards scrub and closed, and running.Add against running.Wait
	scrub   scrubber
	closed  bool
	running sync.WaitGroup

	counts counts
}

type counts struct {
	commits, commitsFailed, events atomic.Uint64
	small, smallTxs                atomic.Uint64
	logHolds, scrubs               atomic.Uint64
}

var (
	_ chat.Store   = (*Store)(nil)
	_ chat.Expirer = (*Store)(nil)
)

// Stats are the figures of a store since it was opened.
type Stats struct {
	ReadersMax    int           // bound of the pool
	ReadersOpen   int           // connections open now
	ReadersInUse  int           // reads that have one now
	ReadWaits     int64         // reads that had to wait for one
	ReadWaitTotal time.Duration // how long they waited, all together

	Commits       uint64 // calls of Commit that stored something
	CommitsFailed uint64 // calls of Commit that returned an error
	Events        uint64 // events stored
	Small         uint64 // claims and new rooms that a transaction answered, refusals included
	SmallTxs      uint64 // and how many transactions

	IndexBehind uint64 // events that are to be looked at for the index, about

	WALBytes int64  // size of the write-ahead log file now
	WALHolds uint64 // how often reads had to wait so that it could be begun anew
	Scrubs   uint64 // how often all pages were looked through by itself for what is left of erased texts
}

// Open locks the data folder, makes or migrates the database and returns the store.
// ctx bounds the opening, not the store's life. Close ends it.
//
// Errors are *chat.Error with a sentence that names the folder or file:
// CodeAlreadyRunning if another server has the folder; CodeInternal if the folder
// can not be written, the file is damaged or is no database of Sarang's, or was
// written by a newer version.
func Open(ctx context.Context, c Config) (*Store, error) {
	c = c.withDefaults()
	dir, err := makeFolder(c.Dir)
	if err != nil {
		return nil, err
	}
	s := &Store{dir: dir, log: c.Logger, indexWake: make(chan struct{}, 1), claimRead: make(chan struct{}, 1), backing: make(chan struct{}, 1)}
	s.mu.Init(lock.NewClass("sqlite.store"))
	s.small.mu.Init(lock.NewClass("sqlite.small"))
	s.reads.init()
	s.logBytesMax = c.WALBytesMax
	s.noSearch, s.indexAfter = c.NoSearch, c.IndexAfter
	s.scrub.after = max(c.ScrubAfter, 0)
	if s.folder, err = lockFolder(dir); err != nil {
		return nil, err
	}
	if err := s.open(ctx, c); err != nil {
		if releaseErr := s.release(); releaseErr != nil {
			s.log.Warn("giving up the data folder failed", "dir", dir, "err", releaseErr)
		}
		return nil, err
	}
	s.startIndexer()
	s.scrubSoon() // of before it was closed
	s.log.Info("store opened", "dir", dir, "sync", c.Sync.String())
	return s, nil
}

func (s *Store) open(ctx context.Context, c Config) error {
	file := filepath.Join(s.dir, DatabaseFile)
	s.small.max = c.SmallPerTxMax
	err := checkLength(file)
	var there found
	if err == nil {
		there, err = look(file)
	}
	if err == nil {
		err = there.check(file)
	}
	if err == nil {
		err = makeDatabase(ctx, file)
	}
	if err != nil {
		return openError(file, err)
	}
	if s.writer, err = openWriter(ctx, file, c, there); err != nil {
		return openError(file, err)
	}
	if err := s.files.begin(file, file+"-wal"); err != nil {
		return openError(file, err)
	}
	s.writer.here, s.writer.committed = s.stillThere, s.committed
	if s.readers, err = openReaders(ctx, file, c); err != nil {
		return openError(file, err)
	}
	if c.Sync == PowerSafe {
		syncFolder(s.dir)
		syncFolder(filepath.Dir(s.dir))
	}
	return nil
}

// makeFolder returns the absolute path of the data folder, which it makes for the
// owner's eyes only if need be.
func makeFolder(dir string) (string, error) {
	if dir == "" {
		return "", chat.Errorf(chat.CodeBadRequest, "no data folder is given")
	}
	abs, err := filepath.Abs(dir)
	if err == nil {
		err = os.MkdirAll(abs, 0o700)
	}
	if err != nil {
		return "", folderError(dir, err)
	}
	return abs, nil
}

// ownerOnly is the mode of all files that are made here: what is said in rooms is nobody
// else's to read, whatever the folder is like.
const ownerOnly = 0o600

func folderError(dir string, err error) error {
	if said := (*chat.Error)(nil); errors.As(err, &said) {
		return said
	}
	sentence := "the data folder " + dir + " can not be used"
	if errors.Is(err, fs.ErrPermission) {
		sentence = "the data folder " + dir + " can not be written: check its owner and permissions"
	}
	return &chat.Error{Code: chat.CodeInternal, Message: sentence, Err: err}
}

// begin lets a call in unless the store is closed. A nil return wants end.
func (s *Store) begin(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return endedError(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return chat.Errorf(chat.CodeClosed, "the store is closed")
	}
	s.running.Add(1)
	return nil
}

func (s *Store) end() { s.running.Done() }

// beginRead is begin for a call that reads on a connection of its own. A nil return wants
// endRead, after the read is over.
func (s *Store) beginRead(ctx context.Context) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	if err := s.reads.enter(ctx); err != nil {
		s.end()
		return err
	}
	return nil
}

func (s *Store) endRead() {
	s.reads.leave()
	s.end()
}

// Close waits for running calls, moves the write-ahead log into the database,
// closes it and unlocks the folder. Later calls, of Close too, are CodeClosed.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return chat.Errorf(chat.CodeClosed, "the store is closed")
	}
	s.closed = true
	if s.scrub.timer != nil {
		s.scrub.timer.Stop()
	}
	s.mu.Unlock()
	s.stopIndexer()
	s.indexing.Wait()
	s.running.Wait()
	if err := s.release(); err != nil {
		return &chat.Error{Code: chat.CodeInternal, Message: "closing the store failed", Err: err}
	}
	s.log.Info("store closed", "dir", s.dir)
	return nil
}

// release closes what is open. The readers go first: SQLite moves the log into the
// database when the last connection, which has to be a writing one, is closed.
func (s *Store) release() error {
	var errs []error
	if s.readers != nil {
		errs = append(errs, s.readers.close())
	}
	if s.writer != nil {
		keep := s.writer.ended()
		errs = append(errs, s.writer.close())
		if keep {
			errs = append(errs, keepLog(filepath.Join(s.dir, DatabaseFile)))
		}
	}
	return errors.Join(append(errs, s.folder.release())...)
}

// Stats returns the store's figures. It may be called at any time, also after Close.
func (s *Store) Stats() Stats {
	pool := s.readers.db.Stats()
	return Stats{
		ReadersMax:    pool.MaxOpenConnections,
		ReadersOpen:   pool.OpenConnections,
		ReadersInUse:  pool.InUse,
		ReadWaits:     pool.WaitCount,
		ReadWaitTotal: pool.WaitDuration,
		Commits:       s.counts.commits.Load(),
		CommitsFailed: s.counts.commitsFailed.Load(),
		Events:        s.counts.events.Load(),
		Small:         s.counts.small.Load(),
		SmallTxs:      s.counts.smallTxs.Load(),
		WALHolds:      s.counts.logHolds.Load(),
		IndexBehind:   uint64(max(s.writer.index.behind.Load(), 0)),
		Scrubs:        s.counts.scrubs.Load(),
		WALBytes:      fileBytes(filepath.Join(s.dir, DatabaseFile+"-wal")),
	}
}

// FreeBytes is how much room the disk has on which the data lies. It may block; an error
// is errors.ErrUnsupported where no system call tells it.
func (s *Store) FreeBytes() (uint64, error) { return freeBytes(s.dir) }

func fileBytes(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// closeStmts closes prepared statements.
func closeStmts(stmts ...*sql.Stmt) error {
	var errs []error
	for _, st := range stmts {
		if st != nil {
			errs = append(errs, st.Close())
		}
	}
	return errors.Join(errs...)
}
