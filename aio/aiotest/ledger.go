package aiotest

import (
	"errors"
	"io"

	"sarang/aio"
)

// deliver checks one event against the ledger, notes its outcome, and passes it
// to the socket's source, sink and reaction.
func (l *loop) deliver(e aio.Event) {
	l.t.Helper()
	s := l.byName[e.Socket]
	if s == nil {
		l.t.Fatalf("event %v for socket %#x, which is not open: %+v", e.Kind, e.Socket, e)
	}
	if e.Token != s.token {
		l.t.Fatalf("event %v has token %#x, the socket's is %#x", e.Kind, e.Token, s.token)
	}
	if e.Kind != aio.KindRecv && len(e.Data) > 0 {
		l.t.Fatalf("event %v has data", e.Kind)
	}
	switch e.Kind {
	case aio.KindAccept:
		s.onAccept(e)
	case aio.KindConnect:
		s.onConnect(e)
	case aio.KindRecv:
		s.onRecv(e)
	case aio.KindSend:
		s.onSend(e)
	case aio.KindWritable:
		s.onWritable(e)
	case aio.KindDisconnect:
		s.onDisconnect(e)
	default:
		l.t.Fatalf("event of unknown kind %d", e.Kind)
	}
	if s.react != nil {
		s.react(e)
	}
}

func (s *sock) onAccept(e aio.Event) {
	t := s.loop.t
	t.Helper()
	if !s.accepting {
		t.Fatalf("accept event without a request: %+v", e)
	}
	if e.More {
		if e.Err != nil {
			t.Fatalf("accept event with More and an error: %v", e.Err)
		}
		if !e.Conn.Peer.IsValid() || e.Conn.Peer.Port() == 0 {
			t.Fatalf("accepted connection has no peer address: %v", e.Conn.Peer)
		}
		s.accepted = append(s.accepted, e.Conn)
		return
	}
	if e.Err == nil {
		t.Fatal("accepting ended without an error")
	}
	s.accepting, s.acceptErr = false, e.Err
}

func (s *sock) onConnect(e aio.Event) {
	t := s.loop.t
	t.Helper()
	if !s.connecting || e.More {
		t.Fatalf("connect event: connecting is %v, event %+v", s.connecting, e)
	}
	s.connecting, s.connected, s.connectErr = false, e.Err == nil, e.Err
}

func (s *sock) onRecv(e aio.Event) {
	t := s.loop.t
	t.Helper()
	if !s.receiving {
		t.Fatalf("recv event without a request: %+v", e)
	}
	if !e.More {
		if e.Err == nil || len(e.Data) > 0 {
			t.Fatalf("the last recv event must have an error and no data: %+v", e)
		}
		s.receiving, s.recvErr = false, e.Err
		s.recvEnds++
		return
	}
	if e.Err != nil || len(e.Data) == 0 {
		t.Fatalf("a recv event with More must have data and no error: %d bytes, %v", len(e.Data), e.Err)
	}
	if len(e.Data) > s.loop.config.RecvBufferBytes {
		t.Fatalf("%d bytes lent from buffers of %d", len(e.Data), s.loop.config.RecvBufferBytes)
	}
	if s.sink != nil {
		s.sink.take(e.Data)
	} else {
		s.got = append(s.got, e.Data...)
	}
}

func (s *sock) onSend(e aio.Event) {
	t := s.loop.t
	t.Helper()
	if !s.sending || s.blocked {
		t.Fatalf("send event: sending is %v, blocked is %v: %+v", s.sending, s.blocked, e)
	}
	if errors.Is(e.Err, aio.ErrWouldBlock) {
		if !e.More || e.N != 0 {
			t.Fatalf("a full socket takes nothing and answers again later: N %d, More %v", e.N, e.More)
		}
		s.blocked = true
		s.fullTimes++
		s.feed()
		return
	}
	if e.More {
		t.Fatalf("a send that is not blocked ends with its event: %+v", e)
	}
	s.sending, s.sendErr = false, e.Err
	s.sendEnds++
	if e.Err == nil {
		if e.N <= 0 || e.N > s.sendBytes {
			t.Fatalf("%d bytes taken of %d offered", e.N, s.sendBytes)
		}
		if e.N < s.sendBytes {
			s.shortTimes++
		}
		s.sentBytes += e.N
		s.rest = s.rest[min(e.N, len(s.rest)):]
	} else if e.N != 0 {
		t.Fatalf("a failed send took %d bytes: %v", e.N, e.Err)
	}
	s.feed()
}

func (s *sock) onWritable(e aio.Event) {
	t := s.loop.t
	t.Helper()
	if !s.blocked || e.More {
		t.Fatalf("writable event: blocked is %v: %+v", s.blocked, e)
	}
	if errors.Is(e.Err, aio.ErrWouldBlock) {
		t.Fatal("a writable event with ErrWouldBlock")
	}
	s.sending, s.blocked, s.sendErr = false, false, e.Err
	s.sendEnds++
	s.feed()
}

// feed lets the source or sendAll go on after an event of the send.
func (s *sock) feed() {
	s.loop.t.Helper()
	if s.source != nil {
		s.source.next()
	}
	if len(s.rest) > 0 && !s.sending && !s.closing && s.sendErr == nil {
		s.send(s.rest)
	}
}

func (s *sock) onDisconnect(e aio.Event) {
	t := s.loop.t
	t.Helper()
	if !s.closing || e.More {
		t.Fatalf("disconnect event: closing is %v: %+v", s.closing, e)
	}
	if s.accepting || s.connecting || s.receiving || s.sending {
		t.Fatalf("disconnected with requests in flight: accept %v connect %v recv %v send %v",
			s.accepting, s.connecting, s.receiving, s.sending)
	}
	s.dead = true
	s.loop.open--
	delete(s.loop.byName, s.name)
	s.loop.stale(s.name)
}

// ended reports whether receiving ended by what a connection that is over shows:
// the end of the stream, or a reset.
func (s *sock) ended() bool {
	return errors.Is(s.recvErr, io.EOF) || isReset(s.recvErr)
}
