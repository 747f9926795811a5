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
// Memory is 32 bytes per message and worker, 8 per message for the acknowledged
// sequence numbers, and a few hundred bytes per client.
//
// # Who owns what
//
// A worker owns its clients, their sessions and its logs; the goroutine that called
// Run talks to the workers by posts. What both read while the run goes on are atomic
// counters.
package swarm
