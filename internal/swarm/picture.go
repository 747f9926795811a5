package swarm

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"slices"
	"sync"

	"sarang/chat"
	"sarang/client/view"
)

// digest stands for a text in what clients show: equal for equal texts, and shorter. Empty for the
// empty one.
func (in *inspector) digest(text string) string {
	if text == "" {
		return ""
	}
	return string(binary.BigEndian.AppendUint64(nil, maphash.String(in.hashSeed, text)))
}

// tells reports whether events of the kind have a text that a deletion erases.
func tells(k chat.EventKind) bool { return k == chat.EventMessage || k == chat.EventEdit }

// hashApart is hash in two halves: the upper one of all but a text that may be erased, the lower one
// of that text, 0 if there is none.
func (in *inspector) hashApart(e *chat.Event) uint64 {
	bare := *e
	if tells(e.Kind) {
		bare.Text = ""
	}
	h := mix(in.hash(&bare)^mix(uint64(e.Target)<<20^uint64(e.Root))) >> 32 << 32
	if tells(e.Kind) && e.Text != "" {
		h |= max(maphash.String(in.hashSeed, e.Text)>>32, 1)
	}
	return h
}

// judgeChange is judge with Config.Changes, for events that users have made: with their texts, or
// without, if these were erased. Whether they were to be is found in the end.
func (in *inspector) judgeChange(r *record, e *chat.Event) (verdict, *record) {
	h := in.hashApart(e)
	whole := tells(e.Kind) && e.Text != ""
	var m message
	if text := uint32(h); whole && text != uint32(r.hash) {
		ok := false
		if m, ok = in.genuine(e); !ok {
			if r.state == stateUnseen {
				r.state = stateSpoiled
			}
			return verdictCorrupted, r
		}
	}
	first := r.state == stateUnseen || r.state == stateSpoiled
	switch {
	case r.state == stateOther, !first && r.hash>>32 != h>>32:
		return verdictReordered, r
	case first && !whole:
		client, _ := in.clientOf.Load(e.User)
		at, ok := client.(int)
		if !ok {
			return verdictCorrupted, r // nobody of this run
		}
		*r = record{hash: h, scheduled: int64(e.Nonce), publisher: uint32(at), state: stateChange, erased: tells(e.Kind)}
	case first, whole && r.state == stateChange:
		*r = record{hash: h, scheduled: m.scheduled, counter: m.counter, publisher: m.publisher, state: stateMessage, erased: r.erased && !first}
	case whole && uint32(h) != uint32(r.hash):
		return verdictCorrupted, r // a text of the same author, of another message
	case tells(e.Kind) && !whole:
		r.erased = true
	}
	return verdictRight, r
}

// gone are the messages whose deletion was acknowledged, and when; for all workers.
type gone struct{ at sync.Map }

type placeInRoom struct {
	room int
	seq  chat.Seq
}

func (g *gone) add(room int, seq chat.Seq, nanos int64) { g.at.Store(placeInRoom{room, seq}, nanos) }

// before reports whether a message was deleted, and that was known, before a time.
func (g *gone) before(room int, seq chat.Seq, nanos int64) bool {
	at, ok := g.at.Load(placeInRoom{room, seq})
	return ok && at.(int64) < nanos
}

// picture has the member show an event. A server that has acknowledged a deletion tells the text
// to no connection that is begun afterwards.
func (m *member) picture(e *chat.Event) {
	w := m.worker
	if tells(e.Kind) && e.Text != "" {
		target := e.Seq
		if e.Kind == chat.EventEdit {
			target = e.Target
		}
		late := m.dialledAt > w.run.beganAt.Load() && w.run.gone.before(m.room, target, m.dialledAt)
		if shown, _ := m.view.Message(target); late || shown.Deleted != 0 {
			m.leaked(e)
		}
	}
	if m.publisher != nil {
		m.publisher.changer.heard(e)
	}
	m.view.Event(w.inspector.shown(e))
}

func (m *member) leaked(e *chat.Event) {
	m.worker.counts.shownDeleted++
	m.worker.found("shown after its deletion", fmt.Sprintf("client %d, room %d, event %d", m.index, m.roomID, e.Seq))
}

// shown is an event as a picture keeps it.
func (in *inspector) shown(e *chat.Event) *chat.Event {
	told := *e
	if tells(e.Kind) {
		told.Text = in.digest(e.Text)
	}
	return &told
}

// pictured is a message as it has to be shown, by what was acknowledged.
type pictured struct {
	deed
	client    uint32
	user      chat.UserID
	mentioned int // the client whom its text mentions; -1: none
	edited    chat.Seq
	deleted   chat.Seq
	reactions []picturedReaction
}

type picturedReaction struct {
	emoji uint8
	by    map[chat.UserID]chat.Seq
}

// model is what a room has to look like.
type model struct {
	messages map[chat.Seq]*pictured
	order    []chat.Seq
	wrong    uint64 // acks and refusals that can not be
	changes  Changes
}

// modelOf makes the picture of a room from what its publishers were told, in the order of the places.
func modelOf(in *inspector, authors []author) *model {
	m := &model{messages: map[chat.Seq]*pictured{}}
	type done struct {
		deed
		client uint32
	}
	var all, refused []done
	for i := range authors {
		for _, d := range authors[i].deeds {
			switch {
			case d.seq != 0:
				all = append(all, done{d, authors[i].index})
			case d.refused:
				refused = append(refused, done{d, authors[i].index})
			}
		}
	}
	slices.SortFunc(all, func(a, b done) int { return int(a.seq) - int(b.seq) })
	for i := range all {
		m.apply(in, &all[i].deed, all[i].client)
	}
	for i := range refused {
		m.changes.Overtaken++
		if x := m.messages[refused[i].target]; x == nil || x.deleted == 0 {
			m.wrong++ // nobody has deleted it
		}
	}
	return m
}

func (m *model) apply(in *inspector, d *deed, client uint32) {
	m.changes.count(d.act)
	user := chat.UserID(in.users[client].Load())
	if d.act.says() {
		x := &pictured{deed: *d, client: client, user: user, mentioned: -1}
		if d.act == actMention {
			x.mentioned = in.mentions(message{publisher: client, counter: d.counter})
		}
		m.messages[d.seq] = x
		m.order = append(m.order, d.seq)
		return
	}
	x := m.messages[d.target]
	if x == nil || x.deleted != 0 {
		m.wrong++ // it was acknowledged, and could not be done
		return
	}
	switch d.act {
	case actEdit:
		x.text, x.edited, x.mentioned = d.text, d.seq, -1
	case actDelete:
		x.text, x.edited, x.deleted, x.mentioned, x.reactions = "", 0, d.seq, -1, nil
	case actReact:
		i := slices.IndexFunc(x.reactions, func(r picturedReaction) bool { return r.emoji == d.emoji })
		if i < 0 {
			i = len(x.reactions)
			x.reactions = append(x.reactions, picturedReaction{d.emoji, map[chat.UserID]chat.Seq{}})
		}
		x.reactions[i].by[user] = d.seq
	case actUnreact:
		x.reactions = slices.DeleteFunc(x.reactions, func(r picturedReaction) bool {
			if r.emoji == d.emoji {
				delete(r.by, user)
			}
			return len(r.by) == 0
		})
	}
}

// differs returns what is not in a picture as it has to be; empty: nothing.
func (m *model) differs(in *inspector, v *view.View, me chat.UserID) string {
	shown := v.Messages()
	if len(shown) != len(m.order) {
		return fmt.Sprintf("%d messages are shown, %d were said", len(shown), len(m.order))
	}
	for i := range shown {
		got, want := &shown[i], m.messages[m.order[i]]
		text := func(what string, have, should any) string {
			return fmt.Sprintf("message %d: %s is %v, and has to be %v", got.Seq, what, have, should)
		}
		switch {
		case got.Seq != want.seq:
			return text("its place", got.Seq, want.seq)
		case got.User != want.user || in.config.People == 0 && got.Name != userName(in.config, int(want.client)):
			return text("its author", got.Name, userName(in.config, int(want.client)))
		case got.Text != want.text:
			return text("the digest of its text", fmt.Sprintf("%x", got.Text), fmt.Sprintf("%x", want.text))
		case got.Deleted != want.deleted:
			return text("its deletion", got.Deleted, want.deleted)
		case got.Edited != want.edited:
			return text("its edit", got.Edited, want.edited)
		case got.Target != want.target || got.Root != want.root:
			return text("what it answers", [2]chat.Seq{got.Target, got.Root}, [2]chat.Seq{want.target, want.root})
		case !slices.EqualFunc(got.Reactions, want.reactions, func(a chat.Reaction, b picturedReaction) bool {
			return a.Emoji == emojis[b.emoji] && a.Count == len(b.by) && a.Mine == b.by[me]
		}):
			return text("what was put on it", got.Reactions, want.reactions)
		}
	}
	return ""
}

// pictures compares what the members of a room show with what was acknowledged. It is called behind
// verify.
func (c *roomCheck) pictures(in *inspector) (n Changes) {
	m := modelOf(in, c.authors)
	n = m.changes
	n.AnswersWrong = m.wrong
	for k := range c.places {
		seq := c.base + chat.Seq(k)
		if d := c.byPlace[seq]; c.erased(seq) {
			target := seq
			if d != nil && d.act == actEdit {
				target = d.target
			}
			if x := m.messages[target]; x == nil || x.deleted == 0 {
				n.ErasedWrong++
			}
		}
	}
	for _, x := range c.members {
		if !x.dead && !x.void && x.view != nil {
			m.check(x, &n)
		}
	}
	return n
}

// erased reports whether somebody has got a place without its text.
func (c *roomCheck) erased(seq chat.Seq) bool {
	return slices.ContainsFunc(c.journals, func(j *journal) bool { return j.get(seq).erased })
}
