package iouring

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Ring is the pair of queues that is shared with the kernel. It is for the thread
// that opened it.
type Ring struct {
	fd int

	sqHead  *uint32 // the kernel's
	sqTail  *uint32 // ours, as the kernel sees it
	sqFlags *uint32
	sqes    []SQE
	tail    uint32 // ours, with what was not shown to the kernel yet

	cqHead *uint32 // ours, as the kernel sees it
	cqTail *uint32 // the kernel's
	cqes   []CQE
	head   uint32 // ours

	queues  []byte // mappings
	entries []byte

	arg  geteventsArg
	spec timespec64
	made setupParams
}

// ErrTooOld says that the kernel has an io_uring, but less than this package needs.
// Errors wrap it together with the system's error, if there is one.
var ErrTooOld = errors.New("iouring: this kernel's io_uring is too old: Linux 6.1 is needed")

// UnsupportedError is Probe's answer for an operation that the kernel does not have, or
// does not allow.
type UnsupportedError struct{ Op uint8 }

// Error names the operation by its number.
func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("iouring: the kernel does not support operation %d", e.Op)
}

const setupFlags = setupCQSize | setupClamp | setupSubmitAll | setupTaskrunFlag |
	setupSingleIssuer | setupDeferTaskrun

const featuresWanted = featSingleMmap | featNoDrop | featSubmitStable | featFastPoll |
	featExtArg

// Open makes a ring with room for that many submissions and completions; the kernel
// rounds both up to powers of two. The calling goroutine must be locked to its thread.
// The error wraps ErrTooOld, or is an *os.SyscallError of io_uring_setup or mmap.
func Open(submissions, completions int) (*Ring, error) {
	r := &Ring{}
	errno := r.setup(submissions, completions, setupFlags|setupNoSQArray)
	if errno == unix.EINVAL {
		errno = r.setup(submissions, completions, setupFlags)
	}
	switch {
	case errno == unix.EINVAL:
		return nil, tooOld("io_uring_setup", errno)
	case errno != 0:
		return nil, os.NewSyscallError("io_uring_setup", errno)
	case featuresWanted&^r.made.features != 0:
		unix.Close(r.fd)
		return nil, ErrTooOld
	}
	if err := r.mmap(); err != nil {
		_ = r.Close()
		return nil, os.NewSyscallError("mmap", err)
	}
	return r, nil
}

func tooOld(call string, errno syscall.Errno) error {
	return fmt.Errorf("%w (%w)", ErrTooOld, os.NewSyscallError(call, errno))
}

func (r *Ring) setup(submissions, completions, flags int) syscall.Errno {
	r.made = setupParams{cqEntries: uint32(completions), flags: uint32(flags)}
	fd, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, uintptr(submissions),
		uintptr(unsafe.Pointer(&r.made)), 0)
	r.fd = int(fd)
	return errno
}

func (r *Ring) mmap() (err error) {
	const access, flags = unix.PROT_READ | unix.PROT_WRITE, unix.MAP_SHARED | unix.MAP_POPULATE
	p := &r.made
	size := int(p.cq.cqes) + int(p.cqEntries)*int(unsafe.Sizeof(CQE{}))
	if p.flags&setupNoSQArray == 0 {
		size = max(size, int(p.sq.array)+int(p.sqEntries)*4)
	}
	if r.queues, err = unix.Mmap(r.fd, offSQRing, size, access, flags); err != nil {
		return err
	}
	r.entries, err = unix.Mmap(r.fd, offSQEs, int(p.sqEntries)*int(unsafe.Sizeof(SQE{})), access, flags)
	if err != nil {
		return err
	}
	r.sqHead, r.sqTail, r.sqFlags = r.word(p.sq.head), r.word(p.sq.tail), r.word(p.sq.flags)
	r.cqHead, r.cqTail = r.word(p.cq.head), r.word(p.cq.tail)
	r.sqes = unsafe.Slice((*SQE)(unsafe.Pointer(&r.entries[0])), p.sqEntries)
	r.cqes = unsafe.Slice((*CQE)(unsafe.Pointer(r.word(p.cq.cqes))), p.cqEntries)
	if p.flags&setupNoSQArray == 0 {
		order := unsafe.Slice(r.word(p.sq.array), p.sqEntries)
		for i := range order {
			order[i] = uint32(i)
		}
	}
	return nil
}

func (r *Ring) word(offset uint32) *uint32 {
	return (*uint32)(unsafe.Pointer(&r.queues[offset]))
}

// Queued is how many submissions the kernel has not taken yet.
func (r *Ring) Queued() int { return int(r.tail - atomic.LoadUint32(r.sqHead)) }

// Full reports whether there is no room for a submission.
func (r *Ring) Full() bool { return r.Queued() == len(r.sqes) }

// Next queues a submission and returns it, zeroed, to be filled in before the next
// Enter. The ring must not be full.
func (r *Ring) Next() *SQE {
	e := &r.sqes[r.tail&uint32(len(r.sqes)-1)]
	*e = SQE{}
	r.tail++
	return e
}

// Ready is how many completions wait to be taken.
func (r *Ring) Ready() int { return int(atomic.LoadUint32(r.cqTail) - r.head) }

// Take removes the oldest completion; there must be one.
func (r *Ring) Take() CQE {
	c := r.cqes[r.head&uint32(len(r.cqes)-1)]
	r.head++
	return c
}

// Pending reports whether the kernel has completions that it gives only when entered.
func (r *Ring) Pending() bool {
	return atomic.LoadUint32(r.sqFlags)&(sqCQOverflow|sqTaskrun) != 0
}

// Enter hands over what is queued and lets the kernel make completions. With wait it
// sleeps until there is one, or timeout has passed (< 0: for ever), or a signal came.
// What the kernel has no memory for stays queued and goes with the next Enter. An
// error means that the ring can not be used any more.
func (r *Ring) Enter(wait bool, timeout time.Duration) error {
	atomic.StoreUint32(r.cqHead, r.head)
	atomic.StoreUint32(r.sqTail, r.tail)
	least := uintptr(0)
	if wait {
		least = 1
	}
	r.arg.timespec = 0
	if wait && timeout >= 0 {
		r.spec = timespec64{int64(timeout / time.Second), int64(timeout % time.Second)}
		r.arg.timespec = uint64(uintptr(unsafe.Pointer(&r.spec)))
	}
	_, _, errno := unix.Syscall6(unix.SYS_IO_URING_ENTER, uintptr(r.fd), uintptr(r.Queued()), least,
		enterGetEvents|enterExtArg, uintptr(unsafe.Pointer(&r.arg)), unsafe.Sizeof(r.arg))
	return enterError(errno)
}

// EnterRaw is Enter without waiting, and without telling Go's scheduler.
func (r *Ring) EnterRaw() error {
	atomic.StoreUint32(r.cqHead, r.head)
	atomic.StoreUint32(r.sqTail, r.tail)
	_, _, errno := unix.RawSyscall6(unix.SYS_IO_URING_ENTER, uintptr(r.fd), uintptr(r.Queued()), 0, enterGetEvents, 0, 0)
	return enterError(errno)
}

// enterError is what errno of io_uring_enter means for the ring.
func enterError(errno syscall.Errno) error {
	switch errno {
	case 0, unix.ETIME, unix.EINTR, unix.EAGAIN, unix.EBUSY:
		// The last two: the kernel is short of memory for now.
		return nil
	}
	return os.NewSyscallError("io_uring_enter", errno)
}

// Probe asks the kernel whether it has the operations. The error is an
// *UnsupportedError for the first that it lacks, or wraps ErrTooOld.
func (r *Ring) Probe(ops ...uint8) error {
	p := &probe{}
	if errno := r.register(registerProbe, uintptr(unsafe.Pointer(p)), opCount); errno != 0 {
		return tooOld("io_uring_register", errno)
	}
	for _, op := range ops {
		if p.ops[op].flags&probeSupported == 0 {
			return &UnsupportedError{op}
		}
	}
	return nil
}

func (r *Ring) register(op, arg uintptr, count int) syscall.Errno {
	_, _, errno := unix.Syscall6(unix.SYS_IO_URING_REGISTER, uintptr(r.fd), op, arg, uintptr(count), 0, 0)
	return errno
}

// Close frees the ring. The kernel ends what is still in flight, but not before Close
// returns: memory that a request names must outlive it.
func (r *Ring) Close() error {
	for _, m := range [...][]byte{r.queues, r.entries} {
		if m != nil {
			_ = unix.Munmap(m) // our own mapping: it can not fail
		}
	}
	return os.NewSyscallError("close", unix.Close(r.fd))
}
