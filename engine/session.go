package engine

import (
	"net/netip"
	"unsafe"

	"sarang/aio"
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

type flags uint32

const (
	flagTouched    flags = 1 << iota // in the worker's list of sessions to serve
	flagConnecting                   // Connect has not been answered
	flagReceiving                    // a receive is in flight
	flagPaused                       // the program does not want frames now
	flagSending                      // a send is in flight
	flagBlocked                      // the socket is full; Writable will come
	flagAdmitted                     // the login deadline does not hold any more
	flagFlushing                     // ending in order: send the direct queue, then FIN
	flagShut                         // FIN is sent
	flagEOF                          // the peer's FIN was read
	flagClosing                      // the driver's Close is in flight
	flagOpened                       // Connected was called
	flagV4                           // the peer's address is one of IPv4
	flagGated                        // Config.Gate has let it in, and its Leave is to be called
	flagRefused                      // it is only there for the farewell of a refused connection
	flagHeld                         // frames wait in the tail: for the end of a Pause, or for the session's turn
	flagHanding                      // the handler is being called with a frame
	flagUnread                       // what others have read waits, and what arrives waits behind it
	flagOver                         // the peer has ended the stream in its codec's way
	flagWaiting                      // in the worker's list of sessions that wait for their turn
)

// Session is a connection. It belongs to a worker: all methods are for that worker's
// goroutine only. What is hot in sending comes first; with what is only there while
// something is going on in other places (sessionBuffers,
// sendOp), it has 128 bytes.
type Session struct {
	w       *Worker
	socket  aio.Socket
	id      SessionID
	cursors *Cursor         // one of them; they form a circle
	op      *sendOp         // while a send is in flight
	buffers *sessionBuffers // while there is something in them
	codec   *codecState

	// Data is the program's.
	Data any

	timer    timerNode
	lastRecv ticks
	mark     ticks // Connected; once admitted, the last Heartbeat
	flags    flags
	port     uint16 // of the peer
	protocol uint8  // in the worker's bindings
	address  [16]byte
}

// A session that grows beyond that does not compile.
const _ = 128 - unsafe.Sizeof(Session{})

// ID names the session.
func (s *Session) ID() SessionID { return s.id }

// Worker is the owner.
func (s *Session) Worker() *Worker { return s.w }

// Peer is the far end's address, without an IPv6 zone; of a connection that stands for
// somebody else (Protocol.ForOthers), his, once it is known.
func (s *Session) Peer() netip.AddrPort {
	a := netip.AddrFrom16(s.address)
	if s.flags&flagV4 != 0 {
		a = a.Unmap()
	}
	return netip.AddrPortFrom(a, s.port)
}

func (s *Session) setPeer(p netip.AddrPort) {
	s.address, s.port = p.Addr().As16(), p.Port()
	if s.flags &^= flagV4; p.Addr().Is4() {
		s.flags |= flagV4
	}
}

// Closing reports whether the session is ending: nothing is sent or received any more.
func (s *Session) Closing() bool { return s.flags&(flagClosing|flagFlushing) != 0 }

// Send copies b, whole frames, to the direct queue; it goes out at the end of the
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

// heldUp reports whether what waits does so because of the peer: its socket is full, or a
// send of an earlier tick has not ended.
func (s *Session) heldUp() bool {
	return s.flags&(flagBlocked|flagConnecting|flagFlushing) != 0 || s.codec != nil && !s.codec.codec.Ready() ||
		s.op != nil && s.op.tick != s.w.stats.Ticks
}

func (s *Session) enqueue(b []byte) error {
	err := s.needBuffers().pend.append(s.w.pool, b)
	if err == nil {
		s.touch()
	}
	s.releaseBuffers()
	return err
}

// Flush sends what waits, direct bytes and entries of feeds, now and not at the end of the
// tick, if no send is in flight and the socket takes bytes. It is for what is about to be
// taken away, as by Cursor.Close; it may end the session.
func (s *Session) Flush() {
	left := s.w.codeLeft
	s.w.codeLeft = codedTickBytesMax
	s.w.serve(s)
	s.w.codeLeft = left
}

// SendEphemeral is Send for what may be lost: it does nothing and returns false when
// earlier direct bytes are still waiting.
func (s *Session) SendEphemeral(b []byte) bool {
	return s.QueuedBytes() == 0 && s.Send(b) == nil
}

// QueuedBytes is how much waits in the direct queue, with a Codec in its coded form
// as far as it is coded. What comes from feeds does not count.
func (s *Session) QueuedBytes() int {
	n := 0
	if b := s.buffers; b != nil {
		n = b.out.n + b.pend.n - b.rest
	}
	if s.codec != nil {
		n += s.codec.raw.n
	}
	return n
}

// Admit marks the peer as logged in: the login deadline is off, heartbeats are on.
func (s *Session) Admit() {
	s.flags |= flagAdmitted
	s.countUnadmitted()
	s.armTimer()
}

// Admitted reports whether Admit was called.
func (s *Session) Admitted() bool { return s.flags&flagAdmitted != 0 }

// Pause stops receiving: no frame is delivered until Resume, and the peer is held up
// by its own socket. What had arrived already, or arrives before the driver stops, waits
// in a buffer of the session.
func (s *Session) Pause() {
	if s.flags&flagPaused == 0 {
		s.flags |= flagPaused
		if s.flags&flagReceiving != 0 {
			_ = s.w.driver.StopRecv(s.socket) // a wish, until the receive has ended
		}
	}
}

// Resume ends a Pause. Frames that wait are delivered after it has returned.
func (s *Session) Resume() {
	if s.flags&flagPaused != 0 {
		s.flags &^= flagPaused
		s.heard() // silence while nothing was received is not the peer's
		if s.flags&(flagHeld|flagUnread) != 0 {
			s.wait() // it receives when these are delivered
			return
		}
		s.receive()
	}
}

// heard begins the peer's silence anew.
func (s *Session) heard() { s.lastRecv = s.w.moment() }

// Paused reports whether Pause holds.
func (s *Session) Paused() bool { return s.flags&flagPaused != 0 }

// Close ends the session in order: what is in the direct queue is sent, then the
// stream is ended, and the connection is closed when the peer has ended its side or
// Config.LingerTimeout has passed. Disconnected follows.
func (s *Session) Close() { s.End(Reason{Code: ReasonLocal}) }

// End is Close with a reason of the caller's choice. A Farewell of the handler may
// add last frames.
func (s *Session) End(why Reason) {
	if s.Closing() {
		return
	}
	if s.flags&flagConnecting != 0 {
		s.fail(why)
		return
	}
	if f := s.binding().fareweller; f != nil && s.flags&flagOpened != 0 {
		f.Farewell(farewell{s}, why)
	}
	s.needBuffers().reason = why
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

func (f farewell) Send(b []byte) error { return f.s.enqueue(b) }

// shutdown is called when all direct bytes of an ending session were taken.
func (s *Session) shutdown() {
	if s.flags&flagShut != 0 {
		return
	}
	s.flags |= flagShut
	if s.flags&flagEOF != 0 || s.w.driver.Shutdown(s.socket) != nil {
		s.fail(s.buffers.reason)
	}
}

// fail closes the connection now.
func (s *Session) fail(why Reason) {
	if s.flags&flagClosing != 0 {
		return
	}
	if s.flags&flagFlushing == 0 {
		s.needBuffers().reason = why
	}
	s.flags |= flagClosing
	s.w.wheel.stop(&s.timer)
	err := s.w.driver.Close(s.socket)
	invariant(err == nil, "closing a socket that the driver does not know")
}

// receive has a receive in flight, if one is wanted.
func (s *Session) receive() {
	if s.flags&(flagReceiving|flagPaused|flagClosing|flagConnecting|flagEOF) != 0 || s.waitsForMuch() {
		return
	}
	s.flags |= flagReceiving
	if err := s.w.driver.Recv(s.socket); err != nil {
		s.flags &^= flagReceiving
		s.fail(Reason{ReasonBroken, err})
	}
}
