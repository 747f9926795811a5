// Package clienttest is a scripted server for the tests of package client and of its
// sessions. It frames by hand, and knows no more of this project than the generated
// messages.
package clienttest

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

	sarangv1 "sarang/proto/sarang/v1"
)

// Patience is how long a test waits for what must come; it is never waited for in a
// test that passes.
const Patience = 20 * time.Second

// Quiet is a logger that says nothing.
func Quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// Server is the scripted server of a test.
type Server struct {
	t     *testing.T
	ln    net.Listener
	peers []*Peer
}

// Close ends it all, so that no client waits for an orderly end.
func (s *Server) Close() {
	_ = s.ln.Close()
	for _, p := range s.peers {
		p.Close()
	}
}

// StopListening has further connects refused; connections stay.
func (s *Server) StopListening() { _ = s.ln.Close() }

// NewServer listens on a port of the loopback until the test ends.
func NewServer(t *testing.T) *Server {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return NewServerOn(t, ln)
}

// NewServerOn is NewServer with a TCP listener of the caller's.
func NewServerOn(t *testing.T, ln net.Listener) *Server {
	s := &Server{t: t, ln: ln}
	t.Cleanup(s.Close)
	return s
}

// Addr is where the server listens.
func (s *Server) Addr() string { return s.ln.Addr().String() }

// Accept takes the next connection.
func (s *Server) Accept() *Peer {
	s.t.Helper()
	_ = s.ln.(*net.TCPListener).SetDeadline(time.Now().Add(Patience))
	conn, err := s.ln.Accept()
	if err != nil {
		s.t.Fatalf("no connection came: %v", err)
	}
	p := &Peer{t: s.t, Conn: conn}
	s.peers = append(s.peers, p)
	return p
}

// AcceptLogin takes the next connection and lets it log in.
func (s *Server) AcceptLogin() *Peer {
	s.t.Helper()
	p := s.Accept()
	p.Want(sarangv1.CLogin, &sarangv1.Login{VersionMin: 1, VersionMax: 1, Name: "mina", Client: "test/1"})
	p.Welcome()
	return p
}

// AcceptResume takes a connection that must log in with the token of welcome.
func (s *Server) AcceptResume() *Peer {
	s.t.Helper()
	p := s.Accept()
	p.Want(sarangv1.CLogin, &sarangv1.Login{
		VersionMin: 1, VersionMax: 1, Name: "Mina", Token: []byte("secret"), Client: "test/1",
	})
	p.Welcome()
	return p
}

// Peer is the server's end of a connection.
type Peer struct {
	Conn net.Conn // for what the methods can not do

	t    *testing.T
	once sync.Once
}

// Close ends the connection.
func (p *Peer) Close() { p.once.Do(func() { _ = p.Conn.Close() }) }

// Reset ends the connection without a farewell.
func (p *Peer) Reset() {
	_ = p.Conn.(*net.TCPConn).SetLinger(0)
	p.Close()
}

// Write sends bytes.
func (p *Peer) Write(b []byte) {
	p.t.Helper()
	_ = p.Conn.SetWriteDeadline(time.Now().Add(Patience))
	if _, err := p.Conn.Write(b); err != nil {
		p.t.Fatalf("write: %v", err)
	}
}

// Frame is a packet's bytes.
func Frame(t *testing.T, id uint16, m interface{ MarshalVT() ([]byte, error) }) []byte {
	t.Helper()
	payload, err := m.MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	b := binary.LittleEndian.AppendUint16(nil, uint16(4+len(payload)))
	b = binary.LittleEndian.AppendUint16(b, id)
	return append(b, payload...)
}

// Send sends a packet.
func (p *Peer) Send(id uint16, m interface{ MarshalVT() ([]byte, error) }) {
	p.t.Helper()
	p.Write(Frame(p.t, id, m))
}

// Read returns the bytes of the next packet.
func (p *Peer) Read() []byte {
	p.t.Helper()
	_ = p.Conn.SetReadDeadline(time.Now().Add(Patience))
	head := make([]byte, 4)
	if _, err := io.ReadFull(p.Conn, head); err != nil {
		p.t.Fatalf("no packet came: %v", err)
	}
	b := make([]byte, binary.LittleEndian.Uint16(head))
	copy(b, head)
	if _, err := io.ReadFull(p.Conn, b[4:]); err != nil {
		p.t.Fatalf("half a packet came: %v", err)
	}
	return b
}

// Want reads the next packet, which must be this one to the byte.
func (p *Peer) Want(id uint16, m interface{ MarshalVT() ([]byte, error) }) {
	p.t.Helper()
	p.WantBytes(Frame(p.t, id, m))
}

// WantBytes reads the next packet, which must be these bytes.
func (p *Peer) WantBytes(want []byte) {
	p.t.Helper()
	if got := p.Read(); !bytes.Equal(got, want) {
		p.t.Fatalf("the client sent\n%x %q, want\n%x %q", got, got, want, want)
	}
}

// Publish reads a C_CHAT and returns it.
func (p *Peer) Publish() *sarangv1.Publish {
	p.t.Helper()
	b := p.Read()
	if id := binary.LittleEndian.Uint16(b[2:]); id != sarangv1.CChat {
		p.t.Fatalf("packet %d came, want a publish", id)
	}
	m := new(sarangv1.Publish)
	if err := m.UnmarshalVT(b[4:]); err != nil {
		p.t.Fatal(err)
	}
	return m
}

// Ended reads until the client has ended the stream; nothing else may come.
func (p *Peer) Ended() {
	p.t.Helper()
	_ = p.Conn.SetReadDeadline(time.Now().Add(Patience))
	b, err := io.ReadAll(p.Conn)
	if len(b) > 0 || errors.Is(err, context.DeadlineExceeded) {
		p.t.Fatalf("the client sent %x and ended with %v; want the end alone", b, err)
	}
}

// Barrier returns when the client has handled all that was sent so far.
func (p *Peer) Barrier() {
	p.t.Helper()
	p.Send(sarangv1.SPing, &sarangv1.Ping{Value: 77})
	p.Want(sarangv1.CPong, &sarangv1.Ping{Value: 77})
}

// Welcome accepts a login.
func (p *Peer) Welcome() {
	p.t.Helper()
	p.Send(sarangv1.SLogin, &sarangv1.LoggedIn{
		Version: 1, User: 9, Name: "Mina", Token: []byte("secret"), SentCount: 3, Server: "fake/1",
		Limits: &sarangv1.Limits{
			TextBytesMax: 100, PublishesInFlightMax: 2, RoomsJoinedMax: 50, HeartbeatSeconds: 30,
			IdleSecondsMax: 90, HistoryItemsMax: 64,
		},
	})
}

// Joined answers a join of room 7.
func (p *Peer) Joined(request uint32, epoch, after uint64) {
	p.t.Helper()
	p.Send(sarangv1.SJoin, &sarangv1.Joined{
		Request: request, After: after,
		Room: &sarangv1.RoomInfo{Id: 7, Name: "lobby", Epoch: epoch, LastSeq: after, Members: 1},
	})
}

// Says sends an event of room 7.
func (p *Peer) Says(seq uint64, text string) {
	p.t.Helper()
	p.Send(sarangv1.SChat, &sarangv1.Event{
		Room: 7, Seq: seq, Kind: sarangv1.EventKind_EVENT_KIND_MESSAGE, User: 2, Name: "juno",
		Nonce: 1000 + seq, TimeMs: 5, Text: text,
	})
}

// Get receives from a channel what must come.
func Get[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	timeout := time.NewTimer(Patience)
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
