// Package wire speaks the native protocol with nothing of the server's own code but the
// generated messages: frames are cut and made here, from docs/PROTOCOL.md, so that what
// is wrong on both sides of the server's code does not cancel out.
package wire

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"google.golang.org/protobuf/proto"
)

// headerBytes is the size of a frame's header: size and id, little-endian, of which
// size counts the header; docs/PROTOCOL.md, section 1.
const headerBytes = 4

// ErrFrame is a stream that can not be cut into packets.
var ErrFrame = errors.New("wire: a frame with a size below 4")

// Packet is one packet.
type Packet struct {
	ID      uint16
	Payload []byte // valid until the next Read
}

// Decode reads the payload into m.
func (p Packet) Decode(m proto.Message) error {
	if err := proto.Unmarshal(p.Payload, m); err != nil {
		return fmt.Errorf("wire: packet %d: %w", p.ID, err)
	}
	return nil
}

// Conn is a connection that reads and writes whole packets. One goroutine may read while
// others send.
type Conn struct {
	net.Conn
	in      *bufio.Reader
	payload []byte

	mu  sync.Mutex // guards out
	out []byte
}

// Dial connects to HOST:PORT.
func Dial(ctx context.Context, addr string) (*Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return NewConn(c), nil
}

// NewConn takes over a connection that is there.
func NewConn(c net.Conn) *Conn { return &Conn{Conn: c, in: bufio.NewReaderSize(c, 64<<10)} }

// Send writes a packet.
func (c *Conn) Send(id uint16, m proto.Message) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	out, err := Append(c.out[:0], id, m)
	if err != nil {
		return err
	}
	c.out = out
	_, err = c.Write(out)
	return err
}

// Append appends a packet to b.
func Append(b []byte, id uint16, m proto.Message) ([]byte, error) {
	start := len(b)
	b = append(b, 0, 0, 0, 0)
	b, err := proto.MarshalOptions{}.MarshalAppend(b, m)
	if err != nil {
		return b[:start], err
	}
	size := len(b) - start
	if size > 65535 {
		return b[:start], fmt.Errorf("wire: packet %d has %d bytes; 65535 are allowed", id, size)
	}
	binary.LittleEndian.PutUint16(b[start:], uint16(size))
	binary.LittleEndian.PutUint16(b[start+2:], id)
	return b, nil
}

// Read waits for the next packet. A stream that ends between two packets is io.EOF.
func (c *Conn) Read() (Packet, error) {
	var head [headerBytes]byte
	if _, err := io.ReadFull(c.in, head[:]); err != nil {
		return Packet{}, err
	}
	size := int(binary.LittleEndian.Uint16(head[:]))
	if size < headerBytes {
		return Packet{}, ErrFrame
	}
	if cap(c.payload) < size {
		c.payload = make([]byte, 65535)
	}
	p := Packet{ID: binary.LittleEndian.Uint16(head[2:]), Payload: c.payload[:size-headerBytes]}
	_, err := io.ReadFull(c.in, p.Payload)
	return p, err
}
