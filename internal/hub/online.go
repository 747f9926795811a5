package hub

import (
	"context"
	"slices"
	"time"

	"sarang/chat"
	"sarang/engine"
	"sarang/internal/limit"
	"sarang/lock"
)

// A name that nobody has used for Config.GuestNameReserved is given to who asks for it. A
// login says that it is used; and so does whoever stays for months: the hub knows who is
// online, gives no name of theirs away, and tells the store once in Config.SeenEvery.

const (
	onlineStripes = 64
	seenBatchMax  = 256 // users whom one call of the store is told of
	// seenLooks is how often in Config.SeenEvery it is looked whom the store is to be told of.
	seenLooks = 24
)

// online is who is logged in, in stripes: the workers share it.
type online struct{ stripes [onlineStripes]onlineStripe }

type onlineStripe struct {
	mu    lock.Mutex
	users map[chat.UserID]onlineUser
	more  map[chat.UserID][]engine.SessionID // the sessions of who has several, but one
	left  map[chat.UserID]uint32             // Unix minutes: when users left of whom the store is to be told
}

type onlineUser struct {
	session  engine.SessionID // one of his sessions: most have no other
	sessions uint32
	away     uint32 // of these, those that nobody sits at
	seenMin  uint32 // Unix minutes: when the store was told last
}

func (o *online) init() {
	class := lock.NewClass("hub.online")
	for i := range o.stripes {
		o.stripes[i].mu.Init(class)
		o.stripes[i].users = map[chat.UserID]onlineUser{}
	}
}

func (o *online) stripe(u chat.UserID) *onlineStripe { return &o.stripes[u%onlineStripes] }

func unixMinutes(ms int64) uint32 { return uint32(max(ms, 0) / time.Minute.Milliseconds()) }

// enter adds a session of a user, whose login the store knows of.
func (o *online) enter(u chat.UserID, id engine.SessionID, nowMs int64) {
	s := o.stripe(u)
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.users[u]
	if x.sessions == 0 {
		x.seenMin, x.session = unixMinutes(nowMs), id
	} else {
		if s.more == nil {
			s.more = map[chat.UserID][]engine.SessionID{}
		}
		s.more[u] = append(s.more[u], id)
	}
	x.sessions++
	s.users[u] = x
}

// leave takes a session of a user away, at which nobody sat or somebody did.
func (o *online) leave(u chat.UserID, id engine.SessionID, away bool, nowMs int64) {
	s := o.stripe(u)
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.users[u]
	if x.sessions--; x.sessions == 0 {
		delete(s.users, u)
		s.noteLeft(u, nowMs)
		return
	}
	if away {
		x.away--
	}
	rest := s.more[u]
	if x.session == id {
		x.session, rest = rest[len(rest)-1], rest[:len(rest)-1]
	} else if i := slices.Index(rest, id); i >= 0 {
		rest = slices.Delete(rest, i, i+1)
	}
	if s.more[u] = rest; len(rest) == 0 {
		delete(s.more, u)
	}
	s.users[u] = x
}

// sessionsOf returns the sessions of a user. Any goroutine may ask.
func (o *online) sessionsOf(u chat.UserID) []engine.SessionID {
	s := o.stripe(u)
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.users[u]
	if x.sessions == 0 {
		return nil
	}
	return append([]engine.SessionID{x.session}, s.more[u]...)
}

// is reports whether a user has a session. Any goroutine may ask.
func (o *online) is(u chat.UserID) bool {
	s := o.stripe(u)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.users[u].sessions > 0
}

// due returns the users of a stripe of whom the store was told no later than at a time.
func (s *onlineStripe) due(toldMs int64) (users []chat.UserID) {
	told := unixMinutes(toldMs)
	s.mu.Lock()
	defer s.mu.Unlock()
	for u, x := range s.users {
		if x.seenMin <= told {
			users = append(users, u)
		}
	}
	return users
}

// told notes that the store was told of users of a stripe.
func (s *onlineStripe) told(users []chat.UserID, nowMs int64) {
	now := unixMinutes(nowMs)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range users {
		if x := s.users[u]; x.sessions > 0 {
			x.seenMin = now
			s.users[u] = x
		}
	}
}

// entered notes a session of this shard that has logged in.
func (s *Shard) entered(u chat.UserID, id engine.SessionID) {
	s.hub.counts.users.Add(1)
	s.hub.online.enter(u, id, s.hub.nowMs())
	if s.loggedIn++; !s.seenTimer.Running() {
		s.worker.After(&s.seenTimer, s.hub.seenLook(), s.tellSeen)
	}
}

// gone notes one that is over.
func (s *Shard) gone(u chat.UserID, id engine.SessionID, away bool) {
	s.hub.counts.users.Add(-1)
	s.hub.online.leave(u, id, away, s.hub.nowMs())
	s.tellLeft()
	if s.loggedIn--; s.loggedIn == 0 {
		s.worker.Stop(&s.seenTimer)
	}
}

func (h *Hub) seenLook() time.Duration { return max(h.config.SeenEvery/seenLooks, time.Minute) }

// tellSeen has the store told of users who are online for long. Of several shards one does
// it for all.
func (s *Shard) tellSeen(t *engine.Timer) {
	s.worker.After(t, s.hub.seenLook(), s.tellSeen)
	h := s.hub
	if !h.tellingSeen.CompareAndSwap(false, true) {
		return
	}
	if !s.give(h.claims, limit.Source{}, func() { defer h.tellingSeen.Store(false); h.tellStoreSeen() }) {
		h.tellingSeen.Store(false)
	}
}

// tellStoreSeen tells the store who is online. It runs where logins do.
func (h *Hub) tellStoreSeen() {
	for i := range h.online.stripes {
		stripe := &h.online.stripes[i]
		now := h.nowMs()
		users := stripe.due(now - h.config.SeenEvery.Milliseconds())
		for len(users) > 0 {
			batch := users[:min(len(users), seenBatchMax)]
			users = users[len(batch):]
			ctx, cancel := context.WithTimeout(context.Background(), h.config.StoreTimeout)
			err := h.config.Store.Seen(ctx, batch, now)
			cancel()
			if err != nil { // at the next look, then
				h.logTrouble(&h.troubles.request, "noting who is online failed", "users", len(batch), "error", err)
				return
			}
			stripe.told(batch, now)
		}
	}
}
