package simulate

import (
	"errors"
	"net/netip"
	"time"

	"sarang/aio"
	"sarang/chat"
	sarangv1 "sarang/proto/sarang/v1"
)

// watch judges the limits of one life of the server. It stands at the server's sockets
// and sees what comes in, when, and what goes out; from that and from the configuration
// it knows, by arithmetic of its own, what each session and each address may still do,
// and so what has to be refused and what must not be.
//
// It is exact: a worker handles what it is lent at the moment at which it is lent it,
// and no time passes within a tick. Only of what a session says around a time in which
// the server does not read from it is it not known when it was looked at, but between
// which moments.
type watch struct {
	run    *run
	limits *limitPlan
	conns  []*watched
	coming []*coming // accepted, and not known yet what becomes of it
	ticks  []happening
	places map[netip.Prefix]*homePlace
	busy   bool // not all is well
	ending bool // the server goes down: it may do as it likes

	farewell     bucket // of what was certainly used
	farewellMost bucket // and of what may have been
	told         int    // refused connections that are being told why
}

// watched is a connection of the server.
type watched struct {
	of      *watch
	driver  *tap
	tapped  *tapped
	peer    netip.Addr
	trusted bool
	refused bool // it is only told why it is not let in
	closing bool // what comes is not looked at any more
	in, out framer
	sending [][]byte // the send in flight

	retries  map[chat.Nonce]time.Duration // not before that
	rooms    map[chat.RoomID]bool         // it was told to be in
	failures int                          // logins, not counting those that are the server's fault
	session
	coming *coming // as what it came
}

// coming is a connection that a listener has accepted.
type coming struct {
	conn    aio.Conn
	to      *watched // what it was attached as
	goodbye *sarangv1.Goodbye
	closed  bool // without a word
}

// happening is something that counts for an address, in the order in which the server
// came to it. Within a tick it is written down; it is judged when the tick is over and
// it can be seen what the server has done about it.
type happening struct {
	kind  happeningKind
	at    time.Duration
	who   *watched // leave, login
	comes *coming  // enter
	fate  *sarangv1.Error
	sure  bool // login: fate is known; no fate is that it was taken
}

type happeningKind uint8

const (
	happensEnter happeningKind = iota
	happensLeave
	happensLogin
)

// newWatch returns nil where there is nothing to watch.
func newWatch(r *run) *watch {
	if !r.plan.limits.any {
		return nil
	}
	return &watch{run: r, limits: &r.plan.limits, places: map[netip.Prefix]*homePlace{}}
}

func (w *watch) now() time.Duration { return w.run.world.Now() }

func (w *watch) fail(format string, args ...any) {
	if !w.ending && !w.run.options.ClientsOnly {
		w.run.fail("limits: "+format, args...)
	}
}

// accepted: a listener has a connection.
func (w *watch) accepted(c aio.Conn) {
	x := &coming{conn: c}
	w.coming = append(w.coming, x)
	w.ticks = append(w.ticks, happening{kind: happensEnter, at: w.now(), comes: x})
}

// find takes out what a handle stands for.
func (w *watch) find(c aio.Conn) *coming {
	for i, x := range w.coming {
		if x.conn.Handle == c.Handle {
			w.coming = append(w.coming[:i], w.coming[i+1:]...)
			return x
		}
	}
	w.fail("a connection is used that was never accepted")
	return &coming{conn: c}
}

// attached: it has become a session, or somebody to be told why not.
func (w *watch) attached(c aio.Conn, d *tap, s *tapped) {
	x := w.find(c)
	x.to = &watched{
		of: w, driver: d, tapped: s, peer: c.Peer.Addr().Unmap(), trusted: w.limits.trusts(c.Peer.Addr()),
		rooms: map[chat.RoomID]bool{}, retries: map[chat.Nonce]time.Duration{},
	}
	x.to.coming = x
	s.watched = x.to
	w.conns = append(w.conns, x.to)
}

// discarded: it was closed without a word.
func (w *watch) discarded(c aio.Conn) {
	x := w.find(c)
	x.closed = true
}

// happened is an event of the connection that the server is about to handle.
func (x *watched) happened(e *aio.Event) {
	switch {
	case e.Kind == aio.KindRecv && e.More:
		x.received(e.Data)
	case e.Kind == aio.KindRecv && !errors.Is(e.Err, aio.ErrCanceled):
		x.closing = true
	case e.Kind == aio.KindSend && e.Err == nil:
		x.sent(e.N)
	case e.Kind == aio.KindSend:
		x.sending = nil
	case e.Kind == aio.KindDisconnect:
		x.gone()
	}
}

// received: bytes are lent to the server, which handles them now.
func (x *watched) received(b []byte) {
	if !x.refused && !x.closing {
		x.in.feed(b, func(int) bool { return true }, x.packet)
	}
}

// packet is one that the server gets.
func (x *watched) packet(f frame) {
	w, now := x.of, x.of.now()
	s := &said{bytes: max(f.size, packetBytesLeast)}
	switch f.id {
	case sarangv1.CLogin:
		s.kind = saidLogin
		w.ticks = append(w.ticks, happening{kind: happensLogin, at: now, who: x, sure: x.out.between() && !x.stopped && !x.tapped.inFlight[aio.KindSend]})
	case sarangv1.CChat:
		var m sarangv1.Publish
		if m.UnmarshalVT(f.payload) == nil {
			s.kind, s.id, s.room = saidMessage, m.Nonce, m.Room
		}
	case sarangv1.CEdit, sarangv1.CDelete, sarangv1.CReact, sarangv1.CPin:
		var m sarangv1.Delete // the fields that all of them have
		if m.UnmarshalVT(f.payload) == nil {
			s.kind, s.id, s.room = saidMessage, m.Nonce, m.Room
		}
	case sarangv1.CJoin, sarangv1.CCreate, sarangv1.CList, sarangv1.CHistory, sarangv1.CMembers, sarangv1.CMark, sarangv1.CRooms:
		s.kind, s.id = saidRequest, uint64(requestOf(f.payload))
	}
	x.hears(s)
}

// send: bytes are given to the socket. What a session says first can be seen here, in
// the tick in which it is said; the rest when it was taken.
func (x *watched) send(v [][]byte) {
	x.sending = v
	if !x.out.between() {
		return
	}
	var peek framer
	for _, b := range v {
		peek.feed(b, wantedOut, x.seenComing)
	}
}

func wantedOut(id int) bool {
	return id != sarangv1.SChat && id != sarangv1.SPing && id != sarangv1.SPong
}

// seenComing looks for what counts for addresses.
func (x *watched) seenComing(f frame) {
	switch f.id {
	case sarangv1.SGoodbye:
		x.closing = true
		if x.coming.goodbye == nil {
			x.coming.goodbye = &sarangv1.Goodbye{}
			_ = x.coming.goodbye.UnmarshalVT(f.payload)
		}
	case sarangv1.SError:
		m := &sarangv1.Error{}
		if m.UnmarshalVT(f.payload) != nil || m.PacketId != sarangv1.CLogin {
			return
		}
		for i := range x.of.ticks {
			if h := &x.of.ticks[i]; h.kind == happensLogin && h.who == x && h.fate == nil {
				h.fate = m
				return
			}
		}
	}
}

// sent: so many bytes of the send in flight were taken.
func (x *watched) sent(n int) {
	for _, b := range x.sending {
		b = b[:min(n, len(b))]
		x.out.feed(b, wantedOut, x.told)
		n -= len(b)
	}
	x.sending = nil
}

// told is a packet that the client gets.
func (x *watched) told(f frame) {
	switch f.id {
	case sarangv1.SLogin:
		x.answered(saidLogin, 0, 0, nil)
	case sarangv1.SAck:
		var m sarangv1.Ack
		if m.UnmarshalVT(f.payload) == nil {
			x.answered(saidMessage, m.Nonce, m.Room, nil)
		}
	case sarangv1.SJoin:
		var m sarangv1.Joined
		if m.UnmarshalVT(f.payload) == nil {
			x.joined(chat.RoomID(m.Room.GetId()))
			x.answered(saidRequest, uint64(m.Request), 0, nil)
		}
	case sarangv1.SLeave:
		var m sarangv1.Leave
		if m.UnmarshalVT(f.payload) == nil {
			delete(x.rooms, chat.RoomID(m.Room))
		}
	case sarangv1.SMark:
		if id := requestOf(f.payload); id != 0 { // else another connection of the user has asked
			x.answered(saidRequest, uint64(id), 0, nil)
		}
	case sarangv1.SCreate, sarangv1.SList, sarangv1.SHistory, sarangv1.SMembers, sarangv1.SRooms:
		x.answered(saidRequest, uint64(requestOf(f.payload)), 0, nil)
	case sarangv1.SError:
		m := &sarangv1.Error{}
		if m.UnmarshalVT(f.payload) == nil {
			x.failed(m)
		}
	case sarangv1.SGoodbye:
		x.closing = true
		x.goodbye(f)
	}
}

// failed is an S_ERROR.
func (x *watched) failed(m *sarangv1.Error) {
	switch m.PacketId {
	case sarangv1.CChat, sarangv1.CEdit, sarangv1.CDelete, sarangv1.CReact, sarangv1.CPin:
		x.answered(saidMessage, m.Nonce, m.Room, m)
	case sarangv1.CLogin:
		x.answered(saidLogin, 0, 0, m)
		x.loginFailed(chat.Code(m.Code))
	case sarangv1.CJoin, sarangv1.CCreate, sarangv1.CList, sarangv1.CHistory, sarangv1.CMembers, sarangv1.CMark, sarangv1.CRooms:
		x.answered(saidRequest, uint64(m.Request), 0, m)
	}
}

// loginFailed counts a login that was the client's fault.
func (x *watched) loginFailed(code chat.Code) {
	switch code {
	case chat.CodeTooFast, chat.CodeUnavailable, chat.CodeDraining, chat.CodeAlreadyLogged:
		return
	}
	x.failures++
	if most := x.of.limits.rates.LoginsFailedMax; most > 0 && x.failures > most {
		x.of.fail("%v: %d logins of one session have failed; %d may", x.peer, x.failures, most)
	}
}

// goodbye is the last word to a session that was let in.
func (x *watched) goodbye(f frame) {
	var m sarangv1.Goodbye
	if x.refused || m.UnmarshalVT(f.payload) != nil || chat.Code(m.Code) != chat.CodeTooMany {
		return
	}
	if most := x.of.limits.rates.LoginsFailedMax; most == 0 || x.failures != most {
		x.of.fail("%v is sent away for its failed logins; %d have failed, %d may", x.peer, x.failures, most)
	}
	x.of.run.counts.Limits.SentAway++
}

// gone: the connection is closed for good.
func (x *watched) gone() {
	w := x.of
	x.closing = true
	w.ticks = append(w.ticks, happening{kind: happensLeave, at: w.now(), who: x})
	for i, o := range w.conns {
		if o == x {
			w.conns = append(w.conns[:i], w.conns[i+1:]...)
			break
		}
	}
}

// endTick judges what has happened in a tick.
func (w *watch) endTick() {
	for i := range w.ticks {
		h := &w.ticks[i]
		switch h.kind {
		case happensEnter:
			w.enter(h)
		case happensLeave:
			w.leave(h.who)
		case happensLogin:
			w.login(h)
		}
	}
	w.ticks = w.ticks[:0]
	now, r, was := w.now(), w.run, w.busy
	w.busy = !r.healed || now < r.diskStalledUntil || r.refuseNext > 0 || r.tasksStalled || w.ending
	for _, x := range w.conns {
		x.endTick(now)
		x.calm(now, w.busy || was)
	}
}

// requestOf reads the number of a request, which is the first field of all that have
// one; 0 if it has none.
func requestOf(payload []byte) uint32 {
	if len(payload) == 0 || payload[0] != 1<<3 {
		return 0
	}
	n := uint32(0)
	for shift, b := range payload[1:min(len(payload), 6)] {
		n |= uint32(b&0x7f) << (7 * shift)
		if b < 0x80 {
			break
		}
	}
	return n
}
