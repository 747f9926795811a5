package engine

import (
	"net/netip"
	"unsafe"

	"sarang/aio"
	"sarang/mem"
	"sarang/packet"
)

// SessionID names a session for ever: its worker (8 bits), generation (24) and slot
// (32). It may be kept and sent anywhere; a stale one finds nothing.
type SessionID uint64

func makeSessionID(worker int, generation, slot uint32) SessionID {
	return SessionID(uint64(worker)<<56 | uint64(generation&generationMask)<<32 | uint64(slot))
}

// Worker is the index of the worker that the session belongs to.
func (id SessionID) Worker() int { return int(id >> 56) }

func (id SessionID) slot() uint32 { return uint32(id) }

type flags uint16

const (
	flagTouched    flags = 1 << iota // in the worker's list of sessions to serve
	flagConnecting                   // Connect has not been answered
	flagReceiving                    // a receive is in flight
	flagPaused                       // the program does not want packets now
	flagSending                      // a send is in flight
	flagBlocked                      // the socket is full; Writable will come
	flagAdmitted                     // the login deadline does not hold any more
	flagFlushing                     // ending in order: send the direct queue, then FIN
	flagShut                         // FIN is sent
	flagEOF                          // the peer's FIN was read
	flagClosing                      // the driver's Close is in flight
	flagOpened                       // Connected was called
	flagV4                           // the peer's address is one of IPv4
	flagGated                        // Config.Gate has let it in and is to be told its end
	flagRefused                      // it is only there to be told why it is refused
	flagHeld                         // packets that arrived around a Pause wait in the tail
)

// Session is a connection. It belongs to a worker: all methods are for that worker's
// goroutine only. What is hot in sending comes first; with what is only there while
// something is going on in other places (spool, sendOp), it has 128 bytes.
type Session struct {
	w       *Worker
	socket  aio.Socket
	id      SessionID
	cursors *Cursor // one of them; they form a circle
	op      *sendOp // while a send is in flight
	spool   *spool  // while there is something in it
	codec   *codecState

	// Data is the program's.
	Data any

	timer    timerNode
	lastRecv ticks
	mark     ticks // Connected; once admitted, the last Heartbeat
	flags    flags
	port     uint16 // of the peer
	address  [16]byte
}

// A session that grows beyond that does not compile.
const _ = 128 - unsafe.Sizeof(Session{})

// spool is what a session has to say directly, what it was told in part, and why it
// ends. A worker recycles spools; an idle session has none, unless it has a codec.
type spool struct {
	out    queue // direct bytes being sent: frozen while a send is in flight
	pend   queue // direct bytes that wait
	tail   queue // a packet of which the rest has not come; all that waits, while flagHeld is set
	rest   int   // bytes of out that are no direct ones: the rest of a cut entry
	reason Reason

	discarded int // bytes read after the end was decided
}

// spooling returns the session's spool, a new one if it has none.
func (s *Session) spooling() *spool {
	if s.spool == nil {
		s.spool = s.w.spools.Get()
	}
	return s.spool
}

// unspool gives back a spool with nothing in it.
func (s *Session) unspool() {
	if p := s.spool; p != nil && s.codec == nil && p.out.n+p.pend.n+p.tail.n == 0 && s.flags&(flagFlushing|flagClosing) == 0 {
		s.spool = nil
		s.w.spools.Put(p)
	}
}

// ID names the session.
func (s *Session) ID() SessionID { return s.id }

// Worker is the owner.
func (s *Session) Worker() *Worker { return s.w }

// Peer is the far end's address, without an IPv6 zone.
func (s *Session) Peer() netip.AddrPort {
	a := netip.AddrFrom16(s.address)
	if s.flags&flagV4 != 0 {
		a = a.Unmap()
	}
	return netip.AddrPortFrom(a, s.port)
}

func (s *Session) setPeer(p netip.AddrPort) {
	s.address, s.port = p.Addr().As16(), p.Port()
	if p.Addr().Is4() {
		s.flags |= flagV4
	}
}

// Closing says whether the session is ending: nothing is sent or received any more.
func (s *Session) Closing() bool { return s.flags&(flagClosing|flagFlushing) != 0 }

// Send copies b, whole packets, to the direct queue; it goes out at the end of the
// worker's tick. When the queue would exceed Config.DirectQueueBytesMax the peer is
// not reading its replies: the session ends with ReasonDirectQueue. As long as the
// socket was not tried, which is within one tick, that is not known, and four times as
// much may gather: the answers to a burst of requests that came together.
func (s *Session) Send(b []byte) error {
	if s.Closing() {
		return ErrClosed
	}
	most := s.w.service.config.DirectQueueBytesMax
	if !s.heldUp() {
		most *= directBurst
	}
	if s.QueuedBytes()+len(b) > most {
		s.End(Reason{ReasonDirectQueue, ErrDirectQueue})
		return ErrDirectQueue
	}
	return s.enqueue(b)
}

// directBurst is how many times DirectQueueBytesMax may gather within a tick.
const directBurst = 4

// heldUp says whether what waits does so because of the peer: its socket is full, or a
// send of an earlier tick has not ended.
func (s *Session) heldUp() bool {
	return s.flags&(flagBlocked|flagConnecting|flagFlushing) != 0 || s.codec != nil ||
		s.op != nil && s.op.tick != s.w.stats.Ticks
}

func (s *Session) enqueue(b []byte) error {
	err := s.spooling().pend.append(s.w.pool, b)
	if err == nil {
		s.touch()
	}
	s.unspool()
	return err
}

// SendEphemeral is Send for what may be lost: it does nothing and returns false when
// earlier direct bytes are still waiting.
func (s *Session) SendEphemeral(b []byte) bool {
	return s.QueuedBytes() == 0 && s.Send(b) == nil
}

// Marshaler is a generated protobuf message.
type Marshaler = packet.Marshaler

// SendMessage encodes m as the payload of a packet and sends it as Send does.
func (s *Session) SendMessage(id packet.ID, m Marshaler) error {
	b, err := packet.AppendVT(s.w.scratch[:0], id, m)
	if err != nil {
		return err
	}
	s.w.scratch = b
	return s.Send(b)
}

// QueuedBytes is how much waits in the direct queue, with a Codec in its coded form
// as far as it is coded. What comes from feeds does not count.
func (s *Session) QueuedBytes() int {
	n := 0
	if p := s.spool; p != nil {
		n = p.out.n + p.pend.n - p.rest
	}
	if s.codec != nil {
		n += s.codec.raw.n
	}
	return n
}

// Admit tells that the peer has logged in: the login deadline is off, heartbeats are
// on.
func (s *Session) Admit() {
	s.flags |= flagAdmitted
	s.armTimer()
}

// Pause stops receiving: no packet is delivered until Resume, and the peer is held up
// by its own socket. What had arrived already, or arrives before the driver stops, waits
// in a buffer of the session.
func (s *Session) Pause() {
	if s.flags&flagPaused == 0 {
		s.flags |= flagPaused
		if s.flags&flagReceiving != 0 {
			_ = s.w.driver.StopRecv(s.socket) // a wish; the end of the receive tells
		}
	}
}

// Resume ends a Pause. Packets that wait are delivered after it has returned.
func (s *Session) Resume() {
	if s.flags&flagPaused != 0 {
		s.flags &^= flagPaused
		s.lastRecv = ticksUp(s.w.now) // silence while we did not listen is not the peer's
		if s.flags&flagHeld != 0 {
			s.w.resumed = append(s.w.resumed, s.id) // it receives when these are delivered
			return
		}
		s.receive()
	}
}

// Paused says whether Pause holds.
func (s *Session) Paused() bool { return s.flags&flagPaused != 0 }

// Close ends the session in order: what is in the direct queue is sent, then the
// stream is ended, and the connection is closed when the peer has ended its side or
// Config.LingerTimeout has passed. Disconnected follows.
func (s *Session) Close() { s.End(Reason{Code: ReasonLocal}) }

// End is Close with a reason of the caller's choice. A Farewell of the handler may
// add last packets.
func (s *Session) End(why Reason) {
	if s.Closing() {
		return
	}
	if s.flags&flagConnecting != 0 {
		s.fail(why)
		return
	}
	if f, ok := s.w.handler.(Fareweller); ok && s.flags&flagOpened != 0 {
		f.Farewell(farewell{s}, why)
	}
	s.spooling().reason = why
	s.flags |= flagFlushing
	s.flags &^= flagPaused
	s.receive()
	s.touch()
	s.w.wheel.set(&s.timer, s.w.now+s.w.service.config.LingerTimeout)
}

// Abort ends the session at once; what waits to be sent is lost. Disconnected follows.
func (s *Session) Abort() { s.fail(Reason{Code: ReasonLocal}) }

// farewell is a Sender for a session that is about to end.
type farewell struct{ s *Session }

func (f farewell) Session() *Session { return f.s }

func (f farewell) SendMessage(id packet.ID, m Marshaler) error {
	b, err := packet.AppendVT(f.s.w.scratch[:0], id, m)
	if err != nil {
		return err
	}
	f.s.w.scratch = b
	return f.s.enqueue(b)
}

func (f farewell) Send(b []byte) error { return f.s.enqueue(b) }

// shutdown is called when all direct bytes of an ending session were taken.
func (s *Session) shutdown() {
	if s.flags&flagShut != 0 {
		return
	}
	s.flags |= flagShut
	if s.flags&flagEOF != 0 || s.w.driver.Shutdown(s.socket) != nil {
		s.fail(s.spool.reason)
	}
}

// fail closes the connection now.
func (s *Session) fail(why Reason) {
	if s.flags&flagClosing != 0 {
		return
	}
	if s.flags&flagFlushing == 0 {
		s.spooling().reason = why
	}
	s.flags |= flagClosing
	s.w.wheel.stop(&s.timer)
	err := s.w.driver.Close(s.socket)
	invariant(err == nil, "closing a socket that the driver does not know")
}

// receive has a receive in flight, if one is wanted.
func (s *Session) receive() {
	if s.flags&(flagReceiving|flagPaused|flagClosing|flagConnecting|flagEOF) != 0 {
		return
	}
	s.flags |= flagReceiving
	if err := s.w.driver.Recv(s.socket); err != nil {
		s.flags &^= flagReceiving
		s.fail(Reason{ReasonBroken, err})
	}
}

// queue is a run of bytes in a pooled buffer. The zero value is empty and has no
// buffer.
type queue struct {
	buf    *mem.Buf
	off, n int
}

const queueBytesMin = 256

func (q *queue) bytes() []byte { return q.buf.Bytes()[q.off : q.off+q.n] }

// append adds b; the buffer grows by doubling.
func (q *queue) append(pool *mem.Pool, b []byte) error {
	if q.buf == nil || q.off+q.n+len(b) > len(q.buf.Bytes()) {
		grown, err := pool.Get(max(queueBytesMin, roundUp(q.n+len(b))))
		if err != nil {
			return err
		}
		if q.buf != nil {
			copy(grown.Bytes(), q.bytes())
			q.buf.Release()
		}
		q.buf, q.off = grown, 0
	}
	q.n += copy(q.buf.Bytes()[q.off+q.n:], b)
	return nil
}

// drop removes n bytes from the front; an empty queue has no buffer.
func (q *queue) drop(n int) {
	q.off += n
	q.n -= n
	if q.n == 0 && q.buf != nil {
		q.buf.Release()
		*q = queue{}
	}
}

func roundUp(n int) int {
	size := queueBytesMin
	for size < n {
		size *= 2
	}
	return size
}
