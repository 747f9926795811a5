package wire_test

import (
	"errors"
	"io"
	"net"
	"testing"

	"go.uber.org/goleak"

	pb "sarang/proto/sarang/v1"
	"sarang/tests/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The frames are those of docs/PROTOCOL.md, section 6.
func TestFrames(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	go func() {
		defer b.Close()
		_, _ = b.Write([]byte{0x0d, 0, 0x0d, 0, 9, 0x2a, 0, 0, 0, 0, 0, 0, 0})
		_, _ = b.Write([]byte{3, 0, 1, 0})
	}()
	c := wire.NewConn(a)
	p, err := c.Read()
	m := new(pb.Ping)
	if err != nil || p.ID != pb.SPing || p.Decode(m) != nil || m.Value != 42 {
		t.Errorf("%v, %v, %v", p, m, err)
	}
	if _, err := c.Read(); !errors.Is(err, wire.ErrFrame) {
		t.Errorf("a size of 3: %v", err)
	}
	if _, err := c.Read(); !errors.Is(err, io.EOF) {
		t.Errorf("the end: %v", err)
	}
}

func TestAppend(t *testing.T) {
	b, err := wire.Append(nil, pb.CPong, &pb.Ping{Value: 42})
	if want := "\x0d\x00\x0e\x00\x09\x2a\x00\x00\x00\x00\x00\x00\x00"; err != nil || string(b) != want {
		t.Errorf("%x, %v; want %x", b, err, want)
	}
	if _, err := wire.Append(nil, pb.CChat, &pb.Publish{Text: string(make([]byte, 65536))}); err == nil {
		t.Error("a packet of more than 65535 bytes was made")
	}
}
