package aiosim

import (
	"net/netip"
	"time"
)

// endFlags are what has become of an end.
type endFlags uint16

const (
	endUnclaimed   endFlags = 1 << iota // in a backlog, or an aio.Conn that nobody attached yet
	endConnecting                       // the outcome of its connect is outstanding
	endRefused                          // connecting has failed
	endFinSent                          // Shutdown: nothing more goes out
	endFinArrived                       // nothing more comes in
	endReset                            // a reset has arrived
	endResetComing                      // a reset is on the way: whatever is sent here is lost
	endPeerGone                         // the other end is closed
	endLinger                           // closing sends a reset
	endFull                             // a send has found it full and waits for space
	endArrivalDue                       // a dueArrival is on the timeline
	endAcceptTried                      // the chance of a failing accept is used up
)

// end is one end of a connection. There may be a million of them, so it is kept
// small: bytes live in a stream that exists only while there are any.
type end struct {
	in          *stream       // what comes to this end
	lastArrival time.Duration // nothing arrives here before what was sent earlier
	sendMax     int32         // socket buffers in bytes
	recvMax     int32
	swallowed   int32  // bytes sent to a peer that is gone
	peer        uint32 // the other end; 0 while connecting, or when it is gone
	gen         uint32
	slot        uint32 // the owner's slot
	address     uint32 // this end's address, by number
	farAddress  uint32 // the other end's, which may be gone when somebody asks
	port        uint16
	farPort     uint16
	driver      uint16 // one more than the owner's number; 0 is nobody
	flags       endFlags
}

func (e *end) is(f endFlags) bool { return e.flags&f != 0 }

// newEnd opens an end at the given address.
func (w *World) newEnd(at netip.AddrPort, f endFlags, o socketLimits) (uint32, *end) {
	i, e := w.ends.take()
	*e = end{
		gen: e.gen, flags: f, address: w.addressNumber(at.Addr()), port: at.Port(),
		sendMax: int32(o.sendMax), recvMax: int32(o.recvMax),
	}
	if o.linger {
		e.flags |= endLinger
	}
	w.stats.EndsOpen++
	return i, e
}

func (w *World) endAddress(e *end) netip.AddrPort {
	return netip.AddrPortFrom(w.addresses[e.address], e.port)
}

// freeEnd forgets an end. Entries of the timeline that name it become stale.
func (w *World) freeEnd(i uint32, e *end) {
	w.dropStream(e)
	delete(w.fuses, i)
	*e = end{gen: e.gen + 1}
	w.ends.give(i)
	w.stats.EndsOpen--
}

func (w *World) dropStream(e *end) {
	if e.in != nil {
		w.freeStream(e.in)
		e.in = nil
		w.stats.StreamsInUse--
	}
}

// stream returns what comes to e, made if there was nothing.
func (w *World) stream(e *end) *stream {
	if e.in == nil {
		e.in = w.newStream()
		w.stats.StreamsInUse++
	}
	return e.in
}

// space is how many bytes a send from e could put on the way.
func (w *World) space(e *end) int {
	if e.peer == 0 {
		return int(e.sendMax) + int(e.recvMax) - int(e.swallowed)
	}
	peer := w.ends.at(e.peer)
	room := int(e.sendMax) + int(peer.recvMax)
	if peer.in != nil {
		room -= peer.in.queued()
	}
	return room
}

// transmit puts the first n bytes of v on the way from e to its peer.
func (w *World) transmit(i uint32, e *end, v [][]byte, n int) {
	w.stats.BytesSent += uint64(n)
	if e.peer == 0 {
		e.swallowed += int32(n)
		w.sendReset(i, e) // nobody is there: the answer is a reset
		return
	}
	peer := w.ends.at(e.peer)
	if peer.is(endResetComing) {
		return
	}
	if w.chance(w.faults.Stall) {
		w.stats.Stalls++
		w.hold(peer, w.now+w.between(w.faults.StallMin, w.faults.StallMax))
	}
	s := w.stream(peer)
	s.put(v, n)
	for n > 0 {
		piece := n
		if w.faults.SegmentBytesMax > 0 {
			lo := max(1, w.faults.SegmentBytesMin)
			piece = min(n, lo+w.rng.IntN(max(1, w.faults.SegmentBytesMax-lo+1)))
			w.stats.SegmentsCut++
		}
		s.add(mark{at: w.arrival(peer, piece), bytes: piece})
		n -= piece
	}
	peerIndex := e.peer
	if w.chance(w.faults.Reset) {
		w.stats.NetworkResets++
		w.sendReset(i, e)
		w.sendReset(peerIndex, peer)
	}
	w.scheduleArrival(peerIndex, peer)
}

// arrival is when n bytes that are sent now reach e.
func (w *World) arrival(e *end, n int) time.Duration {
	if e.lastArrival == never {
		return never
	}
	at := max(e.lastArrival, w.now+w.delay())
	if w.faults.BytesPerSecond > 0 {
		at += time.Duration(float64(n) / float64(w.faults.BytesPerSecond) * float64(time.Second))
	}
	e.lastArrival = at
	return at
}

// hold lets nothing reach e before at, neither what is on the way nor what is
// sent later.
func (w *World) hold(e *end, at time.Duration) {
	e.lastArrival = max(e.lastArrival, at)
	if e.in != nil {
		e.in.hold(at)
	}
}

// scheduleArrival puts the next arrival at e on the timeline, or lets it happen
// if it is due.
func (w *World) scheduleArrival(i uint32, e *end) {
	if e.in == nil || e.is(endArrivalDue) {
		return
	}
	switch at := e.in.next(); {
	case at == never:
	case at <= w.now:
		w.arrive(i, e)
	default:
		e.flags |= endArrivalDue
		w.schedule(due{at: at, kind: dueArrival, index: i, gen: e.gen})
	}
}

// arrive makes readable what has reached e by now.
func (w *World) arrive(i uint32, e *end) {
	e.flags &^= endArrivalDue
	s := e.in
	for s != nil && s.next() <= w.now {
		m := s.marks[s.first]
		s.first++
		switch m.kind {
		case markData:
			if left, fused := w.fuses[i]; fused {
				if m.bytes >= left {
					w.blow(i, e, left)
					continue
				}
				w.fuses[i] = left - m.bytes
			}
			s.arrived += m.bytes
		case markFin:
			e.flags |= endFinArrived
		case markReset:
			e.flags |= endReset
			w.stats.Resets++
		}
	}
	if s != nil && s.empty() {
		w.dropStream(e)
	}
	w.poke(e)
	w.scheduleArrival(i, e)
}

// blow ends a connection in the middle of what arrives at e: so many bytes more get
// through, and then a reset, at both ends.
func (w *World) blow(i uint32, e *end, bytes int) {
	delete(w.fuses, i)
	s := e.in
	s.arrived += bytes
	s.bytes = s.bytes[:s.head+s.arrived]
	s.first = len(s.marks)
	e.flags |= endReset | endResetComing
	w.stats.NetworkResets++
	w.stats.Resets++
	if e.peer != 0 {
		w.sendReset(e.peer, w.ends.at(e.peer))
	}
}

// sendFin sends e the end of its peer's stream.
func (w *World) sendFin(i uint32, e *end) {
	if e.is(endResetComing) {
		return
	}
	w.stream(e).add(mark{at: w.arrival(e, 0), kind: markFin})
	w.scheduleArrival(i, e)
}

// sendReset sends a reset to e. What is on the way there is lost from some byte
// on.
func (w *World) sendReset(i uint32, e *end) {
	if e.is(endResetComing) {
		return
	}
	e.flags |= endResetComing
	s := w.stream(e)
	s.cut(w.rng)
	s.add(mark{at: w.arrival(e, 0), kind: markReset})
	w.scheduleArrival(i, e)
}

// closeEnd closes an end as a system does: unread bytes or SO_LINGER 0 make it a
// reset, otherwise the peer sees the end of the stream after what was sent.
func (w *World) closeEnd(i uint32) {
	e := w.ends.at(i)
	if e.peer != 0 {
		peer := w.ends.at(e.peer)
		unread := e.in != nil && e.in.arrived > 0
		onTheWay := e.in != nil && e.in.queued() > 0
		switch {
		case unread || e.is(endLinger):
			w.sendReset(e.peer, peer)
		case onTheWay:
			// What still comes finds a closed end, and a reset is the answer.
			if !e.is(endFinSent) {
				w.sendFin(e.peer, peer)
			}
			w.answerReset(e.peer, peer)
		case !e.is(endFinSent):
			w.sendFin(e.peer, peer)
		}
		peer.peer = 0
		peer.flags |= endPeerGone
	}
	w.freeEnd(i, e)
}

// answerReset sends a reset behind what is on the way to e, which is not lost.
func (w *World) answerReset(i uint32, e *end) {
	if e.is(endResetComing) {
		return
	}
	e.flags |= endResetComing
	w.stream(e).add(mark{at: w.arrival(e, 0), kind: markReset})
	w.scheduleArrival(i, e)
}

// read lends arrived bytes of e by copying them to p, and has a full peer learn of
// the space.
func (w *World) read(e *end, p []byte) int {
	n := e.in.take(p)
	w.stats.BytesLent += uint64(n)
	if e.in.empty() {
		w.dropStream(e)
	}
	if e.peer == 0 {
		return n
	}
	// As on a real system a full socket is writable again when a good part of
	// it is free, not at the first byte.
	peer := w.ends.at(e.peer)
	if peer.is(endFull) && w.space(peer) >= (int(peer.sendMax)+int(e.recvMax))/3 {
		peer.flags &^= endFull
		w.announceSpace(e.peer, peer)
	}
	return n
}

// announceSpace lets e learn, one way later, that it can send again.
func (w *World) announceSpace(i uint32, e *end) {
	at := max(e.lastArrival, w.now+w.delay())
	if at == never {
		return
	}
	w.schedule(due{at: at, kind: dueSpace, index: i, gen: e.gen})
}
