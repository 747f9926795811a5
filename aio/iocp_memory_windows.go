package aio

import (
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

// op is what a control is lent for.
type op uint8

const (
	opReceive op = iota + 1
	opConnect
	opCopy
	opAccept
)

// control is what the system holds of one request in flight: it writes to it when
// the request ends, so it lies outside Go's heap and goes back only then.
type control struct {
	overlapped windows.Overlapped // first: it is what a completion names
	socket     Socket
	index      int32
	op         op
}

// copied is a control with the bytes of a send that the system may take its time
// for. One per stalled reader, none for an idle socket.
type copied struct {
	control
	bytes [copyBytes]byte
}

// acceptance is a control with the connection that is to be accepted.
type acceptance struct {
	control
	conn      windows.Handle
	addresses [2 * acceptAddressBytes]byte // the local, then the far end
}

// copyBytes is how much of a send a full socket takes.
const copyBytes = 4096

// acceptAddressBytes is the room that AcceptEx wants for each of the two
// addresses: 16 bytes more than the longest.
const acceptAddressBytes = sockaddr6Bytes + 16

// slab lends pieces of memory outside Go's heap, which never move. There are as
// many as were ever lent at once. T must not hold Go pointers.
type slab[T any] struct {
	chunks [][]T
	free   []int32
	inUse  int
}

// slabChunkBytes is the granularity in which the system reserves addresses.
const slabChunkBytes = 64 << 10

func (m *slab[T]) perChunk() int {
	var one T
	return slabChunkBytes / int(unsafe.Sizeof(one))
}

// take lends a piece; its index is the name for the rest. What stands in it is
// left from before.
func (m *slab[T]) take() (int32, *T, error) {
	if len(m.free) == 0 {
		if err := m.grow(); err != nil {
			return 0, nil, err
		}
	}
	i := m.free[len(m.free)-1]
	m.free = m.free[:len(m.free)-1]
	m.inUse++
	return i, m.at(i), nil
}

func (m *slab[T]) grow() error {
	n := m.perChunk()
	addr, err := windows.VirtualAlloc(0, slabChunkBytes, windows.MEM_RESERVE|windows.MEM_COMMIT, windows.PAGE_READWRITE)
	if err != nil {
		return os.NewSyscallError("VirtualAlloc", err)
	}
	// The address is not Go's, so no collector moves or frees what it names; the
	// detour is only for vet, which can not know that.
	chunk := unsafe.Slice(*(**T)(unsafe.Pointer(&addr)), n)
	for i := n - 1; i >= 0; i-- {
		m.free = append(m.free, int32(len(m.chunks)*n+i)) // the lowest goes first
	}
	m.chunks = append(m.chunks, chunk)
	return nil
}

// at returns a lent piece.
func (m *slab[T]) at(i int32) *T {
	n := m.perChunk()
	return &m.chunks[int(i)/n][int(i)%n]
}

// give ends a loan; the system must be done with the piece.
func (m *slab[T]) give(i int32) {
	m.inUse--
	m.free = append(m.free, i)
}

// close frees the memory, unless something of it is still lent: what the system
// may yet write to must never be anybody else's.
func (m *slab[T]) close() {
	if m.inUse > 0 {
		return
	}
	for _, chunk := range m.chunks {
		// Our own memory: it can not fail.
		_ = windows.VirtualFree(uintptr(unsafe.Pointer(&chunk[0])), 0, windows.MEM_RELEASE)
	}
	m.chunks = nil
}
