package aio

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
)

// acceptedMax is how many accepted connections of one listener may wait for the
// owner.
const acceptedMax = 64

// resetConn is an accepted connection that is to be closed by a reset: who attaches
// it must know, and the system's option can not be asked for everywhere.
type resetConn struct{ *net.TCPConn }

// netAcceptor accepts on one listener, from Accept to the last event.
type netAcceptor struct {
	d        *Portable
	s        *netSocket
	listener *net.TCPListener
	stop     <-chan struct{}
	room     chan struct{} // one for each connection that waits for the owner
}

// run is the acceptor's goroutine.
func (a *netAcceptor) run() {
	for {
		select {
		case a.room <- struct{}{}:
		case <-a.stop:
			a.d.post(netEvent{s: a.s, kind: KindAccept, err: ErrCanceled})
			return
		}
		c, err := a.listener.AcceptTCP()
		if err != nil {
			a.d.post(netEvent{s: a.s, kind: KindAccept, err: endOf(err)})
			return
		}
		// An option that can not be set is no reason to turn a peer away; mostly
		// it can not because the peer is gone already, which will be seen.
		_ = tune(c, &a.s.options)
		var conn net.Conn = c
		if a.s.options.LingerResetOnClose {
			conn = &resetConn{c}
		}
		a.d.post(netEvent{s: a.s, kind: KindAccept, more: true, acceptor: a, conn: conn})
	}
}

// dial is the goroutine of a connect.
func (d *Portable) dial(ctx context.Context, s *netSocket, addr netip.AddrPort, o *SocketOptions) {
	dialer := net.Dialer{
		FallbackDelay: -1,
		KeepAlive:     -1, // off, unless the options say otherwise
		Control: func(_, _ string, c syscall.RawConn) error {
			return descriptor(c, func(fd uintptr) error { return setBuffers(fd, o) })
		},
	}
	conn, err := dialer.DialContext(ctx, networkOf(addr, true), addr.String())
	if err == nil {
		if err = tune(conn.(*net.TCPConn), o); err != nil {
			conn.Close()
		}
	}
	if ctx.Err() != nil && err != nil {
		err = ErrCanceled
	}
	s.cancel()

	d.mutex.Lock()
	defer d.mutex.Unlock()
	switch {
	case err != nil:
	case d.released:
		conn.Close()
	default:
		d.connect(s, conn)
	}
	d.push(netEvent{s: s, kind: KindConnect, err: systemError(err)})
}

// listenPortable opens a listener. What it accepts inherits the sizes of buffers:
// they must stand before there is a connection, for a window that shrinks when it
// is open makes TCP wait for timers. Options that package net has no method for are
// set now, too, so that a bad one is found.
func listenPortable(addr netip.AddrPort, o *SocketOptions) (*net.TCPListener, error) {
	if !addr.IsValid() {
		return nil, syscall.EINVAL
	}
	config := net.ListenConfig{
		KeepAlive: -1, // off, unless the options say otherwise
		Control: func(_, _ string, c syscall.RawConn) error {
			return descriptor(c, func(fd uintptr) error {
				return errors.Join(setBuffers(fd, o), setUnsent(fd, o), setReusePort(fd, o))
			})
		},
	}
	config.SetMultipathTCP(false) // knows only some of the options
	l, err := config.Listen(context.Background(), networkOf(addr, o.V6Only), addr.String())
	if err != nil {
		return nil, err
	}
	tcp := l.(*net.TCPListener)
	if o.ListenBacklog > 0 {
		raw, err := tcp.SyscallConn()
		if err == nil {
			err = descriptor(raw, func(fd uintptr) error { return setBacklog(fd, o.ListenBacklog) })
		}
		if err != nil {
			tcp.Close()
			return nil, err
		}
	}
	return tcp, nil
}

// networkOf is net's name for TCP over the address's family. With both families
// behind one socket there is no 6 in it.
func networkOf(addr netip.AddrPort, only bool) string {
	switch {
	case addr.Addr().Unmap().Is4():
		return "tcp4"
	case only:
		return "tcp6"
	}
	return "tcp"
}

// addrPortOf converts an address of TCP; any other gives the zero AddrPort.
func addrPortOf(a net.Addr) netip.AddrPort {
	tcp, ok := a.(*net.TCPAddr)
	if !ok || tcp == nil {
		return netip.AddrPort{}
	}
	at := tcp.AddrPort()
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
}
