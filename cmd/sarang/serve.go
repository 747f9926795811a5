package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/knadh/koanf/parsers/toml/v2"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/cobra"

	"sarang/aio"
	"sarang/engine/tlscodec"
	"sarang/internal/hub"
	"sarang/internal/jwtauth"
	"sarang/internal/node"
	"sarang/internal/password/apart"
	"sarang/internal/server"
	"sarang/internal/store"
	"sarang/internal/tui"
)

func serveCommand() *cobra.Command {
	d := server.Default()
	c := &cobra.Command{
		Use:   "serve",
		Short: "Start a chat server",
		Long: "Start a chat server. When it is ready it prints the addresses that it listens\n" +
			"on, one per line, on standard output; its log goes to standard error. SIGTERM\n" +
			"and Ctrl-C stop it in order: nothing that was acknowledged is lost. With\n" +
			"--log-file SIGHUP reopens the log, for rotation, with --tls-cert it reads the\n" +
			"certificate again; with neither it stops the server in order, for the terminal is\n" +
			"gone. SIGQUIT ends it at once and prints all stacks.\n\n" +
			"Every flag can be given as an environment variable (--data is\n" +
			"SARANG_DATA; several values are separated by commas; an empty variable is as if\n" +
			"it were not set) or in a TOML file (data = \"…\"). A flag wins over the\n" +
			"environment, the environment over the file.",
		Example: "  sarang serve\n" +
			"  sarang serve --listen tcp://0.0.0.0:7777 --listen 'tcp://[::]:7777' --data /var/lib/sarang\n" +
			"  SARANG_LOG_LEVEL=debug sarang serve --config sarang.toml",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			config, logs, err := serveConfig(c)
			if err != nil {
				return usageError{err}
			}
			return serve(c, config, logs)
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringSlice("listen", []string{d.Listen[0].String()}, "address for clients, SCHEME://HOST:PORT; may be given several times; port 0 picks one; schemes: "+strings.Join(node.Schemes(), ", "))
	f.String("data", d.DataDir, "folder for the database, files, the lock, the socket of operators, certificates and crash reports")
	f.String("store", "", "where messages are kept: "+strings.Join(store.Forms(), ", ")+"; default: "+store.DefaultURL("DATA"))
	f.String("web", d.Web.String(), "address for browsers, http://HOST:PORT or https://HOST:PORT: the page at /, files at /files, WebSocket at /ws; none: they are not served, and there are no files")
	f.StringSlice("web-hosts", nil, "names by which --web is asked, besides localhost and addresses; none: any name where it is no loopback address")
	f.StringSlice("web-frames", nil, "origins of pages that may have the page of --web within them, SCHEME://HOST[:PORT]")
	f.StringSlice("web-origins", nil, "origins of pages that may connect to --web besides its own, SCHEME://HOST[:PORT]")
	f.StringSlice("proxies", nil, "networks of proxies before --web and --listen, which say for whom they ask; at --web by X-Forwarded-For, which must be set by the proxy itself")
	f.StringSlice("proxy-protocol", nil, "listen, web or both: there connections from --proxies begin with a header of the PROXY protocol, version 1 or 2")
	f.String("tls-cert", "", "file with the certificate of tls:// and https:// addresses, and those between it and its authority: PEM; read again when it changes, and at SIGHUP")
	f.String("tls-key", "", "file with the key of --tls-cert: PEM")
	f.String("tls-records", string(d.TLSRecords), "who makes the records of TLS 1.3 behind the handshake: own takes a tenth of the memory, crypto is the standard library's crypto/tls")
	f.Bool("web-deflate", false, "WebSockets at --web are compressed, if the client offers it: fewer bytes of long messages for more work")
	f.Duration("web-hsts", d.HSTS, "for how long browsers remember to ask --web https://… by TLS only; 0: they are not told")
	f.StringSlice("acme-host", nil, "name for which an authority is to make the certificate, instead of --tls-cert; its terms are accepted by that")
	f.String("acme-email", "", "whom the authority tells about trouble")
	f.String("acme-directory", "", "URL of the authority; default: Let's Encrypt")
	f.String("acme-ca", "", "file with the certificates that vouch for --acme-directory: PEM; default: the system's")
	f.String("acme-http", server.Nowhere, "address where the authority asks by HTTP-01, which the world sees at port 80, such as 0.0.0.0:80; others are sent to --web; none: it asks at --web by TLS-ALPN-01")
	f.String("http", d.HTTP, "address of /metrics, /healthz and /readyz, for operators: it has no password; none: they are not served")
	f.StringSlice("http-hosts", nil, "names by which --http is asked, besides localhost and addresses")
	f.Bool("pprof", false, "--http answers /debug/pprof, too: profiles and memory, for debugging")
	f.String("io", d.IO, "I/O driver: auto, "+strings.Join(aio.Kinds(), ", "))
	f.Int("workers", d.Workers, "threads that serve sessions")
	f.String("sync", store.PowerSafe.String(), "what an acknowledged message survives: power-safe (a power cut) or process-safe (the end of the process)")
	f.String("log-level", "info", "debug, info, warn or error")
	f.String("log-file", "", "append the log to this file instead of standard error")
	f.String("log-format", "auto", "text, json, or auto: coloured text on a terminal, else text")
	f.String("config", "", "TOML file")
	f.Int("sessions-max", d.SessionsMax, "connections at once; each needs an open file")
	f.Int("socket-recv-bytes", d.SocketRecvBytes, "what the system keeps of what a client says and is not read yet; 0: its own choice")
	f.Duration("login-deadline", d.LoginDeadline, "time to log in after connecting")
	f.Duration("heartbeat", d.HeartbeatInterval, "silence after which a client is asked whether it is there")
	f.Duration("idle-timeout", d.IdleTimeout, "silence after which a client is given up")
	f.Duration("drain-timeout", d.DrainTimeout, "time for an orderly end")
	f.String("registration", d.Hub.Registration.String(), "who can become an account: open (everybody), code (with an invitation code of yours) or closed (nobody)")
	f.String("jwt-issuer", "", "whose tokens (JWT) say who somebody is, for a program that embeds the chat: iss")
	f.String("jwt-audience", "", "and what has to be among their aud")
	f.String("jwt-key", "", "with what they are signed, by EdDSA, ES256, RS256 or HS256: a file with public keys (PEM), a JWK set or a secret, or the https:// URL of a JWK set")
	f.String("guests", "on", "on or off: whether people without a password are let in")
	f.String("search", "on", "on or off: whether people can search; a message is found a moment after it was said, and its words take room on the disk")
	f.Duration("retention", 0, "messages and other events that are older are erased for good; 0: they stay")
	f.Duration("audit-retention", d.AuditRetention, "entries of the audit log, and reports that were resolved, that are older are erased; 0: they stay")
	limitFlags(f, d.Hub)
	f.Bool("debug-memory", false, "network buffers from a slow allocator that catches misuse")
	return c
}

// serve runs a server.
func serve(c *cobra.Command, config server.Config, logs logSettings) error {
	log, err := logs.open()
	if err != nil {
		return usageError{err}
	}
	defer log.close()
	signal.Ignore(syscall.SIGPIPE) // what is written where nobody reads is an error, and not the end
	config.Logger, config.LogLinesLost = log.Logger, log.queue.linesLost
	config.LogFlush = func() { log.queue.flush(logFlushTimeout) }
	reload := make(chan struct{}, 1)
	var again func()
	if config.TLSCert != "" {
		config.Reload = reload
		again = func() {
			select {
			case reload <- struct{}{}:
			default: // it is asked for already
			}
		}
	}
	ctx, stop := onHangup(c.Context(), log, again)
	defer stop()
	hasher := apart.New(log.Logger, self(), hashCommandName)
	defer hasher.Close()
	config.Hub.PasswordKey = hasher.Key
	return server.Run(ctx, config, c.OutOrStdout())
}

// configOfArgs reads the configuration of "serve ARGS...".
func configOfArgs(args []string) (server.Config, error) {
	c := serveCommand()
	if err := c.ParseFlags(args); err != nil {
		return server.Config{}, err
	}
	config, _, err := serveConfig(c)
	return config, err
}

// serveConfig reads flags, environment and file, in that order of precedence.
func serveConfig(c *cobra.Command) (config server.Config, logs logSettings, err error) {
	config = server.Default()
	k := koanf.New(".")
	known := func(key string) bool { return c.Flags().Lookup(key) != nil && key != "help" }
	if err := k.Load(env.Provider(".", env.Opt{Prefix: "SARANG_", TransformFunc: fromEnvironment}), nil); err != nil {
		return config, logs, err
	}
	fromEnv := k.Keys()
	path := k.String("config")
	if f := c.Flags().Lookup("config"); f.Changed {
		path = f.Value.String()
	}
	all := koanf.New(".")
	if path != "" {
		if err := all.Load(file.Provider(path), tomlParser{toml.Parser()}); err != nil {
			return config, logs, fmt.Errorf("config file %s: %w", path, err)
		}
		for _, key := range all.Keys() {
			if !known(key) {
				return config, logs, fmt.Errorf("config file %s: there is no setting %q; the settings are the flags of 'sarang serve --help' without --", path, key)
			}
		}
	}
	for _, key := range fromEnv {
		if !known(key) {
			fmt.Fprintf(os.Stderr, "sarang: the environment variable SARANG_%s is not a setting of the server; it is ignored\n",
				tui.CleanLine(strings.ToUpper(strings.ReplaceAll(key, "-", "_"))))
			continue
		}
		if err := all.Set(key, k.Get(key)); err != nil {
			return config, logs, err
		}
	}
	if err := all.Load(posflag.Provider(c.Flags(), ".", all), nil); err != nil {
		return config, logs, err
	}
	logs = logSettings{all.String("log-file"), all.String("log-level"), all.String("log-format")}
	if err := logs.check(); err != nil {
		return config, logs, err
	}
	err = fillConfig(&config, &settings{k: all})
	return config, logs, err
}

// fromEnvironment turns a variable into a setting. An empty one is as if it were not set:
// a compose file that passes a variable on has it empty where nobody set it.
func fromEnvironment(name, value string) (string, any) {
	if value == "" {
		return "", nil
	}
	return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(name, "SARANG_")), "_", "-"), value
}

// tomlParser reads TOML also behind a byte order mark, which editors on Windows write.
type tomlParser struct{ koanf.Parser }

func (p tomlParser) Unmarshal(text []byte) (map[string]any, error) {
	return p.Parser.Unmarshal(bytes.TrimPrefix(text, []byte("\ufeff")))
}

// settings reads typed values and remembers the first that is not what it should be.
type settings struct {
	k   *koanf.Koanf
	err error
}

func (s *settings) fail(key, want string) {
	if s.err == nil {
		s.err = fmt.Errorf("%s is %q; it must be %s", key, s.k.String(key), want)
	}
}

func (s *settings) number(key string) int {
	// Base 0, for the flags are read so: 0x10 and 010 are the same wherever they stand.
	n, err := strconv.ParseInt(strings.TrimSpace(s.k.String(key)), 0, strconv.IntSize)
	if err != nil {
		s.fail(key, "a whole number")
	}
	return int(n)
}

func (s *settings) duration(key string) time.Duration {
	d, err := time.ParseDuration(strings.TrimSpace(s.k.String(key)))
	if err != nil {
		s.fail(key, "a duration such as 30s or 5m")
	}
	return d
}

func (s *settings) boolean(key string) bool {
	b, err := strconv.ParseBool(s.k.String(key))
	if err != nil {
		s.fail(key, "true or false")
	}
	return b
}

// list reads several values, which the environment gives separated by commas.
func (s *settings) list(key string) []string {
	var all []string
	values := s.k.Strings(key)
	if one, ok := s.k.Get(key).(string); ok {
		values = []string{one}
	}
	for _, v := range values {
		for one := range strings.SplitSeq(v, ",") {
			if one = strings.TrimSpace(one); one != "" {
				all = append(all, one)
			}
		}
	}
	return all
}

func fillConfig(c *server.Config, s *settings) error {
	c.Name = "sarang " + version()
	c.DataDir, c.HTTP, c.IO = s.k.String("data"), s.k.String("http"), s.k.String("io")
	if nowhere(c.HTTP) {
		c.HTTP = server.Nowhere
	}
	c.Workers, c.SessionsMax = s.number("workers"), s.number("sessions-max")
	c.SocketRecvBytes = s.number("socket-recv-bytes")
	c.Store = s.k.String("store")
	c.LoginDeadline, c.HeartbeatInterval = s.duration("login-deadline"), s.duration("heartbeat")
	c.Retention, c.AuditRetention = s.duration("retention"), s.duration("audit-retention")
	c.JWT = jwtauth.Config{Issuer: s.k.String("jwt-issuer"), Audience: s.k.String("jwt-audience"), Key: s.k.String("jwt-key")}
	if j := &c.JWT; (j.Key != "" || j.Issuer != "" || j.Audience != "") && (j.Key == "" || j.Issuer == "" || j.Audience == "") && s.err == nil {
		s.err = errors.New("jwt-issuer, jwt-audience and jwt-key go together")
	}
	registration, ok := hub.ParseRegistration(s.k.String("registration"))
	if !ok {
		s.fail("registration", "open, code or closed")
	}
	c.Hub.Registration = registration
	switch s.k.String("guests") {
	case "on":
	case "off":
		c.Hub.NoGuests = true
	default:
		s.fail("guests", "on or off")
	}
	switch s.k.String("search") {
	case "on":
	case "off":
		c.Hub.NoSearch = true
	default:
		s.fail("search", "on or off")
	}
	c.IdleTimeout, c.DrainTimeout = s.duration("idle-timeout"), s.duration("drain-timeout")
	c.Debug, c.Pprof = s.boolean("debug-memory"), s.boolean("pprof")
	c.WebDeflate = s.boolean("web-deflate")
	c.HSTS = s.duration("web-hsts")
	c.ACME = server.ACME{
		Hosts: s.list("acme-host"), Email: s.k.String("acme-email"), Directory: s.k.String("acme-directory"),
		CAFile: s.k.String("acme-ca"), HTTP: s.k.String("acme-http"),
	}
	if nowhere(c.ACME.HTTP) {
		c.ACME.HTTP = server.Nowhere
	}
	c.Proxies = s.trust("proxies")
	for _, where := range s.list("proxy-protocol") {
		switch where {
		case "listen":
			c.ProxyListen = true
		case "web":
			c.ProxyWeb = true
		default:
			s.fail("proxy-protocol", "listen, web, or both")
		}
	}
	c.HTTPHosts, c.WebHosts, c.WebOrigins, c.WebFrames = s.list("http-hosts"), s.list("web-hosts"), s.list("web-origins"), s.list("web-frames")
	fillLimits(&c.Hub, s)
	var err error
	if c.Sync, err = store.ParseSyncMode(s.k.String("sync")); err != nil {
		s.fail("sync", "power-safe or process-safe")
	}
	if s.err != nil {
		return s.err
	}
	c.Listen = nil
	for _, l := range s.list("listen") {
		a, err := parseListen(l)
		if err != nil {
			return err
		}
		c.Listen = append(c.Listen, a)
	}
	c.TLSCert, c.TLSKey = s.k.String("tls-cert"), s.k.String("tls-key")
	c.TLSRecords = tlscodec.Records(s.k.String("tls-records"))
	if c.Web, err = parseWeb(s.k.String("web")); err != nil {
		return err
	}
	if c.Sockets, err = inheritedSockets(); err != nil {
		return err
	}
	return c.Validate()
}

// parseListen reads SCHEME://HOST:PORT. HOST is an address or a name of this machine.
func parseListen(s string) (server.Address, error) {
	scheme, hostport, ok := strings.Cut(s, "://")
	if ok {
		if err := node.CheckScheme(scheme); err != nil {
			return server.Address{}, fmt.Errorf("listen is %q: %w", s, err)
		}
	}
	if _, port, err := net.SplitHostPort(hostport); !ok || err != nil || port == "" {
		return server.Address{}, fmt.Errorf("listen is %q; it must be tcp://HOST:PORT, such as tcp://127.0.0.1:7777 or tcp://[::]:7777", s)
	}
	at, err := resolveAddress(scheme, hostport)
	if err != nil {
		return at, fmt.Errorf("listen is %q: %w", s, err)
	}
	return at, nil
}

// nowhere reports whether s says that there is to be no such address. "off" is how it was
// said at first.
func nowhere(s string) bool { return s == "" || s == server.Nowhere || s == "off" }

// parseWeb reads http://HOST:PORT, https://HOST:PORT, or none.
func parseWeb(s string) (server.Address, error) {
	if nowhere(s) {
		return server.Address{}, nil
	}
	scheme, hostport, ok := strings.Cut(s, "://")
	if _, port, err := net.SplitHostPort(strings.TrimSuffix(hostport, "/")); !ok || scheme != "http" && scheme != "https" || err != nil || port == "" {
		return server.Address{}, fmt.Errorf("web is %q; it must be http://HOST:PORT or https://HOST:PORT, such as http://127.0.0.1:7780, or none", s)
	}
	at, err := resolveAddress(scheme, strings.TrimSuffix(hostport, "/"))
	if err != nil {
		return at, fmt.Errorf("web is %q: %w", s, err)
	}
	return at, nil
}

// resolveAddress finds HOST:PORT of this machine.
func resolveAddress(scheme, hostport string) (server.Address, error) {
	a, err := net.ResolveTCPAddr("tcp", hostport)
	if err != nil {
		return server.Address{}, err
	}
	at := a.AddrPort()
	if !at.Addr().IsValid() { // ":7777": everything
		return server.Address{Scheme: scheme, Addr: netip.AddrPortFrom(netip.IPv6Unspecified(), at.Port())}, nil
	}
	return server.Address{Scheme: scheme, Addr: netip.AddrPortFrom(at.Addr().Unmap(), at.Port())}, nil
}
