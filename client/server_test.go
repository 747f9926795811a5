package client_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"sarang/client"
	sarangv1 "sarang/proto/sarang/v1"
)

// patience is how long a test waits for what must come; it is never waited for in a
// test that passes.
const patience = 20 * time.Second

// quiet is a logger that says nothing.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// server is the scripted server of a test: it frames by hand, and knows no more of
// this project than the generated messages.
type server struct {
	t     *testing.T
	ln    net.Listener
	peers []*peer
}

// close ends it all, so that no client waits for an orderly end.
func (s *server) close() {
	_ = s.ln.Close()
	for _, p := range s.peers {
		p.close()
	}
}

func newServer(t *testing.T) *server {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, ln: ln}
	t.Cleanup(s.close)
	return s
}

func (s *server) addr() string { return s.ln.Addr().String() }

// accept takes the next connection.
func (s *server) accept() *peer {
	s.t.Helper()
	_ = s.ln.(*net.TCPListener).SetDeadline(time.Now().Add(patience))
	conn, err := s.ln.Accept()
	if err != nil {
		s.t.Fatalf("no connection came: %v", err)
	}
	p := &peer{t: s.t, conn: conn}
	s.peers = append(s.peers, p)
	return p
}

// acceptLogin takes the next connection and lets it log in.
func (s *server) acceptLogin() *peer {
	s.t.Helper()
	p := s.accept()
	p.want(sarangv1.CLogin, &sarangv1.Login{VersionMin: 1, VersionMax: 1, Name: "mina", Client: "test/1"})
	p.welcome()
	return p
}

// acceptResume takes a connection that must log in with the token of welcome.
func (s *server) acceptResume() *peer {
	s.t.Helper()
	p := s.accept()
	p.want(sarangv1.CLogin, &sarangv1.Login{
		VersionMin: 1, VersionMax: 1, Name: "Mina", Token: []byte("secret"), Client: "test/1",
	})
	p.welcome()
	return p
}

// peer is the server's end of a connection.
type peer struct {
	t    *testing.T
	conn net.Conn
	once sync.Once
}

func (p *peer) close() { p.once.Do(func() { _ = p.conn.Close() }) }

// reset ends the connection without a farewell.
func (p *peer) reset() {
	_ = p.conn.(*net.TCPConn).SetLinger(0)
	p.close()
}

func (p *peer) write(b []byte) {
	p.t.Helper()
	_ = p.conn.SetWriteDeadline(time.Now().Add(patience))
	if _, err := p.conn.Write(b); err != nil {
		p.t.Fatalf("write: %v", err)
	}
}

// frame is a packet's bytes.
func frame(t *testing.T, id uint16, m interface{ MarshalVT() ([]byte, error) }) []byte {
	t.Helper()
	payload, err := m.MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	b := binary.LittleEndian.AppendUint16(nil, uint16(4+len(payload)))
	b = binary.LittleEndian.AppendUint16(b, id)
	return append(b, payload...)
}

func (p *peer) send(id uint16, m interface{ MarshalVT() ([]byte, error) }) {
	p.t.Helper()
	p.write(frame(p.t, id, m))
}

// read returns the bytes of the next packet.
func (p *peer) read() []byte {
	p.t.Helper()
	_ = p.conn.SetReadDeadline(time.Now().Add(patience))
	head := make([]byte, 4)
	if _, err := io.ReadFull(p.conn, head); err != nil {
		p.t.Fatalf("no packet came: %v", err)
	}
	b := make([]byte, binary.LittleEndian.Uint16(head))
	copy(b, head)
	if _, err := io.ReadFull(p.conn, b[4:]); err != nil {
		p.t.Fatalf("half a packet came: %v", err)
	}
	return b
}

// want reads the next packet, which must be this one to the byte.
func (p *peer) want(id uint16, m interface{ MarshalVT() ([]byte, error) }) {
	p.t.Helper()
	p.wantBytes(frame(p.t, id, m))
}

func (p *peer) wantBytes(want []byte) {
	p.t.Helper()
	if got := p.read(); !bytes.Equal(got, want) {
		p.t.Fatalf("the client sent\n%x %q, want\n%x %q", got, got, want, want)
	}
}

// publish reads a C_CHAT and returns it.
func (p *peer) publish() *sarangv1.Publish {
	p.t.Helper()
	b := p.read()
	if id := binary.LittleEndian.Uint16(b[2:]); id != sarangv1.CChat {
		p.t.Fatalf("packet %d came, want a publish", id)
	}
	m := new(sarangv1.Publish)
	if err := m.UnmarshalVT(b[4:]); err != nil {
		p.t.Fatal(err)
	}
	return m
}

// ended reads until the client has ended the stream; nothing else may come.
func (p *peer) ended() {
	p.t.Helper()
	_ = p.conn.SetReadDeadline(time.Now().Add(patience))
	b, err := io.ReadAll(p.conn)
	if len(b) > 0 || errors.Is(err, context.DeadlineExceeded) {
		p.t.Fatalf("the client sent %x and ended with %v; want the end alone", b, err)
	}
}

// barrier returns when the client has handled all that was sent so far.
func (p *peer) barrier() {
	p.t.Helper()
	p.send(sarangv1.SPing, &sarangv1.Ping{Value: 77})
	p.want(sarangv1.CPong, &sarangv1.Ping{Value: 77})
}

func (p *peer) welcome() {
	p.t.Helper()
	p.send(sarangv1.SLogin, &sarangv1.LoggedIn{
		Version: 1, User: 9, Name: "Mina", Token: []byte("secret"), SentCount: 3, Server: "fake/1",
		Limits: &sarangv1.Limits{
			TextBytesMax: 100, PublishesInFlightMax: 2, RoomsJoinedMax: 50, HeartbeatSeconds: 30,
			IdleSecondsMax: 90, HistoryItemsMax: 64,
		},
	})
}

// joined answers a join of room 7.
func (p *peer) joined(request uint32, epoch, after uint64) {
	p.t.Helper()
	p.send(sarangv1.SJoin, &sarangv1.Joined{
		Request: request, After: after,
		Room: &sarangv1.RoomInfo{Id: 7, Name: "lobby", Epoch: epoch, LastSeq: after, Members: 1},
	})
}

// says sends an event of room 7.
func (p *peer) says(seq uint64, text string) {
	p.t.Helper()
	p.send(sarangv1.SChat, &sarangv1.Event{
		Room: 7, Seq: seq, Kind: sarangv1.EventKind_EVENT_KIND_MESSAGE, User: 2, Name: "juno",
		Nonce: 1000 + seq, TimeMs: 5, Text: text,
	})
}

// dial connects a Client while script plays the server's part.
func dial(t *testing.T, s *server, config client.Config, script func()) *client.Client {
	t.Helper()
	type dialed struct {
		c   *client.Client
		err error
	}
	out := make(chan dialed, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		c, err := client.Dial(ctx, config)
		out <- dialed{c, err}
	}()
	script()
	d := <-out
	if d.err != nil {
		t.Fatalf("Dial: %v", d.err)
	}
	t.Cleanup(func() {
		s.close()
		if err := d.c.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return d.c
}

func clientConfig(s *server) client.Config {
	return client.Config{
		Addr: s.addr(), Name: "mina", Program: "test/1", Logger: quiet(), Debug: true,
		ReconnectMin: time.Millisecond, ReconnectMax: 5 * time.Millisecond, Seed: 1,
	}
}

// within is a context that ends when patience does.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// do runs f beside the test, which plays the server meanwhile; the result is to be
// received.
func do[T any](f func() (T, error)) <-chan result[T] {
	out := make(chan result[T], 1)
	go func() {
		v, err := f()
		out <- result[T]{v, err}
	}()
	return out
}

type result[T any] struct {
	value T
	err   error
}

// get receives from a channel what must come.
func get[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case v, ok := <-from:
		if !ok {
			t.Fatal("the channel was closed")
		}
		return v
	case <-timeout.C:
		t.Fatalf("nothing came")
		panic("unreachable")
	}
}

// next receives the next event of a Client, which must be of type E.
func next[E client.Event](t *testing.T, c *client.Client) E {
	t.Helper()
	e := get(t, c.Events())
	v, ok := e.(E)
	if !ok {
		t.Fatalf("event %T %+v came, want %T", e, e, v)
	}
	return v
}
