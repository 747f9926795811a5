package session

import (
	"cmp"
	crand "crypto/rand"
	"encoding/binary"
	"slices"
	"time"

	"sarang/chat"
	"sarang/engine"
)

// StateConfig says who a State is.
type StateConfig struct {
	Name         string   // the name wanted
	Token        []byte   // resume token of an earlier login by that name, or empty
	Password     string   // of the account with that name, or empty; it is forgotten after the login, the token is enough then
	Register     bool     // make an account of that name, with that password
	Invitation   string   // with Register, where the server wants a code
	JWT          string   // of a program that embeds the server: it says who the user is; forgotten as Password is
	Device       string   // what the user calls where he is, for the list of his sessions
	Program      string   // program and version, for the server's log
	Capabilities []string // what the program can do; unknown ones are ignored

	// PublishesPendingMax bounds the messages without an answer, sent or not, per
	// room; default chat.NoncesPerUserMax.
	PublishesPendingMax int

	// Seed makes the nonces repeatable, for simulations; two States of one user
	// must not have the same. 0: random.
	Seed uint64
}

// State is what survives a connection: who the user is, the rooms with their cursors,
// and the messages without an answer. It is given to one Session after the other, on
// any worker, but to one at a time; while a session has it, it is that session's
// worker's.
type State struct {
	config  StateConfig
	user    chat.UserID
	rooms   map[chat.RoomID]*room
	order   []*room // in the order of joining: what is done for all rooms is repeatable
	nonce   uint64  // the last one given out
	session *Session
}

// room is a joined room, or one that is to be joined again.
type room struct {
	info     RoomInfo
	seq      chat.Seq      // the last one seen
	seqMs    int64         // its time; 0: not known
	joined   bool          // on this connection
	leaving  bool          // C_LEAVE was sent
	rejoin   step          // of joining again after a reconnect
	retryAt  time.Duration // for rejoin == stepWaiting
	pending  []publish
	inFlight int // of pending: sent on this connection
	unsent   int // of pending: to be sent
}

// publish is a message, or another authored event, without an answer.
type publish struct {
	nonce   chat.Nonce
	text    string
	act     *act // a role or a kick; nil: a message
	step    step
	sent    bool          // ever, on any connection
	retryAt time.Duration // for stepWaiting; the worker's time
}

// step is how far something has come that is done again on each connection.
type step uint8

const (
	stepNone    step = iota
	stepWanted       // to be sent when there is room
	stepSent         // on this connection
	stepWaiting      // the server said: later
	stepDropped      // sent and then withdrawn; it is not sent again
)

// NewState makes the State of a user who has not logged in yet.
func NewState(c StateConfig) *State {
	c.PublishesPendingMax = cmp.Or(max(c.PublishesPendingMax, 0), chat.NoncesPerUserMax)
	c.Token = slices.Clone(c.Token)
	c.Capabilities = slices.Clone(c.Capabilities)
	return &State{config: c, rooms: make(map[chat.RoomID]*room), nonce: nonceBase(c.Seed)}
}

// nonceBase returns where nonces start: 32 bits that no other state is likely to
// have, and room for a count below.
func nonceBase(seed uint64) uint64 {
	if seed == 0 {
		var b [8]byte
		_, _ = crand.Read(b[:]) // never fails; see crypto/rand.Read
		seed = binary.LittleEndian.Uint64(b[:])
	}
	// The finalizer of splitmix64: seeds that are close give bases that are not.
	seed += 0x9e3779b97f4a7c15
	seed = (seed ^ seed>>30) * 0xbf58476d1ce4e5b9
	seed = (seed ^ seed>>27) * 0x94d049bb133111eb
	return (seed ^ seed>>31) &^ 0xffffffff
}

// nextNonce returns a nonce that this state has not given out; never 0.
func (st *State) nextNonce() chat.Nonce {
	st.nonce++
	if st.nonce == 0 {
		st.nonce++
	}
	return chat.Nonce(st.nonce)
}

// Name returns the name wanted or, after a login, as the server writes it.
func (st *State) Name() string { return st.config.Name }

// Token returns the resume token, nil before the first login. It is a secret; the slice
// must not be changed.
func (st *State) Token() []byte { return st.config.Token }

// User returns who the server says we are, 0 before the first login.
func (st *State) User() chat.UserID { return st.user }

// RoomState is what a State knows of a room.
type RoomState struct {
	Room    RoomInfo // as of the last join
	Cursor  Cursor   // what was seen
	Joined  bool     // on the present connection
	Pending int      // messages without an answer
}

func (r *room) state() RoomState {
	return RoomState{Room: r.info, Cursor: Cursor{r.info.Epoch, r.seq, r.seqMs}, Joined: r.joined, Pending: len(r.pending)}
}

// Room returns what is known of a room; false if it is not joined and is not to be
// joined again.
func (st *State) Room(id chat.RoomID) (RoomState, bool) {
	if r := st.rooms[id]; r != nil {
		return r.state(), true
	}
	return RoomState{}, false
}

// Rooms returns all rooms, in the order in which they were joined.
func (st *State) Rooms() []RoomState {
	all := make([]RoomState, 0, len(st.order))
	for _, r := range st.order {
		all = append(all, r.state())
	}
	return all
}

// Withdraw is Session.Withdraw, for a State that no session has.
func (st *State) Withdraw(room chat.RoomID, nonce chat.Nonce) (sent, found bool) {
	r := st.rooms[room]
	if r == nil {
		return false, false
	}
	i := r.find(nonce)
	if i < 0 || r.pending[i].step == stepDropped {
		return false, false
	}
	p := &r.pending[i]
	sent = p.sent
	if p.step == stepSent {
		r.move(i, stepDropped) // its answer is still to come
	} else {
		r.settle(i)
	}
	return sent, true
}

// enter returns the room's entry, made if it is new.
func (st *State) enter(info RoomInfo) *room {
	r := st.rooms[info.ID]
	if r == nil {
		r = &room{}
		st.rooms[info.ID] = r
		st.order = append(st.order, r)
	}
	r.info = info
	return r
}

func (st *State) remove(r *room) {
	delete(st.rooms, r.info.ID)
	st.order = slices.DeleteFunc(st.order, func(o *room) bool { return o == r })
}

// attach begins a connection.
func (st *State) attach(s *Session) {
	engine.Invariant(st.session == nil, "a session state is used by two sessions at once")
	st.session = s
}

// detach ends a connection: nothing is sent or joined any more. Rooms that were
// being left are gone; it returns them.
func (st *State) detach() (left []*room) {
	st.session = nil
	for _, r := range slices.Clone(st.order) {
		if r.leaving {
			st.remove(r)
			left = append(left, r)
			continue
		}
		r.joined, r.rejoin = false, stepWanted
		r.pending = slices.DeleteFunc(r.pending, func(p publish) bool { return p.step == stepDropped })
		for i := range r.pending {
			r.pending[i].step = stepWanted
		}
		r.inFlight, r.unsent = 0, len(r.pending)
	}
	return left
}

// find returns the index of a pending publish, -1 if there is none. Answers come in
// the order of sending as a rule: the first one is tried first.
func (r *room) find(nonce chat.Nonce) int {
	for i := range r.pending {
		if r.pending[i].nonce == nonce {
			return i
		}
	}
	return -1
}

// settle takes a pending publish out.
func (r *room) settle(i int) {
	r.recount(r.pending[i].step, stepNone)
	r.pending = slices.Delete(r.pending, i, i+1)
}

// move changes a pending publish's step.
func (r *room) move(i int, to step) {
	r.recount(r.pending[i].step, to)
	r.pending[i].step = to
}

func (r *room) recount(from, to step) {
	r.count(from, -1)
	r.count(to, 1)
}

func (r *room) count(at step, by int) {
	switch at {
	case stepWanted:
		r.unsent += by
	case stepSent, stepDropped:
		r.inFlight += by
	}
}
