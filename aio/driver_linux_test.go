package aio_test

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sarang/aio"
)

// patience bounds every wait; only a driver that is broken uses it up.
const patience = 20 * time.Second

// each runs f for every kind of driver, on a locked thread.
func each(t *testing.T, c aio.Config, f func(t *testing.T, d aio.Driver)) {
	for _, kind := range aio.Kinds() {
		t.Run(kind, func(t *testing.T) {
			need(t, kind)
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			d, err := aio.Open(kind, c)
			if err != nil {
				t.Fatal(err)
			}
			f(t, d)
		})
	}
}

func openFiles(t testing.TB) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// next waits for one event of the kind and drops what else comes.
func next(t testing.TB, d aio.Driver, kind aio.Kind) aio.Event {
	t.Helper()
	events := make([]aio.Event, 1)
	for end := d.Now() + patience; d.Now() < end; {
		n, err := d.Wait(events, patience)
		must(t, err)
		if n == 1 && events[0].Kind == kind {
			return events[0]
		}
	}
	t.Fatalf("no %v event came", kind)
	return aio.Event{}
}

// listen opens a listener that accepts.
func listen(t testing.TB, d aio.Driver, o aio.SocketOptions) (aio.Socket, netip.AddrPort) {
	t.Helper()
	l, at, err := d.Listen(loopback, o, 1)
	must(t, err)
	must(t, d.Accept(l))
	return l, at
}

// isConn reports whether there is a connection in c.
func isConn(c aio.Conn) bool { return c.Handle != 0 || c.Object != nil }

// descriptor returns the file descriptor of a connection that belongs to no driver.
func descriptor(t testing.TB, c aio.Conn) int {
	t.Helper()
	fd := int(c.Handle)
	if object, ok := c.Object.(syscall.Conn); ok {
		raw, err := object.SyscallConn()
		must(t, err)
		must(t, raw.Control(func(number uintptr) { fd = int(number) }))
	}
	return fd
}

// join makes a connection with a plain socket at the far end.
func join(t testing.TB, d aio.Driver, at netip.AddrPort) (aio.Socket, *net.TCPConn) {
	t.Helper()
	c, err := net.Dial("tcp", at.String())
	must(t, err)
	s, err := d.Attach(next(t, d, aio.KindAccept).Conn, 2)
	must(t, err)
	return s, c.(*net.TCPConn)
}

// TestInheritedOptions: what a listener has set, its connections have.
func TestInheritedOptions(t *testing.T) {
	each(t, aio.Config{}, func(t *testing.T, d aio.Driver) {
		o := aio.SocketOptions{
			NoDelay: true, SendBufferBytes: 20_000, RecvBufferBytes: 24_000,
			UnsentLowatBytes: 5000, KeepAliveIdleSecs: 77, UserTimeoutMillis: 12_345,
			LingerResetOnClose: true,
		}
		_, at := listen(t, d, o)
		c, err := net.Dial("tcp", at.String())
		must(t, err)
		defer c.Close()
		conn := next(t, d, aio.KindAccept).Conn
		fd := descriptor(t, conn)
		for _, x := range []struct {
			name               string
			level, option, min int
		}{
			{"TCP_NODELAY", unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
			{"SO_SNDBUF", unix.SOL_SOCKET, unix.SO_SNDBUF, 2 * o.SendBufferBytes}, // the system doubles it
			{"SO_RCVBUF", unix.SOL_SOCKET, unix.SO_RCVBUF, 2 * o.RecvBufferBytes},
			{"TCP_NOTSENT_LOWAT", unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, o.UnsentLowatBytes},
			{"SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
			{"TCP_KEEPIDLE", unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, o.KeepAliveIdleSecs},
			{"TCP_USER_TIMEOUT", unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, o.UserTimeoutMillis},
		} {
			if got, err := unix.GetsockoptInt(fd, x.level, x.option); err != nil || got != x.min {
				t.Errorf("%s: got %d, %v, want %d", x.name, got, err, x.min)
			}
		}
		s, err := d.Attach(conn, 2)
		must(t, err)
		must(t, d.Close(s))
		next(t, d, aio.KindDisconnect)
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("closing with linger 0: the peer read %v, want a reset", err)
		}
		must(t, d.Release())
	})
}

// TestResetRightBehindBytes: both come while nobody waits, so the kernel learns of
// both at once. The reset must be told all the same.
func TestResetRightBehindBytes(t *testing.T) {
	each(t, aio.Config{}, func(t *testing.T, d aio.Driver) {
		_, at := listen(t, d, aio.SocketOptions{})
		for _, early := range []bool{true, false} { // receiving before they come, or after
			for _, wait := range []time.Duration{-1, patience, 0} {
				s, c := join(t, d, at)
				if early {
					must(t, d.Recv(s))
					_, err := d.Wait(make([]aio.Event, 1), 0)
					must(t, err)
				}
				_, err := c.Write([]byte("farewell"))
				must(t, err)
				must(t, c.SetLinger(0))
				must(t, c.Close())
				if !early {
					must(t, d.Recv(s))
				}
				expectEnd(t, d, wait)
				must(t, d.Close(s))
				next(t, d, aio.KindDisconnect)
			}
		}
		must(t, d.Release())
	})
}

// expectEnd waits, so long at a time, until receiving has ended.
func expectEnd(t *testing.T, d aio.Driver, wait time.Duration) {
	t.Helper()
	alarm := time.AfterFunc(patience, d.Wake)
	defer alarm.Stop()
	events := make([]aio.Event, 4)
	for end := d.Now() + patience; d.Now() < end; {
		n, err := d.Wait(events, wait)
		must(t, err)
		for _, e := range events[:n] {
			if e.Kind == aio.KindRecv && !e.More {
				return
			}
		}
	}
	t.Fatalf("waiting %v at a time: the end was never told", wait)
}

// TestFrozenBytesSurviveCollection: between Send and Wait only the driver knows the
// bytes.
func TestFrozenBytesSurviveCollection(t *testing.T) {
	each(t, aio.Config{}, func(t *testing.T, d aio.Driver) {
		_, at := listen(t, d, aio.SocketOptions{})
		s, c := join(t, d, at)
		defer c.Close()
		for _, slices := range []int{1, 5} {
			const size = 3000
			v := make([][]byte, slices)
			for i := range v {
				v[i] = make([]byte, size)
				for j := range v[i] {
					v[i][j] = byte(i + 1)
				}
			}
			must(t, d.Send(s, v))
			v = nil
			runtime.GC()
			junk := make([][]byte, 2000) // takes the place of what was freed wrongly
			for i := range junk {
				junk[i] = make([]byte, size)
				junk[i][0] = 0xEE
			}
			if e := next(t, d, aio.KindSend); e.Err != nil || e.N != slices*size {
				t.Fatalf("sent %d, %v", e.N, e.Err)
			}
			got := make([]byte, slices*size)
			_, err := io.ReadFull(c, got)
			must(t, err)
			for i, b := range got {
				if b != byte(i/size+1) {
					t.Fatalf("byte %d is %#x: the bytes were not kept", i, b)
				}
			}
			runtime.KeepAlive(junk)
		}
		must(t, d.Release())
	})
}

// TestAcceptTooManyFiles: accepting ends with the error and can be started again;
// the connection in the queue is not lost.
func TestAcceptTooManyFiles(t *testing.T) {
	each(t, aio.Config{}, func(t *testing.T, d aio.Driver) {
		l, at, err := d.Listen(loopback, aio.SocketOptions{}, 1)
		must(t, err)
		c, err := net.Dial("tcp", at.String())
		must(t, err)
		defer c.Close()

		var limit unix.Rlimit
		must(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
		lowest, err := unix.Dup(2)
		must(t, err)
		must(t, unix.Close(lowest))
		must(t, unix.Prlimit(0, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(lowest), Max: limit.Max}, nil))
		must(t, d.Accept(l))
		e := next(t, d, aio.KindAccept)
		must(t, unix.Prlimit(0, unix.RLIMIT_NOFILE, &limit, nil))
		if e.More || !errors.Is(e.Err, syscall.EMFILE) {
			t.Fatalf("got %+v, want the last event with EMFILE", e)
		}
		must(t, d.Accept(l))
		if e = next(t, d, aio.KindAccept); e.Err != nil || !isConn(e.Conn) {
			t.Fatalf("after the error: got %+v, want a connection", e)
		}
		d.Discard(e.Conn)
		must(t, d.Release())
	})
}

// TestReleaseClosesAll: with everything in flight and accepted connections that
// nobody has collected.
func TestReleaseClosesAll(t *testing.T) {
	for _, kind := range aio.Kinds() {
		t.Run(kind, func(t *testing.T) {
			need(t, kind)
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			before := openFiles(t)
			d, err := aio.Open(kind, aio.Config{})
			must(t, err)
			_, at := listen(t, d, aio.SocketOptions{})
			for i := range 20 {
				_, err := d.Connect(at, aio.SocketOptions{}, aio.Token(i))
				must(t, err)
			}
			s, err := d.Attach(next(t, d, aio.KindAccept).Conn, 3)
			must(t, err)
			must(t, d.Recv(s))
			must(t, d.Send(s, [][]byte{make([]byte, 8<<20)}))
			d.Discard(next(t, d, aio.KindAccept).Conn)
			must(t, d.Release())

			if after := openFiles(t); after != before {
				t.Errorf("%d files open before, %d after", before, after)
			}
			again, err := net.Listen("tcp", at.String())
			if err != nil {
				t.Fatalf("the port is not free after Release: %v", err)
			}
			again.Close()
			d.Wake() // late, and harmless
		})
	}
}

// TestWakeDuringRelease: a waker must not write to a descriptor that belongs to
// somebody else by now.
func TestWakeDuringRelease(t *testing.T) {
	for _, kind := range aio.Kinds() {
		t.Run(kind, func(t *testing.T) {
			need(t, kind)
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			for range 20 {
				d, err := aio.Open(kind, aio.Config{})
				must(t, err)
				var group sync.WaitGroup
				start := make(chan struct{})
				for range 4 {
					group.Go(func() {
						<-start
						for range 50 {
							d.Wake()
						}
					})
				}
				close(start)
				_, err = d.Wait(make([]aio.Event, 1), -1)
				must(t, err)
				must(t, d.Release())
				group.Wait()
			}
		})
	}
}
