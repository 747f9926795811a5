package tui

import (
	"context"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"sarang/chat"
	"sarang/client"
)

// People write and read @name; on the wire a mention is a link to a user's id (chat.Mentions).

// withMentions is a text as people read it. names, which may be nil, knows what users are called
// now.
func withMentions(text string, names func(chat.UserID) string) string {
	var b strings.Builder
	end := 0
	for m := range chat.Mentions(text) {
		name := m.Name
		if m.User != 0 && names != nil {
			if now := names(m.User); now != "" {
				name = now
			}
		}
		b.WriteString(text[end:m.Start] + "@" + name)
		end = m.End
	}
	if end == 0 {
		return text
	}
	return b.String() + text[end:]
}

// named is withMentions, with the names of the room's members.
func (r *room) named(text string) string {
	return withMentions(text, func(u chat.UserID) string { return r.members[u] })
}

// everybody is what stands behind the @ that means all who are in the room.
const everybody = "room"

// mentioning is a text as the server gets it: @name, where somebody in the room is called so, is a
// mention of him.
func (r *room) mentioning(text string) string {
	var b strings.Builder
	for rest, before := text, ' '; rest != ""; {
		at := strings.IndexByte(rest, '@')
		if at < 0 {
			b.WriteString(rest)
			break
		}
		if at > 0 {
			before, _ = utf8.DecodeLastRuneInString(rest[:at])
		}
		b.WriteString(rest[:at])
		rest = rest[at+1:]
		word := rest[:wordEnd(rest)]
		user, name := r.called(word)
		if name == "" || unicode.IsLetter(before) || unicode.IsDigit(before) || before == '[' || before == '\\' {
			b.WriteByte('@')
			before = '@'
			continue
		}
		b.WriteString(chat.MentionText(user, name))
		rest, before = rest[len(name):], ' '
	}
	return b.String()
}

// wordEnd is where what may be a name ends.
func wordEnd(s string) int {
	if end := strings.IndexFunc(s, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("@[](),;:!?", r) }); end >= 0 {
		return end
	}
	return len(s)
}

// called finds whom a word means, and how much of it is his name: what stands behind that may be a
// full stop. "" if it means nobody.
func (r *room) called(word string) (u chat.UserID, name string) {
	for w := word; w != ""; w = w[:len(w)-1] {
		if w == everybody {
			return 0, w
		}
		for id, is := range r.members {
			if nameKey(is) == nameKey(w) {
				return id, w
			}
		}
		if !strings.ContainsAny(w[len(w)-1:], ".\"'") {
			break
		}
	}
	return 0, ""
}

// meaning is the text of a command about a message as the server gets it.
func (r *room) meaning(v Verb, text string) string {
	if v == VerbEdit || v == VerbReply {
		return r.mentioning(text)
	}
	return text
}

// wordless reports whether nothing is said by a command about a message.
func (c *Command) wordless() bool {
	switch c.Verb {
	case VerbDelete, VerbPin, VerbUnpin, VerbFollow, VerbUnfollow:
		return true
	}
	return false
}

// Pick asks for messages that are not a part of the log: mentions, threads, pins. They are shown as
// a Notice.
type Pick struct {
	Room chat.RoomID
	Verb Verb
}

// pickedMax is how many are shown.
const pickedMax = 20

func (m *Model) picking(v Verb) []Effect {
	if len(m.rooms) == 0 {
		m.hint = "you are in no room; /rooms lists them, /join #room goes into one"
		return nil
	}
	return []Effect{Pick{m.room().info.ID, v}}
}

// newIn says how much of a thread is new.
func newIn(t client.Thread) string {
	switch {
	case t.Unread >= chat.ThreadUnreadMax:
		return fmt.Sprintf(", %d or more new", chat.ThreadUnreadMax)
	case t.Unread > 0:
		return fmt.Sprintf(", %d new", t.Unread)
	}
	return ""
}

// newsMax is how many messages of a thread are shown that are new in it.
const newsMax = 10

// news shows what is new in a thread, as far as there is a place for it, and notes that it was read.
func (p Pick) news(ctx context.Context, c Conn, t client.Thread, show func(client.StatedMessage)) error {
	page, err := c.Thread(ctx, t.Root.Seq, client.History{Room: p.Room, After: t.Mark, ItemsMax: newsMax})
	if err != nil || len(page.Events) == 0 {
		return err
	}
	for i := range page.Events {
		if e := &page.Events[i]; !e.Erased() {
			show(client.StatedMessage{Event: *e})
		}
	}
	_, err = c.ReadThread(ctx, p.Room, t.Root.Seq, page.Events[len(page.Events)-1].Seq)
	return err
}

func (p Pick) perform(ctx context.Context, c Conn) any {
	var lines []string
	var more bool
	var err error
	add := func(e client.StatedMessage, tail string) {
		text := CleanLine(withMentions(e.Text, nil))
		if e.Erased() {
			text = "(deleted)"
		}
		lines = append(lines, CleanLine(e.Name)+": "+text+tail)
	}
	what := "nobody has mentioned you"
	switch p.Verb {
	case VerbThreads:
		what = "nothing was answered here"
		page, failed := c.Threads(ctx, p.Room, 0, pickedMax)
		for _, t := range page.Threads {
			add(t.Root, fmt.Sprintf("  ↪ %d", t.Replies)+newIn(t))
		}
		more, err = page.More, failed
	case VerbUnread:
		what = "nothing is new in the threads that you follow here"
		page, failed := c.UnreadThreads(ctx, p.Room, 0, pickedMax)
		for _, t := range page.Threads {
			add(t.Root, fmt.Sprintf("  ↪ %d", t.Replies)+newIn(t))
			if failed == nil {
				failed = p.news(ctx, c, t, func(e client.StatedMessage) { add(e, ""); lines[len(lines)-1] = "    " + lines[len(lines)-1] })
			}
		}
		more, err = page.More, failed
	case VerbPins:
		what = "nothing is pinned here"
		page, failed := c.Pins(ctx, p.Room, 0, pickedMax)
		for _, e := range page.Events {
			add(client.StatedMessage{Event: e}, "")
		}
		more, err = page.More, failed
	default:
		page, failed := c.Mentions(ctx, chat.MentionPlace{}, pickedMax)
		for _, e := range page.Messages {
			add(e, "")
		}
		more, err = page.More, failed
	}
	switch {
	case err != nil:
		return Failed{"the list", plainly(err)}
	case len(lines) == 0 && !more:
		return Notice{what}
	case more:
		lines = append(lines, "… and older ones")
	}
	return Notice{strings.Join(lines, "\n")}
}
