package aio_test

import (
	"net"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sarang/aio"
)

// joinFull makes a connection that receives and has n bytes waiting, which no Wait has
// seen.
func joinFull(t *testing.T, d aio.Driver, at netip.AddrPort, n int) (aio.Socket, *net.TCPConn) {
	t.Helper()
	c, err := net.Dial("tcp", at.String())
	must(t, err)
	conn := next(t, d, aio.KindAccept).Conn
	fd := descriptor(t, conn)
	s, err := d.Attach(conn, 2)
	must(t, err)
	_, err = c.Write(make([]byte, n))
	must(t, err)
	for end := time.Now().Add(patience); ; runtime.Gosched() {
		there, err := unix.IoctlGetInt(fd, unix.TIOCINQ)
		must(t, err)
		if there == n {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%d of %d bytes have come", there, n)
		}
	}
	must(t, d.Recv(s))
	return s, c.(*net.TCPConn)
}

// TestTogether: what a peer has sent together is received in one Wait, also if it is
// more than one buffer; otherwise it would be handled as two batches.
func TestTogether(t *testing.T) {
	const bufferBytes, buffers = 1024, 5
	each(t, aio.Config{RecvBufferBytes: bufferBytes}, func(t *testing.T, d aio.Driver) {
		if d.Name() == "portable" {
			t.Skip("reads a socket once in a Wait")
		}
		_, at := listen(t, d, aio.SocketOptions{})
		_, c := joinFull(t, d, at, buffers*bufferBytes)
		defer c.Close()
		events := make([]aio.Event, 2*buffers)
		got := 0
		for end := d.Now() + patience; got == 0 && d.Now() < end; {
			n, err := d.Wait(events, patience)
			must(t, err)
			for _, e := range events[:n] {
				got += len(e.Data)
			}
		}
		if got != buffers*bufferBytes {
			t.Errorf("the first Wait that had bytes had %d of %d", got, buffers*bufferBytes)
		}
		must(t, d.Release())
	})
}
