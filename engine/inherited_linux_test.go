package engine_test

import (
	"errors"
	"io"
	"net"
	"testing"

	"golang.org/x/sys/unix"

	"sarang/aio"
	"sarang/engine"
)

// listening opens a listening socket as systemd would, and returns its file, which is
// the caller's, and its address.
func listening(t *testing.T, network, addr string) (uintptr, net.Addr) {
	t.Helper()
	l, err := net.Listen(network, addr)
	if err != nil {
		t.Skipf("no %s here: %v", network, err)
	}
	defer l.Close()
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fd, err := unix.Dup(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return uintptr(fd), l.Addr()
}

// A listening socket that was handed over serves like one of our own.
func TestListenInherited(t *testing.T) {
	onDrivers(t, func(t *testing.T, open func(int) (aio.Driver, error)) {
		svc := serve(t, engine.Config{OpenDriver: open})
		for network, home := range map[string]string{"tcp4": "127.0.0.1:0", "tcp6": "[::1]:0"} {
			fd, addr := listening(t, network, home)
			at, err := svc.ListenInherited(fd, packets(newEcho))
			if errors.Is(err, aio.ErrInherited) && portable(t) {
				unix.Close(int(fd))
				t.Skip("the portable driver takes no socket over:", err)
			}
			if err != nil {
				t.Fatal(err)
			}
			if at.String() != addr.String() {
				t.Errorf("address %v, want %v", at, addr)
			}
			c, err := net.Dial("tcp", addr.String())
			if err != nil {
				t.Fatal(err)
			}
			said := []byte{6, 0, 1, 0, 'h', 'i'}
			heard := make([]byte, len(said))
			if _, err := c.Write(said); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(c, heard); err != nil || string(heard) != string(said) {
				t.Errorf("%q came back, %v", heard, err)
			}
			c.Close()
		}
	})
}

// What is no listening socket is refused.
func TestListenInheritedRefuses(t *testing.T) {
	onDrivers(t, func(t *testing.T, open func(int) (aio.Driver, error)) {
		svc := serve(t, engine.Config{OpenDriver: open})
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		if _, err := svc.ListenInherited(uintptr(fd), packets(newEcho)); err == nil {
			t.Error("a socket that does not listen was taken over")
		}
		if _, err := svc.ListenInherited(1<<20, packets(newEcho)); err == nil {
			t.Error("a file that is not open was taken over")
		}
	})
}
