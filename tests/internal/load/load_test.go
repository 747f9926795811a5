package load_test

import (
	"context"
	"database/sql"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sarang/internal/server"
	"sarang/internal/store/sqlite"
	"sarang/tests/internal/load"
	"sarang/tests/internal/proc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 30 * time.Second

func serve(t *testing.T, dir, addr string) *server.Server {
	t.Helper()
	c := server.Default()
	c.Web = server.Address{}
	c.Listen = server.Native(netip.MustParseAddrPort(addr))
	c.HTTP, c.DataDir = server.Nowhere, dir
	s, err := server.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The load comes back after each end of the server, everything is found as promised,
// and each thing that is then changed in the file is found as well.
func TestLoad(t *testing.T) {
	dir, addr := t.TempDir(), proc.FreeAddr()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	l := load.Start(load.Config{Addr: addr, Rooms: 2, RatePerSecond: 400, TextBytesMax: 3000, Seed: 3})
	defer l.Stop()
	for range 2 {
		s := serve(t, dir, addr)
		if err := l.WaitFor(ctx, load.Acked, l.Count(load.Acked), 300); err != nil {
			t.Fatal(err)
		}
		if err := s.Stop(ctx); err != nil {
			t.Fatal(err)
		}
	}
	s := serve(t, dir, addr)
	if err := l.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	byProtocol, err := l.CheckHistory(ctx)
	if err != nil {
		t.Fatal(err)
	}
	l.Stop()
	if err := s.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, sqlite.DatabaseFile)
	byFile, err := l.CheckFile(ctx, file)
	if err != nil {
		t.Fatal(err)
	}
	st := l.Stats()
	if !byProtocol.OK() || byProtocol != byFile || byFile.Messages != st.Acked || st.Acked != st.Messages ||
		st.Messages < 600 || st.Deliveries <= st.Messages || st.Joins != 3*uint64(l.Members()) || len(l.Faults()) > 0 {
		t.Fatalf("%+v\n%+v\n%+v\n%q", byProtocol, byFile, st, l.Faults())
	}
	sabotage(ctx, t, l, file)
}

// sabotage breaks one promise after the other in the file.
func sabotage(ctx context.Context, t *testing.T, l *load.Load, file string) {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	const one = "FROM messages WHERE room_id = 1 AND kind = 1 ORDER BY seq LIMIT 1 OFFSET 100"
	for _, c := range []struct {
		name, do string
		found    func(a load.Audit) uint64
		first    string
	}{
		{"lost in the middle", "DELETE FROM messages WHERE room_id = 1 AND seq = (SELECT seq " + one + ")", func(a load.Audit) uint64 { return min(a.Lost, a.Gaps) }, "follows"},
		{"lost at the end", "DELETE FROM messages WHERE room_id = 1 AND seq > (SELECT seq " + one + ")", func(a load.Audit) uint64 { return min(a.Lost, a.NotStored) }, "was shown"},
		{"changed text", "UPDATE messages SET text = text || 'x' WHERE room_id = 1 AND seq = (SELECT seq " + one + ")", func(a load.Audit) uint64 { return min(a.Changed, a.NotStored) }, "what was shown"},
		{"nonce twice", "UPDATE messages SET (nonce, user_id, text) = (SELECT nonce, user_id, text " + one + ") WHERE room_id = 1 AND seq = 150", func(a load.Audit) uint64 { return a.Doubled }, ""},
		{"another author", "UPDATE messages SET user_id = 9999 WHERE room_id = 1 AND seq = (SELECT seq " + one + ")", func(a load.Audit) uint64 { return min(a.Changed, a.Lost) }, ""},
		{"time goes back", "UPDATE messages SET time_ms = 5 WHERE room_id = 1 AND seq = (SELECT seq " + one + ")", func(a load.Audit) uint64 { return a.TimeBack }, ""},
	} {
		if _, err := db.ExecContext(ctx, "CREATE TABLE saved AS SELECT * FROM messages"); err != nil {
			t.Fatal(err)
		}
		if _, err := db.ExecContext(ctx, c.do); err != nil {
			t.Fatal(c.name, err)
		}
		a, err := l.CheckFile(ctx, file)
		if err != nil || a.OK() || c.found(a) == 0 || !strings.Contains(a.First(), c.first) {
			t.Errorf("%s: %+v (%s), %v", c.name, a, a.First(), err)
		}
		if _, err := db.ExecContext(ctx, "DELETE FROM messages; INSERT INTO messages SELECT * FROM saved; DROP TABLE saved"); err != nil {
			t.Fatal(err)
		}
	}
	if a, err := l.CheckFile(ctx, file); err != nil || !a.OK() {
		t.Errorf("put back: %+v, %v", a, err)
	}
}

// Nothing is there: the wait ends with ctx, and says what for.
func TestNoServer(t *testing.T) {
	l := load.Start(load.Config{Addr: proc.FreeAddr(), Rooms: 1})
	defer l.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := l.Settle(ctx); err == nil || !strings.Contains(err.Error(), "not settled") {
		t.Error(err)
	}
	if err := l.WaitFor(ctx, load.Acked, 0, 1); err == nil {
		t.Error("an ack came from nowhere")
	}
}
