// Package engine is what a game or chat server is built on: sessions, workers,
// listeners, timers and feeds over the completion drivers of package aio.
//
// # Basics
//
// A Service has a number of Workers. A Worker is one goroutine locked to one
// thread with one driver; it owns its sessions, and everything that belongs to a
// session (its queue, its timers, its cursors) is touched by that worker only. A
// program says what is spoken on its connections by Protocols: how bytes are cut into
// frames, and which Handler gets them. A protocol has one handler on each worker. All
// calls of a handler come from its worker, so a handler needs no locks for what it
// keeps by itself. Several protocols live on one service and the same workers.
//
//	game := &engine.Protocol{
//		Name:       "game",
//		Framer:     packet.Framer{}, // or one of your own: two functions
//		NewHandler: func(w *engine.Worker) engine.Handler { return &world{worker: w} },
//	}
//	svc, err := engine.New(engine.Config{Workers: 4})
//	svc.Start()
//	addr, err := svc.Listen(netip.MustParseAddrPort("127.0.0.1:7777"), game)
//	...
//	svc.Drain(ctx)
//
// What goes to one session is copied to its direct queue by Session.Send. What
// goes to many is appended once to a Feed; every Cursor on it is a reader with its
// own place, so that a slow reader costs a number and not a queue.
//
// A connection can change its protocol (Session.Switch), be given to ordinary Go code as
// a net.Conn (Session.Detach), and be taken back, or over from a listener of package net
// (Service.Adopt): that is how net/http answers on connections of the engine, and how what
// it upgrades goes on without a goroutine.
//
// # Caveats
//
// A handler must not block: no lock that others hold for long, no file, no
// database. Such work is done elsewhere and its result comes back by Worker.Post.
// A frame is lent until the handler returns. A *Session must not be
// kept after Disconnected was called for it; a SessionID may be kept for ever.
package engine
