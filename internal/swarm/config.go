package swarm

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"sarang/chat"
)

// Config says what a run does. Zero fields with a default take it.
type Config struct {
	Addr    string      // HOST:PORT, with or without a scheme, one of Protos; required
	Proto   string      // tcp: native packets; tls: over TLS; ws, wss: over WebSocket; ws+json, wss+json: in JSON; default tcp, or what Addr says
	TLS     *tls.Config // whom to believe; nil: the system's authorities
	IO      string      // auto, or one of aio.Kinds; default auto
	Workers int         // threads that run the clients; default 1

	Clients    int    // default 100
	Rooms      int    // client i is in room i mod Rooms; default 1
	Publishers int    // the first so many clients publish; 0: all that are not stalled
	RoomPrefix string // of room and user names; default "swarm"
	Ephemeral  bool   // rooms that the server does not store
	Private    bool   // rooms into which the first client of each lets the others

	Rate      float64       // messages per second in all, on a fixed timetable; 0: as fast as acks allow
	Window    int           // messages in flight per publisher; 0: 1, or 128 with a Rate
	SizeBytes int           // of a message; default 128
	Duration  time.Duration // of publishing; 0: until Messages are sent, or 10 s
	Messages  int           // in all; 0: until Duration is over
	Idle      bool          // join, publish nothing, hold for Duration

	Stalled int     // the last so many clients do not read until the end of publishing
	Churn   float64 // connections broken per second

	// Changes is how many percent of what is published are no plain messages, but replies, messages of
	// threads, mentions, edits, deletions, and reactions put and taken back, each as often; 0 to 100.
	// What each client shows is compared then, too.
	Changes int

	// People is how many times a second a client does something beside talking: it takes another name,
	// blocks somebody, tells how far it has read, or describes its room, or takes one of these back.
	// In the end each is asked about.
	People   float64
	Accounts int // percent of the clients that are accounts with a password; the others are guests

	Settle        time.Duration // for deliveries after the last ack; default 30 s
	ResumeTimeout time.Duration // for a lost connection to come back; default 60 s
	JoinTimeout   time.Duration // for all clients to have joined; default 2 minutes
	ConnectsMax   int           // connects and joins under way at once; default 256

	Seed      uint64 // texts, names and choices; 0: random
	ServerPID int    // a process of this machine whose CPU and memory are read; 0: none

	Progress io.Writer // a terminal for a line that is rewritten; nil: none
}

// Bounds of a Config.
const (
	ClientsMax   = 60000
	SizeBytesMin = 64
	SizeBytesMax = 60000
	WindowMax    = chat.NoncesPerUserMax
)

const (
	windowOpenLoop     = 128
	durationDefault    = 10 * time.Second
	progressEvery      = 250 * time.Millisecond
	stalledPingEvery   = 20 * time.Second
	roomPrefixBytesMax = 16
)

// What a server can be spoken to in.
const (
	protoNative = "tcp"
	protoTLS    = "tls"
	protoWeb    = "ws"
	protoWebTLS = "wss"

	// The same in JSON.
	protoText    = "ws+json"
	protoTextTLS = "wss+json"

	webPath = "/ws"
)

// Protos are the values of Config.Proto.
func Protos() []string {
	return []string{protoNative, protoTLS, protoWeb, protoWebTLS, protoText, protoTextTLS}
}

// picturesMessagesMax bounds the messages that all clients keep to compare what they show: some 300
// bytes each.
const picturesMessagesMax = 4 << 20

// picturedMax is how many messages may be published with Changes: each is kept by all of its room.
func (c *Config) picturedMax() uint64 {
	return uint64(max(1, picturesMessagesMax/((c.Clients+c.Rooms-1)/max(c.Rooms, 1))))
}

// peopled reports whether clients are asked about in the end.
func (c *Config) peopled() bool { return c.People > 0 || c.Accounts > 0 || c.Private }

// isAccount reports whether a client is an account: they are spread evenly.
func (c *Config) isAccount(index int) bool {
	return (index+1)*c.Accounts/100 > index*c.Accounts/100
}

// Validate checks what a person has set. Its errors are sentences about flags.
func (c *Config) Validate() error {
	switch {
	case c.Addr == "":
		return fmt.Errorf("--addr is empty; it must be HOST:PORT")
	case !slices.Contains(Protos(), c.Proto):
		return fmt.Errorf("--proto is %q; there are: %s", c.Proto, strings.Join(Protos(), ", "))
	case c.Clients < 1 || c.Clients > ClientsMax:
		return fmt.Errorf("--clients is %d; allowed are 1 to %d", c.Clients, ClientsMax)
	case c.Rooms < 1 || c.Rooms > c.Clients:
		return fmt.Errorf("--rooms is %d; allowed are 1 to --clients (%d)", c.Rooms, c.Clients)
	case c.Workers < 1 || c.Workers > 64:
		return fmt.Errorf("--workers is %d; allowed are 1 to 64", c.Workers)
	case c.Stalled < 0 || c.Stalled > c.Clients:
		return fmt.Errorf("--stalled is %d; allowed are 0 to --clients (%d)", c.Stalled, c.Clients)
	case c.Publishers < 0 || c.Publishers > c.Clients-c.Stalled:
		return fmt.Errorf("--publishers is %d; allowed are 0 to --clients less --stalled (%d)", c.Publishers, c.Clients-c.Stalled)
	case !c.Idle && c.Stalled == c.Clients:
		return fmt.Errorf("--stalled is %d, all clients: nobody is left to publish", c.Stalled)
	case c.SizeBytes < SizeBytesMin || c.SizeBytes > SizeBytesMax:
		return fmt.Errorf("--size is %d; allowed are %d (the text carries what is checked) to %d bytes", c.SizeBytes, SizeBytesMin, SizeBytesMax)
	case c.Window < 0 || c.Window > WindowMax:
		return fmt.Errorf("--window is %d; allowed are 1 to %d (the server remembers no more per user)", c.Window, WindowMax)
	case c.Rate < 0 || c.Rate > 10e6:
		return fmt.Errorf("--rate is %v; allowed are 0 to 10000000", c.Rate)
	case c.Churn < 0 || c.Churn > 10000:
		return fmt.Errorf("--churn is %v; allowed are 0 to 10000", c.Churn)
	case c.Changes < 0 || c.Changes > 100:
		return fmt.Errorf("--changes is %d; allowed are 0 to 100 (percent)", c.Changes)
	case c.Changes > 0 && c.Ephemeral:
		return fmt.Errorf("--changes does not go with --ephemeral: in rooms that keep nothing nothing can be changed")
	case c.Changes > 0 && uint64(c.Messages) > c.picturedMax():
		return fmt.Errorf("--messages is %d; with --changes each client keeps what it shows, and so many clients keep at most %d", c.Messages, c.picturedMax())
	case c.People < 0 || c.People > 10000:
		return fmt.Errorf("--people is %v; allowed are 0 to 10000", c.People)
	case c.People > 0 && c.Ephemeral:
		return fmt.Errorf("--people does not go with --ephemeral: to such rooms nobody belongs, and nothing in them is set")
	case c.Private && c.Ephemeral:
		return fmt.Errorf("--private does not go with --ephemeral: rooms that keep nothing keep no roles")
	case c.Accounts < 0 || c.Accounts > 100:
		return fmt.Errorf("--accounts is %d; allowed are 0 to 100 (percent)", c.Accounts)
	case c.Messages < 0 || c.Messages > 1<<31:
		return fmt.Errorf("--messages is %d; allowed are 0 to %d", c.Messages, 1<<31)
	case c.Duration < 0, c.Settle < 0, c.ResumeTimeout < 0, c.JoinTimeout < 0:
		return fmt.Errorf("a duration is negative")
	case len(c.RoomPrefix) > roomPrefixBytesMax:
		return fmt.Errorf("--room-prefix is longer than %d bytes", roomPrefixBytesMax)
	}
	if _, _, err := chat.ParseRoomName(c.RoomPrefix + "-0"); err != nil {
		return fmt.Errorf("--room-prefix is %q: %w", c.RoomPrefix, err)
	}
	return nil
}

// WithDefaults returns c with its zero fields set. A zero Seed becomes a random one.
func (c Config) WithDefaults() Config {
	c.IO = cmp.Or(c.IO, "auto")
	c.Workers = cmp.Or(c.Workers, 1)
	c.Clients = cmp.Or(c.Clients, 100)
	c.Rooms = cmp.Or(c.Rooms, 1)
	c.RoomPrefix = cmp.Or(c.RoomPrefix, "swarm")
	c.SizeBytes = cmp.Or(c.SizeBytes, 128)
	c.Settle = cmp.Or(c.Settle, 30*time.Second)
	c.ResumeTimeout = cmp.Or(c.ResumeTimeout, 60*time.Second)
	c.JoinTimeout = cmp.Or(c.JoinTimeout, 2*time.Minute)
	c.ConnectsMax = cmp.Or(c.ConnectsMax, 256)
	c.Seed = cmp.Or(c.Seed, rand.Uint64()|1)
	if c.Duration == 0 && c.Messages == 0 {
		c.Duration = durationDefault
	}
	c.Publishers = cmp.Or(c.Publishers, c.Clients-c.Stalled)
	if c.Idle {
		c.Publishers = 0
	}
	if c.Window == 0 {
		c.Window = 1
		if c.Rate > 0 {
			c.Window = windowOpenLoop
		}
	}
	if scheme, rest, ok := strings.Cut(c.Addr, "://"); ok && slices.Contains(Protos(), scheme) {
		c.Proto, c.Addr = cmp.Or(c.Proto, scheme), strings.TrimSuffix(strings.TrimSuffix(rest, webPath), "/")
	}
	c.Proto = cmp.Or(c.Proto, protoNative)
	return c
}
