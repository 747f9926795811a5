//go:build linux || windows

package aio

import "time"

// poller is what a system supplies to the loop of readiness.
type poller interface {
	// poll asks the system for reports and returns how many it got. It sleeps until
	// there is one, at most for timeout (< 0: for ever); 0 does not sleep.
	poll(timeout time.Duration) (int, error)

	// apply notes in the sockets what the first n reports say, and enqueues those
	// that have become readable. Events may become pending.
	apply(n int)

	// read makes one read that does not wait. It clears stateReadable when nothing
	// is left for now, and sees to it that the system reports when there is more.
	// No bytes and no error: there was nothing to read. io.EOF is the end of the
	// stream.
	read(name Socket, s *socket, b []byte) (int, error)

	// accept makes events of connections that wait at a listener, at most
	// acceptBatch, and returns how many. It clears stateReadable when none is left.
	accept(name Socket, s *socket, events []Event) int
}

// readiness is the loop of the drivers to which the system reports that a socket can
// be read, and which then read it themselves: epoll and IOCP. Reports set
// stateReadable; a readable socket that receives waits in the ready queue for its
// turn, which is one read into the arena; a listener's turn is a batch of accepts.
type readiness struct {
	base
	system poller
	ready  queue[Socket]
	arena  []byte // lent bytes lie here, packed, until the next Wait
	used   int    // bytes of the arena that are lent

	socketsFirst bool // in this Wait sockets go before pending events
}

// acceptBatch is how many connections one listener may yield in one Wait.
const acceptBatch = 64

// turnsMax is how many turns a socket may have in one Wait. What a peer has sent in one
// go is to be handled in one go, also if it is more than a buffer holds: its rest would
// be a batch of its own to all that follows, to the store and to every reader of a room.
const turnsMax = 8

func newReadiness(c Config) readiness {
	return readiness{arena: make([]byte, c.RecvBuffers*c.RecvBufferBytes)}
}

// Wait polls the system, then serves pending events and ready sockets.
func (r *readiness) Wait(events []Event, timeout time.Duration) (int, error) {
	r.checkOwner()
	r.takeBack()
	events = events[:min(len(events), r.config.EventsMax)]
	var end time.Duration
	if timeout > 0 {
		end = r.Now() + timeout
	}
	for {
		woken, err := r.collect(len(events) > 0, timeout)
		if err != nil {
			return 0, err
		}
		n := r.serve(events)
		if n > 0 || woken || timeout == 0 || len(events) == 0 {
			return n, nil
		}
		if timeout > 0 {
			if timeout = end - r.Now(); timeout <= 0 {
				return 0, nil
			}
		}
	}
}

// takeBack ends the loan of what the last Wait gave out.
func (r *readiness) takeBack() {
	if debugging {
		poison(r.arena[:r.used])
	}
	r.used = 0
}

// collect takes the system's reports. It sleeps only when there is nothing to deliver
// already, and reports whether the driver was woken.
func (r *readiness) collect(maySleep bool, timeout time.Duration) (woken bool, err error) {
	if timeout != 0 && (!maySleep || r.pending.count > 0 || r.ready.count > 0 || !r.waker.sleep()) {
		timeout = 0
	}
	n, err := r.system.poll(timeout)
	woken = r.waker.awake()
	if err == nil {
		r.system.apply(n)
	}
	return woken, err
}

// enqueue puts a socket with something to do into the ready queue, once.
func (r *readiness) enqueue(name Socket, s *socket) {
	if s.state&stateQueued == 0 && s.hasWork() {
		s.state |= stateQueued
		r.ready.push(name)
	}
}

// hasWork reports whether there is something to read or to accept, and somebody who
// wants it.
func (s *socket) hasWork() bool {
	return s.state&stateReadable != 0 &&
		s.state&(stateReceiving|stateAccepting) != 0 &&
		s.state&(stateStopped|stateClosing) == 0
}

// serve fills events. Pending events and sockets take turns at being first: with room
// for few events neither may starve the other. A socket that has more to read has
// another turn when all have had theirs.
func (r *readiness) serve(events []Event) int {
	r.socketsFirst = !r.socketsFirst
	n := 0
	if r.socketsFirst {
		n = r.serveReady(events, true)
	}
	n += r.deliver(events[n:])
	if !r.socketsFirst {
		n += r.serveReady(events[n:], true)
	}
	for range turnsMax - 1 {
		more := r.serveReady(events[n:], false)
		if more == 0 {
			break
		}
		n += more
	}
	return n
}

// serveReady gives every ready socket one turn, as far as events and arena reach.
// Listeners have only their first: a crowd of newcomers is not to hold up who is
// connected.
func (r *readiness) serveReady(events []Event, first bool) int {
	n := 0
	for range r.ready.count {
		if n == len(events) || r.used+r.config.RecvBufferBytes > len(r.arena) {
			break
		}
		name := r.ready.pop()
		s := r.sockets.get(name)
		if s == nil {
			continue
		}
		s.state &^= stateQueued
		if !s.hasWork() {
			continue
		}
		switch {
		case s.state&stateListener == 0:
			n += r.receive(name, s, &events[n])
		case first:
			n += r.system.accept(name, s, events[n:])
		}
		r.enqueue(name, s)
	}
	return n
}

// receive makes one read and returns how many events it made: one or none.
func (r *readiness) receive(name Socket, s *socket, e *Event) int {
	end := r.used + r.config.RecvBufferBytes
	room := r.arena[r.used:end:end]
	n, err := r.system.read(name, s, room)
	switch {
	case err != nil:
		*e = Event{Kind: KindRecv, Token: s.token, Socket: name, Err: err}
		r.settle(name, s, KindRecv)
	case n == 0:
		return 0
	default:
		*e = Event{Kind: KindRecv, More: true, Token: s.token, Socket: name, Data: room[:n:n]}
		r.used += n
	}
	return 1
}
