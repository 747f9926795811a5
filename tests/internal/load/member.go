package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"sarang/tests/internal/wire"
)

// member is one client of one room. It outlives its connections.
type member struct {
	load      *Load
	room      *room
	name      string
	token     []byte
	publishes bool
	rewinds   bool

	mu     sync.Mutex // guards everything below
	rng    *rand.Rand
	user   uint64 // who the server says we are
	conn   *wire.Conn
	joined bool // on conn

	start, next uint64 // places in the room: the first that was promised, the next one
	highest     uint64 // the highest that was seen
	lastMs      uint64 // time of the event before next

	nonceBase uint64
	made      int               // messages made; their counters are 1 to made
	acked     []uint64          // place by counter - 1; 0: no ack
	acks      int               // of acked
	lastAcked uint64            // the highest place in acked
	flying    []int             // counters without an ack, in order
	waiting   map[int]time.Time // of flying: refused, to be sent again then
	asked     map[int]time.Time // of flying: sent over conn, and without an answer since
}

func newMember(l *Load, r *room, index int) *member {
	c := &l.config
	name := fmt.Sprintf("%s-%d", r.name, index)
	rng := rand.New(rand.NewPCG(c.Seed, hashOf(name)))
	m := &member{
		load: l, room: r, name: name, rng: rng, waiting: map[int]time.Time{}, asked: map[int]time.Time{},
		publishes: index < c.Publishers, rewinds: index >= c.Publishers+c.Readers,
		nonceBase: rng.Uint64() &^ 0xffffffff,
	}
	// A token of our own from the first login on: an answer that is lost with the
	// connection does not lock us out.
	for range 4 {
		m.token = fmt.Appendf(m.token, "%08x", rng.Uint32())
	}
	return m
}

// Waits between two attempts to connect. They are short: this measures the server.
const (
	returnMin   = 2 * time.Millisecond
	returnMax   = 25 * time.Millisecond
	dialTimeout = 5 * time.Second
)

// run connects again and again until ctx ends.
func (m *member) run(ctx context.Context) {
	for ctx.Err() == nil {
		if err := m.session(ctx); err != nil && ctx.Err() == nil {
			m.load.counts.fault("%s: %v", m.name, err)
		}
		m.mu.Lock()
		wait := returnMin + time.Duration(m.rng.Int64N(int64(returnMax-returnMin)))
		m.mu.Unlock()
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// session is one connection from its dialing to its end. An error is a promise that
// the server has broken; that a connection ends is none.
func (m *member) session(ctx context.Context) error {
	dialing, cancel := context.WithTimeout(ctx, dialTimeout)
	conn, err := wire.Dial(dialing, m.load.config.Addr)
	cancel()
	if err != nil {
		m.load.counts.add(unreached)
		return nil
	}
	m.load.counts.add(connected)
	ctx, cancel = context.WithCancel(ctx)
	var writer sync.WaitGroup
	writer.Go(func() {
		<-ctx.Done()
		_ = conn.Close() // ends the reading
	})
	if m.publishes {
		writer.Go(func() { m.publishing(ctx) })
	}
	m.attach(conn)
	err = m.login()
	for err == nil {
		err = m.readOne(conn)
	}
	m.detach()
	cancel()
	writer.Wait()
	if ended(err) {
		m.load.counts.add(lost)
		return nil
	}
	return err
}

// ended reports whether err is the end of a connection and no more.
func ended(err error) bool {
	var network net.Error
	if errors.As(err, &network) {
		return !network.Timeout() // a server that is silent is a fault
	}
	return errors.Is(err, errEnd) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

func (m *member) attach(conn *wire.Conn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.conn, m.joined = conn, false
	if m.rewinds && m.next > m.start {
		const backMax = 400
		m.next -= min(m.next-m.start, m.rng.Uint64N(backMax))
		m.lastMs = 0
	}
}

func (m *member) detach() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.conn, m.joined = nil, false
	clear(m.waiting)
	clear(m.asked)
}

// progress is how many messages have no ack, and the highest place of those that have.
func (m *member) progress() (unacked int, highest uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.flying), m.lastAcked
}

// seen is the place up to which the member has its room, and whether it is in there.
func (m *member) seen() (uint64, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return max(m.next, 1) - 1, m.joined
}
