package aio

import (
	"io"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Wait hands over what is queued, then turns completions into events. Completions
// for which there is no room stay in the ring for the next Wait.
func (d *uring) Wait(events []Event, timeout time.Duration) (int, error) {
	d.checkOwner()
	d.credits += d.buffers.giveBack()
	if d.suspects.due(d.Now(), suspectsDelayMax) {
		d.inspect()
	}
	events = events[:min(len(events), d.config.EventsMax)]
	var end time.Duration
	if timeout > 0 {
		end = d.Now() + timeout
	}
	for {
		d.rearm()
		n := d.deliver(events)
		woken := d.enter(n == 0 && len(events) > 0, timeout)
		if d.broken != nil {
			return n, d.broken
		}
		n += d.reap(events[n:])
		n += d.deliver(events[n:])
		if n > 0 || woken || timeout == 0 || len(events) == 0 {
			return n, nil
		}
		if timeout > 0 {
			if timeout = end - d.Now(); timeout <= 0 {
				return 0, nil
			}
		}
	}
}

// enter makes the system call if there is any use in it, and sleeps in it only if
// nothing can be delivered without. It tells whether the driver was woken.
func (d *uring) enter(maySleep bool, timeout time.Duration) (woken bool) {
	maySleep = maySleep && timeout != 0 && d.again.count == 0
	if maySleep && d.ring.queued() > 0 && d.ring.brief() && d.broken == nil {
		// Sends end while they are handed over, most likely, and then there is
		// no sleep that Go's scheduler would have to be told of.
		d.broken = d.ring.enterBriefly()
	}
	queued, ready := d.ring.queued(), d.ring.ready()
	sleep := maySleep && ready == 0 && d.waker.sleep()
	// Completions are made only while the kernel is entered. As long as some are
	// left from the last time there is no hurry; they run out soon enough.
	if sleep || queued > 0 || ready == 0 && d.ring.pending() {
		if d.broken == nil {
			d.broken = d.ring.enter(sleep, d.suspects.patience(timeout))
		}
	}
	if sleep && d.ring.ready() == 0 && d.suspects.due(d.Now(), suspectsDelay) {
		d.inspect()
	}
	return d.waker.awake()
}

// rearm hands over again what the kernel ended by itself. Receives that found no
// buffer go as far as buffers are surely free, so that a crowd of them does not
// try in vain in every Wait.
func (d *uring) rearm() {
	if d.again.count == 0 {
		d.credits = 0
		return
	}
	if d.ring.ready() == 0 {
		// Nothing is lent and nothing waits in the ring: all are free.
		d.credits = d.config.RecvBuffers
	}
	for range min(d.again.count, d.credits) {
		name := d.again.pop()
		s := d.sockets.get(name)
		switch {
		case s == nil:
			panic("aio: a request to hand over again is on no socket")
		case s.state&stateStopped == 0:
			d.arm(name, s)
			d.credits--
		case s.state&stateListener != 0:
			d.queueEvent(name, KindAccept, false, 0, ErrCanceled)
		default:
			d.queueEvent(name, KindRecv, false, 0, ErrCanceled)
		}
	}
}

// reap turns completions into events.
func (d *uring) reap(events []Event) int {
	n := 0
	for ready := d.ring.ready(); ready > 0 && n < len(events); ready-- {
		if d.complete(d.ring.take(), &events[n]) {
			n++
		}
	}
	return n
}

// complete notes one completion and tells whether it made an event.
func (d *uring) complete(c cqe, e *Event) bool {
	if c.flags&cqeMore == 0 {
		d.inFlight--
	}
	name, t := splitUserData(c.userData)
	if t == tagWake {
		if c.flags&cqeMore == 0 && d.broken == nil {
			d.armWaker()
		}
		return false
	}
	s := d.sockets.get(name)
	if s == nil {
		if t >= tagCancelAccept {
			return false // the socket went before the answer was read
		}
		panic("aio: a completion for a socket that is gone")
	}
	switch t {
	case tagAccept:
		return d.accepted(c, name, s, e)
	case tagConnect:
		return d.connected(c, name, s, e)
	case tagRecv:
		return d.received(c, name, s, e)
	case tagSend:
		return d.sent(c, name, s, e)
	case tagWritable:
		return d.writable(c, name, s, e)
	}
	d.canceled(c, name, s, t)
	return false
}

// canceled looks after a cancel that found nothing: a request is out of sight while
// the kernel is at work on it, and then goes on. One that has ended since had its
// own completion before this one.
func (d *uring) canceled(c cqe, name Socket, s *socket, t tag) {
	if c.res != -int32(unix.ENOENT) {
		return
	}
	var alive bool
	switch t {
	case tagCancelAccept, tagCancelRecv:
		alive = s.state&stateArmed != 0 && s.state&stateStopped != 0
	case tagCancelConnect:
		alive = s.state&stateConnecting != 0
	case tagCancelWritable:
		alive = s.state&stateBlocked != 0
	}
	if alive {
		d.cancel(name, t)
	}
}

func (d *uring) accepted(c cqe, name Socket, s *socket, e *Event) bool {
	ended := c.flags&cqeMore == 0
	if ended {
		s.state &^= stateArmed
	}
	if c.res >= 0 {
		*e = Event{
			Kind: KindAccept, More: true, Token: s.token, Socket: name,
			Conn: Conn{Handle: uintptr(c.res), Peer: peerOf(int(c.res), s.state&stateV6 != 0, &d.room)},
		}
		if ended {
			d.again.push(name)
		}
		return true
	}
	errno := syscall.Errno(-c.res)
	// Early kernels say "canceled" when a completion does not fit the queue.
	unasked := errno == unix.ECANCELED && s.state&stateStopped == 0
	if unasked || errno == unix.ECONNABORTED || errno == unix.EINTR || errno == unix.EAGAIN {
		d.again.push(name)
		return false
	}
	d.last(name, s, KindAccept, errno, e)
	return true
}

func (d *uring) connected(c cqe, name Socket, s *socket, e *Event) bool {
	d.controls.give(s.op)
	if c.res == 0 {
		s.state |= stateConnected
	}
	d.last(name, s, KindConnect, syscall.Errno(-c.res), e)
	return true
}

func (d *uring) received(c cqe, name Socket, s *socket, e *Event) bool {
	var data []byte
	if c.flags&cqeBuffer != 0 {
		data = d.buffers.lend(uint16(c.flags>>cqeBufferShift), int(max(c.res, 0)))
	}
	ended := c.flags&cqeMore == 0
	if ended {
		s.state &^= stateArmed
	}
	if c.res > 0 {
		*e = Event{Kind: KindRecv, More: true, Token: s.token, Socket: name, Data: data}
		if ended {
			d.again.push(name)
		} else if c.flags&cqeSockNonempty == 0 {
			d.suspect(name, s)
		}
		return true
	}
	errno := syscall.Errno(-c.res)
	mine := errno == unix.ECANCELED && s.state&stateStopped == 0 // see inspect
	if mine || errno == unix.ENOBUFS || errno == unix.EAGAIN || errno == unix.EINTR {
		if ended {
			d.again.push(name)
		}
		return false
	}
	d.last(name, s, KindRecv, errno, e)
	return true
}

func (d *uring) sent(c cqe, name Socket, s *socket, e *Event) bool {
	d.controls.give(s.op)
	*e = Event{Kind: KindSend, Token: s.token, Socket: name}
	errno := syscall.Errno(-c.res)
	switch {
	case c.res > 0:
		e.N = int(c.res)
	case c.res != 0 && errno != unix.EAGAIN && errno != unix.EINTR:
		e.Err = errno
	case s.state&stateClosing != 0:
		e.Err = ErrCanceled
	default:
		e.Err = ErrWouldBlock
		e.More = true
		s.state |= stateBlocked
		p := d.submission(opPollAdd, name, tagWritable, s.fd)
		p.opFlags = unix.POLLOUT
		return true
	}
	d.settle(name, s, KindSend)
	return true
}

func (d *uring) writable(c cqe, name Socket, s *socket, e *Event) bool {
	s.state &^= stateBlocked
	if c.res < 0 {
		d.last(name, s, KindWritable, syscall.Errno(-c.res), e)
		return true
	}
	*e = Event{Kind: KindWritable, Token: s.token, Socket: name, Err: hungUp(uint32(c.res))}
	d.settle(name, s, KindWritable)
	return true
}

// last fills in the last event of a request and notes that it was delivered. No
// errno is the end of the stream for a receive, and success for the rest.
func (d *uring) last(name Socket, s *socket, kind Kind, errno syscall.Errno, e *Event) {
	*e = Event{Kind: kind, Token: s.token, Socket: name}
	switch {
	case errno == unix.ECANCELED:
		e.Err = ErrCanceled
	case errno != 0:
		e.Err = errno
	case kind == KindRecv:
		e.Err = io.EOF
	}
	d.settle(name, s, kind)
}
