// Package aio is the completion port that Sarang stands on: one small contract,
// several drivers: io_uring and epoll on Linux, completion ports on Windows, a
// portable one over package net, and a seeded simulation in aiosim.
//
// # Basics
//
// A driver belongs to one goroutine that is locked to its thread. That goroutine
// starts requests (Accept, Connect, Recv, Send, Close) and collects what became
// of them, in batches, from Wait. There are no callbacks.
//
// Every request ends in exactly one event with More == false. What an abort
// (StopRecv, Close) asks for is only asked: a request in flight still ends by its own
// event, with whatever result it had.
//
// # Caveats
//
// Bytes that are handed to Send are frozen until the Send event. The driver keeps
// them reachable, so ordinary Go memory is fine; stack memory can not reach it
// through the interface. Bytes that Recv yields are lent until the next Wait.
package aio

import (
	"cmp"
	"errors"
	"net/netip"
	"time"
)

// Token is what the owner of a socket wants back in its events: a slot
// index and a generation, never a pointer. It means nothing to the driver.
type Token uint64

// Socket names an open socket of one driver: a slot index and a generation, so
// that a stale name is ErrBadSocket and never somebody else's socket. Zero is no
// socket.
type Socket uint64

// Kind says which request an event belongs to.
type Kind uint8

// The kinds of event.
const (
	KindNone       Kind = iota
	KindAccept          // a connection was accepted (More), or accepting ended (Err)
	KindConnect         // the one answer to Connect
	KindRecv            // bytes arrived (More), or receiving ended (Err; io.EOF at the peer's end of stream)
	KindSend            // the frozen bytes are free again; see Driver.Send
	KindWritable        // the end of a send that met a full socket: try again now
	KindDisconnect      // the one answer to Close: nothing is in flight, the name is dead
)

// String returns the kind's name in lower case.
func (k Kind) String() string {
	switch k {
	case KindAccept:
		return "accept"
	case KindConnect:
		return "connect"
	case KindRecv:
		return "recv"
	case KindSend:
		return "send"
	case KindWritable:
		return "writable"
	case KindDisconnect:
		return "disconnect"
	}
	return "none"
}

// Event is the outcome, or one step, of a request.
type Event struct {
	Kind   Kind
	More   bool   // the request goes on: further events follow
	N      int    // KindSend: bytes taken by the socket
	Token  Token  // the socket's token
	Socket Socket // the socket that the request was made on
	Data   []byte // KindRecv: lent until the next Wait
	Conn   Conn   // KindAccept: the new connection, now the receiver's to Attach or Discard
	Err    error
}

// Conn is an accepted connection that belongs to no driver yet. Whoever holds it
// must hand it, once, to Attach or Discard of any driver of the kind that it came
// from: that is how one worker accepts for all.
type Conn struct {
	Handle uintptr        // file descriptor, SOCKET, or the simulation's number
	Object any            // for drivers that have no number to give; nil otherwise
	Peer   netip.AddrPort // the far end
	Local  netip.AddrPort // this end; not valid where finding out would cost a system call
}

// SocketOptions are set on a connected socket; a listener's are inherited by what
// it accepts. Zero values leave the system's default.
type SocketOptions struct {
	NoDelay            bool    // TCP_NODELAY: do not wait for more bytes before sending
	SendBufferBytes    int     // SO_SNDBUF
	RecvBufferBytes    int     // SO_RCVBUF
	UnsentLowatBytes   int     // TCP_NOTSENT_LOWAT: how much unsent data a socket takes before it is full
	ListenBacklog      int     // listeners only; 0 means 4096
	ReusePort          bool    // listeners only: SO_REUSEPORT
	V6Only             bool    // listeners only: IPV6_V6ONLY
	Inherited          uintptr // listeners only: take over this listening socket, which another program (systemd) has opened, and ignore the address; 0: open one
	KeepAliveIdleSecs  int     // TCP keep-alive after that many idle seconds; 0 is off
	UserTimeoutMillis  int     // TCP_USER_TIMEOUT for unacknowledged data; 0 is the system's
	LingerResetOnClose bool    // close sends a reset and forgets unsent data (SO_LINGER 0)
}

// Driver is a completion port. All methods but Wake are for the owning goroutine
// only. Methods that start a request return an error when nothing was started; no
// event follows then.
type Driver interface {
	// Name is the driver's kind: "uring", "epoll", "iocp", "portable", "sim".
	Name() string

	// Now is the monotonic time since some fixed start. Simulated drivers return
	// simulated time; everything above takes its time from here.
	Now() time.Duration

	// Listen opens a listening socket and returns it with the address that it
	// really has (port 0 picks one). Accepting is not started. A driver that can not
	// take over an Inherited socket answers ErrInherited.
	Listen(addr netip.AddrPort, o SocketOptions, t Token) (Socket, netip.AddrPort, error)

	// Accept starts accepting on l: one KindAccept event with More per
	// connection, until one with Err, which is the last. After an error that
	// passes (too many open files, a connection aborted in the queue) the caller
	// may start again. ErrBusy if accepting already.
	Accept(l Socket) error

	// Attach gives a Conn to this driver. On error the Conn is closed.
	Attach(c Conn, t Token) (Socket, error)

	// Discard closes a Conn that nobody wants.
	Discard(c Conn)

	// Connect opens a socket and starts connecting it. One KindConnect event
	// has the outcome; until then only Close may be used on the socket. After
	// a failed connect the socket still wants its Close.
	Connect(addr netip.AddrPort, o SocketOptions, t Token) (Socket, error)

	// Local returns the address of a connection's near end; the zero AddrPort if it is
	// not to be had.
	Local(s Socket) netip.AddrPort

	// Recv starts receiving: KindRecv events with Data and More, until one
	// without More, which is the last and has Err (io.EOF at the end of the
	// stream, ErrCanceled after StopRecv or Close). The last event carries no
	// data. ErrBusy if receiving already. May be started again after its end.
	Recv(s Socket) error

	// StopRecv asks receiving to end. Events with bytes may still come before
	// the last one, which has ErrCanceled unless something else ended it first.
	// No effect if nothing is being received.
	StopRecv(s Socket) error

	// Send hands the slices of v, in order, to the socket. v and what it points
	// to are frozen until the KindSend event. That event never waits for a slow
	// peer (a stalled reader pins no bytes); it comes with the next Waits:
	//
	//   Err nil: N > 0 bytes were taken, More false. N may be less than all;
	//   Err ErrWouldBlock: N is 0, the bytes are free again, More is true, and one
	//   KindWritable event follows when it is worth trying again (its Err is set
	//   if the socket failed or was closed meanwhile). That event ends the request;
	//   any other Err: the connection is broken, More false.
	//
	// One send may be in flight on a socket (until its event without More):
	// ErrBusy otherwise. A v without bytes is ErrEmpty.
	// A driver holds at most VectorMax slices per send: the rest is not taken.
	Send(s Socket, v [][]byte) error

	// Shutdown ends the stream towards the peer after what was sent (FIN). It
	// is not a request and has no event.
	Shutdown(s Socket) error

	// Close aborts whatever is in flight on s. When the last of it has ended by
	// its own event, the socket is closed and one KindDisconnect event follows.
	// ErrBadSocket if s is unknown or already closing; every other request on a
	// closing socket is ErrBadSocket too.
	Close(s Socket) error

	// Wait hands queued requests to the system, then collects up to
	// len(events) events, at least one unless timeout passes or Wake is called.
	// timeout < 0 is for ever, 0 does not wait. An error means that the driver is
	// broken for good.
	Wait(events []Event, timeout time.Duration) (int, error)

	// Wake makes the current or the next Wait return soon. Many calls may be
	// answered by one return. Any goroutine, any time before Release returns.
	Wake()

	// Release closes every socket that is still open, without events, and frees
	// the driver. No other method may be called afterwards.
	Release() error
}

// VectorMax is how many slices of a Send a driver hands to the system at once.
const VectorMax = 64

// Errors of the contract. Errors of the system come as they are (wrapped
// syscall.Errno), so errors.Is(err, syscall.ECONNRESET) works.
var (
	ErrBadSocket   = errors.New("aio: no such socket in this driver")
	ErrBusy        = errors.New("aio: such a request is already in flight on this socket")
	ErrCanceled    = errors.New("aio: request canceled")
	ErrInherited   = errors.New("aio: this driver can not take over a listening socket")
	ErrEmpty       = errors.New("aio: nothing to send")
	ErrTooMany     = errors.New("aio: the driver's limit of sockets is reached")
	ErrUnavailable = errors.New("aio: driver not available on this machine")
	ErrWouldBlock  = errors.New("aio: the socket is full")
)

// Config bounds a driver's memory. Zero fields take the defaults.
type Config struct {
	SocketsMax      int // sockets open at once; default 65536
	RecvBufferBytes int // size of one lent receive buffer; default 4096
	RecvBuffers     int // how many of them, a power of two; default 512
	EventsMax       int // completions collected by one Wait; default 1024
}

// WithDefaults returns c with its zero fields set.
func (c Config) WithDefaults() Config {
	return Config{
		SocketsMax:      cmp.Or(c.SocketsMax, 65536),
		RecvBufferBytes: cmp.Or(c.RecvBufferBytes, 4096),
		RecvBuffers:     cmp.Or(c.RecvBuffers, 512),
		EventsMax:       cmp.Or(c.EventsMax, 1024),
	}
}
