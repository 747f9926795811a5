// Package swarm is the load generator and checker behind `sarang swarm`: many
// sessions (client/session) on one engine, and a proof that every message came to
// every member of its room, once, in order and unchanged.
//
// # How it is checked
//
// What a member gets is compared with a log. Each worker writes down, once per room
// and sequence number, which message it saw there first (publisher, counter, hash);
// the message itself is checked then, by making it anew from the seed. Every other
// member on the worker is compared with what is written, so a delivery costs a hash
// and a member costs a few numbers, however many publish. At the end the logs of the
// workers are compared with each other and with what the server had acknowledged, and
// each publisher's counters are followed through them. See Report for what is counted
// as what.
//
// With Config.Changes messages are answered, edited, deleted and reacted to. Then a place may come
// with its text or, once it was erased, without; each client keeps what it shows (client/view), and
// in the end that, pages of history, mentions and threads are compared with what follows from the
// acknowledgements, by a model of a few lines that knows nothing of client/view (picture.go). What
// was deleted must not come on a connection that was begun after the acknowledgement, nor in a page.
//
// Memory is 32 bytes per message and worker, 8 per message for the acknowledged
// sequence numbers, and a few hundred bytes per client; with Config.Changes some 300 more per
// message and client of its room, for at most picturesMessagesMax of them.
//
// # Who owns what
//
// A worker owns its clients, their sessions and its logs; the goroutine that called
// Run talks to the workers by posts. What both read while the run goes on are atomic
// counters.
package swarm
