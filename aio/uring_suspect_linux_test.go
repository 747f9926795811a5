package aio_test

import (
	"net"
	"runtime"
	"testing"

	"sarang/aio"
)

// TestSuspects: the system is asked about a socket that received once, and is not
// asked about one that received again, before the next round.
func TestSuspects(t *testing.T) {
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
	look := func(left, asked int) {
		t.Helper()
		if l, a := aio.Inspect(d); l != left || a != asked {
			t.Errorf("%d suspects left after %d were asked about, want %d and %d", l, a, left, asked)
		}
	}
	var conns [2]net.Conn
	for i := range conns {
		s, c := join(t, d, at)
		must(t, d.Recv(s))
		say(c)
		look(0, 1)
		conns[i] = c
	}
	say(conns[0])
	say(conns[1])
	say(conns[1])
	look(1, 1) // the second is alive
	say(conns[1])
	look(1, 0)
	look(0, 1)
	look(0, 0)
	must(t, d.Release())
	for _, c := range conns {
		must(t, c.Close())
	}
}

// TestManyResetsRightBehindBytes: more suspects than are looked at in one go.
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
