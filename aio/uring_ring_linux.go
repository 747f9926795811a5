package aio

import (
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ring is the pair of queues that is shared with the kernel. It is for the thread
// that made it.
type ring struct {
	fd int

	sqHead  *uint32 // the kernel's
	sqTail  *uint32 // ours, as the kernel sees it
	sqFlags *uint32
	sqes    []sqe
	tail    uint32 // ours, with what was not shown to the kernel yet

	sendBytes int // of what was queued since the last enter

	cqHead *uint32 // ours, as the kernel sees it
	cqTail *uint32 // the kernel's
	cqes   []cqe
	head   uint32 // ours

	queues  []byte // mappings
	entries []byte

	arg  geteventsArg
	spec timespec64
	made setupParams
}

const setupFlags = setupCQSize | setupClamp | setupSubmitAll | setupTaskrunFlag |
	setupSingleIssuer | setupDeferTaskrun

const featuresWanted = featSingleMmap | featNoDrop | featSubmitStable | featFastPoll |
	featExtArg

// openRing makes a ring with room for that many submissions and completions.
func openRing(submissions, completions int) (*ring, error) {
	r := &ring{}
	errno := r.setup(submissions, completions, setupFlags|setupNoSQArray)
	if errno == unix.EINVAL {
		errno = r.setup(submissions, completions, setupFlags)
	}
	if errno != 0 {
		return nil, setupRefused(errno)
	}
	if lacks := featuresWanted &^ r.made.features; lacks != 0 {
		unix.Close(r.fd)
		return nil, tooOld(nil)
	}
	if err := r.mmap(); err != nil {
		r.close()
		return nil, os.NewSyscallError("mmap", err)
	}
	return r, nil
}

func (r *ring) setup(submissions, completions, flags int) syscall.Errno {
	r.made = setupParams{cqEntries: uint32(completions), flags: uint32(flags)}
	fd, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, uintptr(submissions),
		uintptr(unsafe.Pointer(&r.made)), 0)
	r.fd = int(fd)
	return errno
}

func (r *ring) mmap() (err error) {
	const access, flags = unix.PROT_READ | unix.PROT_WRITE, unix.MAP_SHARED | unix.MAP_POPULATE
	p := &r.made
	size := int(p.cq.cqes) + int(p.cqEntries)*int(unsafe.Sizeof(cqe{}))
	if p.flags&setupNoSQArray == 0 {
		size = max(size, int(p.sq.array)+int(p.sqEntries)*4)
	}
	if r.queues, err = unix.Mmap(r.fd, offSQRing, size, access, flags); err != nil {
		return err
	}
	r.entries, err = unix.Mmap(r.fd, offSQEs, int(p.sqEntries)*int(unsafe.Sizeof(sqe{})), access, flags)
	if err != nil {
		return err
	}
	r.sqHead, r.sqTail, r.sqFlags = r.word(p.sq.head), r.word(p.sq.tail), r.word(p.sq.flags)
	r.cqHead, r.cqTail = r.word(p.cq.head), r.word(p.cq.tail)
	r.sqes = unsafe.Slice((*sqe)(unsafe.Pointer(&r.entries[0])), p.sqEntries)
	r.cqes = unsafe.Slice((*cqe)(unsafe.Pointer(r.word(p.cq.cqes))), p.cqEntries)
	if p.flags&setupNoSQArray == 0 {
		order := unsafe.Slice(r.word(p.sq.array), p.sqEntries)
		for i := range order {
			order[i] = uint32(i)
		}
	}
	return nil
}

func (r *ring) word(offset uint32) *uint32 {
	return (*uint32)(unsafe.Pointer(&r.queues[offset]))
}

// queued is how many submissions the kernel has not taken yet.
func (r *ring) queued() uint32 { return r.tail - atomic.LoadUint32(r.sqHead) }

// full says that there is no room for a submission.
func (r *ring) full() bool { return int(r.queued()) == len(r.sqes) }

// next returns the next submission to fill in, zeroed; the ring must not be full.
func (r *ring) next() *sqe {
	e := &r.sqes[r.tail&uint32(len(r.sqes)-1)]
	*e = sqe{}
	r.tail++
	return e
}

// ready is how many completions wait to be taken.
func (r *ring) ready() uint32 { return atomic.LoadUint32(r.cqTail) - r.head }

// take returns the oldest completion; there must be one.
func (r *ring) take() cqe {
	c := r.cqes[r.head&uint32(len(r.cqes)-1)]
	r.head++
	return c
}

// pending says that the kernel has completions which it gives only when entered.
func (r *ring) pending() bool {
	return atomic.LoadUint32(r.sqFlags)&(sqCQOverflow|sqTaskrun) != 0
}

// So many requests, with so many bytes to send, are handed over without telling Go's
// scheduler. They take a fifth of a millisecond, like any piece of Go code. To tell it
// costs more than the system call: its watchdog wakes up, takes the processor away, and
// is woken again when the call returns. More takes so long that others need the processor
// meanwhile.
const (
	briefMax      = 64
	briefBytesMax = 256 << 10
)

// brief says that what is queued is little.
func (r *ring) brief() bool { return r.queued() <= briefMax && r.sendBytes <= briefBytesMax }

// enter hands over what is queued and lets the kernel make completions. With wait
// it sleeps until there is one, or timeout has passed (< 0: for ever), or a signal
// came. An error means that the ring can not be used any more.
func (r *ring) enter(wait bool, timeout time.Duration) error {
	atomic.StoreUint32(r.cqHead, r.head)
	atomic.StoreUint32(r.sqTail, r.tail)
	r.sendBytes = 0
	least := uintptr(0)
	if wait {
		least = 1
	}
	r.arg.timespec = 0
	if wait && timeout >= 0 {
		r.spec = timespec64{int64(timeout / time.Second), int64(timeout % time.Second)}
		r.arg.timespec = uint64(uintptr(unsafe.Pointer(&r.spec)))
	}
	_, _, errno := unix.Syscall6(unix.SYS_IO_URING_ENTER, uintptr(r.fd), uintptr(r.queued()), least,
		enterGetEvents|enterExtArg, uintptr(unsafe.Pointer(&r.arg)), unsafe.Sizeof(r.arg))
	return enterError(errno)
}

// enterBriefly is enter without waiting, and without telling Go's scheduler.
func (r *ring) enterBriefly() error {
	atomic.StoreUint32(r.cqHead, r.head)
	atomic.StoreUint32(r.sqTail, r.tail)
	r.sendBytes = 0
	_, _, errno := unix.RawSyscall6(unix.SYS_IO_URING_ENTER, uintptr(r.fd), uintptr(r.queued()), 0, enterGetEvents, 0, 0)
	return enterError(errno)
}

// enterError is what errno of io_uring_enter means for the ring.
func enterError(errno syscall.Errno) error {
	switch errno {
	case 0, unix.ETIME, unix.EINTR, unix.EAGAIN, unix.EBUSY:
		// The last two: the kernel is short of memory for now. What is queued
		// stays queued and goes with the next call.
		return nil
	}
	return os.NewSyscallError("io_uring_enter", errno)
}

func (r *ring) register(op, arg uintptr, count int) syscall.Errno {
	_, _, errno := unix.Syscall6(unix.SYS_IO_URING_REGISTER, uintptr(r.fd), op, arg, uintptr(count), 0, 0)
	return errno
}

func (r *ring) close() error {
	for _, m := range [...][]byte{r.queues, r.entries} {
		if m != nil {
			_ = unix.Munmap(m) // our own mapping: it can not fail
		}
	}
	return os.NewSyscallError("close", unix.Close(r.fd))
}
