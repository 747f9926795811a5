package load

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/sys/unix"

	"sarang/bench/internal/wire"
)

// Config says who is in a crowd. The fields that have a default may be zero.
type Config struct {
	Addr        netip.AddrPort // loopback, IPv4
	Protocol    wire.Protocol
	Rooms       int
	PerRoom     int // receivers in each
	Publishers  int // connections of their own; room r is published to by r mod Publishers
	SampleEvery int // the latency of every so many receivers is noted; default 1, all
	ConnectsMax int // connects under way at once, until their hellos are answered; default 64
}

func (c Config) check() (Config, error) {
	if c.SampleEvery == 0 {
		c.SampleEvery = 1
	}
	if c.ConnectsMax == 0 {
		c.ConnectsMax = connectsMax
	}
	switch {
	case !c.Addr.Addr().IsLoopback():
		return c, fmt.Errorf("load: Addr is %s; only a loopback address is loaded", c.Addr)
	case c.Protocol == nil:
		return c, errors.New("load: Protocol is missing")
	case c.Rooms < 1 || c.PerRoom < 0 || c.Publishers < 0 || c.SampleEvery < 1 || c.ConnectsMax < 1:
		return c, fmt.Errorf("load: %d rooms × %d receivers, %d publishers, one in %d sampled, %d connects at once: no negative numbers, and at least one room, one in one and one at once",
			c.Rooms, c.PerRoom, c.Publishers, c.SampleEvery, c.ConnectsMax)
	}
	return c, nil
}

// Limits of the storms: so many connects or joins are under way at once. 64 connects
// are below the shortest queue of a listener among the servers (100), as a dropped SYN
// would cost a second.
const (
	connectsMax = 64
	joinsMax    = 64
)

// stallMax is how long nothing may come before a run is given up.
const stallMax = 15 * time.Second

// readBytesMax is what one read takes: less than the processor's cache holds.
const readBytesMax = 128 << 10

// room is a room's messages in flight.
type room struct {
	name      wire.Room
	published uint64 // number of the newest message
	inFlight  int
	left      []int32 // by number mod len: deliveries that are still to come
	ready     bool    // in Crowd.ready
}

// counts only go up; a measurement is a difference.
type counts struct {
	published, completed, deliveries, acks uint64
	bytes                                  uint64 // received, by all
	receiverBytes                          uint64 // received by receivers
	lost, repeated, wrong                  uint64
}

// Crowd is a set of connections to one server.
type Crowd struct {
	config  Config
	ctx     context.Context
	poller  *poller
	conns   []conn // receivers, room by room; then publishers
	rooms   []room
	ready   []int32 // rooms with room for a message
	dirty   []int32 // publishers with bytes to send
	buf     []byte
	text    []byte
	counts  counts
	opening int // connections that are under way
	moved   int // connections that have ended their step
	start   time.Time
	readAt  int64
	sizes   []int // of the phase's texts, by number mod len
	latency *hdrhistogram.Histogram
}

// Open makes a crowd; nothing is connected yet. Close it.
func Open(ctx context.Context, config Config) (*Crowd, error) {
	config, err := config.check()
	if err != nil {
		return nil, err
	}
	p, err := newPoller()
	if err != nil {
		return nil, err
	}
	c := &Crowd{
		config: config, ctx: ctx, poller: p, start: time.Now(),
		conns: make([]conn, config.Rooms*config.PerRoom+config.Publishers),
		rooms: make([]room, config.Rooms),
		buf:   make([]byte, wire.FrameBytesMax+readBytesMax),
	}
	for i := range c.conns {
		c.conns[i] = conn{fd: -1, room: publisherRoom}
		if i < config.Rooms*config.PerRoom {
			c.conns[i].room = int32(i / config.PerRoom)
			c.conns[i].sampled = i%config.SampleEvery == 0
		}
	}
	for i := range c.rooms {
		c.rooms[i].name.Name = fmt.Sprintf("room%d", i)
	}
	return c, nil
}

// Close resets all connections.
func (c *Crowd) Close() error {
	var all error
	for i := range c.conns {
		if n := &c.conns[i]; n.fd >= 0 {
			all = errors.Join(all, unix.Close(n.fd))
			n.fd = -1
		}
	}
	return errors.Join(all, c.poller.close())
}

// Conns is the number of connections, publishers included.
func (c *Crowd) Conns() int { return len(c.conns) }

// Receivers is the number of connections that receive.
func (c *Crowd) Receivers() int { return c.config.Rooms * c.config.PerRoom }

func (c *Crowd) now() int64 { return int64(time.Since(c.start)) }

// name is a user's: of one length, so that all rooms' frames have one, too.
func (c *Crowd) name(i int) string { return fmt.Sprintf("benchmarkperson%05d", i) }

// publisher is the connection that publishes to room r.
func (c *Crowd) publisher(r int) int { return c.Receivers() + r%c.config.Publishers }

// Connect connects everybody and waits until each hello is answered. It returns the
// time that took.
func (c *Crowd) Connect() (time.Duration, error) {
	begin, next := time.Now(), 0
	c.opening, c.moved = 0, 0
	err := c.until(func() bool { return c.moved == len(c.conns) }, func() error {
		for ; next < len(c.conns) && c.opening < c.config.ConnectsMax; next++ {
			fd, err := dial(c.config.Addr)
			if err != nil {
				return err
			}
			n := &c.conns[next]
			n.fd, n.stage = fd, stageConnecting
			c.opening++
			if err := c.poller.add(fd, next, unix.EPOLLIN|unix.EPOLLOUT); err != nil {
				return err
			}
		}
		return nil
	})
	return time.Since(begin), err
}

// Join has every receiver join its room, and then the publishers theirs if the
// protocol wants that. It returns the time that the receivers took.
func (c *Crowd) Join() (time.Duration, error) {
	begin := time.Now()
	if err := c.joinSome(0, c.Receivers()); err != nil {
		return 0, err
	}
	took := time.Since(begin)
	if wire.PublisherJoins(c.config.Protocol) {
		return took, c.joinSome(c.Receivers(), len(c.conns))
	}
	return took, nil
}

func (c *Crowd) joinSome(from, to int) error {
	next := from
	c.opening, c.moved = 0, 0
	return c.until(func() bool { return c.moved == to-from }, func() error {
		for ; next < to && c.opening < joinsMax; next++ {
			c.opening++
			n := &c.conns[next]
			n.stage = stageJoining
			if n.nextJoin = n.room; n.room == publisherRoom {
				n.nextJoin = int32(next - c.Receivers())
			}
			if err := c.joinNext(next); err != nil {
				return err
			}
		}
		return nil
	})
}

// joinNext asks for the next rooms of a connection, not too many at once: a server may
// end a client that has more answers coming than it reads.
func (c *Crowd) joinNext(i int) error {
	n := &c.conns[i]
	step, end := int32(1), n.room+1
	if n.room == publisherRoom {
		step, end = int32(c.config.Publishers), int32(len(c.rooms))
	}
	for ; n.nextJoin < end && n.joins < joinsMax; n.nextJoin += step {
		n.joins++
		n.out = c.config.Protocol.AppendJoin(n.out, c.rooms[n.nextJoin].name.Name)
	}
	if n.joins == 0 {
		c.arrive(n, stageJoined)
		return nil
	}
	return c.flush(i)
}

// stepDone is the answer to a hello or a join.
func (c *Crowd) stepDone(i int, f wire.Frame) error {
	n := &c.conns[i]
	switch n.stage {
	case stageHello:
		c.arrive(n, stageReady)
	case stageJoining:
		if n.room != publisherRoom {
			c.rooms[n.room].name.ID = f.Room
		}
		n.joins--
		return c.joinNext(i)
	}
	return nil
}

func (c *Crowd) arrive(n *conn, s stage) {
	n.stage = s
	c.opening--
	c.moved++
}

// until runs the loop until done; before every wait it calls more.
func (c *Crowd) until(done func() bool, more func() error) error {
	watch := newWatch(c)
	for {
		if err := more(); err != nil {
			return err
		}
		if done() {
			return nil
		}
		if err := c.turn(100*time.Millisecond, func() error { return nil }); err != nil {
			return err
		}
		if err := watch.check(); err != nil {
			return err
		}
	}
}

// turn waits for events and handles them.
func (c *Crowd) turn(timeout time.Duration, after func() error) error {
	events, err := c.poller.wait(timeout)
	if err != nil {
		return err
	}
	for i := range events {
		if err := c.handle(&events[i]); err != nil {
			return err
		}
		if err := after(); err != nil {
			return err
		}
	}
	return nil
}

// watch ends a loop when its context ends or nothing moves any more.
type watch struct {
	c       *Crowd
	checked time.Time
	moved   time.Time
	bytes   uint64
	steps   int
}

func newWatch(c *Crowd) *watch {
	now := time.Now()
	return &watch{c: c, checked: now, moved: now, bytes: c.counts.bytes, steps: c.moved}
}

// ErrStalled is a server from which nothing comes although something must.
var ErrStalled = errors.New("nothing came from the server for too long")

func (w *watch) check() error {
	now := time.Now()
	if now.Sub(w.checked) < 50*time.Millisecond {
		return nil
	}
	w.checked = now
	if err := w.c.ctx.Err(); err != nil {
		return err
	}
	if w.bytes != w.c.counts.bytes || w.steps != w.c.moved {
		w.bytes, w.steps, w.moved = w.c.counts.bytes, w.c.moved, now
	}
	if now.Sub(w.moved) > stallMax {
		return fmt.Errorf("%w (%v): %d connections under way, %d messages of %d complete, %d deliveries", ErrStalled, stallMax,
			w.c.opening, w.c.counts.completed, w.c.counts.published, w.c.counts.deliveries)
	}
	return nil
}
