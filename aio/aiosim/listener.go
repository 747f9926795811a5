package aiosim

import (
	"net/netip"
	"os"
	"syscall"

	"sarang/aio"
)

// listener is a listening socket.
type listener struct {
	at      netip.AddrPort
	options aio.SocketOptions
	limits  socketLimits
	backlog int
	queue   []uint32 // ends that nobody accepted yet, oldest first
	driver  *Driver
	slot    uint32
}

// socketLimits are the socket options that a simulation cares for.
type socketLimits struct {
	sendMax, recvMax int
	linger           bool
}

func (w *World) limits(o aio.SocketOptions) socketLimits {
	l := socketLimits{sendMax: w.config.SendBufferBytes, recvMax: w.config.RecvBufferBytes, linger: o.LingerResetOnClose}
	if o.SendBufferBytes > 0 {
		l.sendMax = o.SendBufferBytes
	}
	if o.RecvBufferBytes > 0 {
		l.recvMax = o.RecvBufferBytes
	}
	if o.UnsentLowatBytes > 0 {
		l.sendMax = min(l.sendMax, o.UnsentLowatBytes)
	}
	l.sendMax = min(l.sendMax, bufferBytesMax)
	l.recvMax = min(l.recvMax, bufferBytesMax)
	return l
}

// Errors of the system come as a real driver's do.
func sysError(call string, errno syscall.Errno) error { return os.NewSyscallError(call, errno) }

// bind opens a listener at addr.
func (w *World) bind(addr netip.AddrPort, o aio.SocketOptions) (*listener, error) {
	if !addr.IsValid() {
		return nil, sysError("bind", syscall.EINVAL)
	}
	if addr.Port() == 0 {
		picked, err := w.pickListenPort(addr.Addr())
		if err != nil {
			return nil, err
		}
		addr = picked
	}
	for _, other := range w.listeners[addr] {
		if !o.ReusePort || !other.options.ReusePort {
			return nil, sysError("bind", syscall.EADDRINUSE)
		}
	}
	l := &listener{at: addr, options: o, limits: w.limits(o), backlog: o.ListenBacklog}
	if l.backlog <= 0 {
		l.backlog = backlogDefault
	}
	w.listeners[addr] = append(w.listeners[addr], l)
	return l, nil
}

func (w *World) pickListenPort(addr netip.Addr) (netip.AddrPort, error) {
	for range connectPortFirst - listenPortFirst {
		at := netip.AddrPortFrom(addr, w.listenPort)
		w.listenPort++
		if w.listenPort == connectPortFirst {
			w.listenPort = listenPortFirst
		}
		if len(w.listeners[at]) == 0 {
			return at, nil
		}
	}
	return netip.AddrPort{}, sysError("bind", syscall.EADDRINUSE)
}

// unbind closes a listener and resets the connections in its queue.
func (w *World) unbind(l *listener) {
	same := w.listeners[l.at]
	for i, other := range same {
		if other == l {
			same = append(same[:i:i], same[i+1:]...)
			break
		}
	}
	if len(same) == 0 {
		delete(w.listeners, l.at)
	} else {
		w.listeners[l.at] = same
	}
	for _, i := range l.queue {
		w.ends.at(i).flags |= endLinger
		w.closeEnd(i)
	}
	l.queue = nil
}

// find returns a listener that takes connections to addr, or nil.
func (w *World) find(addr netip.AddrPort) *listener {
	found := w.listeners[addr]
	if len(found) == 0 {
		any := netip.IPv4Unspecified()
		if addr.Addr().Is6() && !addr.Addr().Is4In6() {
			any = netip.IPv6Unspecified()
		}
		found = w.listeners[netip.AddrPortFrom(any, addr.Port())]
	}
	switch len(found) {
	case 0:
		return nil
	case 1:
		return found[0]
	}
	return found[w.rng.IntN(len(found))]
}

// dial opens an end that connects to addr.
func (w *World) dial(addr netip.AddrPort, o aio.SocketOptions) (uint32, *end, error) {
	if !addr.IsValid() || addr.Port() == 0 {
		return 0, nil, sysError("connect", syscall.EINVAL)
	}
	i, e := w.newEnd(w.localAddress(addr.Addr()), endConnecting, w.limits(o))
	w.dials[i] = addr
	w.schedule(due{at: w.now + w.delay(), kind: dueSyn, index: i, gen: e.gen})
	return i, e, nil
}

// localAddress picks the near end of a connection to far: the same address and
// the next port; when those are used up, the address that follows.
func (w *World) localAddress(far netip.Addr) netip.AddrPort {
	for range w.connectWraps {
		if next := far.Next(); next.IsValid() {
			far = next
		}
	}
	at := netip.AddrPortFrom(far, w.connectPort)
	if w.connectPort++; w.connectPort > connectPortLast {
		w.connectPort = connectPortFirst
		w.connectWraps++
	}
	return at
}

// synArrives lets the connect of end i reach the other side.
func (w *World) synArrives(i uint32, e *end) {
	to := w.dials[i]
	l := w.find(to)
	refuse := l != nil && w.chance(w.faults.Refuse)
	if refuse {
		w.stats.InjectedRefusals++
	}
	answer := max(e.lastArrival, w.now+w.delay())
	if l == nil || refuse {
		delete(w.dials, i)
		w.stats.Refusals++
		w.schedule(due{at: answer, kind: dueRefused, index: i, gen: e.gen})
		return
	}
	if len(l.queue) >= l.backlog {
		w.stats.SynsDropped++
		w.schedule(due{at: w.now + synRetry, kind: dueSyn, index: i, gen: e.gen})
		return
	}
	delete(w.dials, i)
	j, far := w.newEnd(netip.AddrPortFrom(to.Addr(), to.Port()), endUnclaimed, l.limits)
	e.peer, far.peer = j, i
	far.farAddress, far.farPort = e.address, e.port
	e.lastArrival = answer // nothing overtakes the answer
	l.queue = append(l.queue, j)
	w.stats.Connected++
	w.schedule(due{at: answer, kind: dueConnected, index: i, gen: e.gen})
	l.driver.makeReady(l.slot)
}

// unclaimed returns the end that c stands for.
func (w *World) unclaimed(c aio.Conn) (uint32, *end, error) {
	i := uint32(c.Handle)
	if !w.ends.has(i) {
		return 0, nil, aio.ErrBadSocket
	}
	e := w.ends.at(i)
	if !e.is(endUnclaimed) {
		return 0, nil, aio.ErrBadSocket // attached or discarded already
	}
	return i, e, nil
}
