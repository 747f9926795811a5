package load

import (
	"errors"
	"fmt"
	"io"

	"golang.org/x/sys/unix"

	"sarang/bench/internal/wire"
)

// stage is how far a connection has come.
type stage uint8

const (
	stageNone       stage = iota // no socket
	stageConnecting              // the TCP handshake
	stageHello                   // the hello is not answered
	stageReady                   // may join
	stageJoining                 // joins are not answered
	stageJoined
)

// publisherRoom is the room of a connection that is no receiver.
const publisherRoom = -1

// conn is one connection: a receiver of one room, or a publisher.
type conn struct {
	fd       int
	room     int32 // index, publisherRoom for a publisher
	joins    int32 // joins not answered
	nextJoin int32 // the next room to join
	stage    stage
	sampled  bool // its deliveries' latencies are noted
	waiting  bool // for the socket to become writable
	dirty    bool // has new bytes in out; in Crowd.dirty
	last     uint64
	tail     []byte // the beginning of a frame
	out      []byte // not yet sent
}

// LostError is a connection that the server has ended, or that broke.
type LostError struct {
	Conn  int
	Cause error
}

// Error says which connection and why.
func (e *LostError) Error() string { return fmt.Sprintf("connection %d is lost: %v", e.Conn, e.Cause) }

// Unwrap gives the cause: io.EOF if the server closed.
func (e *LostError) Unwrap() error { return e.Cause }

// RefusedError is a server that said no.
type RefusedError struct {
	Conn   int
	Reason string
}

// Error gives the server's words.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("connection %d: the server refuses: %s", e.Conn, e.Reason)
}

// handle does what an event asks for.
func (c *Crowd) handle(e *unix.EpollEvent) error {
	i := int(e.Fd)
	n := &c.conns[i]
	if n.stage == stageConnecting {
		return c.opened(i)
	}
	if e.Events&unix.EPOLLOUT != 0 {
		if err := c.flush(i); err != nil {
			return err
		}
	}
	if e.Events&^uint32(unix.EPOLLOUT) != 0 {
		return c.receive(i)
	}
	return nil
}

// opened sends the hello.
func (c *Crowd) opened(i int) error {
	n := &c.conns[i]
	if err := connected(n.fd); err != nil {
		return &LostError{i, err}
	}
	n.stage = stageHello
	n.out = c.config.Protocol.AppendHello(n.out, c.name(i))
	n.waiting = false
	if err := c.poller.change(n.fd, i, unix.EPOLLIN); err != nil {
		return err
	}
	return c.flush(i)
}

// receive reads once: epoll tells again if there is more.
func (c *Crowd) receive(i int) error {
	n := &c.conns[i]
	kept := copy(c.buf, n.tail)
	got, err := read(n.fd, c.buf[kept:kept+readBytesMax])
	if err != nil {
		if again(err) {
			return nil
		}
		return &LostError{i, err}
	}
	if got == 0 {
		return &LostError{i, io.EOF}
	}
	c.counts.bytes += uint64(got)
	if n.room != publisherRoom {
		c.counts.receiverBytes += uint64(got)
	}
	if n.sampled {
		c.readAt = c.now()
	}
	rest, err := c.frames(i, n, c.buf[:kept+got])
	if err != nil {
		return err
	}
	n.tail = append(n.tail[:0], rest...)
	return nil
}

// frames takes the whole frames of b and returns the rest.
func (c *Crowd) frames(i int, n *conn, b []byte) ([]byte, error) {
	protocol := c.config.Protocol
	for len(b) > 0 {
		f, size, err := protocol.Next(b)
		if err != nil {
			return nil, fmt.Errorf("connection %d: %w", i, err)
		}
		if size == 0 {
			break
		}
		b = b[size:]
		switch f.Kind {
		case wire.Delivery:
			if n.room != publisherRoom {
				err = c.delivered(n, f.Payload)
			}
		case wire.Ack:
			c.counts.acks++
		case wire.Done:
			err = c.stepDone(i, f)
		case wire.Ping:
			n.out = protocol.AppendPong(n.out, f)
			err = c.flush(i)
		case wire.Refused:
			err = &RefusedError{i, string(f.Payload)}
		}
		if err != nil {
			return nil, err
		}
	}
	if len(b) > wire.FrameBytesMax {
		return nil, &LostError{i, errors.New("a frame is longer than any that was published")}
	}
	return b, nil
}

// flush sends what waits; what the socket does not take goes when it is writable.
func (c *Crowd) flush(i int) error {
	n := &c.conns[i]
	sent := 0
	for sent < len(n.out) {
		k, err := write(n.fd, n.out[sent:])
		if err != nil {
			if again(err) {
				break
			}
			return &LostError{i, err}
		}
		sent += k
	}
	n.out = n.out[:copy(n.out, n.out[sent:])]
	if wait := len(n.out) > 0; wait != n.waiting {
		n.waiting = wait
		events := uint32(unix.EPOLLIN)
		if wait {
			events |= unix.EPOLLOUT
		}
		return c.poller.change(n.fd, i, events)
	}
	return nil
}
