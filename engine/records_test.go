package engine_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"sarang/aio"
	"sarang/aio/aiosim"
	"sarang/engine"
	"sarang/engine/tlscodec"
	"sarang/engine/tlsrecord"
	"sarang/packet"
)

// Sessions behind a handshake of TLS 1.3, with a record layer of ours, on every driver.

// traffic is what such a handshake might have agreed on; the server's side of it.
func traffic() tlsrecord.Config {
	return tlsrecord.Config{
		Suite: tlsrecord.AES128GCMSHA256,
		In:    tlsrecord.Traffic{Secret: bytes.Repeat([]byte{1}, 32)},
		Out:   tlsrecord.Traffic{Secret: bytes.Repeat([]byte{2}, 32)},
	}
}

// recorded is a setup whose sessions speak so.
func recorded() (setup, *tlscodec.Shared) {
	shared := tlscodec.NewShared(tlscodec.SharedConfig{})
	return setup{
		codec: func(s *engine.Session) engine.Codec {
			c, err := shared.New(s.Worker(), traffic())
			if err != nil {
				panic(err)
			}
			return c
		},
		config: engine.Config{Socket: smallSocket(), DirectQueueBytesMax: 20000},
		faults: aiosim.Faults{DelayMax: 2e6, ShortSend: .3, SegmentBytesMin: 1, SegmentBytesMax: 500},
	}, shared
}

// recorder is the far end of one.
type recorder struct {
	*peer
	layer   tlsrecord.Layer
	keys    *tlsrecord.Keys
	records int
	plain   []byte
	end     error
}

func newRecorder(h *harness, p *peer) *recorder {
	h.Helper()
	c := traffic()
	c.In, c.Out, c.Client = c.Out, c.In, true
	r := &recorder{peer: p, keys: tlsrecord.NewKeys(2, 0)}
	if err := r.layer.Init(c); err != nil {
		h.Fatal(err)
	}
	return r
}

func (r *recorder) say(b ...byte) {
	raw, err := r.layer.Encode(r.keys, nil, b)
	if err != nil {
		r.h.Fatal(err)
	}
	r.write(raw)
}

// decode finds what is in the records that have come.
func (r *recorder) decode() {
	r.h.Helper()
	if r.end != nil {
		return
	}
	before := r.keys.Counts().Opened.Load()
	var used int
	var err error
	r.plain, _, used, err = r.layer.Decode(r.keys, r.plain, nil, r.got)
	r.got = append([]byte(nil), r.got[used:]...)
	r.records += int(r.keys.Counts().Opened.Load() - before)
	if r.end = err; err != nil && !errors.Is(err, io.EOF) {
		r.h.Fatal(err)
	}
}

// until decodes until so much has come.
func (r *recorder) until(n int) {
	r.h.Helper()
	r.h.until("the bytes to come", func() bool { r.decode(); return len(r.plain) >= n })
}

func TestRecordsCarryPackets(t *testing.T) {
	c, _ := recorded()
	everywhere(t, c, func(h *harness) {
		h.packet = func(s *engine.Session, p packet.Packet) { _ = s.Send(pack(p.ID, p.Payload...)) }
		f := newLog(h, 1, 1, 64<<20)
		defer f.feed.Close()
		p, s := h.connectWith(aio.SocketOptions{RecvBufferBytes: 8 << 10})
		r := newRecorder(h, p)
		_ = s.Send(numbered(7, 100))
		s.Follow(f.feed, 1)
		f.append(20, 3000)
		f.appendBatch(60000, 50, 70)
		for i := range 50 {
			r.say(pack(idEcho, byte(i))...)
		}
		want := 100 + 20*3000 + 60120 + 50*5
		r.until(want)
		p.got = r.plain
		reader := newReader(h, p).expect(1, 1)
		if !reader.has(1, f.next()) || reader.direct != 51 || len(r.plain) != want {
			h.Errorf("entries up to %d of %d came, and %d direct packets, in %d bytes", reader.next[1], f.next(), reader.direct, len(r.plain))
		}
		h.until("nothing to be held but the window", func() bool {
			return s.QueuedBytes() == 0 && h.service.Stats().Memory.Total.InUseBytes < 300<<10
		})
		p.got = nil
		s.Close()
		h.until("the end of the stream", func() bool { r.decode(); return p.over() })
		if r.end != io.EOF {
			h.Errorf("the stream ends with %v", r.end)
		}
	})
}

// Many entries that wait together go in few records; and what is idle has no buffers and no
// opened keys.
func TestRecordsAreFull(t *testing.T) {
	c, shared := recorded()
	c.config, c.faults = engine.Config{}, aiosim.Faults{}
	everywhere(t, c, func(h *harness) {
		f := newLog(h, 1, 1, 64<<20)
		p, s := h.connect()
		r := newRecorder(h, p)
		s.Follow(f.feed, 1)
		for range 100 { // each lies by itself
			f.appendBatch(100)
		}
		r.until(100 * 100)
		if r.records > 2 {
			h.Errorf("100 entries of 100 bytes went in %d records", r.records)
		}
		f.feed.Close()
		h.until("nothing is held", func() bool { return h.service.Stats().Memory.Total.InUseBytes == 0 })
		h.until("no key is open", func() bool { return shared.KeysOpen(h.worker) == 0 })
		r.say(pack(idEcho)[:3]...)
		h.until("a part of a packet is held", func() bool { return h.service.Stats().Memory.Total.InUseBytes > 0 })
		p.close()
	})
}

// What a worker encrypts in one tick is bounded, and everybody has his turn.
func TestRecordsPerTick(t *testing.T) {
	c, shared := recorded()
	c.config, c.faults, c.simply = engine.Config{}, aiosim.Faults{}, true
	everywhere(t, c, func(h *harness) {
		f := newLog(h, 1, 1, 64<<20)
		defer f.feed.Close()
		var all []*recorder
		for range 600 {
			p, s := h.connect()
			p.discard = true
			all = append(all, newRecorder(h, p))
			s.Follow(f.feed, 1)
		}
		sealed := func() (n uint64) {
			shared.Each(func(c *tlsrecord.Counts) { n += c.Sealed.Load() })
			return n
		}
		f.appendBatch(15000)
		before, most := sealed(), uint64(0)
		h.until("all of them have it", func() bool {
			now := sealed()
			most, before = max(most, now-before), now
			for _, r := range all {
				if r.gotBytes < 15000 {
					return false
				}
			}
			return true
		})
		if most*15000 > 5<<20 || most < 10 {
			h.Errorf("in one tick %d records of 15,000 bytes were made", most)
		}
	})
}

// What is kept of records of sessions that have not logged in is bounded, as frames are.
func TestUnadmittedRecords(t *testing.T) {
	shared := tlscodec.NewShared(tlscodec.SharedConfig{})
	c := setup{config: engine.Config{UnadmittedBytesMax: 500}}
	everywhere(t, c, func(h *harness) {
		p := small(h)
		p.NewCodec = func(s *engine.Session) engine.Codec {
			c, err := shared.New(s.Worker(), traffic())
			if err != nil {
				h.Fatal(err)
			}
			return c
		}
		at := h.listen(p)
		logins := 0
		h.packet = func(s *engine.Session, _ packet.Packet) { logins++; s.Admit() }
		dial := func() *recorder {
			n := len(h.sessions)
			p := h.peers.connect(h, at, noDelay)
			h.until("a session", func() bool { return len(h.sessions) > n && p.connected })
			return newRecorder(h, p)
		}
		var all []*recorder
		for i := range 10 {
			r := dial()
			all = append(all, r)
			raw, err := r.layer.Encode(r.keys, nil, pack(idEcho, make([]byte, 90)...))
			if err != nil {
				h.Fatal(err)
			}
			r.write(raw[:60])
			received := uint64(60 * (i + 1))
			h.until("it arrives", func() bool { return h.service.Stats().BytesReceived == received })
		}
		over := 0
		h.until("those beyond the bound are ended", func() bool {
			over = 0
			for _, r := range all {
				if r.over() {
					over++
				}
			}
			return over >= 2
		})
		if over != 2 {
			h.Errorf("%d of 10 were ended; there is room for 8", over)
		}
		for _, r := range all {
			r.close()
		}
		h.until("they are gone", func() bool { return len(h.ended) == 10 })
		for range 8 { // there is room again
			r := dial()
			raw, _ := r.layer.Encode(r.keys, nil, pack(idEcho))
			r.write(raw[:20])
			h.pass(holdUp(h) / 10)
			r.write(raw[20:])
		}
		h.until("logins in two pieces", func() bool { return logins == 8 })
		if n := h.service.Stats().Memory.Total.InUseBytes; n != 0 {
			h.Errorf("%d bytes are held of nothing", n)
		}
	})
}

// To read and to write records allocates nothing, once keys are open.
func TestRecordsAllocateNothing(t *testing.T) {
	if slow {
		t.Skip("who watches allocates")
	}
	c, _ := recorded()
	c.config, c.faults = engine.Config{LoginDeadline: -1, IdleTimeout: -1}, aiosim.Faults{}
	everywhere(t, c, func(h *harness) {
		echo := pack(idEcho, make([]byte, 60)...)
		h.packet = func(s *engine.Session, _ packet.Packet) { _ = s.Send(echo) }
		p, _ := h.connect()
		p.discard = true
		r := newRecorder(h, p)
		var raw []byte
		n := 0
		echoed := func() bool { return p.gotBytes == n }
		turn := func() {
			raw, _ = r.layer.Encode(r.keys, raw[:0], echo)
			n += len(raw)
			p.out = raw
			p.flush()
			h.until("the echo", echoed)
		}
		for range 2000 {
			turn()
		}
		if n := testing.AllocsPerRun(500, turn); n >= 1 {
			h.Errorf("%v allocations a turn", n)
		}
	})
}
