package load

import (
	"errors"
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"sarang/bench/internal/wire"
)

// Phase is one measurement.
type Phase struct {
	Window  int           // messages in flight per room; ignored if there is a Rate
	Rate    float64       // messages per second in all, on a timetable; 0: Window holds
	Trickle bool          // a message is published at once when another is complete, and not with all that are
	Sizes   []int         // bytes of text, used in turn; each at least wire.HeaderBytes
	Warm    time.Duration // load without measuring, first
	Measure time.Duration

	// Mark is called when measuring begins and when it ends.
	Mark func() error
}

// Result is what was measured; Lost, Repeated and Wrong are those of the whole phase,
// beginning and end included. Latencies are in nanoseconds: from the publish, or in an
// open loop from when the message was due, until the delivery was read.
type Result struct {
	Wall       time.Duration
	Published  uint64
	Completed  uint64 // messages that came to all receivers
	Deliveries uint64
	Acks       uint64
	Bytes      uint64        // received by receivers
	Lost       uint64        // numbers that a receiver has never got
	Repeated   uint64        // numbers that came again or late
	Wrong      uint64        // texts of another length than was published
	Behind     uint64        // open loop: messages that were due at the end and not published
	CPU        time.Duration // of this process
	Latency    *hdrhistogram.Histogram
}

// inFlightMax bounds an open loop: so many messages per room.
const inFlightMax = 8192

const (
	latencyNanosMin = 1000
	latencyNanosMax = int64(time.Minute)
)

func (p Phase) check() error {
	switch {
	case p.Rate == 0 && (p.Window < 1 || p.Window > inFlightMax):
		return fmt.Errorf("load: Window is %d; it must be 1 to %d", p.Window, inFlightMax)
	case p.Rate != 0 && p.Trickle:
		return errors.New("load: a timetable is no trickle")
	case p.Rate < 0:
		return fmt.Errorf("load: Rate is %g; it must not be negative", p.Rate)
	case len(p.Sizes) == 0:
		return errors.New("load: Sizes is empty")
	case p.Measure <= 0 || p.Warm < 0:
		return fmt.Errorf("load: Warm is %v, Measure %v; they must be positive", p.Warm, p.Measure)
	}
	for _, s := range p.Sizes {
		if s < wire.HeaderBytes {
			return fmt.Errorf("load: a text of %d bytes; it must have at least %d", s, wire.HeaderBytes)
		}
	}
	return nil
}

// Run does a phase: everybody must have joined. At the end it waits until what is in
// flight has come.
func (c *Crowd) Run(p Phase) (*Result, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	if c.config.Publishers == 0 {
		return nil, errors.New("load: a crowd without publishers can not run a phase")
	}
	c.sizes = p.Sizes
	c.latency = hdrhistogram.New(latencyNanosMin, latencyNanosMax, 3)
	ring := ringFor(p)
	for i := range c.rooms {
		r := &c.rooms[i]
		r.left = make([]int32, ring)
		r.ready = true
	}
	c.ready = c.ready[:0]
	for i := range c.rooms {
		c.ready = append(c.ready, int32(i))
	}
	start := c.counts
	d := &drive{c: c, phase: p, begin: c.now()}
	if err := d.spend(p.Warm); err != nil {
		return nil, err
	}
	before, err := d.mark()
	if err != nil {
		return nil, err
	}
	c.latency.Reset()
	if err := d.spend(p.Measure); err != nil {
		return nil, err
	}
	after, err := d.mark()
	if err != nil {
		return nil, err
	}
	result := between(before, after)
	result.Latency, c.latency = c.latency, hdrhistogram.New(latencyNanosMin, latencyNanosMax, 1)
	result.Behind = d.behind()
	err = c.until(func() bool { return c.counts.completed == c.counts.published }, func() error { return nil })
	result.Lost, result.Repeated, result.Wrong = c.counts.lost-start.lost, c.counts.repeated-start.repeated, c.counts.wrong-start.wrong
	return result, err
}

// ringFor is how many messages of a room can be told apart: a power of two.
func ringFor(p Phase) int {
	if p.Rate > 0 {
		return inFlightMax
	}
	n := 1
	for n < p.Window {
		n *= 2
	}
	return n
}

// reading is a moment of a measurement.
type reading struct {
	at     time.Time
	cpu    time.Duration
	counts counts
}

func between(a, b reading) *Result {
	return &Result{
		Wall: b.at.Sub(a.at), CPU: b.cpu - a.cpu,
		Published: b.counts.published - a.counts.published, Completed: b.counts.completed - a.counts.completed,
		Deliveries: b.counts.deliveries - a.counts.deliveries, Acks: b.counts.acks - a.counts.acks,
		Bytes: b.counts.receiverBytes - a.counts.receiverBytes,
	}
}

// drive is a phase that runs.
type drive struct {
	c     *Crowd
	phase Phase
	begin int64  // of the timetable
	made  uint64 // messages of the timetable that were published
}

func (d *drive) mark() (reading, error) {
	if d.phase.Mark != nil {
		if err := d.phase.Mark(); err != nil {
			return reading{}, err
		}
	}
	return reading{at: time.Now(), cpu: ownCPU(), counts: d.c.counts}, nil
}

// spend keeps the load up for so long.
func (d *drive) spend(how time.Duration) error {
	c, end := d.c, d.c.now()+int64(how)
	watch := newWatch(c)
	for {
		now := c.now()
		if now >= end {
			return nil
		}
		wait := time.Duration(end - now)
		if d.phase.Rate > 0 {
			wait = min(wait, d.onTime(now))
		} else {
			d.fill(now)
		}
		if err := c.flushDirty(); err != nil {
			return err
		}
		if err := c.turn(wait, d.meanwhile); err != nil {
			return err
		}
		if err := watch.check(); err != nil {
			return err
		}
	}
}

// meanwhile is called after each connection that was read. In a trickle what is complete has
// its successor on the way before the next connection is looked at.
func (d *drive) meanwhile() error {
	if !d.phase.Trickle || len(d.c.ready) == 0 {
		return nil
	}
	d.fill(d.c.now())
	return d.c.flushDirty()
}

// fill publishes to every room that has fewer than Window messages in flight.
func (d *drive) fill(now int64) {
	c := d.c
	for _, i := range c.ready {
		r := &c.rooms[i]
		r.ready = false
		for r.inFlight < d.phase.Window {
			c.publish(int(i), now)
		}
	}
	c.ready = c.ready[:0]
}

// due is when message n of the timetable is to be published.
func (d *drive) due(n uint64) int64 { return d.begin + int64(float64(n)*1e9/d.phase.Rate) }

// onTime publishes what is due and returns how long nothing will be.
func (d *drive) onTime(now int64) time.Duration {
	c := d.c
	for at := d.due(d.made); ; at = d.due(d.made) {
		if at > now {
			return time.Duration(at - now)
		}
		r := int(d.made % uint64(len(c.rooms)))
		if c.rooms[r].inFlight == inFlightMax {
			return time.Millisecond // the server is far behind; its latency says so
		}
		c.publish(r, at)
		d.made++
	}
}

// behind is what the timetable has and was not published.
func (d *drive) behind() uint64 {
	if d.phase.Rate == 0 {
		return 0
	}
	due := uint64(float64(d.c.now()-d.begin) * d.phase.Rate / 1e9)
	return max(due, d.made) - d.made
}

// publish puts a message for room i into its publisher's out.
func (c *Crowd) publish(i int, at int64) {
	r := &c.rooms[i]
	r.published++
	r.inFlight++
	r.left[r.published&uint64(len(r.left)-1)] = int32(c.config.PerRoom)
	c.counts.published++
	p := c.publisher(i)
	n := &c.conns[p]
	c.text = wire.AppendText(c.text[:0], r.published, at, c.sizes[r.published%uint64(len(c.sizes))])
	n.out = c.config.Protocol.AppendPublish(n.out, r.name, c.counts.published, c.text)
	if !n.dirty {
		n.dirty = true
		c.dirty = append(c.dirty, int32(p))
	}
}

func (c *Crowd) flushDirty() error {
	for _, i := range c.dirty {
		n := &c.conns[i]
		n.dirty = false
		if n.waiting {
			continue // EPOLLOUT comes
		}
		if err := c.flush(int(i)); err != nil {
			return err
		}
	}
	c.dirty = c.dirty[:0]
	return nil
}

// delivered counts a delivery and checks it.
func (c *Crowd) delivered(n *conn, text []byte) error {
	number, ok := wire.Number(text)
	r := &c.rooms[n.room]
	if !ok || number > r.published || number == 0 {
		return fmt.Errorf("%w: %.40q", wire.ErrHeader, text)
	}
	if len(text) != c.sizes[number%uint64(len(c.sizes))] {
		c.counts.wrong++
	}
	if number != n.last+1 {
		if number <= n.last {
			c.counts.repeated++
			return nil
		}
		c.counts.lost += number - n.last - 1
		for k := n.last + 1; k < number; k++ {
			c.arrived(r, n.room, k) // it will not come: nobody waits for it
		}
	}
	n.last = number
	c.counts.deliveries++
	if n.sampled {
		if at, ok := wire.Nanos(text); ok {
			_ = c.latency.RecordValue(min(max(c.readAt-at, latencyNanosMin), latencyNanosMax)) // within its bounds
		}
	}
	c.arrived(r, n.room, number)
	return nil
}

// arrived takes one receiver off those that a message is still to come to.
func (c *Crowd) arrived(r *room, index int32, number uint64) {
	left := &r.left[number&uint64(len(r.left)-1)]
	if *left--; *left != 0 {
		return
	}
	r.inFlight--
	c.counts.completed++
	if !r.ready {
		r.ready = true
		c.ready = append(c.ready, index)
	}
}
