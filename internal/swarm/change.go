package swarm

import (
	"math/rand/v2"
	"slices"

	"sarang/chat"
	"sarang/client/session"
)

// act is what a publisher does, of the mix that Config.Changes asks for.
type act uint8

const (
	actMessage act = iota
	actReply       // to a message, whose thread it joins or begins
	actThread      // a message of a thread that is there
	actMention     // a message that mentions a member of the room
	actEdit
	actDelete
	actReact
	actUnreact
	acts
)

// says reports whether it is a message of its own.
func (a act) says() bool { return a <= actMention }

// deed is what a publisher has done, or wants done.
type deed struct {
	act     act
	emoji   uint8    // of reactions: one of the emojis
	refused bool     // because the message had been deleted
	counter uint32   // of the publisher
	seq     chat.Seq // where it stands; 0: it was not acknowledged
	target  chat.Seq
	root    chat.Seq // of messages: as the client is told it, the first of the thread
	nonce   chat.Nonce
	text    string // a digest of the text; see inspector.digest
}

// mentions returns the client whom a message of a publisher mentions.
func (in *inspector) mentions(m message) (client int) {
	c := in.config
	room := int(m.publisher) % c.Rooms
	members := (c.Clients - room + c.Rooms - 1) / c.Rooms
	return room + int(mix(c.Seed^uint64(m.publisher)<<32^uint64(m.counter)^'m')%uint64(members))*c.Rooms
}

// mention is what stands behind the text of a message that mentions somebody.
func (in *inspector) mention(m message) string {
	client := in.mentions(m)
	return " " + chat.MentionText(chat.UserID(in.users[client].Load()), userName(in.config, client))
}

// mentionBytesMax is how much longer a text is that mentions somebody.
const mentionBytesMax = 96

// emojis are what is put on messages.
var emojis = [...]string{"👍", "❤️", "😀", "🎉", "👀"}

const (
	recentMax = 16  // messages that a publisher answers, or puts something on
	ownMax    = 32  // messages of its own that it edits or deletes
	putMax    = 64  // reactions of its own that it takes back
	triedMax  = 256 // reactions that it does not try again; all that could be put on the recent messages are fewer
	editsMost = chat.EditsPerMessageMax / 2
)

// changer chooses what a publisher does next. It knows the newest messages of the room, and what
// the publisher has said and put there.
type changer struct {
	rng    *rand.Rand
	recent []recent
	own    []own
	put    []reaction // that stand, as far as it knows
	tried  []reaction
	done   []deed // in the order of their answers, the refused ones, too
}

type recent struct{ seq, root chat.Seq }

type own struct {
	seq   chat.Seq
	edits int
	busy  bool // a change of it is under way
}

type reaction struct {
	target chat.Seq
	emoji  uint8
}

// heard takes an event of the room.
func (c *changer) heard(e *chat.Event) {
	switch {
	case e.Kind == chat.EventMessage && e.Text != "":
		c.recent = append(trim(c.recent, recentMax), recent{e.Seq, e.ThreadRoot()})
	case e.Kind == chat.EventDelete:
		c.recent = slices.DeleteFunc(c.recent, func(r recent) bool { return r.seq == e.Target })
	}
}

// trim makes a place behind the others, where the oldest has to go for it.
func trim[T any](all []T, most int) []T {
	if len(all) < most {
		return all
	}
	return slices.Delete(all, 0, len(all)-most+1)
}

// next says what to do. What can not be done for want of something to do it to is a message.
func (c *changer) next(percent int) (d deed) {
	if c.rng.IntN(100) >= percent {
		return deed{}
	}
	d.act = actReply + act(c.rng.IntN(int(acts-actReply)))
	ok := false
	switch d.act {
	case actMention:
		ok = true
	case actReply, actThread:
		ok = c.answer(&d)
	case actEdit, actDelete:
		ok = c.change(&d)
	case actReact:
		ok = c.react(&d)
	case actUnreact:
		if n := len(c.put); n > 0 {
			i := c.rng.IntN(n)
			d.target, d.emoji, ok = c.put[i].target, c.put[i].emoji, true
			c.put = slices.Delete(c.put, i, i+1)
		}
	}
	if !ok {
		return deed{}
	}
	return d
}

// answer finds a message to answer, or a thread.
func (c *changer) answer(d *deed) bool {
	if len(c.recent) == 0 {
		return false
	}
	r := c.recent[c.rng.IntN(len(c.recent))]
	if d.act == actThread {
		i := slices.IndexFunc(c.recent, func(r recent) bool { return r.root != 0 })
		if i < 0 {
			return false
		}
		d.target, d.root = c.recent[i].root, c.recent[i].root
		return true
	}
	if d.target, d.root = r.seq, r.root; d.root == 0 {
		d.root = r.seq
	}
	return true
}

// change finds a message of its own to change.
func (c *changer) change(d *deed) bool {
	if len(c.own) == 0 {
		return false
	}
	o := &c.own[c.rng.IntN(len(c.own))]
	if o.busy || d.act == actEdit && o.edits == editsMost {
		return false
	}
	o.busy, d.target = true, o.seq
	return true
}

func (c *changer) react(d *deed) bool {
	if len(c.recent) == 0 {
		return false
	}
	r := reaction{c.recent[c.rng.IntN(len(c.recent))].seq, uint8(c.rng.IntN(len(emojis)))}
	if slices.Contains(c.tried, r) {
		return false
	}
	c.tried = append(trim(c.tried, triedMax), r)
	d.target, d.emoji = r.target, r.emoji
	return true
}

// answered takes what became of a deed: its place, or 0.
func (c *changer) answered(d deed) {
	c.done = append(c.done, d)
	i := slices.IndexFunc(c.own, func(o own) bool { return o.seq == d.target })
	switch {
	case d.act.says() && d.seq != 0:
		c.own = append(trim(c.own, ownMax), own{seq: d.seq})
	case d.act == actDelete && i >= 0:
		c.own = slices.Delete(c.own, i, i+1)
	case d.act == actEdit && i >= 0:
		c.own[i].busy = false
		c.own[i].edits++
	case d.act == actReact && d.seq != 0:
		c.put = append(trim(c.put, putMax), reaction{d.target, d.emoji})
	}
}

// send does what d says, in a text that is m's if it has one. It sets the nonce and the digest.
func (p *publisher) send(d *deed, m message) (err error) {
	w := p.worker
	text := string(w.inspector.payloads.append(nil, m))
	if d.act == actMention {
		text += w.inspector.mention(m)
	}
	d.counter = m.counter
	if p.changer != nil && (d.act.says() || d.act == actEdit) {
		d.text = w.inspector.digest(text)
	}
	switch d.act {
	case actEdit:
		d.nonce, err = p.session.Edit(p.roomID, d.target, text)
	case actDelete:
		d.nonce, err = p.session.Delete(p.roomID, d.target)
	case actReact, actUnreact:
		d.nonce, err = p.session.React(p.roomID, d.target, emojis[d.emoji], d.act == actUnreact)
	case actReply, actThread:
		root := d.root
		if root == d.target {
			root = 0
		}
		d.nonce, err = p.session.Reply(p.roomID, session.Reply{Target: d.target, Root: root, Text: text})
	default:
		d.nonce, err = p.session.Publish(p.roomID, text)
	}
	return err
}
