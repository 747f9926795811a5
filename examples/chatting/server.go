package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"

	"sarang/aio"
	"sarang/engine"
	"sarang/mem"
	"sarang/packet"
)

type serverConfig struct {
	listen  netip.AddrPort
	db      string // file of the players
	driver  string // "auto", or a kind that aio.Open knows
	workers int
	debug   bool // buffers from the allocator that catches misuse
	logger  *slog.Logger
}

// server is the engine's service with one hall per worker, and the players' table.
type server struct {
	addr    netip.AddrPort // where it listens
	service *engine.Service
	players *players
	halls   []*hall // by worker; complete before the first session is there
}

// startServer returns a running server. The caller closes it.
func startServer(c serverConfig) (*server, error) {
	if c.workers < 1 {
		return nil, fmt.Errorf("%d workers can serve nobody", c.workers)
	}
	kind, _, err := aio.Choose(c.driver)
	if err != nil {
		return nil, err
	}
	db, err := openPlayers(c.db, c.logger)
	if err != nil {
		return nil, err
	}
	s := &server{players: db, halls: make([]*hall, c.workers)}
	if err := s.start(c, kind); err != nil {
		return nil, errors.Join(err, s.close(context.Background()))
	}
	return s, nil
}

func (s *server) start(c serverConfig, kind string) error {
	var err error
	s.service, err = engine.New(engine.Config{
		Name:       "chatting",
		Workers:    c.workers,
		OpenDriver: func(int) (aio.Driver, error) { return aio.Open(kind, aio.Config{}) },
		OnStart: func(w *engine.Worker) {
			h := newHall(s, w)
			if w.Index() == 0 {
				h.press = press{next: firstLine, chunker: mem.NewChunker(w.Pool(), 0)}
			}
			s.halls[w.Index()] = h
		},
		Debug:  c.debug,
		Logger: c.logger,
	})
	if err != nil {
		return err
	}
	if err := s.service.Start(); err != nil {
		return err
	}
	s.addr, err = s.service.Listen(c.listen, &engine.Protocol{
		Name:       "chatting",
		Framer:     packet.Framer{},
		NewHandler: func(w *engine.Worker) engine.Handler { return s.halls[w.Index()] },
	})
	return err
}

// close ends the server in order: no new sessions, the sessions end (until ctx is
// done, then they are cut), the workers end, and at last, when nobody can say
// anything any more, the counts are written. It returns what had leaked or failed.
func (s *server) close(ctx context.Context) error {
	var err error
	if s.service != nil {
		s.service.Drain(ctx)
		err = s.service.Close()
	}
	return errors.Join(err, s.players.Close())
}
