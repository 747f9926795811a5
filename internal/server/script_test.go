package server_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"sarang/aio"
	"sarang/internal/server"
	"sarang/packet"
	pb "sarang/proto/sarang/v1"
)

// patience is how long a scripted client waits for what must come.
const patience = 10 * time.Second

// eachServer runs a test against every driver of this machine, with one worker and with two. With
// the race detector, as each takes several times as long, it is one of both for each way that a
// driver takes to tell of events: epoll's is io_uring's but for who waits.
func eachServer(t *testing.T, test func(t *testing.T, c server.Config)) {
	fewer := "epoll"
	if _, _, err := aio.Choose("uring"); err != nil {
		fewer = ""
	}
	for _, kind := range aio.Kinds() {
		for _, workers := range []int{1, 2} {
			if slow && ((workers == 1) != (kind == "portable") || kind == fewer) {
				continue
			}
			t.Run(fmt.Sprintf("%s-%d", kind, workers), func(t *testing.T) {
				if _, _, err := aio.Choose(kind); err != nil {
					t.Skipf("not available here: %v", err)
				}
				c := server.Default()
				c.Web = server.Address{}
				c.Listen = server.Native(netip.MustParseAddrPort("127.0.0.1:0"))
				c.HTTP, c.DataDir, c.IO, c.Workers, c.Debug = server.Nowhere, t.TempDir(), kind, workers, true
				c.Logger = slog.New(slog.NewTextHandler(testWriter{t}, nil))
				test(t, c)
			})
		}
	}
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(b []byte) (int, error) {
	w.t.Log(strings.TrimSpace(string(b)))
	return len(b), nil
}

// running is a server with the scripted clients that talk to it.
type running struct {
	*server.Server
	clients []net.Conn
}

func start(t *testing.T, c server.Config) *running {
	t.Helper()
	s, err := server.Start(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	return &running{Server: s}
}

// stop hangs up all clients and ends the server in order; it must have nothing left
// over.
func stop(t *testing.T, s *running) {
	t.Helper()
	for _, c := range s.clients {
		c.Close()
	}
	if err := s.Stop(context.Background()); err != nil {
		t.Errorf("stop: %v", err)
	}
}

// script is a client that says and expects, packet by packet.
type script struct {
	t    *testing.T
	name string
	conn net.Conn
}

func dial(t *testing.T, s *running, name string) *script {
	t.Helper()
	c, err := net.Dial("tcp", s.Addrs()[0].Addr.String())
	if err != nil {
		t.Fatal(err)
	}
	s.clients = append(s.clients, c)
	return &script{t, name, c}
}

// vtMessage is what the generated messages are.
type vtMessage interface {
	proto.Message
	packet.Marshaler
}

func (c *script) say(id packet.ID, m vtMessage) {
	c.t.Helper()
	b, err := packet.AppendVT(nil, id, m)
	if err != nil {
		c.t.Fatal(err)
	}
	c.raw(b)
}

func (c *script) raw(b []byte) {
	c.t.Helper()
	if _, err := c.conn.Write(b); err != nil {
		c.t.Fatalf("%s: write: %v", c.name, err)
	}
}

// read returns the next packet.
func (c *script) read() (packet.ID, []byte, error) {
	_ = c.conn.SetReadDeadline(time.Now().Add(patience))
	var head [packet.HeaderBytes]byte
	if _, err := io.ReadFull(c.conn, head[:]); err != nil {
		return 0, nil, err
	}
	payload := make([]byte, int(binary.LittleEndian.Uint16(head[:]))-packet.HeaderBytes)
	_, err := io.ReadFull(c.conn, payload)
	return packet.ID(binary.LittleEndian.Uint16(head[2:])), payload, err
}

// expect reads the next packet, which must have that id, into m.
func (c *script) expect(id packet.ID, m proto.Message) {
	c.t.Helper()
	got, payload, err := c.read()
	if err != nil {
		c.t.Fatalf("%s: waiting for packet %d: %v", c.name, id, err)
	}
	if got != id {
		c.t.Fatalf("%s: got packet %d (%s), want %d", c.name, got, describe(got, payload), id)
	}
	if err := proto.Unmarshal(payload, m); err != nil {
		c.t.Fatalf("%s: packet %d: %v", c.name, id, err)
	}
}

// describe makes an error readable that came in the place of something else.
func describe(id packet.ID, payload []byte) string {
	var e pb.Error
	if id == pb.SError && proto.Unmarshal(payload, &e) == nil {
		return e.String()
	}
	return fmt.Sprintf("%x", payload)
}

func (c *script) expectError(code uint32) *pb.Error {
	c.t.Helper()
	var e pb.Error
	c.expect(pb.SError, &e)
	if e.Code != code {
		c.t.Fatalf("%s: error %v, want code %d", c.name, &e, code)
	}
	return &e
}

// expectEnd reads the end of the stream, after a goodbye if code is not 0, and hangs up.
func (c *script) expectEnd(code uint32) *pb.Goodbye {
	c.t.Helper()
	var g pb.Goodbye
	if code != 0 {
		c.expect(pb.SGoodbye, &g)
		if g.Code != code {
			c.t.Fatalf("%s: goodbye %v, want code %d", c.name, &g, code)
		}
	}
	if id, payload, err := c.read(); err != io.EOF {
		c.t.Fatalf("%s: packet %d (%s), %v; want the end", c.name, id, describe(id, payload), err)
	}
	c.conn.Close()
	return &g
}

func (c *script) login(token []byte) *pb.LoggedIn {
	c.t.Helper()
	c.say(pb.CLogin, &pb.Login{VersionMin: 1, VersionMax: 1, Name: c.name, Token: token})
	var in pb.LoggedIn
	c.expect(pb.SLogin, &in)
	return &in
}

// join enters a room, made if need be.
func (c *script) join(m *pb.Join) *pb.Joined {
	c.t.Helper()
	if m.Room == 0 {
		m.Create = true
	}
	c.say(pb.CJoin, m)
	var j pb.Joined
	c.expect(pb.SJoin, &j)
	return &j
}

// user is a client that is logged in.
func user(t *testing.T, s *running, name string) *script {
	t.Helper()
	c := dial(t, s, name)
	c.login(nil)
	return c
}

func (c *script) publish(room, nonce uint64, text string) {
	c.t.Helper()
	c.say(pb.CChat, &pb.Publish{Room: room, Nonce: nonce, Text: text})
}

func (c *script) expectAck(nonce uint64) uint64 {
	c.t.Helper()
	var a pb.Ack
	c.expect(pb.SAck, &a)
	if a.Nonce != nonce {
		c.t.Fatalf("%s: ack of %d, want %d", c.name, a.Nonce, nonce)
	}
	return a.Seq
}

// expectEvent reads an event: "name: text", "+ name" or "- name".
func (c *script) expectEvent(seq uint64, want string) {
	c.t.Helper()
	var e pb.Event
	c.expect(pb.SChat, &e)
	got := map[pb.EventKind]string{
		pb.EventKind_EVENT_KIND_MESSAGE: e.Name + ": " + e.Text,
		pb.EventKind_EVENT_KIND_JOIN:    "+ " + e.Name,
		pb.EventKind_EVENT_KIND_LEAVE:   "- " + e.Name,
	}[e.Kind]
	if got != want || e.Seq != seq {
		c.t.Fatalf("%s: event %d %q, want %d %q", c.name, e.Seq, got, seq, want)
	}
}

// expectOwn reads the ack and the event of a message that c published, which come in
// any order.
func (c *script) expectOwn(nonce, seq uint64, text string) {
	c.t.Helper()
	for range 2 {
		id, payload, err := c.read()
		if err != nil {
			c.t.Fatal(err)
		}
		switch id {
		case pb.SAck:
			var a pb.Ack
			if err := proto.Unmarshal(payload, &a); err != nil || a.Nonce != nonce || a.Seq != seq {
				c.t.Fatalf("%s: ack %v, want nonce %d, seq %d", c.name, &a, nonce, seq)
			}
		case pb.SChat:
			var e pb.Event
			if err := proto.Unmarshal(payload, &e); err != nil || e.Text != text || e.Seq != seq || e.Nonce != nonce {
				c.t.Fatalf("%s: event %v, want %q, seq %d", c.name, &e, text, seq)
			}
		default:
			c.t.Fatalf("%s: got packet %d (%s)", c.name, id, describe(id, payload))
		}
	}
}

// barrier makes sure that everything said so far was handled.
func (c *script) barrier() {
	c.t.Helper()
	c.say(pb.CPing, &pb.Ping{Value: 7})
	var p pb.Ping
	c.expect(pb.SPong, &p)
}

// get reads a page of the operators' side.
func get(t *testing.T, s *running, path string) (int, string) {
	t.Helper()
	r, err := http.Get("http://" + s.HTTPAddr().String() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(b)
}
