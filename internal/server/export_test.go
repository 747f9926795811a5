package server

import (
	"context"
	"crypto/tls"
	"log/slog"
	"time"

	"sarang/chat"
	"sarang/engine"
)

// WrapStore has a test's store stand before the real one.
func (c *Config) WrapStore(wrap func(chat.Store) chat.Store) { c.wrapStore = wrap }

// SetStillMax has /healthz say it earlier that something stands still.
func (c *Config) SetStillMax(d time.Duration) { c.stillMax = d }

// Engine is the server's.
func (s *Server) Engine() *engine.Service { return s.node.Engine }

// OperatorsMax is how many connections the operators' side has at most.
const OperatorsMax = operatorsMax

// SetWebConnectionsMax bounds what the web address has lent at a time.
func (c *Config) SetWebConnectionsMax(n int) { c.webConnectionsMax = n }

// WebLent is how many connections of the web address are no WebSockets.
func (s *Server) WebLent() int { return s.web.door.Lent() }

// WatchCertificate reads a certificate and looks after its files when look says so. now is what
// a client would get.
func WatchCertificate(certFile, keyFile string, look <-chan time.Time, end <-chan struct{}) (now func() *tls.Certificate, watch func(), err error) {
	c, err := loadCertificate(certFile, keyFile, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, nil, err
	}
	return c.now.Load, func() { c.watch(look, nil, end) }, nil
}

// ClientOf is clientOf.
var ClientOf = clientOf

// WebRequestsMax is how many requests a connection of HTTP/2 has at most.
const WebRequestsMax = webRequestsMax

// HandshakeTokens is how many handshakes compute at once.
func HandshakeTokens(workers int) int { return cap(handshakeTokens(workers)) }

// SetComputing has f called in the middle of each handshake's computing.
func (c *Config) SetComputing(f func()) { c.computing = f }

// Shaking is how many handshakes are under way.
func (s *Server) Shaking() (n int) {
	for _, d := range s.tlsDoors() {
		d.mu.Lock()
		n += len(d.shaking)
		d.mu.Unlock()
	}
	return n
}

// Indexed waits until all that was said can be found.
func (s *Server) Indexed(ctx context.Context) error {
	if indexer, can := s.store.(chat.Indexer); can {
		return indexer.Indexed(ctx)
	}
	return nil
}
