package linear

import (
	"sync"

	"sarang/chat"
)

// Recorder notes what clients do and see. Its methods may be called from any
// goroutine; what is called before something else happens is noted before it.
type Recorder struct {
	mu    sync.Mutex
	clock int64 // counts up with everything that is noted
	rooms map[chat.RoomID]*record
}

// record is what is known of one room.
type record struct {
	publishes []*publish
	byNonce   map[chat.Nonce]*publish
	shown     []sight
	seen      map[chat.Event]struct{} // in shown
	pages     []*Page
}

// publish is a message that a client wanted in the log.
type publish struct {
	client      int
	nonce       chat.Nonce
	text        string
	call, acked int64 // acked 0: no acknowledgment came
	seq         chat.Seq
}

// sight is the first time that an event was shown to anybody.
type sight struct {
	client int
	at     int64
	event  chat.Event
}

// Page is a request for history, from Asked until Answered.
type Page struct {
	recorder      *Recorder
	client        int
	after, before chat.Seq
	call, done    int64
	events        []chat.Event
	more          bool
}

// NewRecorder returns a Recorder that has noted nothing.
func NewRecorder() *Recorder { return &Recorder{rooms: map[chat.RoomID]*record{}} }

// now counts the clock up. The recorder is locked.
func (r *Recorder) now() int64 {
	r.clock++
	return r.clock
}

func (r *Recorder) room(id chat.RoomID) *record {
	room := r.rooms[id]
	if room == nil {
		room = &record{byNonce: map[chat.Nonce]*publish{}, seen: map[chat.Event]struct{}{}}
		r.rooms[id] = room
	}
	return room
}

// Published notes that a client is about to send a message for the first time. Each
// nonce names one message of the room.
func (r *Recorder) Published(client int, room chat.RoomID, n chat.Nonce, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := &publish{client: client, nonce: n, text: text, call: r.now()}
	to := r.room(room)
	to.publishes = append(to.publishes, p)
	to.byNonce[n] = p
}

// Acked notes that a message was acknowledged. One that was not published is ignored:
// the client library reports those.
func (r *Recorder) Acked(room chat.RoomID, n chat.Nonce, seq chat.Seq) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.room(room).byNonce[n]; p != nil {
		p.acked, p.seq = r.now(), seq
	}
}

// Shown notes that a client was given an event. Its strings are kept.
func (r *Recorder) Shown(client int, e chat.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	room := r.room(e.Room)
	if _, again := room.seen[e]; again {
		return // follows from the first time: a log only grows
	}
	room.seen[e] = struct{}{}
	room.shown = append(room.shown, sight{client, r.now(), e})
}

// Asked notes that a client is about to ask for history: events above after, or, if
// before is not 0, the last ones below it. The answer goes to the Page; a request
// without an answer says nothing.
func (r *Recorder) Asked(client int, room chat.RoomID, after, before chat.Seq) *Page {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := &Page{recorder: r, client: client, after: after, before: before, call: r.now()}
	to := r.room(room)
	to.pages = append(to.pages, p)
	return p
}

// Answered notes the answer to a request. The events are kept.
func (p *Page) Answered(events []chat.Event, more bool) {
	p.recorder.mu.Lock()
	defer p.recorder.mu.Unlock()
	p.done, p.events, p.more = p.recorder.now(), events, more
}
