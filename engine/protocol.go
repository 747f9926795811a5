package engine

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
)

// Protocol is what is spoken on a connection. A service may speak several: each
// listener, and each connect, names one. A Protocol is shared by all workers and does
// not change once it is in use; protocols are distinguished by their address.
type Protocol struct {
	// Name is for logs and errors.
	Name string

	// Framer finds frames in what a session receives. Required.
	Framer Framer

	// UnadmittedFrameBytesMax is the largest frame that a session may send before Admit;
	// a larger one ends it with ReasonFrame as soon as its size shows. What is kept of all
	// such sessions counts for Config.UnadmittedBytesMax. 0: no bound but the Framer's.
	UnadmittedFrameBytesMax int

	// NewCodec makes the codec of a session that begins to speak the protocol, on its
	// worker. Nil, or nil from it: bytes are framed as they are received.
	NewCodec func(s *Session) Codec

	// ForOthers reports whether connections from peer stand for others (a proxy): they come in
	// without Config.Gate being asked, and the handler says who it is for by Session.SwitchAs,
	// or Service.EnterAs. It is called by any worker, and says the same each time. Nil: nobody.
	ForOthers func(peer netip.AddrPort) bool

	// NewHandler makes the handler of all sessions that speak the protocol on w. It is
	// called once per worker, on that worker, before the first of them. Required.
	NewHandler func(w *Worker) Handler
}

// Framer cuts a stream into frames. It has no state: all workers call it at once.
type Framer interface {
	// Split returns the length of the first whole frame at the start of b, header
	// included; 0 if it is not whole yet. An error means that framing is lost: no frame
	// can be found in b or in what follows, and the session ends with ReasonFrame. A
	// frame that grows beyond what a peer may send is such an error: without it a
	// session would gather for ever.
	Split(b []byte) (n int, err error)

	// Need returns how many bytes the frame at the start of b has at least: more than
	// len(b) if it is not whole. So many are gathered before the next call of Split.
	Need(b []byte) int
}

// protocolsMax is how many protocols a service can have beside protocolDetached: a
// session names its own by one byte.
const protocolsMax = 255

// ErrProtocolsMax means that a service has as many protocols as it can have. A program
// that makes a Protocol for every connection, and not one for all of them, meets it.
var ErrProtocolsMax = errors.New("engine: the limit of protocols is reached")

// binding is a protocol on a worker, with the handler that it has there.
type binding struct {
	protocol    *Protocol
	framer      Framer
	handler     Handler
	heartbeater Heartbeater // handler, if it is one
	fareweller  Fareweller  // handler, if it is one
}

// protocolNumber returns the number by which the service's workers know p.
func (s *Service) protocolNumber(p *Protocol) (uint8, error) {
	switch {
	case p == nil:
		return 0, errors.New("engine: no protocol was given")
	case p.Framer == nil:
		return 0, fmt.Errorf("engine: protocol %q has no Framer", p.Name)
	case p.NewHandler == nil:
		return 0, fmt.Errorf("engine: protocol %q has no NewHandler", p.Name)
	}
	s.protocolsMu.Lock()
	defer s.protocolsMu.Unlock()
	i := slices.Index(s.protocols, p)
	if i < 0 {
		if i = len(s.protocols); i > protocolsMax {
			return 0, ErrProtocolsMax
		}
		s.protocols, s.bound = append(s.protocols, p), append(s.bound, false)
	}
	return uint8(i), nil
}

// bind returns the number of p once its handler exists on every worker. After the first
// time no worker is asked.
func (s *Service) bind(p *Protocol) (uint8, error) {
	number, err := s.protocolNumber(p)
	if err != nil {
		return 0, err
	}
	s.protocolsMu.Lock()
	bound := s.bound[number]
	s.protocolsMu.Unlock()
	if bound {
		return number, nil
	}
	for _, w := range s.workers {
		if !s.do(w, func(w *Worker) { _, err = w.bind(p) }) {
			return 0, ErrClosed
		}
		if err != nil {
			return 0, err
		}
	}
	s.protocolsMu.Lock()
	s.bound[number] = true
	s.protocolsMu.Unlock()
	return number, nil
}

// bind returns the number of p once its handler exists on this worker.
func (w *Worker) bind(p *Protocol) (uint8, error) {
	for i, b := range w.bindings {
		if b != nil && b.protocol == p {
			return uint8(i), nil
		}
	}
	number, err := w.service.protocolNumber(p)
	if err != nil {
		return 0, err
	}
	if more := int(number) + 1 - len(w.bindings); more > 0 {
		w.bindings = append(w.bindings, make([]*binding, more)...)
	}
	b := &binding{protocol: p, framer: p.Framer}
	w.bindings[number] = b
	b.handler = p.NewHandler(w)
	invariant(b.handler != nil, "a protocol's NewHandler returned none")
	b.heartbeater, _ = b.handler.(Heartbeater)
	b.fareweller, _ = b.handler.(Fareweller)
	return number, nil
}

// binding is the session's protocol on its worker.
func (s *Session) binding() *binding { return s.w.bindings[s.protocol] }

// Protocol is what the session speaks; nil while it is detached.
func (s *Session) Protocol() *Protocol {
	if s.protocol == protocolDetached {
		return nil
	}
	return s.binding().protocol
}
