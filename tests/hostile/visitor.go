package main

import (
	"net/netip"
	"time"

	"sarang/packet"
	pb "sarang/proto/sarang/v1"
)

// visitEvery is how often somebody new comes.
const visitEvery = 250 * time.Millisecond

// visitor is a well-behaved client that has just come: it logs in and goes. What it
// finds reports whether a server under attack lets people in.
type visitor struct {
	crowd *crowd
	phase *phase
	since time.Time
	in    []byte
	done  bool
}

// visits sends visitors for as long as the crowd is measured.
func (w *crowd) visits() {
	if w.quiet {
		return
	}
	if w.phase != nil {
		v := &visitor{crowd: w, phase: w.phase, since: time.Now()}
		w.phase.newcomer.Tried++
		from := netip.AddrFrom4([4]byte{127, 0, 1, 200})
		if c, err := w.r.dial(from, w.to, socketOptions{}, v); err == nil {
			w.r.after(latencyMax, func() { c.close(true) })
		}
	}
	w.r.after(visitEvery, w.visits)
}

// visitorToken is the visitors' own: they are all the same guest.
func visitorToken() []byte { return []byte("a token of hostile's own") }

func (v *visitor) opened(c *conn)     { c.say(login("visitor", visitorToken())) }
func (v *visitor) drained(*conn)      {}
func (v *visitor) ended(*conn, error) {}

func (v *visitor) heard(c *conn, b []byte) {
	v.in = append(v.in, b...)
	p, n, err := packet.Split(v.in)
	if n == 0 && err == nil {
		return
	}
	if err == nil && p.ID == pb.SLogin && !v.done {
		v.done = true
		v.phase.newcomer.In++
		v.phase.newcomer.WorstM = max(v.phase.newcomer.WorstM, float64(time.Since(v.since).Microseconds())/1000)
	}
	c.close(false)
}
