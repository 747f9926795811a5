//go:build unix

package server_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"testing"

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
	c.Listen, c.HTTP, c.DataDir = []netip.AddrPort{at}, "off", t.TempDir()
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
	if len(s.Addrs()) != 1 || s.Addrs()[0] != at {
		t.Errorf("it listens on %v", s.Addrs())
	}
	if err := s.Stop(context.Background()); err != nil {
		t.Error(err)
	}
}

type writerFunc func(b []byte)

var _ io.Writer = writerFunc(nil)

func (f writerFunc) Write(b []byte) (int, error) {
	f(b)
	return len(b), nil
}
