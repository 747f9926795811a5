package aio_test

import (
	"net"
	"runtime"
	"testing"

	"sarang/aio"
)

// TestResetProbes: the system is asked about a socket that received once, and is not
// asked about one that received again, before the next round.
func TestResetProbes(t *testing.T) {
	need(t, "uring")
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	d, err := aio.Open("uring", aio.Config{})
	must(t, err)
	_, at := listen(t, d, aio.SocketOptions{})
	say := func(c net.Conn) {
		t.Helper()
		_, err := c.Write([]byte("x"))
		must(t, err)
		next(t, d, aio.KindRecv)
	}
	probe := func(queued, probed int) {
		t.Helper()
		if q, p := aio.ProbeResets(d); q != queued || p != probed {
			t.Errorf("%d probes queued after %d were made, want %d and %d", q, p, queued, probed)
		}
	}
	var conns [2]net.Conn
	for i := range conns {
		s, c := join(t, d, at)
		must(t, d.Recv(s))
		say(c)
		probe(0, 1)
		conns[i] = c
	}
	say(conns[0])
	say(conns[1])
	say(conns[1])
	probe(1, 1) // the second is busy
	say(conns[1])
	probe(1, 0)
	probe(0, 1)
	probe(0, 0)
	must(t, d.Release())
	for _, c := range conns {
		must(t, c.Close())
	}
}

// TestManyResetsRightBehindBytes: more probes than are made in one go.
func TestManyResetsRightBehindBytes(t *testing.T) {
	need(t, "uring")
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	d, err := aio.Open("uring", aio.Config{RecvBuffers: 64})
	must(t, err)
	_, at := listen(t, d, aio.SocketOptions{})
	const crowd = 1500
	sockets := make([]aio.Socket, crowd)
	for i := range sockets {
		s, c := join(t, d, at)
		_, err := c.Write([]byte("farewell"))
		must(t, err)
		must(t, c.SetLinger(0))
		must(t, c.Close())
		sockets[i] = s
	}
	for _, s := range sockets {
		must(t, d.Recv(s))
	}
	for ended := 0; ended < crowd; {
		if e := next(t, d, aio.KindRecv); !e.More {
			ended++
		}
	}
	for _, s := range sockets {
		must(t, d.Close(s))
		next(t, d, aio.KindDisconnect)
	}
	must(t, d.Release())
}
