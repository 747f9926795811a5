package hub

import (
	"context"

	"sarang/chat"
	"sarang/engine"
	"sarang/internal/emoji"
)

// Change is what somebody does to a message. Text is lent.
type Change struct {
	Kind   chat.EventKind // one that Changes
	Target chat.Seq
	Text   string // of edits; the emoji of reactions
}

// Change changes a message of a room that the session is in; the client is told Ack or
// Failed, as for a message. What is so already is acknowledged with the event that has made it
// so, and makes no other one.
func (s *Shard) Change(o *Session, ref RequestRef, c Change) {
	ref.Event = c.Kind
	if !s.mayPublish(o, ref) {
		return
	}
	if err := s.checkChange(&c); err != nil {
		s.fail(o, ref, err)
		return
	}
	if !s.diskTakes(o, ref) || !s.mayStore(o, ref, 1, len(c.Text)) {
		return
	}
	p := publishRequest{kind: c.Kind, target: c.Target}
	if c.Text != "" {
		p.text = s.keep(c.Text)
	}
	s.author(o, ref, p)
}

func (s *Shard) checkChange(c *Change) *chat.Error {
	switch c.Kind {
	case chat.EventEdit:
		if err := s.checkText(c.Text); err != nil {
			return asError(err)
		}
	case chat.EventReact, chat.EventUnreact:
		if !emoji.Is(c.Text) {
			return chat.Errorf(chat.CodeBadText, "a reaction is one emoji")
		}
	default:
		c.Text = ""
	}
	return nil
}

// targetKey is an event, and who is about to change it.
type targetKey struct {
	seq  chat.Seq
	user chat.UserID
}

// knowsTarget reports whether a change can be decided. If not, it is run again when the store
// has said what its target is.
func (h *home) knowsTarget(p *publishRequest) bool {
	if !p.kind.Changes() || p.target == 0 || p.target > h.room.Info().LastSeq || h.room.Info().Ephemeral {
		return true // or there is nothing to be known, and the room says so
	}
	key := targetKey{p.target, p.user}
	waiting, asked := h.targetsAsked[key]
	if !asked && h.room.KnowsTarget(key.seq, key.user) {
		return true
	}
	if h.targetsAsked == nil {
		h.targetsAsked = map[targetKey][]publishRequest{}
	}
	h.targetsAsked[key] = append(waiting, *p)
	if !asked {
		h.askTarget(key, p)
	}
	return false
}

func (h *home) askTarget(key targetKey, p *publishRequest) {
	h.room.AwaitTarget(key.seq, key.user)
	hub, id, who := h.shard.hub, h.id(), p.asker(h.id())
	ok := h.shard.give(hub.queries, who.source(), func() {
		ctx, cancel := context.WithTimeout(context.Background(), hub.config.StoreTimeout)
		defer cancel()
		t, err := hub.config.Store.Target(ctx, id, key.seq, key.user)
		h.shard.worker.Post(engine.MessageFunc(func(*engine.Worker) { h.targetLoaded(key, t, err) }))
	})
	if !ok {
		h.targetLoaded(key, chat.Target{}, chat.Errorf(chat.CodeUnavailable, "too many requests wait for the store"))
	}
}

func (h *home) targetLoaded(key targetKey, t chat.Target, err error) {
	waiting := h.targetsAsked[key]
	delete(h.targetsAsked, key)
	if err != nil {
		hub := h.shard.hub
		hub.logTrouble(&hub.troubles.author, "reading a message that is to be changed failed", "room", h.id(), "event", key.seq, "error", err)
		for i := range waiting {
			who := waiting[i].asker(h.id())
			h.shard.refuse(&who, overloaded("the message can not be read now; try again with the same nonce"))
		}
	} else {
		h.room.LoadTarget(key.seq, key.user, t)
		for i := range waiting {
			h.publish(&waiting[i])
		}
	}
	h.room.ForgetTarget(key.seq, key.user)
	h.touch()
}
