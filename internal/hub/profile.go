package hub

import (
	"context"
	"strings"

	"sarang/chat"
	"sarang/engine"
	"sarang/internal/limit"
)

// UserInfo is a user as another one sees him.
type UserInfo struct {
	chat.User
	chat.Profile
	Presence Presence
	LastMs   int64 // of who is offline: when he was seen last, to the minute; 0: it is not told
	Blocked  bool  // by who asks
}

// LookUp tells the client who somebody is, or, if nobody is named, its user himself. The strings
// of whom are lent.
func (s *Shard) LookUp(o *Session, ref RequestRef, whom Whom) {
	if !s.mayRequest(o, ref, limit.LevelReads) {
		return
	}
	if whom.ID == 0 && whom.Name == "" {
		whom.ID = o.User
	}
	key, refusal := whom.key()
	if refusal != nil {
		s.fail(o, ref, refusal)
		return
	}
	if !s.begin(o, ref) {
		return
	}
	h, me := s.hub, o.User
	s.read(o, ref, func(ctx context.Context) func(*Session) {
		u, err := h.lookUp(ctx, me, whom.ID, key)
		return func(o *Session) {
			if err != nil {
				s.fail(o, ref, h.typed("looking up a user", err))
				return
			}
			o.Client.Profile(o, ref, u)
		}
	})
}

// lookUp returns a user, by id, or by key if that is 0, as he is shown to another one.
func (h *Hub) lookUp(ctx context.Context, me, id chat.UserID, key string) (info UserInfo, err error) {
	id, err = h.user(ctx, id, key)
	if err != nil {
		return info, err
	}
	if info.User, err = h.config.Store.User(ctx, id); err != nil {
		return info, err
	}
	profiles, err := h.config.Store.Profiles(ctx, []chat.UserID{id})
	if err != nil {
		return info, err
	}
	for _, p := range profiles {
		info.Profile = p.Profile
	}
	if me != id {
		// The first behind the one before him is he, or he is not blocked.
		blocks, err := h.config.Store.Blocks(ctx, me, id-1, 1)
		if err != nil {
			return info, err
		}
		info.Blocked = len(blocks) > 0 && blocks[0].ID == id
	}
	h.addPresence(&info, me == id)
	return info, nil
}

// addPresence says whether a user is online, if he lets it be told to others.
func (h *Hub) addPresence(u *UserInfo, self bool) {
	if u.Hidden && !self {
		u.Hidden = false // that he hides it is his own affair, too
		return
	}
	presence, leftMs := h.online.presence(u.ID)
	u.Presence = presence
	if presence == PresenceOffline {
		u.LastMs = max(u.SeenMs, leftMs) / minuteMs * minuteMs
	}
}

// SetProfile changes what the session's user says of himself; the client is told Profile or
// Failed, and his other sessions Profile. The strings are lent.
func (s *Shard) SetProfile(o *Session, ref RequestRef, c chat.ProfileChange) {
	if err := c.Check(); err != nil {
		if s.mayAsk(o, ref) {
			s.fail(o, ref, asError(err))
		}
		return
	}
	bytes := 0
	for _, text := range []**string{&c.DisplayName, &c.About, &c.Status} {
		if *text != nil {
			own := strings.Clone(**text)
			bytes += len(own)
			*text = &own
		}
	}
	if !s.mayWrite(o, ref, bytes) {
		return
	}
	h, user, id := s.hub, o.User, o.Engine.ID()
	s.write(o, ref, "changing a profile", func(ctx context.Context) error {
		_, err := h.config.Store.ChangeProfile(ctx, user, c)
		if err != nil {
			return err
		}
		h.counts.profiles.Add(1)
		info, err := h.lookUp(ctx, user, user, "")
		if err != nil {
			return err
		}
		h.tellUser(user, id, ref, func(o *Session, ref RequestRef) { o.Client.Profile(o, ref, info) })
		return nil
	})
}

// mayWrite begins a request that has something stored which is no event, of so many bytes of
// text.
func (s *Shard) mayWrite(o *Session, ref RequestRef, textBytes int) bool {
	return s.mayRequest(o, ref, limit.LevelEntries) && s.diskTakes(o, ref) && s.mayStore(o, ref, 1, textBytes) && s.begin(o, ref)
}

// write runs a request that has begun and that changes the store, where logins are done. Do tells
// the client what came of it, by tellUser, unless it fails.
func (s *Shard) write(o *Session, ref RequestRef, what string, do func(ctx context.Context) error) {
	id, h := o.Engine.ID(), s.hub
	ok := s.give(h.claims, o.source(), func() {
		ctx, cancel := context.WithTimeout(context.Background(), h.config.StoreTimeout)
		defer cancel()
		err := do(ctx)
		s.worker.Post(engine.MessageFunc(func(*engine.Worker) {
			if o := s.session(id); o != nil {
				o.requests--
				if err != nil {
					s.fail(o, ref, h.typed(what, err))
				}
			}
		}))
	})
	if !ok {
		o.requests--
		s.limited(o, limitedEntries)
		s.fail(o, ref, overloaded("too many requests wait for the store; try again"))
	}
}

// tellUser has f done for all sessions of a user, each on its worker: for the one that has asked
// for something with its ref, for the others with one that answers nothing. It runs on a task;
// what one posts to a shard comes there before what is posted later.
func (h *Hub) tellUser(user chat.UserID, asker engine.SessionID, ref RequestRef, f func(o *Session, ref RequestRef)) {
	for _, id := range h.online.sessionsOf(user) {
		s, of := h.shards[id.Worker()], RequestRef{Kind: ref.Kind}
		if id == asker {
			of = ref
		}
		s.worker.Post(engine.MessageFunc(func(*engine.Worker) {
			if o := s.session(id); o != nil && o.User == user && o.login == loginDone {
				f(o, of)
			}
		}))
	}
}
