package iouring

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Buffers are what the kernel receives into: a ring of descriptions, from which it
// takes one per receive (SQEBufferSelect), and the memory, all outside Go's heap. An
// owner borrows a buffer that was filled by Lend and returns all that it has borrowed
// by GiveBack.
type Buffers struct {
	// Poison overwrites buffers as they go back, so that who still reads them finds
	// out.
	Poison bool

	ring   []pbuf
	bytes  []byte
	size   int // of one
	tail   uint16
	lent   []uint16 // with the owner
	mapped [2][]byte
}

// NewBuffers makes count buffers (a power of two, at most 32,768) of size bytes and
// gives them all to the kernel, as a group of the ring. The error wraps ErrTooOld, or
// is an *os.SyscallError of mmap.
func (r *Ring) NewBuffers(group uint16, count, size int) (*Buffers, error) {
	b := &Buffers{size: size, lent: make([]uint16, 0, count)}
	for i, n := range [...]int{count * int(unsafe.Sizeof(pbuf{})), count * size} {
		m, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
		if err != nil {
			b.Close()
			return nil, os.NewSyscallError("mmap", err)
		}
		b.mapped[i] = m
	}
	b.ring = unsafe.Slice((*pbuf)(unsafe.Pointer(&b.mapped[0][0])), count)
	b.bytes = b.mapped[1]
	reg := pbufReg{
		addr:    uint64(uintptr(unsafe.Pointer(&b.ring[0]))),
		entries: uint32(count),
		group:   group,
	}
	if errno := r.register(registerPbufRing, uintptr(unsafe.Pointer(&reg)), 1); errno != 0 {
		b.Close()
		return nil, tooOld("io_uring_register", errno)
	}
	for id := range count {
		b.lent = append(b.lent, uint16(id))
	}
	b.GiveBack()
	return b, nil
}

// Lend returns the first n bytes of a buffer that the kernel has filled. They are the
// owner's until GiveBack.
func (b *Buffers) Lend(id uint16, n int) []byte {
	b.lent = append(b.lent, id)
	start := int(id) * b.size
	return b.bytes[start : start+n : start+n]
}

// GiveBack returns all lent buffers to the kernel and says how many they were.
//
// The tail is written plainly: with DEFER_TASKRUN the kernel reads it only on this very
// thread, inside of io_uring_enter.
func (b *Buffers) GiveBack() int {
	mask := uint16(len(b.ring) - 1)
	for _, id := range b.lent {
		buffer := b.bytes[int(id)*b.size:][:b.size]
		if b.Poison {
			poison(buffer)
		}
		e := &b.ring[b.tail&mask]
		// Field by field: the first entry shares its bytes with the tail.
		e.addr = uint64(uintptr(unsafe.Pointer(&buffer[0])))
		e.len = uint32(b.size)
		e.id = id
		b.tail++
	}
	b.ring[0].tail = b.tail
	n := len(b.lent)
	b.lent = b.lent[:0]
	return n
}

func poison(b []byte) {
	for i := range b {
		b[i] = 0xDB
	}
}

// Close unmaps the memory. The kernel must be done with it: no receive that selects
// from the group is in flight, or the ring is closed and all requests have ended.
func (b *Buffers) Close() {
	for _, m := range b.mapped {
		if m != nil {
			_ = unix.Munmap(m) // our own mapping: it can not fail
		}
	}
}
