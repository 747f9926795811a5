package server_test

import (
	"crypto/tls"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sarang/internal/server"
)

// However many shake hands at once, at all addresses together no more compute than there are tokens;
// and while these are out, workers go on with who is there.
func TestHandshakeStorm(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		c, cert := withTLS(t, c)
		tokens := server.HandshakeTokens(c.Workers)
		var now, most, all atomic.Int64
		entered, release := make(chan struct{}, 1000), make(chan struct{})
		c.SetComputing(func() {
			all.Add(1)
			for n := now.Add(1); ; {
				if was := most.Load(); n <= was || most.CompareAndSwap(was, n) {
					break
				}
			}
			entered <- struct{}{}
			<-release
			now.Add(-1)
		})
		s := start(t, c)
		defer stop(t, s)
		guest := user(t, s, "guest")
		const storm = 24
		var done sync.WaitGroup
		for i := range storm {
			at, config := s.Addrs()[1].Addr, cert.Client()
			if i%2 == 1 {
				at = s.WebAddr().Addr
			}
			raw, err := net.Dial("tcp", at.String())
			if err != nil {
				t.Fatal(err)
			}
			s.clients = append(s.clients, raw)
			_ = raw.SetDeadline(time.Now().Add(patience))
			done.Go(func() {
				if err := tls.Client(raw, config).Handshake(); err != nil {
					t.Errorf("handshake %d: %v", i, err)
				}
			})
		}
		for range tokens {
			<-entered
		}
		for s.Shaking() < storm {
			guest.barrier()
		}
		for range 20 {
			guest.barrier()
		}
		if len(entered) > 0 {
			t.Errorf("%d more compute than the %d that may", len(entered), tokens)
		}
		close(release)
		done.Wait()
		if most.Load() != int64(tokens) || all.Load() != storm {
			t.Errorf("%d handshakes, %d of them at once; want %d, %d", all.Load(), most.Load(), storm, tokens)
		}
	})
}
