// Package client is the Go SDK for Sarang's native protocol. It has two layers.
//
// # Basics
//
// Client is for one user and for any goroutine: it connects, logs in, connects
// again when the connection is lost, and goes on where it stood.
//
//	c, err := client.Dial(ctx, client.Config{Addr: "chat.example.org:7777", Name: "mina"})
//	joined, err := c.Join(ctx, client.Join{Name: "lobby", Create: true})
//	go func() {
//		for e := range c.Events() {
//			...
//		}
//	}()
//	seq, err := c.Publish(ctx, joined.Room.ID, "hello")
//
// Session is for programs that hold many: a load generator, a gateway, a bot farm.
// It is the state machine of one connection, owned by the engine worker that runs
// it: no goroutine, no lock, no clock of its own. What happens to it is told to its
// Events. ServiceConfig makes the configuration of an engine service for it:
//
//	svc, err := engine.New(client.ServiceConfig())
//	err = svc.Start()
//	err = svc.Connect(addr, client.NewSession(client.NewState(client.StateConfig{Name: "mina"}), events))
//
// # Order and retries
//
// The events of a room come in sequence order, each once. Where that can not be kept
// a Gap is told; a server that breaks the order without telling is reported as a
// *SequenceError.
//
// A message that was published is kept until the server has acknowledged or refused
// it. After a reconnect it is sent again with the nonce that it had, so it is stored
// once however often it was sent. What must survive the connection for that is in a
// State: the token, the rooms with their cursors, the messages without an answer.
//
// # Caveats
//
// A Session is touched by its worker only. The strings of a room event are lent to
// Events.Event until it returns; all other strings belong to whom they are given.
//
// A Client whose Events are not read stops receiving when its buffer is full, and
// that holds up the answers to its requests as well: read Events in one goroutine
// and call methods in another, or set Config.DiscardEvents.
package client
