package aiosim

import (
	"io"
	"syscall"
	"time"

	"sarang/aio"
)

// Wait implements aio.Driver. With timeout 0 it collects what there is at the
// world's present time. Otherwise it moves the world's clock, from one thing due
// to the next, until this driver has an event, the timeout has passed in
// simulated time, or Wake has been called. Without end and with nothing scheduled
// it returns ErrDeadlock, unless the world allows to be woken from elsewhere.
func (d *Driver) Wait(events []aio.Event, timeout time.Duration) (int, error) {
	w := d.world
	w.mu.Lock()
	defer w.mu.Unlock()
	d.takeBack()
	end := never
	if timeout >= 0 && timeout < never-w.now {
		end = w.now + timeout
	}
	w.runDue()
	for {
		n := d.collect(events)
		if n > 0 || timeout == 0 {
			d.woken = false
			return n, nil
		}
		next := w.timeline.next()
		if d.woken {
			d.woken = false
			if w.config.AllowExternalWake && next <= end && next != never {
				// Time goes on under constant waking too.
				w.advance(next)
				n = d.collect(events)
			}
			return n, nil
		}
		switch {
		case next <= end && next != never:
			w.advance(next)
		case end != never:
			w.advance(end)
			return d.collect(events), nil
		case !w.config.AllowExternalWake:
			return 0, ErrDeadlock
		default:
			w.waiting++
			w.changed.Wait()
			w.waiting--
		}
	}
}

// takeBack ends the loan of receive buffers. They are scribbled over, so an owner
// that keeps lent bytes is found out.
func (d *Driver) takeBack() {
	d.waits++
	for _, p := range d.lent {
		copy(p, d.rubbish)
		d.buffers = append(d.buffers, p[:cap(p)])
	}
	clear(d.lent)
	d.lent = d.lent[:0]
}

// What one poll of a slot came to.
type found uint8

const (
	foundNothing found = iota // poll again when something happens
	foundEvent                // poll again, there may be more
	foundLater                // there is something for the next Wait
)

// collect fills events from ready slots. It picks them by chance: no order
// between sockets is promised, so none is kept.
func (d *Driver) collect(events []aio.Event) int {
	w := d.world
	limit := min(len(events), d.config.EventsMax)
	n := 0
	for n < limit && len(d.ready) > 0 {
		at := 0
		if len(d.ready) > 1 {
			at = w.rng.IntN(len(d.ready))
		}
		i := d.ready[at]
		result := d.poll(i, &events[n])
		if result == foundEvent {
			n++
			continue
		}
		last := len(d.ready) - 1
		d.ready[at] = d.ready[last]
		d.ready = d.ready[:last]
		if result == foundLater {
			d.parked = append(d.parked, i)
		} else {
			d.slots.at(i).flags &^= slotReady
		}
	}
	d.ready = append(d.ready, d.parked...)
	d.parked = d.parked[:0]
	return n
}

// poll writes the next event of slot i, if it has one.
func (d *Driver) poll(i uint32, out *aio.Event) found {
	s := d.slots.at(i)
	if !s.is(slotOpen) {
		return foundNothing
	}
	*out = aio.Event{Token: s.token, Socket: d.name(i, s)}
	var result found
	if s.is(slotListener) {
		result = d.pollListener(s, out)
	} else {
		result = d.pollConnection(s, out)
	}
	if result == foundNothing && s.is(slotClosing) && !s.is(slotAbortHeld|slotInFlight) {
		out.Kind = aio.KindDisconnect
		d.freeSlot(i, s)
		result = foundEvent
	}
	if result == foundEvent && d.world.recorded() {
		d.noteEvent(i, out)
	}
	return result
}

func (d *Driver) pollListener(s *slot, out *aio.Event) found {
	w := d.world
	l := *d.listeners.at(s.subject)
	if !s.is(slotAccept) || s.is(slotAbortHeld) {
		return foundNothing
	}
	out.Kind = aio.KindAccept
	if s.is(slotClosing) {
		s.flags &^= slotAccept
		out.Err = aio.ErrCanceled
		return foundEvent
	}
	if len(l.queue) == 0 {
		return foundNothing
	}
	i := l.queue[0]
	e := w.ends.at(i)
	if !e.is(endAcceptTried) {
		e.flags |= endAcceptTried
		if w.chance(w.faults.AcceptError) {
			w.stats.AcceptErrors++
			s.flags &^= slotAccept
			out.Err = sysError("accept", syscall.ECONNABORTED)
			return foundEvent
		}
	}
	l.queue = l.queue[1:]
	w.stats.Accepted++
	out.More = true
	out.Conn = aio.Conn{Handle: uintptr(i), Peer: w.farAddress(e), Local: w.endAddress(e)}
	if w.chance(w.faults.Vanish) {
		w.stats.Vanished++
		w.vanish(e)
	}
	return foundEvent
}

func (d *Driver) pollConnection(s *slot, out *aio.Event) found {
	e := d.world.ends.at(s.subject)
	if s.is(slotConnect) {
		return d.pollConnect(s, e, out)
	}
	// Which of two ready requests comes first is nobody's promise.
	if s.is(slotSend) && (!s.is(slotRecv) || d.world.rng.IntN(2) == 0) {
		if result := d.pollSend(s, e, out); result != foundNothing {
			return result
		}
		return d.pollRecv(s, e, out)
	}
	if result := d.pollRecv(s, e, out); result != foundNothing {
		if result == foundLater && s.is(slotSend) && d.pollSend(s, e, out) == foundEvent {
			return foundEvent
		}
		return result
	}
	return d.pollSend(s, e, out)
}

func (d *Driver) pollConnect(s *slot, e *end, out *aio.Event) found {
	if e.is(endConnecting) && (!s.is(slotClosing) || s.is(slotAbortHeld)) {
		return foundNothing
	}
	s.flags &^= slotConnect
	out.Kind = aio.KindConnect
	switch {
	case e.is(endConnecting):
		out.Err = aio.ErrCanceled
	case e.is(endRefused):
		out.Err = sysError("connect", syscall.ECONNREFUSED)
	}
	return foundEvent
}

// pollRecv lends arrived bytes, or ends receiving.
func (d *Driver) pollRecv(s *slot, e *end, out *aio.Event) found {
	if !s.is(slotRecv) {
		return foundNothing
	}
	w := d.world
	out.Kind = aio.KindRecv
	stopped := s.is(slotClosing|slotRecvStop) && !s.is(slotAbortHeld)
	if e.in != nil && e.in.arrived > 0 && !(stopped && w.rng.IntN(2) == 0) {
		return d.lend(s.subject, e, out)
	}
	switch {
	case stopped:
		out.Err = aio.ErrCanceled
	case e.in != nil && e.in.arrived > 0:
		return foundNothing
	case e.is(endReset):
		out.Err = sysError("recv", syscall.ECONNRESET)
	case e.is(endFinArrived):
		out.Err = io.EOF
	case e.is(endRefused):
		out.Err = sysError("recv", syscall.ENOTCONN)
	default:
		return foundNothing
	}
	s.flags &^= slotRecv | slotRecvStop
	return foundEvent
}

// lend copies arrived bytes into a receive buffer, if one is free.
func (d *Driver) lend(i uint32, e *end, out *aio.Event) found {
	w := d.world
	slow, isSlow := d.sips[i]
	if len(d.lent) == d.config.RecvBuffers || isSlow && slow.wait == d.waits {
		return foundLater
	}
	var p []byte
	if last := len(d.buffers) - 1; last >= 0 {
		p, d.buffers = d.buffers[last], d.buffers[:last]
	} else {
		p = make([]byte, d.config.RecvBufferBytes)
	}
	n := min(len(p), e.in.arrived)
	if n > 1 && w.chance(w.faults.ShortRecv) {
		w.stats.ShortRecvs++
		n = 1 + w.rng.IntN(n-1)
	}
	if isSlow {
		n = min(n, slow.bytesMax)
		slow.wait = d.waits
		d.sips[i] = slow
	}
	n = w.read(e, p[:n])
	d.lent = append(d.lent, p[:n])
	out.Data, out.More = p[:n:n], true
	return foundEvent
}

// pollSend tries a send in flight, or ends one that has met a full socket.
func (d *Driver) pollSend(s *slot, e *end, out *aio.Event) found {
	if !s.is(slotSend) {
		return foundNothing
	}
	if s.is(slotFull) {
		return d.pollFull(s, e, out)
	}
	w := d.world
	out.Kind = aio.KindSend
	closing := s.is(slotClosing) && !s.is(slotAbortHeld)
	switch {
	case closing && w.rng.IntN(2) == 0:
		out.Err = aio.ErrCanceled
	case e.is(endReset):
		out.Err = sysError("send", syscall.ECONNRESET)
	case e.is(endFinSent | endRefused):
		out.Err = sysError("send", syscall.EPIPE)
	default:
		out.N = d.try(s, e)
		if out.N == 0 {
			w.stats.WouldBlocks++
			out.Err, out.More = aio.ErrWouldBlock, true
			s.flags |= slotFull
			d.dropSend(s)
			return foundEvent
		}
	}
	s.flags &^= slotSend
	d.dropSend(s)
	return foundEvent
}

// try puts on the way what the socket has room for, and returns how much; 0 if it
// is full.
func (d *Driver) try(s *slot, e *end) int {
	w := d.world
	v := *d.sends.at(s.send)
	n := min(vectorBytes(v), w.space(e))
	if n > 0 && w.chance(w.faults.SpuriousFull) {
		w.stats.SpuriousFulls++
		w.announceSpace(s.subject, e)
		return 0
	}
	if n <= 0 {
		e.flags |= endFull
		return 0
	}
	if n > 1 && w.chance(w.faults.ShortSend) {
		w.stats.ShortSends++
		n = 1 + w.rng.IntN(n-1)
	}
	w.transmit(s.subject, e, v, n)
	return n
}

// pollFull ends a send that has met a full socket.
func (d *Driver) pollFull(s *slot, e *end, out *aio.Event) found {
	out.Kind = aio.KindWritable
	switch {
	case s.is(slotClosing) && !s.is(slotAbortHeld):
		out.Err = aio.ErrCanceled
	case e.is(endReset):
		out.Err = sysError("send", syscall.ECONNRESET)
	case !s.is(slotSpace):
		return foundNothing
	}
	s.flags &^= slotSend | slotFull | slotSpace
	e.flags &^= endFull
	return foundEvent
}
