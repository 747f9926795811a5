package view

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"sarang/chat"
)

// Message is a message as it is now.
type Message struct {
	Seq     chat.Seq
	User    chat.UserID
	Name    string // of User, at the time
	TimeMs  int64
	Target  chat.Seq // the message that it answers; 0: none
	Root    chat.Seq // the first of the thread that it belongs to; 0: none
	Text    string   // empty with no Files: it was deleted
	Files   chat.FileList
	Edited  chat.Seq // the newest edit; 0: there is none
	Deleted chat.Seq // the event that deleted it; 0: it was not, or that has not come yet
	Pinned  chat.Seq // the event that pinned it; 0: it is not

	Reactions []chat.Reaction // in the order in which they came

	changed chat.Seq // the newest event that is in here
}

// Gone reports whether the message was deleted.
func (m *Message) Gone() bool { return m.Text == "" && m.Files == "" }

// Page is a page of history; see client.HistoryPage.
type Page struct {
	AsOf   chat.Seq
	Events []chat.Event
	States []chat.State
}

// View is a room as one user sees it. It is not safe for several goroutines.
type View struct {
	me       chat.UserID
	messages map[chat.Seq]*Message
	waiting  map[chat.Seq][]chat.Event // changes of messages that are not here, in order
	waits    []chat.Event              // the same, in the order in which they came
	dropped  chat.Seq                  // changes up to here may have been forgotten
	expired  chat.Seq                  // all up to here is erased
}

// WaitingMax bounds the changes that are kept of messages that the View does not have.
const WaitingMax = 4096

// ErrStale is a page from before changes that are not known any more: ask for it again.
var ErrStale = errors.New("view: the page is older than what has come since; ask for it again")

// New makes the view of a user.
func New(me chat.UserID) *View {
	return &View{me: me, messages: map[chat.Seq]*Message{}, waiting: map[chat.Seq][]chat.Event{}}
}

// Event takes an event of the room, which is only read. Kinds that say nothing of messages are ignored.
func (v *View) Event(e *chat.Event) {
	switch {
	case e.Kind == chat.EventMessage:
		v.learn(e, nil)
	case e.Kind == chat.EventExpire:
		v.expire(e.Target)
	case !e.Kind.Changes() || e.Target <= v.expired: // as 0 is
	case v.messages[e.Target] != nil:
		v.apply(v.messages[e.Target], e)
	default:
		v.wait(e)
	}
}

// Page takes a page of the room's history. On ErrStale nothing of it was taken.
func (v *View) Page(p Page) error {
	if p.AsOf < v.dropped {
		return ErrStale
	}
	states := p.States
	for i := range p.Events {
		e := &p.Events[i]
		switch e.Kind {
		case chat.EventMessage:
		case chat.EventExpire:
			v.expire(e.Target)
			continue
		default:
			continue // what it has changed is in the states
		}
		for len(states) > 0 && states[0].Target < e.Seq {
			states = states[1:]
		}
		var st *chat.State
		if len(states) > 0 && states[0].Target == e.Seq {
			st = &states[0]
		}
		v.learn(e, st)
	}
	return nil
}

// learn takes a message, with what became of it if that is told.
func (v *View) learn(e *chat.Event, st *chat.State) {
	if e.Seq <= v.expired {
		return // it is of a page from before
	}
	m := &Message{
		Seq: e.Seq, User: e.User, Name: strings.Clone(e.Name), TimeMs: e.TimeMs, Target: e.Target, Root: root(e),
		Text: strings.Clone(e.Text), Files: chat.FileList(strings.Clone(string(e.Files))), changed: e.Seq,
	}
	if st != nil {
		m.Edited, m.Deleted, m.Pinned, m.changed = st.Edited, st.Deleted, st.Pinned, st.Changed
		m.Reactions = slices.Clone(st.Reactions)
	}
	if have := v.messages[e.Seq]; have != nil && have.changed >= m.changed {
		if m.Gone() && !have.Gone() {
			have.Text, have.Files = "", "" // it was erased, and the event that says so is on its way
		}
		return
	}
	v.messages[e.Seq] = m
	waiting := v.waiting[e.Seq]
	delete(v.waiting, e.Seq)
	for i := range waiting {
		v.apply(m, &waiting[i])
	}
}

// expire drops all up to an event: it was erased for its age.
func (v *View) expire(upTo chat.Seq) {
	if upTo <= v.expired {
		return
	}
	v.expired = upTo
	maps.DeleteFunc(v.messages, func(seq chat.Seq, _ *Message) bool { return seq <= upTo })
	maps.DeleteFunc(v.waiting, func(seq chat.Seq, _ []chat.Event) bool { return seq <= upTo })
	v.waits = slices.DeleteFunc(v.waits, func(e chat.Event) bool { return e.Target <= upTo })
}

// Expired returns the newest event of which the View was told that all up to it is erased for its age; 0: nothing is.
func (v *View) Expired() chat.Seq { return v.expired }

// root is the first message of the thread that e belongs to.
func root(e *chat.Event) chat.Seq {
	if e.Root != 0 {
		return e.Root
	}
	return e.Target
}

// apply brings a message up to date with an event about it, if that is not in it.
func (v *View) apply(m *Message, e *chat.Event) {
	if e.Seq <= m.changed {
		return
	}
	m.changed = e.Seq
	if m.Deleted != 0 {
		return // nothing brings it back
	}
	switch e.Kind {
	case chat.EventEdit:
		m.Edited = e.Seq
		if !m.Gone() {
			if m.Text = strings.Clone(e.Text); m.Text == "" {
				m.Files = "" // it was erased since
			}
		}
	case chat.EventDelete:
		m.Text, m.Files, m.Edited, m.Deleted, m.Pinned, m.Reactions = "", "", 0, e.Seq, 0, nil
	case chat.EventPin:
		m.Pinned = e.Seq
	case chat.EventUnpin:
		m.Pinned = 0
	case chat.EventReact:
		v.react(m, e)
	case chat.EventUnreact:
		v.unreact(m, e)
	}
}

func at(m *Message, emoji string) int {
	return slices.IndexFunc(m.Reactions, func(r chat.Reaction) bool { return r.Emoji == emoji })
}

func (v *View) react(m *Message, e *chat.Event) {
	i := at(m, e.Text)
	if i < 0 {
		i = len(m.Reactions)
		m.Reactions = append(m.Reactions, chat.Reaction{Emoji: strings.Clone(e.Text)})
	}
	m.Reactions[i].Count++
	if e.User == v.me {
		m.Reactions[i].Mine = e.Seq
	}
}

func (v *View) unreact(m *Message, e *chat.Event) {
	i := at(m, e.Text)
	if i < 0 {
		return
	}
	if e.User == v.me {
		m.Reactions[i].Mine = 0
	}
	if m.Reactions[i].Count--; m.Reactions[i].Count <= 0 {
		m.Reactions = slices.Delete(m.Reactions, i, i+1)
	}
}

// wait keeps a change until its message comes by a page.
func (v *View) wait(e *chat.Event) {
	if of := v.waiting[e.Target]; len(of) > 0 && of[len(of)-1].Seq >= e.Seq {
		return // it came before
	}
	kept := *e
	kept.Name, kept.Text = strings.Clone(e.Name), strings.Clone(e.Text)
	v.waiting[e.Target] = append(v.waiting[e.Target], kept)
	v.waits = append(v.waits, chat.Event{Seq: e.Seq, Target: e.Target})
	for len(v.waits) > WaitingMax {
		old := v.waits[0]
		v.waits = v.waits[1:]
		v.dropped = max(v.dropped, old.Seq)
		of := slices.DeleteFunc(v.waiting[old.Target], func(x chat.Event) bool { return x.Seq == old.Seq })
		if v.waiting[old.Target] = of; len(of) == 0 {
			delete(v.waiting, old.Target)
		}
	}
}

// Message returns a message; false if the View does not have it. It is a copy.
func (v *View) Message(seq chat.Seq) (Message, bool) {
	m := v.messages[seq]
	if m == nil {
		return Message{}, false
	}
	out := *m
	out.Reactions = slices.Clone(m.Reactions)
	return out, true
}

// Messages returns all messages that the View has, in order, deleted ones, too. They are copies.
func (v *View) Messages() []Message {
	all := make([]Message, 0, len(v.messages))
	for _, seq := range slices.Sorted(maps.Keys(v.messages)) {
		m, _ := v.Message(seq)
		all = append(all, m)
	}
	return all
}

// Thread returns the messages that the View has of a thread, in order, its first one among
// them.
func (v *View) Thread(root chat.Seq) []Message {
	return slices.DeleteFunc(v.Messages(), func(m Message) bool { return m.Seq != root && m.Root != root })
}

// Forget drops all that the View has: the room's log began anew (client.Gap).
func (v *View) Forget() { *v = *New(v.me) }
