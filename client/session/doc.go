// Package session is the state machine of one connection to a Sarang server: login,
// rooms with their cursors, requests, publishes, resume. It is the layer below package
// client, for programs that hold many connections: a load generator, a bridge, a bot
// farm.
//
// # Basics
//
// A Session is owned by the engine worker that runs it: no goroutine, no lock, no clock
// of its own. What happens to it goes to its Events. ServiceConfig makes the
// configuration of an engine service for sessions:
//
//	svc, err := engine.New(session.ServiceConfig())
//	err = svc.Start()
//	state := session.NewState(session.StateConfig{Name: "mina"})
//	err = svc.Connect(addr, session.NewProtocol(nil), session.New(state, events))
//
// One Protocol is for all sessions of a service.
//
// What must survive the connection is in a State: the token, the rooms with their
// cursors, the messages without an answer. Given to the next Session it goes on where
// the last one stood.
//
// # Order and retries
//
// The events of a room come in sequence order, each once. Where that can not be kept
// Events.Gap is called; a server that breaks the order without a gap is reported as a
// *SequenceError.
//
// A message that was published is kept until the server has acknowledged or refused
// it. After a reconnect it is sent again with the nonce that it had, so it is stored
// once however often it was sent.
//
// The ids of rooms are those of one store. Where a server comes back with another one,
// a room that is not what it was (by name, and by epoch unless it is ephemeral) is left
// and its messages are refused with a *RoomChangedError.
//
// # Caveats
//
// Only its worker may touch a Session. The strings of a room event are lent to
// Events.Event until it returns; all other strings belong to the receiver.
package session
