package aiosim

import (
	"errors"
	"time"
)

// ErrDeadlock is what a Wait without end returns when nothing is scheduled in the
// whole world that could ever give it an event.
var ErrDeadlock = errors.New("aiosim: deadlock: nothing is scheduled that could end this Wait")

// Config says what a world is like. The zero Config is a perfect network without
// delay.
type Config struct {
	// Seed decides everything that is left to chance.
	Seed uint64

	// Faults is what goes wrong, from the start; see World.SetFaults.
	Faults Faults

	// SendBufferBytes and RecvBufferBytes are the socket buffers where
	// aio.SocketOptions do not say. Default 65536 each. A sender is full when
	// its own and the receiver's buffer are.
	SendBufferBytes int
	RecvBufferBytes int

	// AllowExternalWake makes a Wait without end, when nothing is scheduled,
	// block until another goroutine calls Wake or uses another driver of the
	// world, where it otherwise returns ErrDeadlock. Runs that use it are not
	// repeatable.
	AllowExternalWake bool

	// Transcript gets every request, event and fault, a line each. It is
	// called with the world locked and must not use it.
	Transcript func(line string)
}

// Faults are what the network does to its users. All of it is within what the
// contract of package aio allows; whether an application bears it is the question.
//
// Delays, segments, short sends and reads, spurious full sockets and held aborts
// lose nothing. Resets, refusals and failing accepts do.
type Faults struct {
	// DelayMin and DelayMax bound how long anything is on the way, each way.
	// Bytes never overtake each other.
	DelayMin, DelayMax time.Duration

	// BytesPerSecond limits each direction of each connection; 0 does not.
	BytesPerSecond int

	// SegmentBytesMin and SegmentBytesMax cut what is sent into pieces that
	// have a delay each. A max of 0 does not cut.
	SegmentBytesMin, SegmentBytesMax int

	// ShortSend is the probability that a send takes less than it could.
	ShortSend float64

	// ShortRecv is the probability that fewer bytes are lent than could be.
	ShortRecv float64

	// SpuriousFull is the probability that a send finds the socket full
	// although it is not; it is writable again after one delay.
	SpuriousFull float64

	// Stall is the probability, per send, that nothing gets through in that
	// direction for a time between StallMin and StallMax.
	Stall              float64
	StallMin, StallMax time.Duration

	// AbortDelayMax bounds how long what StopRecv and Close abort goes on.
	AbortDelayMax time.Duration

	// Reset is the probability, per send, that the network resets the
	// connection, at any byte of what is on the way in either direction.
	Reset float64

	// Refuse is the probability that a connect is refused although somebody
	// listens.
	Refuse float64

	// AcceptError is the probability, per connection, that accepting ends with
	// ECONNABORTED once before the connection is accepted.
	AcceptError float64

	// Vanish is the probability, per accepted connection, that it goes silent
	// at once and for ever in both directions: no byte, no end, no reset.
	Vanish float64
}

// Stats counts what has happened in a world.
type Stats struct {
	Connected    uint64 // connections made
	Accepted     uint64 // connections handed out by KindAccept
	BytesSent    uint64 // taken by sockets
	BytesLent    uint64 // handed out by KindRecv
	WouldBlocks  uint64 // sends that found the socket full, spurious ones included
	SynsDropped  uint64 // connect attempts put off by a full backlog
	Refusals     uint64 // connects refused, injected ones included
	Resets       uint64 // resets that reached an end
	EndsOpen     int    // ends of connections that exist now
	StreamsInUse int    // ends that have bytes on the way or unread now

	// Injected faults, by kind.
	ShortSends, ShortRecvs, SpuriousFulls, Stalls  uint64
	NetworkResets, InjectedRefusals, AcceptErrors  uint64
	HeldAborts, Vanished, SegmentsCut, DelaysDrawn uint64
	Sips                                           uint64 // times that somebody was made a slow reader
}
