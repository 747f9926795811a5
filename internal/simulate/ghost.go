package simulate

import (
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
}

func newGhosts(r *run) *ghosts {
	return &ghosts{run: r, driver: r.world.NewDriver(aio.Config{EventsMax: 64}), events: make([]aio.Event, 64)}
}

// appear brings one more.
func (g *ghosts) appear() {
	s, err := g.driver.Connect(serverAddr(), aio.SocketOptions{}, 0)
	if err != nil {
		g.run.fail("a stranger can not connect: %v", err)
	}
	g.run.counts.Ghosts++
	g.open = append(g.open, s)
}

// tick lets those that are connected say what they say.
func (g *ghosts) tick() {
	n, err := g.driver.Wait(g.events, 0)
	if err != nil {
		g.run.fail("the strangers' driver: %v", err)
	}
	for _, e := range g.events[:n] {
		switch e.Kind {
		case aio.KindConnect:
			g.connected(e)
		case aio.KindDisconnect:
			g.open = slices.DeleteFunc(g.open, func(s aio.Socket) bool { return s == e.Socket })
		}
	}
}

func (g *ghosts) connected(e aio.Event) {
	if e.Err != nil {
		_ = g.driver.Close(e.Socket) // it is open, so this can not fail
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
