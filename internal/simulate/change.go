package simulate

import (
	"math/rand/v2"
	"time"

	"sarang/chat"
	sdk "sarang/client/session"
)

// emojis are what is put on messages.
var emojis = [...]string{"👍", "❤️", "😀", "👨‍👩‍👧"}

// change does something to a message of a room, or answers one.
func (a *actor) change() {
	rng := a.run.rng
	s := a.seats[rng.IntN(len(a.seats))]
	if s.leaving || s.last == 0 || s.ephemeral && rng.IntN(8) > 0 || a.run.plan.limits.any && len(a.wishes) >= wishesMost {
		return
	}
	w := &wish{by: a, room: s.room, kind: chat.EventMessage}
	switch n := rng.IntN(100); {
	case n < 27:
		w.kind, w.text = chat.EventEdit, a.text(rng.IntN(60))
	case n < 42:
		w.kind = chat.EventDelete
	case n < 62:
		w.kind, w.text = chat.EventReact, emojis[rng.IntN(len(emojis))]
	case n < 74:
		w.kind, w.text = chat.EventUnreact, emojis[rng.IntN(len(emojis))]
	case n < 83:
		w.kind = chat.EventPin
	case n < 88:
		w.kind = chat.EventUnpin
	default:
		w.text = a.text(rng.IntN(60))
	}
	own := w.kind == chat.EventEdit || w.kind == chat.EventDelete && rng.IntN(2) == 0
	w.target = a.target(s, own && rng.IntN(8) > 0)
	if w.target > 0 {
		a.doChange(s, w)
	}
}

// target is one of the last messages, of the actor's own if that is wanted, or any event; now and
// then one that there is not.
func (a *actor) target(s *seat, own bool) chat.Seq {
	rng := a.run.rng
	switch rng.IntN(40) {
	case 0:
		return 1 << 40
	case 1, 2, 3:
		return 1 + chat.Seq(rng.Uint64N(uint64(s.last)))
	}
	log := a.run.model.logs[s.room]
	var found chat.Seq
	seen := 0
	for seq := min(s.last, chat.Seq(len(log))); seq > 0 && seen < targetsMost; seq-- {
		if e := log[seq-1]; e.Kind != chat.EventMessage || e.Text == "" && rng.IntN(8) > 0 || own && e.User != a.user {
			continue
		}
		if seen++; rng.IntN(seen) == 0 {
			found = seq
		}
	}
	if found == 0 && rng.IntN(8) == 0 {
		return s.last
	}
	return found // 0: there is none
}

// targetsMost is among how many messages a target is chosen: so that several meet at one.
const targetsMost = 6

func (a *actor) doChange(s *seat, w *wish) {
	session := a.link.session
	var err error
	switch w.kind {
	case chat.EventEdit:
		w.nonce, err = session.Edit(s.room, w.target, w.text)
	case chat.EventDelete:
		w.nonce, err = session.Delete(s.room, w.target)
	case chat.EventReact, chat.EventUnreact:
		w.nonce, err = session.React(s.room, w.target, w.text, w.kind == chat.EventUnreact)
	case chat.EventPin, chat.EventUnpin:
		w.nonce, err = session.Pin(s.room, w.target, w.kind == chat.EventUnpin)
	default:
		w.root = w.target / 2
		w.nonce, err = session.Reply(s.room, sdk.Reply{Target: w.target, Root: w.root, Text: w.text})
	}
	a.note("does %d to %d of %s, %q: nonce %d, %v", w.kind, w.target, s.name, w.text, w.nonce, err)
	if err == nil {
		a.wants(s, w)
	}
}

// wants notes what the actor wants to have in the log of a room.
func (a *actor) wants(s *seat, w *wish) {
	if !s.ephemeral && w.kind == chat.EventMessage {
		a.run.seen.Published(a.id, s.room, w.nonce, w.text)
	}
	w.known = chat.Seq(len(a.run.model.logs[s.room]))
	a.wishes = append(a.wishes, w)
	if a.run.model.wanted[w.nonce] != nil {
		a.run.fail("%s gives the nonce %d twice", a.name, w.nonce)
	}
	a.run.model.wanted[w.nonce] = w
}

// drawChanges decides how long a message may be edited.
func (p *plan) drawChanges(rng *rand.Rand) { p.editSecondsMax = []int{0, 1, 3, 600}[rng.IntN(4)] }

// probeDeleted has a client stop reading until its socket is full, and what it was to be sent
// deleted: it never gets it.
func (r *run) probeDeleted() {
	if !r.mayFill() {
		return
	}
	for _, reader := range r.actors {
		for _, writer := range r.actors {
			for _, s := range writer.seats {
				if reader != writer && !s.ephemeral && reader.seat(s.room) != nil {
					r.deleteBehind(reader, writer, s)
					return
				}
			}
		}
	}
}

func (r *run) deleteBehind(reader, writer *actor, s *seat) {
	reader.note("is asleep")
	reader.asleep = true
	reader.link.session.Engine().Pause()
	first := s.last
	for bytes := 0; bytes < 2*r.plan.socketBufferBytes+1000; {
		text := writer.text(200)
		writer.say(s, text)
		bytes += len(text) + 30
	}
	r.until("the others have the messages", 0, writer.unsettled)
	for seq := first + 1; seq <= s.last; seq++ {
		if e := r.model.past(s.room).event(seq); e.Kind == chat.EventMessage && e.User == writer.user {
			writer.doChange(s, &wish{by: writer, room: s.room, kind: chat.EventDelete, target: seq})
			r.until("it is deleted", 0, writer.unsettled)
		}
	}
	reader.asleep = false
	if reader.link != nil {
		reader.resume()
	}
	r.until("all are back", time.Second, r.unsettled)
}

// countChange counts a change that is stored.
func (r *run) countChange(e *chat.Event) {
	c := &r.counts
	switch e.Kind {
	case chat.EventMessage:
		if e.Target != 0 {
			c.Replies++
		}
	case chat.EventEdit:
		c.Edits++
	case chat.EventDelete:
		c.Deletes++
	case chat.EventReact, chat.EventUnreact:
		c.Reactions++
	case chat.EventPin, chat.EventUnpin:
		c.Pins++
	}
}
