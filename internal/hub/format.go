package hub

import (
	"sarang/chat"
	"sarang/internal/room"
)

// Format is a form in which events go over the wire. Gateways that share one share the
// bytes: an event is encoded at most once per format, and only for those that have a
// reader of its room.
type Format struct {
	Name string

	// Append appends an event as readers get it, whole, to dst. It is called by several
	// goroutines at once.
	Append func(dst []byte, e *chat.Event) ([]byte, error)

	// Erase appends the event that Append has encoded as entry, with as many bytes and without
	// its text, or says that it can not be done: then whoever wants the event has it read from
	// the store. Nil: it never can. Several goroutines call it at once.
	Erase func(dst, entry []byte) ([]byte, bool)

	// HistoryBytesMax is about how much text a page of history may have for sessions of this
	// format; 0 is 32 KiB. The page goes through a session's direct queue, in whatever form.
	HistoryBytesMax int

	// Marks says what readers of this format may leave out (Session.Omit).
	Marks Mark
}

// Mark is what entries of a format are marked with, so that a reader can leave some out.
type Mark uint8

// The marks.
const (
	MarkNone    Mark = iota // nothing: nobody leaves anything out
	MarkSession             // the session that an event is from; not known of older ones
	MarkUser                // the user that an event is from
)

// of returns the mark of an event that somebody waits for as ref, 0 for none.
func (m Mark) of(e *chat.Event, ref room.Ref) uint64 {
	switch {
	case m == MarkNone || !e.Kind.Authored():
		return 0
	case m == MarkUser:
		return uint64(e.User)
	}
	return uint64(ref)
}

// own returns the mark that a session's own events have.
func (m Mark) own(o *Session) uint64 {
	switch m {
	case MarkSession:
		return uint64(o.Engine.ID())
	case MarkUser:
		return uint64(o.User)
	}
	return 0
}

// formatIndex names a format within the hub.
type formatIndex uint8

// formatsMax is how many formats a hub can have.
const formatsMax = 16

func (h *Hub) formatIndex(f *Format) (formatIndex, bool) {
	for i, known := range h.config.Formats {
		if known == f {
			return formatIndex(i), true
		}
	}
	return 0, false
}
