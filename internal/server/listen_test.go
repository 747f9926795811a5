//go:build unix

package server_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"testing"

	"sarang/aio"
	"sarang/internal/server"
)

// A server that is started while its address is still in use waits for it.
func TestAddressInUseForAWhile(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := l.Addr().(*net.TCPAddr).AddrPort()
	c := server.Default()
	c.Web = server.Address{}
	c.Listen, c.HTTP, c.DataDir = server.Native(at), server.Nowhere, t.TempDir()
	warned := make(chan bool, 1)
	c.Logger = slog.New(slog.NewTextHandler(writerFunc(func(b []byte) {
		select {
		case warned <- true:
		default:
		}
	}), &slog.HandlerOptions{Level: slog.LevelWarn}))
	go func() {
		<-warned // it has tried
		_ = l.Close()
	}()
	s, err := server.Start(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Addrs()) != 1 || s.Addrs()[0].Addr != at {
		t.Errorf("it listens on %v", s.Addrs())
	}
	if err := s.Stop(context.Background()); err != nil {
		t.Error(err)
	}
}

// All of IPv4 and all of IPv6 are two listeners of one port, in any order, with every driver.
func TestBothWildcards(t *testing.T) {
	if l, err := net.Listen("tcp", "[::1]:0"); err != nil {
		t.Skipf("no IPv6 here: %v", err)
	} else {
		_ = l.Close()
	}
	four, six := netip.IPv4Unspecified(), netip.IPv6Unspecified()
	for _, kind := range aio.Kinds() {
		for _, order := range [][]netip.Addr{{four, six}, {six, four}, {six}} {
			t.Run(fmt.Sprint(kind, order), func(t *testing.T) {
				if _, _, err := aio.Choose(kind); err != nil {
					t.Skip(err)
				}
				port := freePort(t)
				c := server.Default()
				c.Web = server.Address{}
				c.Listen, c.HTTP, c.DataDir, c.IO, c.SessionsMax = nil, server.Nowhere, t.TempDir(), kind, 8
				c.Logger = slog.New(slog.DiscardHandler)
				for _, a := range order {
					c.Listen = append(c.Listen, server.Native(netip.AddrPortFrom(a, port))...)
				}
				s, err := server.Start(context.Background(), c)
				if err != nil {
					t.Fatal(err)
				}
				for _, host := range []string{"127.0.0.1", "::1"} {
					c, err := net.Dial("tcp", net.JoinHostPort(host, fmt.Sprint(port)))
					if err != nil {
						t.Error(err)
						continue
					}
					_ = c.Close()
				}
				if err := s.Stop(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// freePort is a port that nobody has, of neither family.
func freePort(t *testing.T) uint16 {
	t.Helper()
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).AddrPort().Port()
}

type writerFunc func(b []byte)

var _ io.Writer = writerFunc(nil)

func (f writerFunc) Write(b []byte) (int, error) {
	f(b)
	return len(b), nil
}
