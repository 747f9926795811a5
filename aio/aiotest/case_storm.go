package aiotest

import (
	"bytes"
	"testing"

	"sarang/aio"
)

// stormCases: many sockets at once, and sockets that come and go quickly.
func stormCases() []testCase {
	return []testCase{
		{name: "accept-abort-storm", run: caseAcceptAbortStorm},
		{name: "cancel-storm", run: caseCancelStorm},
		{name: "late-completions", run: caseLateCompletions},
		{name: "idle-sockets", configs: []aio.Config{{SocketsMax: 16384}}, run: caseIdleSockets},
	}
}

// caseAcceptAbortStorm: 200 clients are cut off as soon as they are connected,
// and the accepted ends are closed as soon as they are there.
func caseAcceptAbortStorm(b *bench) {
	l := b.loop()
	listener, at := b.listen(l, aio.SocketOptions{LingerResetOnClose: true})
	keepAccepting(listener)
	var clients []*sock
	for i := range 200 {
		s := l.connect(at, aio.SocketOptions{LingerResetOnClose: true})
		s.react = func(e aio.Event) {
			if e.Kind == aio.KindConnect {
				s.close()
			}
		}
		clients = append(clients, s)
		if i%10 == 9 {
			b.step(0)
			closeAccepted(l, listener)
		}
	}
	b.until("all clients to be gone", func() bool {
		closeAccepted(l, listener)
		for _, s := range clients {
			if !s.dead {
				return false
			}
		}
		return l.open == 1 && len(listener.accepted) == 0 // the listener alone
	})
	// A connection that was cut off may still be on its way to the listener.
	b.settle()
	b.until("late connections to be gone", func() bool {
		closeAccepted(l, listener)
		return l.open == 1
	})
	// The listener has survived it.
	near, far := b.join(l, l, listener, at, aio.SocketOptions{})
	far.recv()
	b.transfer(near, far, "calm again")
}

// closeAccepted attaches, starts to receive on, and closes what was accepted.
func closeAccepted(l *loop, listener *sock) {
	for _, c := range listener.accepted {
		far := l.attach(c)
		far.recv()
		far.close()
	}
	listener.accepted = listener.accepted[:0]
}

// caseCancelStorm: 200 sockets with receiving and a blocked send in flight are
// closed in one go.
func caseCancelStorm(b *bench) {
	l := b.loop()
	o := resetting()
	listener, at := b.listen(l, o)
	var nears []*sock
	for i := range 200 {
		near, _ := b.join(l, l, listener, at, o)
		near.recv()
		b.send(near, i, 64<<20, 64<<10, 3)
		nears = append(nears, near)
	}
	b.until("all sockets to be full", func() bool {
		b.settle()
		for _, s := range nears {
			if !s.blocked {
				return false
			}
		}
		return true
	})
	for _, s := range nears {
		s.close()
	}
	b.until("all sockets to be gone", func() bool { return l.open == 201 }) // far ends, listener
	for _, s := range nears {
		b.want("receiving", s.recvErr, isCanceled)
		b.want("blocked send", s.sendErr, func(error) bool { return true })
	}
}

// caseLateCompletions: sockets are closed with everything in flight, and their
// slots and numbers taken by the next connection at once. Nothing of the old one
// may reach the new one: every connection's bytes carry its round's number.
func caseLateCompletions(b *bench) {
	rounds := 300
	if testing.Short() {
		rounds = 60
	}
	l := b.loop()
	listener, at := b.listen(l, resetting())
	keepAccepting(listener)
	for round := range rounds {
		near := l.connect(at, resetting())
		b.until("the connect to end", func() bool { return !near.connecting })
		if near.connectErr != nil {
			b.t.Fatalf("round %d: connect: %v", round, near.connectErr)
		}
		far := l.attach(b.nextConn(listener))
		mark := byte(round)
		near.react = func(aio.Event) { checkMark(b, near, mark) }
		far.react = func(aio.Event) { checkMark(b, far, mark) }
		near.recv()
		far.recv()
		payload := bytes.Repeat([]byte{mark}, 60_000)
		near.send(payload[:30_000], payload[30_000:])
		far.send(payload)
		for range round % 4 {
			b.step(0)
		}
		if round%3 == 0 {
			far.close()
			near.close()
		} else {
			near.close()
			far.close()
		}
		// No wait for the end: the next round's connection meets it.
	}
	b.until("all connections to be gone", func() bool { return l.open == 1 })
}

func checkMark(b *bench, s *sock, mark byte) {
	b.t.Helper()
	if bytes.Count(s.got, []byte{mark}) != len(s.got) {
		b.t.Fatalf("connection %d received bytes of another one", mark)
	}
	s.got = s.got[:0]
}

// caseIdleSockets: 10,000 idle sockets in one driver, then a message for each.
func caseIdleSockets(b *bench) {
	connections := b.factory.IdleConnections
	if connections == 0 {
		connections = 5000
		if testing.Short() || raceDetector {
			connections = 500
		}
	}
	l := b.loop()
	o := aio.SocketOptions{LingerResetOnClose: true} // leaves no port waiting
	listener, at := b.listen(l, o)
	var nears, fars []*sock
	for len(nears) < connections {
		for range min(100, connections-len(nears)) {
			nears = append(nears, l.connect(at, o))
		}
		b.until("the connections to be accepted", func() bool {
			for _, c := range listener.accepted {
				fars = append(fars, l.attach(c))
			}
			listener.accepted = listener.accepted[:0]
			return len(fars) == len(nears)
		})
	}
	b.until("the connections to be made", func() bool { return connectedAll(nears) })
	for i := range nears {
		nears[i].recv()
		fars[i].recv()
	}
	b.settle()
	message := []byte("one message for each of them")
	for i := range nears {
		nears[i].sendAll(message)
		fars[i].sendAll(message)
	}
	b.until("a message at each socket", func() bool {
		return gotAll(nears, string(message)) && gotAll(fars, string(message))
	})
}

func gotAll(socks []*sock, text string) bool {
	for _, s := range socks {
		if s.sending || string(s.got) != text {
			return false
		}
	}
	return true
}
