package aio

import (
	"io"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"sarang/aio/iouring"
)

// Wait hands over what is queued, then turns completions into events. Completions
// for which there is no room stay in the ring for the next Wait.
func (d *uring) Wait(events []Event, timeout time.Duration) (int, error) {
	d.checkOwner()
	d.freeBuffers += d.buffers.GiveBack()
	if d.resets.due(d.Now(), probeDelayMax) {
		d.probeResets()
	}
	events = events[:min(len(events), d.config.EventsMax)]
	var end time.Duration
	if timeout > 0 {
		end = d.Now() + timeout
	}
	for {
		d.rearm()
		n := d.deliver(events)
		woken := d.collect(n == 0 && len(events) > 0, timeout)
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

// collect enters the kernel if there is any use in it, and sleeps there only if nothing
// can be delivered without. It reports whether the driver was woken.
func (d *uring) collect(maySleep bool, timeout time.Duration) (woken bool) {
	maySleep = maySleep && timeout != 0 && d.rearmQueue.count == 0 && d.starved.count == 0
	if maySleep && d.ring.Queued() > 0 && d.brief() && d.broken == nil {
		// Sends end while they are handed over, most likely, and then there is
		// no sleep that Go's scheduler would have to know of.
		d.queuedBytes = 0
		d.broken = d.ring.EnterRaw()
	}
	queued, ready := d.ring.Queued(), d.ring.Ready()
	sleep := maySleep && ready == 0 && d.waker.sleep()
	// Completions are made only while the kernel is entered. As long as some are
	// left from the last time there is no hurry; they run out soon enough.
	if sleep || queued > 0 || ready == 0 && d.ring.Pending() {
		d.enter(sleep, d.resets.limit(timeout))
	}
	if sleep && d.ring.Ready() == 0 && d.resets.due(d.Now(), probeDelay) {
		d.probeResets()
	}
	return d.waker.awake()
}

// enter hands over what is queued, with wait until there is a completion.
func (d *uring) enter(wait bool, timeout time.Duration) {
	if d.broken == nil {
		d.queuedBytes = 0
		d.broken = d.ring.Enter(wait, timeout)
	}
}

// So many requests, with so many bytes to send, are handed over without telling Go's
// scheduler. They take a fifth of a millisecond, like any piece of Go code. To tell it
// costs more than the system call: its watchdog wakes up, takes the processor away, and
// is woken again when the call returns. More takes so long that others need the processor
// meanwhile.
const (
	briefMax      = 64
	briefBytesMax = 256 << 10
)

// brief reports whether what is queued is little.
func (d *uring) brief() bool {
	return d.ring.Queued() <= briefMax && d.queuedBytes <= briefBytesMax
}

// rearm hands over again what the kernel ended by itself. Receives that found no
// buffer go as far as buffers are surely free, so that a crowd of them does not
// try in vain in every Wait. Those that got none at all go first: the kernel serves
// them in the order of handing over, and one busy peer can use up every buffer.
func (d *uring) rearm() {
	if d.rearmQueue.count == 0 && d.starved.count == 0 {
		d.freeBuffers = 0
		return
	}
	if d.ring.Ready() == 0 {
		// Nothing is lent and nothing waits in the ring: all are free.
		d.freeBuffers = d.config.RecvBuffers
	}
	d.rearmFrom(&d.starved)
	d.rearmFrom(&d.rearmQueue)
}

func (d *uring) rearmFrom(q *queue[Socket]) {
	for range min(q.count, d.freeBuffers) {
		name := q.pop()
		s := d.sockets.get(name)
		switch {
		case s == nil:
			panic("aio: a request to hand over again is on no socket")
		case s.state&stateStopped == 0:
			d.arm(name, s)
			d.freeBuffers--
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
	for ready := d.ring.Ready(); ready > 0 && n < len(events); ready-- {
		if d.complete(d.ring.Take(), &events[n]) {
			n++
		}
	}
	return n
}

// complete notes one completion and reports whether it made an event.
func (d *uring) complete(c iouring.CQE, e *Event) bool {
	if !c.More() {
		d.inFlight--
	}
	name, t := splitUserData(c.UserData)
	if t == tagWake {
		if !c.More() && d.broken == nil {
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

// canceled repeats a cancel that found nothing: a request is out of sight while
// the kernel is at work on it, and then goes on. One that has ended since had its
// own completion before this one.
func (d *uring) canceled(c iouring.CQE, name Socket, s *socket, t tag) {
	if c.Res != -int32(unix.ENOENT) {
		return
	}
	var inFlight bool
	switch t {
	case tagCancelAccept, tagCancelRecv:
		inFlight = s.state&stateArmed != 0 && s.state&stateStopped != 0
	case tagCancelConnect:
		inFlight = s.state&stateConnecting != 0
	case tagCancelWritable:
		inFlight = s.state&stateBlocked != 0
	}
	if inFlight {
		d.cancel(name, t)
	}
}

func (d *uring) accepted(c iouring.CQE, name Socket, s *socket, e *Event) bool {
	ended := !c.More()
	if ended {
		s.state &^= stateArmed
	}
	if c.Res >= 0 {
		*e = Event{
			Kind: KindAccept, More: true, Token: s.token, Socket: name,
			Conn: Conn{Handle: uintptr(c.Res), Peer: peerOf(int(c.Res), s.state&stateV6 != 0, &d.room)},
		}
		if ended {
			d.rearmQueue.push(name)
		}
		return true
	}
	errno := syscall.Errno(-c.Res)
	// Early kernels say "canceled" when a completion does not fit the queue.
	unasked := errno == unix.ECANCELED && s.state&stateStopped == 0
	if unasked || errno == unix.ECONNABORTED || errno == unix.EINTR || errno == unix.EAGAIN {
		d.rearmQueue.push(name)
		return false
	}
	d.last(name, s, KindAccept, errno, e)
	return true
}

func (d *uring) connected(c iouring.CQE, name Socket, s *socket, e *Event) bool {
	d.controls.give(s.op)
	if c.Res == 0 {
		s.state |= stateConnected
	}
	d.last(name, s, KindConnect, syscall.Errno(-c.Res), e)
	return true
}

func (d *uring) received(c iouring.CQE, name Socket, s *socket, e *Event) bool {
	var data []byte
	if c.HasBuffer() {
		data = d.buffers.Lend(c.BufferID(), int(max(c.Res, 0)))
	}
	ended := !c.More()
	if ended {
		s.state &^= stateArmed
	}
	if c.Res > 0 {
		s.state |= stateFed
		*e = Event{Kind: KindRecv, More: true, Token: s.token, Socket: name, Data: data}
		if ended {
			d.rearmQueue.push(name)
		} else if c.Flags&iouring.CQESockNonempty == 0 {
			d.queueProbe(name, s)
		}
		return true
	}
	errno := syscall.Errno(-c.Res)
	mine := errno == unix.ECANCELED && s.state&stateStopped == 0 // see probeResets
	if mine || errno == unix.ENOBUFS || errno == unix.EAGAIN || errno == unix.EINTR {
		switch {
		case !ended:
		case errno == unix.ENOBUFS && s.state&stateFed == 0:
			d.starved.push(name)
		default:
			d.rearmQueue.push(name)
		}
		return false
	}
	d.last(name, s, KindRecv, errno, e)
	return true
}

func (d *uring) sent(c iouring.CQE, name Socket, s *socket, e *Event) bool {
	d.controls.give(s.op)
	*e = Event{Kind: KindSend, Token: s.token, Socket: name}
	errno := syscall.Errno(-c.Res)
	switch {
	case c.Res > 0:
		e.N = int(c.Res)
	case c.Res != 0 && errno != unix.EAGAIN && errno != unix.EINTR:
		e.Err = errno
	case s.state&stateClosing != 0:
		e.Err = ErrCanceled
	default:
		e.Err = ErrWouldBlock
		e.More = true
		s.state |= stateBlocked
		p := d.submission(iouring.OpPollAdd, name, tagWritable, s.fd)
		p.OpFlags = unix.POLLOUT
		return true
	}
	d.settle(name, s, KindSend)
	return true
}

func (d *uring) writable(c iouring.CQE, name Socket, s *socket, e *Event) bool {
	s.state &^= stateBlocked
	if c.Res < 0 {
		d.last(name, s, KindWritable, syscall.Errno(-c.Res), e)
		return true
	}
	*e = Event{Kind: KindWritable, Token: s.token, Socket: name, Err: hungUp(uint32(c.Res))}
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
