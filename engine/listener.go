package engine

import (
	"errors"
	"net/netip"
	"time"

	"sarang/aio"
)

// listener accepts for the whole service; what it accepts is dealt out to the
// workers in turn.
type listener struct {
	w        *Worker
	protocol uint8 // that the accepted connections speak
	socket   aio.Socket
	addr     netip.AddrPort
	closing  bool
	closed   bool
	retry    Timer
	loggedAt time.Duration // when an error was last logged; 0: never
}

// acceptRetry is how long a listener rests after accepting failed (too many open
// files, as a rule); the connections wait in the system's queue.
const acceptRetry = 100 * time.Millisecond

// listen opens a listener on addr, or takes over the one that is inherited by o.
func (w *Worker) listen(addr netip.AddrPort, o aio.SocketOptions, protocol uint8) (netip.AddrPort, error) {
	if w.stopping || w.service.draining.Load() {
		return netip.AddrPort{}, ErrClosed
	}
	l := &listener{w: w, protocol: protocol}
	token := listenerToken | aio.Token(len(w.listeners))
	socket, at, err := w.driver.Listen(addr, o, token)
	if err != nil {
		return netip.AddrPort{}, err
	}
	l.socket, l.addr = socket, at
	w.listeners = append(w.listeners, l)
	if err := w.driver.Accept(socket); err != nil {
		l.close()
		return netip.AddrPort{}, err
	}
	return at, nil
}

func (w *Worker) listenerOf(k aio.Token) *listener {
	if k&listenerToken == 0 {
		return nil
	}
	return w.listeners[k&^listenerToken]
}

func (l *listener) handle(e *aio.Event) {
	switch {
	case e.Kind == aio.KindDisconnect:
		l.closed = true
	case e.Kind != aio.KindAccept:
	case e.Err == nil:
		l.accepted(e.Conn)
	case !l.closing && !errors.Is(e.Err, aio.ErrCanceled):
		l.w.stats.AcceptErrors++
		l.logError(e.Err)
		l.retry.Data = l
		l.w.After(&l.retry, acceptRetry, retryAccept)
	}
}

// logError logs that accepting failed, at most once a second: with all files open it
// fails ten times in one.
func (l *listener) logError(cause error) {
	if now := l.w.now; l.loggedAt == 0 || now-l.loggedAt >= acceptLogEvery {
		l.loggedAt = now
		l.w.service.config.Logger.Warn("accepting failed; retrying soon", "listen", l.addr, "error", cause)
	}
}

const acceptLogEvery = time.Second

func retryAccept(t *Timer) {
	l := t.Data.(*listener)
	if !l.closing {
		if err := l.w.driver.Accept(l.socket); err != nil {
			l.w.After(t, acceptRetry, retryAccept)
		}
	}
}

func (l *listener) close() {
	if !l.closing {
		l.closing = true
		l.w.Stop(&l.retry)
		err := l.w.driver.Close(l.socket)
		invariant(err == nil, "closing a listener that the driver does not know")
	}
}
