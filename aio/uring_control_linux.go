package aio

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

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
