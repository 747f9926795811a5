package store

import (
	"context"
	"slices"

	"sarang/chat"
)

// statesRange is how many events one question for states is about.
const statesRange = 10_000

// changed collects what became of the messages of a log.
type changed struct {
	settings chat.Room               // as far as the log says
	set      map[chat.EventKind]bool // what it says
	messages []uint64                // a bit for each event: what is no message is changed by nothing
	states   map[chat.Seq]*changedMessage
}

type changedMessage struct {
	chat.State
	by map[string]map[chat.UserID]bool // who has put which emoji on it
}

func newChanged() *changed {
	return &changed{states: map[chat.Seq]*changedMessage{}, set: map[chat.EventKind]bool{}}
}

// apply takes the next event of the log.
func (c *changed) apply(e *chat.Event) {
	switch {
	case e.Kind == chat.EventMessage:
		for uint64(e.Seq)/64 >= uint64(len(c.messages)) {
			c.messages = append(c.messages, make([]uint64, 64+len(c.messages))...)
		}
		c.messages[e.Seq/64] |= 1 << (e.Seq % 64)
	case e.Kind == chat.EventTopic || e.Kind.Sets():
		c.settings.Set(e)
		c.set[e.Kind] = true
	}
	if at := uint64(e.Target) / 64; !e.Kind.Changes() || at >= uint64(len(c.messages)) || c.messages[at]>>(e.Target%64)&1 == 0 {
		return
	}
	m := c.states[e.Target]
	if m == nil {
		m = &changedMessage{State: chat.State{Target: e.Target}, by: map[string]map[chat.UserID]bool{}}
		c.states[e.Target] = m
	}
	if m.Deleted != 0 {
		return
	}
	m.Changed = e.Seq
	switch e.Kind {
	case chat.EventEdit:
		m.Edited = e.Seq
	case chat.EventDelete:
		m.Deleted, m.Edited, m.Pinned, m.by = e.Seq, 0, 0, nil
	case chat.EventPin:
		m.Pinned = e.Seq
	case chat.EventUnpin:
		m.Pinned = 0
	case chat.EventReact:
		if m.by[e.Text] == nil {
			m.by[e.Text] = map[chat.UserID]bool{}
		}
		m.by[e.Text][e.User] = true
	case chat.EventUnreact:
		delete(m.by[e.Text], e.User)
	}
}

// isSame reports whether a store's state is what the log says.
func (m *changedMessage) isSame(s *chat.State) bool {
	if s.Changed != m.Changed || s.Edited != m.Edited || s.Deleted != m.Deleted || s.Pinned != m.Pinned {
		return false
	}
	on := 0
	for _, users := range m.by {
		on += min(len(users), 1)
	}
	return len(s.Reactions) == on && !slices.ContainsFunc(s.Reactions, func(r chat.Reaction) bool { return len(m.by[r.Emoji]) != r.Count })
}

// changes compares what a store says of a room's topic and messages with what its log says.
func (a *Audited) changes(ctx context.Context, s chat.Archive, r chat.Room, c *changed) error {
	for what, differs := range map[string]bool{
		"topic":       c.set[chat.EventTopic] && r.Topic != c.settings.Topic,
		"description": c.set[chat.EventDescribe] && r.Description != c.settings.Description,
		"retention":   c.set[chat.EventRetain] && r.RetainSeconds != c.settings.RetainSeconds,
		"slow mode":   c.set[chat.EventSlow] && r.SlowSeconds != c.settings.SlowSeconds,
		"being open":  c.set[chat.EventArchive] && r.Archived != c.settings.Archived,
	} {
		if differs {
			a.fault("room %d: its %s is not that of its log", r.ID, what)
		}
	}
	seen := 0
	for first := chat.Seq(1); first <= r.LastSeq; first += statesRange {
		states, err := s.States(ctx, r.ID, first, first+statesRange-1, 0)
		if err != nil {
			return err
		}
		for i := range states {
			m := c.states[states[i].Target]
			if m == nil || !m.isSame(&states[i]) {
				a.fault("room %d: what became of event %d is not what the log says", r.ID, states[i].Target)
			}
		}
		seen += len(states)
	}
	if seen < len(c.states) {
		a.fault("room %d: %d messages were changed, and %d are said to be", r.ID, len(c.states), seen)
	}
	return nil
}

// records looks whether whom and what the records are about is there.
func (a *Audited) records(ctx context.Context, s chat.Archive, lastRoom chat.RoomID, progress Progress) error {
	lastRoom, err := lastOfNames(ctx, s, lastRoom)
	if err != nil {
		return err
	}
	for _, k := range chat.RecordKinds() {
		for after := chat.Record(nil); ; {
			page, err := s.Records(ctx, k, after, copyRecordsMax)
			if chat.CodeOf(err) == chat.CodeBadRequest {
				break // the store keeps none of the kind
			}
			if err != nil {
				return err
			}
			if len(page) == 0 {
				break
			}
			for _, r := range page {
				a.record(k, r, lastRoom)
			}
			a.Records += uint64(len(page))
			progress(k.Name, a.Records, a.Records)
			after = k.Key(page[len(page)-1])
		}
	}
	return a.belonging(ctx, s, lastRoom)
}

// lastOfNames is the newest room that there was, as far as is known: rooms that were deleted have
// left their names, and entries speak of them.
func lastOfNames(ctx context.Context, s chat.Archive, last chat.RoomID) (chat.RoomID, error) {
	all := chat.RecordKinds()
	names := all[slices.IndexFunc(all, func(k chat.RecordKind) bool { return k.Name == "room_names" })]
	for after := chat.Record(nil); ; {
		page, err := s.Records(ctx, names, after, copyRecordsMax)
		if chat.CodeOf(err) == chat.CodeBadRequest || err == nil && len(page) == 0 {
			return last, nil
		}
		if err != nil {
			return last, err
		}
		for _, r := range page {
			last = max(last, chat.RoomID(r[1].(int64)))
		}
		after = names.Key(page[len(page)-1])
	}
}

// record looks at the fields that name users and rooms.
func (a *Audited) record(k chat.RecordKind, r chat.Record, lastRoom chat.RoomID) {
	for i, f := range k.Fields {
		n, is := r[i].(int64)
		if !is {
			continue
		}
		last := uint64(0)
		switch f.Name {
		case "user_id", "by_id", "subject", "author", "reporter", "resolved_by", "blocked_id":
			last = a.Users
		case "room_id":
			last = uint64(lastRoom)
		default:
			continue
		}
		if uint64(n) > last {
			a.fault("%s %v: the %s is %d, and there are none above %d", k.Name, k.Key(r), f.Name, n, last)
		}
	}
}

// belonging looks at devices and memberships.
func (a *Audited) belonging(ctx context.Context, s chat.Archive, lastRoom chat.RoomID) error {
	for at := (chat.DeviceRef{}); ; {
		page, err := s.AllDevices(ctx, at, copyRecordsMax)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		for i := range page {
			if d := &page[i]; d.User == 0 || uint64(d.User) > a.Users {
				a.fault("device %d is of user %d, and there is none", d.ID, d.User)
			}
		}
		a.Records += uint64(len(page))
		at = page[len(page)-1].Ref()
	}
	for at := (chat.Membership{}); ; {
		page, err := s.Memberships(ctx, at.User, at.Room, copyRecordsMax)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, m := range page {
			if m.User == 0 || uint64(m.User) > a.Users || m.Room == 0 || m.Room > lastRoom {
				a.fault("user %d belongs to room %d, and one of them is not there", m.User, m.Room)
			}
		}
		a.Records += uint64(len(page))
		at = page[len(page)-1]
	}
}
