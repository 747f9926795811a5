package aio

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"
)

// What package net has no method for is set by number, on the descriptor. A system's
// portable_options_*.go supplies
//
//   - systemOptions, the numbers of the options that it has;
//   - setsockopt, which sets one;
//   - setBacklog, which asks a listener anew how many connections may wait.

// sockopt is the number of an option; the zero sockopt is one that the system does not
// have.
type sockopt struct{ level, name int }

// sockopts are those that the portable driver uses.
type sockopts struct {
	sendBuffer  sockopt
	recvBuffer  sockopt
	reusePort   sockopt
	unsentLowat sockopt // unsent data that makes a socket full, in bytes
	userTimeout sockopt // for unacknowledged data, in milliseconds
}

// set sets an option, unless the value is 0 or the system does not have it: its own
// behaviour must do then.
func (o sockopt) set(fd uintptr, value int) error {
	if value == 0 || o == (sockopt{}) {
		return nil
	}
	return os.NewSyscallError("setsockopt", setsockopt(fd, o.level, o.name, value))
}

// setBuffers sizes the system's buffers of a socket that is not connected yet.
func setBuffers(fd uintptr, o *SocketOptions) error {
	options := systemOptions()
	return errors.Join(
		options.sendBuffer.set(fd, o.SendBufferBytes),
		options.recvBuffer.set(fd, o.RecvBufferBytes),
	)
}

// setUnsent sets the limits of what was sent and has not left or not arrived.
func setUnsent(fd uintptr, o *SocketOptions) error {
	options := systemOptions()
	return errors.Join(
		options.unsentLowat.set(fd, o.UnsentLowatBytes),
		options.userTimeout.set(fd, o.UserTimeoutMillis),
	)
}

// setReusePort lets several listeners have one address. It is refused where the system
// can not do that, or not in a known way.
func setReusePort(fd uintptr, o *SocketOptions) error {
	option := systemOptions().reusePort
	switch {
	case !o.ReusePort:
		return nil
	case option == sockopt{}:
		return fmt.Errorf("aio: sharing a port between listeners: %w", errors.ErrUnsupported)
	}
	return option.set(fd, 1)
}

// tune sets the options of a connection. Package net has set some without being
// asked: those are taken back.
func tune(c *net.TCPConn, o *SocketOptions) error {
	if !o.NoDelay {
		if err := c.SetNoDelay(false); err != nil {
			return err
		}
	}
	if o.LingerResetOnClose {
		if err := c.SetLinger(0); err != nil {
			return err
		}
	}
	if o.KeepAliveIdleSecs > 0 {
		k := net.KeepAliveConfig{
			Enable: true, Idle: time.Duration(o.KeepAliveIdleSecs) * time.Second,
			Interval: -1, Count: -1,
		}
		if err := c.SetKeepAliveConfig(k); err != nil {
			return err
		}
	}
	if o.UnsentLowatBytes == 0 && o.UserTimeoutMillis == 0 {
		return nil
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	return descriptor(raw, func(fd uintptr) error { return setUnsent(fd, o) })
}

// descriptor calls f with the descriptor of c.
func descriptor(c syscall.RawConn, f func(fd uintptr) error) error {
	var inner error
	if err := c.Control(func(fd uintptr) { inner = f(fd) }); err != nil {
		return err
	}
	return inner
}
