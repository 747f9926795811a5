// Command game is a small game server on Sarang's public packages, with one player: a
// hall in which everybody gets what one says.
package main

import (
	"errors"
	"fmt"
	"log"
	"net/netip"
	"time"

	"sarang/aio"
	"sarang/engine"
	"sarang/packet"
)

// The game's packets. The payload of both is a text.
const (
	idLine packet.ID = 1 // server: what somebody said
	idSay  packet.ID = 2 // player: says something
)

// hall is the server's part on one worker. Only that worker calls it: no locks.
type hall struct {
	engine.NopHandler
	players map[engine.SessionID]*engine.Session
}

func (h *hall) Connected(s *engine.Session) {
	s.Admit() // there is no login: the player is in
	h.players[s.ID()] = s
}

func (h *hall) Received(s *engine.Session, frame []byte) {
	for _, p := range h.players {
		_ = p.Send(encode(idLine, decode(frame))) // an error means that p is leaving
	}
}

func (h *hall) Disconnected(s *engine.Session, _ engine.Reason) { delete(h.players, s.ID()) }

// player says one thing and waits for what comes.
type player struct {
	engine.NopHandler
	lines chan string // buffered: a worker must not block
}

func (p *player) Connected(s *engine.Session) {
	s.Admit()
	_ = s.Send(encode(idSay, s.Data.(string)))
}

func (p *player) Received(s *engine.Session, frame []byte) {
	p.lines <- decode(frame)
	s.Close()
}

func encode(id packet.ID, text string) []byte {
	w := packet.NewPacketWriter(nil, id)
	w.Text(text)
	b, _ := w.Result() // on an error nothing
	return b
}

func decode(frame []byte) string {
	p, _, _ := packet.Split(frame) // whole, says the framer
	r := packet.NewReader(p.Payload)
	return r.Text() // "" if there is none
}

func run() (err error) {
	kind, _, err := aio.Choose("auto") // io_uring or epoll, say
	if err != nil {
		return err
	}
	svc, err := engine.New(engine.Config{
		OpenDriver: func(int) (aio.Driver, error) { return aio.Open(kind, aio.Config{}) },
	})
	if err != nil {
		return err
	}
	if err := svc.Start(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, svc.Close()) }()

	addr, err := svc.Listen(netip.MustParseAddrPort("127.0.0.1:0"), &engine.Protocol{
		Name: "hall", Framer: packet.Framer{},
		NewHandler: func(*engine.Worker) engine.Handler {
			return &hall{players: map[engine.SessionID]*engine.Session{}}
		},
	})
	if err != nil {
		return err
	}
	lines := make(chan string, 1)
	if err := svc.Connect(addr, &engine.Protocol{
		Name: "player", Framer: packet.Framer{},
		NewHandler: func(*engine.Worker) engine.Handler { return &player{lines: lines} },
	}, "hello"); err != nil {
		return err
	}
	select {
	case line := <-lines:
		fmt.Printf("the hall says %q\n", line)
		return nil
	case <-time.After(10 * time.Second):
		return errors.New("nothing came")
	}
}

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}
