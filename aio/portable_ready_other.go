//go:build !unix

package aio

import (
	"net"
	"syscall"
)

// rawOf returns nil: here a connection can not be asked whether there is something
// to read.
func rawOf(net.Conn) syscall.RawConn { return nil }

// writeNow is never called where rawOf returns nil.
func writeNow(uintptr, []byte) (n int, again bool, err error) {
	panic("aio: a write to a descriptor on a system that has none")
}

// awaitWritable is never called where rawOf returns nil.
func awaitWritable(syscall.RawConn) error {
	panic("aio: a wait for a descriptor on a system that has none")
}

// readNow is never called where rawOf returns nil.
func readNow(uintptr, []byte) (n int, again bool, err error) {
	panic("aio: a read from a descriptor on a system that has none")
}
