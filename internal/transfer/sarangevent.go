package transfer

import (
	"slices"
	"strings"

	"sarang/chat"
)

// seqMost is above all numbers of events, which a store keeps as signed ones.
const seqMost = 1 << 62

// event takes the line of an event. Its number is noted as left out until it is taken.
func (s *sarangReader) event(kind chat.EventKind, l *line) error {
	s.events++
	if err := s.mine(l.Room); err != nil {
		return err
	}
	if l.Seq <= s.seq || l.Seq > seqMost {
		return wrong("event %d stands where %d is next", l.Seq, s.seq+1)
	}
	if s.im.room.Ephemeral {
		return wrong("the log of an ephemeral room is not kept")
	}
	gap := l.Seq - s.seq - 1
	s.skip(s.seq+1, l.Seq+1)
	s.seq = l.Seq
	e, err := s.eventOf(kind, l)
	if err != nil {
		return err
	}
	if err := s.allowed(kind, l); err != nil {
		return err
	}
	s.unskip()
	if _, err = s.im.add(*e, false); err != nil {
		return err
	}
	if gap > 0 {
		return wrong("%d events before event %d are missing", gap, l.Seq)
	}
	return nil
}

func (s *sarangReader) skip(from, to uint64) {
	if n := len(s.skipped); n > 0 && s.skipped[n-1].to == from {
		s.skipped[n-1].to = to
		return
	}
	s.skipped = append(s.skipped, struct{ from, to uint64 }{from, to})
}

// unskip takes the newest event out of those that were left out.
func (s *sarangReader) unskip() {
	n := len(s.skipped)
	if s.skipped[n-1].to--; s.skipped[n-1].from == s.skipped[n-1].to {
		s.skipped = s.skipped[:n-1]
	}
}

// changes are how often a message was changed so far.
type changes struct {
	edits  int
	emojis []string
}

// allowed refuses what would be too much for one message: a store's work for one is in proportion to
// that. The messages that are remembered are as many as links.
func (s *sarangReader) allowed(kind chat.EventKind, l *line) error {
	if kind != chat.EventEdit && kind != chat.EventReact {
		return nil
	}
	c := s.changes[l.Target]
	if c == nil {
		if s.changes == nil || len(s.changes) >= linksMax {
			s.changes = map[uint64]*changes{}
		}
		c = &changes{}
		s.changes[l.Target] = c
	}
	switch {
	case kind == chat.EventEdit:
		if c.edits++; c.edits > chat.EditsPerMessageMax {
			return wrong("a message is edited %d times at most", chat.EditsPerMessageMax)
		}
	case !slices.Contains(c.emojis, l.Emoji):
		if len(c.emojis) >= chat.EmojisPerMessageMax {
			return wrong("a message has %d emojis at most", chat.EmojisPerMessageMax)
		}
		c.emojis = append(c.emojis, l.Emoji)
	}
	return nil
}

// eventOf checks a line and returns what it says.
func (s *sarangReader) eventOf(kind chat.EventKind, l *line) (*chat.Event, error) {
	byServer := chat.Event{Kind: kind}
	var user person
	var err error
	if l.User != 0 || !byServer.ByServer() {
		if user, err = s.of(l.User); err != nil {
			return nil, err
		}
	}
	e := &chat.Event{Kind: kind, User: user.id, Name: user.name, TimeMs: l.TimeMs, UntilMs: l.UntilMs, Value: l.Value, Text: l.Text}
	if l.TimeMs < 0 || l.TimeMs > timeMsMax || l.UntilMs < 0 || l.UntilMs > timeMsMax {
		return nil, wrong("time_ms or until_ms is no time")
	}
	if l.Subject != 0 {
		p, err := s.of(l.Subject)
		if err != nil {
			return nil, err
		}
		e.Subject = p.id
	}
	if e.Target, e.Root, err = s.targets(kind, l); err != nil {
		return nil, err
	}
	if kind == chat.EventExpire {
		e.Target = 0 // what it has erased is not in the file, and it erases nothing more
	}
	if (kind == chat.EventReact || kind == chat.EventUnreact) == (l.Emoji == "") || l.Emoji != "" && l.Text != "" {
		return nil, wrong("reactions, and nothing else, have an emoji, and no text")
	}
	if l.Emoji != "" {
		e.Text = l.Emoji
	}
	if err := s.said(e, l); err != nil {
		return nil, err
	}
	return e, s.special(e, l)
}

// targets are the events that a line is about.
func (s *sarangReader) targets(kind chat.EventKind, l *line) (target, root chat.Seq, err error) {
	message := kind == chat.EventMessage
	if message && l.Target != 0 || !message && (l.ReplyTo != 0 || l.Thread != 0) {
		return 0, 0, wrong("messages have reply_to and thread, and others have target")
	}
	of := func(n uint64) chat.Seq {
		if n == 0 || s.skipped.place(n) == 0 {
			return 0
		}
		return s.im.room.base + chat.Seq(s.skipped.place(n))
	}
	if max(l.Target, l.ReplyTo, l.Thread) >= l.Seq {
		return 0, 0, wrong("it is about an event that is not earlier")
	}
	return of(l.Target + l.ReplyTo), of(l.Thread), nil
}

// said checks what an event says.
func (s *sarangReader) said(e *chat.Event, l *line) (err error) {
	if len(l.Files) > 0 {
		if e.Kind != chat.EventMessage || len(l.Files) > chat.FilesPerMessageMax {
			return wrong("a message, and nothing else, names files: up to %d", chat.FilesPerMessageMax)
		}
		for _, f := range l.Files {
			if f.Bytes < 0 || f.Width < 0 || f.Height < 0 {
				return wrong("a file's size is below 0")
			}
		}
		if e.Files = chat.NewFileList(l.Files...); len(e.Files.All()) != len(l.Files) {
			return wrong("a file's description is not allowed")
		}
	}
	most := chat.TopicBytesMax
	switch e.Kind {
	case chat.EventMessage, chat.EventEdit:
		if e.Text, err = s.mentions(e.Text); err != nil {
			return err
		}
		most = textBytesMost
	case chat.EventReact, chat.EventUnreact:
		most = chat.EmojiBytesMax
	case chat.EventDescribe:
		most = chat.DescriptionBytesMax
	case chat.EventRole, chat.EventKick:
		most = chat.ReasonBytesMax
	}
	if e.Text == "" {
		return nil
	}
	if err := chat.CheckText(e.Text, most); err != nil {
		return wrong("%v", err)
	}
	return nil
}

// mentions puts the ids of users here into the mentions of a text.
func (s *sarangReader) mentions(text string) (string, error) {
	if err := chat.CheckMentions(text); err != nil {
		return "", wrong("%v", err)
	}
	return mapMentions(text, func(u chat.UserID) (uint64, error) {
		p, err := s.of(uint64(u))
		return uint64(p.id), err
	})
}

// special checks what events of some kinds have.
func (s *sarangReader) special(e *chat.Event, l *line) error {
	role := e.Kind == chat.EventRole
	if role != (l.Role != "") || !role && e.UntilMs != 0 {
		return wrong("role events, and no others, have a role, and until_ms")
	}
	if e.Kind.Rules() && e.Subject == 0 {
		return wrong("it is about nobody")
	}
	if role {
		var known bool
		if e.Role, known = chat.ParseRole(l.Role); !known {
			return wrong("there is no role %q", cut(l.Role))
		}
	}
	if e.Kind.Sets() {
		set := chat.Setting{Kind: e.Kind, Text: e.Text, Value: e.Value}
		if err := set.Check(); err != nil {
			return wrong("%v", err)
		}
	} else if e.Value != 0 {
		return wrong("settings, and nothing else, have a value")
	}
	if e.Kind == chat.EventName {
		if _, _, err := chat.ParseRoomName(strings.TrimPrefix(e.Text, "#")); err != nil {
			return wrong("%v", err)
		}
	}
	return nil
}
