package client

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"net/netip"
	"time"

	"sarang/chat"
	"sarang/client/session"
	"sarang/engine"
)

// link is the worker's half of a Client: the one session that there is or will be,
// and the calls that wait for it. Its worker alone touches it.
type link struct {
	client  *Client
	w       *engine.Worker
	handler *session.Handler
	state   *session.State
	rng     *rand.Rand

	session  *session.Session // nil while there is none
	es       *engine.Session  // of session, also while it is connecting
	addrs    []netip.AddrPort
	cause    error        // why the connection is being given up, if it is our doing
	timer    engine.Timer // of the attempt, or until the next one
	alive    engine.Timer // pings while receiving is paused
	attempt  int          // how many have failed in a row
	since    time.Duration
	dialed   bool // a login was accepted once
	hopeless bool // what the server said will be the same next time
	held     bool // the next attempt waits for the inbox to have room
	ended    bool

	calls   calls
	pingSeq uint64
}

// start begins an attempt to connect: by asking for the addresses.
func (l *link) start() {
	if l.ended {
		return
	}
	if l.client.inbox.isFull() {
		l.held = true
		return
	}
	c := l.client
	if c.addr.addr.IsValid() {
		l.resolved([]netip.AddrPort{c.addr.addr}, nil)
		return
	}
	c.wg.Go(func() {
		ctx, cancel := context.WithTimeout(c.ctx, c.config.ConnectTimeout)
		defer cancel()
		addrs, err := c.addr.resolve(ctx, c.config.Resolver)
		c.post(func(l *link) { l.resolved(addrs, err) })
	})
}

func (l *link) resolved(addrs []netip.AddrPort, err error) {
	if l.ended {
		return
	}
	if err != nil {
		l.failed(&ConnectError{l.client.config.Addr, err})
		return
	}
	l.addrs = addrs
	l.connect()
}

// connect tries the next of the addresses.
func (l *link) connect() {
	addr := l.addrs[0]
	l.addrs = l.addrs[1:]
	s := session.New(l.state, l)
	es, err := l.w.Connect(addr, l.client.protocol, s)
	if err != nil {
		l.lost(&ConnectError{l.client.config.Addr, err})
		return
	}
	l.session, l.es, l.cause = s, es, nil
	l.w.After(&l.timer, l.client.config.ConnectTimeout, func(*engine.Timer) { l.abandon(ErrDeadline) })
}

// abandon ends the present connection, if there is one, for a reason of ours.
func (l *link) abandon(cause error) {
	if l.es != nil {
		l.cause = cause
		l.es.Abort()
	}
}

// lost is the end of a connection, or of an attempt at one. If the server may have
// another address, that is tried at once.
func (l *link) lost(cause error) {
	var unreachable *ConnectError
	if len(l.addrs) > 0 && (errors.As(cause, &unreachable) || errors.Is(cause, ErrDeadline)) && !l.ended {
		l.connect()
		return
	}
	l.failed(cause)
}

// failed decides what follows a failure: the end, or another attempt later.
func (l *link) failed(cause error) {
	if l.ended {
		return
	}
	if !l.dialed || l.hopeless {
		l.finish(cause)
		return
	}
	wait := l.backoff()
	var said *chat.Error
	if errors.As(cause, &said) && said.RetryAfter > 0 {
		wait = said.RetryAfter // the server knows best, and has jittered it
	}
	l.client.config.Logger.Debug("connection lost", "addr", l.client.config.Addr, "error", cause, "retry_in", wait)
	l.emit(Offline{Err: cause, RetryIn: wait})
	l.w.After(&l.timer, wait, func(*engine.Timer) { l.start() })
}

// backoff is how long to wait before the next attempt: anything up to a bound that
// doubles, so that the clients of a server that fell do not come back all at once.
func (l *link) backoff() time.Duration {
	c := &l.client.config
	bound := c.ReconnectMax
	if shift := min(l.attempt, 32); c.ReconnectMin <= c.ReconnectMax>>shift {
		bound = c.ReconnectMin << shift
	}
	l.attempt++
	return time.Duration(l.rng.Int64N(int64(bound) + 1))
}

// hopeless reports whether a server's refusal to let us in will be the same next time.
func hopeless(refusal *chat.Error) bool {
	switch refusal.Code {
	case chat.CodeVersion, chat.CodeBadName, chat.CodeNameTaken, chat.CodeBadToken, chat.CodeBadPassword,
		chat.CodeNeedsPassword, chat.CodeNoRegistration, chat.CodeSessionEnded, chat.CodeBadRequest, chat.CodeShutOut:
		return true
	}
	return false
}

// finish is the end of the client: nothing is tried any more.
func (l *link) finish(cause error) {
	if l.ended {
		return
	}
	l.ended = true
	l.w.Stop(&l.timer)
	l.w.Stop(&l.alive)
	if l.session != nil {
		if l.session.Online() {
			l.session.Close()
		} else {
			l.es.Abort()
		}
	}
	l.emit(Offline{Err: cause, Final: true})
	l.client.over(cause)
	l.calls.failAll(l, cause)
}

// emit puts an event into the inbox. When that is full, nothing more is received.
func (l *link) emit(e Event) {
	if l.client.config.DiscardEvents || !l.client.inbox.put(e) || l.session == nil {
		return
	}
	if es := l.session.Engine(); es != nil && !es.Paused() && !es.Closing() {
		es.Pause()
		l.keepAlive()
	}
}

// hasRoom is called when the full inbox has room again.
func (l *link) hasRoom() {
	l.w.Stop(&l.alive)
	if l.session != nil {
		if es := l.session.Engine(); es != nil {
			es.Resume()
		}
	}
	if l.held {
		l.held = false
		l.start()
	}
}

// keepAlive pings from time to time while receiving is paused: the server is not to
// take a reader who is slow for one who is gone.
func (l *link) keepAlive() {
	every := cmp.Or(l.session.Limits().HeartbeatInterval, keepAliveDefault)
	l.w.After(&l.alive, every, func(*engine.Timer) {
		if l.session != nil && l.session.Online() {
			l.handler.Heartbeat(l.session.Engine())
			l.keepAlive()
		}
	})
}

const keepAliveDefault = 20 * time.Second
