package client

import (
	"cmp"
	"crypto/tls"
	"log/slog"
	"net"
	"time"

	"sarang/aio"
	"sarang/chat"
	"sarang/client/session"
	"sarang/engine"
)

// Config says whom a Client is to be, and to which server it connects. Addr and Name
// are required; other zero fields take the defaults.
type Config struct {
	Addr         string   // host:port, tls://host:port, or ws://host[:port][/path] or wss://…, as its WebSocket is; host is a name, an IPv4 or a bracketed IPv6 address
	Name         string   // the name wanted
	Token        []byte   // resume token of an earlier login by that name (Client.Self)
	Password     string   // of the account with that name; without a token it is how one logs in first
	Register     bool     // make an account of that name, with that password, if nobody has it
	Invitation   string   // with Register, where the server wants a code
	JWT          string   // of a program that embeds the server: it says who we are; Name is for who is new and has none in it
	Device       string   // what the user calls where he is, for the list of his sessions
	Program      string   // program and version, for the server's log
	Capabilities []string // what the program can do; unknown ones are ignored

	// FilesURL is where files are, http[s]://host[:port]/files; empty: at the web address that the
	// server says, or that Addr is.
	FilesURL string

	// EventsBuffer is how many events may wait to be read from Events before the
	// client stops receiving; default 256. What had arrived by then comes on top:
	// at most the receive buffers of the engine's driver.
	EventsBuffer int

	// DiscardEvents is for programs that do not read Events: there will be none.
	DiscardEvents bool

	ConnectTimeout    time.Duration // for one attempt, login included; default 10 s
	ReconnectMin      time.Duration // first bound of the wait between attempts; default 250 ms
	ReconnectMax      time.Duration // last bound; it doubles until there; default 30 s
	HeartbeatInterval time.Duration // silence before a ping; default 30 s
	IdleTimeout       time.Duration // silence before the connection is given up; default 90 s

	// PublishesPendingMax bounds the messages without an answer, per room; a
	// Publish beyond it waits. Default chat.NoncesPerUserMax.
	PublishesPendingMax int

	// TLS says whom to believe at tls:// and wss:// addresses; nil: the system's authorities. The
	// name that is checked is the address's host, unless ServerName says another.
	TLS *tls.Config

	Seed       uint64                               // makes nonces and waits repeatable; 0: random
	NewCodec   func(s *engine.Session) engine.Codec // compression and the like, of native packets; nil: none
	OpenDriver func(worker int) (aio.Driver, error) // default: the best that this machine has
	Resolver   *net.Resolver                        // default net.DefaultResolver
	Logger     *slog.Logger                         // default slog.Default()
	Debug      bool                                 // buffers from mem's debug allocator
}

// stableAfter is how long a login must have lasted for the waits between attempts to
// start from the shortest again: a server that falls over at once is not hurried.
const stableAfter = 10 * time.Second

// withDefaults returns c with its fields set. A number below 0 counts as not set.
func (c Config) withDefaults() Config {
	c.EventsBuffer = cmp.Or(max(c.EventsBuffer, 0), 256)
	c.PublishesPendingMax = cmp.Or(max(c.PublishesPendingMax, 0), chat.NoncesPerUserMax)
	c.ConnectTimeout = cmp.Or(max(c.ConnectTimeout, 0), 10*time.Second)
	c.ReconnectMin = cmp.Or(max(c.ReconnectMin, 0), 250*time.Millisecond)
	c.ReconnectMax = max(cmp.Or(max(c.ReconnectMax, 0), 30*time.Second), c.ReconnectMin)
	c.Resolver = cmp.Or(c.Resolver, net.DefaultResolver)
	c.Logger = cmp.Or(c.Logger, slog.Default())
	return c
}

// service is the engine configuration of the client's own service.
func (c Config) service() engine.Config {
	e := session.ServiceConfig()
	e.OpenDriver = c.OpenDriver
	e.Driver = aio.Config{SocketsMax: 8, RecvBuffers: 64, EventsMax: 64}
	e.SessionsMax = 2
	if c.HeartbeatInterval > 0 {
		e.HeartbeatInterval = c.HeartbeatInterval
	}
	if c.IdleTimeout > 0 {
		e.IdleTimeout = c.IdleTimeout
	}
	e.Logger = c.Logger
	e.Debug = c.Debug
	return e
}
