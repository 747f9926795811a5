package aiosim

import (
	"net/netip"
	"time"

	"sarang/aio"
)

// Stall lets nothing reach the far end of s for the given time, counted from now:
// neither what is on the way nor what is sent later, nor how the stream ends. The
// other direction goes on. ErrBadSocket if s is not an open connection of d.
func (d *Driver) Stall(s aio.Socket, duration time.Duration) error {
	return d.harm(s, "stall", func(w *World, _ uint32, e *end) {
		w.stats.Stalls++
		if e.peer != 0 {
			w.hold(w.ends.at(e.peer), w.now+duration)
		}
	})
}

// Reset lets the network reset the connection of s: both ends learn of it, one
// way later, and bytes on the way are lost from some byte on.
func (d *Driver) Reset(s aio.Socket) error {
	return d.harm(s, "reset", func(w *World, i uint32, e *end) {
		w.stats.NetworkResets++
		if e.peer != 0 {
			w.sendReset(e.peer, w.ends.at(e.peer))
		}
		w.sendReset(i, e)
	})
}

// ResetAfter lets the network reset the connection of s in the middle of what comes:
// of the bytes that have not arrived at s yet, exactly so many do, and no more. Both
// ends learn of it. A negative number takes that back.
func (d *Driver) ResetAfter(s aio.Socket, bytes int) error {
	return d.harm(s, "reset within what comes", func(w *World, i uint32, _ *end) {
		if bytes < 0 {
			delete(w.fuses, i)
			return
		}
		if w.fuses == nil {
			w.fuses = map[uint32]int{}
		}
		w.fuses[i] = bytes
	})
}

// Sip makes the owner of s a slow reader: a Wait lends at most bytesMax bytes of it, in
// one event. 0 ends that.
func (d *Driver) Sip(s aio.Socket, bytesMax int) error {
	return d.harm(s, "read slowly", func(w *World, i uint32, _ *end) {
		if bytesMax <= 0 {
			delete(d.sips, i)
			return
		}
		if d.sips == nil {
			d.sips = map[uint32]sip{}
		}
		w.stats.Sips++
		d.sips[i] = sip{bytesMax: bytesMax}
	})
}

// sip is how slowly an end is read.
type sip struct {
	bytesMax int
	wait     uint64 // the last Wait that lent some
}

// Vanish makes the connection of s go silent for ever, in both directions: no
// byte, no end of the stream and no reset gets through, as when a machine loses
// its power. Either end can be closed; the other never learns of it.
func (d *Driver) Vanish(s aio.Socket) error {
	return d.harm(s, "vanish", func(w *World, _ uint32, e *end) {
		w.stats.Vanished++
		w.vanish(e)
	})
}

// harm does something to the connection of a socket.
func (d *Driver) harm(name aio.Socket, what string, do func(w *World, i uint32, e *end)) error {
	d.world.mu.Lock()
	defer d.world.mu.Unlock()
	i, s, err := d.connection(name)
	if err != nil {
		return err
	}
	d.noteCall(i, "is harmed: %s", what)
	do(d.world, s.subject, d.world.ends.at(s.subject))
	return nil
}

// StallAll stalls every connection of the world in both directions for the given
// time, as when a switch restarts.
func (w *World) StallAll(duration time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := uint32(1); i < w.ends.used; i++ {
		if e := w.ends.at(i); e.peer != 0 {
			w.stats.Stalls++
			w.hold(e, w.now+duration)
		}
	}
}

func (w *World) vanish(e *end) {
	w.hold(e, never)
	if e.peer != 0 {
		w.hold(w.ends.at(e.peer), never)
	}
}

// farAddress is the address of the other end of e, for whoever accepts it.
func (w *World) farAddress(e *end) netip.AddrPort {
	return netip.AddrPortFrom(w.addresses[e.farAddress], e.farPort)
}
