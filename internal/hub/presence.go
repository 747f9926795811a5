package hub

import (
	"context"
	"slices"
	"time"

	"sarang/chat"
	"sarang/engine"
	"sarang/internal/limit"
)

// Whether somebody is online is told to who looks: with a profile, and with those present in a
// room. Nobody is told that it changes, so that those who come and go cost nothing; and it is in
// no log.

// Presence says whether somebody is online. The numbers are part of the wire protocol.
type Presence uint8

// The presences.
const (
	PresenceNotTold Presence = 0
	PresenceOffline Presence = 1
	PresenceAway    Presence = 2 // nobody sits at any of his sessions
	PresenceOnline  Presence = 3
)

const minuteMs = int64(time.Minute / time.Millisecond)

const (
	// leftMax bounds the users of a stripe of whom it is remembered when they left, until the
	// store is told. Of the others what the store knows is a login.
	leftMax = 1024
	// leftEvery is how often the store is told who has left.
	leftEvery = time.Minute
)

// presence returns whether a user is online, and, if he is not, when he was, if that is still
// known here. Any goroutine may ask.
func (o *online) presence(u chat.UserID) (p Presence, leftMs int64) {
	s := o.stripe(u)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch x := s.users[u]; x.sessions {
	case 0:
		return PresenceOffline, int64(s.left[u]) * minuteMs
	case x.away:
		return PresenceAway, 0
	}
	return PresenceOnline, 0
}

// setAway counts a session of a user as one that nobody sits at, or not any more.
func (o *online) setAway(u chat.UserID, away bool) {
	s := o.stripe(u)
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.users[u]
	if away {
		x.away++
	} else {
		x.away--
	}
	s.users[u] = x
}

// noteLeft remembers when the last session of a user has ended.
func (s *onlineStripe) noteLeft(u chat.UserID, nowMs int64) {
	if len(s.left) >= leftMax {
		return
	}
	if s.left == nil {
		s.left = map[chat.UserID]uint32{}
	}
	s.left[u] = unixMinutes(nowMs)
}

// takeLeft returns some users who have left, and when the last of them did.
func (s *onlineStripe) takeLeft(most int) (users []chat.UserID, atMs int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for u := range s.left {
		users = append(users, u)
	}
	slices.Sort(users) // the same of them whenever a history is played again
	users = users[:min(len(users), most)]
	for _, u := range users {
		atMs = max(atMs, int64(s.left[u])*minuteMs)
	}
	return users, atMs
}

// forgetLeft forgets when users have left, unless they did again.
func (s *onlineStripe) forgetLeft(users []chat.UserID, atMs int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range users {
		if int64(s.left[u])*minuteMs <= atMs {
			delete(s.left, u)
		}
	}
	if len(s.left) == 0 {
		s.left = nil
	}
}

// Away says whether somebody sits at the session; the client is told Done.
func (s *Shard) Away(o *Session, ref RequestRef, away bool) {
	if !s.mayRequest(o, ref, limit.LevelEphemeral) {
		return
	}
	if o.away != away {
		o.away = away
		s.hub.online.setAway(o.User, away)
	}
	o.Client.Done(o, ref)
}

// tellLeft has the store told soon who has left. Of several shards one does it for all.
func (s *Shard) tellLeft() {
	if !s.leftTimer.Running() {
		s.worker.After(&s.leftTimer, leftEvery, func(*engine.Timer) { s.giveLeft() })
	}
}

func (s *Shard) giveLeft() {
	h := s.hub
	if !h.tellingLeft.CompareAndSwap(false, true) {
		return
	}
	if !s.give(h.claims, limit.Source{}, func() { defer h.tellingLeft.Store(false); h.tellStoreLeft() }) {
		h.tellingLeft.Store(false)
	}
}

// tellStoreLeft tells the store who has left. It runs where logins do. Users who do not fit, or
// whom the store could not be told of, keep their place until the next time.
func (h *Hub) tellStoreLeft() {
	for i := range h.online.stripes {
		stripe := &h.online.stripes[i]
		for {
			users, atMs := stripe.takeLeft(seenBatchMax)
			if len(users) == 0 {
				break
			}
			ctx, cancel := context.WithTimeout(context.Background(), h.config.StoreTimeout)
			err := h.config.Store.Seen(ctx, users, atMs)
			cancel()
			if err != nil {
				h.logTrouble(&h.troubles.request, "noting who has left failed", "users", len(users), "error", err)
				return
			}
			stripe.forgetLeft(users, atMs)
		}
	}
}
