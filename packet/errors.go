package packet

import (
	"errors"
	"fmt"
)

// Reasons that a ReadError or WriteError carries when the cause is not simply a
// lack of bytes.
var (
	// ErrBool is a bool byte that is neither 0 nor 1.
	ErrBool = errors.New("a bool is neither 0 nor 1")

	// ErrTrailing is bytes left over after the last field.
	ErrTrailing = errors.New("bytes are left over")

	// ErrMark is a mark that no Reserve call of the same writer returned.
	ErrMark = errors.New("the mark does not belong to what was written")
)

// FrameError is a header whose size is below HeaderBytes. Where the next packet
// starts is unknown from there on, so the connection is of no further use.
type FrameError struct {
	Size int // what the header said, in bytes
}

func (e *FrameError) Error() string {
	return fmt.Sprintf("packet: header gives a size of %d bytes, less than the header's own %d", e.Size, HeaderBytes)
}

// TooLargeError is a payload that no packet can carry.
type TooLargeError struct {
	ID           ID
	PayloadBytes int
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("packet: payload of packet %d is %d bytes, 0 to %d are possible", e.ID, e.PayloadBytes, PayloadBytesMax)
}

// EncodeError is a message that could not be encoded.
type EncodeError struct {
	ID  ID
	Err error
}

func (e *EncodeError) Error() string { return fmt.Sprintf("packet: encode packet %d: %v", e.ID, e.Err) }

// Unwrap returns the cause.
func (e *EncodeError) Unwrap() error { return e.Err }

// DecodeError is a payload that does not hold what its id promises. The frame
// itself was sound, so the stream can go on.
type DecodeError struct {
	ID  ID
	Err error
}

func (e *DecodeError) Error() string { return fmt.Sprintf("packet: decode packet %d: %v", e.ID, e.Err) }

// Unwrap returns the cause.
func (e *DecodeError) Unwrap() error { return e.Err }

// UnknownIDError is a packet that a Mux has no handler for: a newer peer, as a
// rule, and no reason to disconnect it.
type UnknownIDError struct {
	ID ID
}

func (e *UnknownIDError) Error() string { return fmt.Sprintf("packet: no handler for packet %d", e.ID) }

// ReadError is the first thing that went wrong in a Reader.
type ReadError struct {
	Op     string // what was being read: "uint16", "text", "list"
	Offset int    // where, in bytes from the start of the payload
	Need   int    // bytes wanted there
	Have   int    // bytes that there were
	Err    error  // why, when it was not a lack of bytes: ErrBool, ErrTrailing, *TextError; else nil
}

func (e *ReadError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("packet: read %s at byte %d: %v", e.Op, e.Offset, e.Err)
	}
	return fmt.Sprintf("packet: read %s at byte %d: %d bytes needed, %d there", e.Op, e.Offset, e.Need, e.Have)
}

// Unwrap returns the cause, nil when bytes were lacking.
func (e *ReadError) Unwrap() error { return e.Err }

// WriteError is the first thing that went wrong in a Writer.
type WriteError struct {
	Op     string // what was being written: "uint16", "text", "list"
	Offset int    // where, in bytes from the start of the payload
	Need   int    // bytes wanted there
	Have   int    // bytes that the limit left
	Err    error  // why, when it was not the limit: ErrMark, *TextError; else nil
}

func (e *WriteError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("packet: write %s at byte %d: %v", e.Op, e.Offset, e.Err)
	}
	return fmt.Sprintf("packet: write %s at byte %d: %d bytes needed, the limit leaves %d", e.Op, e.Offset, e.Need, e.Have)
}

// Unwrap returns the cause, nil when the limit was reached.
func (e *WriteError) Unwrap() error { return e.Err }

// TextError is text that is not UTF-8.
type TextError struct {
	Offset int // of the first byte that is not, from the start of the text
}

func (e *TextError) Error() string {
	return fmt.Sprintf("text is not UTF-8 from byte %d on", e.Offset)
}
