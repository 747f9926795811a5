package packet

import (
	"encoding/binary"
	"math"
	"unsafe"
)

// ListHeaderBytes is the size of a list header: offset and count.
const ListHeaderBytes = 4

// Reader reads a payload field by field. It never panics, whatever the bytes and
// whatever the order of calls: a read that can not be done returns a zero value
// and leaves a *ReadError, after which every further read returns zero values,
// too. Read all fields, then look at Err or Done once.
//
// A Reader is a small value over lent bytes and allocates nothing but the copies
// that Text makes.
type Reader struct {
	b     []byte // the whole payload: offsets of lists count from its start
	pos   int
	end   int // where this reader's part ends: the payload's end, or the list's
	reach int // how far the lists that were opened reach, at least
	err   *ReadError
}

// NewReader returns a Reader at the start of payload, which must not change while
// the reader and what it lent are in use.
func NewReader(payload []byte) Reader {
	return Reader{b: payload, end: len(payload)}
}

// Err returns the first error, a *ReadError, or nil.
func (r *Reader) Err() error {
	if r.err == nil {
		return nil // not r.err: a nil pointer in an interface is not nil
	}
	return r.err
}

// Left returns how many bytes are unread; 0 after an error.
func (r *Reader) Left() int {
	if r.err != nil {
		return 0
	}
	return r.end - r.pos
}

// Done returns the first error, or one with ErrTrailing if bytes are left over:
// behind the last field and behind the last item of every list that was opened
// on this reader (lists inside of items count for the items' reader only).
// Formats that may grow at their end do without Done.
func (r *Reader) Done() error {
	if r.err == nil && max(r.pos, r.reach) < r.end {
		last := max(r.pos, r.reach)
		r.err = &ReadError{Op: "end", Offset: last, Need: 0, Have: r.end - last, Err: ErrTrailing}
	}
	return r.Err()
}

// take returns the next n bytes, nil if there are not as many.
func (r *Reader) take(op string, n int) []byte {
	if r.err != nil {
		return nil
	}
	if n < 0 || n > r.end-r.pos {
		r.err = &ReadError{Op: op, Offset: r.pos, Need: n, Have: r.end - r.pos}
		return nil
	}
	b := r.b[r.pos : r.pos+n : r.pos+n]
	r.pos += n
	return b
}

// Uint8 reads one byte.
func (r *Reader) Uint8() uint8 {
	if b := r.take("uint8", 1); b != nil {
		return b[0]
	}
	return 0
}

// Uint16 reads two bytes.
func (r *Reader) Uint16() uint16 {
	if b := r.take("uint16", 2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

// Uint32 reads four bytes.
func (r *Reader) Uint32() uint32 {
	if b := r.take("uint32", 4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// Uint64 reads eight bytes.
func (r *Reader) Uint64() uint64 {
	if b := r.take("uint64", 8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// Int8 reads one byte, two's complement.
func (r *Reader) Int8() int8 { return int8(r.Uint8()) }

// Int16 reads two bytes, two's complement.
func (r *Reader) Int16() int16 { return int16(r.Uint16()) }

// Int32 reads four bytes, two's complement.
func (r *Reader) Int32() int32 { return int32(r.Uint32()) }

// Int64 reads eight bytes, two's complement.
func (r *Reader) Int64() int64 { return int64(r.Uint64()) }

// Float32 reads four bytes, IEEE 754. It may be a NaN or an infinity.
func (r *Reader) Float32() float32 { return math.Float32frombits(r.Uint32()) }

// Float64 reads eight bytes, IEEE 754. It may be a NaN or an infinity.
func (r *Reader) Float64() float64 { return math.Float64frombits(r.Uint64()) }

// Bool reads one byte that must be 0 or 1.
func (r *Reader) Bool() bool {
	b := r.take("bool", 1)
	if b == nil {
		return false
	}
	if b[0] > 1 {
		r.err = &ReadError{Op: "bool", Offset: r.pos - 1, Need: 1, Have: 1, Err: ErrBool}
		return false
	}
	return b[0] == 1
}

// Bytes reads n bytes and lends them. A negative n is an error like one that is
// too large, so n may come off the wire.
func (r *Reader) Bytes(n int) []byte { return r.take("bytes", n) }

// TextBytes reads a text and lends its bytes, checked to be UTF-8.
func (r *Reader) TextBytes() []byte {
	start := r.pos
	head := r.take("text", 2)
	if head == nil {
		return nil
	}
	b := r.take("text", int(binary.LittleEndian.Uint16(head)))
	if len(b) == 0 {
		return b
	}
	// The view lives for the check only, while b can not change.
	if err := ValidText(unsafe.String(&b[0], len(b))); err != nil {
		r.err = &ReadError{Op: "text", Offset: start, Need: len(b), Have: len(b), Err: err}
		return nil
	}
	return b
}

// Text reads a text and copies it: the string is the caller's to keep.
func (r *Reader) Text() string { return string(r.TextBytes()) }

// ListHeader reads a list header and returns a reader over the list's items and
// their number. The header is checked against the payload before it returns: all
// of count times itemBytes bytes are there, so make([]T, count) is bounded by what
// the peer really sent. itemBytes is the size of an item's fixed part and at
// least 1.
//
// The items lie behind the header that locates them; lists of lists are read by
// ListHeader on items. items has an error state of its own, which is set from the
// start if this call failed. An empty list has no items wherever it points.
//
// Nothing keeps two headers from locating the same items, so a reader of lists in
// lists bounds the sum of what it makes of them.
func (r *Reader) ListHeader(itemBytes int) (items Reader, count int) {
	start := r.pos
	head := r.take("list", ListHeaderBytes)
	if head == nil {
		return Reader{b: r.b, err: r.err}, 0
	}
	offset := int(binary.LittleEndian.Uint16(head))
	count = int(binary.LittleEndian.Uint16(head[2:]))
	if count == 0 {
		return Reader{b: r.b, pos: r.pos, end: r.pos}, 0
	}
	// Divided and not multiplied: itemBytes is the caller's and may be anything.
	have := len(r.b) - offset
	if offset < r.pos || itemBytes < 1 || count > have/itemBytes {
		r.err = &ReadError{Op: "list", Offset: start, Need: max(itemBytes, 1), Have: max(have, 0)}
		if itemBytes <= SizeMax {
			r.err.Need *= count
		}
		return Reader{b: r.b, err: r.err}, 0
	}
	end := offset + count*itemBytes
	r.reach = max(r.reach, end)
	return Reader{b: r.b, pos: offset, end: end}, count
}
