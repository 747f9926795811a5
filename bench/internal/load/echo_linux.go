package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/sys/unix"

	"sarang/packet"
)

// EchoConfig says how an echo server is loaded: every connection has one message in
// flight, and sends the next one when it is back.
type EchoConfig struct {
	Addr      netip.AddrPort // loopback, IPv4
	Conns     int
	SizeBytes int // of a message; it is a packet, as package packet cuts them
	Warm      time.Duration
	Measure   time.Duration

	// Connected is called when all are connected, Mark when measuring begins and when
	// it ends.
	Connected, Mark func() error
}

// echoID is the id of the packets that are echoed.
const echoID = 2

// ErrNotEcho is an answer that is not what was sent.
var ErrNotEcho = errors.New("an echo is not what was sent")

// Echo runs an echo load. Deliveries are echoes.
func Echo(ctx context.Context, config EchoConfig) (result *Result, err error) {
	if !config.Addr.Addr().IsLoopback() || config.Conns < 1 || config.SizeBytes < packet.HeaderBytes || config.Measure <= 0 {
		return nil, fmt.Errorf("load: echo of %d bytes by %d connections to %s for %v: a loopback address, one connection, %d bytes and some time are the least",
			config.SizeBytes, config.Conns, config.Addr, config.Measure, packet.HeaderBytes)
	}
	p, err := newPoller()
	if err != nil {
		return nil, err
	}
	e := &echoes{
		config: config, poller: p, conns: make([]echoConn, config.Conns), start: time.Now(),
		latency: hdrhistogram.New(latencyNanosMin, latencyNanosMax, 3), buf: make([]byte, 64<<10),
	}
	if e.message, err = packet.AppendHeader(nil, echoID, config.SizeBytes-packet.HeaderBytes); err != nil {
		return nil, err
	}
	for i := range config.SizeBytes - packet.HeaderBytes {
		e.message = append(e.message, byte(i))
	}
	defer func() { err = errors.Join(err, e.close()) }()
	return e.run(ctx)
}

// echoes is an echo load that runs.
type echoes struct {
	config  EchoConfig
	poller  *poller
	conns   []echoConn
	message []byte
	buf     []byte
	start   time.Time
	count   uint64
	latency *hdrhistogram.Histogram
}

// echoConn is a connection with one message in flight.
type echoConn struct {
	fd   int
	back int   // bytes of the message that are back
	sent int64 // when it was sent
}

func (e *echoes) now() int64 { return int64(time.Since(e.start)) }

func (e *echoes) close() error {
	var all error
	for i := range e.conns {
		if e.conns[i].fd > 0 {
			all = errors.Join(all, unix.Close(e.conns[i].fd))
		}
	}
	return errors.Join(all, e.poller.close())
}

func (e *echoes) run(ctx context.Context) (*Result, error) {
	for i := range e.conns {
		if err := e.connect(i); err != nil {
			return nil, err
		}
	}
	if err := e.config.Connected(); err != nil {
		return nil, err
	}
	for i := range e.conns {
		if err := e.send(i); err != nil {
			return nil, err
		}
	}
	if err := e.spend(ctx, e.config.Warm); err != nil {
		return nil, err
	}
	if err := e.config.Mark(); err != nil {
		return nil, err
	}
	e.latency.Reset()
	at, cpu, count := time.Now(), ownCPU(), e.count
	if err := e.spend(ctx, e.config.Measure); err != nil {
		return nil, err
	}
	if err := e.config.Mark(); err != nil {
		return nil, err
	}
	n := e.count - count
	return &Result{Wall: time.Since(at), CPU: ownCPU() - cpu, Deliveries: n, Completed: n, Published: n, Bytes: n * uint64(len(e.message)), Latency: e.latency}, nil
}

// connect connects one after the other: a listener's queue is never full then.
func (e *echoes) connect(i int) error {
	fd, err := dial(e.config.Addr)
	if err != nil {
		return err
	}
	e.conns[i].fd = fd
	wait := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
	for {
		n, err := unix.Poll(wait, int(stallMax.Milliseconds()))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err == nil && n == 0 {
			err = ErrStalled
		}
		if err == nil {
			err = connected(fd)
		}
		if err != nil {
			return &LostError{i, err}
		}
		return e.poller.add(fd, i, unix.EPOLLIN)
	}
}

// send sends the next message. It is short and alone in its socket: it always fits.
func (e *echoes) send(i int) error {
	n, err := write(e.conns[i].fd, e.message)
	if err == nil && n < len(e.message) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return &LostError{i, err}
	}
	e.conns[i].sent, e.conns[i].back = e.now(), 0
	return nil
}

// spend keeps the echoes going for so long.
func (e *echoes) spend(ctx context.Context, how time.Duration) error {
	end, moved, count := e.now()+int64(how), e.now(), e.count
	for {
		now := e.now()
		if now >= end {
			return nil
		}
		if e.count != count {
			moved, count = now, e.count
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if now-moved > int64(stallMax) {
			return fmt.Errorf("%w (%v) after %d echoes", ErrStalled, stallMax, e.count)
		}
		events, err := e.poller.wait(min(time.Duration(end-now), 100*time.Millisecond))
		if err != nil {
			return err
		}
		for k := range events {
			if err := e.receive(int(events[k].Fd)); err != nil {
				return err
			}
		}
	}
}

func (e *echoes) receive(i int) error {
	c := &e.conns[i]
	n, err := read(c.fd, e.buf)
	if err != nil {
		if again(err) {
			return nil
		}
		return &LostError{i, err}
	}
	if n == 0 {
		return &LostError{i, io.EOF}
	}
	if c.back+n > len(e.message) || !bytes.Equal(e.buf[:n], e.message[c.back:c.back+n]) {
		return fmt.Errorf("connection %d: %w: %.80q", i, ErrNotEcho, e.buf[:n])
	}
	if c.back += n; c.back < len(e.message) {
		return nil
	}
	e.count++
	_ = e.latency.RecordValue(min(max(e.now()-c.sent, latencyNanosMin), latencyNanosMax)) // within its bounds
	return e.send(i)
}
