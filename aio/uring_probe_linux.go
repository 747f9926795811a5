package aio

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// probe asks the kernel whether it has the operations that the driver uses.
func (r *ring) probe() error {
	p := &probe{}
	if errno := r.register(registerProbe, uintptr(unsafe.Pointer(p)), opCount); errno != 0 {
		return tooOld(errno)
	}
	for _, op := range [...]uint8{opPollAdd, opSendMsg, opAccept, opAsyncCancel, opConnect, opSend, opRecv} {
		if p.ops[op].flags&probeSupported == 0 {
			return &UnavailableError{
				Kind:   kindUring,
				Reason: fmt.Sprintf("the kernel does not let us use io_uring operation %d", op),
				Advice: adviceEpoll,
			}
		}
	}
	return nil
}

const adviceEpoll = "use --io epoll"

func tooOld(cause error) error {
	return &UnavailableError{
		Kind:   kindUring,
		Reason: "this kernel's io_uring is too old: Linux 6.1 is needed, and this is " + kernelRelease(),
		Advice: adviceEpoll,
		Cause:  cause,
	}
}

// setupRefused says in words why io_uring_setup failed.
func setupRefused(errno syscall.Errno) error {
	e := &UnavailableError{Kind: kindUring, Advice: adviceEpoll, Cause: errno}
	switch errno {
	case unix.EINVAL:
		return tooOld(errno)
	case unix.ENOSYS:
		e.Reason = "this kernel has no io_uring, or a container's filter hides it"
	case unix.EPERM:
		e.Reason = refusedBy(sysctl("kernel/io_uring_disabled"))
		e.Advice = "allow it, or " + adviceEpoll
	case unix.ENOMEM:
		e.Reason = "no memory for the ring"
		e.Advice = "raise the limit of locked memory (ulimit -l), or " + adviceEpoll
	case unix.EMFILE, unix.ENFILE:
		e.Reason = "too many open files"
		e.Advice = "raise the limit of open files (ulimit -n)"
	default:
		e.Reason = "io_uring_setup failed"
	}
	return e
}

// refusedBy tells who forbids io_uring, by the value of the sysctl that can.
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
