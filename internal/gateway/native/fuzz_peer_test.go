package native_test

import (
	"errors"
	"io"

	"google.golang.org/protobuf/proto"

	"sarang/aio"
	"sarang/chat"
	"sarang/packet"
	pb "sarang/proto/sarang/v1"
)

// peer is one connection's client end, with a ledger of what it asked: whatever it
// says, each of its requests is answered once at most, and what it is told of rooms is
// in order.
type peer struct {
	r       *rig
	name    string
	socket  aio.Socket
	open    bool // the connection stands, as far as we know
	silent  bool // it reads nothing
	wasDeaf bool // it was so for a time: the server may have lost patience with its farewell
	closing bool
	ended   bool // nothing comes any more: end of the stream, or reset
	fin     bool // we have ended our side
	harmed  bool // reset: bytes may have been lost

	out     []byte // not handed to the driver yet
	flying  []byte
	sending bool

	in      []byte // a packet of which the rest has not come
	said    []byte // the same, of what was sent
	lost    bool   // what was sent is no stream of packets any more
	goodbye *pb.Goodbye

	asked map[ask]int            // requests without an answer
	above map[ask]uint64         // pages: wanted are ids above
	left  map[uint64]bool        // rooms that were to be left at some time
	rooms map[uint64]*readerSeat // rooms that are read
	marks map[uint64]uint64      // how far the user has read, as was told

	threadMarks map[[2]uint64]uint64 // the same of threads, by room and first message
	own         []byte               // token
	user        uint64
	polite      bool // answers pings
}

// readerSeat is where a peer stands in a room.
type readerSeat struct {
	epoch, next uint64
	ephemeral   bool
}

// ask is what a request is known by in its answer.
type ask struct {
	id         packet.ID
	fault      chat.Code // malformed, unknown packet, or 0
	room, mark uint64    // mark: request, nonce or value
}

// dial opens a connection; it stands when the rig has come to rest.
func (r *rig) dial(name string) *peer {
	p := &peer{
		r: r, name: name, asked: map[ask]int{}, above: map[ask]uint64{}, left: map[uint64]bool{}, rooms: map[uint64]*readerSeat{}, marks: map[uint64]uint64{}, threadMarks: map[[2]uint64]uint64{},
	}
	s, err := r.driver.Connect(r.at, aio.SocketOptions{}, aio.Token(len(r.peers)))
	check(err)
	p.socket = s
	r.peers = append(r.peers, p)
	return p
}

// say sends bytes.
func (p *peer) say(b []byte) {
	if p.fin || p.closing {
		return
	}
	p.account(b)
	p.out = append(p.out, b...)
	p.flush()
}

func (p *peer) flush() {
	if !p.open || p.sending || p.fin || p.closing || len(p.out) == 0 {
		return
	}
	p.flying, p.out = p.out, nil
	p.send()
}

func (p *peer) send() {
	if err := p.r.driver.Send(p.socket, [][]byte{p.flying}); err != nil {
		p.gone()
		return
	}
	p.sending = true
}

func (p *peer) gone() { p.ended, p.sending, p.out, p.flying = true, false, nil, nil }

// finish ends our side of the stream.
func (p *peer) finish() {
	if p.open && !p.fin && !p.closing && !p.sending && len(p.out) == 0 {
		p.fin = true
		_ = p.r.driver.Shutdown(p.socket)
	}
}

// reset breaks the connection, as a network does.
func (p *peer) reset() {
	if p.open && !p.closing {
		p.harmed = true
		_ = p.r.driver.Reset(p.socket)
	}
}

func (p *peer) close() {
	if !p.closing {
		p.closing = true
		_ = p.r.driver.Close(p.socket)
	}
}

// listen begins or ends that it reads.
func (p *peer) listen(on bool) {
	switch {
	case p.closing || p.ended || !p.open || on != p.silent:
	case on:
		p.silent = false
		if err := p.r.driver.Recv(p.socket); errors.Is(err, aio.ErrBusy) {
			return // the end of the receive before is on its way
		}
	default:
		p.silent, p.wasDeaf = true, true
		_ = p.r.driver.StopRecv(p.socket)
	}
}

func (p *peer) handle(e *aio.Event) {
	switch e.Kind {
	case aio.KindConnect:
		if p.closing {
			return
		}
		if e.Err != nil {
			failf("%s can not connect: %v", p.name, e.Err)
		}
		p.open = true
		_ = p.r.driver.Recv(p.socket)
		p.flush()
	case aio.KindRecv:
		p.received(e)
	case aio.KindSend:
		switch {
		case e.Err == nil:
			p.sending = false
			if p.flying = p.flying[e.N:]; len(p.flying) > 0 {
				p.send()
				return
			}
			p.flush()
		case !e.More:
			p.gone()
		}
	case aio.KindWritable:
		p.sending = false
		if e.Err != nil {
			p.gone()
		} else if !p.closing {
			p.send()
		}
	case aio.KindDisconnect:
		p.open, p.ended = false, true
	}
}

func (p *peer) received(e *aio.Event) {
	if e.More {
		p.hear(e.Data)
		return
	}
	switch {
	case errors.Is(e.Err, aio.ErrCanceled):
		if !p.silent && !p.closing {
			_ = p.r.driver.Recv(p.socket)
		}
	default:
		orderly := errors.Is(e.Err, io.EOF) && !p.harmed && !p.wasDeaf
		if orderly && len(p.in) > 0 {
			failf("%s: the stream ends within a packet: %x", p.name, p.in)
		}
		if orderly && !p.fin && p.goodbye == nil {
			failf("%s: the server ends the session and does not say why", p.name)
		}
		p.ended = true
		p.close()
	}
}

// hear takes what the server says; all of it must be packets that can be read.
func (p *peer) hear(b []byte) {
	p.in = append(p.in, b...)
	for {
		got, n, err := packet.Split(p.in)
		if err != nil {
			failf("%s: the server sends what is no packet: %v", p.name, err)
		}
		if n == 0 {
			return
		}
		p.told(got)
		p.in = p.in[n:]
	}
}

// message is what the generated messages are.
type message interface {
	proto.Message
	packet.Marshaler
	packet.Unmarshaler
}

// read decodes a packet of the server, by the strict decoder and by the fast one.
func (p *peer) read(got packet.Packet, m message) {
	if err := proto.Unmarshal(got.Payload, m); err != nil {
		failf("%s: packet %d of the server can not be read: %v", p.name, got.ID, err)
	}
	again := m.ProtoReflect().New().Interface().(message)
	if err := again.UnmarshalVT(got.Payload); err != nil || !proto.Equal(m, again) {
		failf("%s: packet %d of the server reads in two ways: %v and %v (%v)", p.name, got.ID, m, again, err)
	}
}
