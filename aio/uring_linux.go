package aio

import (
	"fmt"
	"net/netip"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"sarang/aio/iouring"
)

const kindUring = "uring"

// uring is the driver over io_uring. Requests are queued and handed to the kernel
// by Wait, all with one system call or two; accepting and receiving are asked for once and
// yield completions until they end.
type uring struct {
	base
	ring     *iouring.Ring
	buffers  *iouring.Buffers
	controls controls

	// rearmQueue holds sockets whose receive or accept the kernel ended by itself:
	// it is handed over once more without the owner noticing.
	rearmQueue  queue[Socket]
	starved     queue[Socket] // likewise: receives that got no buffer; they go first
	freeBuffers int           // buffers that are surely free: so many receives may go

	resets resetProbes

	queuedBytes int         // to be sent by what was queued since the last enter
	inFlight    int         // submissions that owe a last completion
	broken      error       // set for good when the ring can not be used
	scrap       iouring.SQE // takes submissions after that
}

// buffersGroup is the group of the driver's receive buffers, the only one.
const buffersGroup = 0

// Queue lengths. Submissions beyond are handed over early; completions beyond are
// kept by the kernel, at the price of some memory and time.
const (
	submissionsMax = 1024
	completionsMin = 4096
)

// tag is the part of user_data which says what completed; the socket's name has
// four zero bits for it.
type tag uint64

const (
	tagWake tag = iota
	tagAccept
	tagConnect
	tagRecv
	tagSend
	tagWritable
	tagCancelAccept
	tagCancelConnect
	tagCancelRecv
	tagCancelWritable

	tagShift = indexBits
	tagMask  = 1<<4 - 1
)

func userData(name Socket, t tag) uint64 { return uint64(name) | uint64(t)<<tagShift }

func splitUserData(u uint64) (Socket, tag) {
	return Socket(u &^ (tagMask << tagShift)), tag(u >> tagShift & tagMask)
}

func openUring(c Config) (Driver, error) {
	return openUringSized(c, submissionsMax, max(completionsMin, 4*c.EventsMax))
}

// openUringSized is openUring with the lengths of the queues for a parameter.
func openUringSized(c Config, submissions, completions int) (Driver, error) {
	r, err := iouring.Open(submissions, completions)
	if err != nil {
		return nil, refusal(err)
	}
	b, err := openBuffers(r, c)
	if err != nil {
		_ = r.Close()
		return nil, refusal(err)
	}
	d := &uring{ring: r, buffers: b}
	if err := d.open(c, 0); err != nil {
		_ = r.Close()
		b.Close()
		return nil, err
	}
	d.armWaker()
	return d, nil
}

// openBuffers makes the receive buffers of a ring that has what the driver needs.
func openBuffers(r *iouring.Ring, c Config) (*iouring.Buffers, error) {
	err := r.Probe(iouring.OpPollAdd, iouring.OpSendMsg, iouring.OpAccept, iouring.OpAsyncCancel,
		iouring.OpConnect, iouring.OpSend, iouring.OpRecv)
	if err != nil {
		return nil, err
	}
	b, err := r.NewBuffers(buffersGroup, c.RecvBuffers, c.RecvBufferBytes)
	if err != nil {
		return nil, err
	}
	b.Poison = debugging
	return b, nil
}

// Name is "uring".
func (d *uring) Name() string { return kindUring }

// submission returns an entry of the ring to fill in, for a request which owes a
// last completion. It never fails: when the kernel can not take what is queued, the
// driver is broken, and Wait returns the error.
func (d *uring) submission(op uint8, name Socket, t tag, fd int32) *iouring.SQE {
	if d.ring.Full() {
		d.flush()
	}
	e := &d.scrap
	if d.broken == nil {
		e = d.ring.Next()
		d.inFlight++
	}
	e.Op, e.FD, e.UserData = op, fd, userData(name, t)
	return e
}

// flushTries is how often a kernel that is short of memory is asked in a row.
const flushTries = 1000

// flush hands over what is queued.
func (d *uring) flush() {
	for range flushTries {
		if d.broken != nil || d.ring.Queued() == 0 {
			return
		}
		d.enter(false, 0)
	}
	d.broken = fmt.Errorf("aio: io_uring takes no more submissions: %w", syscall.EAGAIN)
}

// armWaker asks for a completion per write to the eventfd.
func (d *uring) armWaker() {
	e := d.submission(iouring.OpPollAdd, 0, tagWake, int32(d.waker.notifier.fd))
	e.Len = iouring.PollAddMulti
	e.OpFlags = unix.POLLIN
}

// Accept starts accepting on l.
func (d *uring) Accept(l Socket) error {
	s, err := d.begin(l, stateListener, stateAccepting)
	if err != nil {
		return err
	}
	s.state |= stateAccepting
	d.arm(l, s)
	return nil
}

// Attach takes an accepted connection; the kernel need not know yet.
func (d *uring) Attach(c Conn, t Token) (Socket, error) {
	name, _, err := d.adopt(c, t)
	return name, err
}

// Connect starts connecting a new socket.
func (d *uring) Connect(addr netip.AddrPort, o SocketOptions, t Token) (Socket, error) {
	name, s, err := d.sockets.add()
	if err != nil {
		return 0, err
	}
	op, err := d.controls.take(nil)
	if err != nil {
		d.sockets.release(name)
		return 0, err
	}
	peer := &d.controls.at(op).peer
	size, err := peer.put(addr)
	fd := -1
	if err == nil {
		fd, err = openSocket(addr, &o, d.kindFlags)
	}
	if err != nil {
		d.controls.give(op)
		d.sockets.release(name)
		return 0, err
	}
	*s = socket{token: t, fd: int32(fd), op: op, state: stateConnecting}
	e := d.submission(iouring.OpConnect, name, tagConnect, s.fd)
	e.Addr = uint64(uintptr(unsafe.Pointer(peer)))
	e.Off = uint64(size)
	return name, nil
}

// Recv starts receiving.
func (d *uring) Recv(name Socket) error {
	s, err := d.begin(name, stateConnected, stateReceiving)
	if err != nil {
		return err
	}
	s.state |= stateReceiving
	d.arm(name, s)
	return nil
}

// arm hands the kernel a receive or an accept.
func (d *uring) arm(name Socket, s *socket) {
	s.state = s.state&^stateFed | stateArmed
	if s.state&stateListener != 0 {
		e := d.submission(iouring.OpAccept, name, tagAccept, s.fd)
		e.IoPrio = iouring.AcceptMultishot
		e.OpFlags = unix.SOCK_CLOEXEC
		return
	}
	e := d.submission(iouring.OpRecv, name, tagRecv, s.fd)
	e.Flags = iouring.SQEBufferSelect
	e.BufGroup = buffersGroup
	// Poll first: no buffer is taken before there is something to put into it.
	e.IoPrio = iouring.RecvMultishot | iouring.RecvPollFirst
}

// StopRecv asks the kernel to end receiving.
func (d *uring) StopRecv(name Socket) error {
	s, err := d.find(name)
	if err != nil {
		return err
	}
	if s.state&stateReceiving != 0 && s.state&stateStopped == 0 {
		d.stop(name, s)
	}
	return nil
}

// stop asks for the end of a receive or accept. If the kernel does not have it,
// the next Wait ends it.
func (d *uring) stop(name Socket, s *socket) {
	s.state |= stateStopped
	if s.state&stateArmed == 0 {
		return
	}
	if s.state&stateListener != 0 {
		d.cancel(name, tagCancelAccept)
	} else {
		d.cancel(name, tagCancelRecv)
	}
}

// target is what a cancel is meant for.
func (t tag) target() tag {
	switch t {
	case tagCancelAccept:
		return tagAccept
	case tagCancelConnect:
		return tagConnect
	case tagCancelRecv:
		return tagRecv
	}
	return tagWritable
}

// cancel asks the kernel to end a request. By user_data and not by descriptor:
// the kernel finds it quicker, and never that of another socket.
func (d *uring) cancel(name Socket, t tag) {
	e := d.submission(iouring.OpAsyncCancel, name, t, -1)
	e.Addr = userData(name, t.target())
}

// Send queues the send. It is made, without waiting for a full socket, when Wait
// hands it over.
func (d *uring) Send(name Socket, v [][]byte) error {
	s, err := d.begin(name, stateConnected, stateSending)
	if err != nil {
		return err
	}
	first, another := firstFilled(v)
	if first < 0 {
		return ErrEmpty
	}
	if s.op, err = d.controls.take(v); err != nil {
		return err
	}
	s.state |= stateSending
	if another {
		x := &d.controls.at(s.op).vector
		x.fill(v[first:])
		e := d.submission(iouring.OpSendMsg, name, tagSend, s.fd)
		for _, b := range v[first:] {
			d.queuedBytes += len(b)
		}
		e.Addr = uint64(uintptr(unsafe.Pointer(&x.header)))
		e.Len = 1
		e.OpFlags = unix.MSG_DONTWAIT | unix.MSG_NOSIGNAL
		return nil
	}
	e := d.submission(iouring.OpSend, name, tagSend, s.fd)
	e.Addr = uint64(uintptr(unsafe.Pointer(unsafe.SliceData(v[first]))))
	e.Len = uint32(min(len(v[first]), sendBytesMax))
	d.queuedBytes += int(e.Len)
	e.OpFlags = unix.MSG_DONTWAIT | unix.MSG_NOSIGNAL
	return nil
}

// sendBytesMax is what fits a submission; the kernel stops there anyway.
const sendBytesMax = 1<<31 - 4096

// Shutdown ends the stream towards the peer, after a send that is still queued.
func (d *uring) Shutdown(name Socket) error {
	s, err := d.find(name)
	if err != nil {
		return err
	}
	if s.state&stateSending != 0 {
		d.flush()
	}
	return os.NewSyscallError("shutdown", unix.Shutdown(int(s.fd), unix.SHUT_WR))
}

// Close asks for the end of whatever is in flight; the socket goes with the last.
func (d *uring) Close(name Socket) error {
	s, err := d.find(name)
	if err != nil {
		return err
	}
	s.state |= stateClosing
	if s.state&(stateReceiving|stateAccepting) != 0 && s.state&stateStopped == 0 {
		d.stop(name, s)
	}
	if s.state&stateConnecting != 0 {
		d.cancel(name, tagCancelConnect)
	}
	if s.state&stateBlocked != 0 {
		d.cancel(name, tagCancelWritable)
	}
	d.closeIfIdle(name, s)
	return nil
}
