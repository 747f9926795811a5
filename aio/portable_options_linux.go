package aio

import (
	"os"

	"golang.org/x/sys/unix"
)

// setUnsent sets the limits of what was sent and has not left or not arrived.
func setUnsent(fd uintptr, o *SocketOptions) error {
	for _, x := range [...]struct{ name, value int }{
		{unix.TCP_NOTSENT_LOWAT, o.UnsentLowatBytes},
		{unix.TCP_USER_TIMEOUT, o.UserTimeoutMillis},
	} {
		if x.value == 0 {
			continue
		}
		if err := unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, x.name, x.value); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	return nil
}
