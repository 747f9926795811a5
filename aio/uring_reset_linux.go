package aio

import (
	"time"

	"golang.org/x/sys/unix"
)

// A receive that yields many completions reads until no more bytes are
// there, then sleeps until the socket wakes it. A reset is no bytes: if
// it is there already when the last of them are read, kernels (6.18 is one) go to
// sleep on it, and nothing else will happen on that socket to wake them. That is
// so when bytes and reset have come before the receive was handed over, and, in
// older kernels, when one wake-up stands for both.
//
// So a socket whose receive went back to sleep after bytes is probed for a reset.
// Many are probed by one poll(2), when there is time for it: what is found hung up
// has its receive handed over anew, which finds the end at once. A reset that comes
// later wakes the receive as it should.
//
// A socket that has received again when its probe is due is busy, or was a moment
// ago: its probe waits for the next round. To probe the sockets of an echo server each
// time costs a twelfth of an echo.
const (
	// probeDelay is how long probes wait, the oldest of them, if nothing at all comes
	// meanwhile, and how long the driver sleeps at most while there are some.
	probeDelay = 100 * time.Millisecond

	// probeDelayMax is how long they wait while there is always something to do. A
	// reset is noticed this much late then, and a round later on a socket that was
	// busy until it came.
	probeDelayMax = time.Second

	// probesMax is how many sockets are probed in one go.
	probesMax = 1024
)

// resetProbes are the sockets that may have lost a reset.
type resetProbes struct {
	queue queue[Socket]
	round int           // of queue, so many are still to be probed in this round
	since time.Duration // when the oldest of them was queued, or the last round ended
	names []Socket      // of the sockets in polls
	polls []unix.PollFd
}

// queueProbe notes that a receive went back to sleep after bytes.
func (d *uring) queueProbe(name Socket, s *socket) {
	if s.state&stateProbe != 0 {
		s.state |= stateBusy
		return
	}
	s.state |= stateProbe
	if d.resets.queue.count == 0 {
		d.resets.since = d.Now()
	}
	d.resets.queue.push(name)
}

// limit shortens a sleep as long as there are probes to make.
func (p *resetProbes) limit(timeout time.Duration) time.Duration {
	switch {
	case p.round > 0:
		return 0
	case p.queue.count > 0 && (timeout < 0 || timeout > probeDelay):
		return probeDelay
	}
	return timeout
}

// due reports whether probes that may wait for delay are to be made now.
func (p *resetProbes) due(now, delay time.Duration) bool {
	return p.round > 0 || p.queue.count > 0 && now-p.since >= delay
}

// probeResets makes some of the probes.
func (d *uring) probeResets() {
	p := &d.resets
	if p.round == 0 {
		p.round = p.queue.count
	}
	batch := min(p.round, probesMax)
	if p.round -= batch; p.round == 0 {
		p.since = d.Now()
	}
	p.names, p.polls = p.names[:0], p.polls[:0]
	for range batch {
		name := p.queue.pop()
		s := d.sockets.get(name)
		if s == nil {
			continue
		}
		if s.state&stateBusy != 0 {
			s.state &^= stateBusy
			p.queue.push(name)
			continue
		}
		s.state &^= stateProbe
		if s.state&stateArmed != 0 && s.state&stateStopped == 0 {
			p.names = append(p.names, name)
			p.polls = append(p.polls, unix.PollFd{Fd: s.fd, Events: unix.POLLRDHUP})
		}
	}
	if len(p.polls) == 0 {
		return
	}
	// An error leaves the answers empty. It can only be a lack of memory; the
	// next bytes queue the probes again.
	_, _ = unix.Poll(p.polls, 0)
	for i, answer := range p.polls {
		if answer.Revents != 0 {
			// The canceled receive is handed over again: nobody asked for
			// its end.
			d.cancel(p.names[i], tagCancelRecv)
		}
	}
}
