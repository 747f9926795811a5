package hub

import (
	"cmp"
	"slices"
	"time"

	"sarang/chat"
	"sarang/internal/limit"
)

// That somebody types is told to those who are in the room, and forgotten: it is no event, has
// no answer, is told at most each TypingEvery of a session, and is the first thing to be left
// out: under load, in crowded rooms, and for who has not read what was sent to him.

// TypingEvery is how often a session tells that its user types; TypingShown is how long others
// show it, unless they are told again.
const (
	TypingEvery = 2 * time.Second
	TypingShown = 6 * time.Second
)

// typingLeast has some slack: clocks differ, and packets are late.
const typingLeast = TypingEvery * 3 / 4

// typingQueueBytesMax is what a session may have to send directly and still be told.
const typingQueueBytesMax = 1 << 10

// Typing tells the others in a room that the session's user types. Nothing answers.
func (s *Shard) Typing(o *Session, room chat.RoomID) {
	p := o.place(room)
	now := s.worker.Now()
	if o.login != loginDone || p == nil || p.cursor == nil || p.typedAt != 0 && now-p.typedAt < typingLeast || s.hub.load.now() >= limit.LevelEphemeral {
		return
	}
	p.typedAt = max(now, 1)
	s.ask(&typing{asker{session: o.Engine.ID(), network: o.network, user: o.User, name: o.Name, ref: RequestRef{Room: room}}})
}

type typing struct{ asker }

func (t *typing) at(h *home) {
	if info := h.room.Info(); info.Archived || !h.room.IsPresent(t.user) || !h.room.Known(t.user) || h.room.Members() > h.shard.hub.config.AnnounceMembersMax ||
		h.room.Access(t.user, chat.ActionPublish, h.shard.hub.nowMs()) != nil {
		return
	}
	for to := range h.shard.hub.shards {
		for i, st := range h.streams {
			if st != nil && st.readers[to] > 0 {
				h.shard.answer(to, &typed{t.user, t.name, h.id(), formatIndex(i)})
			}
		}
	}
}

// typed tells a shard's readers of a room that somebody types there.
type typed struct {
	user   chat.UserID
	name   string
	room   chat.RoomID
	format formatIndex
}

func (t *typed) on(s *Shard) {
	r := s.replicas[replicaKey{t.room, t.format}]
	if r == nil {
		return
	}
	var others []*Session
	for c := range r.feed.Readers() {
		if o := sessionOf(c.Session()); o != nil && o.User != t.user && o.Engine.QueuedBytes() <= typingQueueBytesMax {
			others = append(others, o)
		}
	}
	slices.SortFunc(others, func(a, b *Session) int { return cmp.Compare(a.Engine.ID(), b.Engine.ID()) }) // so that a simulation repeats itself
	for _, o := range others {
		o.Client.Typing(o, t.room, t.user, t.name)
	}
}
