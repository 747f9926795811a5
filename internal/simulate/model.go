package simulate

import (
	"fmt"
	"time"

	"sarang/chat"
)

// model is what must be true, written down without a look at how the server does it.
// It knows what the disk has stored, what clients wanted stored, and compares what
// they are told with that.
type model struct {
	fail   func(format string, args ...any)
	rooms  map[chat.RoomID]chat.Room
	logs   map[chat.RoomID][]chat.Event // what is stored, as it is now
	pasts  map[chat.RoomID]*past        // what was stored
	lives  map[life]*heard              // what is known of ephemeral rooms
	wanted map[chat.Nonce]*wish
	placed map[place]chat.Seq // where a message is stored

	// offered is how often a message has come to the server and was not refused, if
	// that is watched.
	offered map[chat.Nonce]int

	// unsaid are the events that were erased, and when somebody was told so; marks are what their
	// texts are known by.
	unsaid map[spot]time.Duration
	marks  map[string]spot

	editMs  int64                         // how long a message may be edited; 0: always
	ownerOf func(chat.RoomID) chat.UserID // of a durable room
	now     func() time.Duration          // since the beginning
	latest  func() int64                  // the latest time of day there has been, in milliseconds

	// told is how far somebody has heard of a durable room: by an ack or an event.
	told map[chat.RoomID]chat.Seq

	// forgetful: ephemeral rooms have more authors than they may remember, and nothing
	// to read their nonces from. A retry may be a second message there.
	forgetful bool

	watched bool // it is seen what comes to the server

	clock func() int64 // the time of day, in milliseconds; 0 while it may jump between an event and its commit
}

// life is one life of an ephemeral room.
type life struct {
	room  chat.RoomID
	epoch chat.Epoch
}

// heard is what clients have been told of a life.
type heard struct {
	events map[chat.Seq]chat.Event
	acks   map[chat.Seq]chat.Nonce
	placed map[chat.Nonce]chat.Seq
	last   chat.Seq
}

// place names a message in a room. Clients give each nonce once.
type place struct {
	room  chat.RoomID
	nonce chat.Nonce
}

// wish is a message that a client has published, or what it does to one.
type wish struct {
	by      *actor
	room    chat.RoomID
	nonce   chat.Nonce
	kind    chat.EventKind
	text    string   // of reactions the emoji
	target  chat.Seq // that is changed or answered
	root    chat.Seq
	known   chat.Seq // the end of the log when it was said
	stood   bool     // it was so already, and made no event
	cut     bool     // an older copy of the store was put back since it was said
	outcome outcome
	seq     chat.Seq
	err     *chat.Error // why it was refused last
}

type outcome uint8

const (
	outcomeNone outcome = iota
	outcomeAcked
	outcomeRefused // the server does not have it
	outcomeUntold  // the client left the room or withdrew it; it may or may not be stored
)

func newModel(fail func(string, ...any)) *model {
	return &model{
		fail: fail, rooms: map[chat.RoomID]chat.Room{}, logs: map[chat.RoomID][]chat.Event{},
		lives: map[life]*heard{}, wanted: map[chat.Nonce]*wish{}, placed: map[place]chat.Seq{},
		told: map[chat.RoomID]chat.Seq{}, offered: map[chat.Nonce]int{},
		pasts: map[chat.RoomID]*past{}, unsaid: map[spot]time.Duration{}, marks: map[string]spot{},
	}
}

// timeAheadMs is how far the time of a room may run ahead of the clock: beyond it the
// clock was wrong, and the time is set back to it.
const timeAheadMs = 60_000

// stored is told of each event that is on the disk for good.
func (m *model) stored(e chat.Event) {
	log := m.logs[e.Room]
	if want := chat.Seq(len(log)) + 1; e.Seq != want {
		m.fail("room %d stores event %d, where %d is next", e.Room, e.Seq, want)
	}
	if n := len(log); n > 0 && e.TimeMs < log[n-1].TimeMs && log[n-1].TimeMs <= e.TimeMs+timeAheadMs {
		m.fail("room %d: event %d has the time %d, before that of the one before it, %d", e.Room, e.Seq, e.TimeMs, log[n-1].TimeMs)
	}
	if now := m.clock(); now > 0 && e.TimeMs > now+timeAheadMs {
		m.fail("room %d: event %d has the time %d, at %d", e.Room, e.Seq, e.TimeMs, now)
	}
	if !isWanted(e.Kind) {
		m.remember(e)
		return
	}
	if e.Kind.Changes() {
		if why := m.mayStand(&e); why != "" {
			m.fail("room %d stores %v, which changes %d: %s", e.Room, brief(e), e.Target, why)
		}
	}
	m.authentic(e)
	m.remember(e)
	if m.watched && m.offered[e.Nonce] < 1 {
		m.fail("room %d stores %v, which was refused", e.Room, brief(e))
	}
	p := place{e.Room, e.Nonce}
	if first := m.placed[p]; first != 0 {
		m.fail("room %d stores the nonce %d twice, as %d and %d", e.Room, e.Nonce, first, e.Seq)
	}
	m.placed[p] = e.Seq
	if w := m.wanted[e.Nonce]; w != nil && w.outcome == outcomeRefused {
		m.fail("room %d stores %d of %s after its client was told that it is not stored", e.Room, e.Nonce, w.by.name)
	}
}

// isWanted reports whether events of the kind are in a log because a client wants it.
func isWanted(k chat.EventKind) bool { return k == chat.EventMessage || k.Changes() }

// authentic checks that an event is what somebody wanted.
func (m *model) authentic(e chat.Event) {
	w := m.wanted[e.Nonce]
	switch {
	case w == nil:
		m.fail("room %d: nobody has published %v", e.Room, brief(e))
	case w.room != e.Room || w.kind != e.Kind || w.text != e.Text || w.by.user != e.User || w.target != e.Target || w.root != e.Root:
		m.fail("room %d: %v is not what %s has published", e.Room, brief(e), w.by.name)
	}
}

// shown is told of each event that a client gets.
func (m *model) shown(to *actor, s *seat, e chat.Event) {
	if s.ephemeral {
		m.shownEphemeral(to, s, e)
		return
	}
	m.told[e.Room] = max(m.told[e.Room], e.Seq)
	log := m.logs[e.Room]
	said := m.past(e.Room).event(e.Seq)
	switch {
	case e == said && e.Seq > 0 && m.mayStillTell(to.link, e.Room, e.Seq):
	case e == said && e.Seq > 0:
		m.fail("%s is shown %v of room %d, which was erased before he came", to.name, brief(e), e.Room)
	case e.Seq == 0 || e.Seq > chat.Seq(len(log)):
		m.fail("%s is shown %v of room %d, which is not stored", to.name, brief(e), e.Room)
	case e != log[e.Seq-1]:
		m.fail("%s is shown %v of room %d, but stored is %v", to.name, brief(e), e.Room, brief(log[e.Seq-1]))
	}
}

func (m *model) shownEphemeral(to *actor, s *seat, e chat.Event) {
	h := m.heard(life{e.Room, s.epoch})
	if before, known := h.events[e.Seq]; known && before != e {
		m.fail("%s is shown %v of room %d, somebody else was shown %v", to.name, brief(e), e.Room, brief(before))
	}
	h.events[e.Seq] = e
	h.last = max(h.last, e.Seq)
	if isWanted(e.Kind) {
		m.authentic(e)
		if first, known := h.placed[e.Nonce]; known && first != e.Seq && !m.forgetful {
			m.fail("room %d has the nonce %d twice, as %d and %d", e.Room, e.Nonce, first, e.Seq)
		}
		h.placed[e.Nonce] = e.Seq
	}
	if n, acked := h.acks[e.Seq]; acked && n != e.Nonce {
		m.fail("%s is shown %v of room %d, where %d was acknowledged", to.name, brief(e), e.Room, n)
	}
}

// endsAt is told how far a life of an ephemeral room is said to have come: a reader that
// has everything has so much.
func (m *model) endsAt(l life, last chat.Seq) {
	h := m.heard(l)
	h.last = max(h.last, last)
}

func (m *model) heard(l life) *heard {
	h := m.lives[l]
	if h == nil {
		h = &heard{events: map[chat.Seq]chat.Event{}, acks: map[chat.Seq]chat.Nonce{}, placed: map[chat.Nonce]chat.Seq{}}
		m.lives[l] = h
	}
	return h
}

// acked is told of each acknowledgment. epoch is that of an ephemeral room.
func (m *model) acked(w *wish, seq chat.Seq, s *seat) {
	if w.outcome != outcomeNone {
		m.fail("%s hears of its message %d again: acknowledged as %d", w.by.name, w.nonce, seq)
	}
	w.outcome, w.seq = outcomeAcked, seq
	if s.ephemeral {
		h := m.heard(life{w.room, s.epoch})
		if n, known := h.acks[seq]; known && n != w.nonce {
			m.fail("room %d: %d and %d are both acknowledged as %d", w.room, n, w.nonce, seq)
		}
		if e, known := h.events[seq]; known && e.Nonce != w.nonce {
			m.fail("room %d: %d is acknowledged as %d, which is %v", w.room, w.nonce, seq, brief(e))
		}
		h.acks[seq], h.last = w.nonce, max(h.last, seq)
		return
	}
	m.told[w.room] = max(m.told[w.room], seq)
	if w.kind == chat.EventDelete {
		m.erased(w.room, w.target)
	}
	if m.placed[place{w.room, w.nonce}] == 0 && w.kind.Changes() {
		if w.stood = m.stands(w, seq); w.stood {
			w.by.run.counts.ChangesStood++
			return
		}
	}
	if m.placed[place{w.room, w.nonce}] != seq {
		m.fail("%s is told that its message %d is stored as %d of room %d, but it is not", w.by.name, w.nonce, seq, w.room)
	}
}

// refused is told of each message that a client gives up.
func (m *model) refused(w *wish, left bool) {
	if w.outcome != outcomeNone {
		m.fail("%s hears of its message %d again: refused", w.by.name, w.nonce)
	}
	w.outcome = outcomeRefused
	if left {
		w.outcome = outcomeUntold
	} else if seq := m.placed[place{w.room, w.nonce}]; seq != 0 {
		m.fail("%s is told that its message %d is not stored, but it is, as %d of room %d", w.by.name, w.nonce, seq, w.room)
	}
}

// last is where a reader is that has everything.
func (m *model) last(s *seat) chat.Seq {
	if s.ephemeral {
		return m.heard(life{s.room, s.epoch}).last
	}
	return chat.Seq(len(m.logs[s.room]))
}

// brief is an event on one line.
func brief(e chat.Event) string {
	text := e.Text
	if len(text) > 20 {
		text = fmt.Sprintf("%s… of %d bytes", text[:20], len(text))
	}
	return fmt.Sprintf("{%d kind %d by %d nonce %d at %d: %q}", e.Seq, e.Kind, e.User, e.Nonce, e.TimeMs, text)
}
