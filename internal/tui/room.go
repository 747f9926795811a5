package tui

import (
	"cmp"
	"math"
	"slices"
	"time"

	"sarang/chat"
	"sarang/client"
	"sarang/client/view"
)

// entriesMax is how many lines of talk a room keeps while its end is shown. Older ones
// are forgotten and loaded again when somebody scrolls there.
const entriesMax = 4000

// membersMax is how many members of a room are known by name; of more only the number.
const membersMax = 512

// A crowded or busy room does not tell who comes and goes (docs/PROTOCOL.md, section 3), so
// the picture that its events make is asked for again: while the list is looked at, and the
// number alone while it is not.
const (
	membersInterval = 10 * time.Second
	countInterval   = time.Minute
)

// entryKind says what an entry shows.
type entryKind int

const (
	entryMessage entryKind = iota
	entryJoin
	entryLeave
	entryNotice // said by this program
	entryError  // a notice of what went wrong
)

// sendState says what became of a message of our own.
type sendState int

const (
	sendDone    sendState = iota // it has its place in the log
	sendWaiting                  // the server has not answered
	sendFailed
)

// entry is one thing that is shown in a room.
type entry struct {
	kind  entryKind
	epoch chat.Epoch
	seq   chat.Seq // 0: no part of the log
	at    time.Time
	user  chat.UserID
	name  string // clean
	text  string // clean
	own   bool
	nonce chat.Nonce
	state sendState
	why   string // of sendFailed, clean

	lines      []string // as shown in linesWidth cells; see Model.lines
	linesWidth int
	long       bool // there are too many lines to show them unasked
	open       bool // they are shown all the same
}

// room is a room that was joined, as it is shown.
type room struct {
	info    client.RoomInfo
	name    string // clean, with "#"
	zone    *time.Location
	entries []*entry
	view    *view.View // what messages are now
	pending []*entry   // our messages that have no place in the log yet

	first, last chat.Seq // the part of the log that is in entries; last: of all that was delivered
	live        chat.Seq // what is above it happened after we came
	older       bool     // there may be more before first
	loading     bool     // it was asked for

	members      map[chat.UserID]string // clean names
	membersKnown bool
	membersCount int
	membersAt    time.Time // when they were asked for
	membersDue   bool      // that was not answered yet

	read   chat.Seq // everything up to it was seen
	unread int      // messages of others above it
	said   chat.Seq // the newest message
	marked chat.Seq // the server was told, or has told, that so far was read
	muted  bool     // the user does not want to be told

	typing  map[chat.UserID]typist // others who type, as far as we know
	typedAt time.Time              // when the server was told last that we do
	mark    span                   // the messages that the line "new messages" stands before
	scroll  int                    // lines between the end and what is shown; 0: the end is shown
}

// span is a part of a log: after, up to and with upTo.
type span struct{ after, upTo chat.Seq }

// newRoom returns a room that was just joined.
func newRoom(j client.Joined) *room {
	return &room{
		info: j.Room, name: roomLabel(j.Room),
		first: j.After + 1, last: j.After, live: j.Room.LastSeq, older: j.After > 0,
		view: view.New(0), members: map[chat.UserID]string{}, membersCount: j.Room.Members,
	}
}

// event adds an entry of the log; false if it was there already.
func (r *room) event(e chat.Event, me chat.UserID) (*entry, bool) {
	if e.Seq <= r.last {
		return nil, false
	}
	r.last = e.Seq
	r.roll(e)
	if e.User == me && e.Kind == chat.EventMessage {
		r.settle(e.Nonce)
	}
	n := logEntry(e, r.info.Epoch, me)
	if e.Kind == chat.EventMessage {
		r.said = e.Seq
	}
	delete(r.typing, e.User)
	r.settings(e)
	if r.learn(e) {
		return nil, false
	}
	r.told(n, e)
	r.present(n)
	r.add(n)
	return n, true
}

func logEntry(e chat.Event, epoch chat.Epoch, me chat.UserID) *entry {
	n := &entry{
		epoch: epoch, seq: e.Seq, at: time.UnixMilli(e.TimeMs), user: e.User,
		name: CleanLine(e.Name), own: e.User == me, nonce: e.Nonce,
	}
	switch e.Kind {
	case chat.EventJoin:
		n.kind = entryJoin
	case chat.EventLeave:
		n.kind = entryLeave
	default:
		n.text = withFiles(CleanText(withMentions(e.Text, nil)), e.Files)
	}
	return n
}

// add puts an entry at the end and forgets the oldest ones if there are too many. Who
// has scrolled up keeps what is seen for longer.
func (r *room) add(n *entry) {
	r.entries = append(r.entries, n)
	most := entriesMax
	if r.scroll > 0 {
		most = 4 * entriesMax
	}
	if len(r.entries) <= most+most/8 {
		return
	}
	r.entries = slices.Clone(r.entries[len(r.entries)-most:])
	r.first = r.last + 1
	for _, e := range r.entries {
		if e.seq > 0 && e.epoch == r.info.Epoch {
			r.first = e.seq
			break
		}
	}
	r.older = r.first > 1
}

// roll keeps the list of members. What was there before us is counted already.
func (r *room) roll(e chat.Event) {
	if e.Seq <= r.live {
		return
	}
	_, here := r.members[e.User]
	switch {
	case e.Kind == chat.EventJoin && !here:
		r.membersCount++
		if len(r.members) < membersMax {
			r.members[e.User] = CleanLine(e.Name)
		} else {
			r.membersKnown = false
		}
	case e.Kind == chat.EventLeave && here:
		delete(r.members, e.User)
		r.membersCount--
	case e.Kind == chat.EventLeave && !r.membersKnown:
		r.membersCount--
	}
	r.count(r.membersCount)
}

// count takes a number of members, of which we may know better.
func (r *room) count(n int) {
	if r.membersKnown {
		n = len(r.members)
	}
	r.membersCount = max(n, len(r.members))
}

// roster takes what the server says about who is here.
func (r *room) roster(m MembersLoaded) {
	r.membersDue = false
	switch {
	case m.Err != nil:
	case m.Members == nil && m.Total > 0: // the number alone
		if m.Total != r.membersCount {
			r.membersKnown = false
		}
		if r.membersCount = m.Total; r.membersCount < len(r.members) {
			clear(r.members) // some have gone, and nobody knows who
		}
	default:
		clear(r.members)
		for _, one := range m.Members[:min(len(m.Members), membersMax)] {
			r.members[one.User] = CleanLine(one.Name)
		}
		r.membersKnown = len(r.members) >= m.Total
		r.count(m.Total)
	}
}

// names returns the members' names in order.
func (r *room) names() []string {
	all := make([]string, 0, len(r.members))
	for _, n := range r.members {
		all = append(all, n)
	}
	slices.SortFunc(all, func(a, b string) int { return cmp.Compare(a, b) })
	return all
}

// settle takes the message with that nonce from those that wait, nil if there is none.
func (r *room) settle(n chat.Nonce) *entry {
	i := slices.IndexFunc(r.pending, func(e *entry) bool { return e.nonce == n })
	if i < 0 {
		return nil
	}
	e := r.pending[i]
	r.pending = slices.Delete(r.pending, i, i+1)
	return e
}

// waiting is how many messages have no answer.
func (r *room) waiting() (n int) {
	for _, e := range r.pending {
		if e.state == sendWaiting {
			n++
		}
	}
	return n
}

// history puts a page before what is there. It returns how many entries were new.
func (r *room) history(p client.HistoryPage, me chat.UserID) int {
	r.loading = false
	if p.Epoch != r.info.Epoch {
		r.older = false // the log began anew while we asked
		return 0
	}
	var page []*entry
	r.learnPage(p)
	for _, e := range p.Events {
		if e.Kind.Changes() {
			continue // it is shown on its message
		}
		if e.Seq < r.first {
			n := logEntry(e, p.Epoch, me)
			r.told(n, e)
			r.present(n)
			page = append(page, n)
		}
	}
	r.older = p.More && len(p.Events) > 0
	if len(p.Events) > 0 {
		r.first = min(r.first, p.Events[0].Seq)
	}
	// What belongs to an earlier life of the log stays above.
	at := slices.IndexFunc(r.entries, func(e *entry) bool { return e.seq > 0 && e.epoch == r.info.Epoch })
	if at < 0 {
		at = 0
	}
	r.entries = slices.Insert(r.entries, at, page...)
	return len(page)
}

// gap takes note of events that will never come.
func (r *room) gap(g client.Gap) {
	if g.EpochChanged {
		for _, e := range r.entries {
			if e.epoch == g.Epoch {
				e.epoch = 0 // of another history, though the server calls it the same
			}
		}
		r.info.Epoch = g.Epoch
		r.view.Forget()
		r.last, r.first, r.live = g.To, g.To+1, g.To
		r.read, r.unread, r.mark = g.To, 0, span{}
		r.said, r.marked = g.To, g.To
		r.older = g.To > 0
		return
	}
	r.last = max(r.last, g.To)
}

// markRead marks everything so far as read.
func (r *room) markRead() { r.read, r.unread = max(r.read, r.last), 0 }

// missed counts a message that was not on the screen.
func (r *room) missed(e *entry) {
	if r.unread == 0 {
		r.mark = span{after: e.seq - 1}
	}
	r.unread++
	r.mark.upTo = e.seq
}

// firstNew is the index of the entry that "new messages" stands before, -1 for none.
func (r *room) firstNew() int {
	if r.mark.upTo == 0 {
		return -1
	}
	return slices.IndexFunc(r.entries, func(e *entry) bool {
		return e.kind == entryMessage && !e.own && e.epoch == r.info.Epoch &&
			e.seq > r.mark.after && e.seq <= r.mark.upTo
	})
}

// cursor is what is remembered of the room for the next time.
func (r *room) cursor() client.Cursor {
	c := client.Cursor{Epoch: r.info.Epoch, Seq: min(r.read, math.MaxInt64)}
	for _, e := range slices.Backward(r.entries) {
		if e.seq == c.Seq && e.epoch == c.Epoch && e.seq > 0 {
			c.TimeMs = e.at.UnixMilli()
			break
		}
	}
	return c
}
