//go:build odbc

package odbc_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"sarang/chat"
	"sarang/internal/store/odbc"
	"sarang/internal/store/postgrestest"
	"sarang/internal/store/sqlstore"
	"sarang/internal/store/storetest"
)

// Two hubs, each with handles of its own.
func TestHubs(t *testing.T) {
	fewerChecks(t, "6")
	t.Run("PostgreSQL", func(t *testing.T) {
		installed(t, "PostgreSQL Unicode")
		storetest.RunHubs(t, func(t *testing.T) storetest.Opener { return opener(overPostgres(t)) }, 2)
	})
	t.Run("SQLite", func(t *testing.T) {
		installed(t, "SQLite3")
		storetest.RunHubs(t, func(t *testing.T) storetest.Opener { return opener(overSQLite(t)) }, 2)
	})
}

// proxied returns the DSN of an empty schema by way of a proxy.
func proxied(t *testing.T) (*postgrestest.Proxy, string) {
	t.Helper()
	installed(t, "PostgreSQL Unicode")
	dsn := overPostgres(t)
	port := func(in string) string {
		_, rest, _ := strings.Cut(in, ";Port=")
		number, _, _ := strings.Cut(rest, ";")
		return number
	}
	p, err := postgrestest.NewProxy("postgres://127.0.0.1:" + port(dsn))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	u, err := url.Parse(p.URL)
	if err != nil {
		t.Fatal(err)
	}
	return p, strings.Replace(dsn, ";Port="+port(dsn), ";Port="+u.Port(), 1)
}

// say is a batch of one event that is number seq of room 1.
func say(seq chat.Seq) chat.Batch {
	return chat.Batch{ID: chat.BatchID{Writer: 7, Number: uint64(seq)}, Appends: []chat.Append{{
		Room: 1, After: seq - 1,
		Events: []chat.Event{{Room: 1, Seq: seq, Kind: chat.EventMessage, User: 1, Nonce: chat.Nonce(seq), Text: fmt.Sprint(seq)}},
	}}}
}

func openWithRoom(t *testing.T, dsn string, c sqlstore.Config) *sqlstore.Store {
	t.Helper()
	c.Unsafe, c.NoSearch = true, true // what is cut is a commit, and not what brings it into the index
	s, err := odbc.Open(t.Context(), odbc.Config{DSN: dsn, Store: c})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if _, err := s.CreateRoom(t.Context(), chat.Room{Name: "r", Key: "r"}, chat.RoomQuota{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ClaimUser(t.Context(), chat.Claim{Name: "u", Key: "u", NowMs: 1}); err != nil {
		t.Fatal(err)
	}
	return s
}

func wantLog(t *testing.T, s chat.Store, want int) {
	t.Helper()
	events, _, err := s.History(t.Context(), 1, chat.Page{ItemsMax: 1 << 20, BytesMax: 1 << 30})
	if err != nil || len(events) != want {
		t.Fatalf("%d events are stored, %v; want %d", len(events), err, want)
	}
	for i, e := range events {
		if e.Text != fmt.Sprint(i+1) {
			t.Fatalf("event %d is %+v", i+1, e)
		}
	}
}

// settle commits b as a server does: until it is known to be stored. Connections may
// break in the middle of any attempt, so that each may leave it uncertain again.
func settle(t *testing.T, s chat.Store, b chat.Batch) {
	t.Helper()
	_, err := s.Commit(t.Context(), b)
	for code := chat.CodeOf(err); code == chat.CodeUncertain || code == chat.CodeUnavailable; code = chat.CodeOf(err) {
		_, err = s.Commit(t.Context(), b)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// The answer to a COMMIT is lost, or the connection breaks somewhere in the transaction:
// the batch is sent again, and stored once.
func TestConnectionCut(t *testing.T) {
	p, dsn := proxied(t)
	s := openWithRoom(t, dsn, sqlstore.Config{})
	for seq := range chat.Seq(9) {
		p.Set([]postgrestest.Mode{postgrestest.CutCommit, postgrestest.CutReplies, postgrestest.CutAsked}[seq%3])
		time.AfterFunc(20*time.Millisecond, func() { p.Set(postgrestest.Pass) })
		settle(t, s, say(seq+1))
	}
	wantLog(t, s, 9)
	if s.Stats().Settled == 0 {
		t.Error("no commit was settled")
	}
}

// A call of the driver that does not return ends for its caller at the deadline.
func TestDriverHangs(t *testing.T) {
	p, dsn := proxied(t)
	s := openWithRoom(t, dsn, sqlstore.Config{WriteTime: 3 * time.Second, ReadTime: 5 * time.Second, ConnectTime: 3 * time.Second})
	p.Set(postgrestest.Silent)
	if _, err := s.Commit(t.Context(), say(1)); chat.CodeOf(err) != chat.CodeUncertain {
		t.Fatalf("Commit: %v, want CodeUncertain", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := s.Room(ctx, 1); chat.CodeOf(err) != chat.CodeUnavailable {
		t.Fatalf("Room: %v, want CodeUnavailable", err)
	}
	p.Set(postgrestest.Pass)
	p.Cut()
	settle(t, s, say(1))
	wantLog(t, s, 1)
}

func TestOpenErrors(t *testing.T) {
	for _, dsn := range []string{"DSN=nowhere;PWD=secret", "Driver={nothing};PWD=secret"} {
		_, err := odbc.Open(t.Context(), odbc.Config{DSN: dsn})
		if chat.CodeOf(err) != chat.CodeInternal || !strings.Contains(err.Error(), "can not be opened") || strings.Contains(err.Error(), "secret") {
			t.Errorf("opening %s: %v", dsn, err)
		}
	}
}
