package simulate

import (
	"math/rand/v2"

	"sarang/chat"
)

// Some seeds have an operator who copies the disk now and then, and puts an older copy back
// in the place of the store. What was stored in between is gone then, acknowledged or not,
// and its numbers are given out again in the same epoch. The promise is that nobody skips
// anything without a word: who stands beyond the end of the copy is told that all his
// numbers are void, and who does not goes on where he was.
//
// Connections do not outlive it: what a server that is gone has still on its way to
// somebody would be of a log that the model has forgotten.

// drawPutBack decides whether the seed has such an operator.
func (p *plan) drawPutBack(rng *rand.Rand) {
	if rng.IntN(5) == 0 {
		p.rates.copyDisk, p.rates.putBack = 0.004, 0.0015
	}
}

// copyDisk makes a copy.
func (r *run) copyDisk() {
	r.note("operator: copies the disk")
	r.copied = r.disk.Copy()
}

// putBack puts the copy in the place of what is there, if it has all users, their tokens and
// rooms: who does not have his name any more is another story.
func (r *run) putBack() {
	rooms, users := r.copied.Counts()
	if nowRooms, nowUsers := r.disk.Copy().Counts(); rooms != nowRooms || users != nowUsers || rooms == 0 || !r.copied.LetsIn(r.disk) {
		return
	}
	if r.server != nil {
		r.crash(false)
	}
	r.note("operator: puts the copy back")
	r.counts.PutBacks++
	for _, a := range r.actors {
		a.marks = nil // they go back with the store
		if a.link != nil && !a.link.over {
			a.link.session.Abort()
		}
	}
	for id, log := range r.model.logs {
		end := min(r.copied.LastSeq(id), chat.Seq(len(log)))
		for _, a := range r.actors {
			if s := a.seat(id); s != nil && !s.ephemeral {
				s.view = nil // it may have read in pages what is not any more
				s.void = s.void || s.last > end
			}
		}
		r.model.cut(id, end, r.sent)
	}
	r.disk.PutBack(r.copied)
}

// cut forgets what is stored of a room behind end.
func (m *model) cut(id chat.RoomID, end chat.Seq, sent map[chat.UserID]uint64) {
	for _, e := range m.logs[id][end:] {
		if !isWanted(e.Kind) {
			continue
		}
		if e.Kind == chat.EventMessage {
			sent[e.User]--
		}
		delete(m.placed, place{id, e.Nonce})
		if w := m.wanted[e.Nonce]; w != nil && w.outcome == outcomeAcked {
			w.outcome = outcomeUntold // it was stored, and is not any more
		}
	}
	m.cutChanges(id, end)
	m.told[id] = min(m.told[id], end)
}

// cameBack judges where a client goes on in a stored room whose store was put back while it
// stood beyond the end of the copy.
func (l *link) cameBack(s *seat, after chat.Seq) {
	s.void = false
	log := l.actor.run.model.logs[s.room]
	same := s.last <= chat.Seq(len(log)) && s.lastMs == log[s.last-1].TimeMs
	// Who does not know the time of what he has seen last can not be helped, nor who finds
	// another event of that very millisecond.
	if s.lastMs == 0 || same {
		s.mayBeVoid = true
		s.last = after
		return
	}
	s.last, s.gapOwed = after, true
}
