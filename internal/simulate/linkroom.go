package simulate

import (
	"sarang/chat"
	sdk "sarang/client/session"
	"sarang/client/view"
)

// Joined begins or resumes the reading of a room.
func (l *link) Joined(_ *sdk.Session, j sdk.Joined) {
	a := l.actor
	a.note("is in room %d, rejoin %t, epoch %d, after %d of %d", j.Room.ID, j.Rejoin, j.Room.Epoch, j.After, j.Room.LastSeq)
	if j.Rejoin {
		a.run.counts.Rejoins++
	} else {
		a.run.counts.Joins++
	}
	if j.After > j.Room.LastSeq {
		l.fail("joins room %d after %d, but its last event is %d", j.Room.ID, j.After, j.Room.LastSeq)
	}
	if !j.Room.Ephemeral && j.Room.LastSeq > chat.Seq(len(a.run.model.logs[j.Room.ID])) {
		l.judge("room %d is said to end at %d, stored are %d", j.Room.ID, j.Room.LastSeq, len(a.run.model.logs[j.Room.ID]))
	}
	if j.Room.Ephemeral {
		a.run.model.endsAt(life{j.Room.ID, j.Room.Epoch}, j.Room.LastSeq)
	}
	s := a.seat(j.Room.ID)
	if j.Rejoin {
		l.notOlder(&j.Room, l.told)
		l.rejoined(s, j)
		return
	}
	q := l.answer(j.Request, askJoin)
	l.notOlder(&j.Room, q.told)
	switch {
	case s != nil:
		l.fail("joins room %d a second time", j.Room.ID)
	case q.plan.name != j.Room.Name || q.plan.ephemeral != j.Room.Ephemeral:
		l.fail("joined %+v, wanted %+v", j.Room, q.plan)
	case j.After != j.Room.LastSeq-min(j.Room.LastSeq, chat.Seq(min(q.items, a.run.plan.historyItemsMax))):
		l.fail("wanted %d events of before, and begins after %d of %d", q.items, j.After, j.Room.LastSeq)
	}
	a.seats = append(a.seats, &seat{
		room: j.Room.ID, name: j.Room.Name, ephemeral: j.Room.Ephemeral, epoch: j.Room.Epoch, last: j.After, lastMs: j.AfterMs,
		view: view.New(a.user),
	})
}

func (l *link) rejoined(s *seat, j sdk.Joined) {
	switch {
	case s == nil:
		l.fail("comes back to room %d, where it was not", j.Room.ID)
	case s.epoch != j.Room.Epoch && !s.ephemeral:
		l.fail("room %d has a new epoch, though it is stored", j.Room.ID)
	case s.void && s.epoch == j.Room.Epoch:
		l.cameBack(s, j.After)
	case s.epoch == j.Room.Epoch && j.After != s.last:
		l.fail("has room %d up to %d, and goes on after %d", j.Room.ID, s.last, j.After)
	case s.epoch != j.Room.Epoch:
		s.epoch, s.last, s.gapOwed = j.Room.Epoch, j.After, true // a gap is told next
	}
	s.lastMs = j.AfterMs
}

// Left ends the reading of a room.
func (l *link) Left(_ *sdk.Session, m sdk.Left) {
	l.note("has left room %d", m.Room)
	l.answer(m.Request, askLeave)
	s := l.actor.seat(m.Room)
	if s == nil {
		l.fail("has left room %d, where it was not", m.Room)
	}
	l.actor.unseat(s)
}

// Event is the next one of a room.
func (l *link) Event(_ *sdk.Session, e *chat.Event) {
	a := l.actor
	a.run.counts.Shown++
	s := a.seat(e.Room)
	if s == nil {
		l.fail("is shown event %d of room %d, where it is not", e.Seq, e.Room)
	}
	if s.gapOwed {
		l.fail("is shown event %d of a new epoch of room %d, and was not told of the epoch", e.Seq, e.Room)
	}
	if e.Seq != s.last+1 {
		l.fail("is shown event %d of room %d after %d", e.Seq, e.Room, s.last)
	}
	s.last, s.lastMs, s.mayBeVoid = e.Seq, e.TimeMs, false
	kept := *e
	kept.Name, kept.Text = string([]byte(e.Name)), string([]byte(e.Text))
	if !s.ephemeral {
		a.run.seen.Shown(a.id, a.run.model.asSaid(kept))
		if s.view != nil {
			s.view.Event(&kept)
		}
	}
	a.run.model.shown(a, s, kept)
	if a.run.recorded() {
		a.note("is shown %v of room %d", brief(kept), e.Room)
	}
}

// Gap is allowed where nothing is stored.
func (l *link) Gap(_ *sdk.Session, g sdk.Gap) {
	l.note("gap in room %d: %d to %d, new epoch %t", g.Room, g.From, g.To, g.EpochChanged)
	r := l.actor.run
	r.counts.Gaps++
	s := l.actor.seat(g.Room)
	switch {
	case s == nil:
		l.fail("a gap in room %d, where it is not", g.Room)
	case !s.ephemeral && g.EpochChanged && g.Epoch == s.epoch && (s.gapOwed || s.mayBeVoid) && g.To == s.last:
		r.counts.Voided++
		s.gapOwed, s.mayBeVoid = false, false
	case !s.ephemeral:
		l.fail("a gap in room %d, %d to %d, though all of it is stored", g.Room, g.From, g.To)
	case s.epoch != g.Epoch:
		l.fail("a gap in an epoch of room %d that was not joined", g.Room)
	case g.EpochChanged != s.gapOwed:
		l.fail("a gap in room %d says that the epoch is new: %t; it is: %t", g.Room, g.EpochChanged, s.gapOwed)
	case g.EpochChanged:
		r.counts.NewEpochs++
		s.gapOwed = false
		if g.To != s.last {
			l.fail("a new epoch of room %d begins after %d and after %d", g.Room, s.last, g.To)
		}
	case r.probing:
		l.fail("a gap in room %d from %d to %d, though everybody keeps up", g.Room, g.From, g.To)
	case g.From != s.last+1 || g.To < g.From:
		l.fail("a gap in room %d from %d to %d, after event %d", g.Room, g.From, g.To, s.last)
	default:
		s.last, s.lastMs = g.To, 0
	}
}

// Ack is an outcome.
func (l *link) Ack(_ *sdk.Session, m sdk.Ack) {
	a := l.actor
	a.note("message %d is stored as %d of room %d", m.Nonce, m.Seq, m.Room)
	a.run.counts.Acked++
	w := a.wish(m.Room, m.Nonce)
	s := a.seat(m.Room)
	if s == nil {
		l.fail("message %d is acknowledged in room %d, where it is not", m.Nonce, m.Room)
	}
	if !s.ephemeral {
		a.run.seen.Acked(m.Room, m.Nonce, m.Seq)
	}
	a.run.model.acked(w, m.Seq, s)
	a.settled(w)
}

// Refused is an outcome unless the client tries again.
func (l *link) Refused(_ *sdk.Session, m sdk.Refused) {
	a := l.actor
	a.note("message %d to room %d is refused, retrying %t: %v", m.Nonce, m.Room, m.Retrying, m.Err)
	w := a.wish(m.Room, m.Nonce)
	w.err = m.Err
	if m.Retrying {
		a.run.counts.Refused++
		return
	}
	s := a.seat(m.Room)
	left := s == nil || s.leaving
	switch {
	case left:
	case w.target != 0 && a.run.model.mayRefuse(w, s.ephemeral, m.Err.Code):
		a.run.counts.ChangesRefused++
	default:
		l.fail("message %d to room %d is refused for good: %v", m.Nonce, m.Room, m.Err)
	}
	a.run.model.refused(w, left)
	a.settled(w)
}

// MemberPage answers a request for members.
func (l *link) MemberPage(_ *sdk.Session, p sdk.MemberPage) {
	l.note("is told of %d of %d members of room %d", len(p.Members), p.Total, p.Room)
	q := l.answer(p.Request, askMembers)
	last := q.after
	for _, m := range p.Members {
		if m.User <= last {
			l.fail("members of room %d are not in order", p.Room)
		}
		last = m.User
	}
	if q.walk {
		l.actor.run.membersSeen(l, q, p, last)
	}
}
