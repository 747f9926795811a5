package aio

import (
	"syscall"

	"golang.org/x/sys/windows"
)

// sendBytesMax bounds what one send offers to a socket: the system may take it
// whole, however full the socket is going to be of it.
const sendBytesMax = 256 << 10

// Send makes the system call at once; the next Wait has the outcome.
func (d *iocp) Send(name Socket, v [][]byte) error {
	s, err := d.begin(name, stateConnected, stateSending)
	if err != nil {
		return err
	}
	if first, _ := firstFilled(v); first < 0 {
		return ErrEmpty
	}
	s.state |= stateSending
	switch {
	case s.state&stateShut != 0:
		d.queueEvent(name, KindSend, false, 0, fault(windows.WSAESHUTDOWN))
	case s.broken != 0:
		d.queueEvent(name, KindSend, false, 0, fault(syscall.Errno(s.broken)))
	case s.state&stateCopying != 0:
		s.state |= stateBlocked
		d.queueEvent(name, KindSend, true, 0, ErrWouldBlock)
	default:
		d.transmit(name, s, v)
	}
	return nil
}

// transmit offers v to the socket, and a copy of some of it if there is no room.
func (d *iocp) transmit(name Socket, s *socket, v [][]byte) {
	count := d.fill(v)
	err := windows.WSASend(s.handle, &d.vector[0], uint32(count), &d.n, 0, nil, nil)
	clear(d.vector[:count])
	switch {
	case err == nil:
		d.queueEvent(name, KindSend, false, int(d.n), nil)
	case err == windows.WSAEWOULDBLOCK:
		d.leaveCopy(name, s, v)
	default:
		d.queueEvent(name, KindSend, false, 0, fault(err))
	}
}

// fill points the vector at the slices of v that have bytes, as far as the bounds
// reach.
func (d *iocp) fill(v [][]byte) int {
	count, rest := 0, sendBytesMax
	for _, b := range v {
		if count == VectorMax || rest == 0 {
			break
		}
		if b = b[:min(len(b), rest)]; len(b) == 0 {
			continue
		}
		d.vector[count] = windows.WSABuf{Len: uint32(len(b)), Buf: &b[0]}
		rest -= len(b)
		count++
	}
	return count
}

// leaveCopy leaves the first bytes of v with the system, in a copy. For the
// owner these count as taken; with the next ones it has to wait for the copy.
func (d *iocp) leaveCopy(name Socket, s *socket, v [][]byte) {
	i, c, err := d.copies.take()
	if err != nil {
		d.queueEvent(name, KindSend, false, 0, err)
		return
	}
	c.control = control{socket: name, index: i, op: opCopy}
	size := 0
	for _, b := range v {
		size += copy(c.bytes[size:], b)
	}
	d.vector[0] = windows.WSABuf{Len: uint32(size), Buf: &c.bytes[0]}
	err = windows.WSASend(s.handle, &d.vector[0], 1, &d.n, 0, &c.overlapped, nil)
	d.vector[0] = windows.WSABuf{}
	switch err {
	case windows.ERROR_IO_PENDING:
		s.copy = i
		s.state |= stateCopying
		d.inFlight++
	case nil:
		d.copies.give(i)
		size = int(d.n) // room was made just now
	default:
		d.copies.give(i)
		d.queueEvent(name, KindSend, false, 0, fault(err))
		return
	}
	d.queueEvent(name, KindSend, false, size, nil)
}

// copyEnded notes that the system is done with a copy: the socket has room again,
// or is broken.
func (d *iocp) copyEnded(name Socket, s *socket, err error) {
	s.state &^= stateCopying
	s.broken = int32(numberOf(err))
	if s.state&stateBlocked != 0 {
		s.state &^= stateBlocked
		d.queueEvent(name, KindWritable, false, 0, fault(err))
	}
	if err != nil && s.state&stateClosing != 0 {
		// Bytes that were taken are lost: that must not look like a whole stream.
		_ = windows.SetsockoptLinger(s.handle, windows.SOL_SOCKET, windows.SO_LINGER, &windows.Linger{Onoff: 1})
	} else if s.state&stateShut != 0 {
		// Its only errors are those of a connection that is over.
		_ = windows.Shutdown(s.handle, windows.SHUT_WR)
	}
	d.closeIfIdle(name, s)
}

// endGraces cancels the copies of closing sockets whose time is up.
func (d *iocp) endGraces() {
	for d.grace.count > 0 && d.grace.peek().until <= d.Now() {
		g := d.grace.pop()
		if s := d.sockets.get(g.socket); s != nil && s.state&stateCopying != 0 {
			d.cancel(s.handle, &d.copies.at(s.copy).control)
		}
	}
}
