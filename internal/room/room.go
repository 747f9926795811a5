// Package room is the core of a room: its log's numbers, who is present and with what
// role, and which events are on their way to the store. It does no I/O and has no
// clock: what happens comes in by method calls, what is to be done goes out as results.
// A Room belongs to one goroutine.
//
// An event passes through three stages. Gathering: it was accepted and has no
// number. In flight: it has a number and is being stored; there is at most one
// batch in flight, so a batch that fails leaves no hole. In the log: it is stored,
// acknowledged, and may be shown.
//
// Others (another node) may write to the same log. What a Room knows is what the log
// says up to Info().LastSeq, and every decision is made at that number: a batch in
// flight is right only if the log still ends there. If it does not, Overtaken applies
// what came in between and decides again.
//
// Membership is not presence. A user's role is what the log says of him; that he is
// present is a matter of sessions, and forgotten with the process.
package room

import (
	"cmp"
	"time"

	"sarang/chat"
)

// Ref says whom an outcome is for. It means nothing to the room.
type Ref uint64

// Config bounds a room. All fields are required but those with a default.
type Config struct {
	AnnounceMembersMax int           // up to that many are present, joins and leaves are events
	AuthorsMax         int           // whose nonces and roles are kept in memory
	AwayGrace          time.Duration // how long a user stays present without a session
	FirstNonce         chat.Nonce    // of joins and leaves, which the room numbers upwards: random

	// A batch is bounded, so that one room does not keep the others waiting for the
	// store.
	BatchEventsMax    int // default 1024
	BatchTextBytesMax int // and one text more; default 256 KiB

	// TimeAheadMax is how far the last event's time may be ahead of the clock before the
	// log's time is set back to it; default 1 min.
	TimeAheadMax time.Duration

	NoncesPerUserMax int // that are remembered; default chat.NoncesPerUserMax

	EditFor time.Duration // how long after it a message may be edited; 0: always

	// RetriesWaitMax bounds the retries of events on their way that wait for the outcome,
	// of all authors together: each costs a look at each event. Default 1024.
	RetriesWaitMax int

	// What holds in all rooms, asked when it matters; nil: nobody. Operator reports whether a
	// user is an operator of the server, ShutOut whether he is banned from it.
	Operator, ShutOut func(chat.UserID) bool
}

// Room is one room's state.
type Room struct {
	config    Config
	info      chat.Room
	presence  map[chat.UserID]*present
	order     userOrder  // of presence
	away      []awayUser // in order of time
	nextNonce chat.Nonce // of joins and leaves

	gathering, flying batch
	inFlight          bool
	flyingRoles       map[chat.UserID]chat.Given // given by the batch in flight
	flyingSaid        map[chat.UserID]bool       // who says something in it, where that is slowed down
	takeMs            int64                      // the time of that batch
	pendingBytes      int                        // of the events gathering, in flight and held

	authors authorCache
	targets targets
	held    int // publishes that wait for their author
	closed  bool

	expired, expiring chat.Seq // up to where the log is erased, as far as is known, and is to be
}

// present is a user with sessions in the room.
type present struct {
	name     string
	sessions uint32
	since    uint32 // counts up with every change, to tell an old awayUser
}

type awayUser struct {
	user  chat.UserID
	since uint32
	at    time.Duration
}

// New makes a room from what the store knows of it.
func New(info chat.Room, c Config) *Room {
	c.BatchEventsMax = cmp.Or(c.BatchEventsMax, 1024)
	c.BatchTextBytesMax = cmp.Or(c.BatchTextBytesMax, 256<<10)
	c.TimeAheadMax = cmp.Or(c.TimeAheadMax, time.Minute)
	c.NoncesPerUserMax = cmp.Or(c.NoncesPerUserMax, chat.NoncesPerUserMax)
	c.RetriesWaitMax = cmp.Or(c.RetriesWaitMax, 1024)
	return &Room{
		config: c, info: info, nextNonce: c.FirstNonce,
		presence: map[chat.UserID]*present{}, targets: targets{},
		authors: newAuthorCache(c.AuthorsMax, c.NoncesPerUserMax, info.Ephemeral || info.LastSeq == 0),
	}
}

// Info is what is known of the room; LastSeq is the end of its log.
func (r *Room) Info() chat.Room { return r.info }

// Members is the number of users present.
func (r *Room) Members() int { return len(r.presence) }

// IsPresent reports whether the user has, or had within the grace, a session here.
func (r *Room) IsPresent(u chat.UserID) bool { return r.presence[u] != nil }

// Member is a user who is present.
type Member struct {
	User chat.UserID
	Name string
}

// MemberPage returns up to itemsMax users present with ids above after, in order, and
// whether there are more.
func (r *Room) MemberPage(after chat.UserID, itemsMax int) (page []Member, more bool) {
	users, more := r.order.page(after, itemsMax)
	page = make([]Member, len(users))
	for i, u := range users {
		page[i] = Member{u, r.presence[u].name}
	}
	return page, more
}

// Join adds a session of a user.
func (r *Room) Join(u chat.UserID, name string) {
	p := r.presence[u]
	if p == nil {
		p = &present{name: name}
		r.presence[u] = p
		r.order.add(u)
		r.announce(chat.EventJoin, u, name)
	}
	p.name = name // as he is called now
	p.sessions++
	p.since++
}

// Rename has a user who is present called otherwise.
func (r *Room) Rename(u chat.UserID, name string) {
	if p := r.presence[u]; p != nil {
		p.name = name
	}
}

// Leave takes a session of a user away. When it was his last, he goes: at once if the
// leave was asked for, and else when he has not come back within the grace (see
// Expire). It reports whether Expire is wanted.
func (r *Room) Leave(u chat.UserID, asked bool, now time.Duration) (expire bool) {
	p := r.presence[u]
	if p == nil || p.sessions == 0 {
		return false
	}
	p.sessions--
	p.since++
	if p.sessions > 0 {
		return false
	}
	if asked {
		r.depart(u, p)
		return false
	}
	r.away = append(r.away, awayUser{u, p.since, now})
	return true
}

// Dismiss lets a user go at once who is present without a session; who has sessions goes
// with the last of them.
func (r *Room) Dismiss(u chat.UserID) {
	if p := r.presence[u]; p != nil && p.sessions == 0 {
		r.depart(u, p)
	}
}

// Expire lets those go whose grace has passed. It returns how long it is until the
// next one's does, negative if there is none.
func (r *Room) Expire(now time.Duration) time.Duration {
	for len(r.away) > 0 {
		a := r.away[0]
		if wait := a.at + r.config.AwayGrace - now; wait > 0 {
			return wait
		}
		r.away = r.away[1:]
		if p := r.presence[a.user]; p != nil && p.since == a.since && p.sessions == 0 {
			r.depart(a.user, p)
		}
	}
	r.away = nil
	return -1
}

func (r *Room) depart(u chat.UserID, p *present) {
	delete(r.presence, u)
	r.order.remove(u)
	r.announce(chat.EventLeave, u, p.name)
}

// announce makes an event of a join or leave, unless the room is archived, too large for that or
// has a whole batch waiting already: a crowd that comes and goes must not hold up what
// is said.
func (r *Room) announce(k chat.EventKind, u chat.UserID, name string) {
	if !r.closed && !r.info.Archived && len(r.presence) <= r.config.AnnounceMembersMax && len(r.gathering.events) < r.config.BatchEventsMax {
		r.pendingBytes += cost("", "")
		r.gathering.add(chat.Event{Room: r.info.ID, Kind: k, User: u, Name: name, Nonce: r.nonce()}, origin{})
	}
}

// nonce returns the next one for an event of the room's own.
func (r *Room) nonce() chat.Nonce {
	r.nextNonce = max(r.nextNonce+1, 1)
	return r.nextNonce
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
		return r.StartAnew(history)
	case seq > last:
		return Start{After: last, Gap: true}
	}
	return Start{After: seq}
}

// StartAnew is StartAt for a reader whose cursor is not of this log.
func (r *Room) StartAnew(history int) Start {
	last := r.info.LastSeq
	return Start{After: last - min(last, chat.Seq(max(history, 0))), Gap: true}
}
