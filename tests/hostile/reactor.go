package main

import (
	"container/heap"
	"errors"
	"io"
	"net/netip"
	"sync"
	"time"
)

// errFull is a socket that has no bytes, or takes none, now.
var errFull = errors.New("hostile: not now")

// reactor runs many connections in one goroutine. It is this program's own, and not the
// server's engine, so that attackers can do to a socket whatever a socket lets them.
type reactor struct {
	poll    *poller
	conns   map[int]*conn
	timers  timers
	onTurn  func() // called in each turn of the loop
	scratch []byte

	mu     sync.Mutex
	posted []func() // by other goroutines
}

// user is told what becomes of a connection. ended is the last call for it; a nil error
// or io.EOF is the end of the stream.
type user interface {
	opened(c *conn)
	heard(c *conn, b []byte) // b is lent
	drained(c *conn)         // all that was said is with the system
	ended(c *conn, err error)
}

// conn is a connection. Its methods are for the reactor's goroutine.
type conn struct {
	r      *reactor
	fd     int
	user   user
	up     bool
	closed bool
	deaf   bool
	out    []byte
	reads  bool // what the poller was told
	writes bool
}

func newReactor() (*reactor, error) {
	p, err := newPoller()
	if err != nil {
		return nil, err
	}
	return &reactor{poll: p, conns: map[int]*conn{}, scratch: make([]byte, 64<<10)}, nil
}

// dial opens a connection from an address of this machine.
func (r *reactor) dial(from netip.Addr, to netip.AddrPort, o socketOptions, u user) (*conn, error) {
	fd, err := sysDial(from, to, o)
	if err != nil {
		return nil, err
	}
	c := &conn{r: r, fd: fd, user: u, writes: true}
	if err := r.poll.add(fd, false, true); err != nil {
		sysClose(fd, true)
		return nil, err
	}
	r.conns[fd] = c
	return c, nil
}

// post has f called in the reactor's goroutine. Any goroutine may call it.
func (r *reactor) post(f func()) {
	r.mu.Lock()
	r.posted = append(r.posted, f)
	r.mu.Unlock()
}

// after has f called once, when d has passed.
func (r *reactor) after(d time.Duration, f func()) {
	heap.Push(&r.timers, timer{time.Now().Add(d), f})
}

// at has f called once, at a time.
func (r *reactor) at(t time.Time, f func()) { heap.Push(&r.timers, timer{t, f}) }

// longestWait bounds how late what was posted is done.
const longestWait = 2 * time.Millisecond

// run goes on until end says so.
func (r *reactor) run(end func() bool) {
	for !end() {
		wait := longestWait
		if len(r.timers) > 0 {
			wait = min(wait, time.Until(r.timers[0].at))
		}
		r.poll.wait(wait, r.ready)
		r.mu.Lock()
		posted := r.posted
		r.posted = nil
		r.mu.Unlock()
		for _, f := range posted {
			f()
		}
		for now := time.Now(); len(r.timers) > 0 && !r.timers[0].at.After(now); {
			heap.Pop(&r.timers).(timer).do()
		}
		if r.onTurn != nil {
			r.onTurn()
		}
	}
}

// close closes all connections and the reactor.
func (r *reactor) close() {
	for _, c := range r.conns {
		sysClose(c.fd, false)
	}
	r.poll.close()
}

func (r *reactor) ready(fd int, read, write, broken bool) {
	c := r.conns[fd]
	if c == nil {
		return
	}
	if !c.up {
		if err := sysError(fd); err != nil {
			c.drop(err, false)
			return
		}
		c.up = true
		c.user.opened(c)
		c.watch()
		return
	}
	if write && !c.closed {
		c.flush()
	}
	if (read || broken) && !c.closed && (!c.deaf || broken) {
		c.read()
	}
}

func (c *conn) read() {
	n, err := sysRead(c.fd, c.r.scratch)
	switch {
	case errors.Is(err, errFull):
	case err != nil:
		c.drop(err, false)
	case n == 0:
		c.drop(io.EOF, false)
	default:
		c.user.heard(c, c.r.scratch[:n])
	}
}

// sip reads at most n bytes of a deaf connection.
func (c *conn) sip(n int) {
	if c.closed || !c.up {
		return
	}
	got, err := sysRead(c.fd, c.r.scratch[:n])
	if err == nil && got > 0 {
		c.user.heard(c, c.r.scratch[:got])
	}
}

// say sends b, now or when the socket takes it.
func (c *conn) say(b []byte) {
	if c.closed {
		return
	}
	c.out = append(c.out, b...)
	if c.up {
		c.flush()
	}
}

func (c *conn) flush() {
	had := len(c.out) > 0
	for len(c.out) > 0 {
		n, err := sysWrite(c.fd, c.out)
		if errors.Is(err, errFull) {
			break
		}
		if err != nil {
			c.drop(err, false)
			return
		}
		c.out = c.out[n:]
	}
	if len(c.out) == 0 {
		c.out = nil
	}
	c.watch()
	if had && len(c.out) == 0 {
		c.r.after(0, c.tellDrained) // not at once: who says more whenever it may would never end
	}
}

func (c *conn) tellDrained() {
	if !c.closed && len(c.out) == 0 {
		c.user.drained(c)
	}
}

// finish ends this side of the stream.
func (c *conn) finish() {
	if c.up && !c.closed {
		sysFinish(c.fd)
	}
}

// listen begins or ends that it reads.
func (c *conn) listen(on bool) {
	c.deaf = !on
	c.watch()
}

func (c *conn) watch() {
	if c.closed || !c.up {
		return
	}
	if read, write := !c.deaf, len(c.out) > 0; read != c.reads || write != c.writes {
		c.reads, c.writes = read, write
		_ = c.r.poll.change(c.fd, read, write)
	}
}

// close ends the connection; its user is not told.
func (c *conn) close(reset bool) {
	if !c.closed {
		c.closed = true
		delete(c.r.conns, c.fd)
		sysClose(c.fd, reset)
	}
}

// drop ends the connection and tells its user.
func (c *conn) drop(err error, reset bool) {
	if !c.closed {
		c.close(reset)
		c.user.ended(c, err)
	}
}

type timer struct {
	at time.Time
	do func()
}

// timers is a heap, the next one first.
type timers []timer

func (t timers) Len() int           { return len(t) }
func (t timers) Less(i, j int) bool { return t[i].at.Before(t[j].at) }
func (t timers) Swap(i, j int)      { t[i], t[j] = t[j], t[i] }
func (t *timers) Push(x any)        { *t = append(*t, x.(timer)) }
func (t *timers) Pop() any {
	last := len(*t) - 1
	x := (*t)[last]
	*t = (*t)[:last]
	return x
}
