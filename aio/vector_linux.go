package aio

import "unsafe"

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

// firstFilled finds the first slice with bytes in it and says whether there is
// another one after it. Its index is -1 if there are no bytes at all.
func firstFilled(v [][]byte) (index int, another bool) {
	index = -1
	for i, b := range v {
		if len(b) == 0 {
			continue
		}
		if index >= 0 {
			return index, true
		}
		index = i
	}
	return index, false
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
