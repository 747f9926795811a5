package tui_test

import (
	"context"
	"log/slog"
	"net/netip"
	"testing"

	"sarang/client"
	"sarang/internal/server"
	"sarang/internal/store"
)

// house is a real server in this process.
type house struct {
	t    *testing.T
	dir  string
	addr netip.AddrPort
	s    *server.Server
}

func newHouse(t *testing.T) *house {
	h := &house{t: t, dir: t.TempDir(), addr: netip.MustParseAddrPort("127.0.0.1:0")}
	h.open()
	t.Cleanup(h.close)
	return h
}

func (h *house) open() {
	h.t.Helper()
	c := server.Default()
	c.Web = server.Address{}
	c.Listen = server.Native(h.addr)
	c.HTTP, c.DataDir, c.Sync = server.Nowhere, h.dir, store.ProcessSafe
	c.SessionsMax = 16
	c.RetryAfterMin, c.RetryAfterMax = 1, 2
	c.Hub.TextBytesMax = 1000
	c.Logger = slog.New(slog.DiscardHandler)
	s, err := server.Start(h.t.Context(), c)
	if err != nil {
		h.t.Fatal(err)
	}
	h.s, h.addr = s, s.Addrs()[0].Addr
}

func (h *house) close() {
	if h.s == nil {
		return
	}
	if err := h.s.Stop(context.WithoutCancel(h.t.Context())); err != nil {
		h.t.Error(err)
	}
	h.s = nil
}

// dial is a client of the server by that name.
func (h *house) dial(name string, token []byte) *client.Client {
	h.t.Helper()
	c, err := client.Dial(h.t.Context(), client.Config{
		Addr: h.addr.String(), Name: name, Token: token, Logger: slog.New(slog.DiscardHandler),
		ReconnectMax: 1 << 20, // a millisecond
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() {
		if err := c.Close(); err != nil {
			h.t.Error(err)
		}
	})
	return c
}
