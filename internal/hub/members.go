package hub

import (
	"context"
	"slices"

	"sarang/chat"
	"sarang/engine"
	"sarang/internal/limit"
	"sarang/internal/room"
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

	asked    bool                         // for the profiles
	profiles map[chat.UserID]chat.Profile // of the page as it was then; of others nothing is told
}

// MemberInfo is a user who is present in a room.
type MemberInfo struct {
	ID          chat.UserID
	Name        string
	DisplayName string
	Presence    Presence
}

func (r *membersRequest) at(h *home) {
	if !h.may(r, chat.ActionMembers) {
		return
	}
	page, more := h.room.MemberPage(r.after, r.items)
	if !r.asked && len(page) > 0 {
		h.shard.answer(r.session.Worker(), &membersProfiles{r, page})
		return
	}
	users := make([]MemberInfo, len(page))
	for i, m := range page {
		users[i] = MemberInfo{ID: m.User, Name: m.Name}
		if p, known := r.profiles[m.User]; known {
			users[i].DisplayName = p.DisplayName
			if !p.Hidden {
				users[i].Presence, _ = h.shard.hub.online.presence(m.User)
			}
		}
	}
	h.shard.answer(r.session.Worker(), &membersPage{r.asker, users, h.room.Members(), more})
}

// membersProfiles has the profiles of a page read, and then the room asked again: the page that
// is told is of a moment behind all that was shown before, whatever the store takes.
type membersProfiles struct {
	request *membersRequest
	page    []room.Member
}

func (m *membersProfiles) on(s *Shard) {
	r, h := m.request, s.hub
	o := s.session(r.session)
	if o == nil {
		return
	}
	r.asked = true
	ids := make([]chat.UserID, len(m.page))
	for i := range ids {
		ids[i] = m.page[i].User
	}
	ok := s.give(h.reads, o.source(), func() {
		ctx, cancel := context.WithTimeout(context.Background(), h.config.StoreTimeout)
		defer cancel()
		profiles, err := h.profiles(ctx, ids)
		if err != nil {
			h.logTrouble(&h.troubles.request, "reading profiles failed", "error", err)
		}
		s.worker.Post(engine.MessageFunc(func(*engine.Worker) { r.profiles = profiles; s.ask(r) }))
	})
	if !ok {
		s.ask(r) // without them
	}
}

// profiles returns the profiles of users, empty ones of those who have said nothing.
func (h *Hub) profiles(ctx context.Context, users []chat.UserID) (map[chat.UserID]chat.Profile, error) {
	all := make(map[chat.UserID]chat.Profile, len(users))
	for part := range slices.Chunk(users, chat.ProfilesMax) {
		profiles, err := h.config.Store.Profiles(ctx, part)
		if err != nil {
			return nil, err
		}
		for _, u := range part {
			all[u] = chat.Profile{}
		}
		for _, p := range profiles {
			all[p.User] = p.Profile
		}
	}
	return all, nil
}

type membersPage struct {
	asker
	users []MemberInfo
	total int
	more  bool
}

func (p *membersPage) on(s *Shard) {
	if o := s.session(p.session); o != nil {
		o.requests--
		o.Client.Members(o, p.ref, p.users, p.total, p.more)
	}
}
