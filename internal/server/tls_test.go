package server_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"sarang/chat"
	"sarang/engine/tlscodec/tlstest"
	"sarang/internal/node"
	"sarang/internal/server"
	"sarang/packet"
	pb "sarang/proto/sarang/v1"
	"sarang/websocket"
)

// withTLS adds addresses that speak it: native packets, and the web.
func withTLS(t *testing.T, c server.Config) (server.Config, tlstest.Certificate) {
	t.Helper()
	cert := tlstest.Write(t, t.TempDir(), 1)
	any := netip.MustParseAddrPort("127.0.0.1:0")
	c.Listen = append(c.Listen, server.Address{Scheme: node.TLS, Addr: any})
	c.Web = server.Address{Scheme: "https", Addr: any}
	c.TLSCert, c.TLSKey, c.WebHosts = cert.CertFile, cert.KeyFile, []string{tlstest.Host}
	return c, cert
}

// gathered is a connection whose writes go out together when flush is called: the records of
// TLS then come in one piece.
type gathered struct {
	net.Conn
	hold bool
	held bytes.Buffer
}

func (g *gathered) Write(b []byte) (int, error) {
	if g.hold {
		return g.held.Write(b)
	}
	return g.Conn.Write(b)
}

func (g *gathered) flush(t *testing.T) {
	t.Helper()
	g.hold = false
	if _, err := g.Conn.Write(g.held.Bytes()); err != nil {
		t.Fatal(err)
	}
}

// versions of TLS that are spoken.
func versions() []uint16 { return []uint16{tls.VersionTLS12, tls.VersionTLS13} }

// dialTLS shakes hands with an address. What is written is held back until flush.
func dialTLS(t *testing.T, s *running, at netip.AddrPort, config *tls.Config) (*tls.Conn, *gathered) {
	t.Helper()
	raw, err := net.Dial("tcp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	s.clients = append(s.clients, raw)
	g := &gathered{Conn: raw}
	c := tls.Client(g, config)
	_ = raw.SetDeadline(time.Now().Add(patience))
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	g.hold = true
	return c, g
}

// Native packets over TLS, in a room with those without; what is said in the breath of the
// handshake is not lost.
func TestTLSConversation(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		c, cert := withTLS(t, c)
		s := start(t, c)
		defer stop(t, s)
		ann := user(t, s, "Ann")
		id := ann.join(&pb.Join{Name: "lobby"}).Room.Id
		ann.expectEvent(1, "+ Ann")
		seq := uint64(1)
		for _, version := range versions() {
			config := cert.Client()
			config.MinVersion, config.MaxVersion, config.NextProtos = version, version, []string{"sarang.v1"}
			conn, g := dialTLS(t, s, s.Addrs()[1].Addr, config)
			name := fmt.Sprint("ben", version)
			ben := &script{t, name, conn}
			for i := range 30 { // each a record of its own, all in one piece
				ben.say(pb.CPing, &pb.Ping{Value: uint64(i)})
			}
			g.flush(t)
			for i := range 30 {
				var pong pb.Ping
				if ben.expect(pb.SPong, &pong); pong.Value != uint64(i) {
					t.Fatalf("pong %d is %v", i, &pong)
				}
			}
			ben.login(nil)
			ben.join(&pb.Join{Name: "lobby"})
			seq++
			ben.expectEvent(seq, "+ "+name)
			ann.expectEvent(seq, "+ "+name)
			big := string(bytes.Repeat([]byte("big "), 4000))
			ann.publish(id, seq, big)
			seq++
			ann.expectOwn(seq-1, seq, big)
			ben.expectEvent(seq, "Ann: "+big)
			ben.say(pb.CLeave, &pb.Leave{Room: id})
			ben.expect(pb.SLeave, &pb.Leave{})
			seq++
			ann.expectEvent(seq, "- "+name)
			if err := conn.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			if _, _, err := ben.read(); err != io.EOF {
				t.Errorf("at the end: %v", err)
			}
		}
	})
}

// A WebSocket over TLS has no goroutine, and loses nothing that was said behind its request:
// read by net/http, by crypto/tls, by the lent connection, or on its way.
func TestWebSocketTLSAhead(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		c, cert := withTLS(t, c)
		s := start(t, c)
		defer stop(t, s)
		for n := range 24 {
			config := cert.Client()
			config.MinVersion = versions()[n%2]
			config.MaxVersion = config.MinVersion
			conn, g := dialTLS(t, s, s.WebAddr().Addr, config)
			pings := n * 4
			_, _ = io.WriteString(conn, upgradeRequest(tlstest.Host, node.Subprotocols()[0], ""))
			for i := range pings {
				p, _ := packet.AppendVT(nil, pb.CPing, &pb.Ping{Value: uint64(i)})
				if i == pings/2 && n%3 == 0 {
					g.flush(t)
				}
				_, _ = conn.Write(message(p))
			}
			if g.hold {
				g.flush(t)
			}
			r := bufio.NewReader(conn)
			if answer, err := http.ReadResponse(r, nil); err != nil || answer.StatusCode != http.StatusSwitchingProtocols {
				t.Fatalf("%v, %v", answer, err)
			}
			x := &script{t, fmt.Sprint("x", n), &webConn{Conn: conn, r: r}}
			for i := range pings {
				var pong pb.Ping
				if x.expect(pb.SPong, &pong); pong.Value != uint64(i) {
					t.Fatalf("pong %d is %v", i, &pong)
				}
			}
			x.login(nil)
			x.barrier()
			conn.Close()
		}
	})
}

// A drain says goodbye through everything.
func TestTLSDrain(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		c, cert := withTLS(t, c)
		s := start(t, c)
		conn, g := dialTLS(t, s, s.WebAddr().Addr, cert.Client())
		g.hold = false
		_, _ = io.WriteString(conn, upgradeRequest(tlstest.Host, node.Subprotocols()[0], ""))
		r := bufio.NewReader(conn)
		if _, err := http.ReadResponse(r, nil); err != nil {
			t.Fatal(err)
		}
		web := &webConn{Conn: conn, r: r}
		x := &script{t, "x", web}
		x.login(nil)
		native, g := dialTLS(t, s, s.Addrs()[1].Addr, cert.Client())
		g.hold = false
		y := &script{t, "y", native}
		y.login(nil)
		done := make(chan error, 1)
		go func() { done <- s.Stop(context.Background()) }()
		x.expectEnd(uint32(chat.CodeDraining))
		y.expectEnd(uint32(chat.CodeDraining))
		if err := <-done; err != nil || web.closed != websocket.CodeGoingAway {
			t.Errorf("%v; closed with %d", err, web.closed)
		}
	})
}

// Who speaks no TLS, another version, for another server, or stops in the middle: ended, and
// nobody notices.
func TestTLSStrangers(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		c, cert := withTLS(t, c)
		c.HTTP = "127.0.0.1:0"
		s := start(t, c)
		defer stop(t, s)
		for _, at := range []netip.AddrPort{s.Addrs()[1].Addr, s.WebAddr().Addr} {
			for _, says := range []string{"GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\x00\x05rubbish", "\x0c\x00\x0c\x00"} {
				raw, err := net.Dial("tcp", at.String())
				if err != nil {
					t.Fatal(err)
				}
				_ = raw.SetDeadline(time.Now().Add(patience))
				_, _ = io.WriteString(raw, says)
				if err := raw.(*net.TCPConn).CloseWrite(); err != nil {
					t.Fatal(err)
				}
				if b, err := io.ReadAll(raw); bytes.Contains(b, []byte("HTTP/1.1 101")) || err != nil && !errors.As(err, new(*net.OpError)) {
					t.Errorf("%q is answered %q, %v", says, b, err)
				}
				raw.Close()
			}
			for what, change := range map[string]func(*tls.Config){
				"version 1.1":      func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS11, tls.VersionTLS11 },
				"another protocol": func(c *tls.Config) { c.NextProtos = []string{"smtp"} },
			} {
				config := cert.Client()
				change(config)
				raw, err := net.Dial("tcp", at.String())
				if err != nil {
					t.Fatal(err)
				}
				_ = raw.SetDeadline(time.Now().Add(patience))
				if err := tls.Client(raw, config).Handshake(); err == nil {
					t.Errorf("%s is spoken at %v", what, at)
				}
				raw.Close()
			}
		}
		text := ""
		for end := time.Now().Add(patience); time.Now().Before(end) && !strings.Contains(text, `_handshakes_total{outcome="failed"} 10`); {
			_, text = get(t, s, "/metrics") // who is refused knows it a little earlier
		}
		if !strings.Contains(text, `_handshakes_total{outcome="failed"} 10`) || !strings.Contains(text, `_handshakes_total{outcome="done"} 0`) {
			t.Errorf("metrics: %.200s", text[max(strings.Index(text, "sarang_tls"), 0):])
		}
		quiet, err := net.Dial("tcp", s.Addrs()[1].Addr.String()) // is there until the end
		if err != nil {
			t.Fatal(err)
		}
		s.clients = append(s.clients, quiet)
		conn, g := dialTLS(t, s, s.Addrs()[1].Addr, cert.Client())
		g.hold = false
		(&script{t, "x", conn}).login(nil)
	})
}

// New files are another certificate, for who comes then; files that can not be used change
// nothing.
func TestCertificateIsReadAgain(t *testing.T) {
	c := server.Default()
	c.Web = server.Address{}
	c.HTTP, c.DataDir = server.Nowhere, t.TempDir()
	c.Listen = nil
	c.Logger = slog.New(slog.NewTextHandler(testWriter{t}, nil))
	c, cert := withTLS(t, c)
	reload := make(chan struct{})
	c.Reload = reload
	s := start(t, c)
	defer stop(t, s)
	dir := t.TempDir()
	serial := func() int64 {
		conn, _ := dialTLS(t, s, s.Addrs()[0].Addr, &tls.Config{InsecureSkipVerify: true})
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	if got := serial(); got != 1 {
		t.Fatalf("the certificate is %d", got)
	}
	next := tlstest.Write(t, dir, 2)
	for _, copied := range [][2]string{{next.CertFile, cert.CertFile}, {next.KeyFile, cert.KeyFile}} {
		b, err := os.ReadFile(copied[0])
		if err == nil {
			err = os.WriteFile(copied[1], b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	reload <- struct{}{}
	reload <- struct{}{} // the first has been taken up
	if got := serial(); got != 2 {
		t.Errorf("after new files the certificate is %d", got)
	}
	if err := os.WriteFile(cert.CertFile, []byte("half of it"), 0o600); err != nil {
		t.Fatal(err)
	}
	reload <- struct{}{}
	reload <- struct{}{}
	if got := serial(); got != 2 {
		t.Errorf("after broken files the certificate is %d", got)
	}
}

// Files that have changed are read at the second look that finds them so: not while they are
// being written.
func TestCertificateIsWatched(t *testing.T) {
	dir := t.TempDir()
	cert := tlstest.Write(t, dir, 1)
	look, end, ended := make(chan time.Time), make(chan struct{}), make(chan struct{})
	now, watch, err := server.WatchCertificate(cert.CertFile, cert.KeyFile, look, end)
	if err != nil {
		t.Fatal(err)
	}
	go func() { watch(); close(ended) }()
	serial := func() int64 { return now().Leaf.SerialNumber.Int64() }
	looks := func(n int) {
		for range n + 1 { // the last one has been waited for
			look <- time.Now()
		}
	}
	looks(3)
	first := now()
	tlstest.Write(t, dir, 2)
	later := time.Now().Add(time.Hour) // whatever the grain of the file system's times
	if err := os.Chtimes(cert.CertFile, later, later); err != nil {
		t.Fatal(err)
	}
	looks(3)
	if got := serial(); got != 2 || now() == first {
		t.Errorf("the certificate is %d", got)
	}
	second := now()
	looks(3)
	if now() != second {
		t.Error("files that have not changed are read again")
	}
	if err := os.Remove(cert.KeyFile); err != nil {
		t.Fatal(err)
	}
	looks(3)
	if now() != second {
		t.Error("without its key the certificate is another one")
	}
	close(end)
	<-ended
	if _, _, err := server.WatchCertificate(cert.CertFile, cert.KeyFile, look, end); err == nil {
		t.Error("a server begins without its key")
	}
}
