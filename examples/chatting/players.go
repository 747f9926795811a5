package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the database/sql driver "sqlite"

	"sarang/lock"
)

const (
	loginsWaitingMax = 1024                   // logins that may wait for the database
	loginsBatchMax   = 64                     // logins in one transaction
	saveInterval     = 200 * time.Millisecond // between two writes of the counts
	queryTimeout     = 5 * time.Second        // for one transaction
)

const playersTable = `CREATE TABLE IF NOT EXISTS player (
	id       INTEGER PRIMARY KEY,
	name     TEXT NOT NULL UNIQUE,
	messages INTEGER NOT NULL DEFAULT 0
)`

// players is the table of all players there ever were. One goroutine talks to the
// database; workers only leave work for it, and that never waits.
type players struct {
	db       *sql.DB
	login    *sql.Stmt
	add      *sql.Stmt
	logger   *slog.Logger
	waiting  chan loginRequest
	stopping chan struct{}
	ended    chan error // one value: how the last write went

	mu   lock.Mutex
	said map[playerID]uint64 // remarks that are not in the table yet
}

// account is what the table has about a player.
type account struct {
	id       playerID
	messages uint64
}

type loginRequest struct {
	name string
	done func(account, error)
}

// openPlayers opens the table in a file, and makes it if it is not there.
func openPlayers(file string, logger *slog.Logger) (*players, error) {
	name, err := dataSource(file)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, err
	}
	// The pool is bounded. SQLite has one writer at a time; with another database
	// this would be the number of goroutines like ours.
	db.SetMaxOpenConns(1)
	p := &players{
		db: db, logger: logger, said: map[playerID]uint64{},
		waiting:  make(chan loginRequest, loginsWaitingMax),
		stopping: make(chan struct{}),
		ended:    make(chan error, 1),
	}
	p.mu.Init(lock.NewClass("chatting.players"))
	if err := p.prepare(); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", file, err), db.Close())
	}
	go p.run()
	return p, nil
}

// dataSource is the URI of a file: any character may be in its name.
func dataSource(file string) (string, error) {
	path, err := filepath.Abs(file)
	if err != nil {
		return "", err
	}
	if path = filepath.ToSlash(path); !strings.HasPrefix(path, "/") {
		path = "/" + path // a drive letter
	}
	options := url.Values{"_pragma": {"journal_mode(WAL)", "synchronous(NORMAL)", "busy_timeout(2000)"}}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: options.Encode()}).String(), nil
}

func (p *players) prepare() error {
	ctx, cancel := context.WithTimeout(context.Background(), queryTimeout)
	defer cancel()
	if _, err := p.db.ExecContext(ctx, playersTable); err != nil {
		return err
	}
	var err error
	if p.login, err = p.db.PrepareContext(ctx,
		`INSERT INTO player (name) VALUES (?) ON CONFLICT (name) DO UPDATE SET name = name RETURNING id, messages`); err != nil {
		return err
	}
	p.add, err = p.db.PrepareContext(ctx, `UPDATE player SET messages = messages + ? WHERE id = ?`)
	return err
}

// Login looks a player up by name, and adds one that is new. done is called with the
// answer by the goroutine of the table. False: too many are waiting already, and done
// will not be called. Any goroutine may call Login; it does not wait.
func (p *players) Login(name string, done func(account, error)) bool {
	select {
	case p.waiting <- loginRequest{name: name, done: done}:
		return true
	default:
		return false
	}
}

// Count notes that a player said something. Any goroutine may call it. The lock is
// never held while something slow is done.
func (p *players) Count(id playerID) {
	p.mu.Lock()
	p.said[id]++
	p.mu.Unlock()
}

// Close writes what is not written yet and closes the table. Nobody may log in or
// count any more.
func (p *players) Close() error {
	close(p.stopping)
	err := <-p.ended
	return errors.Join(err, p.login.Close(), p.add.Close(), p.db.Close())
}

func (p *players) run() {
	save := time.NewTicker(saveInterval)
	defer save.Stop()
	for {
		select {
		case first := <-p.waiting:
			p.answer(first)
		case <-save.C:
			if _, err := p.write(nil); err != nil {
				p.logger.Error("the counts were not saved; trying again", "error", err)
			}
		case <-p.stopping:
			_, err := p.write(nil)
			p.ended <- err
			return
		}
	}
}

// answer does the login that came first together with those that gathered behind it:
// many logins cost one transaction.
func (p *players) answer(first loginRequest) {
	batch := []loginRequest{first}
	for len(batch) < loginsBatchMax && len(p.waiting) > 0 {
		batch = append(batch, <-p.waiting) // no other goroutine receives
	}
	accounts, err := p.write(batch)
	if err != nil {
		p.logger.Error("logins failed", "logins", len(batch), "error", err)
		accounts = make([]account, len(batch))
	}
	for i := range batch {
		batch[i].done(accounts[i], err)
	}
}

// write saves the counts and does the logins, in one transaction: so a player that
// comes back is told a count that has everything. What could not be saved is kept for
// the next time.
func (p *players) write(logins []loginRequest) ([]account, error) {
	p.mu.Lock()
	said := p.said
	p.said = map[playerID]uint64{}
	p.mu.Unlock()
	if len(said) == 0 && len(logins) == 0 {
		return nil, nil
	}
	accounts, err := p.transact(said, logins)
	if err != nil {
		p.mu.Lock()
		for id, n := range said {
			p.said[id] += n
		}
		p.mu.Unlock()
	}
	return accounts, err
}

func (p *players) transact(said map[playerID]uint64, logins []loginRequest) ([]account, error) {
	ctx, cancel := context.WithTimeout(context.Background(), queryTimeout)
	defer cancel()
	tx, err := p.db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback() // does nothing after Commit
	add := tx.StmtContext(ctx, p.add)
	for id, n := range said {
		if _, err := add.ExecContext(ctx, n, id); err != nil {
			return nil, err
		}
	}
	login := tx.StmtContext(ctx, p.login)
	accounts := make([]account, len(logins))
	for i := range logins {
		a := &accounts[i]
		if err := login.QueryRowContext(ctx, logins[i].name).Scan(&a.id, &a.messages); err != nil {
			return nil, err
		}
	}
	return accounts, tx.Commit()
}
