package aio

import (
	"cmp"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// listener is what a listening socket has beside its slot.
type listener struct {
	options  SocketOptions
	family   int
	posted   int          // accepts that were posted and are not delivered
	accepted queue[int32] // of these, the ones that have a connection
	err      error        // what accepting ends with when nothing is posted any more; nil while it goes on
}

// acceptsPosted is how many accepts wait at a listener. Those who come while all
// are taken wait in the system's queue.
const acceptsPosted = 16

// Accept starts accepting on l.
func (d *iocp) Accept(l Socket) error {
	s, err := d.begin(l, stateListener, stateAccepting)
	if err != nil {
		return err
	}
	x := d.listeners[l]
	x.err = nil
	for range acceptsPosted {
		if err = d.postAccept(l, s, x); err != nil {
			break
		}
	}
	if x.posted == 0 {
		return err // nothing was started
	}
	s.state |= stateAccepting
	if err != nil {
		d.stopAccepting(l, s, err)
	}
	d.enqueue(l, s) // some may have succeeded at once
	return nil
}

// postAccept gives the listener a socket that is to become a connection.
func (d *iocp) postAccept(name Socket, s *socket, x *listener) error {
	i, c, err := d.accepts.take()
	if err != nil {
		return err
	}
	c.control = control{socket: name, index: i, op: opAccept}
	c.conn, err = openSocket(x.family, nil)
	if err != nil {
		d.accepts.give(i)
		return err
	}
	err = windows.AcceptEx(s.handle, c.conn, &c.addresses[0], 0,
		acceptAddressBytes, acceptAddressBytes, &d.n, &c.overlapped)
	switch err {
	case windows.ERROR_IO_PENDING:
		d.inFlight++
	case nil:
		x.accepted.push(i)
		s.state |= stateReadable
	default:
		d.dropAccept(c)
		return fault(err)
	}
	x.posted++
	return nil
}

// dropAccept takes back an accept whose connection nobody gets.
func (d *iocp) dropAccept(c *acceptance) {
	_ = windows.Closesocket(c.conn)
	d.accepts.give(c.index)
}

// stopAccepting lets accepting end with err when all that is posted has come back and
// the connections among it are delivered.
func (d *iocp) stopAccepting(name Socket, s *socket, err error) {
	d.listeners[name].err = err
	_ = windows.CancelIoEx(s.handle, nil)
	d.endAccepting(name, s)
}

// closeListener ends accepting for good: connections that nobody has seen are closed.
func (d *iocp) closeListener(name Socket, s *socket) {
	x := d.listeners[name]
	if x.posted == 0 { // not accepting, or the last event is pending
		delete(d.listeners, name)
		return
	}
	x.posted -= x.accepted.count
	d.dropAccepted(x)
	d.stopAccepting(name, s, cmp.Or(x.err, ErrCanceled))
}

// dropAccepted closes the connections that wait for their event.
func (d *iocp) dropAccepted(x *listener) {
	for x.accepted.count > 0 {
		d.dropAccept(d.accepts.at(x.accepted.pop()))
	}
}

// endAccepting queues the last event if nothing is posted any more.
func (d *iocp) endAccepting(name Socket, s *socket) {
	x := d.listeners[name]
	if x.posted > 0 {
		return
	}
	d.queueEvent(name, KindAccept, false, 0, x.err)
	if s.state&stateClosing != 0 {
		delete(d.listeners, name)
	}
}

// acceptEnded notes what became of a posted accept. A connection waits for the
// listener's turn; an error ends accepting, unless it is only that somebody left again.
func (d *iocp) acceptEnded(name Socket, s *socket, c *acceptance, err error) {
	x := d.listeners[name]
	if err == nil && s.state&stateClosing == 0 {
		x.accepted.push(c.index)
		s.state |= stateReadable
		d.enqueue(name, s)
		return
	}
	d.dropAccept(c)
	x.posted--
	if x.err != nil {
		d.endAccepting(name, s)
		return
	}
	switch nameOfError(numberOf(err)) {
	case syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE:
		d.postAgain(name, s, x)
	default:
		d.stopAccepting(name, s, fault(err))
	}
}

// postAgain replaces an accept that has ended.
func (d *iocp) postAgain(name Socket, s *socket, x *listener) {
	if err := d.postAccept(name, s, x); err != nil {
		d.stopAccepting(name, s, err)
	}
	d.enqueue(name, s) // it may have succeeded at once
}

// accept makes events of connections that have come, and none of those that come
// meanwhile.
func (d *iocp) accept(name Socket, s *socket, events []Event) int {
	x := d.listeners[name]
	n := 0
	for range min(x.accepted.count, len(events), acceptBatch) {
		c := d.accepts.at(x.accepted.pop())
		x.posted--
		if conn, ok := d.finishAccept(s, c, x); ok {
			events[n] = Event{Kind: KindAccept, More: true, Token: s.token, Socket: name, Conn: conn}
			n++
		}
		if x.err == nil {
			d.postAgain(name, s, x)
		} else {
			d.endAccepting(name, s)
		}
	}
	if x.accepted.count == 0 {
		s.state &^= stateReadable
	}
	return n
}

// finishAccept makes a usable connection of one that was accepted: the system wants
// to know the listener that it came from before it lets anybody shut it down
// or ask for its addresses. Not everything is inherited thereby, so the options are
// set once more. It is false if nobody is there any more.
func (d *iocp) finishAccept(s *socket, c *acceptance, x *listener) (Conn, bool) {
	err := windows.Setsockopt(c.conn, windows.SOL_SOCKET, windows.SO_UPDATE_ACCEPT_CONTEXT,
		(*byte)(unsafe.Pointer(&s.handle)), int32(unsafe.Sizeof(s.handle)))
	if err == nil {
		err = setOptions(c.conn, &x.options)
	}
	conn := Conn{Handle: uintptr(c.conn)}
	conn.Local, conn.Peer = c.ends()
	if err != nil || !conn.Peer.IsValid() {
		d.dropAccept(c)
		return Conn{}, false
	}
	d.accepts.give(c.index)
	return conn, true
}

// ends reads the local and the far address that AcceptEx left.
func (c *acceptance) ends() (local, peer netip.AddrPort) {
	var near, far *windows.RawSockaddrAny
	var nearBytes, farBytes int32
	windows.GetAcceptExSockaddrs(&c.addresses[0], 0, acceptAddressBytes, acceptAddressBytes,
		&near, &nearBytes, &far, &farBytes)
	if near == nil || far == nil {
		return local, peer
	}
	return (*sockaddr)(unsafe.Pointer(near)).get(), (*sockaddr)(unsafe.Pointer(far)).get()
}
