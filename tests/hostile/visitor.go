package main

import (
	"fmt"
	"net/netip"
	"time"

	"sarang/packet"
	pb "sarang/proto/sarang/v1"
)

// visitEvery is how often somebody new comes.
const visitEvery = 250 * time.Millisecond

// visitor is a well-behaved client that has just come: it logs in, reads a little of a
// room's history and goes. What it finds reports whether a server under attack lets people
// in, and serves them.
type visitor struct {
	crowd *crowd
	phase *phase
	since time.Time
	in    []byte
	login []byte
	asked bool // it is in, and has asked for history
}

// historyWanted is how much of it.
const historyWanted = 5

// visits sends visitors for as long as the crowd is measured.
func (w *crowd) visits() {
	if w.quiet {
		return
	}
	if w.phase != nil {
		v := &visitor{crowd: w, phase: w.phase, since: time.Now(), login: login("visitor", visitorToken())}
		if w.visitors++; w.visitors%2 == 0 {
			v.login = login(fmt.Sprint("newcomer-", w.visitors), nil)
		}
		w.phase.newcomer.Tried++
		from := netip.AddrFrom4([4]byte{127, 0, 1, 200})
		if c, err := w.r.dial(from, w.to, socketOptions{}, v); err == nil {
			w.r.after(latencyMax, func() { c.close(true) })
		}
	}
	w.r.after(visitEvery, w.visits)
}

// visitorToken is the visitors' own: half of them are the same guest, the others new.
func visitorToken() []byte { return []byte("a token of hostile's own") }

func (v *visitor) opened(c *conn)     { c.say(v.login) }
func (v *visitor) drained(*conn)      {}
func (v *visitor) ended(*conn, error) {}

func (v *visitor) heard(c *conn, b []byte) {
	v.in = append(v.in, b...)
	p, n, err := packet.Split(v.in)
	if n == 0 && err == nil {
		return
	}
	took := func() float64 { return float64(time.Since(v.since).Microseconds()) / 1000 }
	news := &v.phase.newcomer
	switch {
	case err != nil:
	case p.ID == pb.SLogin && !v.asked:
		news.In++
		news.WorstM = max(news.WorstM, took())
		v.asked, v.since, v.in = true, time.Now(), nil
		c.say(encode(pb.CHistory, &pb.History{Room: v.crowd.rooms[0].id, Before: 1 << 60, ItemsMax: historyWanted}))
		return
	case p.ID == pb.SHistory && v.asked:
		news.Read++
		news.WorstReadM = max(news.WorstReadM, took())
	}
	c.close(false)
}
