package aio

import (
	"net/netip"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

const kindIocp = "iocp"

// iocp is the driver over an I/O completion port. Its receives are of zero bytes:
// their completions say that there is something to read, which a call that does
// not block then reads into the arena, so that an idle socket holds no buffer. Its
// sends do not block either. What a full socket has no room for is not left with
// the system, but for a copy of its first few kilobytes: when the system is done
// with the copy, the socket has room again.
//
// A request that succeeds at once queues no completion: every socket is set so.
type iocp struct {
	readiness
	port      windows.Handle
	listeners map[Socket]*listener
	controls  slab[control]
	copies    slab[copied]
	accepts   slab[acceptance]
	grace     queue[grace] // closing sockets, the oldest first
	inFlight  int          // completions to come
	entries   []entry      // completions that came
	dequeue   *windows.LazyProc
	vector    [VectorMax]windows.WSABuf
	n, flags  uint32 // what the system answers into, so that asking does not allocate
}

// entry is the system's OVERLAPPED_ENTRY.
type entry struct {
	key      uintptr
	control  *control // nil for a wake-up
	internal uintptr
	bytes    uint32
}

// entriesMax is how many completions are fetched by one system call.
const entriesMax = 512

// grace is a closing socket whose copy may be under way until a time.
type grace struct {
	socket Socket
	until  time.Duration
}

// iocpGrace is how long a socket that is closed may take for the copy: its
// bytes count as taken, so a peer that reads is to get it. What the system itself holds of
// unsent bytes needs no such time.
const iocpGrace = 2 * time.Second

func openIocp(c Config) (Driver, error) {
	// Never undone: connections that belong to no driver must live on, and the
	// count is of no importance to a process that ends.
	var data windows.WSAData
	if err := windows.WSAStartup(0x202, &data); err != nil {
		return nil, os.NewSyscallError("WSAStartup", err)
	}
	dequeue := windows.NewLazySystemDLL("kernel32.dll").NewProc("GetQueuedCompletionStatusEx")
	if err := dequeue.Find(); err != nil {
		return nil, &UnavailableError{Kind: kindIocp, Reason: "this Windows is too old", Advice: adviceNet, Cause: err}
	}
	if err := checkProviders(); err != nil {
		return nil, err
	}
	port, err := windows.CreateIoCompletionPort(windows.InvalidHandle, 0, 0, 1)
	if err != nil {
		return nil, os.NewSyscallError("CreateIoCompletionPort", err)
	}
	d := &iocp{
		readiness: newReadiness(c),
		port:      port,
		listeners: make(map[Socket]*listener),
		entries:   make([]entry, min(entriesMax, c.EventsMax)),
		dequeue:   dequeue,
	}
	d.system = d
	d.open(c, port)
	return d, nil
}

// Name is "iocp".
func (d *iocp) Name() string { return kindIocp }

const adviceNet = "use --io portable"

// checkProviders finds software of the old kind that puts itself between
// programs and TCP (a layered provider without handles of the system). It would queue
// completions for requests that succeed at once, however a socket is set.
func checkProviders() error {
	protocol := [...]int32{windows.IPPROTO_TCP, 0}
	var found [32]windows.WSAProtocolInfo
	size := uint32(unsafe.Sizeof(found))
	n, err := windows.WSAEnumProtocols(&protocol[0], &found[0], &size)
	if err != nil {
		return os.NewSyscallError("WSAEnumProtocols", fault(err))
	}
	for i := range found[:max(n, 0)] {
		if found[i].ServiceFlags1&windows.XP1_IFS_HANDLES == 0 {
			return &UnavailableError{
				Kind:   kindIocp,
				Reason: "the layered provider " + windows.UTF16ToString(found[i].ProtocolName[:]) + " handles TCP",
				Advice: adviceNet,
			}
		}
	}
	return nil
}

// register makes a socket report to the port, which a socket can do only once and
// to one port only.
func (d *iocp) register(h windows.Handle) error {
	if _, err := windows.CreateIoCompletionPort(h, d.port, 0, 0); err != nil {
		return os.NewSyscallError("CreateIoCompletionPort", err)
	}
	const modes = windows.FILE_SKIP_COMPLETION_PORT_ON_SUCCESS | windows.FILE_SKIP_SET_EVENT_ON_HANDLE
	if err := windows.SetFileCompletionNotificationModes(h, modes); err != nil {
		return os.NewSyscallError("SetFileCompletionNotificationModes", err)
	}
	if err := setNonBlocking(h); err != nil {
		return os.NewSyscallError("ioctlsocket", fault(err))
	}
	return nil
}

// Listen opens a listening socket.
func (d *iocp) Listen(addr netip.AddrPort, o SocketOptions, t Token) (Socket, netip.AddrPort, error) {
	if o.Inherited != 0 {
		return 0, netip.AddrPort{}, ErrInherited
	}
	name, s, err := d.sockets.add()
	if err != nil {
		return 0, netip.AddrPort{}, err
	}
	h, local, err := openListener(addr, &o)
	if err == nil {
		if err = d.register(h); err != nil {
			_ = windows.Closesocket(h)
		}
	}
	if err != nil {
		d.sockets.release(name)
		return 0, netip.AddrPort{}, err
	}
	*s = socket{token: t, handle: h, state: stateListener}
	d.listeners[name] = &listener{options: o, family: familyOf(addr)}
	return name, local, nil
}

// Attach registers an accepted connection.
func (d *iocp) Attach(c Conn, t Token) (Socket, error) {
	name, s, err := d.sockets.add()
	if err == nil {
		if err = d.register(windows.Handle(c.Handle)); err != nil {
			d.sockets.release(name)
		}
	}
	if err != nil {
		d.Discard(c)
		return 0, err
	}
	*s = socket{token: t, handle: windows.Handle(c.Handle), state: stateConnected}
	return name, nil
}

// Connect starts connecting a new socket.
func (d *iocp) Connect(addr netip.AddrPort, o SocketOptions, t Token) (Socket, error) {
	sa, err := toSystem(addr)
	if err != nil {
		return 0, err
	}
	name, s, err := d.sockets.add()
	if err != nil {
		return 0, err
	}
	h, err := d.openConnector(familyOf(addr), &o)
	if err != nil {
		d.sockets.release(name)
		return 0, err
	}
	i, c, err := d.controls.take()
	if err != nil {
		_ = windows.Closesocket(h)
		d.sockets.release(name)
		return 0, err
	}
	*s = socket{token: t, handle: h, op: i, state: stateConnecting}
	*c = control{socket: name, index: i, op: opConnect}
	err = windows.ConnectEx(h, sa, nil, 0, &d.n, &c.overlapped)
	if err == windows.ERROR_IO_PENDING {
		s.state |= stateArmed
		d.inFlight++
		return name, nil
	}
	d.controls.give(i)
	d.connected(name, s, err)
	return name, nil
}

func (d *iocp) openConnector(family int, o *SocketOptions) (windows.Handle, error) {
	h, err := openSocket(family, o)
	if err != nil {
		return h, err
	}
	if err = bindAnywhere(h, family); err == nil {
		err = d.register(h)
	}
	if err != nil {
		_ = windows.Closesocket(h)
	}
	return h, err
}

// connected queues the outcome of a connect. Without the update the socket can
// neither be shut down nor asked for its addresses.
func (d *iocp) connected(name Socket, s *socket, err error) {
	if err == nil {
		err = windows.Setsockopt(s.handle, windows.SOL_SOCKET, windows.SO_UPDATE_CONNECT_CONTEXT, nil, 0)
	}
	if err != nil {
		d.queueEvent(name, KindConnect, false, 0, fault(err))
		return
	}
	s.state |= stateConnected
	d.queueEvent(name, KindConnect, false, 0, nil)
}

// Recv starts receiving.
func (d *iocp) Recv(name Socket) error {
	s, err := d.begin(name, stateConnected, stateReceiving)
	if err != nil {
		return err
	}
	s.state |= stateReceiving
	if s.state&stateReadable != 0 {
		d.enqueue(name, s)
	} else {
		d.arm(name, s)
	}
	return nil
}

// arm asks the system to report when there is something to read.
func (d *iocp) arm(name Socket, s *socket) {
	i, c, err := d.controls.take()
	if err != nil {
		d.endReceiving(name, s, err)
		return
	}
	*c = control{socket: name, index: i, op: opReceive}
	d.vector[0] = windows.WSABuf{}
	d.flags = 0
	err = windows.WSARecv(s.handle, &d.vector[0], 1, &d.n, &d.flags, &c.overlapped, nil)
	if err == windows.ERROR_IO_PENDING {
		s.op = i
		s.state |= stateArmed
		d.inFlight++
		return
	}
	d.controls.give(i)
	if err != nil {
		d.endReceiving(name, s, fault(err))
		return
	}
	s.state |= stateReadable
	d.enqueue(name, s)
}

// endReceiving queues the last event of a receive; stateStopped keeps it from being
// queued twice.
func (d *iocp) endReceiving(name Socket, s *socket, err error) {
	s.state |= stateStopped
	d.queueEvent(name, KindRecv, false, 0, err)
}

// StopRecv ends receiving.
func (d *iocp) StopRecv(name Socket) error {
	s, err := d.find(name)
	if err != nil {
		return err
	}
	d.stop(name, s)
	return nil
}

// stop asks for the end of a receive, once.
func (d *iocp) stop(name Socket, s *socket) {
	switch {
	case s.state&stateReceiving == 0, s.state&stateStopped != 0:
	case s.state&stateArmed != 0:
		s.state |= stateStopped
		d.cancel(s.handle, d.controls.at(s.op))
	default:
		d.endReceiving(name, s, ErrCanceled)
	}
}

// cancel asks the system to end a request. It may have ended by itself: either way
// its completion comes.
func (d *iocp) cancel(h windows.Handle, c *control) {
	_ = windows.CancelIoEx(h, &c.overlapped)
}

// Shutdown ends the stream towards the peer; not before the copy that is on its way.
func (d *iocp) Shutdown(name Socket) error {
	s, err := d.find(name)
	switch {
	case err != nil:
		return err
	case s.state&stateConnected == 0:
		return os.NewSyscallError("shutdown", syscall.ENOTCONN)
	}
	s.state |= stateShut
	if s.state&stateCopying != 0 {
		return nil
	}
	if err := windows.Shutdown(s.handle, windows.SHUT_WR); err != nil {
		return os.NewSyscallError("shutdown", fault(err))
	}
	return nil
}

// Close ends what is in flight and then the socket.
func (d *iocp) Close(name Socket) error {
	s, err := d.find(name)
	if err != nil {
		return err
	}
	s.state |= stateClosing
	if s.state&(stateConnecting|stateArmed) == stateConnecting|stateArmed {
		d.cancel(s.handle, d.controls.at(s.op))
	}
	d.stop(name, s)
	if s.state&stateListener != 0 {
		d.closeListener(name, s)
	}
	if s.state&stateBlocked != 0 {
		s.state &^= stateBlocked
		d.queueEvent(name, KindWritable, false, 0, ErrCanceled)
	}
	if s.state&stateCopying != 0 {
		if resetsOnClose(s.handle) {
			d.cancel(s.handle, &d.copies.at(s.copy).control)
		} else {
			d.grace.push(grace{socket: name, until: d.Now() + iocpGrace})
		}
	}
	d.closeIfIdle(name, s)
	return nil
}

// asControl is the reverse of taking a control's overlapped part; the pointers to
// all parts of a larger piece are the same.
func asControl[T any](c *control) *T { return (*T)(unsafe.Pointer(c)) }
