package engine

import (
	"net/netip"

	"sarang/aio"
)

// Connect opens a session to addr that speaks p. Connected is called, or
// Disconnected with ReasonConnect. data becomes the session's Data.
func (w *Worker) Connect(addr netip.AddrPort, p *Protocol, data any) (*Session, error) {
	if w.stopping || w.service.draining.Load() {
		return nil, ErrClosed
	}
	protocol, err := w.bind(p)
	if err != nil {
		return nil, err
	}
	if !w.service.admit() {
		return nil, ErrSessionsMax
	}
	s := w.sessions.open(w, protocol)
	socket, err := w.driver.Connect(addr, w.service.config.Socket, s.token())
	if err != nil {
		w.sessions.free(s)
		w.service.live.Add(-1)
		return nil, err
	}
	s.socket, s.Data = socket, data
	s.setPeer(addr)
	s.flags |= flagConnecting
	return s, nil
}

func (w *Worker) connected(s *Session, e *aio.Event) {
	s.flags &^= flagConnecting
	if e.Err != nil {
		s.fail(Reason{ReasonConnect, e.Err})
		return
	}
	if s.flags&flagClosing != 0 {
		return
	}
	w.stats.Connected++
	w.opened(s)
}

// opened begins the life of a session whose connection stands.
func (w *Worker) opened(s *Session) {
	s.mark, s.lastRecv = w.moment(), w.moment()
	w.begin(s)
}

// begin has the session speak its protocol from here on.
func (w *Worker) begin(s *Session) {
	s.armTimer()
	b := s.binding()
	if f := b.protocol.NewCodec; f != nil {
		if c := f(s); c != nil {
			if err := s.startCodec(c); err != nil {
				s.fail(Reason{ReasonCodec, err})
				return
			}
		}
	}
	s.flags |= flagOpened
	s.receive()
	s.touch() // for what was sent while it was connecting, or before it was switched
	b.handler.Connected(s)
}

// disconnected ends a session: nothing of it is in flight any more.
func (w *Worker) disconnected(s *Session) {
	invariant(s.op == nil && s.flags&(flagReceiving|flagSending) == 0,
		"a session was closed with a request in flight")
	s.closeCursors()
	if s.codec != nil {
		s.codec.release()
	}
	b := s.buffers
	w.stats.Disconnected[b.reason.Code]++
	if s.flags&flagRefused == 0 {
		s.binding().handler.Disconnected(s, b.reason)
	}
	s.closeCursors() // the handler may have opened some
	b.dropAll()
	s.countUnadmitted()
	w.buffers.Put(b)
	w.leave(s)
	w.sessions.free(s)
}

func (s *Session) closeCursors() {
	for s.cursors != nil {
		s.cursors.Close()
	}
}
