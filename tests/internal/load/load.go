// Package load puts load on a server that may die at any moment, and keeps a ledger of
// what it promised: which message got which place, and what every member saw at which
// place of which room. At the end the ledger is compared with the stored log, read
// through the protocol (CheckHistory) and from the database file (CheckFile).
//
// The clients here are written from docs/PROTOCOL.md alone and share no code with the
// server or the SDK. They come back by themselves whenever the connection is lost, at
// once, however long the server asks them to stay away.
package load

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// Config says what the load is. Addr is required; zero fields take the defaults.
type Config struct {
	Addr string // HOST:PORT, the same for the whole run

	Rooms         int     // default 3
	Publishers    int     // per room; they are members and see everything; default 4
	Readers       int     // per room, members that only read; default 2
	Rewinders     int     // per room, readers that go back some way at each return; default 1
	RatePerSecond float64 // messages that each publisher makes; default 100
	InFlightMax   int     // messages of a publisher without an ack; default 16
	TextBytesMax  int     // most are much shorter; default 12000
	Prefix        string  // of the names of rooms and users; default "load"
	Seed          uint64  // 0: random
}

func (c Config) withDefaults() Config {
	c.Rooms = cmp.Or(c.Rooms, 3)
	c.Publishers = cmp.Or(c.Publishers, 4)
	c.Readers = cmp.Or(c.Readers, 2)
	c.Rewinders = cmp.Or(c.Rewinders, 1)
	c.RatePerSecond = cmp.Or(c.RatePerSecond, 100)
	c.InFlightMax = cmp.Or(c.InFlightMax, 16)
	c.TextBytesMax = cmp.Or(c.TextBytesMax, 12000)
	c.Prefix = cmp.Or(c.Prefix, "load")
	c.Seed = cmp.Or(c.Seed, rand.Uint64())
	return c
}

// Load is the clients and their ledger. All methods may be called from any goroutine.
type Load struct {
	config  Config
	rooms   []*room
	members []*member
	cancel  context.CancelFunc
	wg      sync.WaitGroup
	counts  counters
	quiet   chan struct{} // closed: no new messages
	once    sync.Once
}

// Start begins. The server need not be there yet. The caller ends it with Stop.
func Start(c Config) *Load {
	c = c.withDefaults()
	ctx, cancel := context.WithCancel(context.Background())
	l := &Load{config: c, cancel: cancel, quiet: make(chan struct{})}
	for i := range c.Rooms {
		r := &room{name: fmt.Sprintf("%s-%d", c.Prefix, i)}
		l.rooms = append(l.rooms, r)
		for k := range c.Publishers + c.Readers + c.Rewinders {
			m := newMember(l, r, k)
			l.members = append(l.members, m)
			if m.publishes {
				r.authors = append(r.authors, m)
			}
		}
	}
	for _, m := range l.members {
		l.wg.Go(func() { m.run(ctx) })
	}
	return l
}

// Members is how many clients there are.
func (l *Load) Members() int { return len(l.members) }

// Rooms are the names of the rooms.
func (l *Load) Rooms() []string {
	var all []string
	for _, r := range l.rooms {
		all = append(all, r.name)
	}
	return all
}

// Stop hangs up and waits until every client has ended. The ledger stays.
func (l *Load) Stop() {
	l.cancel()
	l.wg.Wait()
}

// Settle makes no more messages, and waits until every message is acknowledged and
// every member has seen its room to the end. The server must be up.
func (l *Load) Settle(ctx context.Context) error {
	l.once.Do(func() { close(l.quiet) })
	for {
		// Taken first: what changes after the look wakes the wait.
		changed := l.counts.next()
		missing := l.missing()
		if missing == "" {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("not settled: %s: %w", missing, ctx.Err())
		}
	}
}

// missing says what is not settled, "" if nothing.
func (l *Load) missing() string {
	for _, r := range l.rooms {
		last := uint64(0)
		for _, m := range r.authors {
			unacked, highest := m.progress()
			if unacked > 0 {
				return fmt.Sprintf("%s has no ack for %d messages", m.name, unacked)
			}
			last = max(last, highest)
		}
		for _, m := range l.members {
			if m.room == r {
				if seen, joined := m.seen(); !joined || seen < last {
					return fmt.Sprintf("%s has seen room %s up to %d, and %d was acknowledged", m.name, r.name, seen, last)
				}
			}
		}
	}
	return ""
}

// Stats are the figures of the run.
type Stats struct {
	Messages   uint64 `json:"messages"`   // made
	Acked      uint64 `json:"acked"`      // by message
	Resent     uint64 `json:"resent"`     // sent once more with the same nonce
	Refused    uint64 `json:"refused"`    // told to come again later
	Deliveries uint64 `json:"deliveries"` // events seen by members, each checked
	Reread     uint64 `json:"reread"`     // of them, those that a member asked for again
	Joins      uint64 `json:"joins"`
	Connects   uint64 `json:"connects"`
	Unreached  uint64 `json:"connects_failed"`
	Lost       uint64 `json:"connections_lost"`
	Goodbyes   uint64 `json:"goodbyes"`

	// LongestAnswer is the longest that a message waited, over one connection, for its ack or
	// for being refused.
	LongestAnswer time.Duration `json:"longest_answer_ns"`
}

// Stats returns the figures as they stand.
func (l *Load) Stats() Stats {
	at := l.counts.get
	l.counts.mu.Lock()
	longest := l.counts.longest
	l.counts.mu.Unlock()
	return Stats{
		LongestAnswer: longest,
		Messages:      at(Message), Acked: at(Acked), Resent: at(resent), Refused: at(Refused), Deliveries: at(Delivery),
		Reread: at(reread), Joins: at(Joined), Connects: at(connected), Unreached: at(unreached),
		Lost: at(lost), Goodbyes: at(goodbye),
	}
}

// Count is how often something has happened.
func (l *Load) Count(k Kind) uint64 { return l.counts.get(k) }

// WaitFor waits until k has happened n times more often than since, a value of Count.
func (l *Load) WaitFor(ctx context.Context, k Kind, since, n uint64) error {
	for {
		changed := l.counts.next()
		if l.counts.get(k) >= since+n {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("waiting for %d of kind %d, have %d: %w", n, k, l.counts.get(k)-since, ctx.Err())
		}
	}
}

// Faults are the broken promises seen so far, in words; the first hundred.
func (l *Load) Faults() []string { return l.counts.faultList() }
