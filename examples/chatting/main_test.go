package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sarang/aio"
	"sarang/packet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testTimeout is for anything that should happen soon.
const testTimeout = 20 * time.Second

// onEachDriver runs a test on every driver that this machine has.
func onEachDriver(t *testing.T, f func(t *testing.T, kind string)) {
	if len(aio.Kinds()) == 0 {
		t.Skip("this system has no driver")
	}
	for _, kind := range aio.Kinds() {
		t.Run(kind, func(t *testing.T) {
			if _, _, err := aio.Choose(kind); errors.Is(err, aio.ErrUnavailable) {
				t.Skip(err)
			}
			f(t, kind)
		})
	}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func testConfig(t *testing.T, kind string) serverConfig {
	return serverConfig{
		listen: netip.MustParseAddrPort("127.0.0.1:0"), db: filepath.Join(t.TempDir(), "players#1.db"),
		driver: kind, workers: 3, debug: true, logger: quiet(),
	}
}

// start starts a server. The function it returns closes it and fails the test if
// anything had leaked; it is called at the end of the test at the latest.
func start(t *testing.T, c serverConfig) (*server, func()) {
	t.Helper()
	s, err := startServer(c)
	if err != nil {
		t.Fatal(err)
	}
	closed := false
	stop := func() {
		if closed {
			return
		}
		closed = true
		ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
		defer cancel()
		if err := s.close(ctx); err != nil {
			t.Errorf("the server did not end well: %v", err)
		}
	}
	t.Cleanup(func() { // the test's own context is done by now
		if !closed {
			closed = true
			if err := s.close(context.Background()); err != nil {
				t.Errorf("the server did not end well: %v", err)
			}
		}
	})
	return s, stop
}

// peer is a client that does exactly what a test says.
type peer struct {
	t    *testing.T
	conn *net.TCPConn
	in   []byte // what was received and not looked at
}

func dial(t *testing.T, addr netip.AddrPort) *peer {
	t.Helper()
	conn, err := net.DialTCP("tcp", nil, net.TCPAddrFromAddrPort(addr))
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.SetDeadline(time.Now().Add(testTimeout)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &peer{t: t, conn: conn}
}

func (p *peer) write(b []byte, err error) {
	p.t.Helper()
	if err == nil {
		_, err = p.conn.Write(b)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer) say(text string) { p.t.Helper(); p.write(appendText(nil, idSay, text)) }

// raw sends a packet with any payload.
func (p *peer) raw(id packet.ID, payload string) {
	p.t.Helper()
	b, err := packet.AppendHeader(nil, id, len(payload))
	p.write(append(b, payload...), err)
}

// read returns the next packet, or how the stream ended.
func (p *peer) read() (packet.Packet, error) {
	for {
		got, n, err := packet.Split(p.in)
		if err != nil {
			return got, err
		}
		if n > 0 {
			p.in = p.in[n:]
			return got, nil
		}
		room := make([]byte, 64<<10)
		n, err = p.conn.Read(room)
		if err != nil {
			return got, err
		}
		p.in = append(bytes.Clone(p.in), room[:n]...)
	}
}

// expect reads a packet and decodes it.
func expect[M any](p *peer, id packet.ID, decode func(*packet.Reader) (M, error)) M {
	p.t.Helper()
	got, err := p.read()
	if err != nil {
		p.t.Fatalf("waiting for packet %d: %v", id, err)
	}
	if got.ID != id {
		p.t.Fatalf("packet %d came (% x), want %d", got.ID, got.Payload, id)
	}
	r := packet.NewReader(got.Payload)
	m, err := decode(&r)
	if err != nil {
		p.t.Fatalf("packet %d: %v", id, err)
	}
	return m
}

func (p *peer) login(name string) welcome {
	p.t.Helper()
	p.write(appendText(nil, idLogin, name))
	return expect(p, idWelcome, readWelcome)
}

func (p *peer) expectRefusal(what packet.ID, why refusal) {
	p.t.Helper()
	expect(p, idRefusal, func(r *packet.Reader) (struct{}, error) {
		gotWhat, gotWhy, err := readRefusal(r)
		if err == nil && (gotWhat != what || gotWhy != why) {
			p.t.Errorf("packet %d was refused: %v; want packet %d: %v", gotWhat, gotWhy, what, why)
		}
		return struct{}{}, err
	})
}

func (p *peer) expectEnd() {
	p.t.Helper()
	if got, err := p.read(); !errors.Is(err, io.EOF) {
		p.t.Errorf("packet %d, error %v; want the end of the stream", got.ID, err)
	}
}
