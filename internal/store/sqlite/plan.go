package sqlite

import (
	"context"

	"sarang/chat"
)

// plan checks b, compares it with the logs and returns what is to be done, or says what
// is wrong. Nothing is written before everything has passed.
func (w *writer) plan(ctx context.Context, b chat.Batch) (*plan, error) {
	if b.ID.Writer == 0 {
		return nil, chat.Errorf(chat.CodeBadRequest, "a batch needs a writer")
	}
	total := 0
	for _, a := range b.Appends {
		total += len(a.Events)
	}
	p := &plan{rows: make([]row, 0, total)}
	p.id, p.ends = b.ID, make(map[chat.RoomID]roomState, len(b.Appends))
	seen := make(map[chat.RoomID]bool, len(b.Appends))
	for i := range b.Appends {
		a := &b.Appends[i]
		if seen[a.Room] {
			return nil, chat.Errorf(chat.CodeSequence, "room %d is there twice in one batch", a.Room)
		}
		seen[a.Room] = true
		if err := w.planAppend(ctx, p, a); err != nil {
			return nil, err
		}
	}
	p.events = len(p.rows)
	return p, nil
}

func (w *writer) planAppend(ctx context.Context, p *plan, a *chat.Append) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	state, err := w.stateOf(a.Room)
	if err != nil {
		return err
	}
	if state.flags&roomEphemeral != 0 {
		return chat.Errorf(chat.CodeBadRequest, "room %d is ephemeral: nothing of it is stored", a.Room)
	}
	for i := range a.Events {
		if err := w.checkEvent(a.Room, &a.Events[i], a.After+1+chat.Seq(i)); err != nil {
			return err
		}
	}
	switch {
	case a.After != state.last:
		p.conflicts = append(p.conflicts, conflictHead{room: a.Room, after: a.After, last: state.last})
	case len(a.Events) > 0:
		p.add(a, state)
	}
	return nil
}

// checkEvent checks an event that is to be next in room, whatever its log holds now.
func (w *writer) checkEvent(room chat.RoomID, e *chat.Event, next chat.Seq) error {
	switch {
	case e.Seq != next || next == 0:
		return chat.Errorf(chat.CodeSequence, "event %d of room %d stands where %d is next", e.Seq, room, next)
	case e.Room != room:
		return chat.Errorf(chat.CodeBadRequest, "an event of room %d is appended to room %d", e.Room, room)
	case !w.isUser(e.User) && !e.ByServer():
		return chat.Errorf(chat.CodeBadRequest, "there is no user with id %d", e.User)
	case (e.Kind.Rules() || e.Subject != 0) && !w.isUser(e.Subject):
		return chat.Errorf(chat.CodeBadRequest, "there is no user with id %d to be given a role", e.Subject)
	case e.Target >= e.Seq:
		return chat.Errorf(chat.CodeBadRequest, "event %d of room %d is about event %d, which is not earlier", e.Seq, room, e.Target)
	}
	return nil
}

func (w *writer) isUser(id chat.UserID) bool { return id != 0 && id <= w.userLast }

// add plans to store a, which begins where the room's log ends.
func (p *plan) add(a *chat.Append, state roomState) {
	roles := len(p.roles)
	for i := range a.Events {
		e := &a.Events[i]
		state.said = state.said.with(e)
		p.rows = append(p.rows, row{event: e, said: state.said})
		p.about = p.about || e.Target|chat.Seq(e.Subject)|chat.Seq(e.Role)|chat.Seq(e.Extra()) != 0
		switch {
		case e.Kind == chat.EventRole:
			p.roles = append(p.roles, e)
		case e.Kind.Changes():
			p.alter = append(p.alter, e)
		case e.Kind == chat.EventTopic || e.Kind.Sets():
			p.sets = append(p.sets, e)
		case e.Kind == chat.EventExpire:
			p.expire = append(p.expire, e)
		}
		if e.Links() {
			p.linked = append(p.linked, e)
		}
		if e.Kind == chat.EventMessage && e.Files != "" {
			p.named = append(p.named, e)
		}
	}
	if len(p.roles) > roles && state.flags&roomRuled == 0 {
		p.ruled = append(p.ruled, a.Room)
		state.flags |= roomRuled
	}
	state.last += chat.Seq(len(a.Events))
	p.ends[a.Room], p.first = state, a.Room
}
