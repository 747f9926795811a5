package iouring

// The kernel's interface, after include/uapi/linux/io_uring.h: names follow it. It is
// not complete: what is missing is added as it is needed.

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

// Operations of a submission. The manual io_uring_enter(2) says which fields of the SQE
// each of them reads.
const (
	OpNop         = 0
	OpPollAdd     = 6
	OpSendMsg     = 9
	OpAccept      = 13
	OpAsyncCancel = 14
	OpConnect     = 16
	OpSend        = 26
	OpRecv        = 27
)

const (
	opCount        = 256 // in a probe
	probeSupported = 1 << 0
)

// Flags of a submission.
const (
	SQEBufferSelect = 1 << 5 // SQE.Flags: the kernel takes a buffer of SQE.BufGroup

	AcceptMultishot = 1 << 0 // SQE.IoPrio: one request for many connections
	RecvPollFirst   = 1 << 0 // SQE.IoPrio: do not try before the socket is readable
	RecvMultishot   = 1 << 1 // SQE.IoPrio: one request for many receives
	PollAddMulti    = 1 << 0 // SQE.Len: one request for many edges

	CancelAll = 1 << 0 // SQE.OpFlags of OpAsyncCancel: all that match
	CancelAny = 1 << 2 // likewise: everything matches
)

// Flags of a completion.
const (
	CQEBuffer       = 1 << 0 // CQE.BufferID says which buffer the kernel has filled
	CQEMore         = 1 << 1 // the request goes on: more completions follow
	CQESockNonempty = 1 << 2 // the socket had more to read

	cqeBufferShift = 16
)

// SQE is struct io_uring_sqe: one submission.
type SQE struct {
	Op          uint8
	Flags       uint8
	IoPrio      uint16
	FD          int32
	Off         uint64 // also addr2
	Addr        uint64
	Len         uint32
	OpFlags     uint32 // the operation's own flags
	UserData    uint64 // comes back in the CQE
	BufGroup    uint16
	Personality uint16
	File        int32
	Addr3       uint64
	_           uint64
}

// CQE is struct io_uring_cqe: one completion.
type CQE struct {
	UserData uint64 // of the SQE
	Res      int32  // the result, or an errno below zero
	Flags    uint32
}

// More reports whether the request goes on and further completions follow.
func (c *CQE) More() bool { return c.Flags&CQEMore != 0 }

// HasBuffer reports whether the kernel has filled a provided buffer.
func (c *CQE) HasBuffer() bool { return c.Flags&CQEBuffer != 0 }

// BufferID is the number of that buffer.
func (c *CQE) BufferID() uint16 { return uint16(c.Flags >> cqeBufferShift) }

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
