package client_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"sarang/chat"
	"sarang/client"
	"sarang/client/internal/clienttest"
	"sarang/engine"
	"sarang/engine/tlscodec/tlstest"
	"sarang/internal/server"
	"sarang/websocket"
)

// A client over WebSocket talks with one of the native protocol, and survives the server; with
// and without TLS.
func TestWebSocket(t *testing.T) {
	t.Run("plain", func(t *testing.T) { talk(t, "tcp", "http", "", "ws") })
	t.Run("TLS", func(t *testing.T) { talk(t, "tls", "https", "tls://", "wss") })
}

func talk(t *testing.T, listen, web, native, webSocket string) {
	c := server.Default()
	cert := tlstest.Write(t, t.TempDir(), 1)
	any := netip.MustParseAddrPort("127.0.0.1:0")
	c.Listen, c.Web = []server.Address{{Scheme: listen, Addr: any}}, server.Address{Scheme: web, Addr: any}
	c.TLSCert, c.TLSKey = cert.CertFile, cert.KeyFile
	c.RetryAfterMin, c.RetryAfterMax = time.Millisecond, 10*time.Millisecond
	c.HTTP, c.DataDir, c.Logger = server.Nowhere, t.TempDir(), clienttest.Quiet()
	s, err := server.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	join := func(name, addr string) (*client.Client, chat.RoomID) {
		config := client.Config{Addr: addr, Name: name, TLS: &tls.Config{RootCAs: cert.Pool}, Logger: slog.New(slog.DiscardHandler), ReconnectMin: time.Millisecond, ReconnectMax: 10 * time.Millisecond}
		x, err := client.Dial(within(t), config)
		if err != nil {
			t.Fatal(err)
		}
		j, err := x.Join(within(t), client.Join{Name: "lobby", Create: true})
		if err != nil {
			t.Fatal(err)
		}
		return x, j.Room.ID
	}
	c.Listen[0].Addr, c.Web.Addr = s.Addrs()[0].Addr, s.WebAddr().Addr
	ann, room := join("ann", webSocket+"://"+c.Web.Addr.String()+"/ws")
	defer ann.Close()
	ben, _ := join("ben", native+c.Listen[0].Addr.String())
	defer ben.Close()
	for i := range 20 {
		if i == 10 {
			if err := s.Stop(context.Background()); err != nil {
				t.Error(err)
			}
			if s, err = server.Start(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		from := ann
		if i%2 == 1 {
			from = ben
		}
		if _, err := from.Publish(within(t), room, fmt.Sprint("message ", i)); err != nil {
			t.Fatal(err)
		}
		for _, x := range []*client.Client{ann, ben} {
			for got := ""; got != fmt.Sprint("message ", i); {
				select {
				case e := <-x.Events():
					if e, ok := e.(client.RoomEvent); ok && e.Kind == chat.EventMessage {
						got = e.Text
					}
				case <-within(t).Done():
					t.Fatalf("message %d does not come", i)
				}
			}
		}
	}
	if listen == "tls" {
		for addr, config := range map[string]*tls.Config{
			native + c.Listen[0].Addr.String():      nil,
			webSocket + "://" + c.Web.Addr.String(): {RootCAs: cert.Pool, ServerName: "evil.example.org"},
		} {
			x, err := client.Dial(within(t), client.Config{Addr: addr, Name: "eve", TLS: config, Logger: clienttest.Quiet()})
			if !errors.As(err, new(*tls.CertificateVerificationError)) {
				t.Errorf("Dial of %s: %v, %v", addr, x, err)
			}
		}
	}
	if err := errors.Join(ann.Close(), ben.Close(), s.Stop(context.Background())); err != nil {
		t.Error(err)
	}
}

// What is no WebSocket says so.
func TestWebSocketRefused(t *testing.T) {
	s := clienttest.NewServer(t)
	config := clientConfig(s)
	config.Addr = "ws://" + s.Addr() + "/ws"
	failed := do(func() (*client.Client, error) { return client.Dial(within(t), config) })
	p := s.Accept()
	p.Write([]byte("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"))
	var refused *websocket.HandshakeError
	if got := clienttest.Get(t, failed); !errors.As(got.err, &refused) || refused.Status != 403 {
		t.Errorf("Dial: %v", got.err)
	}
	config.NewCodec = func(*engine.Session) engine.Codec { return nil }
	if _, err := client.Dial(within(t), config); !errors.As(err, new(*client.AddrError)) {
		t.Errorf("Dial with two codecs: %v", err)
	}
}
