package aio

import (
	"net"
	"syscall"
	"time"
)

const (
	// writeCopyBytes is how much a socket takes at once, and what a peer that
	// does not read costs.
	writeCopyBytes = 16 << 10

	// writeCopyBytesMin is the size of the smallest copy: most messages fit.
	writeCopyBytesMin = 1 << 10

	// writersIdleMax is how many writers without work a driver keeps.
	writersIdleMax = 512

	// copyGrace is how long a closed socket goes on writing what it has taken.
	copyGrace = 5 * time.Second

	// copyGraceAtRelease is the same for Release, which waits for it.
	copyGraceAtRelease = time.Second
)

// netWriter is a goroutine for what the owner must not wait for in sending: a
// connection that is full, or one without readiness, which gets a copy of what is sent.
// It works for one socket at a time, whichever needs it. A socket has one only while
// there is something to wait for.
type netWriter struct {
	jobs chan *netSocket // has room for one, so that the owner never waits
	copy []byte          // what to write for the socket
}

// outgoing is a send that is being tried without waiting.
type outgoing struct {
	write  func(uintptr) bool // tryWrite
	gather []byte             // several slices become one here
	bytes  []byte             // what to write
	n      int                // outcome of tryWrite
	again  bool               // likewise: the socket is full
	err    error              // likewise
}

// gatherBytesMax is how much of several slices one send takes.
const gatherBytesMax = 64 << 10

// offer writes what it can of v, which has so many bytes.
func (o *outgoing) offer(raw syscall.RawConn, v [][]byte, total int) (n int, again bool, err error) {
	for len(v[0]) == 0 {
		v = v[1:]
	}
	o.bytes = v[0]
	if len(o.bytes) < total {
		o.gather = appendFirst(o.gather[:0], v, min(total, gatherBytesMax))
		o.bytes = o.gather
	}
	err = raw.Write(o.write)
	o.bytes = nil
	if err == nil {
		err = o.err
	}
	return o.n, o.again, err
}

// tryWrite makes one write. It never asks to be called again.
func (o *outgoing) tryWrite(fd uintptr) bool {
	o.n, o.again, o.err = writeNow(fd, o.bytes)
	return true
}

// idleWriter returns a writer without work.
func (d *Portable) idleWriter() *netWriter {
	if n := len(d.idle); n > 0 {
		w := d.idle[n-1]
		d.idle[n-1] = nil
		d.idle = d.idle[:n-1]
		return w
	}
	w := &netWriter{jobs: make(chan *netSocket, 1)}
	d.group.Go(func() { d.work(w) })
	return w
}

// assign gives s to the writer: it writes its copy, then does what is due on s.
func (d *Portable) assign(w *netWriter, s *netSocket) {
	s.writing = true
	w.jobs <- s
}

// Send writes what a connection takes at once, if it can be asked for that, and
// leaves the waiting to a writer if it is full. Other connections get a copy, which
// a writer writes: while that has not ended the socket is full.
func (d *Portable) Send(name Socket, v [][]byte) error {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	s, err := d.connected(name)
	if err != nil {
		return err
	}
	if s.sending {
		return ErrBusy
	}
	total := bytesIn(v)
	if total == 0 {
		return ErrEmpty
	}
	s.sending = true
	switch {
	case s.shut:
		d.push(netEvent{s: s, kind: KindSend, err: syscall.EPIPE})
	case s.writeErr != nil:
		d.push(netEvent{s: s, kind: KindSend, err: s.writeErr})
	case s.writing:
		s.blocked = true
		d.push(netEvent{s: s, kind: KindSend, more: true, err: ErrWouldBlock})
	case s.raw != nil:
		d.sendNow(s, v, total)
	default:
		w := d.idleWriter()
		w.fill(v, min(total, writeCopyBytes))
		d.push(netEvent{s: s, kind: KindSend, n: len(w.copy)})
		d.assign(w, s)
	}
	return nil
}

// bytesIn counts the bytes of the first VectorMax slices of v that have any.
func bytesIn(v [][]byte) int {
	total, slices := 0, 0
	for _, b := range v {
		if len(b) == 0 {
			continue
		}
		if slices == VectorMax {
			break
		}
		slices++
		total += len(b)
	}
	return total
}

// sendNow tries a send without waiting.
func (d *Portable) sendNow(s *netSocket, v [][]byte, total int) {
	n, again, err := d.out.offer(s.raw, v, total)
	switch {
	case err != nil:
		d.push(netEvent{s: s, kind: KindSend, err: err})
	case again:
		s.blocked = true
		d.push(netEvent{s: s, kind: KindSend, more: true, err: ErrWouldBlock})
		d.assign(d.idleWriter(), s)
	default:
		d.push(netEvent{s: s, kind: KindSend, n: n})
	}
}

// fill copies the first n bytes of v.
func (w *netWriter) fill(v [][]byte, n int) {
	if cap(w.copy) < n {
		size := writeCopyBytesMin
		for size < n {
			size *= 2
		}
		w.copy = make([]byte, 0, size)
	}
	w.copy = appendFirst(w.copy[:0], v, n)
}

// appendFirst appends the first n bytes of v to dst, which is empty.
func appendFirst(dst []byte, v [][]byte, n int) []byte {
	for _, b := range v {
		dst = append(dst, b[:min(len(b), n-len(dst))]...)
	}
	return dst
}

// due is what a writer has to do on a socket when its copy is written.
type due uint8

const (
	dueNothing  due = iota // the socket is the owner's alone again
	dueShutdown            // end the stream, then ask again
	dueClose               // close it: no name stands for it any more
)

// work is the writer's goroutine.
func (d *Portable) work(w *netWriter) {
	for s := range w.jobs {
		err := w.serve(s)
		next := d.wrote(s, err)
		for ; next == dueShutdown; next = d.wrote(s, err) {
			// A failure shows at the next read or write.
			_ = s.conn.(halfCloser).CloseWrite()
		}
		if next == dueClose {
			closeAfter(s.conn, err)
		}
		if !d.park(w, s, next) {
			return
		}
	}
}

// serve waits for a connection to have room, or writes the copy for one without
// readiness.
func (w *netWriter) serve(s *netSocket) error {
	if s.raw != nil {
		return awaitWritable(s.raw)
	}
	if len(w.copy) == 0 {
		return nil
	}
	_, err := s.conn.Write(w.copy)
	w.copy = w.copy[:0]
	return err
}

// wrote notes what came of a copy or a wait, and queues the event of a send that waits for
// it, unless there is more for the writer to do first.
func (d *Portable) wrote(s *netSocket, err error) due {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	switch {
	case s.gone && s.raw != nil: // closed already: that is what ended the wait
		return dueNothing
	case s.gone:
		return dueClose
	case s.shut && !s.ended && err == nil:
		s.ended = true
		return dueShutdown
	}
	err = systemError(err)
	s.writing, s.writeErr = false, err
	if s.blocked {
		s.blocked = false
		d.push(netEvent{s: s, kind: KindWritable, err: err})
	}
	return dueNothing
}

// park lets a writer wait for its next job; false if it is to end.
func (d *Portable) park(w *netWriter, s *netSocket, did due) bool {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if did == dueClose {
		delete(d.lingering, s)
	}
	if d.released || len(d.idle) >= writersIdleMax {
		return false
	}
	d.idle = append(d.idle, w)
	return true
}

// closeAfter closes a connection that nobody else has any more. One that has lost
// bytes must not end as if the stream were whole.
func closeAfter(c net.Conn, lost error) {
	if tcp, ok := c.(*net.TCPConn); ok && lost != nil {
		_ = tcp.SetLinger(0)
	}
	c.Close()
}

// closesAtOnce reports whether closing c, or its sending direction, never waits.
func closesAtOnce(c net.Conn) bool {
	switch c.(type) {
	case *net.TCPConn, *net.UnixConn, *resetConn:
		return true
	}
	return false
}
