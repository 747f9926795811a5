package engine_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"sarang/aio"
	"sarang/aio/aiosim"
	"sarang/engine"
	"sarang/packet"
)

// TestRandomOperations lets seeds decide what a program does to feeds, cursors and
// sessions, and what the network does to them. Whatever it is, what a peer receives
// is whole packets, and of each feed entries without gap, in order, once.
func TestRandomOperations(t *testing.T) {
	seeds := uint64(300)
	if testing.Short() || slow {
		seeds = 50
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { runModel(t, seed) })
	}
}

func runModel(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 1))
	c := setup{
		behind: true,
		veiled: seed%3 == 1,
		world:  aiosim.Config{Seed: seed},
		faults: aiosim.Faults{
			DelayMax: 5e6, ShortSend: rng.Float64(), ShortRecv: rng.Float64() / 2, SpuriousFull: rng.Float64() / 2,
			Stall: .05, StallMax: 1e8, SegmentBytesMin: 1, SegmentBytesMax: 1 + rng.IntN(3000), AbortDelayMax: 3e6,
			Reset: .002,
		},
		config: engine.Config{
			SliceFramesMax: []int{1, 3, 0}[rng.IntN(3)], TurnFramesMax: 1 + rng.IntN(3),
			Debug: seed%10 == 0, SendBytesMax: 200 << rng.IntN(8), DirectQueueBytesMax: 16 << 10, Socket: smallSocket(),
		},
	}
	onSim(t, c, func(h *harness) {
		m := &model{harness: h, rng: rng}
		h.hooks.behind = m.behind
		h.hooks.packet = m.packet
		for range 3 {
			m.open()
		}
		for range 400 {
			m.act()
			h.step()
		}
		m.finish()
	})
}

// model is what the program knows.
type model struct {
	*harness
	rng   *rand.Rand
	logs  []*feedLog
	made  int
	users []*user
	asked []*engine.Cursor // Fetch without an answer yet
}

// user is a peer with its session, and what it should receive.
type user struct {
	*reader
	s       *engine.Session
	id      engine.SessionID
	cursors map[*feedLog]*engine.Cursor
	sent    uint32 // direct packets to it
	seen    uint32 // direct packets that came
}

func (m *model) open() {
	m.made++
	l := newLog(m.harness, m.made, 1+uint64(m.rng.IntN(100)), 500+m.rng.IntN(4000))
	m.logs = append(m.logs, l)
	m.grow(l)
}

func (m *model) grow(l *feedLog) {
	size := func() int { return 24 + m.rng.IntN(1+m.rng.IntN(3000)) }
	if m.rng.IntN(2) == 0 {
		l.append(1+m.rng.IntN(5), size())
		return
	}
	sizes := make([]int, 1+m.rng.IntN(80))
	for i := range sizes {
		sizes[i] = size() / 5
		sizes[i] = max(sizes[i], 24)
	}
	l.appendBatch(sizes...)
}

// join opens a peer; the model's user is there when its session is.
func (m *model) join() {
	n := len(m.sessions)
	m.peers.connect(m.harness, m.at, aio.SocketOptions{
		RecvBufferBytes:    4 << 10,
		LingerResetOnClose: m.rng.IntN(4) == 0,
	})
	p := m.peers.all[len(m.peers.all)-1]
	m.until("a peer's session", func() bool { return len(m.sessions) > n && (p.connected || p.end != nil) })
	s := m.sessions[n]
	m.users = append(m.users, &user{
		reader: newReader(m.harness, p), s: s, id: s.ID(), cursors: make(map[*feedLog]*engine.Cursor),
	})
}

// packet echoes what a peer asks.
func (m *model) packet(s *engine.Session, p packet.Packet) {
	if s.QueuedBytes() < 4<<10 {
		_ = s.Send(pack(idEcho, p.Payload...))
	}
}

// alive reports whether a user's session is there and not ending.
func (m *model) alive(u *user) bool {
	s := m.worker.Session(u.id)
	return s != nil && !s.Closing()
}

func (m *model) act() {
	if len(m.users) < 2 || len(m.users) < 8 && m.rng.IntN(20) == 0 {
		m.join()
		return
	}
	i := m.rng.IntN(len(m.users))
	u, l := m.users[i], m.logs[m.rng.IntN(len(m.logs))]
	if !m.alive(u) {
		m.lookAtEnd(u)
		m.users = append(m.users[:i], m.users[i+1:]...)
		return
	}
	u.look()
	switch m.rng.IntN(40) {
	case 0:
		m.end(u)
	case 1:
		m.grow(l)
		l.feed.Close()
		m.forget(l)
		m.open()
	case 2, 3:
		u.p.stalled = true
		_ = m.peers.driver.StopRecv(u.p.socket)
	case 4, 5, 6, 7:
		u.p.readOn()
	case 8, 9:
		u.p.write(pack(idEcho, 'q'))
	case 10, 11, 12, 13:
		if u.s.QueuedBytes() < 4<<10 {
			u.say()
		}
	case 14, 15, 16, 17, 18, 19:
		m.follow(u, l)
	case 20:
		m.unfollow(u, l)
	case 21:
		if c := u.cursors[l]; c != nil && u.s.QueuedBytes() < 4<<10 {
			_ = u.s.Send(start(l.number, l.next()))
			c.Skip(l.next())
		}
	case 22, 23, 24, 25, 26, 27:
		m.answer()
	default:
		m.grow(l)
	}
}

// say sends a direct packet with the next number.
func (u *user) say() {
	b := numbered(int(u.sent), 8+int(u.sent)%200)
	if u.s.Send(b) == nil {
		u.sent++
	}
}

// look checks what has come to a user.
func (u *user) look() {
	u.h.Helper()
	for _, one := range u.p.take() {
		switch one.ID {
		case idEcho:
		case idStart:
			feed, seq, _ := entryOf(asEntry(one))
			u.next[feed] = seq
		case idDirect:
			if n := binary.LittleEndian.Uint32(one.Payload); n != u.seen {
				u.h.Fatalf("direct packet %d came instead of %d", n, u.seen)
			}
			u.seen++
		default:
			u.entry(one)
		}
	}
}

func (m *model) follow(u *user, l *feedLog) {
	if u.cursors[l] != nil || u.s.QueuedBytes() > 4<<10 {
		return
	}
	next := l.next()
	if m.rng.IntN(2) == 0 {
		next = l.first + m.rng.Uint64N(next-l.first+1)
	}
	if u.s.Send(start(l.number, next)) == nil {
		u.cursors[l] = u.s.Follow(l.feed, next)
	}
}

func (m *model) unfollow(u *user, l *feedLog) {
	if c := u.cursors[l]; c != nil {
		c.Close()
		delete(u.cursors, l)
	}
}

func (m *model) forget(l *feedLog) {
	for _, u := range m.users {
		delete(u.cursors, l)
	}
	for i, other := range m.logs {
		if other == l {
			m.logs = append(m.logs[:i], m.logs[i+1:]...)
			return
		}
	}
}

// end ends a user's connection from either side.
func (m *model) end(u *user) {
	switch m.rng.IntN(4) {
	case 0:
		u.s.Close()
	case 1:
		u.s.Abort()
	case 2:
		u.p.close()
	default:
		_ = m.peers.driver.Shutdown(u.p.socket)
	}
}

func (m *model) log(c *engine.Cursor) *feedLog {
	for _, l := range m.logs {
		if l.feed == c.Feed() {
			return l
		}
	}
	return nil
}

func (m *model) behind(c *engine.Cursor) {
	l := m.log(c)
	if l == nil || c.Next() >= l.feed.First() {
		m.Fatalf("asked for entry %d of a feed that has it, or is gone", c.Next())
	}
	switch m.rng.IntN(8) {
	case 0:
		c.Supply(c.Next(), nil, nil, nil)
	case 1:
		if c.Session().QueuedBytes() < 4<<10 {
			_ = c.Session().Send(start(l.number, l.feed.First()))
			c.Skip(l.feed.First())
			return
		}
		fallthrough
	case 2, 3:
		l.supply(c, 1+m.rng.IntN(20))
	default:
		m.asked = append(m.asked, c)
	}
}

// answer gives a late answer, perhaps to a cursor that is closed.
func (m *model) answer() {
	if len(m.asked) == 0 {
		return
	}
	c := m.asked[0]
	m.asked = m.asked[1:]
	if l := m.log(c); l != nil {
		l.supply(c, 1+m.rng.IntN(20))
		return
	}
	buf, err := m.worker.Pool().Get(100)
	if err != nil {
		m.Fatal(err)
	}
	c.Supply(c.Next(), buf, []uint32{100}, nil)
	buf.Release()
}

// lookAtEnd looks at what a user got whose session is over or ending.
func (m *model) lookAtEnd(u *user) {
	u.p.readOn()
	m.until("the end of a peer's stream", func() bool { return u.p.end != nil || u.p.closed || m.worker.Session(u.id) == nil })
	u.look()
	if u.p.over() && len(u.p.got) != 0 && m.worker.Session(u.id) != nil {
		m.Fatalf("a stream ended in order with half a packet of %d bytes", len(u.p.got))
	}
	u.p.close()
}

// finish heals the world: everybody who is left gets everything.
func (m *model) finish() {
	m.world.SetFaults(aiosim.Faults{})
	for _, u := range m.users {
		u.p.readOn()
	}
	for _, u := range m.users {
		m.until("everything at everybody", func() bool {
			m.answer()
			if !m.alive(u) {
				return true
			}
			u.look()
			for l := range u.cursors {
				if u.next[l.number] != l.next() {
					return false
				}
			}
			return u.seen == u.sent
		})
	}
	for _, l := range m.logs {
		l.feed.Close()
	}
	m.until("nothing to be held", func() bool { return m.service.Stats().Memory.Total.InUse == 0 })
}
