package postgres_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"sarang/chat"
	"sarang/internal/store/postgres"
	"sarang/internal/store/postgrestest"
	"sarang/internal/store/sqlstore"
)

// rig is a store with a room and a user, and a writer that commits to it.
type rig struct {
	t     *testing.T
	store *sqlstore.Store
	room  chat.Room
	user  chat.User
	id    chat.BatchID
	last  chat.Seq
}

func newRig(t *testing.T, url string, c sqlstore.Config) *rig {
	t.Helper()
	c.Unsafe = true
	s, err := postgres.Open(t.Context(), postgres.Config{URL: url, Store: c})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	r := &rig{t: t, store: s, id: chat.BatchID{Writer: rand.Uint64() | 1}}
	if r.room, err = s.CreateRoom(t.Context(), chat.Room{Name: "r", Key: "r", Epoch: 5}, chat.RoomQuota{}); err != nil {
		t.Fatal(err)
	}
	in, err := s.ClaimUser(t.Context(), chat.Claim{Name: "u", Key: "u", Fresh: chat.TokenHash{1}, NowMs: 1})
	if r.user = in.User; err != nil {
		t.Fatal(err)
	}
	return r
}

// next is a batch of n events behind what is stored.
func (r *rig) next(n int) chat.Batch {
	r.id.Number++
	a := chat.Append{Room: r.room.ID, After: r.last}
	for i := range n {
		seq := r.last + 1 + chat.Seq(i)
		a.Events = append(a.Events, chat.Event{
			Room: r.room.ID, Seq: seq, Kind: chat.EventMessage, User: r.user.ID, Nonce: chat.Nonce(seq), Text: fmt.Sprint(seq),
		})
	}
	return chat.Batch{ID: r.id, Appends: []chat.Append{a}}
}

// surely commits b as a server does: again while the outcome is not known.
func (r *rig) surely(ctx context.Context, b chat.Batch) error {
	for {
		conflicts, err := r.store.Commit(ctx, b)
		switch code := chat.CodeOf(err); {
		case code == chat.CodeUncertain, code == chat.CodeUnavailable:
			if ctx.Err() != nil {
				return err
			}
		case err != nil:
			return err
		case len(conflicts) > 0:
			return fmt.Errorf("others have written: %+v", conflicts)
		default:
			r.last += chat.Seq(len(b.Appends[0].Events))
			return nil
		}
	}
}

// check expects the log to be what was acknowledged, each event once.
func (r *rig) check() {
	r.t.Helper()
	events, more, err := r.store.History(r.t.Context(), r.room.ID, chat.Page{ItemsMax: 1 << 20, BytesMax: 1 << 30})
	if err != nil || more || len(events) != int(r.last) {
		r.t.Fatalf("%d events are stored, %d were acknowledged; more %t, %v", len(events), r.last, more, err)
	}
	for i, e := range events {
		if e.Seq != chat.Seq(i+1) || e.Text != fmt.Sprint(e.Seq) {
			r.t.Fatalf("event %d is %+v", i+1, e)
		}
	}
	u, err := r.store.User(r.t.Context(), r.user.ID)
	if err != nil || u.SentCount != uint64(r.last) {
		r.t.Fatalf("the user has sent %d, %v; %d were acknowledged", u.SentCount, err, r.last)
	}
}

func proxied(t *testing.T) *postgrestest.Proxy {
	t.Helper()
	p, err := postgrestest.NewProxy(postgrestest.Fresh(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// The connection is cut before what is asked arrives, or before it is answered. What is
// sent again is recognized.
func TestConnectionCut(t *testing.T) {
	p := proxied(t)
	r := newRig(t, p.URL, sqlstore.Config{})
	for i := range 20 {
		mode := []postgrestest.Mode{postgrestest.CutReplies, postgrestest.CutAsked}[i%2]
		p.Set(mode)
		b := r.next(3)
		_, err := r.store.Commit(t.Context(), b)
		if code := chat.CodeOf(err); code != chat.CodeUncertain {
			t.Fatalf("cut %d: %v, want CodeUncertain", i, err)
		}
		p.Set(postgrestest.Pass)
		if err := r.surely(t.Context(), b); err != nil {
			t.Fatalf("cut %d: %v", i, err)
		}
	}
	r.check()
	if s := r.store.Stats(); s.Settled == 0 {
		t.Errorf("no commit was settled: %+v", s)
	}
}

// Cuts at any moment while a writer goes on by itself.
func TestConnectionsCutMeanwhile(t *testing.T) {
	p := proxied(t)
	r := newRig(t, p.URL, sqlstore.Config{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 30 {
			time.Sleep(time.Duration(rand.IntN(15)) * time.Millisecond) // sleep: the moment of a cut is to be any
			p.Cut()
		}
	}()
	for cuts := true; cuts; {
		select {
		case <-done:
			cuts = false
		default:
		}
		if err := r.surely(t.Context(), r.next(1+rand.IntN(20))); err != nil {
			t.Fatal(err)
		}
	}
	<-done
	r.check()
}

// A connection over which nothing comes any more ends a call at its deadline.
func TestConnectionHalfOpen(t *testing.T) {
	p := proxied(t)
	r := newRig(t, p.URL, sqlstore.Config{WriteTime: 2 * time.Second, ReadTime: 2 * time.Second, ConnectTime: 2 * time.Second})
	p.Set(postgrestest.Silent)
	b := r.next(2)
	_, err := r.store.Commit(t.Context(), b)
	if chat.CodeOf(err) != chat.CodeUncertain {
		t.Fatalf("Commit: %v, want CodeUncertain", err)
	}
	if _, err := r.store.Room(t.Context(), r.room.ID); chat.CodeOf(err) != chat.CodeUnavailable {
		t.Fatalf("Room: %v, want CodeUnavailable", err)
	}
	if _, err := r.store.Commit(t.Context(), b); chat.CodeOf(err) != chat.CodeUnavailable {
		t.Fatalf("Commit again, without a connection: %v, want CodeUnavailable", err)
	}
	p.Set(postgrestest.Pass)
	p.Cut()
	if err := r.surely(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	r.check()
}

// Claims and rooms, too, are made once when the answer to their COMMIT is lost.
func TestAnswersLost(t *testing.T) {
	p := proxied(t)
	r := newRig(t, p.URL, sqlstore.Config{})
	for i := range 4 {
		name := fmt.Sprint("name", i)
		p.Set(postgrestest.CutCommit)
		room, err := r.store.CreateRoom(t.Context(), chat.Room{Name: name, Key: name, Epoch: chat.Epoch(rand.Uint64())}, chat.RoomQuota{})
		if err != nil || room.ID != chat.RoomID(i+2) {
			t.Fatalf("room %d: %+v, %v", i, room, err)
		}
		_, err = r.store.CreateRoom(t.Context(), chat.Room{Name: name, Key: name}, chat.RoomQuota{})
		if chat.CodeOf(err) != chat.CodeRoomExists {
			t.Fatalf("room %d again: %v", i, err)
		}
		p.Set(postgrestest.CutCommit)
		c := chat.Claim{Name: name, Key: name, Fresh: chat.TokenHash{9, byte(i)}, NowMs: 1}
		if u, err := r.store.ClaimUser(t.Context(), c); err != nil || u.ID != chat.UserID(i+2) {
			t.Fatalf("user %d: %+v, %v", i, u, err)
		}
	}
	if s := r.store.Stats(); s.Again != 8 {
		t.Errorf("%d transactions were made again, want 8", s.Again)
	}
}

// dial is an administrator.
func dial(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

func execute(t *testing.T, c *pgx.Conn, query string, args ...any) {
	t.Helper()
	if _, err := c.Exec(t.Context(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func wantUnavailable(t *testing.T, err error, says string) {
	t.Helper()
	if chat.CodeOf(err) != chat.CodeUnavailable || !strings.Contains(err.Error(), says) {
		t.Fatalf("error %v, want CodeUnavailable with %q", err, says)
	}
}

// An administrator's lock ends a commit with an error, and nothing is stored.
func TestTableLocked(t *testing.T) {
	url := postgrestest.Fresh(t)
	r := newRig(t, url+"&lock_timeout=100", sqlstore.Config{})
	admin := dial(t, url)
	for _, table := range []string{"heads", "messages", "writers"} {
		execute(t, admin, "BEGIN")
		execute(t, admin, "LOCK TABLE "+table+" IN ACCESS EXCLUSIVE MODE")
		b := r.next(1)
		_, err := r.store.Commit(t.Context(), b)
		wantUnavailable(t, err, "somebody has locked it")
		execute(t, admin, "ROLLBACK")
		if err := r.surely(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	r.check()
}

// All connections are in use: whoever wants one waits, and is told so in the end.
func TestPoolIsEmpty(t *testing.T) {
	url := postgrestest.Fresh(t)
	r := newRig(t, url, sqlstore.Config{WritersMax: 1, PoolWait: 50 * time.Millisecond})
	admin := dial(t, url)
	execute(t, admin, "BEGIN")
	execute(t, admin, "LOCK TABLE heads IN ACCESS EXCLUSIVE MODE")
	done := make(chan error)
	go func() { done <- r.surely(t.Context(), r.next(1)) }()
	for r.store.Stats().Writers.InUse == 0 {
		time.Sleep(time.Millisecond) // sleep: nobody tells when a connection is in use
	}
	_, err := r.store.CreateRoom(t.Context(), chat.Room{Name: "q", Key: "q"}, chat.RoomQuota{})
	wantUnavailable(t, err, "are in use")
	execute(t, admin, "ROLLBACK")
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if s := r.store.Stats().Writers; s.Max != 1 || s.Waits == 0 || s.WaitsExpired != 1 || s.WaitTotal < 50*time.Millisecond {
		t.Errorf("the figures are %+v", s)
	}
	r.check()
}

func TestReadOnly(t *testing.T) {
	url := postgrestest.Fresh(t)
	newRig(t, url, sqlstore.Config{})
	_, err := open(t.Context(), url+"&default_transaction_read_only=on")
	wantUnavailable(t, err, "it is read-only")
}

// A transaction that commits late stands in front of one that began later: readers, who
// go by numbers, skip nothing.
func TestSlowCommitIsNotSkipped(t *testing.T) {
	url := postgrestest.Fresh(t)
	r := newRig(t, url, sqlstore.Config{})
	if err := r.surely(t.Context(), r.next(1)); err != nil {
		t.Fatal(err)
	}
	slow := dial(t, url)
	execute(t, slow, "BEGIN")
	execute(t, slow, `SELECT sarang_append(77, 1, ARRAY[1], ARRAY[1], ARRAY[1], ARRAY[0], ARRAY[0], ARRAY[1], ARRAY[2],
		ARRAY[1], ARRAY[2], ARRAY[1], ARRAY[1::smallint], ARRAY[2], ARRAY[0], ARRAY[-1], ARRAY['2'], ARRAY[1], NULL, NULL, NULL, NULL,
		ARRAY[1], ARRAY[1], ARRAY[2], ARRAY[1], ARRAY[1], ARRAY[2], ARRAY[1],
		NULL, NULL, NULL, NULL, NULL)`)
	execute(t, slow, "SELECT value FROM counters ORDER BY name FOR UPDATE")
	quick := r.next(1)
	done := make(chan []chat.Conflict)
	go func() {
		conflicts, err := r.store.Commit(context.Background(), quick)
		if err != nil {
			t.Error(err)
		}
		done <- conflicts
	}()
	made := make(chan chat.Room)
	go func() {
		room, err := r.store.CreateRoom(context.Background(), chat.Room{Name: "q", Key: "q"}, chat.RoomQuota{})
		if err != nil {
			t.Error(err)
		}
		made <- room
	}()
	r.check() // nobody sees what is not committed
	for r.store.Stats().Writers.InUse < 2 {
		time.Sleep(time.Millisecond) // sleep: nobody tells when a connection is in use
	}
	execute(t, slow, "INSERT INTO rooms VALUES (2, 'slow', 'slow', 1, 0, 0, 1)")
	execute(t, slow, "INSERT INTO heads VALUES (2, 0, 0, 0)")
	execute(t, slow, "UPDATE counters SET value = 2 WHERE name = 'rooms'")
	execute(t, slow, "COMMIT")
	conflicts := <-done
	if len(conflicts) != 1 || conflicts[0].Last != 2 || len(conflicts[0].Between) != 1 || conflicts[0].Between[0].Text != "2" {
		t.Fatalf("the quick one was told %+v", conflicts)
	}
	if room := <-made; room.ID != 3 {
		t.Fatalf("the room of the quick one is %+v", room)
	}
	r.last = 2
	r.check()
}
