package packet

import (
	"fmt"
	"slices"
	"unicode/utf8"
)

// Marshaler is a message that knows its encoded size and encodes itself into a
// buffer: what protoc-gen-go-vtproto generates with "size" and "marshal".
type Marshaler interface {
	// SizeVT returns the size of the encoded message in bytes.
	SizeVT() int

	// MarshalToSizedBufferVT encodes the message so that it ends where b ends,
	// and returns how many bytes it took.
	MarshalToSizedBufferVT(b []byte) (int, error)
}

// Unmarshaler is a message that decodes itself: what protoc-gen-go-vtproto
// generates with "unmarshal". Decoding adds to what the message holds already.
type Unmarshaler interface {
	UnmarshalVT(b []byte) error
}

// UnsafeUnmarshaler is a message whose decoded strings and byte fields are parts
// of b, so that nothing is copied: "unmarshal_unsafe".
type UnsafeUnmarshaler interface {
	UnmarshalVTUnsafe(b []byte) error
}

// AppendVT appends a whole packet that carries m: header and encoded message. It
// allocates only when dst lacks room. m must not change meanwhile.
//
// A message that does not fit is a *TooLargeError, one that fails to encode an
// *EncodeError. dst is returned with the length that it had.
func AppendVT(dst []byte, id ID, m Marshaler) ([]byte, error) {
	start, size := len(dst), m.SizeVT()
	if size < 0 || size > PayloadBytesMax {
		return dst, &TooLargeError{ID: id, PayloadBytes: size}
	}
	dst = slices.Grow(dst, HeaderBytes+size)
	b, err := AppendHeader(dst, id, size)
	if err != nil {
		return dst, err
	}
	end := len(b) + size
	n, err := m.MarshalToSizedBufferVT(b[len(b):end:end])
	if err != nil {
		return dst[:start], &EncodeError{ID: id, Err: err}
	}
	if n != size {
		return dst[:start], &EncodeError{ID: id, Err: fmt.Errorf("encoded %d bytes of a message of %d", n, size)}
	}
	return b[:end], nil
}

// ValidText returns nil if s is UTF-8 and a *TextError otherwise. proto3 promises
// UTF-8 in its string fields, but the generated decoders do not check it: a
// handler calls this on each string that it keeps or passes on.
func ValidText(s string) error {
	if utf8.ValidString(s) {
		return nil
	}
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			return &TextError{Offset: i}
		}
		i += n
	}
	return nil
}
