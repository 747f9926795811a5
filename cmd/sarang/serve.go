package main

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/knadh/koanf/parsers/toml/v2"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/v2"
	"github.com/lmittmann/tint"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"sarang/aio"
	"sarang/internal/server"
	"sarang/internal/store/sqlite"
)

func serveCommand() *cobra.Command {
	d := server.Default()
	c := &cobra.Command{
		Use:   "serve",
		Short: "Start a chat server",
		Long: "Start a chat server. When it is ready it prints the addresses that it listens\n" +
			"on, one per line, on standard output; its log goes to standard error. SIGTERM\n" +
			"and Ctrl-C stop it in order: nothing that was acknowledged is lost.\n\n" +
			"Every flag can be given as an environment variable (--data is\n" +
			"SARANG_DATA; several values are separated by commas) or in a TOML file\n" +
			"(data = \"…\"). A flag wins over the environment, the environment over the file.",
		Example: "  sarang serve\n" +
			"  sarang serve --listen tcp://0.0.0.0:7777 --listen 'tcp://[::]:7777' --data /var/lib/sarang\n" +
			"  SARANG_LOG_LEVEL=debug sarang serve --config sarang.toml",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			config, err := serveConfig(c)
			if err != nil {
				return usageError{err}
			}
			return server.Run(c.Context(), config, c.OutOrStdout())
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringSlice("listen", []string{"tcp://" + d.Listen[0].String()}, "address for clients; may be given several times; port 0 picks one")
	f.String("data", d.DataDir, "folder for the database, its lock and crash reports")
	f.String("http", d.HTTP, "address of /metrics, /healthz and /readyz; off: none")
	f.String("io", d.IO, "I/O driver: auto, "+strings.Join(aio.Kinds(), ", "))
	f.Int("workers", d.Workers, "threads that serve sessions")
	f.String("sync", sqlite.PowerSafe.String(), "what an acknowledged message survives: power-safe (a power cut) or process-safe (the end of the process)")
	f.String("log-level", "info", "debug, info, warn or error")
	f.String("log-file", "", "append the log to this file instead of standard error")
	f.String("log-format", "auto", "text, json, or auto: coloured text on a terminal, else text")
	f.String("config", "", "TOML file")
	f.Int("sessions-max", d.SessionsMax, "connections at once; each needs an open file")
	f.Int("socket-recv-bytes", d.SocketRecvBytes, "what the system keeps of what a client says and is not read yet; 0: its own choice")
	f.Int("text-bytes-max", 16<<10, "longest message, in bytes of UTF-8")
	f.Int("rooms-joined-max", 64, "rooms that one session may be in")
	f.Duration("login-deadline", d.LoginDeadline, "time to log in after connecting")
	f.Duration("heartbeat", d.HeartbeatInterval, "silence after which a client is asked whether it is there")
	f.Duration("idle-timeout", d.IdleTimeout, "silence after which a client is given up")
	f.Duration("drain-timeout", d.DrainTimeout, "time for an orderly end")
	limitFlags(f, d.Hub.Limits)
	f.Bool("debug-memory", false, "network buffers from a slow allocator that catches misuse")
	return c
}

// configOfArgs reads the configuration of "serve ARGS...".
func configOfArgs(args []string) (server.Config, error) {
	c := serveCommand()
	if err := c.ParseFlags(args); err != nil {
		return server.Config{}, err
	}
	return serveConfig(c)
}

// serveConfig reads flags, environment and file, in that order of precedence.
func serveConfig(c *cobra.Command) (server.Config, error) {
	config := server.Default()
	k := koanf.New(".")
	known := func(key string) bool { return c.Flags().Lookup(key) != nil && key != "help" }
	if err := k.Load(env.Provider(".", env.Opt{Prefix: "SARANG_", TransformFunc: func(name, value string) (string, any) {
		return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(name, "SARANG_")), "_", "-"), value
	}}), nil); err != nil {
		return config, err
	}
	fromEnv := k.Keys()
	path := k.String("config")
	if f := c.Flags().Lookup("config"); f.Changed {
		path = f.Value.String()
	}
	all := koanf.New(".")
	if path != "" {
		if err := all.Load(file.Provider(path), toml.Parser()); err != nil {
			return config, fmt.Errorf("config file %s: %w", path, err)
		}
		for _, key := range all.Keys() {
			if !known(key) {
				return config, fmt.Errorf("config file %s: there is no setting %q; the settings are the flags of 'sarang serve --help' without --", path, key)
			}
		}
	}
	for _, key := range fromEnv {
		if !known(key) {
			fmt.Fprintf(os.Stderr, "sarang: the environment variable SARANG_%s is not a setting of the server; it is ignored\n",
				strings.ToUpper(strings.ReplaceAll(key, "-", "_")))
			continue
		}
		if err := all.Set(key, k.Get(key)); err != nil {
			return config, err
		}
	}
	if err := all.Load(posflag.Provider(c.Flags(), ".", all), nil); err != nil {
		return config, err
	}
	return config, fillConfig(&config, &settings{k: all})
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
	if len(values) == 0 {
		values = []string{s.k.String(key)}
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
	c.Workers, c.SessionsMax = s.number("workers"), s.number("sessions-max")
	c.SocketRecvBytes = s.number("socket-recv-bytes")
	c.Hub.TextBytesMax, c.Hub.RoomsJoinedMax = s.number("text-bytes-max"), s.number("rooms-joined-max")
	c.LoginDeadline, c.HeartbeatInterval = s.duration("login-deadline"), s.duration("heartbeat")
	c.IdleTimeout, c.DrainTimeout = s.duration("idle-timeout"), s.duration("drain-timeout")
	c.Debug = s.boolean("debug-memory")
	fillLimits(&c.Hub, s)
	switch s.k.String("sync") {
	case sqlite.PowerSafe.String():
		c.Sync = sqlite.PowerSafe
	case sqlite.ProcessSafe.String():
		c.Sync = sqlite.ProcessSafe
	default:
		s.fail("sync", "power-safe or process-safe")
	}
	if s.err != nil {
		return s.err
	}
	var err error
	if c.Logger, err = openLog(s.k.String("log-file"), s.k.String("log-level"), s.k.String("log-format")); err != nil {
		return err
	}
	c.Listen = nil
	for _, l := range s.list("listen") {
		a, err := parseListen(l)
		if err != nil {
			return err
		}
		c.Listen = append(c.Listen, a)
	}
	if c.Sockets, err = inheritedSockets(); err != nil {
		return err
	}
	return c.Validate()
}

// parseListen reads tcp://HOST:PORT. HOST is an address or a name of this machine.
func parseListen(s string) (netip.AddrPort, error) {
	hostport, ok := strings.CutPrefix(s, "tcp://")
	if _, port, err := net.SplitHostPort(hostport); !ok || err != nil || port == "" {
		return netip.AddrPort{}, fmt.Errorf("listen is %q; it must be tcp://HOST:PORT, such as tcp://127.0.0.1:7777 or tcp://[::]:7777", s)
	}
	a, err := net.ResolveTCPAddr("tcp", hostport)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("listen is %q: %w", s, err)
	}
	at := a.AddrPort()
	if !at.Addr().IsValid() { // ":7777": everything
		return netip.AddrPortFrom(netip.IPv6Unspecified(), at.Port()), nil
	}
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port()), nil
}

// openLog makes the logger; it writes to standard error if there is no path. The file
// stays open to the end of the program.
func openLog(path, level, format string) (*slog.Logger, error) {
	if path == "" {
		return newLogger(os.Stderr, level, format)
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o640)
	if err != nil {
		return nil, fmt.Errorf("log-file: %w", err)
	}
	return newLogger(f, level, format)
}

func newLogger(w io.Writer, level, format string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("log-level is %q; it must be debug, info, warn or error", level)
	}
	o := &slog.HandlerOptions{Level: l}
	switch format {
	case "json":
		return slog.New(slog.NewJSONHandler(w, o)), nil
	case "text":
		return slog.New(slog.NewTextHandler(w, o)), nil
	case "auto":
		if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == "" {
			return slog.New(tint.NewTextHandler(w, &tint.Options{Level: l, TimeFormat: time.TimeOnly})), nil
		}
		return slog.New(slog.NewTextHandler(w, o)), nil
	}
	return nil, fmt.Errorf("log-format is %q; it must be auto, text or json", format)
}
