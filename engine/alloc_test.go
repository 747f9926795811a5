package engine_test

import (
	"testing"

	"sarang/aio"
	"sarang/engine"
	"sarang/packet"
)

// allocations runs turn, which is a steady state's repetition, and returns how much
// it allocates. The peers' own drivers are part of it, and allocate nothing either.
func allocations(t *testing.T, body func(h *harness) (turn func())) {
	if slow {
		t.Skip("who watches allocates")
	}
	c := setup{config: engine.Config{LoginDeadline: -1, IdleTimeout: -1}}
	everywhere(t, c, func(h *harness) {
		turn := body(h)
		for range 2000 { // until every ring and pool has its size
			turn()
		}
		if n := testing.AllocsPerRun(500, turn); n >= 1 {
			h.Errorf("%v allocations a turn", n)
		}
	})
}

// quiet is a peer that keeps nothing, with a packet that it sends again and again.
type quiet struct {
	*peer
	again []byte
}

func (q quiet) ask() {
	q.out = q.again
	q.flush()
}

func newQuiet(h *harness) (quiet, *engine.Session) {
	p, s := h.connect()
	p.discard = true
	return quiet{p, pack(idEcho, make([]byte, 60)...)}, s
}

func TestEchoAllocatesNothing(t *testing.T) {
	allocations(t, func(h *harness) func() {
		buf := make([]byte, 0, 256)
		h.packet = func(s *engine.Session, p packet.Packet) {
			buf, _ = packet.AppendHeader(buf[:0], p.ID, len(p.Payload))
			buf = append(buf, p.Payload...)
			_ = s.Send(buf)
		}
		q, _ := newQuiet(h)
		n := 0
		echoed := func() bool { return q.gotBytes == n }
		return func() {
			n += len(q.again)
			q.ask()
			h.until("the echo", echoed)
		}
	})
}

func TestFeedAllocatesNothing(t *testing.T) {
	allocations(t, func(h *harness) func() {
		f := h.worker.NewFeed(1, 8<<10)
		h.stop = f.Close
		var all []quiet
		for range 10 {
			q, s := newQuiet(h)
			s.Follow(f, f.Next())
			all = append(all, q)
		}
		entry := pack(idEntry, make([]byte, 60)...)
		ends := []uint32{uint32(len(entry))}
		n := 0
		everybody := func() bool {
			for i := range all {
				if all[i].gotBytes != n {
					return false
				}
			}
			return true
		}
		return func() {
			buf, err := h.worker.Pool().Copy(entry)
			if err != nil {
				h.Fatal(err)
			}
			f.Append(buf, 0, ends)
			buf.Release()
			n += len(entry)
			h.until("the entry at everybody", everybody)
		}
	})
}

// An idle session has no buffer, in either direction.
func TestIdleSessionHasNoBuffer(t *testing.T) {
	everywhere(t, setup{}, func(h *harness) {
		h.packet = func(s *engine.Session, p packet.Packet) { _ = s.Send(pack(p.ID, p.Payload...)) }
		for range 100 {
			p, _ := h.connectWith(aio.SocketOptions{})
			p.write(pack(idEcho, make([]byte, 10000)...))
			h.until("the echo", func() bool { return p.gotBytes == 10004 })
		}
		h.until("the last completion", func() bool { return h.service.Stats().Memory.Total.InUse == 0 })
	})
}
