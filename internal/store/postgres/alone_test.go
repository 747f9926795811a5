package postgres_test

import (
	"context"
	"testing"
	"time"

	"sarang/chat"
	"sarang/internal/store/postgrestest"
	"sarang/internal/store/sqlstore"
)

// An administrator ends the wait for a standby: the commit has taken effect, and a failover may
// lose it. So its outcome is not known until a commit behind it was confirmed.
func TestUnconfirmedCommit(t *testing.T) {
	server, err := postgrestest.Start("fsync=off", "full_page_writes=off")
	if err != nil {
		t.Skipf("no PostgreSQL: %v", err)
	}
	defer func() { _ = server.Stop() }()
	r := newRig(t, server.URL, sqlstore.Config{})
	if err := r.surely(t.Context(), r.next(1)); err != nil {
		t.Fatal(err)
	}
	admin := dial(t, server.URL)
	execute(t, admin, "SET synchronous_commit = local")
	standbys := func(names string) {
		t.Helper()
		execute(t, admin, "ALTER SYSTEM SET synchronous_standby_names = '"+names+"'")
		execute(t, admin, "SELECT pg_reload_conf()")
	}
	// The wait is ended as often as there is one.
	cancelled := make(chan int)
	stop := make(chan struct{})
	c := dial(t, server.URL)
	go func() {
		n := 0
		defer func() { cancelled <- n }()
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
			var one int
			if err := c.QueryRow(context.Background(), `SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'`).Scan(&one); err != nil {
				t.Error(err)
				return
			}
			n += one
		}
	}()
	standbys("nobody")
	var confirmed string
	for confirmed == "" { // a server that runs takes a setting over when it comes to it
		if err := dial(t, server.URL).QueryRow(t.Context(), "SHOW synchronous_standby_names").Scan(&confirmed); err != nil {
			t.Fatal(err)
		}
	}
	b := r.next(2)
	if _, err := r.store.Commit(t.Context(), b); chat.CodeOf(err) != chat.CodeUncertain {
		t.Errorf("a commit that no standby has: %v, want CodeUncertain", err)
	}
	// Small writes, too, are no answer.
	_, err = r.store.CreateRoom(t.Context(), chat.Room{Name: "q", Key: "q", Epoch: 7}, chat.RoomQuota{})
	if chat.CodeOf(err) != chat.CodeUncertain {
		t.Errorf("a room that no standby has: %v, want CodeUncertain", err)
	}
	standbys("")
	if err := r.surely(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	close(stop)
	if n := <-cancelled; n < 2 {
		t.Errorf("%d waits were ended", n)
	}
	r.check()
	if s := r.store.Stats(); s.Settled != 1 {
		t.Errorf("%d commits were settled, want 1", s.Settled)
	}
}
