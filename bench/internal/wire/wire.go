// Package wire speaks just enough of each server's protocol to load it: what a
// connection says to come in and to join a room, how a message is published, and where
// in a received stream the frames end. All protocols are used by one and the same
// client (package load), so that no server has a better one than another.
package wire

import (
	"errors"
	"fmt"
)

// Kind says what a frame means to the client.
type Kind uint8

// The kinds of frame.
const (
	Other    Kind = iota // nothing that a load needs to know
	Done                 // the answer to the open hello or join; ends it
	Delivery             // a message came; Payload is the text that was published
	Ack                  // a publish was answered
	Ping                 // wants AppendPong
	Refused              // the server said no; Payload is its reason
)

// Frame is one frame of a stream. Payload is part of the bytes it was read from.
type Frame struct {
	Kind    Kind
	Room    uint64 // Sarang's Done of a join: the room's number
	Payload []byte
}

// Room is where a message goes.
type Room struct {
	Name string
	ID   uint64 // from the Done of a join; 0 where names are all there is
}

// Protocol is one server's language. It has no state: a value may be used by all
// connections.
type Protocol interface {
	// Next returns the frame that b begins with and its size in bytes. Size 0: b does
	// not hold the whole of it. An error means that the stream can not be understood.
	Next(b []byte) (Frame, int, error)

	// AppendHello appends what a new connection says first. name is its user, unique
	// among the connections, of up to 20 letters and digits. One Done frame answers.
	AppendHello(dst []byte, name string) []byte

	// AppendJoin appends the request to get what is published to a room. One Done
	// frame answers.
	AppendJoin(dst []byte, room string) []byte

	// AppendPublish appends the message text for room. n is not 0, and differs from
	// that of every other message of the connection.
	AppendPublish(dst []byte, room Room, n uint64, text []byte) []byte

	// AppendPong appends the answer to a Ping frame.
	AppendPong(dst []byte, f Frame) []byte
}

// FrameBytesMax is the longest frame that a Protocol accepts: far beyond what a
// benchmark sends, so that a lost framing is noticed.
const FrameBytesMax = 1 << 20

// FramingError is a stream that is not what its protocol allows.
type FramingError struct {
	Protocol string
	Want     string // what should have stood there
	Got      []byte // the bytes at fault, shortened
}

// Error names the protocol, what was wanted, and what came.
func (e *FramingError) Error() string {
	return fmt.Sprintf("%s stream: want %s, got %q", e.Protocol, e.Want, e.Got)
}

func framing(protocol, want string, got []byte) error {
	return &FramingError{Protocol: protocol, Want: want, Got: append([]byte(nil), got[:min(len(got), 40)]...)}
}

// The header that every text begins with: the message's number within its room and a
// time, each as eight signs of six bits, so that it is printable in every protocol.
const (
	numberSigns = 8
	HeaderBytes = 2 * numberSigns
	headerLimit = 1 << (6 * numberSigns)
)

// ErrHeader is a text that does not begin with a header.
var ErrHeader = errors.New("a delivered text does not begin with a number and a time of this run")

// AppendText appends a text of sizeBytes, at least HeaderBytes: a message's number, a
// time in nanoseconds (both below 2^48), and filling.
func AppendText(dst []byte, number uint64, nanos int64, sizeBytes int) []byte {
	if number >= headerLimit || nanos < 0 || nanos >= headerLimit || sizeBytes < HeaderBytes {
		panic(fmt.Sprintf("wire: text of %d bytes with number %d, time %d", sizeBytes, number, nanos))
	}
	dst = appendSigns(dst, number)
	dst = appendSigns(dst, uint64(nanos))
	const filling = "the quick brown fox jumps over the lazy dog and then comes back "
	for left := sizeBytes - HeaderBytes; left > 0; left -= len(filling) {
		dst = append(dst, filling[:min(left, len(filling))]...)
	}
	return dst
}

// The signs are '0' (0x30) to 'o' (0x6f).
const firstSign = '0'

func appendSigns(dst []byte, v uint64) []byte {
	for shift := 6 * (numberSigns - 1); shift >= 0; shift -= 6 {
		dst = append(dst, firstSign+byte(v>>shift&63))
	}
	return dst
}

// Number reads a text's number. False: it has no header.
func Number(text []byte) (uint64, bool) {
	if len(text) < HeaderBytes {
		return 0, false
	}
	return signs(text[:numberSigns])
}

// Nanos reads a text's time. False: it has no header.
func Nanos(text []byte) (int64, bool) {
	if len(text) < HeaderBytes {
		return 0, false
	}
	v, ok := signs(text[numberSigns:HeaderBytes])
	return int64(v), ok
}

func signs(b []byte) (v uint64, ok bool) {
	var wrong byte
	for _, c := range b {
		c -= firstSign
		wrong |= c
		v = v<<6 | uint64(c&63)
	}
	return v, wrong < 64
}

// Member is a Protocol whose publishers must be in the rooms that they publish to.
type Member interface {
	PublisherJoins() bool
}

// PublisherJoins reports whether publishers of p have to join their rooms.
func PublisherJoins(p Protocol) bool {
	m, ok := p.(Member)
	return ok && m.PublisherJoins()
}
