package storesim

import (
	"cmp"
	"context"
	"slices"

	"sarang/chat"
)

// roomLink is a link and the nonce of its newest use.
type roomLink struct {
	chat.RoomLink
	lastUse uint64
}

func (m *moderation) link(id uint64) *roomLink {
	for i := range m.links {
		if m.links[i].ID == id {
			return &m.links[i]
		}
	}
	return nil
}

func (m *moderation) dropLinks(gone func(*roomLink) bool) {
	m.links = slices.DeleteFunc(m.links, func(l roomLink) bool { return gone(&l) })
}

func (m *moderation) putLink(l roomLink) {
	m.dropLinks(func(o *roomLink) bool { return o.ID == l.ID })
	m.links = append(m.links, l)
	slices.SortFunc(m.links, func(a, b roomLink) int { return cmp.Compare(a.ID, b.ID) })
}

// AddRoomLink is documented at chat.RoomLinks.
func (s *Store) AddRoomLink(ctx context.Context, l chat.RoomLink, linksMax int, a chat.AuditEntry) (chat.RoomLink, error) {
	err := s.moderate(ctx, "AddRoomLink", a, func(d *Disk) error {
		m, here := &d.moderation, 0
		for i := range m.links {
			if o := &m.links[i]; o.Room == l.Room && o.Holds(l.CreatedMs) {
				here++
			}
		}
		switch {
		case d.log(l.Room) == nil:
			return chat.Errorf(chat.CodeNoRoom, "there is no room %d", l.Room)
		case linksMax > 0 && here >= linksMax:
			return chat.Errorf(chat.CodeTooMany, "the room has %d invitation links", here)
		}
		m.dropLinks(func(o *roomLink) bool { return o.Room == l.Room && !o.Holds(l.CreatedMs) })
		l.ID, l.Uses = d.note(a), 0
		m.putLink(roomLink{RoomLink: l})
		return nil
	})
	if err != nil {
		return l, err
	}
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	for _, o := range s.disk.moderation.links {
		if o.Code == l.Code {
			return o.RoomLink, nil
		}
	}
	return l, chat.NoRoomLink()
}

// RoomLinks is documented at chat.RoomLinks.
func (s *Store) RoomLinks(ctx context.Context, room chat.RoomID, after uint64, itemsMax int) (all []chat.RoomLink, err error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "RoomLinks"); err != nil {
		return nil, err
	}
	for _, l := range d.moderation.links {
		if l.Room == room && l.ID > after && len(all) < max(itemsMax, 1) {
			all = append(all, l.RoomLink)
		}
	}
	return all, nil
}

// RoomLink is documented at chat.RoomLinks.
func (s *Store) RoomLink(ctx context.Context, code chat.TokenHash, nowMs int64) (chat.RoomLink, error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "RoomLink"); err != nil {
		return chat.RoomLink{}, err
	}
	for _, l := range d.moderation.links {
		if l.Code == code && l.Holds(nowMs) && d.log(l.Room) != nil {
			return l.RoomLink, nil
		}
	}
	return chat.RoomLink{}, chat.NoRoomLink()
}

// UseRoomLink is documented at chat.RoomLinks.
func (s *Store) UseRoomLink(ctx context.Context, u chat.LinkUse) error {
	return s.write(ctx, "UseRoomLink", func(d *Disk) error {
		l, his := d.moderation.link(u.ID), 0
		for at := range d.members {
			if at.user == u.User {
				his++
			}
		}
		switch {
		case l != nil && l.lastUse == u.Nonce:
			return nil
		case u.Back:
			if l != nil && l.Uses > 0 {
				l.Uses, l.lastUse = l.Uses-1, u.Nonce
			}
			return nil
		case l == nil || !l.Holds(u.NowMs):
			return chat.NoRoomLink()
		case u.RoomsMax > 0 && his >= u.RoomsMax:
			return chat.BelongsToMany(u.RoomsMax)
		}
		l.Uses, l.lastUse = l.Uses+1, u.Nonce
		return nil
	})
}

// RemoveRoomLink is documented at chat.RoomLinks.
func (s *Store) RemoveRoomLink(ctx context.Context, room chat.RoomID, id uint64, a chat.AuditEntry) error {
	return s.moderate(ctx, "RemoveRoomLink", a, func(d *Disk) error {
		if l := d.moderation.link(id); l == nil || l.Room != room {
			return chat.NoSuchLink(id)
		}
		d.moderation.dropLinks(func(o *roomLink) bool { return o.ID == id })
		d.note(a)
		return nil
	})
}
