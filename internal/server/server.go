// Package server wires the parts into one running chat server: store, hub, engine,
// gateways, and the HTTP side for operators.
package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"sarang/aio"
	"sarang/chat"
	"sarang/engine"
	gateway "sarang/internal/gateway/packet"
	"sarang/internal/hub"
	"sarang/internal/store/sqlite"
)

// Config says what the server is to be. Default has the values that are used where a
// person says nothing; zero fields below Hub take the defaults of their packages.
type Config struct {
	Listen  []netip.AddrPort // native protocol
	Sockets []uintptr        // listening sockets handed over, instead of Listen
	HTTP    string           // address of /metrics, /healthz and /readyz; "off": none
	DataDir string           // database, lock file and crash reports
	Sync    sqlite.SyncMode  // what a commit survives
	IO      string           // auto, or one of aio.Kinds
	Workers int              // threads that serve sessions

	SessionsMax       int
	SocketRecvBytes   int // what the system keeps of what a client says and is not read yet; 0: its own choice
	LoginDeadline     time.Duration
	HeartbeatInterval time.Duration
	IdleTimeout       time.Duration
	DrainTimeout      time.Duration // for everything to end in order
	RetryAfterMin     time.Duration // clients are told, at a drain, to come back after
	RetryAfterMax     time.Duration // a random time between these

	Hub    hub.Config // limits of the chat; Store, Encode and Logger are set by Run
	Logger *slog.Logger
	Debug  bool   // buffers from the debug allocator
	Name   string // program and version

	wrapStore func(chat.Store) chat.Store // tests put a store of theirs before the real one
}

// Default returns the configuration of a server that nobody has configured.
func Default() Config {
	return Config{
		Listen:            []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:7777")},
		HTTP:              "127.0.0.1:7780",
		DataDir:           defaultDataDir(),
		IO:                "auto",
		Workers:           1,
		SessionsMax:       19000,
		SocketRecvBytes:   64 << 10,
		LoginDeadline:     10 * time.Second,
		HeartbeatInterval: 30 * time.Second,
		IdleTimeout:       90 * time.Second,
		DrainTimeout:      15 * time.Second,
		RetryAfterMin:     time.Second,
		RetryAfterMax:     10 * time.Second,
		Hub:               hub.Config{Limits: hub.DefaultLimits()},
		Logger:            slog.Default(),
		Name:              "sarang",
	}
}

// Server is a server that runs.
type Server struct {
	config  Config
	store   *sqlite.Store
	hub     *hub.Hub
	engine  *engine.Service
	http    *operators
	addrs   []netip.AddrPort
	clients []*gateway.Handler
	started time.Time

	storeClosed bool
}

// Start brings a server up. When it returns without error, the server listens. On an
// error everything that was begun is undone.
func Start(ctx context.Context, c Config) (s *Server, err error) {
	s = &Server{config: c, started: time.Now()}
	defer func() {
		if err != nil {
			s.release()
			s = nil
		}
	}()
	kind, why, err := aio.Choose(c.IO)
	if err != nil {
		return s, err
	}
	c.Logger.Info("I/O driver", "io", kind, "reason", why)
	if s.store, err = openStore(ctx, c); err != nil {
		return s, err
	}
	hc := c.Hub
	hc.Store, hc.Encode, hc.Logger = s.store, gateway.AppendEvent, c.Logger
	if hc.StoreReadsMax == 0 {
		hc.StoreReadsMax = storeReaders(c.Workers)
	}
	if c.wrapStore != nil {
		hc.Store = c.wrapStore(s.store)
	}
	if s.hub, err = hub.New(ctx, hc, c.Workers); err != nil {
		return s, err
	}
	if s.engine, err = s.newEngine(kind); err != nil {
		return s, err
	}
	if err = s.engine.Start(); err != nil {
		s.engine = nil
		return s, fmt.Errorf("starting the workers: %w", err)
	}
	if err = s.listen(ctx); err != nil {
		return s, err
	}
	if s.http, err = serveOperators(c.HTTP, s); err != nil {
		return s, err
	}
	c.Logger.Info("ready", "io", kind, "workers", c.Workers, "data", c.DataDir, "sync", c.Sync)
	return s, nil
}

// listen opens the addresses of the configuration, or takes over the sockets that were
// handed to the program.
func (s *Server) listen(ctx context.Context) error {
	add := func(at netip.AddrPort, err error) error {
		if err == nil {
			s.addrs = append(s.addrs, at)
		}
		return err
	}
	for _, h := range s.config.Sockets {
		if err := add(s.engine.ListenInherited(h)); err != nil {
			return err
		}
	}
	if len(s.config.Sockets) > 0 {
		return nil
	}
	for _, a := range s.config.Listen {
		if err := add(s.listenOn(ctx, a)); err != nil {
			return err
		}
	}
	return nil
}

// addressPatience is how long a server waits for an address that is in use. When a
// process that uses io_uring is killed, the kernel closes its sockets some time after the
// process is gone, and whoever starts it again is quicker than that now and then.
const addressPatience = 3 * time.Second

func (s *Server) listenOn(ctx context.Context, a netip.AddrPort) (netip.AddrPort, error) {
	end := time.Now().Add(addressPatience)
	for told := false; ; told = true {
		at, err := s.engine.Listen(a)
		if !errors.Is(err, syscall.EADDRINUSE) || ctx.Err() != nil || time.Now().After(end) {
			return at, err
		}
		if !told {
			s.config.Logger.Warn("the address is in use; trying again for a while", "listen", a, "for", addressPatience)
		}
		select {
		case <-ctx.Done():
		case <-time.After(addressPatience / 60):
		}
	}
}

func openStore(ctx context.Context, c Config) (*sqlite.Store, error) {
	return sqlite.Open(ctx, sqlite.Config{Dir: c.DataDir, Sync: c.Sync, ReadersMax: storeReaders(c.Workers) + 1}) // one for nonces
}

// storeReaders is how many pages may be read from the store at one time: as many as leave
// a processor to each worker, but one at least. Else a crowd that asks for history holds
// up everybody.
func storeReaders(workers int) int {
	return min(max(runtime.GOMAXPROCS(0)-workers, 1), storeReadersMax)
}

const storeReadersMax = 4

func (s *Server) newEngine(kind string) (*engine.Service, error) {
	c := s.config
	crashes := filepath.Join(c.DataDir, "crashes")
	if err := os.MkdirAll(crashes, 0o700); err != nil {
		return nil, fmt.Errorf("folder for crash reports: %w", err)
	}
	socket := engine.DefaultSocket()
	socket.RecvBufferBytes = c.SocketRecvBytes
	return engine.New(engine.Config{
		Name:    "sarang",
		Socket:  socket,
		Workers: c.Workers,
		OpenDriver: func(int) (aio.Driver, error) {
			return aio.Open(kind, aio.Config{SocketsMax: c.SessionsMax + 64})
		},
		Driver:            aio.Config{SocketsMax: c.SessionsMax + 64},
		SessionsMax:       c.SessionsMax,
		Gate:              s.hub.Gate(),
		LoginDeadline:     c.LoginDeadline,
		HeartbeatInterval: c.HeartbeatInterval,
		IdleTimeout:       c.IdleTimeout,
		Logger:            c.Logger,
		CrashDir:          crashes,
		Debug:             c.Debug,
		NewHandler: func(w *engine.Worker) engine.Handler {
			h := gateway.New(s.hub.NewShard(w), gateway.Config{
				Server:            c.Name,
				HeartbeatInterval: c.HeartbeatInterval,
				IdleTimeout:       c.IdleTimeout,
				RetryAfterMin:     c.RetryAfterMin,
				RetryAfterMax:     c.RetryAfterMax,
			})
			s.clients = append(s.clients, h)
			return h
		},
	})
}

// Addrs are the addresses that clients connect to.
func (s *Server) Addrs() []netip.AddrPort { return s.addrs }

// HTTPAddr is the address of the operators' side; nil if it is off.
func (s *Server) HTTPAddr() net.Addr {
	if s.http == nil {
		return nil
	}
	return s.http.addr
}

func (s *Server) badPackets() (n uint64) {
	for _, h := range s.clients {
		n += h.BadPackets()
	}
	return n
}

// Stop takes the server down in order: no new sessions, what is on its way is stored
// and acknowledged, clients are told when to come back, then everything closes.
func (s *Server) Stop(ctx context.Context) error {
	s.config.Logger.Info("draining", "sessions", s.engine.Sessions())
	s.http.notReady()
	ctx, cancel := context.WithTimeout(ctx, s.config.DrainTimeout)
	defer cancel()
	err := s.hub.Drain(ctx)
	if err != nil {
		// The hub asks a store that fails for the outcome of a commit until it knows;
		// a closed one answers at once. Nobody was told that any of it is stored.
		if e := s.closeStore(); e != nil {
			s.config.Logger.Error("closing the store", "error", e)
		}
	}
	s.engine.Drain(ctx)
	if e := s.release(); err == nil {
		err = e
	}
	s.config.Logger.Info("stopped")
	return err
}

// release undoes Start, in the opposite order.
func (s *Server) release() (err error) {
	s.http.close()
	if s.engine != nil {
		err = s.engine.Close()
	}
	if s.hub != nil {
		s.hub.Close()
	}
	if e := s.closeStore(); err == nil {
		err = e
	}
	return err
}

// closeStore closes the store if it is there and open. It stays for its figures.
func (s *Server) closeStore() error {
	if s.store == nil || s.storeClosed {
		return nil
	}
	s.storeClosed = true
	return s.store.Close()
}

// Run starts a server, prints the addresses to out when it is ready, one per line, and
// stops it when ctx is done.
func Run(ctx context.Context, c Config, out io.Writer) error {
	s, err := Start(ctx, c)
	if err != nil {
		return err
	}
	for _, a := range s.Addrs() {
		if _, err := fmt.Fprintf(out, "listening tcp://%s\n", a); err != nil {
			break // nobody reads; the server runs all the same
		}
	}
	s.giveMemoryBack(ctx)
	return s.Stop(context.WithoutCancel(ctx))
}

// Validate checks what a person has set.
func (c *Config) Validate() error {
	switch {
	case len(c.Listen) == 0:
		return fmt.Errorf("no address to listen on; give --listen tcp://HOST:PORT")
	case c.Workers < 1 || c.Workers > 64:
		return fmt.Errorf("workers is %d; allowed are 1 to 64", c.Workers)
	case c.SessionsMax < 1 || c.SessionsMax > 1<<20:
		return fmt.Errorf("sessions-max is %d; allowed are 1 to %d", c.SessionsMax, 1<<20)
	case c.SocketRecvBytes != 0 && (c.SocketRecvBytes < socketRecvLeast || c.SocketRecvBytes > socketRecvMost):
		return fmt.Errorf("socket-recv-bytes is %d; allowed are 0 (the system's choice) and %d to %d", c.SocketRecvBytes, socketRecvLeast, socketRecvMost)
	case c.Hub.TextBytesMax > textBytesMost:
		return fmt.Errorf("text-bytes-max is %d; a packet has room for %d", c.Hub.TextBytesMax, textBytesMost)
	case c.HeartbeatInterval > 0 && c.IdleTimeout > 0 && c.IdleTimeout <= c.HeartbeatInterval:
		return fmt.Errorf("idle-timeout (%v) must be longer than heartbeat (%v)", c.IdleTimeout, c.HeartbeatInterval)
	}
	if err := c.validateLoad(); err != nil {
		return err
	}
	return c.Hub.Limits.Validate()
}

// validateLoad checks what the load is measured by; 0 is the default.
func (c *Config) validateLoad() error {
	h := &c.Hub
	switch {
	case h.PublishBytesPendingMax != 0 && (h.PublishBytesPendingMax < textBytesMost || h.PublishBytesPendingMax > publishBytesPendingMost):
		return fmt.Errorf("publish-bytes-pending-max is %d; allowed are %d to %d", h.PublishBytesPendingMax, textBytesMost, publishBytesPendingMost)
	case h.StoreQueueMax != 0 && (h.StoreQueueMax < 1 || h.StoreQueueMax > storeQueueMost):
		return fmt.Errorf("store-queue-max is %d; allowed are 1 to %d", h.StoreQueueMax, storeQueueMost)
	case h.WorkerLagMax > 0 && h.WorkerLagMax < workerLagLeast:
		return fmt.Errorf("worker-lag-max is %v; allowed are 0 (it does not count) and %v or more", h.WorkerLagMax, workerLagLeast)
	}
	return nil
}

const (
	socketRecvLeast         = 4 << 10
	socketRecvMost          = 64 << 20
	publishBytesPendingMost = 64 << 30
	storeQueueMost          = 1 << 24
	workerLagLeast          = 10 * time.Millisecond
)

// textBytesMost leaves room in a packet for a name and the numbers around the text.
const textBytesMost = 60000

var _ chat.Store = (*sqlite.Store)(nil)
