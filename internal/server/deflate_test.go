package server_test

import (
	"bufio"
	"bytes"
	"compress/flate"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"sarang/internal/node"
	"sarang/internal/server"
	"sarang/packet"
	pb "sarang/proto/sarang/v1"
	"sarang/websocket"
)

// squeezed is a WebSocket whose messages are compressed by others' means; what the server has
// compressed is counted.
type squeezed struct {
	webConn
	t          *testing.T
	compressed int // messages of the server
	saved      int // bytes by that
}

func (c *squeezed) Write(b []byte) (int, error) {
	var z bytes.Buffer
	w, err := flate.NewWriter(&z, flate.BestCompression)
	if err == nil {
		_, err = w.Write(b)
	}
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		return 0, err
	}
	frame := message(bytes.TrimSuffix(z.Bytes(), []byte{0, 0, 0xff, 0xff}))
	frame[0] |= 0x40
	_, err = c.Conn.Write(frame)
	return len(b), err
}

func (c *squeezed) Read(p []byte) (int, error) {
	for len(c.in) == 0 {
		first, err := c.r.Peek(1)
		if err != nil {
			return 0, err
		}
		short := first[0]&0x40 != 0
		if short {
			c.r = bufio.NewReader(io.MultiReader(bytes.NewReader([]byte{first[0] &^ 0x40}), skipped(c.r)))
		}
		op, payload, err := c.frame()
		if err != nil || op != websocket.OpBinary {
			return 0, err
		}
		if short {
			n := len(payload)
			if payload, err = io.ReadAll(flate.NewReader(bytes.NewReader(append(payload, "\x00\x00\xff\xff\x01\x00\x00\xff\xff"...)))); err != nil {
				return 0, err
			}
			c.compressed++
			c.saved += len(payload) - n
		}
		if _, n, err := packet.Split(payload); n != len(payload) || err != nil {
			c.t.Errorf("%x is no packet", payload)
		}
		c.in = payload
	}
	n := copy(p, c.in)
	c.in = c.in[n:]
	return n, nil
}

// skipped is r without its first byte.
func skipped(r *bufio.Reader) io.Reader { _, _ = r.Discard(1); return r }

// dialSqueezed asks for a WebSocket that is compressed, and reports whether it is.
func dialSqueezed(t *testing.T, s *running, name string) (x *script, z *squeezed, agreed bool) {
	t.Helper()
	c, err := net.Dial("tcp", s.WebAddr().Addr.String())
	if err != nil {
		t.Fatal(err)
	}
	s.clients = append(s.clients, c)
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, upgradeRequest("localhost", node.Subprotocols()[0], "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n")); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(c)
	answer, err := http.ReadResponse(r, nil)
	if err != nil || answer.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%s: %v, %v", name, answer, err)
	}
	z = &squeezed{webConn: webConn{Conn: c, r: r}, t: t}
	return &script{t, name, z}, z, answer.Header.Get("Sec-Websocket-Extensions") != ""
}

// With --web-deflate who wants it reads and writes compressed messages, in one room with others.
func TestWebDeflate(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		c.WebDeflate = true
		s := start(t, withWeb(c))
		defer stop(t, s)
		x, z, agreed := dialSqueezed(t, s, "x")
		if !agreed {
			t.Fatal("compression was not agreed on")
		}
		x.login(nil)
		y, native := dialWeb(t, s, "y"), user(t, s, "z")
		y.login(nil)
		room := x.join(&pb.Join{Name: "r", Create: true}).Room.Id
		for _, other := range []*script{y, native} {
			other.join(&pb.Join{Name: "r"})
		}
		texts := []string{"short", strings.Repeat("guests are received and talk; ", 100), strings.Repeat("사랑방", 500)}
		for i, text := range texts {
			from := []*script{x, y, native}[i]
			from.publish(room, uint64(i+1), text)
			for _, to := range []*script{x, y, native} {
				for got := ""; got != text; {
					id, b, err := to.read()
					if err != nil {
						t.Fatal(err)
					}
					var e pb.Event
					if id == pb.SChat && proto.Unmarshal(b, &e) == nil {
						got = e.Text
					}
				}
			}
		}
		if z.compressed != 2 || z.saved < 4000 {
			t.Errorf("%d messages were compressed, by %d bytes", z.compressed, z.saved)
		}
	})
}

// Without it nobody is told that it is there.
func TestNoWebDeflate(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		s := start(t, withWeb(c))
		defer stop(t, s)
		if _, _, agreed := dialSqueezed(t, s, "x"); agreed {
			t.Error("compression was agreed on")
		}
	})
}
