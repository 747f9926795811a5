package server

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

// certificateEvery is how often the files of the certificate are looked at.
const certificateEvery = 5 * time.Second

// certificate is that of the files, which are read again when they have changed.
type certificate struct {
	certFile, keyFile string
	log               *slog.Logger
	now               atomic.Pointer[tls.Certificate]
	seen              [2]fileStamp
}

// fileStamp is what shows that a file is another one now.
type fileStamp struct {
	size int64
	at   time.Time
	err  bool
}

func stampOf(path string) fileStamp {
	i, err := os.Stat(path)
	if err != nil {
		return fileStamp{err: true}
	}
	return fileStamp{size: i.Size(), at: i.ModTime()}
}

// loadCertificate reads the files for the first time.
func loadCertificate(certFile, keyFile string, log *slog.Logger) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, log: log}
	c.seen = c.stamps()
	if err := c.load(); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *certificate) stamps() [2]fileStamp {
	return [2]fileStamp{stampOf(c.certFile), stampOf(c.keyFile)}
}

func (c *certificate) load() error {
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("certificate %s with key %s: %w", c.certFile, c.keyFile, err)
	}
	c.now.Store(&pair)
	return nil
}

// reload reads the files again. What can not be used is logged, and the certificate stays.
func (c *certificate) reload() {
	c.seen = c.stamps()
	if err := c.load(); err != nil {
		c.log.Error("the certificate stays as it was", "error", err)
		return
	}
	c.log.Info("certificate read", "file", c.certFile, "valid_until", c.now.Load().Leaf.NotAfter)
}

// watch reads the files again when, at a look, they have changed since they were read, and not
// since the look before: who writes them is done. It does so, too, when wanted says so; until
// end is closed.
func (c *certificate) watch(look <-chan time.Time, wanted, end <-chan struct{}) {
	last := c.seen
	for {
		select {
		case <-end:
			return
		case <-wanted:
			c.reload()
			last = c.seen
		case <-look:
			now := c.stamps()
			if now != c.seen && now == last {
				c.reload()
			}
			last = now
		}
	}
}

func (c *certificate) config(protocols ...string) *tls.Config {
	return tlsConfig(func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.now.Load(), nil }, protocols...)
}

// tlsConfig is what a listener speaks TLS with. A client that offers protocols must offer one of
// these (RFC 7301), so that nobody is made to talk to another server than he means. choose is
// called while a handshake holds a token: it waits for nobody.
func tlsConfig(choose func(*tls.ClientHelloInfo) (*tls.Certificate, error), protocols ...string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: protocols,
		GetCertificate:              choose,
		DynamicRecordSizingDisabled: true, // what goes out together goes in one record
	}
}
