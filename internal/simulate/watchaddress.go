package simulate

import (
	"net/netip"
	"time"

	"sarang/chat"
	sarangv1 "sarang/proto/sarang/v1"
)

// homePlace is what is known of an address.
type homePlace struct {
	connections int
	connects    bucket
	logins      bucket // that were certainly counted
	loginsMost  bucket // and those that may have been
}

// retryAtOnce is how much later than necessary somebody may be told to come back: it is
// told in whole milliseconds.
const retryAtOnce = 2 * time.Millisecond

// laterMost is what is added for some, so that not all come back at once.
const laterMost = time.Second

// placeOf is an address of IPv4, or a /64.
func placeOf(a netip.Addr) netip.Prefix {
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits) // an address of a connection has so many bits
	return p
}

func (w *watch) place(a netip.Addr) *homePlace {
	k := placeOf(a)
	p := w.places[k]
	if p == nil {
		p = &homePlace{}
		w.places[k] = p
	}
	return p
}

// forget forgets who has nothing that needs to be known, as the server may.
func (w *watch) forget(now time.Duration) {
	for k, p := range w.places {
		if p.connections == 0 && p.connects.rested(w.limits.connects(), now) &&
			p.loginsMost.rested(w.limits.logins(), now) {
			delete(w.places, k)
		}
	}
}

// busyPlaces is how many addresses the server can not have forgotten: a login that it may
// not have seen is no reason to remember somebody.
func (w *watch) busyPlaces(now time.Duration) int {
	n := 0
	for _, p := range w.places {
		if p.connections > 0 || !p.connects.rested(w.limits.connects(), now) || !p.logins.rested(w.limits.logins(), now) {
			n++
		}
	}
	return n
}

// enter judges what became of a new connection.
func (w *watch) enter(h *happening) {
	x, now := h.comes, h.at
	peer := x.conn.Peer.Addr().Unmap()
	switch {
	case w.ending:
		return
	case x.closed:
		w.run.counts.Limits.Silent++
		w.keptOut(x, peer, now, nil)
		return
	case x.to != nil && x.goodbye != nil:
		x.to.refused = true
		w.told++
		w.run.counts.Limits.Told++
		w.keptOut(x, peer, now, x.goodbye)
		return
	}
	w.run.counts.Limits.LetIn++
	if !w.counted(peer) {
		return
	}
	r := &w.limits.rates
	w.forget(now)
	if busy := w.busyPlaces(now); w.places[placeOf(peer)] == nil && busy >= r.AddressesMax {
		w.fail("%v is let in, though %d addresses are busy; %d may be", peer, busy, r.AddressesMax)
	}
	p := w.place(peer)
	if most := r.AddressConnectionsMax; most > 0 && p.connections >= most {
		w.fail("%v is let in, and has %d connections; %d it may have", peer, p.connections, most)
	}
	if p.connects.has(w.limits.connects(), now) == no {
		w.fail("%v is let in, though it connects too fast", peer)
	}
	p.connects.take(w.limits.connects(), now, 1)
	p.connections++
}

// counted reports whether the limits of addresses hold for one.
func (w *watch) counted(peer netip.Addr) bool {
	return w.limits.addressesBound() && !w.limits.trusts(peer)
}

// keptOut judges a refusal: told is what was said, nil if nothing was.
func (w *watch) keptOut(x *coming, peer netip.Addr, now time.Duration, told *sarangv1.Goodbye) {
	w.hushed(peer, now, told != nil)
	var full, many, fast bool
	var wait time.Duration
	if w.counted(peer) {
		before := w.places[placeOf(peer)] // that all has come back may be too close to say
		w.forget(now)
		p, r := w.places[placeOf(peer)], w.limits.connects()
		full = p == nil && len(w.places) >= w.limits.rates.AddressesMax
		many = p != nil && w.limits.rates.AddressConnectionsMax > 0 && p.connections >= w.limits.rates.AddressConnectionsMax
		if before != nil && before.connects.has(r, now) != yes {
			fast = true
			wait = r.wait(before.connects.left(r, now), 1)
		}
	}
	load := w.limits.loaded()
	switch {
	case told == nil:
		if !full && !many && !fast && !load {
			w.fail("%v is turned away, and is within its limits", peer)
		}
		return
	case chat.Code(told.Code) == chat.CodeTooMany && many:
		wait = time.Second
	case chat.Code(told.Code) == chat.CodeTooFast && fast && !many:
	case chat.Code(told.Code) == chat.CodeUnavailable && (full || load):
		wait = time.Second
	default:
		w.fail("%v is turned away with code %d; many %t, fast %t, full %t", peer, told.Code, many, fast, full)
	}
	w.retryWithin("a connection of "+peer.String(), told.RetryAfterMs, wait, wait+retryAfterMax)
}

// hushed judges whether somebody who is turned away is told why.
func (w *watch) hushed(peer netip.Addr, now time.Duration, told bool) {
	r := w.limits.farewells()
	most := w.limits.farewellsMax
	if most == 0 {
		most = farewellsMaxDefault
	}
	may, must := w.farewell.has(r, now), w.farewellMost.has(r, now)
	switch {
	case told && may == no:
		w.fail("%v is told why it is turned away, though too many are told", peer)
	case told && w.told > most:
		w.fail("%d are told at once why they are turned away; %d may be", w.told, most)
	case !told && must == yes && w.told < most:
		w.fail("%v is turned away without a word, though it could have been told", peer)
	}
	// What was too close to say may have used a unit, and may not.
	if told || must == yes {
		w.farewell.take(r, now, 1)
	}
	if told || may != no {
		w.farewellMost.take(r, now, 1)
	}
}

// farewellsMaxDefault is how many are told at once.
const farewellsMaxDefault = 32

// retryWithin checks when somebody is told to come back.
func (w *watch) retryWithin(what string, ms uint32, least, most time.Duration) {
	// The least is rounded to the millisecond, as grain may be.
	if told := time.Duration(ms) * time.Millisecond; ms == 0 || told < least-retryAtOnce/20 || told > most+retryAtOnce {
		w.fail("%s is to try again after %v; right is %v to %v", what, told, least, most)
	}
}

// leave takes back what enter has counted.
func (w *watch) leave(x *watched) {
	if x.refused {
		w.told--
		return
	}
	if !w.counted(x.peer) || w.ending {
		return
	}
	if p := w.places[placeOf(x.peer)]; p != nil {
		p.connections--
	}
}

// login judges what became of a login.
func (w *watch) login(h *happening) {
	x, r, now := h.who, w.limits.logins(), h.at
	code := chat.Code(h.fate.GetCode())
	if code == chat.CodeTooFast {
		w.run.counts.Limits.LoginsTooFast++
	}
	if !w.counted(x.peer) || r.perSecond == 0 {
		if code == chat.CodeTooFast {
			w.fail("a login of %v is refused as too fast, and there is no such limit for it", x.peer)
		}
		return
	}
	p := w.place(x.peer)
	if w.run.recorded() {
		w.run.note("watch: %v logs in, code %d, %.3f were left", x.peer, code, p.logins.left(r, now))
	}
	switch {
	case code == chat.CodeTooFast:
		if p.loginsMost.has(r, now) == yes {
			w.fail("a login of %v is too fast, though %.3f more may come", x.peer, p.loginsMost.left(r, now))
		}
		w.retryWithin("a login of "+x.peer.String(), h.fate.RetryAfterMs,
			r.wait(p.logins.left(r, now), 1), r.wait(p.loginsMost.left(r, now), 1)+laterMost)
	case code == chat.CodeDraining:
	case code == chat.CodeUnavailable || h.fate == nil && (!h.sure || x.tapped.closing):
		p.loginsMost.take(r, now, 1)
	default:
		if p.logins.has(r, now) == no {
			w.fail("a login of %v is taken, though there were too many", x.peer)
		}
		p.logins.take(r, now, 1)
		p.loginsMost.take(r, now, 1)
	}
}
