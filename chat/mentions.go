package chat

import (
	"context"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A mention stands in the text itself, so that all that holds of a text holds of it: it has its
// place in the log, an edit changes it, a deletion erases it. It is a link of CommonMark to a
// user's id, which a new name does not break:
//
//	[@Ann](user:7)       user 7, who was called Ann by who wrote it
//	[@room](user:all)    everybody in the room; moderators may
//
// What follows a backslash is no mention. Who shows a text shows the name that the user has now,
// if he knows it, and else the one that stands there.

// MentionsPerMessageMax bounds how many users a message mentions.
const MentionsPerMessageMax = 20

// MentionNameBytesMax bounds the name in a mention.
const MentionNameBytesMax = 128

// MentionsCountedMax is up to where mentions are counted that a user has not read.
const MentionsCountedMax = 100

const (
	mentionOpens  = "[@"
	mentionLinks  = "](user:"
	mentionAll    = "all"
	mentionCloses = ")"
)

// Mention is a mention in a text.
type Mention struct {
	User       UserID // 0: everybody in the room
	Name       string // as it stands there; part of the text
	Start, End int    // bytes of the text: it is text[Start:End]
}

// MentionText returns a mention of a user, for a text. What may not stand in its name is left out.
func MentionText(u UserID, name string) string {
	to := mentionAll
	if u != 0 {
		to = strconv.FormatUint(uint64(u), 10)
	}
	name = strings.Map(func(r rune) rune {
		if r == '[' || r == ']' || r == '\\' || r < ' ' {
			return -1
		}
		return r
	}, name)
	for len(name) > MentionNameBytesMax {
		name = name[:strings.LastIndexFunc(name, func(rune) bool { return true })]
	}
	if name == "" {
		name = to
	}
	return mentionOpens + name + mentionLinks + to + mentionCloses
}

// Mentions returns the mentions in a text, in order. The work is in proportion to the text's length.
func Mentions(text string) iter.Seq[Mention] {
	return func(yield func(Mention) bool) {
		for from := 0; ; {
			at := strings.Index(text[from:], mentionLinks)
			if at < 0 {
				return
			}
			link := from + at
			after := link + len(mentionLinks)
			u, length, ok := mentioned(text[after:])
			start, named := mentionStart(text[from:link])
			if !ok || !named {
				from = after
				continue
			}
			m := Mention{User: u, Start: from + start, End: after + length}
			m.Name = text[m.Start+len(mentionOpens) : link]
			if !yield(m) {
				return
			}
			from = m.End
		}
	}
}

// mentioned reads a user and the end of the link.
func mentioned(s string) (u UserID, length int, ok bool) {
	if strings.HasPrefix(s, mentionAll+mentionCloses) {
		return 0, len(mentionAll + mentionCloses), true
	}
	const digitsMax = 19 // of a number that a store can hold
	end := strings.Index(s[:min(len(s), digitsMax+1)], mentionCloses)
	if end < 1 || s[0] == '0' {
		return 0, 0, false
	}
	for _, c := range []byte(s[:end]) {
		if c < '0' || c > '9' {
			return 0, 0, false
		}
	}
	n, err := strconv.ParseUint(s[:end], 10, 64)
	return UserID(n), end + len(mentionCloses), err == nil && n <= math.MaxInt64
}

// mentionStart finds where the mention begins whose name ends s.
func mentionStart(s string) (start int, ok bool) {
	least := max(0, len(s)-MentionNameBytesMax-len(mentionOpens))
	start = strings.LastIndex(s[least:], mentionOpens)
	if start < 0 {
		return 0, false
	}
	start += least
	name := s[start+len(mentionOpens):]
	escaped := start > 0 && s[start-1] == '\\'
	return start, name != "" && !escaped && !strings.ContainsAny(name, "[]\\\n")
}

// MentionsAll reports whether a text mentions everybody in the room.
func MentionsAll(text string) bool {
	if !strings.Contains(text, mentionLinks+mentionAll+mentionCloses) {
		return false
	}
	for m := range Mentions(text) {
		if m.User == 0 {
			return true
		}
	}
	return false
}

// MentionedUsers returns whom a text mentions, each once, 0 for everybody; at most
// MentionsPerMessageMax.
func MentionedUsers(text string) (users []UserID) {
	for m := range Mentions(text) {
		if !slices.Contains(users, m.User) {
			if users = append(users, m.User); len(users) == MentionsPerMessageMax {
				break
			}
		}
	}
	return users
}

// CheckMentions refuses a text that mentions too many.
func CheckMentions(text string) error {
	users := make([]UserID, 0, MentionsPerMessageMax)
	for m := range Mentions(text) {
		if slices.Contains(users, m.User) {
			continue
		}
		if len(users) == MentionsPerMessageMax {
			return Errorf(CodeTooMany, "a message may mention %d users; mention the others in another one", MentionsPerMessageMax)
		}
		users = append(users, m.User)
	}
	return nil
}

// MentionPlace is where a mention stands among all of a user: in the order of time.
type MentionPlace struct {
	TimeMs int64
	Room   RoomID
	Seq    Seq
}

// MentionStore keeps which messages mention whom. It follows from the logs, as what became of
// messages does (ChangeStore): Commit brings it up to date, and it is about the text that a message
// has now. Deleted messages mention nobody, and so do those that were erased by age. Who is no user is
// not mentioned.
type MentionStore interface {
	// UserMentions returns where a user is mentioned by his id, in all rooms, the newest first,
	// from those before a place on (TimeMs 0: from the newest), up to itemsMax (at least 1). The
	// work is bounded by the page.
	UserMentions(ctx context.Context, user UserID, before MentionPlace, itemsMax int) ([]MentionPlace, error)
}

// ThreadRoot is the first message of the thread that e belongs to; 0: none.
func (e *Event) ThreadRoot() Seq {
	switch {
	case e.Kind != EventMessage:
		return 0
	case e.Root != 0:
		return e.Root
	}
	return e.Target
}

// Links reports whether e is a message that stores note beside the log: it mentions somebody, or
// answers.
func (e *Event) Links() bool {
	return e.Kind == EventMessage && (e.Target != 0 || e.Root != 0 || strings.Contains(e.Text, mentionLinks))
}

// Thread is a message that was answered.
type Thread struct {
	Root    Seq
	Replies int // messages that belong to it and were not deleted; Root is not one of them
	Last    Seq // the newest of them, deleted or not

	// Of the user who asks; the zero one if nobody does, or he has nothing to do with it.
	Follow Follow
	Unread int // messages behind the mark that were not deleted, of a thread that he follows; up to ThreadUnreadMax
}

// ThreadStore keeps what belongs together in a room. It follows from the logs, too. A thread is there
// as long as its first message is in the log and is a message; deleted ones stay in it, without their texts.
type ThreadStore interface {
	// Threads returns threads of a room, those with the newest Last first. The work is bounded by the
	// page, ThreadUnreadMax for each of it, and, of q.Unread, by the threads of the room that the user follows.
	Threads(ctx context.Context, q ThreadQuery) ([]Thread, error)

	// Replies returns the numbers of the messages of a thread, without its first one: in order
	// those above p.After, or, if p.Before is not 0, the last ones below it; up to p.ItemsMax, and
	// whether there are more. The work is bounded by the page.
	Replies(ctx context.Context, room RoomID, root Seq, p Page) (seqs []Seq, more bool, err error)

	// Pins returns up to itemsMax messages of a room (at least 1) that are pinned, by an event below
	// before (0: any), the one that was pinned last first. The work is bounded by the page.
	Pins(ctx context.Context, room RoomID, before Seq, itemsMax int) ([]Pin, error)
}

// Pin is a message that is pinned.
type Pin struct {
	Target Seq
	Pinned Seq // the event that pinned it
}
