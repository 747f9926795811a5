package simulate

import "sarang/engine"

// doorway is a protocol that a connection begins with and leaves: it reads the first
// bytes, however many the seed has chosen, and hands the connection on with them, as a
// web gateway does after a handshake.
type doorway struct {
	to    *engine.Protocol
	bytes int // to be read first
}

// Split hands out the bytes that are wanted.
func (d *doorway) Split(b []byte) (int, error) {
	if len(b) < d.bytes {
		return 0, nil
	}
	return d.bytes, nil
}

// Need is how many bytes are to be read.
func (d *doorway) Need([]byte) int { return d.bytes }

// porter is the handler of a doorway on a worker.
type porter struct {
	engine.NopHandler
	*doorway
	inside engine.Fareweller // says goodbye to those who do not get in
}

// Received hands the session on.
func (p *porter) Received(s *engine.Session, frame []byte) { s.Switch(p.to, frame) }

// Farewell is in the language of those inside.
func (p *porter) Farewell(to engine.Sender, why engine.Reason) { p.inside.Farewell(to, why) }

// protocol is what this life of the server's listeners speak.
func (s *server) protocol(r *run) (*engine.Protocol, error) {
	native, err := s.node.Protocol("tcp")
	if err != nil || r.plan.doorwayBytes == 0 {
		return native, err
	}
	d := &doorway{to: native, bytes: r.plan.doorwayBytes}
	return &engine.Protocol{Name: "doorway", Framer: d, NewHandler: func(w *engine.Worker) engine.Handler {
		inside, ok := native.NewHandler(w).(engine.Fareweller)
		engine.Invariant(ok, "the native protocol has no farewell")
		return &porter{doorway: d, inside: inside}
	}}, nil
}
