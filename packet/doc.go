// Package packet is the wire form of Sarang: frames of a four-byte header and a
// payload, the reader and writer of hand-laid records, and the table that takes
// a packet to its typed handler.
//
// # Basics
//
// A packet is size (uint16), id (uint16), both little-endian, and then the
// payload. size counts the header, so it is never below HeaderBytes nor above
// SizeMax. Split takes packets off the front of what was received; Need says how
// many bytes to gather before asking again. AppendHeader, AppendVT and Writer
// put packets at the end of a buffer that the caller owns.
//
// A payload is either a protobuf message (AppendVT, Handle) or a record laid out
// by hand (Writer, Reader, HandleRaw).
//
// # Layout of hand-laid records
//
// Numbers are little-endian and unaligned. A bool is one byte, 0 or 1. A text is
// its length in bytes (uint16) and that many bytes of UTF-8. A list is located by
// a list header {offset uint16, count uint16} in the fixed part of the record;
// offset is where the first item starts, counted from the first byte of the
// payload, and the items stand one behind the other.
//
// # Caveats
//
// Nothing here copies what it is given: a Packet's payload, Reader.Bytes and the
// strings of a message decoded by Handle live in the buffer that was split, and
// end with it. Whoever keeps such a thing clones it (strings.Clone,
// slices.Clone).
//
// No input makes this package panic, loop, or allocate more than a small
// multiple of the input's size. Reader and Writer keep their first error, so a
// whole record can be read and checked once at the end.
//
// No type here is safe for use by two goroutines at once.
package packet
