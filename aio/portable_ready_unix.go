//go:build unix

package aio

import (
	"io"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// rawOf returns the way to a connection's descriptor, nil if it has none or if
// what stands there is not what the connection yields.
func rawOf(c net.Conn) syscall.RawConn {
	var raw syscall.RawConn
	var err error
	switch c := c.(type) {
	case *net.TCPConn:
		raw, err = c.SyscallConn()
	case *net.UnixConn:
		raw, err = c.SyscallConn()
	}
	if err != nil {
		return nil
	}
	return raw
}

// readNow reads from a descriptor that does not block. again says that it would
// have to.
func readNow(fd uintptr, b []byte) (n int, again bool, err error) {
	for {
		n, err := syscall.Read(int(fd), b)
		switch {
		case err == syscall.EINTR:
		case err == syscall.EAGAIN:
			return 0, true, nil
		case err != nil:
			return 0, false, os.NewSyscallError("read", err)
		case n == 0:
			return 0, false, io.EOF
		default:
			return n, false, nil
		}
	}
}

// writeNow writes to a descriptor that does not block. again says that it would
// have to.
func writeNow(fd uintptr, b []byte) (n int, again bool, err error) {
	for {
		n, err := syscall.Write(int(fd), b)
		switch {
		case err == syscall.EINTR:
		case err == syscall.EAGAIN:
			return 0, true, nil
		case err != nil:
			return 0, false, os.NewSyscallError("write", err)
		default:
			return n, false, nil
		}
	}
}

// awaitWritable returns when a full connection has room again, or with the error of
// one that will not take another byte.
func awaitWritable(raw syscall.RawConn) error {
	var bits uint32
	err := raw.Write(func(fd uintptr) bool {
		// Asked anew each time: the change may have come before the waiting.
		p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
		n, err := unix.Poll(p, 0)
		bits = uint32(p[0].Revents)
		return err == nil && n > 0
	})
	if err == nil && bits&(unix.POLLERR|unix.POLLHUP) != 0 {
		err = syscall.EPIPE
	}
	return err
}
