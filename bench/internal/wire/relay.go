package wire

import "encoding/binary"

// Relay is the language of bench/relay.c, the smallest server that can be: a frame is
// its size and the text, with padding so that a delivery has as many bytes as one of
// Sarang's. Frames of other kinds are one byte behind the size.
type Relay struct{}

// RelayPadBytes stands behind the text: 118 bytes are what Sarang sends for 64.
const RelayPadBytes = 118 - 64 - relayHeadBytes

// The head: size uint16 (of the whole frame), length of the text uint16; both
// little-endian. A length of 0xffff is an order or the answer to one.
const (
	relayHeadBytes = 4
	relayOrder     = 0xffff
)

// Next cuts off one frame.
func (Relay) Next(b []byte) (Frame, int, error) {
	if len(b) < relayHeadBytes {
		return Frame{}, 0, nil
	}
	size, text := int(binary.LittleEndian.Uint16(b)), int(binary.LittleEndian.Uint16(b[2:]))
	if size < relayHeadBytes || text != relayOrder && text > size-relayHeadBytes {
		return Frame{}, 0, framing("relay", "a size", b)
	}
	if len(b) < size {
		return Frame{}, 0, nil
	}
	if text == relayOrder {
		return Frame{Kind: Done}, size, nil
	}
	return Frame{Kind: Delivery, Payload: b[relayHeadBytes : relayHeadBytes+text]}, size, nil
}

// AppendHello says hello.
func (Relay) AppendHello(dst []byte, _ string) []byte { return appendOrder(dst, 'H') }

// AppendJoin becomes a receiver of the one room that there is.
func (Relay) AppendJoin(dst []byte, _ string) []byte { return appendOrder(dst, 'J') }

// AppendPublish sends the frame that the receivers get, as it is.
func (Relay) AppendPublish(dst []byte, _ Room, _ uint64, text []byte) []byte {
	size := relayHeadBytes + len(text) + RelayPadBytes
	dst = binary.LittleEndian.AppendUint16(dst, uint16(size))
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(text)))
	dst = append(dst, text...)
	return append(dst, make([]byte, RelayPadBytes)...)
}

// AppendPong is never called: a relay does not ask.
func (Relay) AppendPong(dst []byte, _ Frame) []byte { return dst }

func appendOrder(dst []byte, what byte) []byte {
	return append(dst, relayHeadBytes+1, 0, 0xff, 0xff, what)
}
