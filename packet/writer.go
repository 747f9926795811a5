package packet

import (
	"encoding/binary"
	"math"
)

// Mark is a place in what a Writer has written, kept for a value that is known
// later. It is good for the writer that returned it.
type Mark int

// Writer appends a record to a buffer of the caller's, field by field, within a
// limit. A write that would pass the limit leaves a *WriteError and writes
// nothing, and nor does any further one: write everything, then take Result.
//
// A Writer is a small value; it allocates only when the buffer lacks room.
type Writer struct {
	b      []byte
	start  int // length of the caller's buffer at first: what it is cut back to on an error
	base   int // where the payload starts; the same, or HeaderBytes further
	end    int // base + limit: the length that b must not pass
	framed bool
	err    *WriteError
}

// NewWriter returns a Writer that appends at most limitBytes to dst. The writer
// owns dst until Result gives it back.
func NewWriter(dst []byte, limitBytes int) Writer {
	return Writer{b: dst, start: len(dst), base: len(dst), end: len(dst) + max(limitBytes, 0)}
}

// NewPacketWriter returns a Writer that appends a whole packet to dst: what is
// written is the payload, and Result completes the header. The limit is
// PayloadBytesMax.
func NewPacketWriter(dst []byte, id ID) Writer {
	start := len(dst)
	dst = binary.LittleEndian.AppendUint16(dst, 0)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(id))
	return Writer{b: dst, start: start, base: len(dst), end: len(dst) + PayloadBytesMax, framed: true}
}

// Result returns the buffer with what was appended to it, or cut back to the
// length that it had at first and the first error, a *WriteError.
func (w *Writer) Result() ([]byte, error) {
	if w.err != nil {
		return w.b[:w.start], w.err
	}
	if w.framed {
		binary.LittleEndian.PutUint16(w.b[w.start:], uint16(len(w.b)-w.start))
	}
	return w.b, nil
}

// Err returns the first error, a *WriteError, or nil.
func (w *Writer) Err() error {
	if w.err == nil {
		return nil // not w.err: a nil pointer in an interface is not nil
	}
	return w.err
}

// Len returns how many payload bytes are written.
func (w *Writer) Len() int { return len(w.b) - w.base }

// room reports whether n more bytes fit, and leaves an error if not.
func (w *Writer) room(op string, n int) bool {
	if w.err != nil {
		return false
	}
	if n < 0 || n > w.end-len(w.b) {
		w.fail(op, n, nil)
		return false
	}
	return true
}

func (w *Writer) fail(op string, n int, cause error) {
	w.err = &WriteError{Op: op, Offset: w.Len(), Need: n, Have: w.end - len(w.b), Err: cause}
}

// Uint8 writes one byte.
func (w *Writer) Uint8(v uint8) {
	if w.room("uint8", 1) {
		w.b = append(w.b, v)
	}
}

// Uint16 writes two bytes.
func (w *Writer) Uint16(v uint16) {
	if w.room("uint16", 2) {
		w.b = binary.LittleEndian.AppendUint16(w.b, v)
	}
}

// Uint32 writes four bytes.
func (w *Writer) Uint32(v uint32) {
	if w.room("uint32", 4) {
		w.b = binary.LittleEndian.AppendUint32(w.b, v)
	}
}

// Uint64 writes eight bytes.
func (w *Writer) Uint64(v uint64) {
	if w.room("uint64", 8) {
		w.b = binary.LittleEndian.AppendUint64(w.b, v)
	}
}

// Int8 writes one byte, two's complement.
func (w *Writer) Int8(v int8) { w.Uint8(uint8(v)) }

// Int16 writes two bytes, two's complement.
func (w *Writer) Int16(v int16) { w.Uint16(uint16(v)) }

// Int32 writes four bytes, two's complement.
func (w *Writer) Int32(v int32) { w.Uint32(uint32(v)) }

// Int64 writes eight bytes, two's complement.
func (w *Writer) Int64(v int64) { w.Uint64(uint64(v)) }

// Float32 writes four bytes, IEEE 754.
func (w *Writer) Float32(v float32) { w.Uint32(math.Float32bits(v)) }

// Float64 writes eight bytes, IEEE 754.
func (w *Writer) Float64(v float64) { w.Uint64(math.Float64bits(v)) }

// Bool writes one byte, 0 or 1.
func (w *Writer) Bool(v bool) {
	var b uint8
	if v {
		b = 1
	}
	if w.room("bool", 1) {
		w.b = append(w.b, b)
	}
}

// Bytes writes a copy of v, without its length.
func (w *Writer) Bytes(v []byte) {
	if w.room("bytes", len(v)) {
		w.b = append(w.b, v...)
	}
}

// Text writes the length of v in bytes (uint16), then v. Text that is not UTF-8
// or longer than a uint16 can say is an error.
func (w *Writer) Text(v string) {
	if w.err != nil {
		return
	}
	if len(v) > math.MaxUint16 || 2+len(v) > w.end-len(w.b) {
		w.fail("text", 2+len(v), nil)
		return
	}
	if err := ValidText(v); err != nil {
		w.fail("text", 2+len(v), err)
		return
	}
	w.b = binary.LittleEndian.AppendUint16(w.b, uint16(len(v)))
	w.b = append(w.b, v...)
}

// Reserve writes n zero bytes and lends them for filling in, until the next write;
// nil after an error.
func (w *Writer) Reserve(n int) []byte {
	if !w.room("reserve", n) {
		return nil
	}
	at := len(w.b)
	w.b = append(w.b, make([]byte, n)...)
	return w.b[at : at+n : at+n]
}

// ReserveUint16 writes two zero bytes and returns their place for SetUint16At.
func (w *Writer) ReserveUint16() Mark {
	at := w.Len()
	w.Uint16(0)
	return Mark(at)
}

// SetUint16At overwrites the two bytes at mark. A mark that is not within what
// was written is an error with ErrMark.
func (w *Writer) SetUint16At(mark Mark, v uint16) {
	if w.err != nil {
		return
	}
	if mark < 0 || int(mark) > w.Len()-2 {
		w.fail("mark", 2, ErrMark)
		return
	}
	binary.LittleEndian.PutUint16(w.b[w.base+int(mark):], v)
}

// ListHeader writes the header of a list that is empty so far and returns its
// place for List.
func (w *Writer) ListHeader() Mark {
	at := w.Len()
	if w.room("list", ListHeaderBytes) {
		w.b = append(w.b, 0, 0, 0, 0)
	}
	return Mark(at)
}

// List starts the items of the list whose header is at mark: the caller writes
// count items next. They must be the count that was said, one behind the other,
// each of the size that the reader is to pass as itemBytes. All headers of a
// record come before its first item.
func (w *Writer) List(mark Mark, count int) {
	if w.err != nil {
		return
	}
	if count < 0 || count > math.MaxUint16 || w.Len() > math.MaxUint16 {
		w.fail("list", count, nil)
		return
	}
	if mark < 0 || int(mark) > w.Len()-ListHeaderBytes {
		w.fail("list", ListHeaderBytes, ErrMark)
		return
	}
	w.SetUint16At(mark, uint16(w.Len()))
	w.SetUint16At(mark+2, uint16(count))
}
