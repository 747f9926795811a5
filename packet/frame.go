package packet

import "encoding/binary"

// The limits of a frame, in bytes.
const (
	// HeaderBytes is the size of the header: size and id.
	HeaderBytes = 4

	// SizeMax is the largest packet, header included: what a uint16 can say.
	SizeMax = 1<<16 - 1

	// PayloadBytesMax is the largest payload.
	PayloadBytesMax = SizeMax - HeaderBytes
)

// ID says what a packet's payload is.
type ID uint16

// Packet is one packet of a stream.
type Packet struct {
	ID      ID
	Payload []byte // lent: part of the buffer that the packet was split from
}

// Split returns the packet at the start of b and its size in bytes, so that the
// next one starts at b[n:]. n is 0 when b does not hold all of it yet; Need then
// tells how much to gather. The payload is part of b, with its capacity clipped.
//
// An error is a *FrameError: no packet can be found in b or in what follows.
func Split(b []byte) (p Packet, n int, err error) {
	if n, err = (Framer{}).Split(b); n == 0 {
		return Packet{}, 0, err
	}
	return Packet{
		ID:      ID(binary.LittleEndian.Uint16(b[2:])),
		Payload: b[HeaderBytes:n:n],
	}, n, nil
}

// Need returns how many bytes the packet at the start of b has in all, as far as
// b shows: HeaderBytes while the header is incomplete. A header with a size below
// HeaderBytes counts as HeaderBytes; Split is the one to refuse it. A caller with
// a limit of its own compares it with Need before gathering anything.
func Need(b []byte) int {
	if len(b) < HeaderBytes {
		return HeaderBytes
	}
	return max(int(binary.LittleEndian.Uint16(b)), HeaderBytes)
}

// AppendHeader appends the header of a packet with a payload of payloadBytes,
// which the caller appends next. A length that no packet can have is a
// *TooLargeError; dst is returned as it was.
func AppendHeader(dst []byte, id ID, payloadBytes int) ([]byte, error) {
	if payloadBytes < 0 || payloadBytes > PayloadBytesMax {
		return dst, &TooLargeError{ID: id, PayloadBytes: payloadBytes}
	}
	dst = binary.LittleEndian.AppendUint16(dst, uint16(HeaderBytes+payloadBytes))
	return binary.LittleEndian.AppendUint16(dst, uint16(id)), nil
}

// Framer finds packets in a stream: it is an engine.Framer. It has no state.
type Framer struct{}

// Split returns the size of the packet at the start of b, 0 when b does not hold all of
// it yet. An error is a *FrameError.
func (Framer) Split(b []byte) (n int, err error) {
	if len(b) < HeaderBytes {
		return 0, nil
	}
	n = int(binary.LittleEndian.Uint16(b))
	switch {
	case n < HeaderBytes:
		return 0, &FrameError{Size: n}
	case n > len(b):
		return 0, nil
	}
	return n, nil
}

// Need returns how many bytes the packet at the start of b has in all, as far as b shows.
func (Framer) Need(b []byte) int { return Need(b) }
