package storesim

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"sarang/chat"
)

// message is what became of a message that was changed.
type message struct {
	changed, edited, deleted, pinned chat.Seq
	edits                            []chat.Seq
	emojis                           map[string]*emoji
}

// emoji is one that was ever put on a message, since when it is there, and the events by which.
type emoji struct {
	since chat.Seq
	by    map[chat.UserID]chat.Seq
}

// event returns an event of the log that is still there; nil if it is not.
func (log *roomLog) event(seq chat.Seq) *chat.Event {
	if seq <= log.erased || seq > log.erased+chat.Seq(len(log.events)) {
		return nil
	}
	return &log.events[seq-log.erased-1]
}

// alter brings what is known of e's target up to date, behind e.
func (d *Disk) alter(log *roomLog, e *chat.Event) {
	target := log.event(e.Target)
	if target == nil || target.Kind != chat.EventMessage {
		return
	}
	m := log.changes[e.Target]
	if m == nil {
		m = &message{emojis: map[string]*emoji{}}
		log.changes[e.Target] = m
	}
	if m.deleted != 0 {
		if e.Kind == chat.EventEdit {
			d.eraseText(log, e.Seq)
		}
		return
	}
	m.changed = e.Seq
	switch e.Kind {
	case chat.EventEdit:
		m.edited, m.edits = e.Seq, append(m.edits, e.Seq)
		d.mention(log, e.Target, e.Text)
	case chat.EventDelete:
		d.eraseText(log, append(m.edits, e.Target)...)
		*m = message{changed: e.Seq, deleted: e.Seq}
		delete(log.mentions, e.Target)
	case chat.EventPin:
		m.pinned = e.Seq
	case chat.EventUnpin:
		m.pinned = 0
	case chat.EventReact:
		on := m.emojis[e.Text]
		if on == nil {
			on = &emoji{since: e.Seq, by: map[chat.UserID]chat.Seq{}}
			m.emojis[e.Text] = on
		}
		if len(on.by) == 0 {
			on.since = e.Seq
		}
		if on.by[e.User] == 0 {
			on.by[e.User] = e.Seq
		}
	case chat.EventUnreact:
		if on := m.emojis[e.Text]; on != nil {
			delete(on.by, e.User)
		}
	}
}

// eraseText takes the texts of events out of everything that the disk tells.
func (d *Disk) eraseText(log *roomLog, seqs ...chat.Seq) {
	for _, seq := range seqs {
		if e := log.event(seq); e != nil {
			e.EraseBody()
		}
		d.unname(log.room.ID, seq)
	}
	erase := func(conflicts []chat.Conflict) {
		for _, c := range conflicts {
			for i := range c.Between {
				if c.Room == log.room.ID && slices.Contains(seqs, c.Between[i].Seq) {
					c.Between[i].EraseBody()
				}
			}
		}
	}
	for _, o := range d.newest {
		erase(o.conflicts)
	}
	if d.inDoubt != nil {
		erase(d.inDoubt.conflicts)
	}
}

// Target is documented at chat.ChangeStore.
func (s *Store) Target(ctx context.Context, room chat.RoomID, seq chat.Seq, user chat.UserID) (t chat.Target, err error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "Target"); err != nil {
		return chat.Target{}, err
	}
	log := d.log(room)
	if log == nil {
		return chat.Target{}, nil
	}
	t.AsOf = log.room.LastSeq
	if e := log.event(seq); e != nil {
		t.Kind, t.User, t.TimeMs = e.Kind, e.User, e.TimeMs
	}
	m := log.changes[seq]
	if m == nil {
		return t, nil
	}
	t.Deleted, t.Pinned, t.Edits = m.deleted, m.pinned, slices.Clone(m.edits)
	for text, on := range m.emojis {
		t.Emojis = append(t.Emojis, text)
		if at := on.by[user]; at != 0 {
			t.Mine = append(t.Mine, chat.Reaction{Emoji: text, Mine: at})
		}
	}
	slices.Sort(t.Emojis) // a map has no order, and a run is to repeat itself
	slices.SortFunc(t.Mine, func(a, b chat.Reaction) int { return cmp.Compare(a.Mine, b.Mine) })
	return t, nil
}

// States is documented at chat.ChangeStore.
func (s *Store) States(ctx context.Context, room chat.RoomID, first, last chat.Seq, user chat.UserID) (states []chat.State, err error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "States"); err != nil {
		return nil, err
	}
	log := d.log(room)
	if log == nil {
		return nil, nil
	}
	for seq, m := range log.changes {
		if seq >= first && seq <= last {
			states = append(states, log.stateOf(seq, m, user))
		}
	}
	slices.SortFunc(states, func(a, b chat.State) int { return cmp.Compare(a.Target, b.Target) })
	return states, nil
}

func (log *roomLog) stateOf(seq chat.Seq, m *message, user chat.UserID) chat.State {
	st := chat.State{Target: seq, Changed: m.changed, Edited: m.edited, Deleted: m.deleted, Pinned: m.pinned}
	if e := log.event(m.edited); e != nil {
		st.Text = e.Text
	}
	for _, text := range slices.SortedFunc(maps.Keys(m.emojis), func(a, b string) int {
		return cmp.Compare(m.emojis[a].since, m.emojis[b].since)
	}) {
		if on := m.emojis[text]; len(on.by) > 0 {
			st.Reactions = append(st.Reactions, chat.Reaction{Emoji: text, Count: len(on.by), Mine: on.by[user]})
		}
	}
	return st
}
