// Package mem is memory that the collector does not see, counted and bounded, and
// the few containers that the hot path uses.
//
// # Basics
//
//   - [Pool] hands out off-heap buffers by size class, [Buf]; a Buf counts its
//     owners, and the last Release gives it back.
//   - [Chunker] packs many small messages into one Buf.
//   - [ObjectPool] keeps objects of one type for their next use.
//   - [Ring] is a growable queue.
//
// None of them allocates in steady state. What has a lock says so: Pool and Buf are
// for any goroutine, the others belong to one.
//
// # Debug mode
//
// With [Config].Debug each buffer ends at an unreadable page and becomes unreadable
// itself when it is freed, so an overrun or a use after free faults at the very
// instruction, and not an hour later in somebody else's message. Double releases
// and leaks come with the stacks of the Get and the Release.
//
// # Caveats
//
// The collector does not follow pointers in off-heap memory: bytes only. A slice
// of a Buf does not keep it alive, only a reference does. The race detector does
// not see off-heap memory. Where the platform has no such mappings, buffers are
// ordinary slices, and debug mode overwrites freed memory and faults nowhere.
package mem
