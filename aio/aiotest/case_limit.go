package aiotest

import (
	"errors"
	"time"

	"sarang/aio"
)

// limitCases: what the contract refuses, and time.
func limitCases() []testCase {
	return []testCase{
		{name: "busy", run: caseBusy},
		{name: "busy-while-blocked", run: caseBusyWhileBlocked},
		{name: "empty-send", run: caseEmptySend},
		{name: "bad-socket", run: caseBadSocket},
		{name: "stale-names", run: caseStaleNames},
		{name: "too-many-sockets", configs: []aio.Config{{SocketsMax: 4}, {}}, run: caseTooMany},
		{name: "attach-too-many", configs: []aio.Config{{SocketsMax: 1}, {}}, run: caseAttachTooMany},
		{name: "wait-times-out", run: caseWaitTimesOut},
		{name: "wait-zero", run: caseWaitZero},
	}
}

func (b *bench) wantErr(what string, err, want error) {
	b.t.Helper()
	if !errors.Is(err, want) {
		b.t.Fatalf("%s: got %v, want %v", what, err, want)
	}
}

func caseBusy(b *bench) {
	d := b.loop().d
	listener, at := b.listen(b.loop(), aio.SocketOptions{})
	b.wantErr("second Accept", d.Accept(listener.name), aio.ErrBusy)
	near, far := b.join(b.loop(), b.loop(), listener, at, aio.SocketOptions{})
	far.recv()
	b.wantErr("second Recv", d.Recv(far.name), aio.ErrBusy)
	near.sendAll([]byte("once"))
	b.wantErr("second Send", d.Send(near.name, [][]byte{[]byte("twice")}), aio.ErrBusy)
	b.until("the bytes", func() bool { return string(far.got) == "once" && !near.sending })
	b.transfer(near, far, "again")
}

func caseBusyWhileBlocked(b *bench) {
	near, _ := b.pair(smallBuffers())
	b.fill(near, 0)
	err := b.loop().d.Send(near.name, [][]byte{[]byte("x")})
	b.wantErr("Send before the writable event", err, aio.ErrBusy)
}

func caseEmptySend(b *bench) {
	d := b.loop().d
	near, far := b.pair(aio.SocketOptions{})
	b.wantErr("Send of nil", d.Send(near.name, nil), aio.ErrEmpty)
	b.wantErr("Send of no slices", d.Send(near.name, [][]byte{}), aio.ErrEmpty)
	b.wantErr("Send of slices without bytes", d.Send(near.name, [][]byte{{}, nil}), aio.ErrEmpty)
	far.recv()
	near.send(nil, []byte("some"), []byte{}, []byte("thing"))
	b.until("the send to end", func() bool { return !near.sending })
	b.until("the bytes", func() bool { return string(far.got) == "something"[:near.sentBytes] })
}

func caseBadSocket(b *bench) {
	l := b.loop()
	l.stale(0)
	l.stale(^aio.Socket(0))
	listener, _ := b.listen(l, aio.SocketOptions{})
	l.stale(listener.name + 1<<40)
	l.stale(listener.name ^ 1<<63)
}

// caseStaleNames: slots are used again, names never are.
func caseStaleNames(b *bench) {
	l := b.loop()
	seen := make(map[aio.Socket]bool)
	for range 100 {
		s, _ := l.listen(b.factory.Loopback, aio.SocketOptions{})
		if seen[s.name] {
			b.t.Fatalf("the name %#x was used twice", s.name)
		}
		seen[s.name] = true
		s.close()
		b.until("the socket to be gone", func() bool { return s.dead })
	}
	s, _ := l.listen(b.factory.Loopback, aio.SocketOptions{})
	for name := range seen {
		l.stale(name)
	}
	s.accept()
}

func caseTooMany(b *bench) {
	small, other := b.loops[0], b.loops[1]
	listener, at := b.listen(other, aio.SocketOptions{})
	var opened []*sock
	for range 4 {
		opened = append(opened, small.connect(at, aio.SocketOptions{}))
	}
	_, err := small.tryConnect(at, aio.SocketOptions{})
	b.wantErr("Connect beyond SocketsMax", err, aio.ErrTooMany)
	_, _, err = small.tryListen(b.factory.Loopback, aio.SocketOptions{})
	b.wantErr("Listen beyond SocketsMax", err, aio.ErrTooMany)
	b.until("the connections", func() bool { return len(listener.accepted) == 4 && connectedAll(opened) })

	opened[2].close()
	b.until("one to be gone", func() bool { return opened[2].dead })
	again := small.connect(at, aio.SocketOptions{})
	b.until("the connection in the freed slot", func() bool {
		return again.connected && len(listener.accepted) == 5
	})
	arrived := 0 // which connection is whose is not known at the accepted end
	for _, c := range listener.accepted {
		far := other.attach(c)
		far.react = func(e aio.Event) { arrived += len(e.Data) }
		far.recv()
	}
	listener.accepted = nil
	again.sendAll([]byte("in the freed slot"))
	b.until("bytes at the other end", func() bool { return arrived == len("in the freed slot") })
}

// caseAttachTooMany: a Conn that finds no room is closed.
func caseAttachTooMany(b *bench) {
	small, other := b.loops[0], b.loops[1]
	listener, at := b.listen(other, aio.SocketOptions{})
	b.join(other, small, listener, at, aio.SocketOptions{})
	near := other.connect(at, aio.SocketOptions{})
	conn := b.nextConn(listener)
	_, err := small.tryAttach(conn)
	b.wantErr("Attach beyond SocketsMax", err, aio.ErrTooMany)
	b.until("the connection", func() bool { return !near.connecting })
	near.recv()
	b.until("the peer to see the end", func() bool { return !near.receiving })
	if !near.ended() {
		b.t.Fatalf("receiving ended with %v, want EOF or a reset", near.recvErr)
	}
}

func caseWaitTimesOut(b *bench) {
	l := b.loop()
	l.wait(0)
	for _, timeout := range []time.Duration{time.Millisecond, 5 * time.Millisecond, 20 * time.Millisecond} {
		before := l.d.Now()
		n := l.wait(timeout)
		took := l.d.Now() - before
		if n != 0 {
			b.t.Fatalf("%d events from nothing", n)
		}
		if took < timeout-time.Millisecond || took > timeout+10*time.Second {
			b.t.Errorf("Wait(%v) took %v", timeout, took)
		}
	}
}

func caseWaitZero(b *bench) {
	l := b.loop()
	before := l.d.Now()
	for range 1000 {
		if n := l.wait(0); n != 0 {
			b.t.Fatalf("%d events from nothing", n)
		}
	}
	if took := l.d.Now() - before; took > 10*time.Second {
		b.t.Errorf("1,000 times Wait(0) took %v", took)
	}
}
