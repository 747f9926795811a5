// Package iouring is Linux's io_uring for Go, without cgo: the pair of queues that is
// shared with the kernel, and rings of provided buffers. It knows nothing of what the
// requests are for: whoever uses it fills in a submission as io_uring_enter(2) has it
// and reads the completion. Other systems have an empty package.
//
// # Basics
//
// Open a ring on the thread that is to use it, queue requests, enter the kernel, and
// take completions:
//
//	runtime.LockOSThread()
//	r, err := iouring.Open(64, 256)
//	if err != nil { … }
//	defer r.Close()
//
//	e := r.Next() // r.Full() is false
//	e.Op, e.FD, e.UserData = iouring.OpRecv, fd, 7
//	e.Addr, e.Len = uint64(uintptr(unsafe.Pointer(&b[0]))), uint32(len(b))
//
//	err = r.Enter(true, time.Second) // hands over what is queued, then waits
//	for r.Ready() > 0 {
//		c := r.Take() // c.UserData is 7, c.Res the number of bytes or an errno below zero
//	}
//	runtime.KeepAlive(b)
//
// With Buffers a receive takes its memory only when there is something to receive, from
// a pool that many sockets share.
//
// # Caveats
//
// A ring belongs to one thread (SINGLE_ISSUER), and completions are made only while that
// thread is in Enter (DEFER_TASKRUN). Nothing here may be called from another one.
//
// What a submission names by address must stay where it is, and reachable, until its
// completion has come: Go's collector does not see addresses that are numbers. Memory
// from mmap is the simplest, and ordinary Go memory is fine while something else points
// at it. Stacks move: nothing on a stack may be named.
//
// A wait in the kernel is a system call that Go's scheduler knows of (Enter). EnterRaw
// makes one that it does not know of: right for few requests that can not sleep, where
// telling it costs more than the call.
//
// Linux 6.1 is needed. Containers may forbid io_uring altogether: Open's error wraps
// EPERM or ENOSYS then, and ErrTooOld where a kernel has less than is needed.
package iouring
