package simulate

import (
	"fmt"
	"net/netip"
	"time"

	"sarang/aio"
	"sarang/chat"
	sdk "sarang/client/session"
	sarangv1 "sarang/proto/sarang/v1"
)

// probeLimits does, when nothing else moves, what limits are there for. Whether the
// server is right in what it refuses is the watch's to say.
func (r *run) probeLimits() {
	l := &r.plan.limits
	if !l.any {
		return
	}
	r.probeFlood()
	r.probeCrowd()
	r.probeGuess()
	r.probeInFlight()
	r.probeLoad()
	r.probeQueue()
}

// settledAgain waits until all is as before.
func (r *run) settledAgain() {
	r.resting = true
	r.until("all are back", 300*time.Millisecond, r.unsettled)
	r.rest()
}

// probeFlood has a client say and ask more at once than it may, and one that is trusted.
func (r *run) probeFlood() {
	l := &r.plan.limits
	var flooded [2]bool
	for _, a := range r.actors {
		kind := 0
		if l.trusts(l.homes[a.id].Addr()) {
			kind = 1
		}
		if flooded[kind] || len(a.seats) == 0 {
			continue
		}
		flooded[kind] = true
		a.note("floods")
		for range int(l.messages().burst) + 3 {
			a.say(a.seats[0], a.text(30))
		}
		for range min(int(l.requests().burst)+3, requestsMost) {
			a.link.list(0, false)
		}
	}
	r.settledAgain()
}

// requestsMost is how many requests may be without an answer: the client's own bound.
const requestsMost = sdk.RequestsMax - 1

// probeCrowd has strangers come from one address, one more than it may have at once, and
// from others, twice: when the first have gone, the next are as welcome.
func (r *run) probeCrowd() {
	l := &r.plan.limits
	if !l.addressesBound() {
		return
	}
	n := 1
	if most := l.rates.AddressConnectionsMax; most > 0 && most < 8 {
		n = most + 1
	}
	for range 2 {
		for range n {
			r.ghosts.appearFrom(l.foreign[0])
		}
		for _, from := range l.foreign[1:] {
			r.ghosts.appearFrom(from)
		}
		r.letPass(20 * time.Millisecond)
		r.resting = true
		r.until("the strangers have been sent away", 0, func() string {
			if n := r.server.svc.Sessions() - len(r.actors); n > 0 {
				return fmt.Sprintf("%d are there", n)
			}
			return ""
		})
		r.settledAgain()
	}
}

// probeGone has strangers come from where all clients were, when these have gone: as many
// as may be there at once.
func (r *run) probeGone() {
	l := &r.plan.limits
	if !l.addressesBound() {
		return
	}
	r.rest()
	came := map[netip.Prefix]bool{}
	for _, home := range l.homes {
		if p := placeOf(home.Addr()); !came[p] && len(came) < 3 {
			came[p] = true
			for range max(min(l.rates.AddressConnectionsMax, 6), 1) {
				r.ghosts.appearFrom(home)
			}
		}
	}
	r.letPass(30 * time.Millisecond)
}

// probeGuess has a stranger try for a name that belongs to somebody, until it is sent
// away for that.
func (r *run) probeGuess() {
	most := r.plan.limits.rates.LoginsFailedMax
	if most == 0 {
		return
	}
	g := r.ghosts.guesses(r.actors[0].state.Name())
	r.until("who guesses is answered", 0, func() string {
		if g.over {
			return ""
		}
		return "it has had no answer"
	})
	if g.failed > most {
		r.fail("a stranger has tried %d names; %d it may", g.failed, most)
	}
	r.settledAgain()
}

// probeInFlight has a client ask more of the store at once than it may.
func (r *run) probeInFlight() {
	l := &r.plan.limits
	asker, _ := r.shares()
	if asker == nil || r.durable(asker) == nil || l.rates.RequestsPerSecond > 0 || l.storeQueueMax > 0 {
		return
	}
	r.tasksStalled = true
	for range requestsInFlightMax + 2 {
		asker.link.askHistory(sdk.History{Room: r.durable(asker).room, ItemsMax: 1}, false)
	}
	r.letPass(60 * time.Millisecond)
	if n := len(asker.link.asked); n != requestsInFlightMax {
		r.fail("%s has %d requests at the store; it may have %d", asker.name, n, requestsInFlightMax)
	}
	r.tasksStalled = false
	r.settledAgain()
}

// guess is a stranger that tries for a name.
type guess struct {
	name   string
	in     framer
	failed int
	code   chat.Code // of the last answer
	again  time.Duration
	there  bool // it is connected
	over   bool // it was sent away, or its connection was closed for another reason
}

// guesses sends one.
func (g *ghosts) guesses(name string) *guess {
	_, x := g.comes(name)
	x.again = g.run.world.Now()
	return x
}

// comes brings a stranger who will log in, and not at once.
func (g *ghosts) comes(name string) (aio.Socket, *guess) {
	s := g.appearFrom(g.run.plan.limits.foreign[1])
	x := &guess{name: name, again: never}
	g.guess[s] = x
	return s, x
}

// says what a guess has to say.
func (g *ghosts) says(s aio.Socket, x *guess) {
	m := &sarangv1.Login{VersionMin: sarangv1.Version, VersionMax: sarangv1.Version, Name: x.name}
	body, err := m.MarshalVT()
	if err != nil {
		g.run.fail("a login can not be encoded: %v", err)
	}
	x.again = never
	_ = g.driver.Send(s, [][]byte{packetOf(sarangv1.CLogin, body)}) // else the connection is over, which an event tells
}

// hears what a guess is told.
func (g *ghosts) hears(s aio.Socket, x *guess, b []byte) {
	x.in.feed(b, func(int) bool { return true }, func(f frame) {
		switch f.id {
		case sarangv1.SError:
			var m sarangv1.Error
			if m.UnmarshalVT(f.payload) != nil {
				return
			}
			if x.code = chat.Code(m.Code); x.code == chat.CodeNameTaken {
				x.failed++
			}
			x.again = g.run.world.Now() + time.Duration(m.RetryAfterMs)*time.Millisecond
		case sarangv1.SGoodbye:
			x.over = true
		case sarangv1.SLogin:
			if x.name == g.run.actors[0].state.Name() {
				g.run.fail("a stranger who guesses is let in as %s", x.name)
			}
			x.over = true
		}
	})
}
