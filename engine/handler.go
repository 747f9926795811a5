package engine

// Handler is a program's part of a protocol on a worker: it handles what happens to
// the sessions that speak the protocol there. Protocol.NewHandler makes one for each
// worker, and all its methods are called by that worker, never two at once.
type Handler interface {
	// Connected: the session's connection stands, in either direction; or the session
	// has come to this protocol from another one (Session.Switch).
	Connected(s *Session)

	// Received: a whole frame arrived, its header included. It is lent until the
	// return.
	Received(s *Session, frame []byte)

	// Sent: the socket took n bytes.
	Sent(s *Session, n int)

	// Disconnected: the session is over and nothing of it is in flight. It is the
	// last call for s, and s must not be used afterwards. It is called for failed
	// connects too, which never were Connected.
	Disconnected(s *Session, why Reason)
}

// The interfaces below are optional: a Handler that has them is called more often.
type (
	// Heartbeater is called when nothing was received from an admitted session
	// for Config.HeartbeatInterval; it should send something that is answered.
	Heartbeater interface{ Heartbeat(s *Session) }

	// Fareweller may send last frames to a session that is about to be ended.
	Fareweller interface {
		Farewell(to Sender, why Reason)
	}
)

// Sender takes frames for a session.
type Sender interface {
	Session() *Session

	// Send copies b, whole frames, to the session's direct queue.
	Send(b []byte) error
}

// NopHandler does nothing; embed it to write only the methods that are wanted.
type NopHandler struct{}

// Connected does nothing.
func (NopHandler) Connected(*Session) {}

// Received does nothing.
func (NopHandler) Received(*Session, []byte) {}

// Sent does nothing.
func (NopHandler) Sent(*Session, int) {}

// Disconnected does nothing.
func (NopHandler) Disconnected(*Session, Reason) {}
