// Package tlscodec is crypto/tls for sessions of package engine: a codec between a session's
// socket and its framer, without a goroutine for a connection.
//
// A client's codec is New…'s affair alone: NewClient, or Client for a whole protocol. A server
// has two ways. NewServer shakes hands on the worker, which costs it a quarter of a
// millisecond and more for each. Handshake does it on a goroutine, on a detached connection
// (engine.Session.Detach), as many at once as there are Tokens; Detach makes a codec of what
// it returns, for engine.Service.Adopt and a protocol made by Over.
//
// A session with a codec keeps its *tls.Conn, some 7 KB, and what it is sent is encrypted for
// it alone.
package tlscodec
