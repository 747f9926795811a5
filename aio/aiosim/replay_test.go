package aiosim_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"sarang/aio"
	"sarang/aio/aiosim"
)

// allFaults is a network at its worst.
func allFaults() aiosim.Faults {
	f := benignFaults()
	f.Stall, f.StallMax = 0.02, 200*time.Millisecond
	f.Reset, f.Refuse, f.AcceptError, f.Vanish = 0.02, 0.1, 0.1, 0.05
	return f
}

// conversation is a workload that bears everything: clients that each send some
// messages, and a server that echoes. It goes on until nothing is scheduled.
type conversation struct {
	world          *aiosim.World
	server, client *aiosim.Driver
	echo           map[aio.Socket][]byte // received by the server, not sent back yet
	sending        map[aio.Socket]bool
	lines          []string
}

// converse runs a conversation of so many clients and returns its transcript.
func converse(t *testing.T, seed uint64, f aiosim.Faults, clients int) ([]string, aiosim.Stats) {
	t.Helper()
	c := &conversation{echo: make(map[aio.Socket][]byte), sending: make(map[aio.Socket]bool)}
	c.world = aiosim.NewWorld(aiosim.Config{
		Seed: seed, Faults: f, SendBufferBytes: 4000, RecvBufferBytes: 4000,
		Transcript: func(line string) { c.lines = append(c.lines, line) },
	})
	c.server, c.client = c.world.NewDriver(aio.Config{}), c.world.NewDriver(aio.Config{})
	listener, at, err := c.server.Listen(netip.MustParseAddrPort("127.0.0.1:0"), aio.SocketOptions{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	check(t, c.server.Accept(listener))
	for i := range clients {
		_, err := c.client.Connect(at, aio.SocketOptions{}, aio.Token(i+1))
		check(t, err)
	}
	events := make([]aio.Event, 8)
	for busy := true; busy; {
		n, err := c.server.Wait(events, 0)
		check(t, err)
		for _, e := range events[:n] {
			c.serve(t, e)
		}
		m, err := c.client.Wait(events, 0)
		check(t, err)
		for _, e := range events[:m] {
			c.talk(t, e)
		}
		busy = n+m > 0 || c.world.Step()
	}
	check(t, c.server.Release())
	check(t, c.client.Release())
	return c.lines, c.world.Stats()
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (c *conversation) serve(t *testing.T, e aio.Event) {
	switch e.Kind {
	case aio.KindAccept:
		if !e.More {
			check(t, c.server.Accept(e.Socket))
			return
		}
		s, err := c.server.Attach(e.Conn, 7)
		check(t, err)
		check(t, c.server.Recv(s))
	case aio.KindRecv:
		if !e.More {
			check(t, c.server.Close(e.Socket))
			return
		}
		c.echo[e.Socket] = append(c.echo[e.Socket], e.Data...)
	case aio.KindSend, aio.KindWritable:
		if e.More {
			return
		}
		c.sending[e.Socket] = false
		c.echo[e.Socket] = c.echo[e.Socket][e.N:]
	}
	if rest := c.echo[e.Socket]; len(rest) > 0 && !c.sending[e.Socket] && e.Err == nil {
		if err := c.server.Send(e.Socket, [][]byte{slices.Clone(rest)}); err == nil {
			c.sending[e.Socket] = true
		}
	}
}

func (c *conversation) talk(t *testing.T, e aio.Event) {
	switch {
	case e.Kind == aio.KindConnect && e.Err == nil:
		check(t, c.client.Recv(e.Socket))
		check(t, c.client.Send(e.Socket, [][]byte{make([]byte, 3000), make([]byte, 2000)}))
	case e.Kind == aio.KindConnect:
		check(t, c.client.Close(e.Socket))
	case e.Kind == aio.KindSend && e.Err == nil:
		if c.world.Now() < time.Second {
			check(t, c.client.Send(e.Socket, [][]byte{make([]byte, 1000)}))
		} else {
			check(t, c.client.Shutdown(e.Socket))
		}
	case e.Kind == aio.KindWritable && e.Err == nil:
		check(t, c.client.Send(e.Socket, [][]byte{make([]byte, 500)}))
	case e.Kind == aio.KindRecv && !e.More && !errors.Is(e.Err, aio.ErrCanceled):
		check(t, c.client.Close(e.Socket))
	}
}

func TestSameSeedSameEvents(t *testing.T) {
	for seed := range uint64(5) {
		first, _ := converse(t, seed, allFaults(), 30)
		second, _ := converse(t, seed, allFaults(), 30)
		if len(first) < 500 {
			t.Fatalf("seed %d: a transcript of %d lines proves nothing", seed, len(first))
		}
		for i := range min(len(first), len(second)) {
			if first[i] != second[i] {
				t.Fatalf("seed %d: line %d differs:\n%s\n%s", seed, i, first[i], second[i])
			}
		}
		if len(first) != len(second) {
			t.Fatalf("seed %d: %d lines, then %d", seed, len(first), len(second))
		}
	}
}

func TestOtherSeedOtherEvents(t *testing.T) {
	seen := make(map[string]uint64)
	for seed := range uint64(10) {
		lines, _ := converse(t, seed, allFaults(), 10)
		all := fmt.Sprint(lines)
		if other, ok := seen[all]; ok {
			t.Fatalf("seeds %d and %d give the same events", other, seed)
		}
		seen[all] = seed
	}
}

// TestNothingIsLeft: whatever went wrong, when all drivers are released no end of
// a connection and no buffered byte is left in the world.
func TestNothingIsLeft(t *testing.T) {
	var sum aiosim.Stats
	for seed := range uint64(40) {
		_, stats := converse(t, seed, allFaults(), 20)
		if stats.EndsOpen != 0 || stats.StreamsInUse != 0 {
			t.Fatalf("seed %d: %d ends and %d streams are left", seed, stats.EndsOpen, stats.StreamsInUse)
		}
		sum.ShortSends += stats.ShortSends
		sum.ShortRecvs += stats.ShortRecvs
		sum.SpuriousFulls += stats.SpuriousFulls
		sum.Stalls += stats.Stalls
		sum.NetworkResets += stats.NetworkResets
		sum.InjectedRefusals += stats.InjectedRefusals
		sum.AcceptErrors += stats.AcceptErrors
		sum.HeldAborts += stats.HeldAborts
		sum.Vanished += stats.Vanished
		sum.WouldBlocks += stats.WouldBlocks
	}
	for name, n := range map[string]uint64{
		"short sends": sum.ShortSends, "short recvs": sum.ShortRecvs, "spurious fulls": sum.SpuriousFulls,
		"stalls": sum.Stalls, "resets": sum.NetworkResets, "refusals": sum.InjectedRefusals,
		"accept errors": sum.AcceptErrors, "held aborts": sum.HeldAborts, "vanished": sum.Vanished,
		"would-blocks": sum.WouldBlocks,
	} {
		if n == 0 {
			t.Errorf("no %s in 40 seeds", name)
		}
	}
}
