package hub

import (
	"context"

	"sarang/chat"
	"sarang/engine"
	"sarang/internal/limit"
)

// Whom a user blocks is kept here for all his sessions, which hide what is said by him; a room's
// log is the same for all. What the server does by itself is about rooms: a block takes the user
// out of the direct room of the two, and nothing that the other one says brings him into one
// (home.said). The other one is told nothing of it.

// BlockRequest has the user block another one, or not any more. Its strings are lent.
type BlockRequest struct {
	Whom
	Remove bool
}

// Block changes whom the session's user blocks; the client is told Blocked or Failed, and his
// other sessions Blocked.
func (s *Shard) Block(o *Session, ref RequestRef, r BlockRequest) {
	key, refusal := r.key()
	if refusal != nil {
		if s.mayAsk(o, ref) {
			s.fail(o, ref, refusal)
		}
		return
	}
	if !s.mayWrite(o, ref, 0) {
		return
	}
	h, me, id := s.hub, o.User, o.Engine.ID()
	s.write(o, ref, "blocking a user", func(ctx context.Context) error {
		whom, err := h.user(ctx, r.ID, key)
		switch {
		case err != nil:
			return err
		case whom == me:
			return chat.Errorf(chat.CodeBadRequest, "nobody can block himself")
		}
		b := chat.BlockChange{Block: chat.Block{User: me, Whom: whom}, Remove: r.Remove, Most: h.config.UserBlocksMax}
		if err := h.config.Store.Block(ctx, b); err != nil {
			return err
		}
		h.counts.blocks.Add(1)
		if !r.Remove {
			h.leaveDirect(ctx, s, me, whom)
		}
		h.tellUser(me, id, ref, func(o *Session, ref RequestRef) { o.Client.Blocked(o, ref, whom, r.Remove) })
		return nil
	})
}

// leaveDirect has a user belong to the direct room of him and another one no more. That the
// block is stored stays true if it is not done: the room is left in a list.
func (h *Hub) leaveDirect(ctx context.Context, s *Shard, me, whom chat.UserID) {
	key, _, err := chat.DirectKey([]chat.UserID{me, whom})
	if err != nil {
		return
	}
	r, err := h.config.Store.RoomByKey(ctx, key)
	if err != nil {
		if chat.CodeOf(err) != chat.CodeNoRoom {
			h.logTrouble(&h.troubles.request, "finding a direct room that is to be left failed", "error", err)
		}
		return
	}
	s.worker.Post(engine.MessageFunc(func(*engine.Worker) {
		s.ask(&leavesUnasked{asker{user: me, ref: RequestRef{Room: r.ID}}})
	}))
}

// leavesUnasked has a user belong to a room no more: his sessions are told.
type leavesUnasked struct{ asker }

func (r *leavesUnasked) at(h *home) {
	h.shard.belongNews(chat.MemberChange{Kind: chat.MemberLeaves, User: r.user, Room: h.id()})
}

// Blocks tells the client a page of those whom its user blocks.
func (s *Shard) Blocks(o *Session, ref RequestRef, after chat.UserID, itemsWant int) {
	if !s.mayRequest(o, ref, limit.LevelReads) || !s.begin(o, ref) {
		return
	}
	h, me, items := s.hub, o.User, s.items(itemsWant)
	s.read(o, ref, func(ctx context.Context) func(*Session) {
		page, err := h.config.Store.Blocks(ctx, me, after, items+1)
		return func(o *Session) {
			if err != nil {
				s.fail(o, ref, h.typed("listing blocks", err))
				return
			}
			o.Client.Blocks(o, ref, page[:min(len(page), items)], len(page) > items)
		}
	})
}
