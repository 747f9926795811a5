package aiotest

import (
	"bytes"
	"errors"
	"net/netip"
	"testing"
	"time"

	"sarang/aio"
)

// batchDefault is len(events) of a Wait where the case does not say otherwise.
const batchDefault = 64

// loop drives one driver and keeps a ledger of what was asked of it, against
// which every event is checked.
type loop struct {
	t      *testing.T
	d      aio.Driver
	config aio.Config
	events []aio.Event
	socks  []*sock // in order of opening; dead ones stay until forgotten
	byName map[aio.Socket]*sock
	tokens uint64
	open   int // sockets whose KindDisconnect is outstanding
	waits  int // calls of Wait

	lent     [][]byte // what the last Wait lent
	lentCopy []byte   // what stood in it, one after the other
}

// sock is one socket of a loop: the ledger's state, and what has come of it.
type sock struct {
	loop  *loop
	name  aio.Socket
	token aio.Token

	// Requests in flight.
	accepting  bool
	connecting bool
	receiving  bool
	sending    bool // until the event without More
	blocked    bool // sending, and ErrWouldBlock has come
	closing    bool
	dead       bool
	sendBytes  int // what the send in flight offers

	// Outcomes.
	connected  bool
	connectErr error
	accepted   []aio.Conn // not yet taken by the case
	acceptErr  error      // how accepting ended
	got        []byte     // received bytes, when there is no sink
	recvErr    error      // how receiving ended; nil while it goes on
	recvEnds   int
	sentBytes  int   // taken by the socket in all
	sendErr    error // of the last KindSend or KindWritable, ErrWouldBlock apart
	sendEnds   int
	fullTimes  int // events with ErrWouldBlock
	shortTimes int // events with fewer bytes than offered

	rest   []byte  // of sendAll, not taken yet
	source *source // refills the socket by itself
	sink   *sink   // checks what arrives
	react  func(e aio.Event)
}

func newLoop(t *testing.T, d aio.Driver, config aio.Config, batch int) *loop {
	if batch == 0 {
		batch = batchDefault
	}
	return &loop{
		t: t, d: d, config: config.WithDefaults(),
		events: make([]aio.Event, batch),
		byName: make(map[aio.Socket]*sock),
	}
}

// nextToken makes tokens that differ in both halves, so that a mixed-up or cut
// token does not pass.
func (l *loop) nextToken() aio.Token {
	l.tokens++
	return aio.Token(l.tokens * 0x9e3779b97f4a7c15)
}

func (l *loop) add(name aio.Socket, token aio.Token) *sock {
	l.t.Helper()
	if name == 0 {
		l.t.Fatal("the driver returned socket 0, which is no socket")
	}
	if l.byName[name] != nil {
		l.t.Fatalf("socket %#x was handed out again while it is open", name)
	}
	s := &sock{loop: l, name: name, token: token}
	l.socks = append(l.socks, s)
	l.byName[name] = s
	l.open++
	return s
}

func (l *loop) tryListen(addr netip.AddrPort, o aio.SocketOptions) (*sock, netip.AddrPort, error) {
	token := l.nextToken()
	name, at, err := l.d.Listen(addr, o, token)
	if err != nil {
		return nil, at, err
	}
	return l.add(name, token), at, nil
}

func (l *loop) listen(addr netip.AddrPort, o aio.SocketOptions) (*sock, netip.AddrPort) {
	l.t.Helper()
	s, at, err := l.tryListen(addr, o)
	if err != nil {
		l.t.Fatalf("Listen(%v): %v", addr, err)
	}
	return s, at
}

func (l *loop) tryConnect(addr netip.AddrPort, o aio.SocketOptions) (*sock, error) {
	token := l.nextToken()
	name, err := l.d.Connect(addr, o, token)
	if err != nil {
		return nil, err
	}
	s := l.add(name, token)
	s.connecting = true
	return s, nil
}

func (l *loop) connect(addr netip.AddrPort, o aio.SocketOptions) *sock {
	l.t.Helper()
	s, err := l.tryConnect(addr, o)
	if err != nil {
		l.t.Fatalf("Connect(%v): %v", addr, err)
	}
	return s
}

func (l *loop) tryAttach(c aio.Conn) (*sock, error) {
	token := l.nextToken()
	name, err := l.d.Attach(c, token)
	if err != nil {
		return nil, err
	}
	return l.add(name, token), nil
}

func (l *loop) attach(c aio.Conn) *sock {
	l.t.Helper()
	s, err := l.tryAttach(c)
	if err != nil {
		l.t.Fatalf("Attach: %v", err)
	}
	return s
}

func (s *sock) accept() {
	s.loop.t.Helper()
	if err := s.loop.d.Accept(s.name); err != nil {
		s.loop.t.Fatalf("Accept: %v", err)
	}
	s.accepting, s.acceptErr = true, nil
}

func (s *sock) recv() {
	s.loop.t.Helper()
	if err := s.loop.d.Recv(s.name); err != nil {
		s.loop.t.Fatalf("Recv: %v", err)
	}
	s.receiving, s.recvErr = true, nil
}

func (s *sock) stopRecv() {
	s.loop.t.Helper()
	if err := s.loop.d.StopRecv(s.name); err != nil {
		s.loop.t.Fatalf("StopRecv: %v", err)
	}
}

func (s *sock) send(v ...[]byte) {
	s.loop.t.Helper()
	if err := s.loop.d.Send(s.name, v); err != nil {
		s.loop.t.Fatalf("Send of %d slices: %v", len(v), err)
	}
	s.sending, s.blocked, s.sendBytes, s.sendErr = true, false, 0, nil
	taken := 0 // a driver may skip slices without bytes
	for _, p := range v {
		if len(p) > 0 && taken < aio.VectorMax {
			s.sendBytes += len(p)
			taken++
		}
	}
}

// sendAll sends p, in as many sends as it takes.
func (s *sock) sendAll(p []byte) {
	s.loop.t.Helper()
	s.rest = p
	s.send(p)
}

func (s *sock) shutdown() {
	s.loop.t.Helper()
	if err := s.loop.d.Shutdown(s.name); err != nil {
		s.loop.t.Fatalf("Shutdown: %v", err)
	}
}

func (s *sock) close() {
	s.loop.t.Helper()
	if err := s.loop.d.Close(s.name); err != nil {
		s.loop.t.Fatalf("Close: %v", err)
	}
	s.closing = true
}

// wait calls Wait once, checks and delivers its events, and returns their number.
func (l *loop) wait(timeout time.Duration) int {
	l.t.Helper()
	l.checkLent()
	clear(l.events)
	l.waits++
	n, err := l.d.Wait(l.events, timeout)
	if err != nil {
		l.t.Fatalf("Wait: %v", err)
	}
	if n < 0 || n > len(l.events) {
		l.t.Fatalf("Wait returned %d events for room for %d", n, len(l.events))
	}
	l.lent, l.lentCopy = l.lent[:0], l.lentCopy[:0]
	for i := range l.events[:n] {
		if data := l.events[i].Data; len(data) > 0 {
			l.lent = append(l.lent, data)
			l.lentCopy = append(l.lentCopy, data...)
		}
	}
	for i := range l.events[:n] {
		l.deliver(l.events[i])
	}
	return n
}

// checkLent compares what the last Wait lent with how it was then: whatever the
// case has called meanwhile must have left it alone.
func (l *loop) checkLent() {
	l.t.Helper()
	rest := l.lentCopy
	for _, p := range l.lent {
		if !bytes.Equal(p, rest[:len(p)]) {
			l.t.Fatal("bytes that Wait lent were changed before the next Wait")
		}
		rest = rest[len(p):]
	}
	l.lent, l.lentCopy = l.lent[:0], l.lentCopy[:0]
}

// stale checks that every method refuses name.
func (l *loop) stale(name aio.Socket) {
	l.t.Helper()
	calls := []struct {
		method string
		err    error
	}{
		{"Accept", l.d.Accept(name)},
		{"Recv", l.d.Recv(name)},
		{"StopRecv", l.d.StopRecv(name)},
		{"Send", l.d.Send(name, [][]byte{{1}})},
		{"Shutdown", l.d.Shutdown(name)},
		{"Close", l.d.Close(name)},
	}
	for _, c := range calls {
		if !errors.Is(c.err, aio.ErrBadSocket) {
			l.t.Fatalf("%s of the dead socket %#x: got %v, want ErrBadSocket", c.method, name, c.err)
		}
	}
}
