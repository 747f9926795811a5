package client_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"sarang/chat"
	"sarang/client"
	"sarang/client/internal/clienttest"
	sarangv1 "sarang/proto/sarang/v1"
)

func TestDialAddresses(t *testing.T) {
	for _, addr := range []string{"", "localhost", "localhost:", ":7777", "localhost:http", "localhost:0", "localhost:70000", "::1:7777:"} {
		var wrong *client.AddrError
		if _, err := client.Dial(within(t), client.Config{Addr: addr, Name: "mina"}); !errors.As(err, &wrong) {
			t.Errorf("Dial %q: %v", addr, err)
		}
	}
}

func TestDialByName(t *testing.T) {
	s := clienttest.NewServer(t)
	config := clientConfig(s)
	_, port, _ := net.SplitHostPort(s.Addr())
	config.Addr = "localhost:" + port // perhaps ::1 first, where nobody listens
	dial(t, s, config, func() { s.AcceptLogin() })
}

func TestDialIPv6(t *testing.T) {
	ln, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("no IPv6 on this machine")
	}
	s := clienttest.NewServerOn(t, ln)
	dial(t, s, clientConfig(s), func() { s.AcceptLogin() })
}

func TestDialNobodyThere(t *testing.T) {
	s := clienttest.NewServer(t)
	s.StopListening()
	var unreachable *client.ConnectError
	if _, err := client.Dial(within(t), clientConfig(s)); !errors.As(err, &unreachable) {
		t.Errorf("Dial: %v", err)
	}
	config := clientConfig(s)
	config.Addr = "name.invalid:7777"
	config.Resolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("no name server here")
	}}
	if _, err := client.Dial(within(t), config); !errors.As(err, &unreachable) {
		t.Errorf("Dial by a name that is none: %v", err)
	}
}

func TestDialSilentServer(t *testing.T) {
	s := clienttest.NewServer(t)
	config := clientConfig(s)
	config.ConnectTimeout = 30 * time.Millisecond
	if _, err := client.Dial(within(t), config); !errors.Is(err, client.ErrDeadline) {
		t.Errorf("Dial: %v", err)
	}
	config.ConnectTimeout = clienttest.Patience
	ctx, cancel := context.WithCancel(context.Background())
	failed := do(func() (*client.Client, error) { return client.Dial(ctx, config) })
	s.Accept() // the one that timed out
	s.Accept().Read()
	cancel()
	if got := clienttest.Get(t, failed); !errors.Is(got.err, context.Canceled) {
		t.Errorf("Dial: %v", got.err)
	}
}

func TestDialRefused(t *testing.T) {
	for _, c := range []struct {
		name string
		say  func(p *clienttest.Peer)
		want chat.Code
	}{
		{"name taken", func(p *clienttest.Peer) {
			p.Send(sarangv1.SError, &sarangv1.Error{Code: 8, Message: "taken", PacketId: sarangv1.CLogin})
		}, chat.CodeNameTaken},
		{"draining", func(p *clienttest.Peer) {
			p.Send(sarangv1.SGoodbye, &sarangv1.Goodbye{Code: 17, Message: "later", RetryAfterMs: 5000})
			p.Close()
		}, chat.CodeDraining},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := clienttest.NewServer(t)
			failed := do(func() (*client.Client, error) { return client.Dial(within(t), clientConfig(s)) })
			p := s.Accept()
			p.Read()
			c.say(p)
			if got := clienttest.Get(t, failed); chat.CodeOf(got.err) != c.want {
				t.Errorf("Dial: %v", got.err)
			}
		})
	}
}

func TestDialOtherFailures(t *testing.T) {
	s := clienttest.NewServer(t)
	failed := do(func() (*client.Client, error) { return client.Dial(within(t), clientConfig(s)) })
	p := s.Accept()
	p.Read()
	p.Send(sarangv1.SLogin, &sarangv1.LoggedIn{Version: 9})
	if got := clienttest.Get(t, failed); !errors.As(got.err, new(*client.VersionError)) {
		t.Errorf("a version that is unknown: %v", got.err)
	}

	failed = do(func() (*client.Client, error) { return client.Dial(within(t), clientConfig(s)) })
	s.Accept().Close()
	if got := clienttest.Get(t, failed); !errors.As(got.err, new(*client.DisconnectedError)) {
		t.Errorf("a server that hangs up: %v", got.err)
	}

	config := clientConfig(s)
	config.Name = strings.Repeat("x", 70000)
	if _, err := client.Dial(within(t), config); err == nil || errors.Is(err, client.ErrDeadline) {
		t.Errorf("a name that no packet can carry: %v", err)
	}
}

// nameServer answers every question for an IPv4 address with these; RFC 1035, section
// 4, with the framing of section 4.2.2.
func nameServer(conn net.Conn, addrs ...[4]byte) {
	defer conn.Close()
	for {
		var size [2]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return
		}
		b := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(conn, b); err != nil {
			return
		}
		end := 12
		for b[end] != 0 {
			end += 1 + int(b[end])
		}
		end += 5                                            // the root, type and class
		out := append([]byte{b[0], b[1], 0x81, 0x80}, 0, 1) // a response without error, one question
		out = append(out, 0, 0, 0, 0, 0, 0)                 // counts of the other sections
		out = append(out, b[12:end]...)
		if b[end-3] == 1 { // type A
			out[7] = byte(len(addrs))
			for _, a := range addrs {
				out = append(out, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4)
				out = append(out, a[:]...)
			}
		}
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(out))), out...)); err != nil {
			return
		}
	}
}

// A host with two addresses, of which the first is dead.
func TestDialSecondAddress(t *testing.T) {
	s := clienttest.NewServer(t)
	config := clientConfig(s)
	_, port, _ := net.SplitHostPort(s.Addr())
	config.Addr = "two.example:" + port
	config.ConnectTimeout = 5 * time.Second
	config.Resolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		go nameServer(far, [4]byte{127, 0, 0, 2}, [4]byte{127, 0, 0, 1})
		return near, nil
	}}
	dial(t, s, config, func() { s.AcceptLogin() })
}
