// Package simulate runs the whole chat server and its clients in one goroutine: the
// engine's workers, the hub, the gateway, the client SDK, a network, a disk and a
// clock, all of it decided by one seed.
//
// # Basics
//
// Run makes a plan from a seed (how many clients, workers and rooms, how small the
// limits, how bad the weather), and then, step by step, lets the seed choose what
// happens next: a tick of a worker, a task of the hub, an act of a client, time that
// passes, a fault, a crash with a restart. In the end the network and the disk are
// healed, and everything has to come to rest.
//
// While it runs, a model that shares no code with the server checks the promises of
// docs/ARCHITECTURE.md: what is acknowledged is stored, what is shown was stored, each
// reader sees each event of a room in order and once, each request ends in one
// outcome, memory stays within its bounds. After the end nothing may be left over.
// Some seeds have limits (docs/limits.md) that are soon met, and clients of several
// addresses: a watch at the server's sockets knows, by arithmetic of its own, what each
// session and each address may do, and nobody may get more, and nobody less.
// Some seeds have an operator who puts older copies of the disk back: nobody may skip anything
// without being told.
// Clients edit, delete, answer, pin and react to messages; the model says who may, and how each
// message looks behind each event, and in the end everybody's picture (package view) is that of the
// log. When somebody was told that a message is deleted, nothing that the server gives to its
// sockets has a piece of what it said.
// Package linear, which is told what clients see and nothing else, judges each run, too.
//
// A Strike is for the opposite kind of run: nothing goes wrong but one thing, at one
// exact moment, so that every moment can be tried.
//
// RunNodes is another world: two or three servers on one disk, each a hub without a
// protocol (package hubtest). Users are with several of them at once, go from one to
// another and say there again what they have had no answer to; an operator bans them and
// lets them back; hints about what others have written are lost, doubled and late; the
// disk fails, and nodes die. Its model judges every event when it is stored (the number,
// the nonce, the right at that place), every answer, and every reader's stream. In the
// end everybody catches up, each right is asked for on each node, and an event must be
// encoded in the formats that somebody reads and in no other.
//
// # Replay
//
// The same seed gives the same run. A failure is therefore a number:
//
//	go test ./internal/simulate -run 'TestSeed$' -seed=123 -v
//
// prints the transcript of that run, with what every driver, client and fault did; for
// RunNodes it is TestNodesSeed.
//
// # Caveats
//
// A Manual engine service runs its workers in the order of their numbers. A step may
// stop after the first few of them, and the events of single workers may be held
// back, so later workers lag behind earlier ones; an earlier one never lags by a
// whole tick.
//
// The time of day does not jump where there are limits: here the server takes their time
// from that clock. A real server's has a monotonic reading, which never jumps.
package simulate
