package simulate

import (
	"net/netip"
	"slices"
	"time"

	"sarang/aio"
	"sarang/aio/aiosim"
)

// ghosts are strangers that connect and are no clients: they say nothing, or a part of
// a packet, or that they have nothing more to say; they read nothing, and never close.
// The server has to get rid of them by itself.
type ghosts struct {
	run    *run
	driver *aiosim.Driver
	events []aio.Event
	open   []aio.Socket
	guess  map[aio.Socket]*guess // those that try for a name
}

func newGhosts(r *run) *ghosts {
	return &ghosts{run: r, driver: r.world.NewDriver(aio.Config{EventsMax: 64}), events: make([]aio.Event, 64), guess: map[aio.Socket]*guess{}}
}

// appear brings one more.
func (g *ghosts) appear() { g.appearFrom(g.run.stranger()) }

// appearFrom brings one more, from an address.
func (g *ghosts) appearFrom(from netip.AddrPort) aio.Socket {
	s, err := g.driver.Connect(from, aio.SocketOptions{}, 0)
	if err != nil {
		g.run.fail("a stranger can not connect: %v", err)
	}
	g.run.counts.Ghosts++
	g.open = append(g.open, s)
	return s
}

// tick lets those that are connected say what they say.
func (g *ghosts) tick() {
	for _, s := range g.open {
		if x := g.guess[s]; x != nil && x.there && x.again <= g.run.world.Now() && !x.over {
			g.says(s, x)
		}
	}
	n, err := g.driver.Wait(g.events, 0)
	if err != nil {
		g.run.fail("the strangers' driver: %v", err)
	}
	for _, e := range g.events[:n] {
		switch e.Kind {
		case aio.KindConnect:
			g.connected(e)
		case aio.KindRecv:
			g.received(e)
		case aio.KindDisconnect:
			g.open = slices.DeleteFunc(g.open, func(s aio.Socket) bool { return s == e.Socket })
		}
	}
}

// received is for those that listen: who guesses.
func (g *ghosts) received(e aio.Event) {
	x := g.guess[e.Socket]
	if e.More {
		g.hears(e.Socket, x, e.Data)
		return
	}
	x.over = true
	_ = g.driver.Close(e.Socket) // it may be closing already
}

func (g *ghosts) connected(e aio.Event) {
	x := g.guess[e.Socket]
	if e.Err != nil {
		if x != nil {
			x.over = true
		}
		_ = g.driver.Close(e.Socket) // it is open, so this can not fail
		return
	}
	if x != nil {
		_ = g.driver.Recv(e.Socket) // else the connection is over, which an event tells
		x.there = true
		return
	}
	rng := g.run.rng
	// The beginning of a login: a header, or a part of one, or a header and a little.
	login := []byte{200, 0, 4, 0, 8, 1, 16, 1, 26, 3}
	said := login[:rng.IntN(len(login)+1)]
	if len(said) > 0 {
		_ = g.driver.Send(e.Socket, [][]byte{said})
	}
	if rng.IntN(3) == 0 && len(said) == 0 {
		_ = g.driver.Shutdown(e.Socket)
	}
	g.run.note("stranger: connects and says % x", said)
}

// leave closes all of them.
func (g *ghosts) leave() {
	for _, s := range g.open {
		_ = g.driver.Close(s) // those that are closing already say so
	}
	for end := g.run.world.Now() + time.Minute; len(g.open) > 0 && g.run.world.Now() < end; {
		g.tick()
		if !g.run.world.Step() {
			g.tick()
			break
		}
	}
	if len(g.open) > 0 {
		g.run.fail("%d strangers can not close", len(g.open))
	}
	if err := g.driver.Release(); err != nil {
		g.run.fail("the strangers' driver: %v", err)
	}
}
