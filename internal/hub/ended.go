package hub

import (
	"cmp"
	"slices"

	"sarang/chat"
	"sarang/internal/room"
)

// A ban, or a kick, ends the presence of a user in a room: right behind its event, all his
// sessions there are told Removed, and nothing of the room afterwards. The home finds the
// event, each shard with readers finds the sessions; then they leave as if they had asked
// for it, so presence and announcements follow by themselves.

// reveal hands events that are in the log to the readers. Who is sent out by one of them
// is told so before the next one is shown.
func (h *home) reveal(events []chat.Event, refs func(i int) room.Ref) {
	info, from := h.room.Info(), 0
	for i := range events {
		code := chat.Code(0)
		if events[i].Kind.Rules() {
			code = info.Ends(&events[i])
			h.invited(info, &events[i])
		}
		if code == 0 {
			continue
		}
		from = h.showPart(events, from, i+1, refs)
		h.endPresence(&events[i], code)
		e := &events[i]
		h.shard.belong(chat.MemberChange{Kind: chat.MemberLeaves, User: e.Subject, Room: info.ID, Seq: e.Seq}, nil)
	}
	h.showPart(events, from, len(events), refs)
}

// showPart shows the events from and below to, and returns to.
func (h *home) showPart(events []chat.Event, from, to int, refs func(i int) room.Ref) int {
	if from < to {
		h.show(events[from:to], func(i int) room.Ref { return refs(from + i) })
	}
	return to
}

// endPresence has the sessions of a user leave the room, behind event e of its log.
func (h *home) endPresence(e *chat.Event, code chat.Code) {
	if !h.room.IsPresent(e.Subject) {
		return
	}
	h.room.Dismiss(e.Subject)
	why := Removed{Room: h.id(), Seq: e.Seq, Code: code, By: e.Name, Reason: e.Text, UntilMs: e.UntilMs}
	for to := range h.shard.hub.shards {
		for i, st := range h.streams {
			if st != nil && st.readers[to] > 0 {
				h.shard.answer(to, &presenceEnded{e.Subject, formatIndex(i), why})
			}
		}
	}
}

// Removed is why a session is in a room no more, without having asked for it.
type Removed struct {
	Room    chat.RoomID
	Seq     chat.Seq  // of the event that did it
	Code    chat.Code // CodeBanned, CodeKicked, CodeUninvited or CodeRoomDeleted; CodeLeft: the user himself, in another session; then there is nothing more
	By      string    // who did it
	Reason  string    // what he gave as the reason; may be empty
	UntilMs int64     // of a ban for a time; 0: for good
}

// Error is what the user is told.
func (r *Removed) Error() *chat.Error {
	what := "you were sent out of the room by " + r.By
	switch r.Code {
	case chat.CodeLeft:
		return chat.Errorf(r.Code, "you have left the room on another device")
	case chat.CodeBanned:
		what = "you were banned from the room by " + r.By
	case chat.CodeRoomDeleted:
		what = "the room was deleted by " + cmp.Or(r.By, "the operator of the server")
	case chat.CodeUninvited:
		what = "your invitation to the room was taken back by " + r.By
	}
	if r.Reason != "" {
		what += ": " + r.Reason
	}
	return &chat.Error{Code: r.Code, Message: what}
}

// presenceEnded tells a shard that a user is out of a room.
type presenceEnded struct {
	user   chat.UserID
	format formatIndex
	why    Removed
}

// on looks through the shard's readers of the room: that costs less than what the event
// itself has cost, which is sent to each of them.
func (p *presenceEnded) on(s *Shard) {
	r := s.replicas[replicaKey{p.why.Room, p.format}]
	if r == nil {
		return
	}
	var his []*Session
	for c := range r.feed.Readers() {
		if o := sessionOf(c.Session()); o != nil && o.User == p.user {
			his = append(his, o)
		}
	}
	// Not in the order of their coming and going, so that a simulation repeats itself.
	slices.SortFunc(his, func(a, b *Session) int { return cmp.Compare(a.Engine.ID(), b.Engine.ID()) })
	for _, o := range his {
		s.remove(o, &p.why)
	}
}

// remove takes a session out of a room. What it can be sent at once it still gets, as a
// rule up to the event that did it.
func (s *Shard) remove(o *Session, why *Removed) {
	o.Engine.Flush()
	p := o.place(why.Room)
	if p == nil || p.cursor == nil || o.Engine.Closing() {
		return
	}
	if why.Code != chat.CodeLeft {
		s.hub.counts.sentOut.Add(1)
	}
	s.stopReading(o, p)
	o.dropPlace(why.Room)
	s.leave(o.Engine.ID(), o.User, o.format, why.Room, true)
	o.Client.Removed(o, why)
}
