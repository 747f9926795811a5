package hub

import (
	"context"
	"fmt"

	"sarang/chat"
	"sarang/internal/limit"
)

// SeenMark is how far a user has read a room.
type SeenMark struct {
	User chat.UserID
	Seq  chat.Seq
}

// SeenBy tells the client who has read a room how far, of those who belong to it and let it be
// told. Of rooms with many it is refused: it is a look at each of them.
func (s *Shard) SeenBy(o *Session, ref RequestRef) {
	if !s.mayRequest(o, ref, limit.LevelReads) || !s.begin(o, ref) {
		return
	}
	s.ask(&seenByRequest{asker{session: o.Engine.ID(), network: o.network, user: o.User, ref: ref, counted: true}})
}

type seenByRequest struct{ asker }

func (r *seenByRequest) at(h *home) {
	switch {
	case !h.may(r, chat.ActionMembers):
	case h.room.Info().Ephemeral:
		h.shard.refuse(&r.asker, chat.Errorf(chat.CodeBadRequest, "an ephemeral room keeps nothing of who was in it"))
	default:
		h.shard.answer(r.session.Worker(), &seenByAllowed{r.asker})
	}
}

// seenByAllowed has the marks read for who may see them.
type seenByAllowed struct{ asker }

func (r *seenByAllowed) on(s *Shard) {
	o := s.session(r.session)
	if o == nil {
		return
	}
	h, me, room, ref := s.hub, o.User, r.ref.Room, r.ref
	s.read(o, ref, func(ctx context.Context) func(*Session) {
		marks, err := h.seenBy(ctx, me, room)
		return func(o *Session) {
			if err != nil {
				s.fail(o, ref, h.typed("reading marks", err))
				return
			}
			o.Client.SeenBy(o, ref, marks)
		}
	})
}

func (h *Hub) seenBy(ctx context.Context, me chat.UserID, room chat.RoomID) ([]SeenMark, error) {
	most := h.config.SeenByMembersMax
	all, err := h.config.Store.RoomMarks(ctx, room, most+1)
	if err != nil {
		return nil, err
	}
	if len(all) > most {
		return nil, &chat.Error{Code: chat.CodeTooMany, Message: fmt.Sprintf("who has read how far is told in rooms of up to %d users", most)}
	}
	users := make([]chat.UserID, len(all))
	for i := range all {
		users[i] = all[i].User
	}
	profiles, err := h.profiles(ctx, users)
	if err != nil {
		return nil, err
	}
	marks := make([]SeenMark, 0, len(all))
	for _, m := range all {
		if m.User == me || !profiles[m.User].Hidden {
			marks = append(marks, SeenMark{m.User, m.Mark})
		}
	}
	return marks, nil
}
