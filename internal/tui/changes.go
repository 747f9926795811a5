package tui

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"sarang/chat"
	"sarang/client"
	"sarang/client/view"
)

// Change does something to a message. That it is done is shown by its event; else it is
// answered by Failed.
type Change struct {
	Room   chat.RoomID
	Verb   Verb
	Target chat.Seq
	Text   string // VerbEdit, VerbReply; VerbReact: the emoji
}

func (c Change) perform(ctx context.Context, to Conn) any {
	var err error
	switch c.Verb {
	case VerbEdit:
		_, err = to.Edit(ctx, c.Room, c.Target, c.Text)
	case VerbDelete:
		_, err = to.Delete(ctx, c.Room, c.Target)
	case VerbReact:
		_, err = to.React(ctx, c.Room, c.Target, c.Text, false)
	case VerbUnreact:
		_, err = to.React(ctx, c.Room, c.Target, c.Text, true)
	case VerbFollow, VerbUnfollow:
		_, err = to.Follow(ctx, c.Room, c.Target, c.Verb == VerbUnfollow)
	case VerbPin, VerbUnpin:
		_, err = to.Pin(ctx, c.Room, c.Target, c.Verb == VerbUnpin)
	default:
		_, err = to.Reply(ctx, c.Room, client.Reply{Target: c.Target, Text: c.Text})
	}
	if err != nil {
		return Failed{"the message", plainly(err)}
	}
	return Batch{}
}

// message reads the arguments of a command about a message: ^N is the N-th from the end of
// those that are shown, the newest being ^1.
func (c *Command) message(words []string) error {
	words, err := c.counted(words)
	if err != nil {
		return err
	}
	c.Text = strings.Join(words, " ")
	switch {
	case c.wordless() && c.Text != "":
		return errors.New("this needs no words")
	case !c.wordless() && c.Text == "":
		return errors.New("and what?")
	}
	return nil
}

// counted reads which message is meant, and returns what stands behind that.
func (c *Command) counted(words []string) (rest []string, err error) {
	if len(words) == 0 || !strings.HasPrefix(words[0], "^") {
		return words, nil
	}
	n, err := strconv.Atoi(words[0][1:])
	if err != nil || n < 1 {
		return nil, errors.New("^1 is the newest message, ^2 the one before it")
	}
	c.Number = n
	return words[1:], nil
}

// changing is the effect of a command about a message. Without a number an edit or a deletion
// is of the newest message of one's own, and the others of the newest.
func (m *Model) changing(c Command) []Effect {
	if len(m.rooms) == 0 {
		m.hint = "you are in no room; /rooms lists them, /join #room goes into one"
		return nil
	}
	r, n := m.room(), max(c.Number, 1)
	for i := len(r.entries) - 1; i >= 0; i-- {
		e := r.entries[i]
		own := c.Number == 0 && (c.Verb == VerbEdit || c.Verb == VerbDelete)
		if e.kind != entryMessage || e.seq == 0 || e.epoch != r.info.Epoch || own && !e.own {
			continue
		}
		if n--; n == 0 {
			target := e.seq
			if c.Verb == VerbFollow || c.Verb == VerbUnfollow {
				target = r.threadOf(target)
			}
			return []Effect{Change{Room: r.info.ID, Verb: c.Verb, Target: target, Text: r.meaning(c.Verb, c.Text)}}
		}
	}
	m.hint = "there is no such message"
	return nil
}

// threadOf is the first message of the thread that a message belongs to, or may begin.
func (r *room) threadOf(seq chat.Seq) chat.Seq {
	if m, ok := r.view.Message(seq); ok && m.Root != 0 {
		return m.Root
	}
	return seq
}

// learn takes an event of the log into the picture of the room's messages, and has the message
// that it changes shown anew. It reports whether the event is such a change.
func (r *room) learn(e chat.Event) bool {
	r.view.Event(&e)
	if e.Kind == chat.EventExpire {
		r.expire(e.Target)
		return true
	}
	if !e.Kind.Changes() {
		return false
	}
	for i := len(r.entries) - 1; i >= 0; i-- {
		if n := r.entries[i]; n.seq == e.Target && n.epoch == r.info.Epoch {
			r.present(n)
			break
		}
	}
	return true
}

// expire takes what was erased for its age off the screen.
func (r *room) expire(upTo chat.Seq) {
	mine := func(n *entry) bool { return n.seq > 0 && n.seq <= upTo && n.epoch == r.info.Epoch }
	for _, n := range r.entries {
		if mine(n) && n.kind == entryMessage && !n.own && n.seq > r.read && r.unread > 0 {
			r.unread--
		}
	}
	r.entries = slices.DeleteFunc(r.entries, mine)
	r.first = max(r.first, upTo+1)
	r.older = r.older && r.first > upTo+1
	for _, n := range r.entries {
		r.present(n) // it may answer one that is gone
	}
}

// learnPage is learn for a page of history. One that is too old for the picture is shown as it
// is, until the room is opened again.
func (r *room) learnPage(p client.HistoryPage) {
	_ = r.view.Page(view.Page{AsOf: p.AsOf, Events: p.Events, States: p.States})
}

// present has an entry show what its message is now.
func (r *room) present(n *entry) {
	m, ok := r.view.Message(n.seq)
	if n.kind != entryMessage || !ok {
		return
	}
	n.lines, n.linesWidth = nil, 0
	if m.Gone() {
		n.text = "(deleted)"
		return
	}
	n.text = withFiles(CleanText(r.named(m.Text)), m.Files)
	if m.Pinned != 0 {
		n.text = "📌 " + n.text
	}
	if to, ok := r.view.Message(m.Target); ok {
		n.text = "↪ " + CleanLine(to.Name) + ": " + n.text
	}
	if m.Edited != 0 {
		n.text += " (edited)"
	}
	for _, x := range m.Reactions {
		n.text += "  " + CleanLine(x.Emoji) + " " + strconv.Itoa(x.Count)
	}
}

// aboutMessages reports whether the command does something to a message.
func (v Verb) aboutMessages() bool {
	return v >= VerbEdit && v <= VerbUnpin
}
