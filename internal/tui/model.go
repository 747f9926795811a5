package tui

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/charmbracelet/x/ansi"

	"sarang/chat"
	"sarang/client"
)

// historyItems is how much of a room's past is loaded at a time.
const historyItems = 100

// Options are what a Model needs to begin.
type Options struct {
	Server   string            // address, for the header
	Name     string            // wanted; the server may write it differently
	Now      time.Time         // until the first Tick
	Location *time.Location    // times are shown in it; nil: time.Local
	NewNonce func() chat.Nonce // names a message; unique among this user's last ones
	Seen     map[string]client.Cursor
	// Seen is what was read of each room the last time, by the room's name.
	JobControl bool // there is a shell that Suspend can leave the terminal to
}

// Model is the state of the screen. It is for one goroutine.
type Model struct {
	server   string
	name     string // ours, clean
	me       chat.UserID
	limits   client.Limits
	now      time.Time
	zone     *time.Location
	newNonce func() chat.Nonce
	seen     map[string]client.Cursor

	conn    connection
	rooms   []*room
	active  int
	home    *room           // what is shown while there is no room
	joining map[string]bool // rooms that were asked for, by key: whether to show them
	next    []string        // rooms to be asked for, by name
	early   []chat.Event    // of rooms that we are not known to be in yet
	input   editor
	asked   *question // the next line is its answer
	hint    string    // for who just typed something

	found    *findings              // hits in the place of the room; nil: none
	jump     *jump                  // nil: none
	sessions []client.DeviceSession // as they were listed last
	blocked  map[chat.UserID]bool
	help     bool
	panel    bool
	blurred  bool // the terminal is not looked at
	jobs     bool // Options.JobControl
	leaving  bool // Ctrl-C was pressed once
	width    int
	height   int
	method   ansi.Method // how the terminal counts the cells of a character
	theme    theme
}

// connection is the state of the way to the server.
type connection struct {
	state   connState
	why     string    // of connLost, clean
	retryAt time.Time // of connLost; zero: at once
}

type connState int

const (
	connTrying connState = iota
	connOnline
	connLost
	connOver // lost, and not tried again
)

// What happens to a Model, besides keys, the mouse, pastes and the size and focus of the
// window, which come as the types of the terminal library, and the client's LoggedIn,
// Joined, Left, Gap and chat.Event, which come as they are.
type (
	// Batch is several things that happened, in order.
	Batch []any

	// Tick says what time it is, once a second.
	Tick struct{ Now time.Time }

	// Lost is a connection that was lost; the next try is at RetryAt.
	Lost struct {
		Why     string
		RetryAt time.Time
		Final   bool // there is no next try
	}

	// Published answers a Publish effect.
	Published struct {
		Room  chat.RoomID
		Nonce chat.Nonce
		Seq   chat.Seq
		Err   error
	}

	// HistoryLoaded answers a History effect.
	HistoryLoaded struct {
		Room chat.RoomID
		Page client.HistoryPage
		Err  error
	}

	// MembersLoaded answers a Members effect.
	MembersLoaded struct {
		Room    chat.RoomID
		Members []client.Member // as many as were wanted; nil: none were
		Total   int             // who are in the room
		Err     error
	}

	// RoomsListed answers a Rooms effect.
	RoomsListed struct {
		Rooms []client.RoomInfo
		Mine  []client.MyRoom
		Err   error
	}

	// Failed is an effect that had no success: What was tried, and why not.
	Failed struct {
		What string
		Err  error
	}

	// Warning is something that a person should know of, about a room (0: none, or
	// one that is not joined).
	Warning struct {
		Room chat.RoomID
		Text string
	}
)

// Effect is something for the outside to do. Its answer comes back through Update.
type Effect any

// The effects.
type (
	// Publish sends a text; answered by Published.
	Publish struct {
		Room  chat.RoomID
		Nonce chat.Nonce
		Text  string
	}

	// Join goes into a room; answered by client.Joined or Failed.
	Join struct {
		Name   string
		Create bool // make it if there is none
	}

	// Create makes a room and goes into it; answered like Join.
	Create struct {
		Name      string
		Ephemeral bool
		Private   bool
	}

	// Leave goes out of a room for good; answered by client.Left or Failed.
	Leave struct{ Room chat.RoomID }

	// Rooms asks for the list of rooms.
	Rooms struct{}

	// Members asks how many are in a room, and who: so many of them by name.
	Members struct {
		Room  chat.RoomID
		Names int
	}

	// History asks for the page that ends below Before.
	History struct {
		Room   chat.RoomID
		Before chat.Seq
		Items  int
	}

	// Suspend stops the program, until the shell has it go on.
	Suspend struct{}

	// Quit ends the program.
	Quit struct{}
)

// New returns a Model of 80 by 24 cells.
func New(o Options) *Model {
	o.Location = cmp.Or(o.Location, time.Local)
	if o.Seen == nil {
		o.Seen = map[string]client.Cursor{}
	}
	m := &Model{
		server: CleanLine(o.Server), name: CleanLine(o.Name), now: o.Now, zone: o.Location,
		newNonce: o.NewNonce, seen: o.Seen, jobs: o.JobControl, joining: map[string]bool{}, width: 80, height: 24,
		theme: newTheme(),
	}
	m.home = newRoom(client.Joined{})
	m.home.name = "no room"
	return m
}

// earlyMax bounds the events that are kept for a room whose Joined has not come yet.
const earlyMax = 4 * historyItems

// Start goes into rooms: the first one is made if there is none, and is shown. They are
// asked for one after the other, which keeps them in order.
func (m *Model) Start(rooms ...string) []Effect {
	if len(rooms) == 0 {
		return nil
	}
	m.next = rooms[1:]
	m.joining[nameKey(rooms[0])] = true
	return []Effect{Join{Name: rooms[0], Create: true}}
}

// joinNext asks for the next of the rooms that Start was given.
func (m *Model) joinNext() []Effect {
	if len(m.next) == 0 {
		return nil
	}
	name := m.next[0]
	m.next = m.next[1:]
	m.joining[nameKey(name)] = false
	return []Effect{Join{Name: name}}
}

// room returns the room that is shown.
func (m *Model) room() *room {
	if len(m.rooms) == 0 {
		return m.home
	}
	return m.rooms[m.active]
}

func (m *Model) find(id chat.RoomID) *room {
	i := slices.IndexFunc(m.rooms, func(r *room) bool { return r.info.ID == id })
	if i < 0 {
		return nil
	}
	return m.rooms[i]
}

// Seen returns what was read of each room, by its name: of those that are joined and of
// those that Options had.
func (m *Model) Seen() map[string]client.Cursor {
	for _, r := range m.rooms {
		m.seen[r.info.Name] = r.cursor()
	}
	return maps.Clone(m.seen)
}

// Joined returns the names of the rooms that are joined, in the order of their tabs.
func (m *Model) Joined() []string {
	names := make([]string, 0, len(m.rooms))
	for _, r := range m.rooms {
		if !isDirect(r.info) { // the server says which of those there are
			names = append(names, r.info.Name)
		}
	}
	return names
}

// Unanswered is how many messages wait for the server's answer.
func (m *Model) Unanswered() (n int) {
	for _, r := range m.rooms {
		n += r.waiting()
	}
	return n
}

// show switches to a room.
func (m *Model) show(i int) {
	if i == m.active || i < 0 || i >= len(m.rooms) {
		return
	}
	if old := m.room(); old.unread == 0 {
		old.mark = span{}
	}
	m.active = i
	m.markRead()
}

// markRead marks the room that is shown as read, if its end is on the screen.
func (m *Model) markRead() {
	if r := m.room(); r.scroll == 0 && !m.blurred {
		r.markRead()
	}
}

// say adds a line of our own to the room that is shown.
func (m *Model) say(kind entryKind, text string) {
	m.sayIn(m.room(), kind, text)
}

func (m *Model) sayIn(r *room, kind entryKind, text string) {
	m.grow(r, func() { r.add(&entry{kind: kind, at: m.now, text: CleanText(text)}) })
}

// grow changes the end of a room. Who has scrolled up goes on seeing the same lines.
func (m *Model) grow(r *room, change func()) {
	if r.scroll == 0 {
		change()
		return
	}
	before := m.linesOf(r)
	change()
	r.scroll = max(1, r.scroll+m.linesOf(r)-before)
}
