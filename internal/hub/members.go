package hub

import (
	"sarang/chat"
	"sarang/internal/limit"
)

// Members tells the client a page of who is present in a room.
func (s *Shard) Members(o *Session, ref RequestRef, after chat.UserID, itemsWant int) {
	if !s.mayRequest(o, ref, limit.LevelReads) || !s.begin(o, ref) {
		return
	}
	s.ask(&membersRequest{
		asker: asker{session: o.Engine.ID(), network: o.network, user: o.User, ref: ref, counted: true},
		after: after, items: s.items(itemsWant),
	})
}

type membersRequest struct {
	asker
	after chat.UserID
	items int
}

func (r *membersRequest) at(h *home) {
	if !h.may(r, chat.ActionMembers) {
		return
	}
	page, more := h.room.MemberPage(r.after, r.items)
	users := make([]chat.User, len(page))
	for i, m := range page {
		users[i] = chat.User{ID: m.User, Name: m.Name}
	}
	h.shard.answer(r.session.Worker(), &membersPage{r.asker, users, h.room.Members(), more})
}

type membersPage struct {
	asker
	users []chat.User
	total int
	more  bool
}

func (p *membersPage) on(s *Shard) {
	if o := s.session(p.session); o != nil {
		o.requests--
		o.Client.Members(o, p.ref, p.users, p.total, p.more)
	}
}
