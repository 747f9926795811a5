package aiotest

import (
	"net/netip"

	"sarang/aio"
)

// openCases: listening, accepting, connecting, handing over.
func openCases() []testCase {
	return []testCase{
		{name: "listen-picks-port", run: caseListenPicksPort},
		{name: "listen-v6", needs: needsV6, run: caseListenV6},
		{name: "listen-address-in-use", run: caseListenInUse},
		{name: "listen-reuse-port", run: caseListenReusePort},
		{name: "accept-several", run: caseAcceptSeveral},
		{name: "accept-later", run: caseAcceptLater},
		{name: "accept-close-idle", run: caseAcceptCloseIdle},
		{name: "listener-closed-with-queue", run: caseListenerClosedWithQueue},
		{name: "connect-refused", run: caseConnectRefused},
		{name: "connect-closed-at-once", run: caseConnectClosedAtOnce},
		{name: "socket-options", run: caseSocketOptions},
		{name: "discard", run: caseDiscard},
		{name: "hand-off", configs: make([]aio.Config, 2), run: caseHandOff},
		{name: "hand-off-many", configs: make([]aio.Config, 3), run: caseHandOffMany},
		{name: "plain-peer", needs: needsSystem, run: casePlainPeer},
	}
}

func caseListenPicksPort(b *bench) {
	_, first := b.loop().listen(b.factory.Loopback, aio.SocketOptions{})
	_, second := b.loop().listen(b.factory.Loopback, aio.SocketOptions{})
	for _, at := range []netip.AddrPort{first, second} {
		if at.Port() == 0 || at.Addr().Unmap() != b.factory.Loopback.Addr() {
			b.t.Errorf("listening at %v, want a port of %v", at, b.factory.Loopback.Addr())
		}
	}
	if first == second {
		b.t.Errorf("two listeners at %v", first)
	}
}

func caseListenV6(b *bench) {
	for _, v6Only := range []bool{false, true} {
		o := aio.SocketOptions{V6Only: v6Only}
		listener, at := b.loop().listen(b.factory.Loopback6, o)
		if at.Port() == 0 || !at.Addr().Is6() || at.Addr().Is4In6() {
			b.t.Fatalf("listening at %v, want a port of %v", at, b.factory.Loopback6.Addr())
		}
		listener.accept()
		near := b.loop().connect(at, aio.SocketOptions{})
		conn := b.nextConn(listener)
		if conn.Peer.Addr() != b.factory.Loopback6.Addr() {
			b.t.Errorf("peer is %v, want an address of %v", conn.Peer, b.factory.Loopback6.Addr())
		}
		far := b.loop().attach(conn)
		b.until("the connection", func() bool { return near.connected })
		far.recv()
		b.transfer(near, far, "over six")
	}
}

func caseListenInUse(b *bench) {
	_, at := b.loop().listen(b.factory.Loopback, aio.SocketOptions{})
	if _, _, err := b.loop().tryListen(at, aio.SocketOptions{}); err == nil {
		b.t.Fatalf("a second listener at %v was opened", at)
	}
}

func caseListenReusePort(b *bench) {
	o := aio.SocketOptions{ReusePort: true}
	first, at, err := b.loop().tryListen(b.factory.Loopback, o)
	if err != nil {
		b.t.Skipf("no SO_REUSEPORT here: %v", err)
	}
	second, again := b.loop().listen(at, o)
	if again != at {
		b.t.Fatalf("the second listener is at %v, the first at %v", again, at)
	}
	first.accept()
	second.accept()
	var clients []*sock
	for range 8 {
		clients = append(clients, b.loop().connect(at, aio.SocketOptions{}))
	}
	b.until("all connections at either listener", func() bool {
		return len(first.accepted)+len(second.accepted) == len(clients) && connectedAll(clients)
	})
}

func connectedAll(socks []*sock) bool {
	for _, s := range socks {
		if !s.connected {
			return false
		}
	}
	return true
}

func caseAcceptSeveral(b *bench) {
	listener, at := b.listen(b.loop(), aio.SocketOptions{})
	var clients []*sock
	for range 20 {
		clients = append(clients, b.loop().connect(at, aio.SocketOptions{}))
	}
	b.until("all connections", func() bool {
		return len(listener.accepted) == len(clients) && connectedAll(clients)
	})
	peers := make(map[netip.AddrPort]bool)
	for _, c := range listener.accepted {
		peers[c.Peer] = true
		if c.Peer.Addr().Unmap() != b.factory.Loopback.Addr() {
			b.t.Errorf("peer is %v, want an address of %v", c.Peer, b.factory.Loopback.Addr())
		}
		if c.Local.IsValid() && c.Local.Port() != at.Port() {
			b.t.Errorf("local end is %v, want %v", c.Local, at)
		}
	}
	if len(peers) != len(clients) {
		b.t.Errorf("%d different peers for %d connections", len(peers), len(clients))
	}
	for _, c := range clients {
		if near := c.loop.d.Local(c.name); !peers[near] {
			b.t.Errorf("%v is nobody's peer", near)
		}
	}
	listener.close()
	b.until("the listener to be gone", func() bool { return listener.dead })
	b.want("end of accepting", listener.acceptErr, isCanceled)

	// What was accepted lives on without its listener.
	far := b.loop().attach(b.nextConn(listener))
	if near := far.loop.d.Local(far.name); near != at {
		b.t.Errorf("the near end is %v, want %v", near, at)
	}
	for _, c := range clients {
		c.recv()
	}
	far.sendAll([]byte("still here"))
	b.until("the bytes at one of the clients", func() bool {
		n := 0
		for _, c := range clients {
			n += len(c.got)
		}
		return n == len("still here") && !far.sending
	})
}

func caseAcceptLater(b *bench) {
	listener, at := b.loop().listen(b.factory.Loopback, aio.SocketOptions{})
	near := b.loop().connect(at, aio.SocketOptions{})
	b.until("the connection to be queued", func() bool { return near.connected })
	near.sendAll([]byte("early"))
	b.until("the bytes to be taken", func() bool { return !near.sending })
	if len(listener.accepted) > 0 {
		b.t.Fatal("accepted before it was asked for")
	}
	listener.accept()
	far := b.loop().attach(b.nextConn(listener))
	far.recv()
	b.until("the early bytes", func() bool { return string(far.got) == "early" })
}

func caseAcceptCloseIdle(b *bench) {
	listener, _ := b.listen(b.loop(), aio.SocketOptions{})
	b.settle()
	listener.close()
	b.until("the listener to be gone", func() bool { return listener.dead })
	b.want("end of accepting", listener.acceptErr, isCanceled)
}

// caseListenerClosedWithQueue: a connection that nobody accepted ends with its
// listener.
func caseListenerClosedWithQueue(b *bench) {
	listener, at := b.loop().listen(b.factory.Loopback, aio.SocketOptions{})
	near := b.loop().connect(at, aio.SocketOptions{})
	b.until("the connection to be queued", func() bool { return near.connected })
	near.recv()
	listener.close()
	b.until("the queued connection to end", func() bool { return !near.receiving })
	if !near.ended() {
		b.t.Fatalf("receiving ended with %v, want EOF or a reset", near.recvErr)
	}
}

// deadAddress returns a loopback address where nobody listens.
func (b *bench) deadAddress() netip.AddrPort {
	b.t.Helper()
	listener, at := b.loop().listen(b.factory.Loopback, aio.SocketOptions{})
	listener.close()
	b.until("the listener to be gone", func() bool { return listener.dead })
	return at
}

func caseConnectRefused(b *bench) {
	s := b.loop().connect(b.deadAddress(), aio.SocketOptions{})
	b.until("the refusal", func() bool { return !s.connecting })
	b.want("connect", s.connectErr, isRefused)
	if s.dead {
		b.t.Fatal("a failed connect must leave the socket for Close")
	}
	s.close()
	b.until("the socket to be gone", func() bool { return s.dead })
}

// caseConnectClosedAtOnce: Close of a socket whose connect is in flight ends the
// connect by its own event (the ledger checks that), whatever its outcome.
func caseConnectClosedAtOnce(b *bench) {
	dead := b.deadAddress()
	listener, at := b.listen(b.loop(), aio.SocketOptions{})
	keepAccepting(listener)
	var clients []*sock
	for i := range 50 {
		to := at
		if i%2 == 1 {
			to = dead
		}
		s := b.loop().connect(to, aio.SocketOptions{LingerResetOnClose: true})
		clients = append(clients, s)
		s.close()
		if i%7 == 0 {
			b.step(0)
		}
	}
	b.until("all of them to be gone", func() bool {
		for _, s := range clients {
			if !s.dead {
				return false
			}
		}
		return true
	})
	// A connection that was made all the same is dead for whoever accepts it.
	b.settle()
	for _, c := range listener.accepted {
		far := b.loop().attach(c)
		far.recv()
		b.until("the accepted end to see the close", func() bool { return !far.receiving })
		if !far.ended() {
			b.t.Fatalf("receiving ended with %v, want EOF or a reset", far.recvErr)
		}
	}
	listener.accepted = nil
}

// keepAccepting starts accepting again after errors that pass, as every server
// must.
func keepAccepting(listener *sock) {
	listener.react = func(e aio.Event) {
		if e.Kind == aio.KindAccept && !e.More && !listener.closing {
			listener.accept()
		}
	}
}

func caseSocketOptions(b *bench) {
	o := aio.SocketOptions{
		NoDelay:           true,
		SendBufferBytes:   32 << 10,
		RecvBufferBytes:   32 << 10,
		UnsentLowatBytes:  16 << 10,
		ListenBacklog:     16,
		KeepAliveIdleSecs: 30,
		UserTimeoutMillis: 20_000,
	}
	near, far := b.pair(o)
	near.recv()
	far.recv()
	b.transfer(near, far, "there")
	b.transfer(far, near, "and back")
}

func caseDiscard(b *bench) {
	listener, at := b.listen(b.loop(), aio.SocketOptions{})
	near := b.loop().connect(at, aio.SocketOptions{})
	conn := b.nextConn(listener)
	b.until("the connection", func() bool { return near.connected })
	near.recv()
	b.loop().d.Discard(conn)
	b.until("the peer to see the end", func() bool { return !near.receiving })
	if !near.ended() {
		b.t.Fatalf("receiving ended with %v, want EOF or a reset", near.recvErr)
	}
}

// caseHandOff: the first driver accepts, the second serves.
func caseHandOff(b *bench) {
	front, worker := b.loops[0], b.loops[1]
	listener, at := b.listen(front, aio.SocketOptions{})
	near, far := b.join(front, worker, listener, at, aio.SocketOptions{})
	near.recv()
	far.recv()
	b.transfer(near, far, "to the worker")
	b.transfer(far, near, "from the worker")
	listener.close()
	b.until("the listener to be gone", func() bool { return listener.dead })
	b.transfer(near, far, "without the listener")
	far.close()
	b.until("the end at the client", func() bool { return !near.receiving })
}

// caseHandOffMany: bytes that are on the way while the connection belongs to no
// driver are not lost.
func caseHandOffMany(b *bench) {
	front, workers := b.loops[0], b.loops[1:]
	listener, at := b.listen(front, aio.SocketOptions{})
	const connections, bytesEach = 40, 20_000
	var sources []*source
	for i := range connections {
		near := front.connect(at, aio.SocketOptions{})
		near.react = func(e aio.Event) {
			if e.Kind == aio.KindConnect {
				sources = append(sources, b.send(near, i, bytesEach, 3000, 3))
			}
		}
	}
	var fars []*sock
	var total int
	b.until("all bytes at the workers", func() bool {
		for _, c := range listener.accepted {
			far := workers[len(fars)%len(workers)].attach(c)
			fars = append(fars, far)
			far.recv()
		}
		listener.accepted = nil
		total = 0
		for _, s := range fars {
			total += len(s.got)
		}
		return total == connections*bytesEach
	})
	for _, s := range fars {
		if len(s.got) != bytesEach {
			b.t.Fatalf("a worker received %d bytes of %d", len(s.got), bytesEach)
		}
	}
	// Bytes may arrive before the sender gets the event that they were taken.
	b.until("all sources to be done", func() bool {
		for _, src := range sources {
			if !src.done() {
				return false
			}
		}
		return true
	})
}
