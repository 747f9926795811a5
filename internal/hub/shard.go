package hub

import (
	"time"

	"sarang/chat"
	"sarang/engine"
	"sarang/internal/limit"
)

// Shard is a worker's part of the hub: the rooms whose home it is, the local ends of
// all rooms that its sessions are in, and what is to be posted to other shards at the
// end of the tick. It belongs to its worker.
type Shard struct {
	hub     *Hub
	worker  *engine.Worker
	homes   map[chat.RoomID]*home
	locals  map[chat.RoomID]*local
	ready   []*home // with batches to take
	outbox  []outbox
	scratch []byte
	texts   []byte // see keep
	lag     limit.Lag
	again   engine.Timer  // see look
	nowAt   time.Duration // see now
	nowIs   time.Duration
}

// outbox is what waits for another shard.
type outbox struct {
	commands []command
	notices  []notice
}

// command is what a session's shard asks of a room's home.
type command struct {
	kind    commandKind
	session engine.SessionID
	user    chat.UserID
	room    chat.RoomID
	name    string
	answer  Answer
	text    string     // publish
	epoch   chat.Epoch // join
	seq     chat.Seq   // join: cursor; members: after
	items   int        // join: history; members: at most
	said    bool       // leave
}

type commandKind uint8

const (
	commandPublish commandKind = iota
	commandJoin
	commandLeave
	commandMembers
)

// notice is what a room's home tells a shard with sessions in it.
type notice struct {
	kind    noticeKind
	session engine.SessionID
	room    chat.RoomID
	answer  Answer
	seq     chat.Seq // ack; joined: after
	gap     bool     // joined
	info    RoomInfo
	window  *engine.Window // joined: the room's window, if the shard has no feed yet
	run     run            // append
	members []chat.User
	more    bool
	err     *chat.Error
}

type noticeKind uint8

const (
	noticeAck noticeKind = iota
	noticeRefused
	noticeJoined
	noticeAppend
	noticeDetach
	noticeMembers
)

// NewShard makes the shard of w. It is called once for each worker, before any
// session.
func (h *Hub) NewShard(w *engine.Worker) *Shard {
	s := &Shard{
		hub: h, worker: w,
		homes:  map[chat.RoomID]*home{},
		locals: map[chat.RoomID]*local{},
		outbox: make([]outbox, len(h.shards)),
	}
	h.shards[w.Index()] = s
	return s
}

// Hub is what the shard belongs to.
func (s *Shard) Hub() *Hub { return s.hub }

// command brings c to the home of its room: at once if it is here, else with the post
// at the end of the tick.
func (s *Shard) command(c command) {
	if to := s.hub.homeOf(c.room); to != s.worker.Index() {
		s.outbox[to].commands = append(s.outbox[to].commands, c)
		return
	}
	s.obey(&c)
}

// notify brings n, which is copied, to a shard in the same way.
func (s *Shard) notify(to int, n *notice) {
	if to != s.worker.Index() {
		s.outbox[to].notices = append(s.outbox[to].notices, *n)
		return
	}
	s.hear(n)
}

// Tick hands on what the worker's tick amounted to. The gateway's handler calls it.
func (s *Shard) Tick() {
	s.look()
	if len(s.ready) > 0 {
		s.takeBatches()
	}
	if s.hub.storing() {
		s.worker.GiveWay(s.hub.begun)
	}
	for to := range s.outbox {
		o := &s.outbox[to]
		if len(o.commands) == 0 && len(o.notices) == 0 {
			continue
		}
		p := &parcel{s.hub.shards[to], o.commands, o.notices}
		*o = outbox{}
		if !p.to.worker.Post(p) {
			p.drop()
		}
	}
}

// give has f done by tasks, soon. False: too many wait.
func (s *Shard) give(to *tasks, f func()) bool {
	ok := to.do(f)
	if ok {
		s.worker.GiveWay(s.hub.begun)
	}
	return ok
}

// takeBatches sends what has gathered in the rooms to the store. An ephemeral room's
// batch has nowhere to go and is in the log at once.
func (s *Shard) takeBatches() {
	now := s.hub.nowMs()
	var jobs []*job
	for i, h := range s.ready {
		s.ready[i] = nil
		h.ready = false
		if !h.room.Wants() {
			continue
		}
		if h.room.Info().Ephemeral {
			for h.room.Wants() {
				h.committed(h.room.Take(now))
			}
			h.account()
			continue
		}
		jobs = append(jobs, &job{home: h, events: h.room.Take(now)})
	}
	s.ready = s.ready[:0]
	if len(jobs) > 0 {
		s.hub.writer.submit(jobs)
	}
}

// stored is called with the outcome of a job.
func (s *Shard) stored(j *job) {
	if j.err == nil {
		j.home.committed(j.events)
	} else {
		j.home.failed(j.err)
	}
	j.home.touch()
}

// parcel is the post between two shards.
type parcel struct {
	to       *Shard
	commands []command
	notices  []notice
}

// Deliver unpacks it.
func (p *parcel) Deliver(*engine.Worker) {
	for i := range p.commands {
		p.to.obey(&p.commands[i])
	}
	for i := range p.notices {
		p.to.hear(&p.notices[i])
	}
}

// drop lets go of what a parcel owns that can not be delivered.
func (p *parcel) drop() {
	for i := range p.notices {
		p.notices[i].drop()
	}
}

func (n *notice) drop() {
	if n.run.buf != nil {
		n.run.buf.Release()
	}
	if n.window != nil {
		n.window.Release()
	}
}

// obey runs a command at the home of its room.
func (s *Shard) obey(c *command) {
	h := s.home(c.room)
	if h == nil {
		s.refuse(c.session, c.answer, noSuchRoom())
		return
	}
	switch c.kind {
	case commandPublish:
		h.publish(c)
	case commandJoin:
		h.join(c)
	case commandLeave:
		h.leave(c)
	case commandMembers:
		h.members(c)
	}
}

// refuse tells a session, of whatever shard, that a request failed.
func (s *Shard) refuse(to engine.SessionID, a Answer, err *chat.Error) {
	s.notify(to.Worker(), &notice{kind: noticeRefused, session: to, room: a.Room, answer: a, err: err})
}

// home returns the room whose home this shard is, made when it is first wanted.
func (s *Shard) home(id chat.RoomID) *home {
	if h := s.homes[id]; h != nil {
		return h
	}
	e := s.hub.rooms.get(id)
	if e == nil {
		return nil
	}
	h := newHome(s, e)
	s.homes[id] = h
	return h
}

func (s *Shard) idle() bool {
	for _, h := range s.homes {
		if !h.room.Idle() {
			return false
		}
	}
	for i := range s.outbox {
		if len(s.outbox[i].commands)+len(s.outbox[i].notices) > 0 {
			return false
		}
	}
	return true
}

// Stop lets go of the shard's buffers, when its worker ends.
func (s *Shard) Stop() {
	for _, l := range s.locals {
		l.feed.Close()
	}
	for _, h := range s.homes {
		h.close()
	}
	for i := range s.outbox {
		(&parcel{nil, nil, s.outbox[i].notices}).drop()
	}
}

// retryLater is what a client is told when the store does not do its work.
const retryLater = time.Second

func noSuchRoom() *chat.Error { return chat.Errorf(chat.CodeNoRoom, "there is no such room") }

func unavailable(err error) *chat.Error {
	return &chat.Error{
		Code: chat.CodeUnavailable, Message: "the message could not be stored; try again with the same nonce",
		RetryAfter: retryLater, Err: err,
	}
}

func draining() *chat.Error {
	return &chat.Error{Code: chat.CodeDraining, Message: "the server is going down; try again after it is back", RetryAfter: retryLater}
}
