package aio

// The kernel's interface, after include/uapi/linux/io_uring.h: names follow it,
// and only what the driver uses is here.

// io_uring_setup: flags of io_uring_params.
const (
	setupCQSize       = 1 << 3
	setupClamp        = 1 << 4
	setupSubmitAll    = 1 << 7  // 5.18: one bad entry does not hold up the rest
	setupTaskrunFlag  = 1 << 9  // 5.19: work that waits for us shows in the flags of the queue
	setupSingleIssuer = 1 << 12 // 6.0
	setupDeferTaskrun = 1 << 13 // 6.1: completions are made when we ask, not by interrupting us
	setupNoSQArray    = 1 << 16 // 6.6: entries are taken in order, without an index array
)

// io_uring_setup: features.
const (
	featSingleMmap   = 1 << 0
	featNoDrop       = 1 << 1
	featSubmitStable = 1 << 2
	featFastPoll     = 1 << 5
	featExtArg       = 1 << 8
)

// io_uring_enter: flags.
const (
	enterGetEvents = 1 << 0
	enterExtArg    = 1 << 3
)

// Flags that the kernel keeps in the submission queue.
const (
	sqCQOverflow = 1 << 1
	sqTaskrun    = 1 << 2
)

// Offsets for mmap of the ring's file.
const (
	offSQRing = 0
	offSQEs   = 0x10000000
)

// io_uring_register: operations.
const (
	registerProbe    = 8
	registerPbufRing = 22
)

// Operations.
const (
	opPollAdd     = 6
	opSendMsg     = 9
	opAccept      = 13
	opAsyncCancel = 14
	opConnect     = 16
	opSend        = 26
	opRecv        = 27

	opCount = 256 // in a probe

	probeSupported = 1 << 0
)

// Flags of a submission.
const (
	sqeBufferSelect = 1 << 5

	acceptMultishot = 1 << 0 // in ioprio
	recvPollFirst   = 1 << 0 // in ioprio
	recvMultishot   = 1 << 1 // in ioprio
	pollAddMulti    = 1 << 0 // in len

	cancelAll = 1 << 0
	cancelAny = 1 << 2
)

// Flags of a completion.
const (
	cqeBuffer       = 1 << 0
	cqeMore         = 1 << 1
	cqeSockNonempty = 1 << 2
	cqeBufferShift  = 16
)

// sqe is struct io_uring_sqe.
type sqe struct {
	op          uint8
	flags       uint8
	ioprio      uint16
	fd          int32
	off         uint64
	addr        uint64
	len         uint32
	opFlags     uint32
	userData    uint64
	bufGroup    uint16
	personality uint16
	file        int32
	addr3       uint64
	_           uint64
}

// cqe is struct io_uring_cqe.
type cqe struct {
	userData uint64
	res      int32
	flags    uint32
}

// setupParams is struct io_uring_params.
type setupParams struct {
	sqEntries    uint32
	cqEntries    uint32
	flags        uint32
	sqThreadCPU  uint32
	sqThreadIdle uint32
	features     uint32
	wqFD         uint32
	_            [3]uint32
	sq           sqOffsets
	cq           cqOffsets
}

// sqOffsets is struct io_sqring_offsets.
type sqOffsets struct {
	head, tail, mask, entries, flags, dropped, array, _ uint32
	_                                                   uint64
}

// cqOffsets is struct io_cqring_offsets.
type cqOffsets struct {
	head, tail, mask, entries, overflow, cqes, flags, _ uint32
	_                                                   uint64
}

// geteventsArg is struct io_uring_getevents_arg.
type geteventsArg struct {
	sigmask      uint64
	sigmaskBytes uint32
	_            uint32
	timespec     uint64
}

// timespec64 is struct __kernel_timespec.
type timespec64 struct {
	secs, nanos int64
}

// pbuf is struct io_uring_buf. The last field of the first one is the ring's tail.
type pbuf struct {
	addr uint64
	len  uint32
	id   uint16
	tail uint16
}

// pbufReg is struct io_uring_buf_reg.
type pbufReg struct {
	addr    uint64
	entries uint32
	group   uint16
	flags   uint16
	_       [3]uint64
}

// probe is struct io_uring_probe with its operations.
type probe struct {
	lastOp uint8
	count  uint8
	_      [14]byte
	ops    [opCount]struct {
		op    uint8
		_     uint8
		flags uint16
		_     uint32
	}
}
