package server

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/acme"

	"sarang/engine"
	"sarang/engine/tlscodec"
	"sarang/internal/door"
)

// What TLS bounds, for each address that speaks it.
const (
	handshakesMax    = 512 // some 30 KB each
	handshakeTimeout = 5 * time.Second
)

// handshakeTokens bounds how many handshakes compute at once, in the whole process: as many as
// leave a processor to each worker, but one at least.
func handshakeTokens(workers int) tlscodec.Tokens {
	return make(tlscodec.Tokens, max(runtime.GOMAXPROCS(0)-workers, 1))
}

// tlsDoor shakes hands on the connections of a listener, and hands on those that have.
type tlsDoor struct {
	door    *door.Listener
	config  *tls.Config
	records tlscodec.Records
	tokens  tlscodec.Tokens
	log     *slog.Logger
	deliver func(*tls.Conn)
	all     sync.WaitGroup
	done    atomic.Uint64 // handshakes
	failed  atomic.Uint64
	mu      sync.Mutex
	shaking map[net.Conn]struct{} // nil: it is closed
}

func (s *Server) newTLSDoor(l *door.Listener, config *tls.Config, deliver func(*tls.Conn)) *tlsDoor {
	d := &tlsDoor{
		door: l, config: config, records: s.config.TLSRecords, tokens: s.tokens, log: s.config.Logger,
		deliver: deliver, shaking: map[net.Conn]struct{}{},
	}
	d.all.Go(d.run)
	return d
}

func (d *tlsDoor) run() {
	for {
		c, err := d.door.Accept()
		if err != nil {
			return
		}
		if d.begin(c) {
			d.all.Go(func() { d.shake(c) })
		}
	}
}

func (d *tlsDoor) begin(c net.Conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.shaking == nil {
		_ = c.Close()
		return false
	}
	d.shaking[c] = struct{}{}
	return true
}

func (d *tlsDoor) shake(c net.Conn) {
	conn, err := tlscodec.Handshake(c, d.config, d.records, d.tokens, handshakeTimeout)
	d.mu.Lock()
	delete(d.shaking, c)
	d.mu.Unlock()
	if err != nil {
		d.failed.Add(1)
		d.log.Debug("a handshake failed", "peer", c.RemoteAddr(), "error", err)
		return
	}
	d.done.Add(1)
	d.deliver(conn)
}

// close ends the handshakes that go on, and waits for them.
func (d *tlsDoor) close() {
	_ = d.door.Close()
	d.mu.Lock()
	for c := range d.shaking {
		_ = c.Close()
	}
	d.shaking = nil
	d.mu.Unlock()
	d.all.Wait()
}

// giveBackTLS has the engine go on with a connection on which a handshake was made; ahead is
// what was read of it and not used.
func (s *Server) giveBackTLS(conn *tls.Conn, ahead []byte, p *engine.Protocol) error {
	below, read, codec, err := tlscodec.Detach(conn, ahead)
	if err != nil {
		return err
	}
	lent, ok := below.(*door.Conn)
	engine.Invariant(ok, "a connection of TLS is not from the door")
	if tlscodec.RecordsOf(codec) == tlscodec.OwnRecords {
		s.tlsSessions.own.Add(1)
	} else {
		s.tlsSessions.crypto.Add(1)
	}
	if err := lent.GiveBack(s.node.Engine, read, p, codec); err != nil {
		_ = lent.Close()
		return err
	}
	return nil
}

// listenTLS opens an address where native packets go over TLS.
func (s *Server) listenTLS(ctx context.Context, a Address) (Address, error) {
	p, err := s.node.Protocol(a.Scheme)
	if err != nil {
		return a, err
	}
	l := door.New(s.doorConfig("tls", handshakesMax, ""))
	at, err := s.open(ctx, a, s.behindProxies(l.Protocol(), s.config.ProxyListen))
	if err != nil {
		return a, err
	}
	l.Listening(at.Addr)
	s.tls = append(s.tls, s.newTLSDoor(l, s.tlsConfig(nativeALPN), func(c *tls.Conn) {
		if err := s.giveBackTLS(c, nil, p); err != nil {
			s.config.Logger.Debug("a session ended behind its handshake", "error", err)
		}
	}))
	return at, nil
}

// doorShare is which part of a door's places one address, or /48 network, may take.
const doorShare = 8

func (s *Server) doorConfig(name string, most int, refusal string) door.Config {
	return door.Config{
		Name: name, ConnectionsMax: most, Refusal: []byte(refusal),
		NetworkConnectionsMax: max(most/doorShare, 1), Trusted: s.config.Hub.Limits.Trusted.Contains,
	}
}

// nativeALPN is what native packets are called in a handshake.
const nativeALPN = "sarang.v1"

// shaken is a net.Listener of connections whose handshakes are done.
type shaken struct {
	*door.Listener
	conns chan net.Conn // has room for all that the door lends
	once  sync.Once
	end   chan struct{}
}

func newShaken(l *door.Listener) *shaken {
	return &shaken{Listener: l, conns: make(chan net.Conn, l.ConnectionsMax()), end: make(chan struct{})}
}

func (l *shaken) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.end:
		return nil, net.ErrClosed
	}
}

func (l *shaken) Close() error {
	l.once.Do(func() { close(l.end) })
	return l.Listener.Close()
}

// errNoCertificate means that an address speaks TLS and nothing says with what.
var errNoCertificate = errors.New("it speaks TLS: --tls-cert and --tls-key name the files of its certificate, or --acme-host has one made")

// tlsConfig is what a listener speaks TLS with.
func (s *Server) tlsConfig(protocols ...string) *tls.Config {
	if s.acme == nil {
		config := s.certificate.config(protocols...)
		if f := s.config.computing; f != nil {
			choose := config.GetCertificate
			config.GetCertificate = func(h *tls.ClientHelloInfo) (*tls.Certificate, error) { f(); return choose(h) }
		}
		return config
	}
	config := tlsConfig(s.acme.choose, protocols...)
	if slices.Contains(protocols, "http/1.1") { // the authority asks at the web address: RFC 8737
		config.NextProtos = append(config.NextProtos, acme.ALPNProto)
	}
	return config
}

// tlsDoors are all that shake hands.
func (s *Server) tlsDoors() []*tlsDoor {
	if s.web == nil || s.web.tls == nil {
		return s.tls
	}
	return append(slices.Clone(s.tls), s.web.tls)
}
