package simulate

import (
	"fmt"
	"slices"
	"time"

	"sarang/chat"
	sdk "sarang/client/session"
	"sarang/client/view"
)

// actor is a client as a person has one: it comes, talks in rooms, goes, and comes
// back with what it remembers.
type actor struct {
	run     *run
	id      int
	name    string
	renamed int
	user    chat.UserID
	state   *sdk.State
	link    *link // the present connection, nil if none
	seats   []*seat
	wishes  []*wish // without an outcome, in order
	said    int
	retryAt time.Duration            // when it connects again
	hurry   bool                     // it connects again at once
	asleep  bool                     // it reads nothing, also when all is healed
	gone    bool                     // it does not come back
	refused int                      // times in a row that its connection has ended without a word
	again   []repeat                 // what it asks again
	marks   map[chat.RoomID]chat.Seq // how far it has read, as it was told
}

// repeat is a question that the server has put off.
type repeat struct {
	at time.Duration
	q  *asked
}

// askAgain asks what has waited long enough.
func (a *actor) askAgain() {
	for len(a.again) > 0 && a.online() && a.again[0].at <= a.run.world.Now() {
		q := a.again[0].q
		a.again = a.again[1:]
		switch q.kind {
		case askHistory:
			a.link.askHistory(q.page, true)
		case askMembers:
			a.link.askMembers(q.room, q.after, true)
		case askList:
			a.link.list(q.room, true)
		case askMine:
			a.link.askMine(q.room, true)
		}
	}
}

// seat is an actor's place in a room, as the actor has been told.
type seat struct {
	room      chat.RoomID
	name      string
	ephemeral bool
	epoch     chat.Epoch
	last      chat.Seq // the last one seen
	gapOwed   bool     // the epoch is a new one, and the client has not said so yet
	lastMs    int64    // its time; 0: not known
	void      bool     // the store was put back to before last
	mayBeVoid bool     // void, and nobody can tell
	leaving   bool
	view      *view.View // the messages; nil if it can not be known what they are
}

func newActor(r *run, id int) *actor {
	name := fmt.Sprintf("c%02d", id)
	return &actor{
		run: r, id: id, name: name,
		state: sdk.NewState(sdk.StateConfig{Name: name, Program: "simulate", Seed: r.seed*1000 + uint64(id) + 1}),
	}
}

func (a *actor) note(format string, args ...any) {
	if a.run.recorded() {
		a.run.note(a.name+": "+format, args...)
	}
}

func (a *actor) seat(room chat.RoomID) *seat {
	for _, s := range a.seats {
		if s.room == room {
			return s
		}
	}
	return nil
}

func (a *actor) unseat(s *seat) {
	a.seats = slices.DeleteFunc(a.seats, func(o *seat) bool { return o == s })
}

// online reports whether it can ask for things.
func (a *actor) online() bool {
	return a.link != nil && a.link.online && a.link.session.Engine() != nil && !a.link.session.Engine().Closing()
}

// act lets the actor do something of its choice.
func (a *actor) act() {
	rng := a.run.rng
	switch {
	case a.link == nil:
		if a.run.world.Now() >= a.retryAt {
			a.connect()
		}
	case !a.online():
		if rng.IntN(20) == 0 && a.link.session.Engine() != nil {
			a.note("gives up connecting")
			a.link.session.Abort()
		}
	case a.link.session.Engine().Paused():
		switch rng.IntN(4) {
		case 0:
			a.resume()
		case 1:
			a.actOnline() // it asks and does not read the answers
		}
	default:
		a.actOnline()
	}
}

// actOnline is a weighted choice.
func (a *actor) actOnline() {
	rng := a.run.rng
	switch n := rng.IntN(100); {
	case n < 16 || len(a.seats) == 0:
		a.join()
	case n < 18:
		a.leave()
	case n < 58:
		for range 1 + rng.IntN(1+rng.IntN(6)) {
			a.publish()
		}
	case n < 73:
		for range 1 + rng.IntN(3) {
			a.change()
		}
	case n < 77:
		a.askHistory()
	case n < 79:
		a.mark()
	case n < 80:
		if a.run.rng.IntN(2) == 0 {
			a.search()
			return
		}
		a.link.askMine(0, false)
	case n < 84:
		a.link.askMembers(a.seats[rng.IntN(len(a.seats))].room, 0, false)
	case n < 86:
		a.link.list(0, false)
	case n < 88:
		a.link.ping()
	case n < 89:
		a.link.create()
	case n < 90:
		a.withdraw()
	case n < 96:
		a.note("reads no more")
		a.run.counts.Pauses++
		a.link.session.Engine().Pause()
	case n < 98:
		a.note("closes")
		a.link.session.Close()
	default:
		a.note("aborts")
		a.link.session.Abort()
	}
}

func (a *actor) resume() {
	if e := a.link.session.Engine(); e != nil && e.Paused() {
		a.note("reads on")
		e.Resume()
	}
}

func (a *actor) connect() {
	a.note("connects")
	l := &link{actor: a, asked: map[uint32]*asked{}, opened: a.run.world.Now()}
	l.session = sdk.New(a.state, l)
	at, speaks := a.connection()
	if err := a.run.clients.Connect(at, speaks, l.session); err != nil {
		a.note("can not: %v", err)
		a.retryAt = a.run.world.Now() + 100*time.Millisecond
		return
	}
	a.link = l
}

// mayJoin reports whether the actor may be in one more room; now and then it tries anyhow.
// It knows of its limit while it has all its rooms: one that is to be joined again would
// lose its place.
func (a *actor) mayJoin() bool {
	most := a.run.plan.limits.roomsJoinedMax
	if most == 0 {
		return true
	}
	back := 0
	for _, r := range a.state.Rooms() {
		if r.Joined {
			back++
		}
	}
	joining := 0
	for _, q := range a.link.asked {
		if q.kind == askJoin {
			joining++
		}
	}
	return back == len(a.seats) && (back+joining < most || back == most && a.run.rng.IntN(4) == 0)
}

// join joins a room that the actor is not in.
func (a *actor) join() {
	if !a.mayJoin() {
		return
	}
	rooms := a.run.plan.rooms
	p := rooms[a.run.rng.IntN(len(rooms))]
	if slices.ContainsFunc(a.seats, func(s *seat) bool { return s.name == p.name }) || a.link.joining(p.name) {
		return
	}
	a.link.join(p)
}

func (a *actor) leave() {
	s := a.seats[a.run.rng.IntN(len(a.seats))]
	if known, ok := a.state.Room(s.room); !ok || !known.Joined || s.leaving {
		return
	}
	id, err := a.link.session.Leave(s.room)
	a.note("leaves %s: request %d, %v", s.name, id, err)
	if err == nil {
		s.leaving = true
		a.link.asked[id] = &asked{kind: askLeave, room: s.room}
	}
}

// wishesMost is how many messages an actor has waiting where there are limits, before it
// says no more: it would go on for minutes after everything is healed.
const wishesMost = 16

func (a *actor) publish() {
	s := a.seats[a.run.rng.IntN(len(a.seats))]
	if s.leaving || a.run.plan.limits.any && len(a.wishes) >= wishesMost {
		return
	}
	n := a.run.rng.IntN(40)
	if a.run.rng.IntN(4) == 0 {
		n = a.run.rng.IntN(a.run.plan.textBytesMax)
	}
	a.say(s, a.text(n))
}

func (a *actor) say(s *seat, text string) {
	nonce, err := a.link.session.Publish(s.room, text)
	if err != nil {
		a.note("can not publish: %v", err)
		return
	}
	a.note("publishes %d to %s, %d bytes", nonce, s.name, len(text))
	a.wants(s, &wish{by: a, room: s.room, nonce: nonce, kind: chat.EventMessage, text: text})
}

// withdraw stops caring for a message.
func (a *actor) withdraw() {
	if len(a.wishes) == 0 {
		return
	}
	w := a.wishes[a.run.rng.IntN(len(a.wishes))]
	sent, found := a.link.session.Withdraw(w.room, w.nonce)
	a.note("withdraws %d to room %d: sent %t, found %t", w.nonce, w.room, sent, found)
	if !found {
		a.run.fail("%s can not withdraw its message %d, which has no outcome", a.name, w.nonce)
	}
	w.outcome = outcomeUntold
	a.settled(w)
}

// text is a text that no other message has, of about n bytes: a mark, again and again.
func (a *actor) text(n int) string {
	a.said++
	mark := fmt.Sprintf("%s%s%d ", a.name, markMiddle, a.said)
	text := []byte(mark)
	for len(text) < n {
		text = append(text, mark...)
	}
	return string(text[:min(len(text), a.run.plan.textBytesMax)])
}

func (a *actor) askHistory() {
	s := a.seats[a.run.rng.IntN(len(a.seats))]
	rng := a.run.rng
	h := sdk.History{Room: s.room, ItemsMax: rng.IntN(a.run.plan.historyItemsMax + 5)}
	if rng.IntN(2) == 0 {
		h.Before = chat.Seq(rng.Uint64N(uint64(s.last) + 2))
		if rng.IntN(5) == 0 { // the last ones, wherever the end is
			h.Before += chat.Seq(rng.Uint64N(1 << rng.IntN(64)))
		}
	}
	if h.Before == 0 {
		h.After = chat.Seq(rng.Uint64N(uint64(s.last) + 2))
	}
	a.link.askHistory(h, false)
}

// settled takes a wish off the list.
func (a *actor) settled(w *wish) {
	a.wishes = slices.DeleteFunc(a.wishes, func(o *wish) bool { return o == w })
}

// wish finds a message that has no outcome yet.
func (a *actor) wish(room chat.RoomID, nonce chat.Nonce) *wish {
	for _, w := range a.wishes {
		if w.room == room && w.nonce == nonce {
			return w
		}
	}
	a.run.fail("%s hears of a message %d to room %d, which has had its outcome or was never published", a.name, nonce, room)
	return nil
}
