package server_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"sarang/engine"
	"sarang/internal/server"
	pb "sarang/proto/sarang/v1"
)

// health waits until /healthz has a status, and returns what it says.
func health(t *testing.T, s *running, want int) string {
	t.Helper()
	for end := time.Now().Add(patience); ; {
		code, body := get(t, s, "/healthz")
		if code == want {
			return body
		}
		if time.Now().After(end) {
			t.Fatalf("/healthz is %d, %q; want %d", code, body, want)
		}
	}
}

// A worker that stands still is found, whatever the others do, and whether it was asked
// before or not; a worker that only sleeps is well.
func TestHealthOfWorkers(t *testing.T) {
	const still = time.Second
	s := quiet(t, func(c *server.Config) {
		c.Workers = 2
		c.SetStillMax(still)
	})
	for i := range 2 {
		for begin := time.Now(); time.Since(begin) < still*5/4; {
			if code, body := get(t, s, "/healthz"); code != http.StatusOK {
				t.Fatalf("nothing is to be done, and /healthz is %d, %q", code, body)
			}
		}
		hold := make(chan struct{})
		s.Engine().Workers()[i].Post(engine.MessageFunc(func(*engine.Worker) { <-hold }))
		said := health(t, s, http.StatusServiceUnavailable)
		close(hold)
		if want := []string{"worker 0", "worker 1"}[i]; !strings.HasPrefix(said, want) {
			t.Errorf("worker %d stands still; /healthz says %q", i, said)
		}
		health(t, s, http.StatusOK)
	}
}

// A store that does not come back from a commit is found.
func TestHealthOfTheStore(t *testing.T) {
	eachSlowServer(t, func(c *server.Config) { c.SetStillMax(300 * time.Millisecond) }, func(t *testing.T, s *running, store *slowStore) {
		a := user(t, s, "a")
		id := a.join(&pb.Join{Name: "r"}).Room.Id
		a.expectEvent(1, "+ a")
		store.commits.shut()
		a.publish(id, 1, "hello")
		said := health(t, s, http.StatusServiceUnavailable)
		store.commits.reopen()
		if !strings.HasPrefix(said, "the store") {
			t.Errorf("/healthz says %q", said)
		}
		a.expectOwn(1, 2, "hello")
		health(t, s, http.StatusOK)
	})
}
