// Package linear judges what clients saw of a server's rooms: could it all have come
// from one log per room, to which messages were appended one at a time?
//
// # Basics
//
// A Recorder notes, in the order in which it happens, what clients do: a message is
// published, it is acknowledged, an event is shown, a page of history is asked for and
// answered. Check then looks for an order of these operations in which
//
//   - each takes effect at one moment between its call and its return,
//   - publishing appends one event, at the place that the acknowledgment tells,
//   - what is shown is in the log at that moment, and
//   - a page is what the log holds at that moment, its end included.
//
// That is linearizability (Herlihy and Wing, 1990); the search is porcupine's. It
// knows nothing of the server, not even what the disk holds: only clients are heard.
//
// # What is made of unknown outcomes
//
// A message whose acknowledgment never came may have taken place or not. If somebody
// saw it, it took place there, before it was first seen. If nobody did, it is left
// out, and a place that nobody has seen is filled by an event that nobody knows. So
// the search has little to guess, and no history passes by that: each of these
// follows from the history.
//
// # Caveats
//
// Only rooms that keep their log belong here: durable ones, or ephemeral ones of a
// server that is not restarted. Recording must begin with the room's first event.
package linear
