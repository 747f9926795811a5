package engine

import "sarang/packet"

// Handler is a program's part of a worker: told what happens to the worker's
// sessions. Config.NewHandler makes one for each worker, and all its methods are
// called by that worker, never two at once.
type Handler interface {
	// Connected: the session stands, in either direction.
	Connected(s *Session)

	// Packet: a whole packet arrived. Its payload is lent until the return.
	Packet(s *Session, p packet.Packet)

	// Sent: the socket took n bytes.
	Sent(s *Session, n int)

	// Disconnected: the session is over and nothing of it is in flight. It is the
	// last call for s, and s must not be used afterwards. It is called for failed
	// connects too, which never were Connected.
	Disconnected(s *Session, why Reason)
}

// The interfaces below are optional: a Handler that has them is told more.
type (
	// Ticker is called at the end of each of the worker's ticks, before the
	// sessions are served: the place to hand on what the tick's packets amounted
	// to.
	Ticker interface{ Tick() }

	// BehindHandler feeds cursors that stand before their feed's window. Behind
	// is called when the session could be sent something; the answer is, now or
	// later, c.Supply or c.Skip. A handler without it has such cursors skip to the
	// window. What was supplied is dropped when the socket is found full, and
	// asked for again when it drains.
	BehindHandler interface{ Behind(c *Cursor) }

	// Heartbeater is called when nothing was received from an admitted session
	// for Config.HeartbeatInterval; it should send something that is answered.
	Heartbeater interface{ Heartbeat(s *Session) }

	// Fareweller may send last packets to a session that is about to be ended.
	Fareweller interface {
		Farewell(to Sender, why Reason)
	}

	// Stopper is called when the worker ends, after its last session.
	Stopper interface{ Stop() }
)

// Sender takes packets for a session.
type Sender interface {
	Session() *Session
	Send(b []byte) error
	SendMessage(id packet.ID, m Marshaler) error
}

// NopHandler does nothing; embed it to write only the methods that are wanted.
type NopHandler struct{}

// Connected does nothing.
func (NopHandler) Connected(*Session) {}

// Packet does nothing.
func (NopHandler) Packet(*Session, packet.Packet) {}

// Sent does nothing.
func (NopHandler) Sent(*Session, int) {}

// Disconnected does nothing.
func (NopHandler) Disconnected(*Session, Reason) {}
