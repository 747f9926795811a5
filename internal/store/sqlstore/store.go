// Package sqlstore is the part that stores on a database server share: the schema, the
// statements, the pool of connections, and what is done when a connection breaks. A
// Driver brings the way to a database, a Dialect what its SQL has of its own.
//
// The database is the truth: nothing is kept in memory that others could make untrue, so
// that several servers may have the same data. Ids are given by a counter in the
// transaction that uses them: they have no gaps, and become visible in their order.
package sqlstore

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"sarang/chat"
	"sarang/lock"
)

// Config says how a database is used. Zero fields take the defaults.
type Config struct {
	ReadersMax    int           // connections that read, and so reads at one time; default 4
	WritersMax    int           // connections that write; default 2
	PoolWait      time.Duration // for a connection when all are in use; default 5 s
	ConnectTime   time.Duration // to make a connection; default 5 s
	ReadTime      time.Duration // of one read; default 30 s
	WriteTime     time.Duration // of one transaction; default 10 s
	SmallPerTxMax int           // claims and new rooms gathered into one transaction; default 256
	NoSearch      bool          // nothing is brought into the index of what messages say; who opens it without has that made up for
	Logger        *slog.Logger

	// IndexAfter is how long after a commit its messages are brought into the index. Default 200 ms;
	// negative: only when Indexed is called.
	IndexAfter time.Duration

	// Unsafe lets a database be used that may lose commits which it has acknowledged, as it
	// is set up. It is refused otherwise.
	Unsafe bool
}

func (c Config) withDefaults() Config {
	c.ReadersMax = cmp.Or(c.ReadersMax, 4)
	c.WritersMax = cmp.Or(c.WritersMax, 2)
	c.PoolWait = cmp.Or(c.PoolWait, 5*time.Second)
	c.ConnectTime = cmp.Or(c.ConnectTime, 5*time.Second)
	c.ReadTime = cmp.Or(c.ReadTime, 30*time.Second)
	c.WriteTime = cmp.Or(c.WriteTime, 10*time.Second)
	c.SmallPerTxMax = cmp.Or(c.SmallPerTxMax, 256)
	c.IndexAfter = cmp.Or(c.IndexAfter, 200*time.Millisecond)
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	return c
}

// Store is a chat.Store in a database that a Driver leads to.
type Store struct {
	driver    Driver
	dialect   Dialect
	config    Config
	log       *slog.Logger
	sql       statements
	readers   *pool
	writers   *pool
	indexers  *pool // one: it makes no commit wait for a connection
	backlog   backlog
	small     gatherQueue
	claimRead chan struct{} // full while as many logins read as may

	userLast atomic.Uint64 // every id from 1 to this one is a user
	outcomes outcomes

	mu      lock.Mutex // guards closed, and running.Add against running.Wait
	closed  bool
	running sync.WaitGroup

	counts counts
}

type counts struct {
	commits, commitsFailed, events atomic.Uint64
	small, smallTxs                atomic.Uint64
	again, settled                 atomic.Uint64
}

var _ chat.Store = (*Store)(nil)

// Stats are the figures of a store since it was opened.
type Stats struct {
	Readers, Writers PoolStats

	Commits       uint64 // calls of Commit that stored something
	CommitsFailed uint64 // calls of Commit that returned an error
	Events        uint64 // events stored
	Small         uint64 // claims and new rooms that were answered by a transaction, or refused
	SmallTxs      uint64 // transactions that this took
	Again         uint64 // transactions that were tried again: a deadlock, a lost connection
	Settled       uint64 // commits that were found to have taken effect before
	IndexBehind   int64  // events that are to be brought into the index, about
}

// Open connects, makes or migrates the tables and returns the store. ctx bounds the
// opening, not the store's life. Close ends it.
//
// Errors are *chat.Error with a sentence that names the database: CodeInternal if it can
// not be reached or used, or was written by a newer version.
func Open(ctx context.Context, d Driver, c Config) (*Store, error) {
	c = c.withDefaults()
	s := &Store{driver: d, dialect: d.Dialect(), config: c, log: c.Logger}
	s.mu.Init(lock.NewClass("sqlstore.store"))
	s.small.init(c.SmallPerTxMax)
	s.claimRead = make(chan struct{}, max(1, c.ReadersMax/2))
	s.outcomes.init()
	s.sql = compile(&s.dialect)
	s.readers = newPool(d.Name(), c.ReadersMax, c.PoolWait, c.ConnectTime, s.connect)
	s.writers = newPool(d.Name(), c.WritersMax, c.PoolWait, c.ConnectTime, s.connect)
	s.indexers = newPool(d.Name(), 1, c.PoolWait, c.ConnectTime, s.connect)
	s.backlog.init()
	if err := s.open(ctx); err != nil {
		s.release()
		return nil, s.openError(err)
	}
	s.startIndexer()
	s.log.Info("store opened", "database", d.Name())
	return s, nil
}

func (s *Store) open(ctx context.Context) error {
	if err := s.migrate(ctx); err != nil {
		return err
	}
	return s.read(ctx, func(ctx context.Context, c Conn) error { return s.loadUserLast(ctx, c) })
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

// Close waits for running calls and closes the connections. Later calls, of Close too,
// are CodeClosed.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return chat.Errorf(chat.CodeClosed, "the store is closed")
	}
	s.closed = true
	s.mu.Unlock()
	s.backlog.stop()
	s.backlog.ended.Wait()
	s.running.Wait()
	s.release()
	s.log.Info("store closed", "database", s.driver.Name())
	return nil
}

func (s *Store) release() {
	s.readers.close()
	s.writers.close()
	s.indexers.close()
}

// Stats returns the store's figures. It may be called at any time, also after Close.
func (s *Store) Stats() Stats {
	return Stats{
		Readers:       s.readers.figures(),
		Writers:       s.writers.figures(),
		Commits:       s.counts.commits.Load(),
		CommitsFailed: s.counts.commitsFailed.Load(),
		Events:        s.counts.events.Load(),
		Small:         s.counts.small.Load(),
		SmallTxs:      s.counts.smallTxs.Load(),
		Again:         s.counts.again.Load(),
		Settled:       s.counts.settled.Load(),
		IndexBehind:   max(s.backlog.behind.Load(), 0),
	}
}
