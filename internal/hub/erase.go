package hub

import (
	"cmp"
	"math"
	"slices"
	"time"

	"sarang/chat"
	"sarang/engine"
	"sarang/internal/room"
	"sarang/lock"
)

// What was deleted never leaves the server again. The store has erased the texts when the home
// learns of it; then they are taken out of everything in memory that could still be sent, on
// every shard, and only when all have done so is who deleted them told that it is done:
//
//   - windows: other bytes are put in the place of the entry's, as many;
//   - pages that are being fed to readers are dropped and read again;
//   - pages that were read before and come to a shard later: erasures.recent says so;
//   - what a socket has taken half of, and pages of history that wait behind a full socket,
//     can not be taken back without breaking the stream: such a session is cut off, and resumes.

// erasures are the texts that were erased last, of all rooms: for those who have read them
// from the store before.
type erasures struct {
	mu     lock.Mutex
	count  uint64 // of all
	recent [erasuresKept]erasedText
}

type erasedText struct {
	room chat.RoomID
	seq  chat.Seq // 0: any
}

const erasuresKept = 1024

func (e *erasures) init() { e.mu.Init(lock.NewClass("hub.erasures")) }

// note is called when the store has erased texts, before anybody is told so.
func (e *erasures) note(id chat.RoomID, seqs []chat.Seq) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, seq := range seqs {
		e.recent[e.count%erasuresKept] = erasedText{id, seq}
		e.count++
	}
}

// now is a moment, for since.
func (e *erasures) now() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.count
}

// since calls each for the events of a room from first to last whose texts were erased since a
// moment; false: any may have been.
func (e *erasures) since(moment uint64, id chat.RoomID, first, last chat.Seq, each func(chat.Seq)) (known bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.count-moment > erasuresKept {
		return false
	}
	for ; moment < e.count; moment++ {
		switch t := e.recent[moment%erasuresKept]; {
		case t.room != id:
		case t.seq == 0:
			return false
		case t.seq >= first && t.seq <= last:
			each(t.seq)
		}
	}
	return true
}

// erasure is what one or more events of a room's log erase, on its way through the shards.
type erasure struct {
	from  *Shard // the room's home
	home  *home
	room  chat.RoomID
	by    []chat.Seq // the deletes
	texts []chat.Seq // 0: any
	upTo  chat.Seq   // and all up to it
	left  int        // shards that have not done it
	acks  []room.Ack // told when all have
	then  func()     // called by the room's home when all have; may be nil
}

// erase is called when events are in the log, before anybody is shown them: it returns nil if
// they erase nothing.
func (h *home) erase(events []chat.Event) *erasure {
	var by, texts []chat.Seq
	upTo := chat.Seq(0)
	for i := range events {
		switch k := events[i].Kind; {
		case k == chat.EventEdit:
			h.editedAt = events[i].Seq
		case k == chat.EventExpire:
			upTo = max(upTo, events[i].Target)
			texts = append(texts, h.expired(&events[i])...)
		}
		if events[i].Kind != chat.EventDelete {
			continue
		}
		by = append(by, events[i].Seq)
		of, known := h.room.Erases(&events[i])
		if !known { // others have done it, and nobody here knows what was said there since
			of = []chat.Seq{0}
		}
		texts = append(texts, of...)
	}
	if len(texts) == 0 && upTo == 0 {
		return nil
	}
	s := h.shard
	s.hub.counts.erased.Add(int64(len(texts)))
	s.hub.erased.note(h.id(), texts)
	if upTo > 0 {
		s.hub.erased.note(h.id(), []chat.Seq{0})
	}
	e := &erasure{from: s, home: h, room: h.id(), by: by, texts: texts, upTo: upTo, left: len(s.hub.shards)}
	h.erasures = append(h.erasures, e)
	s.erasing++
	for to := range s.hub.shards {
		s.answer(to, &eraseTexts{e})
	}
	return e
}

// ackBehind is home.ack where deletes are acknowledged when e is done.
func (h *home) ackBehind(e *erasure) func(room.Ack) {
	if e == nil {
		return h.ack
	}
	return func(a room.Ack) {
		if a.Kind != chat.EventDelete || e.left == 0 {
			h.ack(a)
			return
		}
		e.acks = append(e.acks, a)
	}
}

// deletedBefore acknowledges a delete that was in the log already: no sooner than the first time.
func (h *home) deletedBefore(a room.Ack) {
	if a.Seq > h.room.Info().LastSeq {
		// The store knows of it, and nobody here: nothing is taken out of the windows yet.
		h.catchUp.again = true
		h.goOnCatchingUp()
		h.giveUp(a, overloaded("this message is being deleted; try again with the same nonce"))
		return
	}
	for _, e := range h.erasures {
		if slices.Contains(e.by, a.Seq) {
			e.acks = append(e.acks, a)
			return
		}
	}
	h.ack(a)
}

// eraseTexts has a shard forget texts.
type eraseTexts struct{ *erasure }

func (e *eraseTexts) on(s *Shard) {
	for i := range s.hub.config.Formats {
		f := formatIndex(i)
		if r := s.replicas[replicaKey{e.room, f}]; r != nil {
			s.forget(r.feed, f, e.erasure)
		} else if h := s.homes[e.room]; h != nil && h.streams[f] != nil {
			s.forget(h.streams[f].feed, f, e.erasure)
		}
	}
	if len(s.holders(e.erasure)) == 0 {
		s.answer(e.from.worker.Index(), &textsErased{e.erasure})
		return
	}
	// Most of them send it in this moment. Who does not take it is cut off.
	s.worker.After(&engine.Timer{}, holdersWait, func(*engine.Timer) {
		for _, o := range s.holders(e.erasure) {
			s.hub.counts.endedForErased.Add(1)
			o.Abort() // a last word would stand behind the text, and take it along
		}
		s.answer(e.from.worker.Index(), &textsErased{e.erasure})
	})
}

// holdersWait is how long a session has to take what is on its way to it.
const holdersWait = 100 * time.Millisecond

// forget takes texts out of a feed, which is of a format.
func (s *Shard) forget(f *engine.Feed, of formatIndex, e *erasure) {
	if e.upTo != 0 || slices.Contains(e.texts, 0) {
		s.loseWindow(f) // who has read it all loses nothing
		return
	}
	for _, seq := range e.texts {
		f.DropPages(uint64(seq), uint64(seq))
		if entry := f.Entry(uint64(seq)); entry != nil && !s.blank(f, of, uint64(seq), entry) {
			s.loseWindow(f)
		}
	}
}

// loseWindow has all readers of a feed fed from the store.
func (s *Shard) loseWindow(f *engine.Feed) {
	f.DropPages(0, math.MaxUint64)
	f.Lose(f.Next())
}

// blank puts the event without its text in the place of an entry; false: that can not be.
func (s *Shard) blank(f *engine.Feed, of formatIndex, n uint64, entry []byte) bool {
	format := s.hub.config.Formats[of]
	if format.Erase == nil {
		return false
	}
	b, ok := format.Erase(s.scratch[:0], entry)
	s.scratch = b
	if !ok || len(b) != len(entry) {
		return false
	}
	buf, err := s.worker.Pool().Copy(b)
	if err != nil {
		return false
	}
	f.Replace(n, buf, 0)
	buf.Release()
	return true
}

// holders are the sessions that texts may still be sent to, in order; also those that are ending.
func (s *Shard) holders(e *erasure) (found []*engine.Session) {
	for i := range s.hub.config.Formats {
		r := s.replicas[replicaKey{e.room, formatIndex(i)}]
		if r == nil {
			continue
		}
		for c := range r.feed.Readers() {
			if first, last, some := c.Holding(); some && e.among(chat.Seq(first), chat.Seq(last)) {
				found = append(found, c.Session())
			}
		}
	}
	for id, pages := range s.told {
		o := s.worker.Session(id)
		if o == nil || o.UnsentBytes() == 0 {
			delete(s.told, id)
			continue
		}
		if slices.ContainsFunc(pages, func(p queuedPage) bool { return p.room == 0 || p.room == e.room && e.among(p.first, p.last) }) {
			found = append(found, o)
		}
	}
	// Not in the order of a map, so that a simulation repeats itself.
	slices.SortFunc(found, func(a, b *engine.Session) int { return cmp.Compare(a.ID(), b.ID()) })
	return slices.Compact(found)
}

// among reports whether one of the texts is of the events first to last.
func (e *erasure) among(first, last chat.Seq) bool {
	return first <= e.upTo || slices.ContainsFunc(e.texts, func(seq chat.Seq) bool { return seq == 0 || seq >= first && seq <= last })
}

// queuedPage is a page of history in a session's direct queue, or one that was there; or what was
// on its way from a room that it has left.
type queuedPage struct {
	room        chat.RoomID // 0: any
	first, last chat.Seq
}

// queued notes that a page was told to a session, which may not have sent it yet.
func (s *Shard) queued(o *Session, id chat.RoomID, events []chat.Event) {
	if len(events) > 0 {
		s.unsent(o, queuedPage{id, events[0].Seq, events[len(events)-1].Seq})
	}
}

// stopReading takes the session out of a room's feed. What is on its way to it from there it still
// gets.
func (s *Shard) stopReading(o *Session, p *place) {
	if first, last, some := p.cursor.Holding(); some {
		s.unsent(o, queuedPage{p.room, chat.Seq(first), chat.Seq(last)})
	}
	p.cursor.Close()
}

// unsent notes events that are on their way to a session.
func (s *Shard) unsent(o *Session, p queuedPage) {
	if o.Engine.UnsentBytes() == 0 {
		return
	}
	if len(s.told) >= pagesQueuedLook {
		for id := range s.told {
			if other := s.worker.Session(id); other == nil || other.UnsentBytes() == 0 {
				delete(s.told, id)
			}
		}
	}
	if s.told == nil {
		s.told = map[engine.SessionID][]queuedPage{}
	}
	key := o.Engine.ID()
	pages := s.told[key]
	if len(pages) >= pagesQueuedMax {
		pages = []queuedPage{{}} // of any room
	}
	s.told[key] = append(pages, p)
}

const (
	pagesQueuedLook = 256 // at so many sessions those go that have sent all
	pagesQueuedMax  = 256 // of one session; a page of many rooms is as many
)

// textsErased tells the home that a shard has forgotten the texts.
type textsErased struct{ *erasure }

func (e *textsErased) on(s *Shard) {
	if e.left--; e.left > 0 {
		return
	}
	s.erasing--
	e.home.erasures = slices.DeleteFunc(e.home.erasures, func(o *erasure) bool { return o == e.erasure })
	if e.then != nil {
		e.then()
	}
	for _, a := range e.acks {
		if to := engine.SessionID(a.Ref); a.Ref != 0 {
			s.update(to.Worker(), &roomUpdate{kind: updateAck, session: to, room: e.room, nonce: a.Nonce, seq: a.Seq})
		}
	}
}
