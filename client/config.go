package client

import (
	"log/slog"
	"net"
	"time"

	"sarang/aio"
	"sarang/chat"
	"sarang/engine"
)

// Config says whom a Client is to be, and to which server it connects. Addr and Name
// are required; other zero fields take the defaults.
type Config struct {
	Addr         string   // host:port; host is a name, an IPv4 or a bracketed IPv6 address
	Name         string   // the name wanted
	Token        []byte   // resume token of an earlier login by that name (Client.Self)
	Program      string   // program and version, for the server's log
	Capabilities []string // what the program can do; unknown ones are ignored

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

	Seed       uint64                               // makes nonces and waits repeatable; 0: random
	NewCodec   func(s *engine.Session) engine.Codec // TLS and the like; nil: none
	OpenDriver func(worker int) (aio.Driver, error) // default: the best that this machine has
	Resolver   *net.Resolver                        // default net.DefaultResolver
	Logger     *slog.Logger                         // default slog.Default()
	Debug      bool                                 // buffers from mem's debug allocator
}

// stableAfter is how long a login must have lasted for the waits between attempts to
// start from the shortest again: a server that falls over at once is not hurried.
const stableAfter = 10 * time.Second

func (c Config) withDefaults() Config {
	c.EventsBuffer = orDefault(c.EventsBuffer, 256)
	c.PublishesPendingMax = orDefault(c.PublishesPendingMax, chat.NoncesPerUserMax)
	c.ConnectTimeout = orDefault(c.ConnectTimeout, 10*time.Second)
	c.ReconnectMin = orDefault(c.ReconnectMin, 250*time.Millisecond)
	c.ReconnectMax = max(orDefault(c.ReconnectMax, 30*time.Second), c.ReconnectMin)
	if c.Resolver == nil {
		c.Resolver = net.DefaultResolver
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

func orDefault[T int | time.Duration](value, otherwise T) T {
	if value <= 0 {
		return otherwise
	}
	return value
}

// service is the engine configuration of the client's own service.
func (c Config) service(newHandler func(w *engine.Worker) engine.Handler) engine.Config {
	e := ServiceConfig()
	e.NewHandler = newHandler
	e.NewCodec = c.NewCodec
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
