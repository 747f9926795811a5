package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"sarang/chat"
	"sarang/internal/store"
)

// operators is the HTTP side for those who run the server.
type operators struct {
	addr  net.Addr
	http  *http.Server
	ready atomic.Bool
}

// serveOperators listens on c.HTTP.
func serveOperators(s *Server) (*operators, error) {
	c := s.config
	if c.HTTP == "" || c.HTTP == Nowhere {
		return nil, nil
	}
	l, err := net.Listen("tcp", c.HTTP)
	if err != nil {
		return nil, fmt.Errorf("http on %s: %w; --http HOST:PORT takes another address, --http none does without metrics", c.HTTP, err)
	}
	o := &operators{addr: l.Addr()}
	o.ready.Store(true)
	guard := &hostGuard{next: o.pages(s), flag: "--http-hosts"}
	if at, ok := l.Addr().(*net.TCPAddr); ok {
		guard.loopback = at.IP.IsLoopback()
	}
	for _, name := range c.HTTPHosts {
		guard.names = append(guard.names, strings.ToLower(name))
	}
	o.http = &http.Server{
		Handler:        guard,
		ReadTimeout:    operatorsReadTimeout,
		WriteTimeout:   operatorsTimeout,
		IdleTimeout:    operatorsIdleTimeout,
		MaxHeaderBytes: operatorsHeaderBytes,
		ErrorLog:       slog.NewLogLogger(c.Logger.Handler(), slog.LevelWarn),
	}
	go func() {
		if err := o.http.Serve(newBoundedListener(l, operatorsMax)); !errors.Is(err, http.ErrServerClosed) {
			c.Logger.Error("http stopped", "error", err)
		}
	}()
	return o, nil
}

// pages are what there is to ask for.
func (o *operators) pages(s *Server) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(&collector{s}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		if trouble := s.trouble(); trouble != "" {
			http.Error(w, trouble, http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ok\n"))
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if !o.ready.Load() {
			http.Error(w, "draining", http.StatusServiceUnavailable)
			return
		}
		if err := s.checkStore(r.Context()); err != nil {
			http.Error(w, err.Message, http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ok\n"))
	})
	if s.config.Pprof {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index) // heap, goroutine, allocs …
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
		mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	}
	return mux
}

// checkStore says why the store takes nothing, nil if it does or does not know.
func (s *Server) checkStore(ctx context.Context) *chat.Error {
	c, ok := s.store.(store.Checker)
	if !ok {
		return nil
	}
	var e *chat.Error
	if err := c.Check(ctx); errors.As(err, &e) && e.Code != chat.CodeUnavailable { // that one passes
		return e
	}
	return nil
}

// trouble says what stands still that should not, in a sentence; nothing if all is well.
func (s *Server) trouble() string {
	for _, w := range s.node.Engine.Workers() {
		if still := w.Still(); still > s.config.workerStillMax() {
			return fmt.Sprintf("worker %d has not finished a round of its work for %v", w.Index(), still.Round(time.Millisecond))
		}
	}
	if still := s.node.Hub.CommitStill(); still > commitStillTimes*s.config.workerStillMax() {
		return fmt.Sprintf("the store has been at one commit for %v", still.Round(time.Millisecond))
	}
	return ""
}

// How long a worker may stand still before /healthz says so, and how many times as long a
// commit may last.
const (
	workerStillMax   = 10 * time.Second
	commitStillTimes = 3
)

func (c *Config) workerStillMax() time.Duration { return cmp.Or(c.stillMax, workerStillMax) }

func (o *operators) notReady() {
	if o != nil {
		o.ready.Store(false)
	}
}

func (o *operators) close() {
	if o == nil || o.http == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if o.http.Shutdown(ctx) != nil {
		_ = o.http.Close()
	}
}
