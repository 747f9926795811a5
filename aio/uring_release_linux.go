package aio

import (
	"time"

	"golang.org/x/sys/unix"

	"sarang/aio/iouring"
)

// releaseGrace bounds how long Release waits for the kernel to end what is in
// flight. It needs microseconds; the bound is for a kernel that fails us.
const releaseGrace = 2 * time.Second

// Release ends all requests, closes all sockets and frees the ring. It waits for
// the kernel to let go of each request: a socket is closed only when the last one
// has, and a listening port must be free when Release returns.
func (d *uring) Release() error {
	end := d.Now() + releaseGrace
	d.discardCompletions()
	for d.inFlight > 0 && d.broken == nil && d.Now() < end {
		e := d.submission(iouring.OpAsyncCancel, 0, tagCancelAccept, -1)
		e.OpFlags = iouring.CancelAll | iouring.CancelAny
		d.flush()
		d.enter(true, releaseGrace/100)
		d.discardCompletions()
	}
	clean := d.inFlight == 0
	err := d.releaseSockets()
	if e := d.ring.Close(); err == nil {
		err = e
	}
	if clean {
		d.buffers.Close()
		d.controls.close()
	}
	return err
}

// discardCompletions takes all there is and closes connections that nobody gets.
func (d *uring) discardCompletions() {
	for d.ring.Ready() > 0 {
		c := d.ring.Take()
		if !c.More() {
			d.inFlight--
		}
		if _, t := splitUserData(c.UserData); t == tagAccept && c.Res >= 0 {
			unix.Close(int(c.Res))
		}
	}
}
