// Package websocket is RFC 6455 for programs on package engine: frames, messages, close
// codes, both sides of the handshake, and the codec of a client.
//
// A server does without a codec. It lets net/http do the handshake on a detached
// connection (engine.Session.Detach, Upgrade), gives that back to the engine
// (engine.Service.Adopt) with a protocol whose framer is a Framer, and has whole frames from
// then on: a session that is idle holds nothing of a WebSocket. What it sends to many, it
// frames once (AppendFrame). A Framer resumes at any byte: a frame that is cut waits in the
// engine.
//
// A client of the engine uses a Client, a codec that puts whole frames of another protocol
// into messages, one each, and takes them out again.
//
// There are no extensions: a frame that uses one is an error.
package websocket
