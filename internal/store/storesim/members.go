package storesim

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"sarang/chat"
)

// seat is a user in a room.
type seat struct {
	user chat.UserID
	room chat.RoomID
}

// ChangeMembers is documented at chat.Store.
func (s *Store) ChangeMembers(ctx context.Context, changes []chat.MemberChange, roomsMax int) ([]chat.Membership, error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	fault, err := s.begin(ctx, "ChangeMembers")
	if err == nil && fault == FaultUncertain {
		err = chat.Errorf(chat.CodeUnavailable, "the disk does not do it now")
	}
	if err != nil {
		return nil, err
	}
	after := make([]chat.Membership, len(changes))
	for i, c := range changes {
		at := seat{c.User, c.Room}
		if m, is := d.change(c, roomsMax); is {
			after[i] = m
			m.Thread = chat.Follow{}
			d.members[at] = m
		} else {
			delete(d.members, at)
		}
	}
	died(fault, "ChangeMembers, after it")
	return after, nil
}

// change returns what a membership is behind a change, if it is one.
func (d *Disk) change(c chat.MemberChange, roomsMax int) (m chat.Membership, is bool) {
	m, is = d.members[seat{c.User, c.Room}]
	if !is && c.Kind == chat.MemberEnters {
		log := d.log(c.Room)
		mine := 0
		for at := range d.members {
			if at.user == c.User {
				mine++
			}
		}
		if d.people.blocks[chat.Block{User: c.User, Whom: c.By}] || log == nil || log.room.Ephemeral || !d.isUser(c.User) || roomsMax > 0 && mine >= roomsMax {
			return m, false
		}
		return chat.Membership{User: c.User, Room: c.Room, Since: c.Seq, Mark: c.Seq}, true
	}
	if !is {
		return m, false
	}
	switch c.Kind {
	case chat.MemberEnters:
	case chat.MemberFollows, chat.MemberUnfollows, chat.MemberReads:
		m.Thread = d.changeFollow(&c)
	case chat.MemberLeaves:
		return m, c.Seq != 0 && m.Since >= c.Seq
	case chat.MemberMarks:
		m.Mark = max(m.Mark, c.Seq)
	case chat.MemberMutes:
		m.Muted = true
	case chat.MemberUnmutes:
		m.Muted = false
	}
	return m, true
}

// MyRooms is documented at chat.Store.
func (s *Store) MyRooms(ctx context.Context, user chat.UserID, after chat.RoomID, itemsMax int) ([]chat.MyRoom, error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "MyRooms"); err != nil {
		return nil, err
	}
	var page []chat.MyRoom
	for _, log := range d.rooms[min(uint64(after), uint64(len(d.rooms))):] {
		m, is := d.members[seat{user, log.room.ID}]
		if !is || log.deleted || len(page) >= max(itemsMax, 1) {
			continue
		}
		mine := chat.MyRoom{Room: log.room, Given: log.roles[user], Mark: m.Mark, Muted: m.Muted}
		for _, e := range log.events {
			if e.Kind != chat.EventMessage {
				continue
			}
			text := log.textOf(&e)
			if e.Seq > m.Mark {
				mine.Unread++
				if mine.Mentions < chat.MentionsCountedMax && slices.ContainsFunc(log.mentions[e.Seq], func(u chat.UserID) bool { return u == user || u == 0 }) {
					mine.Mentions++
				}
			}
			mine.Last = chat.Event{Room: e.Room, Seq: e.Seq, Kind: e.Kind, User: e.User, Name: e.Name, TimeMs: e.TimeMs, Text: chat.LastText(text)}
		}
		page = append(page, mine)
	}
	return page, nil
}

// Memberships is documented at chat.Archive.
func (s *Store) Memberships(ctx context.Context, user chat.UserID, room chat.RoomID, itemsMax int) ([]chat.Membership, error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "Memberships"); err != nil {
		return nil, err
	}
	all := slices.SortedFunc(maps.Values(d.members), compareMemberships)
	from, _ := slices.BinarySearchFunc(all, chat.Membership{User: user, Room: room + 1}, compareMemberships)
	return slices.Clone(all[from:min(len(all), from+max(itemsMax, 1))]), nil
}

func compareMemberships(a, b chat.Membership) int {
	return cmp.Or(cmp.Compare(a.User, b.User), cmp.Compare(a.Room, b.Room))
}

// AddMemberships is documented at chat.Archive.
func (s *Store) AddMemberships(ctx context.Context, all []chat.Membership) error {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "AddMemberships"); err != nil {
		return err
	}
	for _, m := range all {
		d.members[seat{m.User, m.Room}] = m
	}
	return nil
}
