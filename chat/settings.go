package chat

import "time"

// The kinds of event that change a setting of the room. What holds is what the newest event of a
// kind says; it is kept with the room, so that nobody has to read the log for it.
const (
	EventName     EventKind = 16 // the room is called Text from here on
	EventDescribe EventKind = 17 // User gave the room the description Text, which may be empty
	EventArchive  EventKind = 18 // Value 1: from here on the room takes nothing new; 0: it does again
	EventSlow     EventKind = 19 // Value is how many seconds a member has to wait after a message of his; 0: no time
	EventRetain   EventKind = 23 // Value is for how many seconds the room keeps what is said; 0: for as long as the server does
)

// Sets reports whether events of the kind change a setting of the room.
func (k EventKind) Sets() bool { return k >= EventName && k <= EventSlow || k == EventRetain }

// ByServer reports whether the event has no author: whoever operates the server has changed a
// setting of the room, or the server has erased what was too old.
func (e *Event) ByServer() bool { return e.User == 0 && (e.Kind.Sets() || e.Kind == EventExpire) }

// Bounds of the settings of a room.
const (
	DescriptionBytesMax = 4096
	SlowSecondsMax      = 6 * 60 * 60
	RetainSecondsMin    = 60 // but for 0
	RetainSecondsMax    = 10 * 365 * 24 * 60 * 60
)

// Setting is what somebody wants a room to be.
type Setting struct {
	Kind  EventKind // one that Sets
	Text  string    // EventName, EventDescribe
	Value uint32    // EventArchive, EventSlow, EventRetain
}

// Check returns what is wrong with a setting, nil if nothing is. It does not look at names, for
// which there is ParseRoomName.
func (s *Setting) Check() error {
	switch {
	case !s.Kind.Sets():
		return Errorf(CodeBadRequest, "there is no setting of the kind %d", s.Kind)
	case s.Text != "" && s.Kind != EventName && s.Kind != EventDescribe:
		return Errorf(CodeBadRequest, "this setting has a value, and no text")
	case s.Kind == EventDescribe && s.Text != "":
		if err := CheckText(s.Text, DescriptionBytesMax); err != nil {
			return Errorf(CodeBadText, "the description is not allowed: %v", err)
		}
	case s.Kind == EventArchive && s.Value > 1:
		return Errorf(CodeBadRequest, "a room is archived (1), or not (0)")
	case s.Kind == EventSlow && s.Value > SlowSecondsMax:
		return Errorf(CodeBadRequest, "members may be made to wait for %v at most", SlowSecondsMax*time.Second)
	case s.Kind == EventRetain && s.Value != 0 && (s.Value < RetainSecondsMin || s.Value > RetainSecondsMax):
		return Errorf(CodeBadRequest, "a room keeps what is said for %d seconds at least, and %d at most; 0: for as long as the server does", RetainSecondsMin, RetainSecondsMax)
	}
	if s.Value != 0 && s.Kind != EventArchive && s.Kind != EventSlow && s.Kind != EventRetain {
		return Errorf(CodeBadRequest, "this setting has a text, and no value")
	}
	return nil
}

// Set brings what the room is up to date with an event of its log.
func (r *Room) Set(e *Event) {
	switch e.Kind {
	case EventTopic:
		r.Topic = e.Text
	case EventDescribe:
		r.Description = e.Text
	case EventArchive:
		r.Archived = e.Value != 0
	case EventSlow:
		r.SlowSeconds = e.Value
	case EventRetain:
		r.RetainSeconds = e.Value
	}
}

// TakesArchived reports whether an archived room takes events of the kind: what moderators need
// to keep it in order, and what ends it.
func (k EventKind) TakesArchived() bool {
	return k == EventArchive || k == EventName || k == EventDelete || k == EventRetain || k.Rules()
}

// Slowed returns how long somebody has to wait whose newest message has the time saidMs, 0 if
// that is none, until his next one may have the time nowMs: never longer than the setting says,
// whatever the clock did.
func (r *Room) Slowed(saidMs, nowMs int64) time.Duration {
	most := int64(r.SlowSeconds) * 1000
	if saidMs == 0 || most == 0 {
		return 0
	}
	return time.Duration(min(max(saidMs+most-nowMs, 0), most)) * time.Millisecond
}

// NameKept is the answer to a name that another room had until recently.
func NameKept(name string) *Error {
	return Errorf(CodeNameKept, "the name %q was another room's until recently, and is kept for a while; take another one", name)
}
