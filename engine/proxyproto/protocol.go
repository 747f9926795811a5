package proxyproto

import (
	"net/netip"

	"sarang/engine"
)

// headerFramer cuts the header from what is behind it.
type headerFramer struct{}

func (headerFramer) Split(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	return Length(b)
}

func (headerFramer) Need(b []byte) int { return need(b) }

// Config is what Over wants to know.
type Config struct {
	// Trusted reports whether connections from peer must begin with a header, which is
	// believed. Those of others are next's from their first byte. It is called by every worker.
	Trusted func(peer netip.AddrPort) bool

	// Bad, if it is there, is told of connections that are closed for their header. It is
	// called by every worker.
	Bad func(peer netip.AddrPort, err error)
}

// Over is a protocol for listeners: next, behind the header on connections of proxies. The
// session's Peer is where the header says that it comes from, and the service's Gate is asked for
// that. A proxy that connects for itself, or does not know for whom, is its own peer. A header
// that does not come is a login that does not come. next's NewHandler is called once more for
// each worker, for its Farewell.
func Over(next *engine.Protocol, c Config) *engine.Protocol {
	return &engine.Protocol{
		Name: next.Name + " behind a proxy", Framer: headerFramer{},
		UnadmittedFrameBytesMax: v2BytesMax,
		ForOthers:               c.Trusted,
		NewHandler: func(w *engine.Worker) engine.Handler {
			r := &reader{next: next, config: c}
			r.refusing, _ = next.NewHandler(w).(engine.Fareweller)
			return r
		},
	}
}

// reader reads the header, then it is next's turn.
type reader struct {
	engine.NopHandler
	next     *engine.Protocol
	config   Config
	refusing engine.Fareweller // of next: for those who are refused when they are accepted
}

// Connected lets those pass that are no proxies.
func (r *reader) Connected(s *engine.Session) {
	if !r.config.Trusted(s.Peer()) {
		s.Switch(r.next, nil)
	}
}

// Received is a header.
func (r *reader) Received(s *engine.Session, header []byte) {
	proxy := s.Peer()
	source, err := Parse(header)
	if err != nil {
		s.End(engine.Reason{Code: engine.ReasonFrame, Err: err})
		return
	}
	if !source.IsValid() {
		source = proxy
	}
	_ = s.SwitchAs(r.next, source) // it tells those whom the gate refuses
}

// Farewell is next's to those who are not let in; of a header that is none somebody is told
// who looks after the server.
func (r *reader) Farewell(to engine.Sender, why engine.Reason) {
	switch {
	case why.Code == engine.ReasonRefused && r.refusing != nil:
		r.refusing.Farewell(to, why)
	case why.Code == engine.ReasonFrame && r.config.Bad != nil:
		r.config.Bad(to.Session().Peer(), why.Err)
	}
}
