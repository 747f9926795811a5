package engine_test

import (
	"errors"
	"io"
	"net/netip"
	"time"

	"sarang/aio"
	"sarang/packet"
)

// peers are the far ends of a harness: plain users of a driver, in the same
// goroutine as the service.
type peers struct {
	driver aio.Driver
	all    []*peer
	events [64]aio.Event
	veiled bool // all talk through the test's codec
}

// peer is one connection, seen from the outside.
type peer struct {
	set    *peers
	h      *harness
	socket aio.Socket

	connected bool
	stalled   bool  // asked not to read
	receiving bool  // a receive is in flight
	sending   bool  // a send is in flight
	closed    bool  // KindDisconnect was seen
	end       error // how receiving ended: io.EOF, or what broke
	out       []byte
	vec       [1][]byte // frozen while sending
	got       []byte    // all that was received and not taken yet
	gotBytes  int       // all that was ever received
	discard   bool      // count what arrives, and keep none
}

// connect opens a peer.
func (ps *peers) connect(h *harness, to netip.AddrPort, o aio.SocketOptions) *peer {
	h.Helper()
	s, err := ps.driver.Connect(to, o, aio.Token(len(ps.all)))
	if err != nil {
		h.Fatal(err)
	}
	p := &peer{set: ps, h: h, socket: s}
	if ps.veiled {
		p.out = []byte("C")
	}
	ps.all = append(ps.all, p)
	return p
}

// poll handles what has happened to the peers and returns how much that was.
func (ps *peers) poll(timeout time.Duration) int {
	n, err := ps.driver.Wait(ps.events[:], timeout)
	if err != nil {
		panic(err)
	}
	for i := range ps.events[:n] {
		e := &ps.events[i]
		ps.all[e.Token].handle(e)
	}
	return n
}

func (p *peer) handle(e *aio.Event) {
	switch e.Kind {
	case aio.KindConnect:
		p.connected = e.Err == nil
		if e.Err != nil {
			p.end = e.Err
			return
		}
		p.listen()
		p.flush()
	case aio.KindRecv:
		if e.More {
			p.receives(e.Data)
			return
		}
		p.receiving = false
		if errors.Is(e.Err, aio.ErrCanceled) {
			p.listen()
			return
		}
		p.end = e.Err
	case aio.KindSend:
		if e.More {
			return
		}
		p.sending = false
		if e.Err == nil {
			p.out = p.out[e.N:]
			p.flush()
		}
	case aio.KindWritable:
		p.sending = false
		p.flush()
	case aio.KindDisconnect:
		p.closed = true
	}
}

// receives takes what has arrived, without the veil and its greeting.
func (p *peer) receives(b []byte) {
	before := p.gotBytes
	p.gotBytes += len(b)
	if p.discard {
		return
	}
	p.got = append(p.got, b...)
	if p.set.veiled {
		unveil(p.got[len(p.got)-len(b):])
		if before == 0 {
			p.got = p.got[1:]
		}
	}
}

// listen has a receive in flight, unless the peer is stalled.
func (p *peer) listen() {
	if p.connected && !p.stalled && !p.receiving && p.end == nil && !p.closed {
		if p.set.driver.Recv(p.socket) == nil {
			p.receiving = true
		}
	}
}

func (p *peer) flush() {
	if p.connected && !p.sending && len(p.out) > 0 && !p.closed {
		p.vec[0] = p.out
		if p.set.driver.Send(p.socket, p.vec[:]) == nil {
			p.sending = true
		}
	}
}

// write sends b after what was written before.
func (p *peer) write(b []byte) {
	p.out = append(p.out[:len(p.out):len(p.out)], b...)
	if p.set.veiled {
		unveil(p.out[len(p.out)-len(b):])
	}
	p.flush()
}

// stall stops reading; readOn goes on.
func (p *peer) stall() {
	p.stalled = true
	_ = p.set.driver.StopRecv(p.socket)
	p.h.until("a peer's receive to stop", func() bool { return !p.receiving })
}

func (p *peer) readOn() {
	p.stalled = false
	p.listen()
}

// shutdown ends the peer's stream; it goes on reading.
func (p *peer) shutdown() {
	p.h.until("a peer's bytes to be taken", func() bool { return len(p.out) == 0 })
	if err := p.set.driver.Shutdown(p.socket); err != nil {
		p.h.Fatal(err)
	}
}

// close closes the peer's socket.
func (p *peer) close() { _ = p.set.driver.Close(p.socket) }

// take returns the whole packets that have arrived, and forgets them.
func (p *peer) take() []packet.Packet {
	p.h.Helper()
	var all []packet.Packet
	for {
		one, n, err := packet.Split(p.got)
		if err != nil {
			p.h.Fatalf("a peer received what is no packet: %v", err)
		}
		if n == 0 {
			return all
		}
		all = append(all, one)
		p.got = p.got[n:]
	}
}

// over reports whether the peer has seen the orderly end of the stream.
func (p *peer) over() bool { return p.end == io.EOF }
