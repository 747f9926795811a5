package aio

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// buffers are what the kernel receives into: a ring of descriptions, from which it
// takes one per receive, and the memory, all outside Go's heap.
type buffers struct {
	ring   []pbuf
	bytes  []byte
	size   int // of one
	tail   uint16
	lent   []uint16 // with the owner until the next Wait
	mapped [2][]byte
}

const buffersGroup = 0

// openBuffers makes count buffers of size bytes and gives them all to the kernel.
func openBuffers(r *ring, count, size int) (*buffers, error) {
	b := &buffers{size: size, lent: make([]uint16, 0, count)}
	for i, n := range [...]int{count * int(unsafe.Sizeof(pbuf{})), count * size} {
		m, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
		if err != nil {
			b.close()
			return nil, os.NewSyscallError("mmap", err)
		}
		b.mapped[i] = m
	}
	b.ring = unsafe.Slice((*pbuf)(unsafe.Pointer(&b.mapped[0][0])), count)
	b.bytes = b.mapped[1]
	reg := pbufReg{
		addr:    uint64(uintptr(unsafe.Pointer(&b.ring[0]))),
		entries: uint32(count),
		group:   buffersGroup,
	}
	if errno := r.register(registerPbufRing, uintptr(unsafe.Pointer(&reg)), 1); errno != 0 {
		b.close()
		return nil, tooOld(errno)
	}
	for id := range count {
		b.lent = append(b.lent, uint16(id))
	}
	b.giveBack()
	return b, nil
}

// lend returns the first n bytes of a buffer that the kernel filled.
func (b *buffers) lend(id uint16, n int) []byte {
	b.lent = append(b.lent, id)
	start := int(id) * b.size
	return b.bytes[start : start+n : start+n]
}

// giveBack returns all lent buffers to the kernel and tells how many they were.
//
// The tail is written plainly: with DEFER_TASKRUN the kernel looks at it only on
// this very thread, inside of io_uring_enter.
func (b *buffers) giveBack() int {
	mask := uint16(len(b.ring) - 1)
	for _, id := range b.lent {
		buffer := b.bytes[int(id)*b.size:][:b.size]
		if debugging {
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

// close unmaps the memory; the kernel must be done with it.
func (b *buffers) close() {
	for _, m := range b.mapped {
		if m != nil {
			_ = unix.Munmap(m) // our own mapping: it can not fail
		}
	}
}

// control is what the kernel reads of one send or connect beside the bytes.
type control struct {
	vector vector
	peer   sockaddr
}

// controls lends a control, outside Go's heap, to each send and connect in flight.
// There are as many as were ever in flight at once: an idle socket has none.
type controls struct {
	ops    []flight
	free   []int32
	mapped [][]byte
}

// flight is the half of a control that must be in Go's heap.
type flight struct {
	v [][]byte // frozen: keeps the bytes reachable until the kernel is done
}

const controlsPerChunk = 64

// take lends a control; its index is the name for the rest.
func (c *controls) take(v [][]byte) (int32, error) {
	if len(c.free) == 0 {
		if err := c.grow(); err != nil {
			return 0, err
		}
	}
	i := c.free[len(c.free)-1]
	c.free = c.free[:len(c.free)-1]
	c.ops[i].v = v
	return i, nil
}

func (c *controls) grow() error {
	m, err := unix.Mmap(-1, 0, controlsPerChunk*int(unsafe.Sizeof(control{})),
		unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return os.NewSyscallError("mmap", err)
	}
	c.mapped = append(c.mapped, m)
	for i := len(c.ops) + controlsPerChunk - 1; i >= len(c.ops); i-- {
		c.free = append(c.free, int32(i)) // the lowest goes first: its page is in use
	}
	c.ops = append(c.ops, make([]flight, controlsPerChunk)...)
	return nil
}

// at returns the memory of a lent control.
func (c *controls) at(i int32) *control {
	chunk := c.mapped[i/controlsPerChunk]
	return (*control)(unsafe.Pointer(&chunk[int(i%controlsPerChunk)*int(unsafe.Sizeof(control{}))]))
}

// give ends a loan.
func (c *controls) give(i int32) {
	c.ops[i].v = nil
	c.free = append(c.free, i)
}

// close unmaps the memory; the kernel must be done with it.
func (c *controls) close() {
	for _, m := range c.mapped {
		_ = unix.Munmap(m) // our own mapping: it can not fail
	}
}
