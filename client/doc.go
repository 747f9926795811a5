// Package client is the Go SDK for Sarang's protocol, natively or over WebSocket.
//
// # Basics
//
// Client is for one user and for any goroutine: it connects, logs in, reconnects when
// the connection is lost, and goes on where it stood.
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
// Programs that hold many connections use the layer below, package client/session: the
// state machine of one connection without a goroutine, a lock or a clock of its own.
//
// # Order and retries
//
// The events of a room come in sequence order, each once. Where that can not be kept
// there is a Gap; a server that breaks the order without one is reported as a Fault with
// a *SequenceError.
//
// A message that was published is kept until the server has acknowledged or refused
// it. After a reconnect it is sent again with the nonce that it had, so it is stored
// once however often it was sent. To go on after a restart of the program, keep the token
// (Client.Self) and the Cursor of each room.
//
// # Caveats
//
// A Client whose Events are not read stops receiving when its buffer is full, and
// that holds up the answers to its requests as well: read Events in one goroutine
// and call methods in another, or set Config.DiscardEvents.
package client
