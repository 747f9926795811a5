package hub

import (
	"context"
	"strings"
	"time"

	"sarang/chat"
	"sarang/engine"
	"sarang/internal/limit"
	"sarang/internal/room"
)

// Somebody comes into a private room by a link. The session's shard counts the try and has the store
// look for the code; the room's home says whether he may come, has the use counted, and makes him a
// member by an event as any other invitation (invite.go). He is told when it is in the log.
//
// Whatever is wrong with a code, the answer is the same: it does not tell whether there was such a
// link. To who is banned from the room it is that one, too.

// linkTriesMax bounds the addresses of which it is remembered that codes of links were tried.
const linkTriesMax = 1 << 16

func newLinkTries(c *Limits) *limit.Guesses {
	return limit.NewGuesses(limit.GuessConfig{
		NamesMax: linkTriesMax,
		Network:  limit.NewRate(c.AddressLinkTriesPerMinute, time.Minute, c.AddressLinkTriesBurst),
	})
}

// JoinLink makes the user of a session a member of the room that a link leads to; the client is told
// Created, with the room, or Failed. text is lent: a code, or what has one in it.
func (s *Shard) JoinLink(o *Session, ref RequestRef, text string) {
	if !s.mayRequest(o, ref, limit.LevelEntries) {
		return
	}
	if s.hub.draining.Load() {
		s.fail(o, ref, draining())
		return
	}
	code, is := chat.RoomLinkCode(text)
	if !is {
		s.fail(o, ref, chat.NoRoomLink()) // nobody has looked for it
		return
	}
	hash := chat.InvitationHash(strings.Clone(code))
	if !s.diskTakes(o, ref) || !s.mayStore(o, ref, 1, 0) || !s.begin(o, ref) {
		return
	}
	hub := s.hub
	if wait := hub.linkTries.Ask("", o.network, s.now()); wait > 0 {
		o.requests--
		s.limited(o, limitedLinks)
		s.charge(o, RefusedBytes)
		s.fail(o, ref, &chat.Error{Code: chat.CodeTooFast, RetryAfter: wait + s.spread(o, ref), Message: "too many invitation links were tried; try again later"})
		return
	}
	who := asker{
		session: o.Engine.ID(), network: o.network, user: o.User, name: o.Name, ref: ref, counted: true,
		byName: byLink,
	}
	ok := s.give(hub.queries, o.source(), func() {
		ctx, cancel := context.WithTimeout(context.Background(), hub.config.StoreTimeout)
		defer cancel()
		l, err := chat.RoomLink{}, error(chat.NoRoomLink())
		if store, keeps := hub.config.Store.(chat.Moderation); keeps {
			l, err = store.RoomLink(ctx, hash, hub.nowMs())
		}
		s.worker.Post(engine.MessageFunc(func(*engine.Worker) { s.linkFound(who, l, err) }))
	})
	if !ok {
		hub.linkTries.Right("", o.network, false)
		o.requests--
		s.limited(o, limitedEntries)
		s.fail(o, ref, overloaded("too many requests wait for the store; try again"))
	}
}

// byLink says that a room was asked for neither by its id nor by its name: its id is not told.
const byLink = "a link"

// linkFound asks the home of the room, if there is one.
func (s *Shard) linkFound(who asker, l chat.RoomLink, err error) {
	if chat.CodeOf(err) != chat.CodeNoRoom {
		s.hub.linkTries.Right("", who.network, false) // it was right, or nobody has looked
	} else {
		s.hub.counts.linksWrong.Add(1)
	}
	if err != nil {
		s.refuse(&who, s.hub.typed("looking for an invitation link", err))
		return
	}
	who.ref.Room = l.Room
	s.ask(&linkRequest{who, l.ID})
}

// linkRequest comes into a room by a link.
type linkRequest struct {
	asker
	link uint64
}

func (r *linkRequest) at(h *home) {
	if err := h.ending(chat.ActionJoin); err != nil {
		if err.Code == chat.CodeNoRoom {
			err = chat.NoRoomLink()
		}
		h.shard.refuse(&r.asker, err)
		return
	}
	if !h.room.Loaded(r.user) {
		h.whenKnown(r.user, r)
		return
	}
	info, role := h.room.Info(), h.room.RoleOf(r.user, h.shard.hub.nowMs())
	switch {
	case !info.Private || info.Ephemeral || h.direct != nil:
		h.shard.refuse(&r.asker, chat.NoRoomLink())
	case role.May(chat.ActionJoin):
		h.linkOpened(r) // he belongs here already, and uses nothing
	case role != chat.RoleNone:
		h.shard.refuse(&r.asker, chat.NoRoomLink()) // banned is banned
	case info.Archived:
		h.shard.refuse(&r.asker, roomArchived())
	default:
		h.useLink(r)
	}
}

// linkJoin is somebody on his way into a room, and what waits for it.
type linkJoin struct {
	first   *linkRequest
	waiting []*linkRequest // other sessions of his
}

// linkRef stands for a user where an event's session stands: what becomes of it is told to linkDone.
const linkRef engine.SessionID = 1 << 63

// useLink has the store count the use of a link.
func (h *home) useLink(r *linkRequest) {
	if j := h.linkJoins[r.user]; j != nil {
		j.waiting = append(j.waiting, r)
		return
	}
	if h.linkJoins == nil {
		h.linkJoins = map[chat.UserID]*linkJoin{}
	}
	h.linkJoins[r.user] = &linkJoin{first: r}
	h.countUse(r, false, func(err error) {
		if err != nil {
			h.linkDone(r.user, h.shard.hub.typed("counting the use of an invitation link", err))
			return
		}
		h.publish(&publishRequest{
			session: linkRef | engine.SessionID(r.user), network: r.network, user: r.user, name: r.name,
			kind: chat.EventRole, nonce: chat.Nonce(h.shard.hub.Uint64() | 1), subject: r.user, role: chat.RoleMember, operator: true, invited: true,
		})
	})
	h.touch()
}

// countUse counts the use of a link at the store, or takes it back, and calls then here.
func (h *home) countUse(r *linkRequest, back bool, then func(error)) {
	hub := h.shard.hub
	use := chat.LinkUse{ID: r.link, User: r.user, RoomsMax: hub.config.UserMembershipsMax, Nonce: hub.Uint64() | 1, NowMs: hub.nowMs(), Back: back}
	ok := h.shard.give(hub.claims, r.source(), func() {
		ctx, cancel := context.WithTimeout(context.Background(), hub.config.StoreTimeout)
		defer cancel()
		err := hub.config.Store.(chat.Moderation).UseRoomLink(ctx, use)
		h.shard.worker.Post(engine.MessageFunc(func(*engine.Worker) {
			then(err)
			h.touch()
		}))
	})
	if !ok {
		then(overloaded("too many requests wait for the store; try again"))
	}
}

// linkEvent is told what became of the event that makes somebody a member, if it is one.
func (h *home) linkEvent(of room.Ref, err *chat.Error) (is bool) {
	if engine.SessionID(of)&linkRef == 0 {
		return false
	}
	user := chat.UserID(engine.SessionID(of) &^ linkRef)
	j := h.linkJoins[user]
	if j == nil {
		return true
	}
	if err == nil {
		h.shard.hub.counts.linksUsed.Add(1)
		h.linkDone(user, nil)
		return true
	}
	h.countUse(j.first, true, func(lost error) {
		if lost != nil {
			hub := h.shard.hub
			hub.logTrouble(&hub.troubles.request, "a use of an invitation link is lost", "room", h.id(), "link", j.first.link, "error", lost)
		}
		h.linkDone(user, err)
	})
	return true
}

// linkDone tells those who wait for a user to come in.
func (h *home) linkDone(user chat.UserID, err *chat.Error) {
	j := h.linkJoins[user]
	delete(h.linkJoins, user)
	switch {
	case err == nil:
		h.linkOpened(j.first)
	case err.Code == chat.CodeForbidden:
		j.first.at(h) // he has a role by now: that says what he is told
	default:
		h.shard.refuse(&j.first.asker, err)
	}
	for _, r := range j.waiting {
		r.at(h) // by another link, maybe
	}
}

// linkOpened tells the client which room it is.
func (h *home) linkOpened(r *linkRequest) {
	h.shard.answer(r.session.Worker(), &directOpened{&directRequest{r.asker, r.ref.asked(byLink)}, h.info()})
}
