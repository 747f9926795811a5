package sqlstore

import (
	"context"
	"math/rand/v2"
	"time"

	"sarang/chat"
	"sarang/lock"
)

// Bounds of how long nobody tries to connect after it has failed.
const (
	backoffMin = 50 * time.Millisecond
	backoffMax = 2 * time.Second
)

// PoolStats are the figures of a pool since it was opened.
type PoolStats struct {
	Max, Open, InUse int
	Waits            uint64        // pops that had to wait for a connection
	WaitTotal        time.Duration // how long they waited, all together
	WaitsExpired     uint64        // and those that waited in vain
	Connects         uint64        // connections made
	ConnectsFailed   uint64
}

// pool is a bounded number of connections. Who pops one has it alone until he pushes it
// back. When all are in use, pop waits, and says so in the end.
type pool struct {
	name     string // for sentences
	connect  func(context.Context) (Conn, error)
	wait     time.Duration // for a connection that is in use
	dialTime time.Duration
	slots    chan struct{} // one in it for each connection in use

	mu       lock.Mutex
	idle     []Conn // the one used last is at the end
	open     int    // idle, and in use
	life     uint64 // grows when connections that are idle can not be trusted
	closed   bool
	failures int       // connects since the last good one
	notUntil time.Time // nobody connects before
	stats    PoolStats
}

// lent is a connection in use.
type lent struct {
	Conn
	pool *pool
	life uint64
}

func newPool(name string, most int, wait, dialTime time.Duration, connect func(context.Context) (Conn, error)) *pool {
	p := &pool{name: name, connect: connect, wait: wait, dialTime: dialTime, slots: make(chan struct{}, most)}
	p.mu.Init(lock.NewClass("sqlstore.pool"))
	return p
}

// pop returns a connection. CodeUnavailable if ctx ends or all are in use for too long,
// or none can be made; nothing was sent then.
func (p *pool) pop(ctx context.Context) (*lent, error) {
	if err := p.takeSlot(ctx); err != nil {
		return nil, err
	}
	l, err := p.get(ctx)
	if err != nil {
		<-p.slots
		return nil, err
	}
	return l, nil
}

func (p *pool) takeSlot(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return endedError(err)
	}
	select {
	case p.slots <- struct{}{}:
		return nil
	default:
	}
	start := time.Now()
	timer := time.NewTimer(p.wait)
	defer timer.Stop()
	var err error
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		err = endedError(ctx.Err())
	case <-timer.C:
		err = &chat.Error{
			Code: chat.CodeUnavailable, RetryAfter: retryAfter,
			Message: "all connections to " + p.name + " are in use",
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats.Waits++
	p.stats.WaitTotal += time.Since(start)
	if err != nil {
		p.stats.WaitsExpired++
	}
	return err
}

// get returns an idle connection or a new one.
func (p *pool) get(ctx context.Context) (*lent, error) {
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		l := &lent{p.idle[n-1], p, p.life}
		p.idle[n-1] = nil
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return l, nil
	}
	wait, life := time.Until(p.notUntil), p.life
	p.mu.Unlock()
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return nil, endedError(ctx.Err())
		}
	}
	dial, cancel := context.WithTimeout(ctx, p.dialTime)
	defer cancel()
	c, err := p.connect(dial)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		p.stats.ConnectsFailed++
		p.failures++
		pause := min(backoffMin<<min(p.failures-1, 10), backoffMax)
		p.notUntil = time.Now().Add(pause/2 + rand.N(pause/2))
		return nil, err
	}
	p.failures, p.notUntil = 0, time.Time{}
	p.stats.Connects++
	p.open++
	return &lent{c, p, life}, nil
}

// push gives the connection back; one that is broken is closed, and so are those that
// are idle: what has broken it has broken them, too, as a rule.
func (l *lent) push(broken bool) {
	p := l.pool
	p.mu.Lock()
	var ends []Conn
	if broken && l.life == p.life {
		p.life++
		ends, p.idle = p.idle, nil
	}
	if broken || p.closed || l.life != p.life {
		ends = append(ends, l.Conn)
	} else {
		p.idle = append(p.idle, l.Conn)
	}
	p.open -= len(ends)
	p.mu.Unlock()
	<-p.slots
	for _, c := range ends {
		c.Close()
	}
}

// close ends the connections that are idle, and the others when they come back.
func (p *pool) close() {
	p.mu.Lock()
	idle := p.idle
	p.closed, p.idle = true, nil
	p.open -= len(idle)
	p.mu.Unlock()
	for _, c := range idle {
		c.Close()
	}
}

func (p *pool) figures() PoolStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.stats
	s.Max, s.Open, s.InUse = cap(p.slots), p.open, len(p.slots)
	return s
}
