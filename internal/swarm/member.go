package swarm

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"sarang/chat"
	"sarang/client"
	"sarang/client/session"
	"sarang/client/view"
	"sarang/engine"
	pb "sarang/proto/sarang/v1"
)

// member is one client in one room. The worker that owns it and its session calls its
// methods.
type member struct {
	session.NopEvents
	worker    *worker
	index     int // of the client, in the whole run
	room      int // of the run's rooms
	journal   *journal
	state     *session.State
	session   *session.Session // the present one, or the last
	publisher *publisher       // nil: it only reads
	receipt   receipt
	view      *view.View // what a client shows of the room; nil without Config.Changes
	closing   closing
	person    *person // nil unless Config.peopled
	direct    direct
	host      *host // of those who make a private room and let somebody in; else nil
	roomID    chat.RoomID
	strange   atomic.Uint64 // the same, for others
	timer     engine.Timer  // coming back, or a stalled client's pings

	loggedIn   bool // on this connection
	joined     bool // once at least
	online     bool // in its room now
	connecting bool // counted in worker.connecting
	stalled    bool
	breaking   bool // we broke the connection
	void       bool // the room's log began anew: nothing can be compared any more
	dead       bool // gave up

	tries      int   // connects since it was last online
	offlineAt  int64 // since when it is not online
	dialledAt  int64 // when the present connection was begun
	retryAfter time.Duration
}

func newMember(w *worker, index int) *member {
	c := w.run.config
	s := session.StateConfig{Name: userName(c, index), Program: "sarang swarm", Seed: mix(c.Seed + uint64(index))}
	if c.isAccount(index) {
		s.Password, s.Register = fmt.Sprintf("%x %x", mix(c.Seed), mix(c.Seed^uint64(index))), true
	}
	m := &member{
		worker: w, index: index, room: index % c.Rooms,
		journal: w.journals[index%c.Rooms],
		stalled: index >= c.Clients-c.Stalled,
		state:   session.NewState(s),
	}
	if c.peopled() {
		m.person = &person{
			blocked: map[chat.UserID]bool{}, doubtful: map[chat.UserID]bool{}, told: map[chat.UserID]bool{},
			settings: map[chat.Seq]string{}, seen: map[chat.Seq]string{},
		}
	}
	if index < c.Publishers {
		m.publisher = newPublisher(m)
	}
	return m
}

// LoggedIn joins the room, the first time; later the session does it by itself.
func (m *member) LoggedIn(s *session.Session, in session.LoggedIn) {
	w := m.worker
	w.run.reached.Store(true)
	w.run.users[m.index].Store(uint64(in.User))
	m.loggedIn = true
	if m.person != nil {
		m.named(in.Name)
	}
	size := w.run.config.SizeBytes
	if w.run.config.Changes > 0 {
		size += mentionBytesMax
		w.run.clientOf.Store(in.User, m.index)
		if m.view == nil {
			m.view = view.New(in.User)
		}
	}
	if most := in.Limits.TextBytesMax; most > 0 && most < size {
		w.run.fail(fmt.Errorf("the server takes messages of at most %d bytes; --size is %d", most, size))
		return
	}
	if m.joined {
		return
	}
	c := w.run.config
	if c.Private && m.index >= c.Rooms {
		m.wantIn()
		return
	}
	_, err := s.Join(session.Join{Name: roomName(c, m.room), Create: true, Ephemeral: c.Ephemeral, Private: c.Private})
	if err != nil {
		s.Abort() // Disconnected gets what is wrong with the connection
	}
}

// Joined is the start, or the end of an absence.
func (m *member) Joined(s *session.Session, j session.Joined) {
	if m.directJoined(j) {
		return
	}
	w := m.worker
	w.arrived(m)
	m.online, m.tries, m.retryAfter = true, 0, 0
	switch {
	case !m.joined:
		m.joined, m.roomID = true, j.Room.ID
		m.strange.Store(uint64(j.Room.ID))
		m.journal.begin(j.After)
		m.receipt.last = j.After
		w.counts.joined++
	default:
		w.counts.reconnects++
		m.closing.request = 0
		m.askNext()
		if m.person != nil {
			m.askOfMe()
		}
	}
	m.inviteMore()
	if m.stalled && !w.released {
		s.Engine().Pause()
		m.pingLater()
	}
	if m.publisher != nil {
		m.publisher.pump()
	}
	w.connectMore()
}

// pingLater keeps a client that does not read from being taken for dead.
func (m *member) pingLater() {
	m.timer.Data = m
	m.worker.engine.After(&m.timer, stalledPingEvery, func(t *engine.Timer) {
		m := t.Data.(*member)
		if m.online && m.session.Ping(1) == nil {
			m.pingLater()
		}
	})
}

// release ends a stalled client's stall.
func (m *member) release() {
	if m.online {
		m.worker.engine.Stop(&m.timer)
		m.session.Engine().Resume()
	}
}

// Event judges a delivery.
func (m *member) Event(_ *session.Session, e *chat.Event) {
	w := m.worker
	switch {
	case m.directEvent(e):
		return
	case m.void:
		return
	case !m.journal.reaches(e.Seq):
		m.receipt.mangled++
		w.found("far beyond the log", fmt.Sprintf("client %d, room %d, event %d", m.index, m.roomID, e.Seq))
		return
	case !m.receipt.take(e.Seq):
		return
	}
	v, r := w.inspector.judge(m.journal, e)
	if m.view != nil {
		m.picture(e)
	}
	if m.person != nil {
		m.sees(e)
	}
	switch v {
	case verdictOther:
	case verdictRight:
		w.counts.delivered++
		if !m.stalled && r.state == stateMessage {
			now := w.clock()
			w.counts.deliveredLive++
			w.counts.lastLive = now
			recordMicros(w.latency, now-r.scheduled)
		}
	case verdictReordered:
		m.receipt.reordered++
		w.found("message in the place of another", fmt.Sprintf("client %d, room %d, event %d", m.index, m.roomID, e.Seq))
	case verdictCorrupted:
		if e.Kind == chat.EventMessage {
			m.receipt.corrupted++
		} else {
			m.receipt.mangled++
		}
		w.found("corrupted", fmt.Sprintf("client %d, room %d, event %d: %.80q", m.index, m.roomID, e.Seq, e.Text))
	}
}

// Ack is for the publisher.
func (m *member) Ack(_ *session.Session, a session.Ack) {
	if m.ownAck(a) || m.invited(a.Nonce) || m.directAck(a) {
		return
	}
	if m.publisher != nil {
		m.publisher.acknowledged(a)
	}
}

// Refused is for the publisher.
func (m *member) Refused(_ *session.Session, r session.Refused) {
	if m.ownRefusal(r) || m.uninvited(r) || m.directRefused(r) {
		return
	}
	if overtaken := m.view != nil && r.Err.Code == chat.CodeErased; !overtaken {
		m.worker.errors.add(fmt.Sprintf("publish refused (code %d)", r.Err.Code), r.Err.Error())
	}
	if m.publisher != nil {
		m.publisher.refused(r)
	}
}

// Error is a login or join that failed: for good, or to be retried.
func (m *member) Error(s *session.Session, f session.Failure) {
	if m.sentAway(f) {
		return
	}
	w := m.worker
	w.errors.add(fmt.Sprintf("request %d failed (code %d)", f.Packet, f.Err.Code), f.Err.Error())
	switch {
	case m.ownFailure(f), m.directFailed(f):
	case m.closing.asks(f.Request):
		m.askAgain(f.Err)
	case f.Retrying || f.Packet != pb.CLogin && f.Packet != pb.CJoin:
	case passing(f.Err):
		m.retryAfter = f.Err.RetryAfter
		s.Abort()
	case f.Err.Code == chat.CodeNameTaken && !m.joined:
		w.run.fail(fmt.Errorf("the name %s is taken; an earlier run had the same --seed: choose another: %w", m.state.Name(), f.Err))
	default:
		m.giveUp(f.Err)
	}
}

// passing reports whether a retry may succeed.
func passing(e *chat.Error) bool {
	switch e.Code {
	case chat.CodeTooFast, chat.CodeUnavailable, chat.CodeUncertain, chat.CodeDraining:
		return true
	}
	return e.RetryAfter > 0
}

// Gap is a loss that the server admits.
func (m *member) Gap(_ *session.Session, g session.Gap) {
	m.worker.counts.gaps++
	m.void = m.void || g.EpochChanged
	m.worker.found("gap", fmt.Sprintf("client %d, room %d: events %d to %d can not be delivered (epoch changed: %v)",
		m.index, m.roomID, g.From, g.To, g.EpochChanged))
}

// Pong is the answer to the last ping of the run.
func (m *member) Pong(_ *session.Session, value uint64) {
	if value == lastPing {
		m.worker.counts.pongs++
	}
}

// Goodbye says when to come back.
func (m *member) Goodbye(_ *session.Session, g session.Goodbye) {
	m.worker.counts.goodbyes++
	m.retryAfter = g.Err.RetryAfter
}

// Fault is a server that breaks the protocol. What came out of order is counted by
// the receipt.
func (m *member) Fault(_ *session.Session, err error) {
	var order *session.SequenceError
	if errors.As(err, &order) {
		if order.Got < order.Want && !m.void {
			m.receipt.take(order.Got)
		}
		m.worker.found("out of order", fmt.Sprintf("client %d: %v", m.index, err))
		return
	}
	m.worker.counts.faults++
	m.worker.found("protocol", fmt.Sprintf("client %d: %v", m.index, err))
}

// Disconnected retries, for some time.
func (m *member) Disconnected(_ *session.Session, why engine.Reason) { m.lost(why) }

func (m *member) lost(why engine.Reason) {
	w := m.worker
	w.arrived(m)
	if m.online || m.offlineAt == 0 {
		m.offlineAt = w.run.clock()
	}
	m.online, m.loggedIn = false, false
	if m.person != nil {
		m.person.offline()
	}
	if w.ending || m.dead {
		return
	}
	if !m.breaking {
		if why.Code == engine.ReasonConnect {
			w.counts.connectsFailed++
		} else {
			w.counts.disconnects++
		}
		w.errors.add("disconnected ("+why.Code.String()+")", why.String())
	}
	m.breaking = false
	if w.run.clock()-m.offlineAt > int64(w.run.patience()) {
		m.giveUp(&client.ConnectError{Addr: w.run.config.Addr, Err: errors.New(why.String())})
		return
	}
	wait := max(w.backoff(m.tries), m.retryAfter)
	m.tries++
	m.timer.Data = m
	w.engine.After(&m.timer, wait, func(t *engine.Timer) {
		m := t.Data.(*member)
		m.worker.waiting = append(m.worker.waiting, m)
		m.worker.connectMore()
	})
	w.connectMore()
}

// giveUp ends the run: a client that can not come back has lost what it should get.
func (m *member) giveUp(why error) {
	if m.dead {
		return
	}
	m.dead = true
	m.worker.counts.dead++
	m.worker.run.fail(fmt.Errorf("client %d gave up: %w", m.index, why))
	if m.session != nil {
		m.session.Abort()
	}
}

// found counts a fault that a check has found, for the display and the errors.
func (w *worker) found(kind, what string) {
	w.counts.bad++
	w.errors.add(kind, what)
}
