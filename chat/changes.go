package chat

import (
	"context"
	"slices"
)

// The kinds of event that change a message, which is their Target. What a message is now
// follows from its own event and from these, in the order of the log; a store keeps it
// beside the log, so that nobody has to read all of them for it.
const (
	EventEdit    EventKind = 8  // User says Text in the place of a message of his
	EventDelete  EventKind = 9  // User has had a message erased, with all that it said before
	EventReact   EventKind = 10 // User puts the emoji Text on a message
	EventUnreact EventKind = 11 // User takes the emoji Text back
	EventPin     EventKind = 12 // User has pinned a message
	EventUnpin   EventKind = 13 // User has unpinned it
)

// Changes reports whether events of the kind change the message that is their Target.
func (k EventKind) Changes() bool { return k >= EventEdit && k <= EventUnpin }

// Erased reports whether e has lost its text: it is a message, or an edit of one, that was
// deleted. No other event of these kinds is without a text, or files.
func (e *Event) Erased() bool {
	return e.Text == "" && e.Files == "" && (e.Kind == EventMessage || e.Kind == EventEdit)
}

// Bounds of what can be done to one message. What was taken back counts, too: so they can be
// checked by adding up, and nobody gains by coming and going.
const (
	EditsPerMessageMax  = 100 // edits of a message
	EmojisPerMessageMax = 20  // different emojis that were ever put on it
	EmojiBytesMax       = 64  // of an emoji in UTF-8; the longest that there are have some 40
)

// ChangeStore keeps what became of messages. It follows from the logs: Commit brings it up
// to date in the transaction that stores the event. There
//
//   - an edit is the newest text of its target;
//   - a delete erases the text of its target and of all edits of it, and what is kept of them
//     to recognize a retry (their Digest is 0 from then on), for good: no method returns it
//     any more, and no file has it when the store has been put in order (stores.md). Its
//     reactions and its pin are gone, too. An edit that comes behind it is stored without its
//     text, and a reaction or a pin behind it changes nothing;
//   - a reaction counts once per user and emoji;
//   - events whose target is no message change nothing.
type ChangeStore interface {
	// Target returns what a room's log says of an event that is to be changed, and which
	// emojis of a user are on it. Target.Kind is 0 if there is no such event. All of it is of
	// one moment. The work is bounded by what one message can have.
	Target(ctx context.Context, room RoomID, seq Seq, user UserID) (Target, error)

	// States returns what became of the messages with numbers from first to last that were
	// changed, in order, as user sees them: Mine is about him. Each is of one moment. The work
	// is bounded by the changed messages among them, and not by how often they were changed.
	States(ctx context.Context, room RoomID, first, last Seq, user UserID) ([]State, error)
}

// Target is an event that is to be changed, as a log has it up to AsOf.
type Target struct {
	Kind    EventKind
	User    UserID
	TimeMs  int64
	AsOf    Seq        // the end of the log at that moment
	Deleted Seq        // the event that deleted it; 0: it was not
	Pinned  Seq        // the event that pinned it; 0: it is not
	Edits   []Seq      // in order
	Emojis  []string   // that were ever put on it, in no order
	Mine    []Reaction // the user's own that are on it; Count and First are not told
}

// State is what became of a message that was changed.
type State struct {
	Target  Seq
	Changed Seq // the newest event that is in here: those behind it come on top
	Edited  Seq // the newest edit; 0: there is none
	Deleted Seq
	Pinned  Seq
	Text    string // of the edit; empty if there is none, and if it was erased

	Reactions []Reaction // in the order since when the emojis are on it
}

// Reaction is an emoji on a message.
type Reaction struct {
	Emoji string
	Count int
	Mine  Seq // the event by which the user who asks has put it there; 0: he has not
}

// Apply brings t, which is of the moment AsOf, up to date with an event about it that stands
// behind that. mine is the user whose reactions t.Mine is about.
func (t *Target) Apply(e *Event, mine UserID) {
	if e.Seq <= t.AsOf || t.Kind != EventMessage {
		return
	}
	if t.AsOf = e.Seq; t.Deleted != 0 {
		return
	}
	switch e.Kind {
	case EventEdit:
		t.Edits = append(t.Edits, e.Seq)
	case EventDelete:
		t.Deleted, t.Pinned, t.Edits, t.Emojis, t.Mine = e.Seq, 0, nil, nil, nil
	case EventPin:
		t.Pinned = e.Seq
	case EventUnpin:
		t.Pinned = 0
	case EventReact:
		if !slices.Contains(t.Emojis, e.Text) {
			t.Emojis = append(t.Emojis, e.Text)
		}
		if at := t.mine(e.Text); e.User == mine && at < 0 {
			t.Mine = append(t.Mine, Reaction{Emoji: e.Text, Mine: e.Seq})
		}
	case EventUnreact:
		if at := t.mine(e.Text); e.User == mine && at >= 0 {
			t.Mine = slices.Delete(t.Mine, at, at+1)
		}
	}
}

func (t *Target) mine(emoji string) int {
	return slices.IndexFunc(t.Mine, func(r Reaction) bool { return r.Emoji == emoji })
}

// Stands returns the event that has made already what e would make: the same reaction, or
// the pin. Of what e would take back and is not there it returns the message. 0: e changes
// something.
func (t *Target) Stands(e *Event) Seq {
	at := t.mine(e.Text)
	switch {
	case e.Kind == EventReact && at >= 0:
		return t.Mine[at].Mine
	case e.Kind == EventUnreact && at < 0, e.Kind == EventUnpin && t.Pinned == 0:
		return e.Target
	case e.Kind == EventPin:
		return t.Pinned
	}
	return 0
}

// Extra is the number that events of some kinds have beside the others: UntilMs of roles, Root
// of messages, Value of settings. Stores keep it in one column.
func (e *Event) Extra() int64 {
	switch {
	case e.Kind == EventMessage:
		return int64(e.Root)
	case e.Kind.Sets():
		return int64(e.Value)
	}
	return e.UntilMs
}

// SetExtra sets what Extra has returned.
func (e *Event) SetExtra(n int64) {
	switch {
	case e.Kind == EventMessage:
		e.Root = Seq(n)
	case e.Kind.Sets():
		e.Value = uint32(n)
	default:
		e.UntilMs = n
	}
}

// StoredDigest is what a store keeps as the Digest of e: 0 of events that nobody has authored,
// and of those that were erased.
func (e *Event) StoredDigest() uint64 {
	if !e.Kind.Authored() || e.Erased() {
		return 0
	}
	return e.Digest()
}
