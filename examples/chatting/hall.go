package main

import (
	"errors"

	"sarang/engine"
	"sarang/packet"
)

// hall is one worker's part of the server, and all of the game: it handles the
// packets of the worker's sessions. Only its worker calls it, so it has no locks.
type hall struct {
	engine.NopHandler
	server  *server
	worker  *engine.Worker
	mux     *packet.Mux[*engine.Session]
	feed    *engine.Feed // what was said; every player in here has a cursor on it
	said    []remark     // by this worker's players, in this tick
	press   press        // used in the first hall only
	scratch []byte
}

// player is who a session is logged in as. The session points to it (Session.Data),
// and it names the session by number: neither keeps the other alive, and a number
// that is out of date finds nothing.
type player struct {
	id      playerID // 0 until the database has answered
	name    string
	session engine.SessionID
	cursor  *engine.Cursor // its place in what was said
	pending int            // remarks that have no number yet
	last    uint64         // number of its last line
}

// remark is a line on its way to get its number.
type remark struct {
	by   playerID
	from engine.SessionID
	name string
	text string
}

// pendingMax is how many remarks a player may have on the way. A session that says
// more is not read from until it was sent its own lines: a flood waits in the
// sender's own socket, and not here.
const pendingMax = 64

// windowBytes is how much of what was said is kept for slow readers, in one copy for
// all halls: more than the drivers' receive buffers can bring in one tick, so that
// nobody who reads falls behind.
const windowBytes = 8 << 20

// newHall makes the hall of a worker that has just started.
func newHall(s *server, w *engine.Worker) *hall {
	h := &hall{server: s, worker: w, mux: packet.NewMux[*engine.Session](), feed: w.NewFeed(firstLine, windowBytes)}
	w.OnTick(h.tick)
	w.OnStop(h.stop)
	h.mux.HandleRaw(idTest, h.onTest)
	h.mux.HandleRaw(idLogin, h.onLogin)
	h.mux.HandleRaw(idSay, h.onSay)
	return h
}

// Received is called by the engine for every packet that arrives.
func (h *hall) Received(s *engine.Session, frame []byte) {
	p, _, err := packet.Split(frame)
	engine.Invariant(err == nil, "packet.Framer and packet.Split disagree")
	if err := h.mux.Dispatch(s, p); err != nil {
		h.refuse(s, p.ID, err)
	}
}

func (h *hall) onTest(s *engine.Session, r *packet.Reader) error {
	t, err := readTest(r)
	if err != nil {
		return err
	}
	h.send(s, func(dst []byte) ([]byte, error) { return t.append(dst, idTestAnswer) })
	return nil
}

// onLogin only asks. A worker waits for nobody: the answer comes back by Post, when
// the session may be long gone.
func (h *hall) onLogin(s *engine.Session, r *packet.Reader) error {
	name, err := readText(r)
	switch {
	case err != nil:
		return err
	case s.Data != nil:
		return refusedTwice
	case name == "" || len(name) > nameBytesMax:
		return refusedName
	}
	id := s.ID()
	asked := h.server.players.Login(name, func(a account, err error) {
		h.worker.Post(engine.MessageFunc(func(w *engine.Worker) { h.answered(w.Session(id), a, err) }))
	})
	if !asked {
		return refusedBusy
	}
	s.Data = &player{name: name, session: id}
	return nil
}

// answered is the rest of onLogin.
func (h *hall) answered(s *engine.Session, a account, err error) {
	switch {
	case s == nil || s.Closing():
		return
	case err != nil:
		s.Data = nil
		h.refuse(s, idLogin, refusedBusy)
		return
	}
	s.Admit()
	m := welcome{Player: a.id, Messages: a.messages, NextLine: h.feed.Next()}
	h.send(s, m.append)
	p := s.Data.(*player)
	p.id, p.cursor = a.id, s.Follow(h.feed, m.NextLine)
}

func (h *hall) onSay(s *engine.Session, r *packet.Reader) error {
	text, err := readText(r)
	p, _ := s.Data.(*player)
	switch {
	case err != nil:
		return err
	case p == nil || p.id == 0:
		return refusedNotLoggedIn
	case text == "" || len(text) > textBytesMax:
		return refusedTooLong
	}
	h.said = append(h.said, remark{by: p.id, from: p.session, name: p.name, text: text})
	if p.pending++; p.pending >= pendingMax {
		s.Pause()
	}
	return nil
}

// Sent is called when the socket has taken bytes. A player that was held up is read
// from again once its own lines went out.
func (h *hall) Sent(s *engine.Session, _ int) {
	if p, ok := s.Data.(*player); ok && s.Paused() && p.pending == 0 && p.cursor.Next() > p.last {
		s.Resume()
	}
}

// tick is called at the end of each of the worker's ticks: all that was said in it
// goes to the first hall in one message.
func (h *hall) tick() {
	if len(h.said) == 0 {
		return
	}
	first, said := h.server.halls[0], h.said
	h.said = nil // the other hall has it now
	first.worker.Post(engine.MessageFunc(func(*engine.Worker) { first.publish(said) }))
}

// publish numbers what was said and passes it on to every hall. One hall does it for
// all, so everybody hears everything in one order; and it is encoded once, into one
// buffer that all receivers share.
func (h *hall) publish(said []remark) {
	printed := h.press.print(said)
	for i := range said {
		h.server.players.Count(said[i].by)
	}
	for _, to := range h.server.halls {
		printed.buf.Retain()
		if !to.worker.Post(engine.MessageFunc(func(*engine.Worker) { to.hear(printed, said) })) {
			printed.buf.Release() // that worker has ended
		}
	}
	printed.buf.Release()
}

// hear puts what was said into this hall's feed. The engine sends it to each player
// from where that player's cursor stands; one that reads slowly costs a number.
// (A player that falls behind the feed's whole window finds a gap in the numbers. A
// game that keeps its lines elsewhere would have the feed fetch them: engine.Feed.Fetch.)
func (h *hall) hear(printed sheet, said []remark) {
	h.feed.Append(printed.buf, printed.off, printed.ends)
	printed.buf.Release()
	for i := range said {
		if said[i].from.Worker() != h.worker.Index() {
			continue
		}
		if s := h.worker.Session(said[i].from); s != nil {
			p := s.Data.(*player)
			p.pending--
			p.last = printed.first + uint64(i)
		}
	}
}

// stop is called when the worker ends: what is held is given back.
func (h *hall) stop() {
	h.feed.Close()
	h.press.close()
}

// refuse tells the peer that its packet was not obeyed. The session goes on: its
// next packet may well be good.
func (h *hall) refuse(s *engine.Session, what packet.ID, err error) {
	why, unknown := refusedMalformed, (*packet.UnknownIDError)(nil)
	if !errors.As(err, &why) && errors.As(err, &unknown) {
		why = refusedUnknown
	}
	h.send(s, func(dst []byte) ([]byte, error) { return why.append(dst, what) })
}

// send encodes a packet and sends it to s alone.
func (h *hall) send(s *engine.Session, encode func(dst []byte) ([]byte, error)) {
	b, err := encode(h.scratch[:0])
	engine.Invariant(err == nil, "a packet of ours does not fit its own limits")
	h.scratch = b
	// An error means that s is ending; the engine tells us when it has.
	_ = s.Send(b)
}
