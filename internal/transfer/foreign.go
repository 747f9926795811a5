package transfer

import (
	"slices"
	"strings"
	"unicode/utf8"

	"sarang/chat"
	"sarang/internal/emoji"
)

// foreign is what parsers of other programs' files have in common.
type foreign struct {
	im     *importer
	format string
	links  links
}

// said is a message of another program.
type said struct {
	by     person
	timeMs int64
	text   string // in the form of texts here
	target chat.Seq
	root   chat.Seq
}

// begin is beginRoom for a room of another program, which knows it by an id: with a name near the
// one that it has there. A room that was there in a file before goes on.
func (f *foreign) begin(id, name string, r chat.Room) error {
	f.links = links{}
	id = f.format + "\n" + id
	if made, known := f.im.ids[id]; known {
		r.Name, r.Key = made.Name, made.Key
		return f.im.beginRoom(r, true, false)
	}
	if r.Key == "" {
		wanted := f.im.o.Into
		if wanted != "" && len(f.im.names) > 0 {
			return chat.Errorf(chat.CodeBadRequest, "--into is for a file that has one room, and this one has several: use --prefix")
		}
		if wanted == "" {
			wanted = usable(f.im.o.Prefix+name, "room", chat.ParseRoomName)
		}
		for n := 0; ; n++ {
			var err error
			if r.Name, r.Key, err = chat.ParseRoomName(suffixed(wanted, f.format, n)); err != nil {
				return err
			}
			if !f.im.names[r.Key] {
				break
			}
		}
		if r.Name != name && f.im.o.Into == "" {
			f.im.r.changed("names of rooms")
			f.im.r.tell("room %q is called %q here", cut(name), r.Name)
		}
	}
	f.im.ids[id] = r
	return f.im.beginRoom(r, f.im.o.Append, false)
}

// say puts a message into the room, in parts if it is too long, and returns the first one's number;
// 0 if nothing of it can stay.
func (f *foreign) say(m said) (first chat.Seq, err error) {
	if m.timeMs <= 0 || m.timeMs > timeMsMax {
		return 0, wrong("a message has no time")
	}
	text := strings.TrimSpace(m.text)
	if text == "" {
		f.im.r.leftOut("messages without a text")
		return 0, nil
	}
	parts := split(text, f.im.o.TextBytesMax)
	if len(parts) > 1 {
		f.im.r.changed("messages that were split, because they are too long")
	}
	for _, part := range parts {
		seq, err := f.im.add(chat.Event{
			Kind: chat.EventMessage, User: m.by.id, Name: m.by.name, TimeMs: m.timeMs, Text: part, Target: m.target, Root: m.root,
		}, true)
		if err != nil {
			return 0, err
		}
		if first == 0 {
			first = seq
		}
	}
	return first, nil
}

// change puts a reaction or a pin on a message.
func (f *foreign) change(kind chat.EventKind, by person, target chat.Seq, timeMs int64, text string) error {
	_, err := f.im.add(chat.Event{Kind: kind, User: by.id, Name: by.name, TimeMs: timeMs, Target: target, Text: text}, true)
	return err
}

// reactions are those of one message: emojis with who has put them there.
type reactions struct {
	emojis []string
	by     map[string][]chat.UserID
}

// react puts an emoji on a message, if it is one, and if it is not there.
func (f *foreign) react(r *reactions, by person, target chat.Seq, timeMs int64, e string) error {
	if !emoji.Is(e) {
		f.im.r.leftOut("reactions that are no emojis here")
		return nil
	}
	if !slices.Contains(r.emojis, e) {
		if len(r.emojis) == chat.EmojisPerMessageMax {
			f.im.r.leftOut("reactions beyond those that a message may have")
			return nil
		}
		if r.by == nil {
			r.by = map[string][]chat.UserID{}
		}
		r.emojis = append(r.emojis, e)
	}
	if slices.Contains(r.by[e], by.id) {
		return nil // two users there are one here
	}
	r.by[e] = append(r.by[e], by.id)
	return f.change(chat.EventReact, by, target, timeMs, e)
}

// topic says what the room is about, if somebody has said so.
func (f *foreign) topic(kind chat.EventKind, by person, timeMs int64, text string) error {
	most := chat.TopicBytesMax
	if kind == chat.EventDescribe {
		most = chat.DescriptionBytesMax
	}
	text = strings.TrimSpace(f.clean(text))
	if text == "" {
		return nil
	}
	if len(text) > most {
		text = strings.TrimSpace(text[:boundary(text, most)])
		f.im.r.changed("topics that were cut, because they are too long")
	}
	_, err := f.im.add(chat.Event{Kind: kind, User: by.id, Name: by.name, TimeMs: timeMs, Text: text}, true)
	return err
}

// clean is a text that may stand in a message, in which nothing is a mention yet.
func (f *foreign) clean(s string) string {
	clean := strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || r >= ' ' && r != 0x7f && r != 0xfdd0 {
			return r
		}
		return -1
	}, strings.ToValidUTF8(strings.ReplaceAll(s, "\r\n", "\n"), "\uFFFD"))
	const link, other = "](user:", "] (user:"
	if strings.Contains(clean, link) {
		f.im.r.changed("texts that would have mentioned somebody here by chance")
		clean = strings.ReplaceAll(clean, link, other)
	}
	return clean
}

// mentioner puts mentions into one text, as many as are allowed.
type mentioner struct{ users []chat.UserID }

// text is a mention of somebody, or his name.
func (m *mentioner) text(p person) string {
	if !slices.Contains(m.users, p.id) {
		if len(m.users) == chat.MentionsPerMessageMax {
			return "@" + p.name
		}
		m.users = append(m.users, p.id)
	}
	if p.id == 0 {
		return chat.MentionText(0, "room")
	}
	return chat.MentionText(p.id, p.name)
}

// split cuts a text into parts of at most so many bytes: between lines or words if it can, and
// never within a character or a mention.
func split(text string, bytesMax int) (parts []string) {
	for len(text) > bytesMax {
		at := boundary(text, bytesMax)
		if space := strings.LastIndexAny(text[:at], "\n"); space > bytesMax/2 {
			at = space
		} else if space := strings.LastIndexAny(text[:at], " "); space > bytesMax/2 {
			at = space
		}
		for m := range chat.Mentions(text) {
			if m.Start >= at {
				break
			}
			if m.End > at && m.Start > 0 {
				at = m.Start
			}
		}
		if part := strings.TrimSpace(text[:at]); part != "" {
			parts = append(parts, part)
		}
		text = strings.TrimSpace(text[at:])
	}
	if text != "" {
		parts = append(parts, text)
	}
	return parts
}

// boundary is where a text can be cut that is longer than most bytes.
func boundary(text string, most int) int {
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return most
}

// links are where the newest messages of a room stand here, by their numbers there, which grow.
type links struct{ all []link }

type link struct {
	id        uint64
	seq, root chat.Seq
}

func (l *links) add(k link) {
	if len(l.all) >= 2*linksMax {
		l.all = append(l.all[:0], l.all[len(l.all)-linksMax:]...)
	}
	if n := len(l.all); n > 0 && l.all[n-1].id >= k.id {
		at, there := l.search(k.id)
		if !there {
			l.all = slices.Insert(l.all, at, k)
		}
		return
	}
	l.all = append(l.all, k)
}

func (l *links) search(id uint64) (at int, there bool) {
	return slices.BinarySearchFunc(l.all, id, func(k link, id uint64) int {
		switch {
		case k.id < id:
			return -1
		case k.id > id:
			return 1
		}
		return 0
	})
}

// find returns the place of a message, and the first one of the thread that an answer to it
// belongs to: 0 if that is the message itself.
func (l *links) find(id uint64) (seq, root chat.Seq, found bool) {
	at, there := l.search(id)
	if !there {
		return 0, 0, false
	}
	return l.all[at].seq, l.all[at].root, true
}
