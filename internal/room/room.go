// Package room is the core of a room: its log's numbers, who is in it, and which
// messages are on their way to the store. It does no I/O and has no clock: what
// happens comes in by method calls, what is to be done goes out as results. A Room
// belongs to one goroutine.
//
// A message passes through three stages. Gathering: it was accepted and has no
// number. In flight: it has a number and is being stored; there is at most one
// batch in flight, so a batch that fails leaves no hole. In the log: it is stored,
// acknowledged, and may be shown.
package room

import (
	"cmp"
	"slices"
	"time"

	"sarang/chat"
)

// Ref says whom an outcome is for. It means nothing to the room.
type Ref uint64

// Config bounds a room. All fields are required.
type Config struct {
	AnnounceMembersMax int           // up to that many members, joins and leaves are events
	PublishersMax      int           // authors whose nonces are kept in memory
	AwayGrace          time.Duration // how long a user stays a member without a session
}

// Room is one room's state.
type Room struct {
	config  Config
	info    chat.Room
	lastMs  int64
	members map[chat.UserID]*member
	away    []awayUser // in order of time

	gathering, flying batch
	inFlight          bool
	pendingBytes      int // of the messages gathering, in flight and held

	publishers publisherCache
}

type member struct {
	name     string
	sessions uint32
	since    uint32 // counts up with every change, to tell an old awayUser
}

type awayUser struct {
	user  chat.UserID
	since uint32
	at    time.Duration
}

// batch is a run of events with whom to tell about each.
type batch struct {
	events []chat.Event
	refs   []Ref // 0: nobody
	also   []also
}

// also is one more who waits for an event of a batch.
type also struct {
	event int
	ref   Ref
}

// waiting calls tell for everybody who waits for event i.
func (b *batch) waiting(i int, tell func(Ref)) {
	if b.refs[i] != 0 {
		tell(b.refs[i])
	}
	for _, a := range b.also {
		if a.event == i {
			tell(a.ref)
		}
	}
}

func (b *batch) add(e chat.Event, to Ref) {
	b.events = append(b.events, e)
	b.refs = append(b.refs, to)
}

// within is how many of the first events are within the bounds; one at least.
func (b *batch) within(eventsMax, textBytesMax int) int {
	n, textBytes := 0, 0
	for n < len(b.events) && n < eventsMax && textBytes < textBytesMax {
		textBytes += len(b.events[n].Text)
		n++
	}
	return n
}

// split moves the first n events to an empty batch.
func (b *batch) split(n int, to *batch) {
	to.events, to.refs = append(to.events, b.events[:n]...), append(to.refs, b.refs[:n]...)
	rest := copy(b.events, b.events[n:])
	clear(b.events[rest:])
	b.events, b.refs = b.events[:rest], b.refs[:copy(b.refs, b.refs[n:])]
	kept := b.also[:0]
	for _, a := range b.also {
		if a.event < n {
			to.also = append(to.also, a)
		} else {
			kept = append(kept, also{a.event - n, a.ref})
		}
	}
	b.also = kept
}

// reset empties the batch; what only a peak has needed is let go.
func (b *batch) reset() {
	if cap(b.events) > 2*batchEventsMax {
		*b = batch{}
		return
	}
	clear(b.events)
	b.events, b.refs, b.also = b.events[:0], b.refs[:0], nil
}

// New makes a room from what the store knows of it.
func New(info chat.Room, c Config) *Room {
	return &Room{
		config: c, info: info,
		members:    map[chat.UserID]*member{},
		publishers: newPublisherCache(c.PublishersMax, info.Ephemeral || info.LastSeq == 0),
	}
}

// NotBefore keeps the times of events from being smaller than ms, that of the last
// event in the log.
func (r *Room) NotBefore(ms int64) { r.lastMs = max(r.lastMs, ms) }

// Info is what is known of the room; LastSeq is the end of its log.
func (r *Room) Info() chat.Room { return r.info }

// Members is the number of users in the room.
func (r *Room) Members() int { return len(r.members) }

// IsMember says whether the user is in the room.
func (r *Room) IsMember(u chat.UserID) bool { return r.members[u] != nil }

// Member is a user in the room.
type Member struct {
	User chat.UserID
	Name string
}

// MemberPage returns up to itemsMax members with ids above after, in order, and
// whether there are more.
func (r *Room) MemberPage(after chat.UserID, itemsMax int) (page []Member, more bool) {
	for u, m := range r.members {
		if u > after {
			page = append(page, Member{u, m.name})
		}
	}
	slices.SortFunc(page, func(a, b Member) int { return cmp.Compare(a.User, b.User) })
	if len(page) > itemsMax {
		return page[:itemsMax], true
	}
	return page, false
}

// Join adds a session of a user.
func (r *Room) Join(u chat.UserID, name string) {
	m := r.members[u]
	if m == nil {
		m = &member{name: name}
		r.members[u] = m
		r.announce(chat.EventJoin, u, name)
	}
	m.sessions++
	m.since++
}

// Leave takes a session of a user away. When it was his last, he leaves: at once if
// he said so, and else when he has not come back within the grace (see Expire). It
// returns whether Expire is wanted.
func (r *Room) Leave(u chat.UserID, said bool, now time.Duration) (expire bool) {
	m := r.members[u]
	if m == nil || m.sessions == 0 {
		return false
	}
	m.sessions--
	m.since++
	if m.sessions > 0 {
		return false
	}
	if said {
		r.depart(u, m)
		return false
	}
	r.away = append(r.away, awayUser{u, m.since, now})
	return true
}

// Expire lets those leave whose grace has passed. It returns how long it is until
// the next one's does, negative if there is none.
func (r *Room) Expire(now time.Duration) time.Duration {
	for len(r.away) > 0 {
		a := r.away[0]
		if wait := a.at + r.config.AwayGrace - now; wait > 0 {
			return wait
		}
		r.away = r.away[1:]
		if m := r.members[a.user]; m != nil && m.since == a.since && m.sessions == 0 {
			r.depart(a.user, m)
		}
	}
	r.away = nil
	return -1
}

func (r *Room) depart(u chat.UserID, m *member) {
	delete(r.members, u)
	r.announce(chat.EventLeave, u, m.name)
}

// announce makes an event of a join or leave, unless the room is too large for that or
// has a whole batch waiting already: a crowd that comes and goes must not hold up what
// is said.
func (r *Room) announce(k chat.EventKind, u chat.UserID, name string) {
	if len(r.members) <= r.config.AnnounceMembersMax && len(r.gathering.events) < batchEventsMax {
		r.pendingBytes += cost("")
		r.gathering.add(chat.Event{Room: r.info.ID, Kind: k, User: u, Name: name}, 0)
	}
}

// Start is where a new reader begins.
type Start struct {
	After chat.Seq // everything above is delivered
	Gap   bool     // the reader's cursor is void: it stood in another epoch, or beyond the end
}

// StartAt finds where a reader begins who says that it has everything up to seq of
// epoch, or, without a cursor (epoch 0), who wants the last history events.
func (r *Room) StartAt(epoch chat.Epoch, seq chat.Seq, history int) Start {
	last := r.info.LastSeq
	switch {
	case epoch == 0:
		return Start{After: last - min(last, chat.Seq(max(history, 0)))}
	case epoch != r.info.Epoch:
		return Start{After: last - min(last, chat.Seq(max(history, 0))), Gap: true}
	case seq > last:
		return Start{After: last, Gap: true}
	}
	return Start{After: seq}
}
