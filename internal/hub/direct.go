package hub

import (
	"context"
	"slices"
	"strings"

	"sarang/chat"
	"sarang/engine"
	"sarang/internal/limit"
)

// Direct opens the direct room of the session's user and others, which is made if there is
// none; the client is told Created or Failed. The user belongs to it then; the others do as
// soon as something is said in it.
func (s *Shard) Direct(o *Session, ref RequestRef, with []Whom) {
	if !s.mayRequest(o, ref, limit.LevelEntries) {
		return
	}
	if len(with) > chat.DirectUsersMax {
		_, _, err := chat.DirectKey(nil)
		s.fail(o, ref, asError(err))
		return
	}
	keys := make([]string, len(with))
	with = slices.Clone(with)
	for i := range with {
		key, err := with[i].key()
		if err != nil {
			s.fail(o, ref, err)
			return
		}
		keys[i], with[i].Name = key, strings.Clone(with[i].Name)
	}
	if !s.begin(o, ref) {
		return
	}
	hub, me, id, m := s.hub, o.User, o.Engine.ID(), o.maker()
	ok := s.give(hub.claims, o.source(), func() {
		ctx, cancel := context.WithTimeout(context.Background(), hub.config.StoreTimeout)
		defer cancel()
		r, err := hub.findDirect(ctx, me, with, keys)
		s.worker.Post(engine.MessageFunc(func(*engine.Worker) { s.directFound(id, m, ref, r, err) }))
	})
	if !ok {
		o.requests--
		s.limited(o, limitedEntries)
		s.fail(o, ref, overloaded("too many requests wait for the store; try again"))
	}
}

// findDirect returns the direct room of a user and others, without an id if it is to be made.
func (h *Hub) findDirect(ctx context.Context, me chat.UserID, with []Whom, keys []string) (chat.Room, error) {
	users := []chat.UserID{me}
	for i, w := range with {
		u, err := h.user(ctx, w.ID, keys[i])
		if err != nil {
			return chat.Room{}, err
		}
		users = append(users, u)
	}
	key, users, err := chat.DirectKey(users)
	if err != nil {
		return chat.Room{}, err
	}
	r, err := h.config.Store.RoomByKey(ctx, key)
	if chat.CodeOf(err) != chat.CodeNoRoom {
		return r, err
	}
	names := make([]string, len(users))
	for i, id := range users {
		u, err := h.config.Store.User(ctx, id)
		if err != nil {
			return chat.Room{}, err
		}
		names[i] = u.Name
	}
	return chat.Room{Key: key, Name: chat.DirectName(names)}, nil
}

// directFound makes the room, if it is not there.
func (s *Shard) directFound(id engine.SessionID, m maker, ref RequestRef, r chat.Room, err error) {
	o := s.session(id)
	switch {
	case o == nil:
	case err != nil:
		o.requests--
		s.fail(o, ref, s.hub.typed("opening a direct room", err))
	case r.ID != 0:
		s.enterDirect(o, ref, r.ID)
	default:
		made := func(made chat.Room, err error) {
			if chat.CodeOf(err) == chat.CodeRoomExists { // another of them was quicker
				err = &chat.Error{Code: chat.CodeUnavailable, Message: "somebody opens this room just now; try again", RetryAfter: retryLater}
			}
			s.directFound(id, m, ref, made, err)
		}
		m.user = 0 // it is nobody's: no owner, and no place of those that a user may make
		if err := s.makeRoom(m, NewRoom{Name: r.Name, Private: true}, r.Key, made); err != nil {
			o.requests--
			s.fail(o, ref, err)
		}
	}
}

// enterDirect has the user belong to a direct room of his.
func (s *Shard) enterDirect(o *Session, ref RequestRef, room chat.RoomID) {
	told := ref
	told.Room = room
	s.ask(&directRequest{
		asker: asker{session: o.Engine.ID(), network: o.network, user: o.User, ref: told, counted: true}, told: ref,
	})
}

type directRequest struct {
	asker
	told RequestRef
}

func (r *directRequest) at(h *home) {
	if !h.may(r, chat.ActionJoin) {
		return
	}
	info := h.info()
	h.shard.belong(chat.MemberChange{Kind: chat.MemberEnters, User: r.user, Room: info.ID, Seq: info.LastSeq}, nil)
	h.shard.answer(r.session.Worker(), &directOpened{r, info})
}

type directOpened struct {
	request *directRequest
	info    RoomInfo
}

func (d *directOpened) on(s *Shard) {
	if o := s.session(d.request.session); o != nil {
		o.requests--
		o.Client.Created(o, d.request.told, d.info)
	}
}

// said has the users of a direct room belong to it when something is said there, also those who
// have left it. Who did not belong to it is told, on all his devices.
func (h *home) said(events []chat.Event) {
	if h.direct == nil {
		return
	}
	var said []chat.UserID // a few: all are users of the room
	for i := range events {
		e := &events[i]
		if e.Kind != chat.EventMessage || slices.Contains(said, e.User) {
			continue
		}
		said = append(said, e.User)
		for _, u := range h.direct {
			c := chat.MemberChange{Kind: chat.MemberEnters, User: u, Room: e.Room, Seq: e.Seq - 1}
			if u != e.User {
				c.By = e.User // whoever blocks him does not come into it, and he does not notice
			}
			h.shard.belongNews(c)
		}
	}
}
