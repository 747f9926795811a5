package aiotest

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"sarang/aio"
)

// deadline is how long, in the driver's time, a case waits for one thing. It is
// never waited out by a driver that works.
const deadline = 60 * time.Second

// quietTime is how long nothing must happen for a loop to count as settled.
const quietTime = 40 * time.Millisecond

// bench is what a case works with: its drivers, and helpers to get somewhere.
type bench struct {
	t        *testing.T
	factory  Factory
	loops    []*loop
	rng      *rand.Rand
	pattern  pattern
	turn     int // which of several loops may block next
	released bool
}

func newBench(t *testing.T, f Factory, c testCase, configs []aio.Config) *bench {
	b := &bench{t: t, factory: f, rng: rand.New(rand.NewPCG(1, 2))}
	b.pattern = newPattern(b.rng)
	drivers := f.Open(t, configs...)
	if len(drivers) != len(configs) {
		t.Fatalf("the factory opened %d drivers for %d configs", len(drivers), len(configs))
	}
	for i, d := range drivers {
		if d.Name() != f.Name {
			t.Errorf("driver's name is %q, want %q", d.Name(), f.Name)
		}
		b.loops = append(b.loops, newLoop(t, d, configs[i], c.batch))
	}
	return b
}

// loop is the driver of a case that has only one, or the first.
func (b *bench) loop() *loop { return b.loops[0] }

// now is the time of the first driver.
func (b *bench) now() time.Duration { return b.loops[0].d.Now() }

// step lets every loop go on once, and waits at most timeout if none has events.
func (b *bench) step(timeout time.Duration) int {
	b.t.Helper()
	if len(b.loops) == 1 {
		return b.loops[0].wait(timeout)
	}
	n := 0
	for _, l := range b.loops {
		n += l.wait(0)
	}
	if n == 0 && timeout > 0 {
		b.turn = (b.turn + 1) % len(b.loops)
		n = b.loops[b.turn].wait(min(timeout, time.Millisecond))
	}
	return n
}

// until runs the loops until done. It ends the test when the deadline passes.
func (b *bench) until(what string, done func() bool) {
	b.t.Helper()
	end := b.now() + deadline
	for !done() {
		b.step(100 * time.Millisecond)
		if b.now() > end {
			b.t.Fatalf("waited %v for: %s\n%s", deadline, what, b.describe())
		}
	}
}

// settle runs the loops until nothing has happened for quietTime.
func (b *bench) settle() {
	b.t.Helper()
	end := b.now() + deadline
	for quietSince := b.now(); b.now()-quietSince < quietTime; {
		if b.step(quietTime) > 0 {
			quietSince = b.now()
		}
		if b.now() > end {
			b.t.Fatalf("the loops do not come to rest\n%s", b.describe())
		}
	}
}

// describe lists sockets that have requests in flight, for a failed case.
func (b *bench) describe() string {
	var out strings.Builder
	for i, l := range b.loops {
		fmt.Fprintf(&out, "driver %d: %d sockets open\n", i, l.open)
		lines := 0
		for _, s := range l.socks {
			busy := s.accepting || s.connecting || s.receiving || s.sending || s.closing
			if s.dead || !busy || lines == 20 {
				continue
			}
			lines++
			fmt.Fprintf(&out, "  %#x: accept %v connect %v recv %v (ended %v) send %v blocked %v (sent %d, err %v) closing %v\n",
				s.name, s.accepting, s.connecting, s.receiving, s.recvErr, s.sending, s.blocked, s.sentBytes, s.sendErr, s.closing)
		}
	}
	return out.String()
}

// finish closes what the case left open, and checks that everything ends.
func (b *bench) finish() {
	b.t.Helper()
	if b.released {
		return
	}
	for _, l := range b.loops {
		for _, s := range l.socks {
			if !s.dead && !s.closing {
				s.close()
			}
		}
	}
	b.until("every socket to be disconnected", func() bool {
		for _, l := range b.loops {
			if l.open > 0 {
				return false
			}
		}
		return true
	})
	for _, l := range b.loops {
		for _, s := range l.socks {
			for _, c := range s.accepted {
				l.d.Discard(c)
			}
			s.accepted = nil
		}
		l.wait(time.Millisecond) // whatever still comes is for nobody, and fails
		l.wait(0)
	}
}

// release frees the drivers, once.
func (b *bench) release() {
	b.t.Helper()
	if b.released {
		return
	}
	b.released = true
	for _, l := range b.loops {
		if err := l.d.Release(); err != nil {
			b.t.Errorf("Release: %v", err)
		}
	}
}

// listen opens a listener of l on the loopback and starts accepting.
func (b *bench) listen(l *loop, o aio.SocketOptions) (*sock, netip.AddrPort) {
	b.t.Helper()
	s, at := l.listen(b.factory.Loopback, o)
	s.accept()
	return s, at
}

// nextConn waits for and takes the oldest accepted connection of listener.
func (b *bench) nextConn(listener *sock) aio.Conn {
	b.t.Helper()
	b.until("a connection to be accepted", func() bool { return len(listener.accepted) > 0 })
	c := listener.accepted[0]
	listener.accepted = listener.accepted[1:]
	return c
}

// join connects from l to a listener that accepts, and attaches the accepted end
// to far.
func (b *bench) join(l, far *loop, listener *sock, at netip.AddrPort, o aio.SocketOptions) (near, other *sock) {
	b.t.Helper()
	near = l.connect(at, o)
	other = far.attach(b.nextConn(listener))
	b.until("the connection to be made", func() bool { return !near.connecting })
	if near.connectErr != nil {
		b.t.Fatalf("connect: %v", near.connectErr)
	}
	return near, other
}

// pair makes one connection inside the first driver, both ends with options o.
func (b *bench) pair(o aio.SocketOptions) (near, far *sock) {
	b.t.Helper()
	listener, at := b.listen(b.loop(), o)
	return b.join(b.loop(), b.loop(), listener, at, o)
}

// want fails the test unless err is wanted.
func (b *bench) want(what string, err error, wanted func(error) bool) {
	b.t.Helper()
	if err == nil || !wanted(err) {
		b.t.Fatalf("%s: unexpected error %v", what, err)
	}
}
