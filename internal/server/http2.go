package server

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// What a connection of HTTP/2 bounds: it has one place, and many requests.
const (
	webIdleTimeout = 5 * time.Second
	webStreamsMax  = 32
	webRequestsMax = 256 // then it ends in order, and the browser opens another
)

// DefaultHSTS is for how long browsers remember that a name is asked by TLS only.
const DefaultHSTS = 180 * 24 * time.Hour

// requestsKey is the context's key of how many requests a connection has had.
type requestsKey struct{}

// withHTTP2 changes the web address's server for browsers that speak it; they do over TLS only.
func withHTTP2(s *http.Server) {
	s.IdleTimeout = webIdleTimeout
	s.HTTP2 = &http.HTTP2Config{
		MaxConcurrentStreams:          webStreamsMax,
		MaxReceiveBufferPerConnection: 64 << 10, // requests have no bodies to speak of
		MaxReceiveBufferPerStream:     16 << 10,
		WriteByteTimeout:              webAnswerTimeout,
	}
	s.ConnContext = func(ctx context.Context, _ net.Conn) context.Context {
		return context.WithValue(ctx, requestsKey{}, new(atomic.Int32))
	}
	s.Handler = counted(s.Handler)
}

// counted ends a connection of HTTP/1.1 behind its first request, as places are few, and one of
// HTTP/2 behind webRequestsMax.
func counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		had, ok := r.Context().Value(requestsKey{}).(*atomic.Int32)
		if !ok || r.ProtoMajor < 2 || had.Add(1) >= webRequestsMax {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// strict tells browsers to ask for this name by TLS only (RFC 6797), for so long; 0: it does not.
func strict(next http.Handler, d time.Duration) http.Handler {
	if d <= 0 {
		return next
	}
	value := "max-age=" + strconv.FormatInt(int64(d/time.Second), 10)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if hasName(r.Host) {
			w.Header().Set("Strict-Transport-Security", value)
		}
		next.ServeHTTP(w, r)
	})
}

// hasName reports whether host is a name that is this server's alone: localhost is everybody's,
// and what is remembered of it is for all of its ports.
func hasName(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err != nil && host != "" && host != "localhost" && !strings.HasSuffix(host, ".localhost")
}
