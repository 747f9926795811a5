package aio

import (
	"errors"
	"net"
	"net/netip"
)

// ErrAdopt means that a driver can not take over a connection that package net opened.
var ErrAdopt = errors.New("aio: this driver can not take over such a connection")

// adoptPortable makes a Conn for the portable driver, which takes any net.Conn as it is.
func adoptPortable(c net.Conn, o *SocketOptions) Conn {
	adopted := Conn{Object: c, Peer: addrPortOf(c.RemoteAddr()), Local: addrPortOf(c.LocalAddr())}
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tune(tcp, o) // mostly it fails when the peer is gone already, which will be seen
		if o.LingerResetOnClose {
			adopted.Object = &resetConn{tcp}
		}
	}
	return adopted
}

// Local implements Driver.
func (d *Portable) Local(name Socket) netip.AddrPort {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	s, err := d.connected(name)
	if err != nil {
		return netip.AddrPort{}
	}
	return addrPortOf(s.conn.LocalAddr())
}
