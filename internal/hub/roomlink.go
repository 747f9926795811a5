package hub

import (
	"context"
	"fmt"
	"time"

	"sarang/chat"
)

// Links by which people come into private rooms: made, listed and revoked by those who may invite,
// as the other requests of moderation (reports.go). How somebody comes by one is in joinlink.go.

// linksPageMax is how many links are in a page: the store is asked for the name of each maker.
const linksPageMax = 50

// LinkInfo is a link as a client sees it.
type LinkInfo struct {
	chat.RoomLink
	ByName string
}

// MakeLink makes a link into a private room that holds so long (0: until it is revoked) and for so
// many (0: no bound); the client is told MadeLink, with the code, or Failed.
func (s *Shard) MakeLink(o *Session, ref RequestRef, last time.Duration, usesMax int) {
	if last < 0 || last > chat.RoomLinkForMax || usesMax < 0 || usesMax > chat.RoomLinkUsesMax {
		s.fail(o, ref, chat.Errorf(chat.CodeBadRequest, "a link holds for %d days at most, and for %d people", chat.RoomLinkForMax/(24*time.Hour), chat.RoomLinkUsesMax))
		return
	}
	if !s.mayAsk(o, ref) || !s.diskTakes(o, ref) || !s.mayStore(o, ref, 1, 0) {
		return
	}
	s.moderate(o, ref, moderation{kind: moderationMakeLink, last: last, items: usesMax})
}

// Links tells the client a page of the links of a room, with ids above after.
func (s *Shard) Links(o *Session, ref RequestRef, after uint64, itemsWant int) {
	s.moderate(o, ref, moderation{kind: moderationLinks, id: after, items: min(s.items(itemsWant), linksPageMax)})
}

// RevokeLink has nobody come by a link of a room any more; the client is told Done or Failed.
func (s *Shard) RevokeLink(o *Session, ref RequestRef, id uint64) {
	s.moderate(o, ref, moderation{kind: moderationRevokeLink, id: id})
}

// ofLinks reports whether it is about links.
func (k moderationKind) ofLinks() bool { return k >= moderationMakeLink }

// mayLink says why there can be no links into a room.
func mayLink(info *chat.Room, kind moderationKind) *chat.Error {
	switch {
	case !info.Private || info.IsDirect() || info.Ephemeral:
		return chat.Errorf(chat.CodeBadRequest, "invitation links are for private rooms: everybody may join the others, and nobody a direct one")
	case info.Archived && kind == moderationMakeLink:
		return roomArchived()
	}
	return nil
}

func roomArchived() *chat.Error {
	return chat.Errorf(chat.CodeArchived, "the room is archived: nobody new comes into it")
}

// links does it at the store, and returns what tells the client.
func (h *Hub) links(ctx context.Context, store chat.Moderation, who *asker, m *moderation) (func(*Session), error) {
	room, now := who.ref.Room, h.nowMs()
	entry := chat.AuditEntry{Nonce: h.Uint64() | 1, TimeMs: now, Act: chat.AuditInvite, By: who.user, Room: room}
	switch m.kind {
	case moderationMakeLink:
		var random [chat.InvitationBytes]byte
		h.random(random[:])
		code := chat.InvitationCode(random)
		l := chat.RoomLink{Room: room, Code: chat.InvitationHash(code), By: who.user, UsesMax: m.items, CreatedMs: now}
		if m.last > 0 {
			l.ExpiresMs = now + m.last.Milliseconds()
		}
		entry.UntilMs, entry.What = l.ExpiresMs, "link made"
		if l.UsesMax > 0 {
			entry.What = fmt.Sprintf("link made, uses: %d", l.UsesMax)
		}
		l, err := store.AddRoomLink(ctx, l, h.config.RoomLinksMax, entry)
		if err != nil {
			return nil, err
		}
		h.counts.linksMade.Add(1)
		made := LinkInfo{l, who.name}
		return func(o *Session) { o.Client.MadeLink(o, who.ref, made, code) }, nil
	case moderationLinks:
		all, err := store.RoomLinks(ctx, room, m.id, m.items+1)
		if err != nil {
			return nil, err
		}
		more := len(all) > m.items
		page, err := makersOf(ctx, store, all[:min(len(all), m.items)])
		return func(o *Session) { o.Client.Links(o, who.ref, page, more) }, err
	}
	entry.What = fmt.Sprintf("link %d revoked", m.id)
	err := store.RemoveRoomLink(ctx, room, m.id, entry)
	return func(o *Session) { o.Client.Done(o, who.ref) }, err
}

// makersOf looks up the names of those who made links, each once.
func makersOf(ctx context.Context, store chat.Store, all []chat.RoomLink) ([]LinkInfo, error) {
	names, page := map[chat.UserID]string{}, make([]LinkInfo, len(all))
	for i, l := range all {
		name, known := names[l.By]
		if !known {
			user, err := store.User(ctx, l.By)
			if err != nil {
				return nil, err
			}
			name = user.Name
			names[l.By] = name
		}
		page[i] = LinkInfo{l, name}
	}
	return page, nil
}
