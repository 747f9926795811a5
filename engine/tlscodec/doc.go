// Package tlscodec is crypto/tls for sessions of package engine: a codec between a session's
// socket and its framer, without a goroutine for a connection.
//
// A client's codec is New…'s affair alone: NewClient, or Client for a whole protocol. A server
// has two ways. NewServer shakes hands on the worker, which costs it a quarter of a
// millisecond and more for each. Handshake does it on a goroutine, on a detached connection
// (engine.Session.Detach), as many at once as there are Tokens; Detach makes a codec of what
// it returns, for engine.Service.Adopt and a protocol made by Over.
//
// Behind a handshake of TLS 1.3 the codec of a server is one of package tlsrecord, if that is
// wanted: of the connection two secrets and two numbers stay, and Shared has what its worker's
// sessions work with. Otherwise a session keeps its *tls.Conn, some 7 KB. What it is sent is
// encrypted for it alone in either case.
package tlscodec
