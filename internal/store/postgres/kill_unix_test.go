//go:build unix

package postgres_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"sarang/chat"
	"sarang/internal/store/postgrestest"
)

// childVariable makes this test binary a server that only writes: to the room 1 of the
// database that it names. It prints nonce and Seq of each event when it is acknowledged.
const childVariable = "SARANG_POSTGRES_TEST_CHILD"

const childEvents = 150

func childMain() {
	url := os.Getenv(childVariable)
	if url == "" {
		return
	}
	if err := writeAsChild(url); err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func writeAsChild(url string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s, err := open(ctx, url)
	if err != nil {
		return err
	}
	name := fmt.Sprint("user", os.Getpid())
	u, err := s.ClaimUser(ctx, chat.Claim{Name: name, Key: name, Fresh: chat.TokenHash{1}, NowMs: 1})
	if err != nil {
		return err
	}
	w := &sharedWriter{store: s, user: u.ID, id: chat.BatchID{Writer: rand.Uint64() | 1}}
	for nonce := range chat.Nonce(childEvents) {
		seq, err := w.say(ctx, nonce+1)
		if err != nil {
			return err
		}
		fmt.Println(u.ID, nonce+1, seq)
	}
	return s.Close()
}

// sharedWriter is one of several that write to room 1.
type sharedWriter struct {
	store chat.Store
	user  chat.UserID
	id    chat.BatchID
	last  chat.Seq
}

// say appends an event, however often others come first, and returns its Seq. A nonce that
// comes back in a conflict is a batch that was taken for another one.
func (w *sharedWriter) say(ctx context.Context, nonce chat.Nonce) (chat.Seq, error) {
	for {
		w.id.Number++
		e := chat.Event{Room: 1, Seq: w.last + 1, Kind: chat.EventMessage, User: w.user, Nonce: nonce, Text: "x"}
		b := chat.Batch{ID: w.id, Appends: []chat.Append{{Room: 1, After: w.last, Events: []chat.Event{e}}}}
		conflicts, err := w.store.Commit(ctx, b)
		for code := chat.CodeOf(err); code == chat.CodeUncertain || code == chat.CodeUnavailable; code = chat.CodeOf(err) {
			if ctx.Err() != nil {
				return 0, err
			}
			conflicts, err = w.store.Commit(ctx, b)
		}
		if err != nil {
			return 0, err
		}
		if len(conflicts) == 0 {
			w.last++
			return w.last, nil
		}
		for _, e := range conflicts[0].Between {
			if e.User == w.user && e.Nonce >= nonce {
				return 0, fmt.Errorf("nonce %d is at %d already", e.Nonce, e.Seq)
			}
			w.last = e.Seq
		}
	}
}

// ack is an event that was acknowledged.
type ack struct {
	user  chat.UserID
	nonce chat.Nonce
}

// checkShared expects all that was acknowledged to be in the log of room 1, where it was
// said to be, without gap or repeat.
func checkShared(t *testing.T, s chat.Store, acked map[ack]chat.Seq, moreMax int) {
	t.Helper()
	log, more, err := s.History(t.Context(), 1, chat.Page{ItemsMax: 1 << 20, BytesMax: 1 << 30})
	if err != nil || more || len(log) < len(acked) || len(log) > len(acked)+moreMax {
		t.Fatalf("%d events are stored, more %t, %v; %d were acknowledged", len(log), more, err, len(acked))
	}
	at := map[ack]chat.Seq{}
	for i, e := range log {
		who := ack{e.User, e.Nonce}
		if e.Seq != chat.Seq(i+1) || at[who] != 0 {
			t.Fatalf("event %d is %+v; its nonce is at %d, too", i+1, e, at[who])
		}
		at[who] = e.Seq
	}
	for who, seq := range acked {
		if at[who] != seq {
			t.Fatalf("%+v was acknowledged at %d, and stands at %d", who, seq, at[who])
		}
	}
}

// Two processes write to one room; a third one is killed in the middle.
func TestTwoProcesses(t *testing.T) {
	url := postgrestest.Fresh(t)
	s, err := open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.CreateRoom(t.Context(), chat.Room{Name: "r", Key: "r"}, chat.RoomQuota{}); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	acked := map[ack]chat.Seq{}
	var wg sync.WaitGroup
	for i := range 3 {
		wg.Go(func() {
			cmd := exec.Command(self)
			cmd.Env = append(os.Environ(), childVariable+"="+url)
			out, err := cmd.StdoutPipe()
			if err == nil {
				err = cmd.Start()
			}
			if err != nil {
				t.Error(err)
				return
			}
			lines := bufio.NewScanner(out)
			for n := 1; lines.Scan(); n++ {
				var who ack
				var seq chat.Seq
				if _, err := fmt.Sscan(lines.Text(), &who.user, &who.nonce, &seq); err != nil {
					t.Errorf("a child says %q", lines.Text())
				}
				mu.Lock()
				acked[who] = seq
				mu.Unlock()
				if i == 2 && n == childEvents/3 {
					_ = cmd.Process.Kill()
				}
			}
			if err := cmd.Wait(); (err != nil) != (i == 2) {
				t.Errorf("child %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	checkShared(t, s, acked, 1) // the one that was killed had one on its way
	if len(acked) < 2*childEvents {
		t.Errorf("only %d were acknowledged", len(acked))
	}
}

// Backends, and the server whole, are killed while two stores write to one room.
func TestServerKilled(t *testing.T) {
	const rounds = 6
	server, err := postgrestest.Start("fsync=off", "full_page_writes=off")
	if err != nil {
		t.Skipf("no PostgreSQL: %v", err)
	}
	defer func() { _ = server.Stop() }()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	acked := map[ack]chat.Seq{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	stop := make(chan struct{})
	var first chat.Store
	for i := range 2 {
		s, err := open(ctx, server.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if first == nil {
			first = s
			if _, err := s.CreateRoom(ctx, chat.Room{Name: "r", Key: "r"}, chat.RoomQuota{}); err != nil {
				t.Fatal(err)
			}
		}
		name := fmt.Sprint("u", i)
		u, err := s.ClaimUser(ctx, chat.Claim{Name: name, Key: name, Fresh: chat.TokenHash{1}, NowMs: 1})
		if err != nil {
			t.Fatal(err)
		}
		w := &sharedWriter{store: s, user: u.ID, id: chat.BatchID{Writer: rand.Uint64() | 1}}
		wg.Go(func() {
			for nonce := chat.Nonce(1); ; nonce++ {
				select {
				case <-stop:
					return
				default:
				}
				seq, err := w.say(ctx, nonce)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				acked[ack{u.ID, nonce}] = seq
				mu.Unlock()
			}
		})
	}
	for round := range rounds {
		waitForAcks(ctx, t, &mu, acked, 20)
		if err := killOne(ctx, server, round%3 == 2); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
	}
	waitForAcks(ctx, t, &mu, acked, 20)
	close(stop)
	wg.Wait()
	checkShared(t, first, acked, 0)
}

// waitForAcks waits until so many more are acknowledged.
func waitForAcks(ctx context.Context, t *testing.T, mu *sync.Mutex, acked map[ack]chat.Seq, n int) {
	t.Helper()
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(acked)
	}
	for want := count() + n; count() < want; {
		if ctx.Err() != nil {
			t.Fatal("nothing goes on")
		}
		time.Sleep(time.Millisecond) // sleep: acknowledgements are counted by others
	}
}

// killOne kills the server and starts it again, or one of its processes: then it starts
// again by itself.
func killOne(ctx context.Context, server *postgrestest.Server, whole bool) error {
	if whole {
		pid, err := server.Pid()
		if err != nil {
			return err
		}
		return errors.Join(syscall.Kill(pid, syscall.SIGKILL), server.Restart())
	}
	c, err := pgx.Connect(ctx, server.URL)
	if err != nil {
		return nil // it is starting
	}
	defer func() { _ = c.Close(context.Background()) }()
	rows, err := c.Query(ctx, "SELECT pid FROM pg_stat_activity WHERE application_name = 'sarang'")
	if err != nil {
		return nil
	}
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil || len(pids) == 0 {
		return nil
	}
	slices.Sort(pids)
	err = syscall.Kill(pids[rand.IntN(len(pids))], syscall.SIGKILL)
	if err != nil && !strings.Contains(err.Error(), "no such process") {
		return err
	}
	return nil
}
