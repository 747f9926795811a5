package aio

import (
	"errors"
	"net"
	"os"
	"syscall"
)

// netReader receives on one socket, from Recv to the last event. It reads, hands
// the bytes to the owner, and reads again when their loan has ended.
//
// A reader that waits for a connection of the system holds no buffer: it
// waits for readiness, and takes one of the driver's buffers for the read. Other
// connections have none, so there a reader has a buffer of its own.
type netReader struct {
	d      *Portable
	conn   net.Conn
	s      *netSocket
	stop   <-chan struct{}
	resume chan struct{} // the loan has ended

	raw     syscall.RawConn    // nil: the connection has no readiness
	probe   func(uintptr) bool // tries to read, for raw
	buf     []byte             // that the reader holds
	n       int                // outcome of probe
	err     error              // likewise
	starved bool               // likewise: there was no buffer
}

func newReader(d *Portable, s *netSocket) *netReader {
	r := &netReader{d: d, conn: s.conn, raw: s.raw, s: s, stop: s.stop, resume: make(chan struct{}, 1)}
	r.probe = r.tryRead
	return r
}

// run is the reader's goroutine.
func (r *netReader) run() {
	err := r.receive()
	if r.raw != nil && r.buf != nil {
		r.giveBack(r.buf)
	}
	r.d.post(netEvent{s: r.s, kind: KindRecv, err: err})
}

// receive hands over bytes until there is an error.
func (r *netReader) receive() error {
	for {
		n, err := r.read()
		if n > 0 {
			r.d.post(netEvent{s: r.s, kind: KindRecv, more: true, n: n, buf: r.buf, reader: r})
			if r.raw != nil {
				r.buf = nil
			}
		}
		if err != nil {
			return endOf(err)
		}
		if n == 0 {
			continue
		}
		select {
		case <-r.resume:
		case <-r.stop:
			return ErrCanceled
		}
	}
}

// endOf gives the contract's error for what ended a goroutine: a deadline is how
// the owner stops it.
func endOf(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, net.ErrClosed) {
		return ErrCanceled
	}
	return systemError(err)
}

// read waits for bytes and puts them into buf.
func (r *netReader) read() (int, error) {
	if r.raw == nil {
		if r.buf == nil {
			r.buf = make([]byte, r.d.config.RecvBufferBytes)
		}
		return r.conn.Read(r.buf)
	}
	for {
		r.n, r.err, r.starved = 0, nil, false
		if err := r.raw.Read(r.probe); err != nil {
			return 0, err
		}
		if !r.starved {
			return r.n, r.err
		}
		// Waiting here and not in the probe leaves the connection free to be
		// closed.
		select {
		case b := <-r.d.free:
			r.hold(b)
		case <-r.stop:
			return 0, ErrCanceled
		}
	}
}

// tryRead makes one read that does not wait. It returns false if it would have to.
func (r *netReader) tryRead(fd uintptr) bool {
	if r.buf == nil {
		select {
		case b := <-r.d.free:
			r.hold(b)
		default:
			r.starved = true
			return true
		}
	}
	var again bool
	r.n, again, r.err = readNow(fd, r.buf)
	if again {
		r.giveBack(r.buf)
		r.buf = nil
	}
	return !again
}

// hold makes b the reader's buffer.
func (r *netReader) hold(b []byte) {
	if b == nil {
		b = make([]byte, r.d.config.RecvBufferBytes)
	}
	r.buf = b
}

// giveBack returns one of the driver's buffers.
func (r *netReader) giveBack(b []byte) {
	if r.raw != nil {
		r.d.free <- b // has room for all of them
	}
}
