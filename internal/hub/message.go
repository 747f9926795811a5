package hub

import (
	"sarang/chat"
	"sarang/engine"
	"sarang/internal/limit"
	"sarang/mem"
)

// Shards talk by messages. They hold ids and values and nothing that belongs to a
// worker, as they are to travel between nodes one day; what of them can not travel (a
// window of shared bytes) is an offer that the receiver can do without.

// roomRequest is what a session's shard asks of a room's home. A publish, by far the
// most frequent, lies in it; the others are behind the interface.
type roomRequest struct {
	room    chat.RoomID
	publish publishRequest // if other is nil
	other   homeRequest
}

// homeRequest is a request that is not frequent. It runs at the home of its room.
type homeRequest interface {
	from() *asker
	at(h *home)
}

// asker says who asks, and what the answer is to name.
type asker struct {
	session engine.SessionID
	network uint64 // of the session; see limit.Source
	user    chat.UserID
	name    string
	ref     RequestRef
	counted bool // in Session.requests
	early   bool // a publish that came before its session's join was answered

	// For a room that is hidden from who asks, who is answered as if it were not there.
	byName string // the name that it was asked for by; "": by its id
	create bool   // it was to be made, if there is none
}

func (a *asker) from() *asker { return a }

// source says for whom the store is asked.
func (a *asker) source() limit.Source {
	return limit.Source{Network: a.network, Session: uint64(a.session)}
}

// roomUpdate is what a room's home has for a shard with sessions in it. Acks and runs
// of events, by far the most frequent, lie in it.
type roomUpdate struct {
	kind    updateKind
	room    chat.RoomID
	session engine.SessionID // ack
	nonce   chat.Nonce       // ack
	seq     chat.Seq         // ack
	format  formatIndex      // append
	run     run              // append
	other   shardUpdate
}

type updateKind uint8

const (
	updateOther updateKind = iota
	updateAck
	updateAppend
)

// shardUpdate is an update that is not frequent.
type shardUpdate interface{ on(s *Shard) }

// dropper is a shardUpdate that owns something, for the case that it is not delivered.
type dropper interface{ drop() }

// run is a number of events encoded one after the other in buf.
type run struct {
	buf   *mem.Buf // retained for the receiver
	off   int
	ends  []uint32
	marks []uint64 // nil for formats without
}

func (r *run) appendTo(f *engine.Feed) {
	if r.marks == nil {
		f.Append(r.buf, r.off, r.ends)
		return
	}
	f.AppendMarked(r.buf, r.off, r.ends, r.marks)
}

func (u *roomUpdate) drop() {
	if u.run.buf != nil {
		u.run.buf.Release()
	}
	if d, ok := u.other.(dropper); ok {
		d.drop()
	}
}

// outbox is what waits for another shard, in order.
type outbox struct {
	requests []roomRequest
	updates  []roomUpdate
}

func (o *outbox) empty() bool { return len(o.requests)+len(o.updates) == 0 }

// shardBatch is the post between two shards: all that a tick amounted to.
type shardBatch struct {
	to *Shard
	outbox
	done int // so many of both are delivered
}

// Deliver unpacks it.
func (b *shardBatch) Deliver(*engine.Worker) {
	for b.more() {
		b.next()
	}
}

// DeliverPart unpacks it as far as the worker has time.
func (b *shardBatch) DeliverPart(w *engine.Worker) (done bool) {
	for b.more() && !w.Spent() {
		b.next()
	}
	return !b.more()
}

func (b *shardBatch) more() bool { return b.done < len(b.requests)+len(b.updates) }

func (b *shardBatch) next() {
	i := b.done
	b.done++
	if i < len(b.requests) {
		b.to.serveRequest(&b.requests[i])
		return
	}
	b.to.apply(&b.updates[i-len(b.requests)])
}

// drop gives back what the batch owns, when it can not be delivered.
func (b *shardBatch) drop() {
	for i := range b.updates {
		b.updates[i].drop()
	}
}

// request brings r to the home of its room: at once if it is here, else with the post
// at the end of the tick.
func (s *Shard) request(r roomRequest) {
	if to := s.hub.homeOf(r.room); to != s.worker.Index() {
		s.outbox[to].requests = append(s.outbox[to].requests, r)
		return
	}
	s.serveRequest(&r)
}

// ask is request for those that are not frequent.
func (s *Shard) ask(r homeRequest) { s.request(roomRequest{room: r.from().ref.Room, other: r}) }

// update brings u, which is copied, to a shard in the same way.
func (s *Shard) update(to int, u *roomUpdate) {
	if to != s.worker.Index() {
		s.outbox[to].updates = append(s.outbox[to].updates, *u)
		return
	}
	s.apply(u)
}

// answer is update for those that are not frequent.
func (s *Shard) answer(to int, u shardUpdate) { s.update(to, &roomUpdate{other: u}) }

// apply does what an update says.
func (s *Shard) apply(u *roomUpdate) {
	switch u.kind {
	case updateAppend:
		if r := s.replicas[replicaKey{u.room, u.format}]; r != nil {
			u.run.appendTo(r.feed)
		}
		u.run.buf.Release()
	case updateAck:
		s.acked(u)
	case updateOther:
		u.other.on(s)
	}
}
