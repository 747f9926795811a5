package aio

import (
	"net"
	"time"
)

// netEvent is an event on its way to Wait.
type netEvent struct {
	s        *netSocket
	kind     Kind
	more     bool
	n        int          // KindSend: bytes taken; KindRecv: bytes in buf
	buf      []byte       // KindRecv
	reader   *netReader   // KindRecv with bytes: who waits for the end of their loan
	acceptor *netAcceptor // KindAccept with a connection: who counts it
	conn     net.Conn     // likewise
	err      error
}

// loan is a receive buffer that Wait has lent.
type loan struct {
	buf    []byte
	reader *netReader
}

// push queues an event and ends the owner's sleep.
func (d *Portable) push(x netEvent) {
	d.events.push(x)
	d.signalOwner()
}

// post is push for goroutines.
func (d *Portable) post(x netEvent) {
	d.mutex.Lock()
	d.push(x)
	d.mutex.Unlock()
}

// signalOwner ends the owner's sleep, if it sleeps.
func (d *Portable) signalOwner() {
	if !d.sleeping {
		return
	}
	d.sleeping = false
	select {
	case d.signal <- struct{}{}:
	default: // one is on its way already
	}
}

// Wake makes the current or the next Wait return soon.
func (d *Portable) Wake() {
	d.mutex.Lock()
	d.woken = true
	d.signalOwner()
	d.mutex.Unlock()
}

// Wait ends the last loans, which lets their readers go on, and collects events.
func (d *Portable) Wait(events []Event, timeout time.Duration) (int, error) {
	d.takeBack()
	events = events[:min(len(events), d.config.EventsMax)]
	var end time.Duration
	if timeout > 0 {
		end = d.Now() + timeout
	}
	for {
		n, woken := d.collect(events)
		if n > 0 || woken || timeout == 0 || len(events) == 0 {
			return n, nil
		}
		left := time.Duration(-1)
		if timeout > 0 {
			if left = end - d.Now(); left <= 0 {
				return 0, nil
			}
		}
		d.sleep(left)
	}
}

// sleep waits for a signal, at most for so long unless that is negative. It may end
// early for no reason.
func (d *Portable) sleep(left time.Duration) {
	if left < 0 {
		<-d.signal
		return
	}
	d.timer.Reset(left)
	select {
	case <-d.signal:
		d.timer.Stop()
	case <-d.timer.C:
	}
}

// takeBack ends the loan of what the last Wait gave out.
func (d *Portable) takeBack() {
	for i, l := range d.lent {
		if debugging {
			for j := range l.buf {
				l.buf[j] = 0xDB // who still reads it finds out
			}
		}
		l.reader.giveBack(l.buf)
		l.reader.resume <- struct{}{}
		d.lent[i] = loan{}
	}
	d.lent = d.lent[:0]
}

// collect fills events and reports whether the driver was woken. If neither gives a
// reason to return, the next push or Wake signals.
func (d *Portable) collect(events []Event) (n int, woken bool) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	for n < len(events) && d.events.count > 0 {
		x := d.events.pop()
		events[n] = d.deliver(&x)
		n++
		if !x.more {
			d.settle(x.s, x.kind)
		}
	}
	woken = d.woken
	d.woken = false
	d.sleeping = n == 0 && !woken
	return n, woken
}

// deliver makes an event for the owner.
func (d *Portable) deliver(x *netEvent) Event {
	e := Event{Kind: x.kind, More: x.more, Token: x.s.token, Socket: x.s.name, Err: x.err}
	switch {
	case x.reader != nil:
		e.Data = x.buf[:x.n:x.n]
		d.lent = append(d.lent, loan{x.buf, x.reader})
	case x.acceptor != nil:
		<-x.acceptor.room
		e.Conn = Conn{Object: x.conn, Peer: addrPortOf(x.conn.RemoteAddr()), Local: addrPortOf(x.conn.LocalAddr())}
	default:
		e.N = x.n
	}
	return e
}

// settle notes that the last event of a request was delivered.
func (d *Portable) settle(s *netSocket, kind Kind) {
	switch kind {
	case KindAccept:
		s.accepting, s.stop = false, nil
	case KindConnect:
		s.connecting = false
	case KindRecv:
		s.receiving, s.stop = false, nil
	case KindSend, KindWritable:
		s.sending = false
	case KindDisconnect:
		d.sockets.release(s.name)
		return
	}
	d.closeIfIdle(s)
}

// Release closes everything and waits for all goroutines. What a socket has taken
// and a peer is about to read is written first, if that takes no longer than
// copyGraceAtRelease.
func (d *Portable) Release() error {
	d.mutex.Lock()
	d.released = true
	d.sockets.each(func(_ Socket, slot **netSocket) { d.abandon(*slot) })
	for s := range d.lingering {
		d.limit(s)
	}
	for _, w := range d.idle {
		close(w.jobs)
	}
	d.idle = nil
	d.mutex.Unlock()

	d.group.Wait()
	for d.events.count > 0 {
		if x := d.events.pop(); x.conn != nil {
			x.conn.Close()
		}
	}
	d.timer.Stop()
	return nil
}

// abandon closes a socket without an event.
func (d *Portable) abandon(s *netSocket) {
	if s.gone {
		return
	}
	s.halt()
	if s.connecting {
		s.cancel()
	}
	d.dispose(s)
}

// dispose closes what no name stands for any more. Nobody but a writer has it.
func (d *Portable) dispose(s *netSocket) {
	s.gone = true
	switch {
	case s.listener != nil:
		s.listener.Close()
	case s.conn == nil: // a connect that failed, or that will find the driver released
	case s.raw != nil || !s.writing && closesAtOnce(s.conn):
		// Whoever waits for it to be ready wakes up and goes.
		s.conn.Close()
	default:
		// The writer closes it when it is through. A writer is also for closing
		// what may wait: TLS sends a closing record.
		d.limit(s)
		d.lingering[s] = struct{}{}
		if !s.writing {
			d.assign(d.idleWriter(), s)
		}
	}
}

// limit sets the time until which the writer of a socket that is gone may go on.
func (d *Portable) limit(s *netSocket) {
	until := time.Now().Add(copyGrace)
	if d.released {
		until = time.Now().Add(copyGraceAtRelease)
	}
	if s.reset || len(d.lingering) >= d.config.SocketsMax {
		until = longAgo()
	}
	// Without a deadline the writer would end with its peer: no reason to fail.
	_ = s.conn.SetWriteDeadline(until)
}
