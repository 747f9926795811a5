//go:build !linux

package aio

import (
	"fmt"
	"net"
)

// AdoptConn makes a Conn for drivers of a kind out of a connection that package net has
// opened, with o set as far as its system lets it. Here only the portable driver takes
// such a connection, as it is: Windows ties a handle to the first completion port that it
// was given, which is Go's. On an error, which wraps ErrAdopt, c is as it was. Any
// goroutine may call it.
func AdoptConn(kind string, c net.Conn, o SocketOptions) (Conn, error) {
	if kind != kindPortable {
		return Conn{}, fmt.Errorf("%w: the driver is %s", ErrAdopt, kind)
	}
	return adoptPortable(c, &o), nil
}

// CloseConn closes a Conn that AdoptConn has made and no driver was given.
func CloseConn(c Conn) {
	if conn, ok := c.Object.(net.Conn); ok {
		_ = conn.Close()
	}
}
