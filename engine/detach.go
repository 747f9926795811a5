package engine

import (
	"cmp"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"sarang/lock"
)

// protocolDetached is the number of the protocol that detached sessions speak.
const protocolDetached = 0

// detachedBytesMax is how much a detached connection holds of what was received and not
// read: about, for the last piece is taken whole. Then the session is paused.
const detachedBytesMax = 32 << 10

// Detach gives the session's connection to ordinary Go code, as a net.Conn that any
// goroutine may use. The engine keeps the socket: what its worker receives is what Read
// returns, and what Write takes is sent by the worker, so that it works on every driver.
// The handler that has had the session is not called for it any more, and its Data is the
// engine's; cursors, codec and what waits to be sent are treated as by Switch. What the
// engine has received and not handed on is read first.
//
// Read has a bounded buffer, behind which the peer is held up. Write returns once the
// bytes are on their way to the direct queue, and waits while the two hold
// Config.DirectQueueBytesMax; a peer that does not read is the caller's affair, by a
// deadline. The peer's end of stream
// is io.EOF to Read, and Write goes on. Close sends what was written, then ends the stream
// in order.
//
// The service goes on counting the session, and Drain and Close end it like others. The
// engine's own deadlines do not hold for it. Service.Adopt takes it back.
//
// Only the session's worker may call Detach. A session that is ending is ErrClosed.
func (s *Session) Detach() (net.Conn, error) {
	if s.Closing() || s.flags&flagOpened == 0 {
		return nil, ErrClosed
	}
	protocol, err := s.w.bind(&s.w.service.detached)
	if err != nil {
		return nil, err
	}
	c := &detachedConn{
		worker: s.w, id: s.id, queuedMax: s.w.service.config.DirectQueueBytesMax,
		local:  net.TCPAddrFromAddrPort(s.w.driver.Local(s.socket)),
		remote: net.TCPAddrFromAddrPort(s.Peer()),
	}
	c.mu.Init(s.w.service.detachedLocks)
	c.changed.L = &c.mu
	s.Data = c
	s.become(protocol)
	return c, nil
}

// detached returns the connection that the session was detached to; nil if it was not.
func (s *Session) detached() *detachedConn {
	if s.protocol != protocolDetached {
		return nil
	}
	return s.Data.(*detachedConn)
}

// wholeFramer takes all bytes that there are for a frame.
type wholeFramer struct{}

func (wholeFramer) Split(b []byte) (int, error) { return len(b), nil }

func (wholeFramer) Need(b []byte) int { return max(len(b), 1) }

// detachedHandler is the engine's own handler of detached sessions.
type detachedHandler struct{ NopHandler }

func (detachedHandler) Received(s *Session, frame []byte) {
	if s.detached().feed(frame) {
		s.Pause()
	}
}

func (detachedHandler) Sent(s *Session, _ int) { s.detached().sent(s.QueuedBytes()) }

func (detachedHandler) Disconnected(s *Session, why Reason) {
	err := why.Err
	if err == nil {
		err = ErrClosed
	}
	s.detached().end(err)
}

// detachedConn is the net.Conn of a detached session. Its fields are shared by the
// session's worker and the goroutines that use the connection.
type detachedConn struct {
	worker        *Worker
	id            SessionID
	local, remote net.Addr
	queuedMax     int

	mu       lock.Mutex // guards what follows
	changed  sync.Cond  // of anything that Read or Write waits for
	in       []byte     // received, and not read
	inErr    error      // what is behind it
	out      []byte     // written, and not taken by the worker
	queued   int        // bytes in the session's direct queue
	outErr   error      // why nothing can be written any more
	writing  bool       // a Write is under way: others wait for it
	full     bool       // in is full: the session is paused
	closed   bool       // by Close, or given back
	posted   bool       // a message to the worker is under way
	readEnd  deadline
	writeEnd deadline
}

// Read reads what was received.
func (c *detachedConn) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		switch {
		case c.closed:
			return 0, c.fault("read", net.ErrClosed)
		case c.readEnd.passed:
			return 0, c.fault("read", os.ErrDeadlineExceeded)
		case len(c.in) > 0 || len(p) == 0:
			return c.take(p), nil
		case errors.Is(c.inErr, io.EOF):
			return 0, io.EOF
		case c.inErr != nil:
			return 0, c.fault("read", c.inErr)
		}
		c.changed.Wait()
	}
}

// take moves bytes from the buffer to p, and has the session receive again once half of
// it is free.
func (c *detachedConn) take(p []byte) int {
	n := copy(p, c.in)
	if c.in = c.in[n:]; len(c.in) == 0 {
		c.in = nil
	}
	if c.full && len(c.in) <= detachedBytesMax/2 {
		c.full = false
		c.post()
	}
	return n
}

// Write hands p to the worker, and waits while too much waits to be sent.
func (c *detachedConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	mine := false // this is the Write that is under way
	for n := 0; ; {
		switch {
		case c.closed:
			return n, c.wrote(mine, net.ErrClosed)
		case c.outErr != nil:
			return n, c.wrote(mine, c.outErr)
		case c.writeEnd.passed:
			return n, c.wrote(mine, os.ErrDeadlineExceeded)
		case c.writing && !mine:
			c.changed.Wait()
			continue
		case n == len(p):
			return n, c.wrote(mine, nil)
		}
		mine, c.writing = true, true
		if room := c.queuedMax - c.queued - len(c.out); room > 0 {
			take := min(room, len(p)-n)
			c.out = append(c.out, p[n:n+take]...)
			n += take
			c.post()
		} else {
			c.changed.Wait()
		}
	}
}

// wrote ends a Write.
func (c *detachedConn) wrote(mine bool, err error) error {
	if mine {
		c.writing = false
		c.changed.Broadcast()
	}
	if err != nil {
		return c.fault("write", err)
	}
	return nil
}

// Close ends the connection in order. What was written is sent before.
func (c *detachedConn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return c.fault("close", net.ErrClosed)
	}
	c.retire()
	c.post()
	return nil
}

// retire makes the connection useless to its owner.
func (c *detachedConn) retire() {
	c.closed = true
	c.readEnd.set(time.Time{}, nil)
	c.writeEnd.set(time.Time{}, nil)
	c.changed.Broadcast()
}

// LocalAddr is the near end's address.
func (c *detachedConn) LocalAddr() net.Addr { return c.local }

// RemoteAddr is the far end's address.
func (c *detachedConn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline sets both deadlines.
func (c *detachedConn) SetDeadline(t time.Time) error {
	return c.setDeadline(t, &c.readEnd, &c.writeEnd)
}

// SetReadDeadline ends Reads that wait, and later ones, when t has come. Zero is never.
func (c *detachedConn) SetReadDeadline(t time.Time) error { return c.setDeadline(t, &c.readEnd) }

// SetWriteDeadline is SetReadDeadline for Writes.
func (c *detachedConn) SetWriteDeadline(t time.Time) error { return c.setDeadline(t, &c.writeEnd) }

func (c *detachedConn) setDeadline(t time.Time, ends ...*deadline) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return c.fault("set", net.ErrClosed)
	}
	for _, d := range ends {
		d.set(t, c)
	}
	c.changed.Broadcast()
	return nil
}

func (c *detachedConn) fault(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Source: c.local, Addr: c.remote, Err: err}
}

// post has Deliver called soon.
func (c *detachedConn) post() {
	if c.posted {
		return
	}
	if c.posted = c.worker.Post(c); !c.posted {
		c.outErr = ErrClosed
		c.changed.Broadcast()
	}
}

// Deliver does on the worker what the connection's owner wants: to write, to read on, to
// close.
func (c *detachedConn) Deliver(w *Worker) {
	s := w.Session(c.id)
	if s == nil || s.detached() != c {
		return
	}
	c.mu.Lock()
	out, full, closed := c.out, c.full, c.closed
	c.out, c.posted = nil, false
	c.queued += len(out) // until it is known
	c.mu.Unlock()
	if s.Closing() {
		c.end(ErrClosed)
		return
	}
	if len(out) > 0 {
		if err := s.enqueue(out); err != nil {
			s.fail(Reason{ReasonBroken, err})
			return
		}
	}
	c.sent(s.QueuedBytes())
	if !full {
		s.Resume()
	}
	if closed {
		s.Close()
	}
}

// feed adds what was received, and reports whether that is enough for now.
func (c *detachedConn) feed(b []byte) (full bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.in = append(c.in, b...)
	c.full = len(c.in) >= detachedBytesMax
	c.changed.Broadcast()
	return c.full
}

// sent notes how much waits to be sent.
func (c *detachedConn) sent(queued int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queued = queued
	c.changed.Broadcast()
}

// endRead is the end of what can be read.
func (c *detachedConn) endRead(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inErr = cmp.Or(c.inErr, err)
	c.changed.Broadcast()
}

// end is the end of the session.
func (c *detachedConn) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inErr, c.outErr = cmp.Or(c.inErr, err), cmp.Or(c.outErr, err)
	c.changed.Broadcast()
}

// deadline is one of a connection's two, under the connection's lock.
type deadline struct {
	passed bool
	timer  *time.Timer
	turn   int // of set: a timer that was stopped too late has another one
}

// set starts the deadline anew. c may be nil when t is zero.
func (d *deadline) set(t time.Time, c *detachedConn) {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.turn++
	d.passed = false
	if t.IsZero() {
		return
	}
	left := time.Until(t)
	if left <= 0 {
		d.passed = true
		return
	}
	turn := d.turn
	d.timer = time.AfterFunc(left, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if d.turn == turn {
			d.passed = true
			c.changed.Broadcast()
		}
	})
}
