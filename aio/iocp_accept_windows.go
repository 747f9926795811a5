package aio

import (
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// listener is what a listening socket has beside its slot.
type listener struct {
	options SocketOptions
	family  int
	posted  int   // accepts that were posted and are not delivered
	err     error // what accepting ends with, once stateStopped is set
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
		d.accepted.push(i)
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

// stopAccepting lets accepting end with err when all that is posted has come back.
func (d *iocp) stopAccepting(name Socket, s *socket, err error) {
	s.state |= stateStopped
	d.listeners[name].err = err
	_ = windows.CancelIoEx(s.handle, nil)
	d.endAccepting(name, s)
}

// endAccepting queues the last event if nothing is posted any more.
func (d *iocp) endAccepting(name Socket, s *socket) {
	if x := d.listeners[name]; x.posted == 0 {
		d.queueEvent(name, KindAccept, false, 0, x.err)
	}
}

// acceptEnded notes what became of a posted accept. A connection waits for its
// event; an error ends accepting, unless it is only that somebody left again.
func (d *iocp) acceptEnded(name Socket, s *socket, c *acceptance, err error) {
	if err == nil {
		d.accepted.push(c.index)
		return
	}
	d.dropAccept(c)
	x := d.listeners[name]
	x.posted--
	if s.state&stateStopped == 0 {
		switch nameOfError(numberOf(err)) {
		case syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE:
			d.postAgain(name, s, x)
		default:
			d.stopAccepting(name, s, fault(err))
		}
		return
	}
	d.endAccepting(name, s)
}

// postAgain replaces an accept that has ended.
func (d *iocp) postAgain(name Socket, s *socket, x *listener) {
	if err := d.postAccept(name, s, x); err != nil {
		d.stopAccepting(name, s, err)
	}
}

// serveAccepted gives every connection that has come an event, as far as events
// reach, and every connection that comes meanwhile none.
func (d *iocp) serveAccepted(events []Event) int {
	n := 0
	for range d.accepted.count {
		if n == len(events) {
			break
		}
		c := d.accepts.at(d.accepted.pop())
		name := c.socket
		s := d.sockets.get(name)
		if s == nil {
			panic("aio: a connection for a listener that is gone")
		}
		x := d.listeners[name]
		x.posted--
		if conn, ok := d.finishAccept(s, c, x); ok {
			events[n] = Event{Kind: KindAccept, More: true, Token: s.token, Socket: name, Conn: conn}
			n++
		}
		if s.state&stateStopped == 0 {
			d.postAgain(name, s, x)
		} else {
			d.endAccepting(name, s)
		}
	}
	return n
}

// finishAccept makes a usable connection of one that was accepted: the system wants
// to be told of the listener that it came from before it lets anybody shut it down
// or ask for its addresses. Not everything is inherited thereby, so the options are
// set once more. It is false if nobody is there any more, or nobody wants it.
func (d *iocp) finishAccept(s *socket, c *acceptance, x *listener) (Conn, bool) {
	if s.state&stateClosing != 0 {
		d.dropAccept(c)
		return Conn{}, false
	}
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
