package room

import (
	"slices"
	"time"

	"sarang/chat"
)

// target is what the room knows of an event that somebody is about to change: as long as
// that lasts, and no longer.
type target struct {
	chat.Target
	loaded bool
	gone   bool         // it was erased for its age
	since  []chat.Event // what has come about it since the store was asked
	wanted int          // publishes and events on their way that need it
}

// targets are by event, and by who is about to change it.
type targets map[chat.Seq]map[chat.UserID]*target

func (t targets) peek(seq chat.Seq, u chat.UserID) *target { return t[seq][u] }

// want counts somebody who needs a target, or, with -1, does so no more.
func (t targets) want(seq chat.Seq, u chat.UserID, n int) {
	of := t[seq]
	if of == nil {
		of = map[chat.UserID]*target{}
		t[seq] = of
	}
	at := of[u]
	if at == nil {
		at = &target{}
		of[u] = at
	}
	if at.wanted += n; at.wanted > 0 {
		return
	}
	if delete(of, u); len(of) == 0 {
		delete(t, seq)
	}
}

// note brings those that are about e's target up to date.
func (t targets) note(e *chat.Event) {
	for u, at := range t[e.Target] {
		if !at.loaded {
			at.since = append(at.since, *e)
			continue
		}
		at.Apply(e, u)
	}
}

// KnowsTarget reports whether the room knows the event that a user is about to change. If
// not, AwaitTarget and LoadTarget are to be called before Publish.
func (r *Room) KnowsTarget(seq chat.Seq, u chat.UserID) bool {
	t := r.targets.peek(seq, u)
	return t != nil && t.loaded
}

// AwaitTarget is called before the store is asked for an event; ForgetTarget follows when
// what has waited for it was published.
func (r *Room) AwaitTarget(seq chat.Seq, u chat.UserID) { r.targets.want(seq, u, 1) }

// LoadTarget gives the room what the store says of an event.
func (r *Room) LoadTarget(seq chat.Seq, u chat.UserID, stored chat.Target) {
	t := r.targets.peek(seq, u)
	if t == nil || t.loaded {
		return
	}
	if t.gone {
		stored = chat.Target{AsOf: stored.AsOf}
	}
	t.Target, t.loaded = stored, true
	for i := range t.since {
		t.Apply(&t.since[i], u)
	}
	t.since = nil
}

// ForgetTarget ends what AwaitTarget has begun.
func (r *Room) ForgetTarget(seq chat.Seq, u chat.UserID) { r.targets.want(seq, u, -1) }

// Erases returns the events of the log that lose their texts by e, a delete that is about to
// be Committed; false if that is not known here.
func (r *Room) Erases(e *chat.Event) (texts []chat.Seq, known bool) {
	for _, t := range r.targets[e.Target] {
		if t.loaded {
			return append(slices.Clone(t.Edits), e.Target), true
		}
	}
	return nil, false
}

// action is the right that is asked first of who makes an event of the kind. Who deletes a
// message of somebody else needs another one.
func action(k chat.EventKind) chat.Action {
	switch k {
	case chat.EventEdit:
		return chat.ActionEdit
	case chat.EventDelete:
		return chat.ActionDelete
	case chat.EventReact, chat.EventUnreact:
		return chat.ActionReact
	case chat.EventPin, chat.EventUnpin:
		return chat.ActionPin
	}
	return chat.ActionPublish
}

// mayChange decides whether e, of an author with the role, may change its target.
func (r *Room) mayChange(e *chat.Event, role chat.Role) *chat.Error {
	if !role.May(action(e.Kind)) {
		return forbidden(role, action(e.Kind))
	}
	t := r.targets.peek(e.Target, e.User)
	switch {
	case t == nil || !t.loaded:
		return &chat.Error{Code: chat.CodeUnavailable, RetryAfter: time.Second, Message: "try again with the same nonce"}
	case t.Kind != chat.EventMessage:
		return chat.Errorf(chat.CodeNoMessage, "event %d is no message of this room, or is not kept any more", e.Target)
	case e.Kind == chat.EventDelete && t.User != e.User && !role.May(chat.ActionErase):
		return chat.Errorf(chat.CodeForbidden, "this message is somebody else's: moderators may delete it")
	case e.Kind == chat.EventEdit && t.User != e.User:
		return chat.Errorf(chat.CodeForbidden, "this message is somebody else's: nobody but its author may edit it")
	case t.Deleted != 0:
		return chat.Errorf(chat.CodeErased, "this message was deleted")
	case e.Kind == chat.EventEdit:
		if err := mayMention(e, role); err != nil {
			return err
		}
		return r.mayEdit(t)
	case e.Kind == chat.EventReact && len(t.Emojis) >= chat.EmojisPerMessageMax && !slices.Contains(t.Emojis, e.Text):
		return chat.Errorf(chat.CodeTooMany, "%d different emojis were put on this message; take one of them", chat.EmojisPerMessageMax)
	}
	return nil
}

func (r *Room) mayEdit(t *target) *chat.Error {
	switch most := r.config.EditFor; {
	case len(t.Edits) >= chat.EditsPerMessageMax:
		return chat.Errorf(chat.CodeTooMany, "a message may be edited %d times; say it anew", chat.EditsPerMessageMax)
	case most > 0 && r.takeMs-t.TimeMs > most.Milliseconds():
		return chat.Errorf(chat.CodeTooLate, "a message may be edited for %v; say it anew", most)
	}
	return nil
}

// stands returns the event that has made already what e would make; 0: e changes something.
func (r *Room) stands(e *chat.Event) chat.Seq {
	if !e.Kind.Changes() {
		return 0
	}
	return r.targets.peek(e.Target, e.User).Stands(e)
}

// apart is how many of the first events can be decided now because none changes what an
// earlier one of them changes: what that one does holds when it is in the log. Reactions of
// different users, with emojis that are there, do not touch each other.
func (r *Room) apart() int {
	var touched map[chat.Seq]map[chat.UserID]bool
	fixed := map[chat.Seq]bool{} // changed by something else than a reaction like that
	for i := range r.flying.events {
		e := &r.flying.events[i]
		if !e.Kind.Changes() {
			continue
		}
		by := touched[e.Target]
		light := r.light(e)
		if fixed[e.Target] || len(by) > 0 && !light || by[e.User] {
			return i
		}
		if by == nil {
			if by = map[chat.UserID]bool{}; touched == nil {
				touched = map[chat.Seq]map[chat.UserID]bool{}
			}
			touched[e.Target] = by
		}
		by[e.User], fixed[e.Target] = true, !light
	}
	return len(r.flying.events)
}

// light reports whether e is a reaction that adds no emoji to those of its target.
func (r *Room) light(e *chat.Event) bool {
	t := r.targets.peek(e.Target, e.User)
	return e.Kind == chat.EventUnreact || e.Kind == chat.EventReact && t != nil && slices.Contains(t.Emojis, e.Text)
}
