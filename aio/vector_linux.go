package aio

import (
	"runtime"
	"unsafe"
)

// The system's struct iovec and struct msghdr, with numbers where C has pointers:
// they may lie outside Go's heap, where a typed Go pointer must not be stored.
type iovec struct {
	base  uintptr
	bytes uintptr
}

type msghdr struct {
	name         uintptr
	nameBytes    uint32
	vector       uintptr
	vectorCount  uintptr
	control      uintptr
	controlBytes uintptr
	flags        int32
}

// vector is a msghdr with the slices that it points to.
type vector struct {
	header msghdr
	slices [VectorMax]iovec
}

// fill points x at the first VectorMax slices of v that have bytes. The caller
// keeps v reachable until the system is done with x, and x in place.
func (x *vector) fill(v [][]byte) {
	n := 0
	for _, b := range v {
		if len(b) == 0 {
			continue
		}
		x.slices[n] = iovec{uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b))}
		n++
		if n == VectorMax {
			break
		}
	}
	x.header = msghdr{vector: uintptr(unsafe.Pointer(&x.slices)), vectorCount: uintptr(n)}
}

// keep holds the bytes of a vector until the system call that was given their
// addresses, hidden from the collector in a table of numbers, is over.
func keep(v [][]byte) { runtime.KeepAlive(v) }
