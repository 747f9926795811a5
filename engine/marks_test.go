package engine_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"sarang/aio"
	"sarang/aio/aiosim"
	"sarang/engine"
	"sarang/packet"
)

// TestOmitAgainstModel lets seeds decide what is appended under which mark, who leaves out
// what, how the network cuts it, and when windows and pages move on. Each peer must receive
// exactly what a naive model says: from where it began, everything but its own, in order.
func TestOmitAgainstModel(t *testing.T) {
	seeds := uint64(30)
	if testing.Short() || slow {
		seeds = 3
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { runMarks(t, seed) })
	}
}

func runMarks(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 7))
	c := setup{
		veiled: seed%4 == 1,
		world:  aiosim.Config{Seed: seed},
		faults: aiosim.Faults{
			DelayMax: 5e6, ShortSend: rng.Float64(), SpuriousFull: rng.Float64() / 2, Stall: .05, StallMax: 1e8,
			SegmentBytesMin: 1, SegmentBytesMax: 1 + rng.IntN(3000),
		},
		config: engine.Config{
			Debug: seed%10 == 0, SendBytesMax: 200 << rng.IntN(8), Socket: smallSocket(), LoginDeadline: -1, IdleTimeout: -1,
		},
	}
	onSim(t, c, func(h *harness) {
		m := &markModel{harness: h, rng: rng}
		m.feed = h.worker.NewFeed(1, 500+rng.IntN(6000))
		m.feed.Fetch = m.fetch
		h.stop = func() { m.feed.Close() }
		for range 4 {
			m.join()
		}
		for range 300 {
			m.act()
			h.step()
		}
		h.until("everything at everybody", m.settled)
		for _, r := range m.readers {
			r.check(m)
			if r.cursor.Next() != m.feed.Next() {
				h.Errorf("a cursor that has everything stands at %d of %d", r.cursor.Next(), m.feed.Next())
			}
		}
	})
}

// markModel is the naive model: all entries, with their marks.
type markModel struct {
	*harness
	rng     *rand.Rand
	feed    *engine.Feed
	entries []marked // number 1 first
	readers []*markReader
	asked   []*engine.Cursor
}

type marked struct {
	mark uint64
	b    []byte // nil: nobody has it any more
}

// markReader is a peer that leaves out one mark.
type markReader struct {
	p      *peer
	cursor *engine.Cursor
	omit   uint64
	next   uint64 // the number that the next packet may have at the least
	got    int
}

func (m *markModel) next() uint64 { return uint64(len(m.entries)) + 1 }

func (m *markModel) join() {
	n := len(m.sessions)
	p := m.peers.connect(m.harness, m.at, aio.SocketOptions{RecvBufferBytes: 4 << 10})
	m.until("a peer's session", func() bool { return len(m.sessions) > n && p.connected })
	from := 1 + m.rng.Uint64N(m.next())
	r := &markReader{p: p, cursor: m.sessions[n].Follow(m.feed, from), omit: m.rng.Uint64N(4), next: from}
	r.cursor.Omit(r.omit)
	m.readers = append(m.readers, r)
}

func (m *markModel) act() {
	switch r := m.readers[m.rng.IntN(len(m.readers))]; m.rng.IntN(20) {
	case 0:
		if len(m.readers) < 8 {
			m.join()
		}
	case 1, 2:
		r.p.stalled = true
		_ = m.peers.driver.StopRecv(r.p.socket)
	case 3, 4, 5, 6:
		r.p.readOn()
	case 7, 8, 9, 10, 11:
		m.answer()
	case 12:
		r.check(m)
	default:
		m.append()
	}
}

// append adds a few entries, as often as not in runs of one mark.
func (m *markModel) append() {
	var all []byte
	var ends []uint32
	var marks []uint64
	plain := m.rng.IntN(6) == 0
	for range 1 + m.rng.IntN(1+m.rng.IntN(60)) {
		mark := m.rng.Uint64N(4)
		if k := len(marks); k > 0 && m.rng.IntN(2) == 0 {
			mark = marks[k-1]
		}
		if plain {
			mark = 0
		}
		b := entry(0, m.next(), 24+m.rng.IntN(1+m.rng.IntN(800)))
		m.entries = append(m.entries, marked{mark, b})
		all, marks = append(all, b...), append(marks, mark)
		ends = append(ends, uint32(len(all)))
	}
	buf, err := m.worker.Pool().Copy(all)
	if err != nil {
		m.Fatal(err)
	}
	if plain {
		m.feed.Append(buf, 0, ends)
	} else {
		m.feed.AppendMarked(buf, 0, ends, marks)
	}
	buf.Release()
	if m.feed.Next() != m.next() {
		m.Fatalf("the feed's next entry is %d, not %d", m.feed.Next(), m.next())
	}
}

func (m *markModel) fetch(c *engine.Cursor) {
	if c.Next() >= m.feed.First() {
		m.Fatalf("asked for %d, which the window from %d on has", c.Next(), m.feed.First())
	}
	m.asked = append(m.asked, c)
	if m.rng.IntN(2) == 0 {
		m.answer()
	}
}

// answer supplies a page to who has asked first, as far as the store has entries.
func (m *markModel) answer() {
	if len(m.asked) == 0 {
		return
	}
	c := m.asked[0]
	m.asked = m.asked[1:]
	at := c.Next()
	if m.entries[at-1].b == nil {
		for at < m.next() && m.entries[at-1].b == nil {
			at++
		}
		c.Skip(at)
		return
	}
	var all []byte
	var ends []uint32
	var marks []uint64
	for i := at; i < m.next() && m.entries[i-1].b != nil && len(ends) < 1+m.rng.IntN(20); i++ {
		all, marks = append(all, m.entries[i-1].b...), append(marks, m.entries[i-1].mark)
		ends = append(ends, uint32(len(all)))
	}
	if !slices.ContainsFunc(marks, func(mark uint64) bool { return mark != 0 }) {
		marks = nil
	}
	buf, err := m.worker.Pool().Copy(all)
	if err != nil {
		m.Fatal(err)
	}
	c.Supply(at, buf, ends, marks)
	buf.Release()
}

// wants reports whether a reader is to receive entry number n.
func (r *markReader) wants(m *markModel, n uint64) bool {
	e := m.entries[n-1]
	return e.b != nil && (r.omit == 0 || e.mark != r.omit)
}

// check takes what a peer has received and compares it with the model.
func (r *markReader) check(m *markModel) {
	m.Helper()
	for _, one := range r.p.take() {
		r.got++
		_, seq, good := entryOf(one)
		for r.next < m.next() && !r.wants(m, r.next) {
			r.next++
		}
		if !good || seq != r.next {
			m.Fatalf("who leaves out %d got entry %d instead of %d; whole: %t", r.omit, seq, r.next, good)
		}
		r.next++
	}
	for r.next < m.next() && !r.wants(m, r.next) {
		r.next++
	}
}

// settled has everything read, and reports whether all have all.
func (m *markModel) settled() bool {
	all := true
	m.answer()
	for _, r := range m.readers {
		r.p.readOn()
		r.check(m)
		all = all && r.next == m.next() && r.cursor.Next() == m.feed.Next()
	}
	return all
}

// The author's own entries cost it nothing but a number, on every driver.
func TestOmitOnDrivers(t *testing.T) {
	everywhere(t, setup{config: engine.Config{SendBytesMax: 3000}}, func(h *harness) {
		m := &markModel{harness: h, rng: rand.New(rand.NewPCG(1, 2))}
		m.feed = h.worker.NewFeed(1, 20000)
		m.feed.Fetch = m.fetch
		h.stop = m.feed.Close
		for range 5 {
			m.join()
		}
		for range 60 {
			m.append()
			h.step()
		}
		h.until("everything at everybody", m.settled)
	})
}

// A window that is loaded elsewhere has its marks.
func TestWindowCarriesMarks(t *testing.T) {
	onSim(t, setup{}, func(h *harness) {
		one := h.worker.NewFeed(1, 64<<10)
		defer one.Close()
		first := pack(idDirect, 0)
		add := func(f *engine.Feed, n byte, mark uint64) {
			buf, err := h.worker.Pool().Copy(pack(idDirect, n))
			if err != nil {
				h.Fatal(err)
			}
			f.AppendMarked(buf, 0, []uint32{uint32(len(first))}, []uint64{mark})
			buf.Release()
		}
		for n := range byte(6) {
			add(one, n, uint64(n%2)+1)
		}
		w := one.Window()
		other := h.worker.NewFeed(1, 64<<10)
		defer other.Close()
		other.Load(w)
		w.Release()
		add(other, 6, 1)
		p, s := h.connect()
		s.Follow(other, 1).Omit(1)
		var got []packet.Packet
		h.until("the entries", func() bool { got = append(got, p.take()...); return len(got) == 3 })
		for i, one := range got {
			if one.Payload[0] != byte(2*i+1) {
				h.Errorf("entry %d came in place %d", one.Payload[0], i)
			}
		}
	})
}

// A feed without marks does as it did, and one with marks allocates nothing either.
func TestMarksAllocateNothing(t *testing.T) {
	for _, marks := range [][]uint64{nil, {7}} {
		allocations(t, func(h *harness) func() {
			f := h.worker.NewFeed(1, 8<<10)
			h.stop = f.Close
			q, s := newQuiet(h)
			s.Follow(f, f.Next()).Omit(8)
			author, as := newQuiet(h)
			omitted := as.Follow(f, f.Next())
			omitted.Omit(7)
			b := pack(idEntry, make([]byte, 60)...)
			ends := []uint32{uint32(len(b))}
			n := 0
			done := func() bool { return q.gotBytes == n && omitted.Next() == f.Next() }
			return func() {
				buf, err := h.worker.Pool().Copy(b)
				if err != nil {
					h.Fatal(err)
				}
				if marks == nil {
					f.Append(buf, 0, ends)
				} else {
					f.AppendMarked(buf, 0, ends, marks)
				}
				buf.Release()
				n += len(b)
				h.until("the entry", done)
				if want := map[bool]int{true: n, false: 0}[marks == nil]; marks != nil && author.gotBytes != want {
					h.Errorf("the author got %d bytes, not %d", author.gotBytes, want)
				}
			}
		})
	}
}
