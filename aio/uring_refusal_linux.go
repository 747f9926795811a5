package aio

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"sarang/aio/iouring"
)

const adviceEpoll = "use --io epoll"

// refusal puts an error of package iouring into words: the reason and what to do.
func refusal(err error) error {
	e := &UnavailableError{Kind: kindUring, Advice: adviceEpoll, Cause: err}
	var unsupported *iouring.UnsupportedError
	var errno syscall.Errno
	_ = errors.As(err, &errno)
	switch {
	case errors.As(err, &unsupported):
		e.Reason = fmt.Sprintf("the kernel does not let us use io_uring operation %d", unsupported.Op)
		e.Cause = nil
	case errors.Is(err, iouring.ErrTooOld):
		e.Reason = "this kernel's io_uring is too old: Linux 6.1 is needed, and this is " + kernelRelease()
	case errno == unix.ENOSYS:
		e.Reason = "this kernel has no io_uring, or a container's filter hides it"
	case errno == unix.EPERM:
		e.Reason = refusedBy(sysctl("kernel/io_uring_disabled"))
		e.Advice = "allow it, or " + adviceEpoll
	case errno == unix.ENOMEM:
		e.Reason = "no memory for the ring"
		e.Advice = "raise the limit of locked memory (ulimit -l), or " + adviceEpoll
	case errno == unix.EMFILE, errno == unix.ENFILE:
		e.Reason = "too many open files"
		e.Advice = "raise the limit of open files (ulimit -n)"
	default:
		e.Reason = "io_uring can not be set up"
	}
	return e
}

// refusedBy names who forbids io_uring, by the value of the sysctl that can.
func refusedBy(disabled string) string {
	switch disabled {
	case "1":
		return "the sysctl kernel.io_uring_disabled is 1 and we are not in the group kernel.io_uring_group"
	case "2":
		return "the sysctl kernel.io_uring_disabled is 2"
	}
	return "io_uring is forbidden here, most likely by a container's system call filter"
}

// sysctl reads a setting; empty if it can not be read.
func sysctl(path string) string {
	b, err := os.ReadFile("/proc/sys/" + path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

func kernelRelease() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "of unknown age"
	}
	return unix.ByteSliceToString(u.Release[:])
}
