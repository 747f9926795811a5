package engine

import "sarang/aio"

// sessionTable holds a worker's sessions in slots that never move. A freed slot is
// used again under the next generation.
type sessionTable struct {
	blocks      []*[sessionBlock]Session
	generations []uint32
	freeSlots   []uint32
	live        int
}

const (
	sessionBlock   = 64
	generationMask = 1<<24 - 1
	listenerToken  = aio.Token(1) << 63
)

// open takes a slot for a session that speaks one of the worker's protocols.
func (t *sessionTable) open(w *Worker, protocol uint8) *Session {
	if len(t.freeSlots) == 0 {
		base := uint32(len(t.blocks) * sessionBlock)
		t.blocks = append(t.blocks, new([sessionBlock]Session))
		for i := uint32(sessionBlock); i > 0; i-- {
			t.freeSlots = append(t.freeSlots, base+i-1)
			t.generations = append(t.generations, 1)
		}
	}
	slot := t.freeSlots[len(t.freeSlots)-1]
	t.freeSlots = t.freeSlots[:len(t.freeSlots)-1]
	s := t.at(slot)
	*s = Session{
		w: w, id: makeSessionID(w.index, t.generations[slot], slot), protocol: protocol,
		timer: timerNode{tick: sessionNode},
	}
	t.live++
	return s
}

// free gives the slot back; the session's id finds nothing from here on.
func (t *sessionTable) free(s *Session) {
	slot := s.id.slot()
	t.generations[slot] = (t.generations[slot] + 1) & generationMask
	if t.generations[slot] == 0 {
		t.generations[slot] = 1
	}
	*s = Session{}
	t.freeSlots = append(t.freeSlots, slot)
	t.live--
}

func (t *sessionTable) at(slot uint32) *Session {
	return &t.blocks[slot/sessionBlock][slot%sessionBlock]
}

func (t *sessionTable) get(id SessionID) *Session {
	if slot := id.slot(); int(slot) < len(t.generations) {
		if s := t.at(slot); s.w != nil && s.id == id {
			return s
		}
	}
	return nil
}

// A session's token is its id without the worker.
func (s *Session) token() aio.Token { return aio.Token(s.id) &^ (0xff << 56) }

func (t *sessionTable) byToken(k aio.Token) *Session {
	if slot := uint32(k); int(slot) < len(t.generations) {
		if s := t.at(slot); s.w != nil && s.token() == k {
			return s
		}
	}
	return nil
}

func (t *sessionTable) each(f func(*Session)) {
	for _, b := range t.blocks {
		for i := range b {
			if b[i].w != nil {
				f(&b[i])
			}
		}
	}
}
