package engine_test

import (
	"io"
	"sync"
	"testing"

	"sarang/aio"
	"sarang/engine"
)

// note is a message with a sender and a number.
type note struct {
	from, number int
	seen         []int // by sender: the next number; the worker's
	done         *sync.WaitGroup
	t            *testing.T
}

func (n *note) Deliver(*engine.Worker) {
	if n.seen[n.from] != n.number {
		n.t.Errorf("message %d of sender %d came instead of %d", n.number, n.from, n.seen[n.from])
	}
	n.seen[n.from]++
	n.done.Done()
}

// What many goroutines post is delivered, all of it, each one's in order.
func TestPostFromMany(t *testing.T) {
	onDrivers(t, func(t *testing.T, open func(int) (aio.Driver, error)) {
		svc := serve(t, engine.Config{OpenDriver: open})
		w := svc.Workers()[0]
		const senders, each = 8, 2000
		seen := make([]int, senders)
		var done sync.WaitGroup
		done.Add(senders * each)
		for i := range senders {
			go func() {
				for n := range each {
					if !w.Post(&note{i, n, seen, &done, t}) {
						t.Error("Post said that the worker has ended")
						done.Done()
					}
				}
			}()
		}
		done.Wait()
	})
}

// One message at a time to a worker that has nothing else to do: each must wake it.
func TestPostWakes(t *testing.T) {
	onDrivers(t, func(t *testing.T, open func(int) (aio.Driver, error)) {
		svc := serve(t, engine.Config{OpenDriver: open, Workers: 2})
		a, b := svc.Workers()[0], svc.Workers()[1]
		back := make(chan struct{})
		for range 1000 { // there and back over two workers that sleep
			a.Post(engine.MessageFunc(func(*engine.Worker) {
				b.Post(engine.MessageFunc(func(*engine.Worker) { back <- struct{}{} }))
			}))
			<-back
		}
	})
}

// A worker may post to itself: it is delivered after the turn that it is in.
func TestPostToItself(t *testing.T) {
	onDrivers(t, func(t *testing.T, open func(int) (aio.Driver, error)) {
		svc := serve(t, engine.Config{OpenDriver: open})
		done := make(chan struct{})
		left := 1000
		var again engine.MessageFunc
		again = func(w *engine.Worker) {
			if left--; left == 0 {
				close(done)
				return
			}
			w.Post(again)
		}
		svc.Workers()[0].Post(again)
		<-done
	})
}

// late appends to a feed at the very end of a worker's turn, when it is asked for what
// is missing of another.
type late struct {
	echo
	old, other *engine.Feed
}

func (l *late) Connected(s *engine.Session) {
	s.Follow(l.other, 1)
	s.Follow(l.old, 1)
}

func newLate(w *engine.Worker) engine.Handler {
	l := &late{old: w.NewFeed(2, 0), other: w.NewFeed(1, 0)} // old has no entry 1
	l.old.Fetch = l.fetch
	w.OnStop(l.stop)
	return l
}

func (l *late) fetch(c *engine.Cursor) {
	buf, err := c.Session().Worker().Pool().Copy(pack(idEntry, 'x'))
	if err == nil {
		l.other.Append(buf, 0, []uint32{uint32(buf.Len())})
		buf.Release()
	}
}

func (l *late) stop() {
	l.old.Close()
	l.other.Close()
}

// What is appended that late is sent without waiting for something else to happen.
func TestWorkerDoesNotSleepOverFeeds(t *testing.T) {
	onDrivers(t, func(t *testing.T, open func(int) (aio.Driver, error)) {
		svc := serve(t, engine.Config{
			OpenDriver: open, LoginDeadline: -1, IdleTimeout: -1,
		})
		c := dial(t, listen(t, svc, "127.0.0.1:0", packets(newLate)))
		got := make([]byte, 5)
		if _, err := io.ReadFull(c, got); err != nil || got[4] != 'x' {
			t.Errorf("%x, %v", got, err)
		}
	})
}

// While workers end, every message is either refused or delivered.
func TestPostWhileClosing(t *testing.T) {
	onDrivers(t, func(t *testing.T, open func(int) (aio.Driver, error)) {
		for range 20 {
			svc, err := engine.New(engine.Config{OpenDriver: open})
			if err != nil {
				t.Fatal(err)
			}
			if err := svc.Start(); err != nil {
				t.Fatal(err)
			}
			var senders, delivered sync.WaitGroup
			for range 4 {
				senders.Add(1)
				go func() {
					defer senders.Done()
					for {
						delivered.Add(1)
						if !svc.Workers()[0].Post(engine.MessageFunc(func(*engine.Worker) { delivered.Done() })) {
							delivered.Done()
							return
						}
					}
				}()
			}
			if err := svc.Close(); err != nil {
				t.Error(err)
			}
			senders.Wait()
			delivered.Wait()
		}
	})
}
