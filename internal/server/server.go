// Package server wires the parts into one running chat server: store, hub, engine,
// gateways, and the HTTP side for operators.
package server

import (
	"cmp"
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
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"sarang/aio"
	"sarang/chat"
	"sarang/engine"
	"sarang/engine/tlscodec"
	"sarang/internal/control"
	"sarang/internal/files"
	"sarang/internal/hub"
	"sarang/internal/jwtauth"
	"sarang/internal/limit"
	"sarang/internal/node"
	"sarang/internal/store"
)

// Config says what the server is to be. Default has the values that are used where a
// person says nothing; zero fields below Hub take the defaults of their packages.
type Config struct {
	Listen     []Address        // where clients connect, and what is spoken there
	TLSCert    string           // file with the certificate, and those between it and its authority: PEM
	TLSKey     string           // file with its key: PEM
	TLSRecords tlscodec.Records // who makes the records of TLS 1.3 behind the handshake
	Reload     <-chan struct{}  // the files are to be read again; nil: when they have changed only
	Sockets    []uintptr        // listening sockets handed over, instead of Listen: native protocol
	Web        Address          // where browsers connect; zero: nowhere
	HTTP       string           // address of /metrics, /healthz and /readyz; "" or "none": nowhere
	DataDir    string           // crash reports, and the embedded store
	Store      string           // URL of the store; empty: the embedded one in DataDir
	Sync       store.SyncMode   // what a commit survives
	IO         string           // auto, or one of aio.Kinds
	Workers    int              // threads that serve sessions

	ACME ACME          // or an authority makes the certificate
	HSTS time.Duration // for how long browsers remember to ask Web by TLS only; 0: they are not told

	HTTPHosts   []string    // names that HTTP is asked by, besides localhost and addresses
	WebHosts    []string    // the same of Web; none: any, where that is no loopback address
	WebOrigins  []string    // SCHEME://HOST[:PORT] of pages that may connect to Web, besides its own
	WebFrames   []string    // SCHEME://HOST[:PORT] of pages that may have the page of Web within them
	Proxies     limit.Trust // networks of proxies that say for whom they ask
	ProxyListen bool        // connections of these to Listen begin with a header of the PROXY protocol
	ProxyWeb    bool        // those to Web do; else X-Forwarded-For of their requests is believed

	WebDeflate bool // WebSockets may be compressed, if the client wants it

	JWT jwtauth.Config // of a program that embeds the chat, whose tokens say who somebody is; without a Key: none does

	Pprof bool // HTTP has /debug/pprof, too

	SessionsMax       int
	SocketRecvBytes   int // what the system keeps of what a client says and is not read yet; 0: its own choice
	LoginDeadline     time.Duration
	HeartbeatInterval time.Duration
	IdleTimeout       time.Duration
	Retention         time.Duration // durable events that are older are erased; 0: none are
	ExpireEvery       time.Duration // from the end of one look for what is too old to the next
	AuditRetention    time.Duration // entries of the audit log, and resolved reports, that are older are erased; 0: none are
	DrainTimeout      time.Duration // for everything to end in order
	RetryAfterMin     time.Duration // clients are told, at a drain, to come back after
	RetryAfterMax     time.Duration // a random time between these

	Hub    hub.Config   // limits of the chat; Store and Logger are set by Start
	Logger *slog.Logger // must not wait, for workers log
	Debug  bool         // buffers from the debug allocator
	Name   string       // program and version

	LogLinesLost func() uint64 // how many lines Logger has dropped; nil: none
	LogFlush     func()        // writes what Logger has kept back, within a bound of time; nil: nothing is

	computing func() // tests want to know when a handshake computes

	webConnectionsMax int // 0: the default; for tests

	wrapStore func(chat.Store) chat.Store // tests put a store of theirs before the real one
	stillMax  time.Duration               // tests have no time for workerStillMax
}

// Nowhere is what a person writes for an address that nobody is to connect to.
const Nowhere = "none"

// Address is where clients connect: SCHEME://HOST:PORT.
type Address struct {
	Scheme string // what is spoken; see node.Schemes
	Addr   netip.AddrPort
}

// String returns the address as a person writes it.
func (a Address) String() string { return a.Scheme + "://" + a.Addr.String() }

// Native are addresses where the native protocol is spoken.
func Native(addrs ...netip.AddrPort) (all []Address) {
	for _, a := range addrs {
		all = append(all, Address{node.Native, a})
	}
	return all
}

// Default returns the configuration of a server that nobody has configured.
func Default() Config {
	return Config{
		Listen:            Native(netip.MustParseAddrPort("127.0.0.1:7777")),
		Web:               Address{"http", netip.MustParseAddrPort("127.0.0.1:7780")},
		HTTP:              "127.0.0.1:7782",
		TLSRecords:        tlscodec.OwnRecords,
		HSTS:              DefaultHSTS,
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
		ExpireEvery:       time.Minute,
		AuditRetention:    2 * 365 * 24 * time.Hour,
		Hub:               hub.DefaultConfig(),
		Logger:            slog.Default(),
		Name:              "sarang",
	}
}

// Server is a server that runs.
type Server struct {
	identities *jwtauth.Verifier // nil: no other program says who somebody is
	config     Config
	store      chat.Store
	node       *node.Node
	web        *web
	tls        []*tlsDoor

	proxyHeaders atomic.Uint64 // connections of proxies that were closed for their header

	acme *acmeSource // certificates of an authority; nil: there are none

	certificate *certificate                        // nil: no address speaks TLS
	tokens      tlscodec.Tokens                     // for all handshakes
	tlsSessions struct{ own, crypto atomic.Uint64 } // by who makes their records
	ended       chan struct{}                       // closed when the server is taken down
	watching    sync.WaitGroup

	http    *operators
	control *control.Server
	disk    *diskWatch
	erasing *erasing
	files   *files.Keeper // nil: the store keeps none
	addrs   []Address
	started time.Time

	following chan struct{} // full while operators and bans are read

	storeClosed bool
}

// Start brings a server up. When it returns without error, the server listens. On an
// error everything that was begun is undone.
func Start(ctx context.Context, c Config) (s *Server, err error) {
	s = &Server{config: c, started: time.Now(), ended: make(chan struct{}), tokens: handshakeTokens(c.Workers), following: make(chan struct{}, 1)}
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
	if s.config.JWT.Key != "" {
		s.config.JWT.Logger = c.Logger
		if s.identities, err = jwtauth.Open(s.config.JWT); err != nil {
			return s, err
		}
	}
	if s.node, err = s.newNode(kind); err != nil {
		return s, err
	}
	if err = s.node.Engine.Start(); err != nil {
		return s, fmt.Errorf("starting the workers: %w", err)
	}
	if err = s.startModeration(ctx); err != nil {
		return s, fmt.Errorf("reading bans and operators: %w", err)
	}
	s.disk = s.watchDisk()
	if s.erasing, err = s.startErasing(); err != nil {
		return s, err
	}
	if err = s.startFiles(); err != nil {
		return s, err
	}
	if err = s.loadCertificate(); err != nil {
		return s, err
	}
	if err = s.listen(ctx); err != nil {
		return s, err
	}
	if s.web, err = serveWeb(ctx, s); err != nil {
		return s, err
	}
	if err = s.startACME(); err != nil {
		return s, err
	}
	if s.http, err = serveOperators(s); err != nil {
		return s, err
	}
	s.startControl(ctx)
	c.Logger.Info("ready", "io", kind, "workers", c.Workers, "data", c.DataDir, "sync", c.Sync)
	return s, nil
}

// listen opens the addresses of the configuration, or takes over the sockets that were
// handed to the program.
func (s *Server) listen(ctx context.Context) error {
	for _, h := range s.config.Sockets {
		p, err := s.node.Protocol(node.Native)
		if err != nil {
			return err
		}
		at, err := s.node.Engine.ListenInherited(h, s.behindProxies(p, s.config.ProxyListen))
		if err != nil {
			return err
		}
		s.addrs = append(s.addrs, Address{node.Native, at})
	}
	if len(s.config.Sockets) > 0 {
		return nil
	}
	for _, a := range s.config.Listen {
		at, err := s.listenOn(ctx, a)
		if err != nil {
			return err
		}
		s.addrs = append(s.addrs, at)
	}
	return nil
}

// addressPatience is how long a server waits for an address that is in use. When a
// process that uses io_uring is killed, the kernel closes its sockets some time after the
// process is gone, and whoever starts it again is quicker than that now and then.
const addressPatience = 3 * time.Second

func (s *Server) listenOn(ctx context.Context, a Address) (Address, error) {
	if a.Scheme == node.TLS {
		return s.listenTLS(ctx, a)
	}
	p, err := s.node.Protocol(a.Scheme)
	if err != nil {
		return a, err
	}
	return s.open(ctx, a, s.behindProxies(p, s.config.ProxyListen))
}

// open listens on an address for who speaks p.
func (s *Server) open(ctx context.Context, a Address, p *engine.Protocol) (Address, error) {
	open := s.node.Engine.Listen
	if s.besideIPv4(a.Addr) {
		open = s.node.Engine.ListenV6Only
	}
	end := time.Now().Add(addressPatience)
	for told := false; ; told = true {
		at, err := open(a.Addr, p)
		if !errors.Is(err, syscall.EADDRINUSE) || ctx.Err() != nil || time.Now().After(end) {
			return Address{a.Scheme, at}, err
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

// besideIPv4 reports whether addr is all of IPv6, and somebody wants the same port of IPv4
// for a listener of its own: such an address stands for both otherwise.
func (s *Server) besideIPv4(addr netip.AddrPort) bool {
	return addr.Addr() == netip.IPv6Unspecified() && addr.Port() != 0 &&
		slices.ContainsFunc(s.config.Listen, func(other Address) bool {
			return other.Addr.Addr().Is4() && other.Addr.Port() == addr.Port()
		})
}

// loadCertificate reads the certificate if an address needs one, and looks after it.
func (s *Server) loadCertificate() (err error) {
	c := &s.config
	if len(c.ACME.Hosts) > 0 {
		s.acme, err = newACME(c.ACME, c.DataDir, c.Name, c.Logger)
		return err
	}
	if c.TLSCert == "" {
		return nil
	}
	if s.certificate, err = loadCertificate(c.TLSCert, c.TLSKey, c.Logger); err != nil {
		return err
	}
	end := s.ended
	s.watching.Go(func() {
		look := time.NewTicker(certificateEvery)
		defer look.Stop()
		s.certificate.watch(look.C, c.Reload, end)
	})
	return nil
}

// startACME has certificates made, and looks after them. By then the authority can ask.
func (s *Server) startACME() error {
	if s.acme == nil {
		return nil
	}
	port := uint16(443)
	if s.web != nil && s.web.tls != nil {
		port = s.web.at.Addr.Port()
	}
	if err := s.acme.listen(port); err != nil {
		return err
	}
	s.watching.Go(s.acme.look)
	return nil
}

func openStore(ctx context.Context, c Config) (chat.Store, error) {
	return store.Open(ctx, cmp.Or(c.Store, store.DefaultURL(c.DataDir)), store.Options{
		Sync: c.Sync, ReadersMax: storeReaders(c.Workers) + 2 + max(c.Hub.SearchesAtOnce, 1), // one for short reads, one for logins
		NoSearch: c.Hub.NoSearch, Logger: c.Logger,
	})
}

// storeReaders is how many pages may be read from the store at one time: as many as leave
// a processor to each worker, but one at least. Else a crowd that asks for history holds
// up everybody.
func storeReaders(workers int) int {
	return min(max(runtime.GOMAXPROCS(0)-workers, 1), storeReadersMax)
}

const storeReadersMax = 4

func (s *Server) newNode(kind string) (*node.Node, error) {
	c := s.config
	crashes := filepath.Join(c.DataDir, "crashes")
	if err := os.MkdirAll(crashes, 0o700); err != nil {
		return nil, fmt.Errorf("folder for crash reports: %w", err)
	}
	h := c.Hub
	h.Store, h.Logger = s.store, c.Logger
	if s.identities != nil {
		h.Identify = s.identities.Identify
	}
	h.StoreReadsMax = cmp.Or(h.StoreReadsMax, storeReaders(c.Workers))
	if c.wrapStore != nil {
		h.Store = c.wrapStore(s.store)
	}
	socket := engine.DefaultSocket()
	socket.RecvBufferBytes = c.SocketRecvBytes
	driver := aio.Config{SocketsMax: c.SessionsMax + 64}
	return node.New(node.Config{
		Hub: h,
		Engine: engine.Config{
			Name:              "sarang",
			Socket:            socket,
			Workers:           c.Workers,
			OpenDriver:        func(int) (aio.Driver, error) { return aio.Open(kind, driver) },
			Driver:            driver,
			SessionsMax:       c.SessionsMax,
			LoginDeadline:     c.LoginDeadline,
			HeartbeatInterval: c.HeartbeatInterval,
			IdleTimeout:       c.IdleTimeout,
			Logger:            crashLogger(c.Logger, c.LogFlush),
			CrashDir:          crashes,
			Debug:             c.Debug,
		},
		Server: c.Name, RetryAfterMin: c.RetryAfterMin, RetryAfterMax: c.RetryAfterMax,
	})
}

// Addrs are the addresses that clients connect to.
func (s *Server) Addrs() []Address { return s.addrs }

// WebAddr is the address of browsers; zero if there is none.
func (s *Server) WebAddr() Address {
	if s.web == nil {
		return Address{}
	}
	return s.web.at
}

// HTTPAddr is the address of the operators' side; nil if there is none.
func (s *Server) HTTPAddr() net.Addr {
	if s.http == nil {
		return nil
	}
	return s.http.addr
}

// Stop takes the server down in order: no new sessions, what is on its way is stored
// and acknowledged, clients are told when to come back, then everything closes.
func (s *Server) Stop(ctx context.Context) error {
	s.config.Logger.Info("draining", "sessions", s.node.Engine.Sessions())
	s.http.notReady()
	ctx, cancel := context.WithTimeout(ctx, s.config.DrainTimeout)
	defer cancel()
	err := s.node.Hub.Drain(ctx)
	if err != nil {
		// The hub asks a store that fails for the outcome of a commit until it knows;
		// a closed one answers at once. Nobody was told that any of it is stored.
		if e := s.closeStore(); e != nil {
			s.config.Logger.Error("closing the store", "error", e)
		}
	}
	s.node.Engine.Drain(ctx)
	if e := s.release(); err == nil {
		err = e
	}
	s.config.Logger.Info("stopped")
	return err
}

// release undoes Start, in the opposite order.
func (s *Server) release() (err error) {
	s.control.Close()
	s.http.close()
	s.web.close()
	for _, d := range s.tls {
		d.close()
	}
	s.acme.close()
	if s.ended != nil {
		close(s.ended)
		s.ended = nil
		s.watching.Wait()
	}
	s.disk.close()
	s.erasing.close()
	s.disk, s.erasing = nil, nil
	if s.node != nil {
		err = s.node.Close()
	}
	if e := s.files.Close(); err == nil {
		err = e
	}
	s.files = nil
	if s.identities != nil {
		s.identities.Close()
		s.identities = nil
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
	addrs := s.Addrs()
	if s.web != nil {
		addrs = append(slices.Clone(addrs), s.web.at)
	}
	for _, a := range addrs {
		if _, err := fmt.Fprintf(out, "listening %s\n", a); err != nil {
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
	case c.HeartbeatInterval > 0 && c.IdleTimeout > 0 && c.IdleTimeout <= c.HeartbeatInterval:
		return fmt.Errorf("idle-timeout (%v) must be longer than heartbeat (%v)", c.IdleTimeout, c.HeartbeatInterval)
	}
	if lag := c.Hub.WorkerLagMax; lag > 0 && lag < workerLagLeast {
		return fmt.Errorf("worker-lag-max is %v; allowed are 0 (it does not count) and %v or more", lag, workerLagLeast)
	}
	if wait := c.Hub.StoreWaitMax; wait > 0 && wait < storeWaitLeast {
		return fmt.Errorf("store-wait-max is %v; allowed are 0 (it does not count) and %v or more", wait, storeWaitLeast)
	}
	if err := checkRetention("retention", c.Retention); err != nil {
		return err
	}
	if err := checkRetention("audit-retention", c.AuditRetention); err != nil {
		return err
	}
	for _, name := range c.HTTPHosts {
		if strings.ContainsAny(name, ":/*") {
			return fmt.Errorf("http-hosts has %q; it must be a name, without scheme and port", name)
		}
	}
	if c.Store != "" {
		if err := store.Check(c.Store); err != nil {
			return fmt.Errorf("store: %w", err)
		}
	}
	if err := c.checkWeb(); err != nil {
		return err
	}
	if err := c.ACME.check(c.TLSCert != ""); err != nil {
		return err
	}
	if len(c.Proxies) == 0 && (c.ProxyListen || c.ProxyWeb) {
		return errors.New("proxy-protocol is of use with --proxies NETWORKS only: others are not believed")
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return errors.New("tls-cert and tls-key go together")
	}
	if c.TLSRecords != tlscodec.OwnRecords && c.TLSRecords != tlscodec.CryptoRecords {
		return fmt.Errorf("tls-records is %q; it must be own or crypto", c.TLSRecords)
	}
	for _, a := range c.Listen {
		if err := node.CheckScheme(a.Scheme); err != nil {
			return fmt.Errorf("listen is %q: %w", a, err)
		}
		if a.Scheme == node.TLS && c.TLSCert == "" && len(c.ACME.Hosts) == 0 {
			return fmt.Errorf("listen is %q: %w", a, errNoCertificate)
		}
	}
	return c.Hub.CheckLimits()
}

const (
	socketRecvLeast = 4 << 10
	socketRecvMost  = 64 << 20
	workerLagLeast  = 10 * time.Millisecond
	storeWaitLeast  = 100 * time.Millisecond
)
