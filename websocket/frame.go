package websocket

import (
	"encoding/binary"
	"math"
)

// Opcode says what a frame carries; RFC 6455, section 5.2.
type Opcode byte

// The opcodes that there are.
const (
	OpContinuation Opcode = 0x0
	OpText         Opcode = 0x1
	OpBinary       Opcode = 0x2
	OpClose        Opcode = 0x8
	OpPing         Opcode = 0x9
	OpPong         Opcode = 0xa
)

// Control reports whether it is that of a control frame, which may stand between the
// fragments of a message.
func (o Opcode) Control() bool { return o&0x8 != 0 }

func (o Opcode) known() bool { return o <= OpBinary || o >= OpClose && o <= OpPong }

// Sizes of a frame; RFC 6455, sections 5.2 and 5.5.
const (
	HeaderBytesMax  = 14
	ControlBytesMax = 125 // payload of a control frame

	length16 = 126 // the length is in the next two bytes
	length64 = 127 // the length is in the next eight bytes

	bitFin  = 0x80
	bitsRSV = 0x70
	bitRSV1 = 0x40 // RFC 7692, section 6: the message is compressed
	bitMask = 0x80
)

// Header is a frame's header.
type Header struct {
	Fin    bool
	Opcode Opcode

	// Compressed: it is the first frame of a message that is.
	Compressed bool

	Masked  bool
	Mask    [4]byte
	Bytes   int // of the header itself
	Payload int // bytes that follow
}

// Framer finds the frames of one side in a stream: it is an engine.Framer. An error is an
// *Error, found with the first byte that is wrong.
type Framer struct {
	// Masked: these are a client's frames, which are masked all; else a server's, of which
	// none is (RFC 6455, section 5.1).
	Masked bool

	// PayloadBytesMax is the most that a frame may carry; more is an error with
	// CodeTooBig.
	PayloadBytesMax int

	// Deflate: messages may be compressed, as was agreed on.
	Deflate bool
}

// Split returns the length of the first whole frame of b, 0 if it is not whole.
func (f Framer) Split(b []byte) (int, error) {
	h, err := f.Header(b)
	if err != nil || h.Bytes == 0 || h.Bytes+h.Payload > len(b) {
		return 0, err
	}
	return h.Bytes + h.Payload, nil
}

// Need returns how many bytes the frame at the start of b has at least.
func (f Framer) Need(b []byte) int {
	if len(b) < 2 {
		return 2
	}
	if h, err := f.Header(b); err == nil && h.Bytes > 0 {
		return h.Bytes + h.Payload
	}
	return max(headerBytes(b[1]), len(b)+1)
}

// headerBytes is the length of a header with this second byte.
func headerBytes(second byte) int {
	n := 2
	switch second &^ bitMask {
	case length16:
		n += 2
	case length64:
		n += 8
	}
	if second&bitMask != 0 {
		n += 4
	}
	return n
}

// Header returns the header at the start of b; its Bytes are 0 if it is not whole.
func (f Framer) Header(b []byte) (h Header, err error) {
	if len(b) == 0 {
		return h, nil
	}
	fin, op, rsv := b[0]&bitFin != 0, Opcode(b[0]&0xf), b[0]&bitsRSV
	compressed := f.Deflate && rsv == bitRSV1
	switch {
	case rsv != 0 && !compressed:
		return h, violation("a reserved bit is set, and no extension was agreed on")
	case compressed && op != OpText && op != OpBinary:
		return h, violation("what can not be compressed says that it is")
	case !op.known():
		return h, violation("an opcode that is not known")
	case op.Control() && !fin:
		return h, violation("a control frame in fragments")
	case len(b) == 1:
		return h, nil
	}
	payload := uint64(b[1] &^ bitMask)
	switch {
	case f.Masked && b[1]&bitMask == 0:
		return h, violation("a client's frame that is not masked")
	case !f.Masked && b[1]&bitMask != 0:
		return h, violation("a server's frame that is masked")
	case op.Control() && payload > ControlBytesMax:
		return h, violation("a control frame of more than 125 bytes")
	}
	n := headerBytes(b[1])
	switch payload {
	case length16:
		if len(b) < 4 {
			return h, nil
		}
		payload = uint64(binary.BigEndian.Uint16(b[2:]))
		if payload < length16 {
			return h, violation("a length that takes more bytes than it needs")
		}
	case length64:
		if len(b) < 10 {
			return h, nil
		}
		payload = binary.BigEndian.Uint64(b[2:])
		if payload <= math.MaxUint16 || payload > math.MaxInt64 {
			return h, violation("a length that takes more bytes than it needs, or has its first bit set")
		}
	}
	if payload > uint64(f.PayloadBytesMax) {
		return h, tooBig(f.PayloadBytesMax)
	}
	if len(b) < n {
		return h, nil
	}
	h = Header{Fin: fin, Opcode: op, Compressed: compressed, Masked: f.Masked, Bytes: n, Payload: int(payload)}
	if f.Masked {
		copy(h.Mask[:], b[n-4:])
	}
	return h, nil
}

// AppendHeader appends the header of a frame with a payload of so many bytes that is not
// masked.
func AppendHeader(dst []byte, fin bool, op Opcode, payload int) []byte {
	return appendHeader(dst, fin, op, payload, 0)
}

func appendHeader(dst []byte, fin bool, op Opcode, payload int, mask byte) []byte {
	first := byte(op)
	if fin {
		first |= bitFin
	}
	switch {
	case payload < length16:
		return append(dst, first, mask|byte(payload))
	case payload <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, first, mask|length16), uint16(payload))
	}
	return binary.BigEndian.AppendUint64(append(dst, first, mask|length64), uint64(payload))
}

// AppendFrame appends a whole frame as a server sends it.
func AppendFrame(dst []byte, op Opcode, payload []byte) []byte {
	return append(AppendHeader(dst, true, op, len(payload)), payload...)
}

// AppendMasked appends a whole frame as a client sends it. The key must be new for every
// frame and not to be foreseen (RFC 6455, section 5.3).
func AppendMasked(dst []byte, op Opcode, key uint32, payload []byte) []byte {
	dst = appendHeader(dst, true, op, len(payload), bitMask)
	var mask [4]byte
	binary.BigEndian.PutUint32(mask[:], key)
	return AppendUnmasked(append(dst, mask[:]...), mask, payload)
}

// AppendUnmasked appends src, which begins a payload, without its mask; or with it, for it
// is the same (RFC 6455, section 5.3).
func AppendUnmasked(dst []byte, mask [4]byte, src []byte) []byte {
	at := len(dst)
	dst = append(dst, src...)
	b := dst[at:]
	word := uint64(binary.LittleEndian.Uint32(mask[:]))
	word |= word << 32
	for len(b) >= 8 {
		binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)^word)
		b = b[8:]
	}
	for i := range b {
		b[i] ^= mask[i&3]
	}
	return dst
}
