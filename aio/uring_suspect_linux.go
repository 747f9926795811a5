package aio

import (
	"time"

	"golang.org/x/sys/unix"
)

// A receive that yields many completions reads until the socket says that no more
// bytes are there, then sleeps until the socket wakes it. A reset is no bytes: if
// it is there already when the last of them are read, kernels (6.18 is one) go to
// sleep on it, and nothing else will happen on that socket to wake them. That is
// so when bytes and reset have come before the receive was handed over, and, in
// older kernels, when one wake-up stands for both.
//
// So a socket whose receive went back to sleep after bytes is a suspect. Suspects
// are looked at together, with one system call for many, when there is time for it:
// what is found hung up has its receive handed over anew, which finds the end at
// once. A reset that comes later wakes the receive as it should.
//
// A suspect that has received again when its turn comes is alive, or was a moment
// ago: it waits for the next round. To look at the sockets of an echo server each
// time costs a twelfth of an echo.
const (
	// suspectsDelay is how long suspects wait, the oldest of them, if nothing at
	// all comes meanwhile, and how long the driver sleeps at most while there are
	// some.
	suspectsDelay = 100 * time.Millisecond

	// suspectsDelayMax is how long they wait while there is always something to
	// do. A reset is noticed this much late then, and a round later on a socket
	// that was busy until it came.
	suspectsDelayMax = time.Second

	// suspectsBatch is how many are looked at in one go.
	suspectsBatch = 1024
)

// suspects are the sockets to look at.
type suspects struct {
	names queue[Socket]
	round int           // of names, so many are still to be looked at in this round
	since time.Duration // when the oldest of them was put there, or the last round ended
	asked []Socket
	polls []unix.PollFd
}

// suspect notes that a receive went back to sleep after bytes.
func (d *uring) suspect(name Socket, s *socket) {
	if s.state&stateSuspect != 0 {
		s.state |= stateAlive
		return
	}
	s.state |= stateSuspect
	if d.suspects.names.count == 0 {
		d.suspects.since = d.Now()
	}
	d.suspects.names.push(name)
}

// patience shortens a sleep as long as there are suspects.
func (u *suspects) patience(timeout time.Duration) time.Duration {
	switch {
	case u.round > 0:
		return 0
	case u.names.count > 0 && (timeout < 0 || timeout > suspectsDelay):
		return suspectsDelay
	}
	return timeout
}

// due tells whether it is time to look at some suspects, after such a delay.
func (u *suspects) due(now, delay time.Duration) bool {
	return u.round > 0 || u.names.count > 0 && now-u.since >= delay
}

// inspect looks at suspects and clears those that are well.
func (d *uring) inspect() {
	u := &d.suspects
	if u.round == 0 {
		u.round = u.names.count
	}
	batch := min(u.round, suspectsBatch)
	if u.round -= batch; u.round == 0 {
		u.since = d.Now()
	}
	u.asked, u.polls = u.asked[:0], u.polls[:0]
	for range batch {
		name := u.names.pop()
		s := d.sockets.get(name)
		if s == nil {
			continue
		}
		if s.state&stateAlive != 0 {
			s.state &^= stateAlive
			u.names.push(name)
			continue
		}
		s.state &^= stateSuspect
		if s.state&stateArmed != 0 && s.state&stateStopped == 0 {
			u.asked = append(u.asked, name)
			u.polls = append(u.polls, unix.PollFd{Fd: s.fd, Events: unix.POLLRDHUP})
		}
	}
	if len(u.polls) == 0 {
		return
	}
	// An error leaves the answers empty. It can only be a lack of memory; the
	// next bytes make the sockets suspects again.
	_, _ = unix.Poll(u.polls, 0)
	for i, p := range u.polls {
		if p.Revents != 0 {
			// The canceled receive is handed over again: nobody asked for
			// its end.
			d.cancel(u.asked[i], tagCancelRecv)
		}
	}
}
