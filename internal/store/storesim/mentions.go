package storesim

import (
	"cmp"
	"context"
	"slices"

	"sarang/chat"
)

// Nothing of threads and pins is kept beside the log here: it is gone through, each time.

// textOf is what a message says now.
func (log *roomLog) textOf(e *chat.Event) string {
	if m := log.changes[e.Seq]; m != nil && m.edited != 0 {
		if edit := log.event(m.edited); edit != nil {
			return edit.Text
		}
	}
	return e.Text
}

// mention notes whom a message mentions whose text is now this one: who is a user by then.
func (d *Disk) mention(log *roomLog, seq chat.Seq, text string) {
	delete(log.mentions, seq)
	users := slices.DeleteFunc(chat.MentionedUsers(text), func(u chat.UserID) bool { return u != 0 && !d.isUser(u) })
	if len(users) > 0 {
		if log.mentions == nil {
			log.mentions = map[chat.Seq][]chat.UserID{}
		}
		log.mentions[seq] = users
	}
}

// UserMentions is documented at chat.MentionStore.
func (s *Store) UserMentions(ctx context.Context, user chat.UserID, before chat.MentionPlace, itemsMax int) (page []chat.MentionPlace, err error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "UserMentions"); err != nil {
		return nil, err
	}
	for _, log := range d.rooms {
		for i := range log.events {
			e := &log.events[i]
			at := chat.MentionPlace{TimeMs: e.TimeMs, Room: log.room.ID, Seq: e.Seq}
			if user != 0 && slices.Contains(log.mentions[e.Seq], user) && (before == (chat.MentionPlace{}) || newestFirst(at, before) > 0) {
				page = append(page, at)
			}
		}
	}
	slices.SortFunc(page, newestFirst)
	return page[:min(len(page), max(itemsMax, 1))], nil
}

func newestFirst(a, b chat.MentionPlace) int {
	return cmp.Or(cmp.Compare(b.TimeMs, a.TimeMs), cmp.Compare(b.Room, a.Room), cmp.Compare(b.Seq, a.Seq))
}

// replies returns the messages of the thread of a message, nil if it has none.
func (log *roomLog) replies(root chat.Seq) (seqs []chat.Seq) {
	if e := log.event(root); e == nil || e.Kind != chat.EventMessage {
		return nil
	}
	for i := range log.events {
		if log.events[i].ThreadRoot() == root {
			seqs = append(seqs, log.events[i].Seq)
		}
	}
	return seqs
}

// Threads is documented at chat.ThreadStore.
func (s *Store) Threads(ctx context.Context, q chat.ThreadQuery) (page []chat.Thread, err error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "Threads"); err != nil {
		return nil, err
	}
	log := d.log(q.Room)
	if log == nil {
		return nil, nil
	}
	for i := range log.events {
		t := chat.Thread{Root: log.events[i].Seq}
		t.Follow = d.follows[follower{q.User, q.Room, t.Root}]
		for _, seq := range log.replies(t.Root) {
			if t.Last = seq; log.changes[seq] == nil || log.changes[seq].deleted == 0 {
				t.Replies++
				if t.Follow.Followed && seq > t.Follow.Mark && t.Unread < chat.ThreadUnreadMax {
					t.Unread++
				}
			}
		}
		if t.Last != 0 && (q.Before == 0 || t.Last < q.Before) && (!q.Unread || t.Unread > 0) {
			page = append(page, t)
		}
	}
	slices.SortFunc(page, func(a, b chat.Thread) int { return cmp.Compare(b.Last, a.Last) })
	return page[:min(len(page), max(q.ItemsMax, 1))], nil
}

// Replies is documented at chat.ThreadStore.
func (s *Store) Replies(ctx context.Context, room chat.RoomID, root chat.Seq, p chat.Page) (seqs []chat.Seq, more bool, err error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "Replies"); err != nil {
		return nil, false, err
	}
	log := d.log(room)
	if log == nil {
		return nil, false, nil
	}
	seqs = slices.DeleteFunc(log.replies(root), func(seq chat.Seq) bool {
		return p.Before != 0 && seq >= p.Before || p.Before == 0 && seq <= p.After
	})
	n := max(p.ItemsMax, 1)
	switch {
	case len(seqs) <= n:
		return seqs, false, nil
	case p.Before != 0:
		return seqs[len(seqs)-n:], true, nil
	}
	return seqs[:n], true, nil
}

// Pins is documented at chat.ThreadStore.
func (s *Store) Pins(ctx context.Context, room chat.RoomID, before chat.Seq, itemsMax int) (page []chat.Pin, err error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "Pins"); err != nil {
		return nil, err
	}
	log := d.log(room)
	if log == nil {
		return nil, nil
	}
	for target, m := range log.changes {
		if m.pinned != 0 && (before == 0 || m.pinned < before) {
			page = append(page, chat.Pin{Target: target, Pinned: m.pinned})
		}
	}
	slices.SortFunc(page, func(a, b chat.Pin) int { return cmp.Compare(b.Pinned, a.Pinned) })
	return page[:min(len(page), max(itemsMax, 1))], nil
}
