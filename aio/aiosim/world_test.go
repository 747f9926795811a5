package aiosim_test

import (
	"errors"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"sarang/aio"
	"sarang/aio/aiosim"
)

var loopback = netip.MustParseAddrPort("127.0.0.1:0")

// link is one connection inside one driver.
type link struct {
	t         *testing.T
	world     *aiosim.World
	d         *aiosim.Driver
	near, far aio.Socket
	events    []aio.Event
}

// newLink makes a connection in a world.
func newLink(t *testing.T, w *aiosim.World) *link {
	t.Helper()
	l := &link{t: t, world: w, d: w.NewDriver(aio.Config{}), events: make([]aio.Event, 64)}
	t.Cleanup(func() { check(t, l.d.Release()) })
	listener, at, err := l.d.Listen(loopback, aio.SocketOptions{}, 0)
	check(t, err)
	check(t, l.d.Accept(listener))
	l.near, err = l.d.Connect(at, aio.SocketOptions{}, 0)
	check(t, err)
	for connected := false; !connected || l.far == 0; {
		for _, e := range l.wait(time.Minute) {
			connected = connected || e.Kind == aio.KindConnect && e.Err == nil
			if e.Kind == aio.KindAccept && e.More {
				l.far, err = l.d.Attach(e.Conn, 0)
				check(t, err)
			}
		}
	}
	return l
}

// wait returns the events that come within timeout.
func (l *link) wait(timeout time.Duration) []aio.Event {
	l.t.Helper()
	n, err := l.d.Wait(l.events, timeout)
	check(l.t, err)
	return l.events[:n]
}

// one waits for one event, which must be the only one.
func (l *link) one(want aio.Kind) aio.Event {
	l.t.Helper()
	got := l.wait(time.Hour)
	if len(got) != 1 || got[0].Kind != want {
		l.t.Fatalf("got events %+v, want one %v", got, want)
	}
	return got[0]
}

func (l *link) send(s aio.Socket, text string) {
	l.t.Helper()
	check(l.t, l.d.Send(s, [][]byte{[]byte(text)}))
	if e := l.one(aio.KindSend); e.Err != nil || e.N != len(text) {
		l.t.Fatalf("sent %d bytes of %d: %v", e.N, len(text), e.Err)
	}
}

// slow is a network with a delay of one second each way.
func slow(seed uint64) *aiosim.World {
	return aiosim.NewWorld(aiosim.Config{
		Seed: seed, Faults: aiosim.Faults{DelayMin: time.Second, DelayMax: time.Second},
	})
}

func TestDelayIsKept(t *testing.T) {
	l := newLink(t, slow(1))
	if now := l.world.Now(); now != 2*time.Second {
		t.Fatalf("connected after %v, want there and back", now)
	}
	check(t, l.d.Recv(l.far))
	l.send(l.near, "hello")
	sent := l.world.Now()
	if e := l.one(aio.KindRecv); string(e.Data) != "hello" || l.world.Now()-sent != time.Second {
		t.Fatalf("received %q after %v", e.Data, l.world.Now()-sent)
	}
}

func TestDeadlockIsReported(t *testing.T) {
	l := newLink(t, slow(1))
	check(t, l.d.Recv(l.far))
	if _, err := l.d.Wait(l.events, -1); !errors.Is(err, aiosim.ErrDeadlock) {
		t.Fatalf("got %v, want ErrDeadlock", err)
	}
	if l.world.Step() {
		t.Fatal("a step was made with nothing scheduled")
	}
	if _, ok := l.world.Next(); ok {
		t.Fatal("something is scheduled")
	}
}

func TestStallHoldsOneDirection(t *testing.T) {
	l := newLink(t, slow(1))
	check(t, l.d.Recv(l.far))
	check(t, l.d.Recv(l.near))
	check(t, l.d.Stall(l.near, time.Minute))
	start := l.world.Now()
	l.send(l.near, "late")
	l.send(l.far, "in time")
	if e := l.one(aio.KindRecv); string(e.Data) != "in time" || l.world.Now()-start != time.Second {
		t.Fatalf("received %q after %v", e.Data, l.world.Now()-start)
	}
	if e := l.one(aio.KindRecv); string(e.Data) != "late" || l.world.Now()-start != time.Minute {
		t.Fatalf("received %q after %v", e.Data, l.world.Now()-start)
	}
}

func TestStallAllHoldsEverything(t *testing.T) {
	l := newLink(t, slow(1))
	check(t, l.d.Recv(l.far))
	l.send(l.near, "on the way")
	l.world.StallAll(time.Minute)
	start := l.world.Now()
	if e := l.one(aio.KindRecv); string(e.Data) != "on the way" || l.world.Now()-start != time.Minute {
		t.Fatalf("received %q after %v", e.Data, l.world.Now()-start)
	}
}

func TestResetReachesBothEnds(t *testing.T) {
	l := newLink(t, slow(1))
	check(t, l.d.Recv(l.far))
	check(t, l.d.Recv(l.near))
	check(t, l.d.Reset(l.near))
	ended := 0
	for ended < 2 {
		for _, e := range l.wait(time.Hour) {
			if e.Kind != aio.KindRecv || !errors.Is(e.Err, syscall.ECONNRESET) {
				t.Fatalf("got %+v, want a reset", e)
			}
			ended++
		}
	}
}

// TestVanishIsSilent: the far end of a connection that vanished and then was
// closed can be written to until it is full, and is never told.
func TestVanishIsSilent(t *testing.T) {
	l := newLink(t, slow(1))
	check(t, l.d.Recv(l.far))
	check(t, l.d.Vanish(l.near))
	check(t, l.d.Close(l.near))
	l.one(aio.KindDisconnect)
	taken := 0
	for {
		check(t, l.d.Send(l.far, [][]byte{make([]byte, 10_000)}))
		e := l.one(aio.KindSend)
		taken += e.N
		if e.More {
			break
		}
	}
	if taken != 2*65536 {
		t.Errorf("a vanished peer took %d bytes, want both buffers full", taken)
	}
	if got := l.wait(time.Hour); len(got) != 0 {
		t.Fatalf("events from a vanished peer: %+v", got)
	}
	check(t, l.d.Close(l.far))
	for kind := aio.KindNone; kind != aio.KindDisconnect; {
		for _, e := range l.wait(time.Hour) {
			kind = e.Kind
		}
	}
}

// TestFullBacklogDelaysConnects: connects beyond the backlog are put off, and
// succeed when the queue is taken.
func TestFullBacklogDelaysConnects(t *testing.T) {
	w := aiosim.NewWorld(aiosim.Config{Seed: 1})
	d := w.NewDriver(aio.Config{})
	defer d.Release()
	listener, at, err := d.Listen(loopback, aio.SocketOptions{ListenBacklog: 2}, 0)
	check(t, err)
	for range 5 {
		_, err := d.Connect(at, aio.SocketOptions{}, 0)
		check(t, err)
	}
	events := make([]aio.Event, 64)
	count := func(kind aio.Kind, until time.Duration) (n int) {
		for w.Now() < until {
			got, err := d.Wait(events, until-w.Now())
			check(t, err)
			for _, e := range events[:got] {
				if e.Kind == kind {
					n++
					if kind == aio.KindAccept {
						d.Discard(e.Conn)
					}
				}
			}
		}
		return n
	}
	if n := count(aio.KindConnect, 10*time.Second); n != 2 || w.Stats().SynsDropped == 0 {
		t.Fatalf("%d connects got through a backlog of 2; %d put off", n, w.Stats().SynsDropped)
	}
	check(t, d.Accept(listener))
	if n := count(aio.KindAccept, 20*time.Second); n != 5 {
		t.Fatalf("%d connections accepted, want 5", n)
	}
}

func TestHealedNetworkIsPerfect(t *testing.T) {
	w := aiosim.NewWorld(aiosim.Config{Seed: 3, Faults: benignFaults()})
	l := newLink(t, w)
	w.SetFaults(aiosim.Faults{})
	w.Advance(w.Now() + time.Second)
	check(t, l.d.Recv(l.far))
	before := w.Stats()
	for range 100 {
		check(t, l.d.Send(l.near, [][]byte{[]byte("healthy")}))
		got := l.wait(0) // without a delay both events are there at once
		if len(got) != 2 || got[0].N != 7 || string(got[1].Data) != "healthy" {
			t.Fatalf("events: %+v", got)
		}
	}
	if after := w.Stats(); after.ShortSends != before.ShortSends || after.DelaysDrawn != before.DelaysDrawn {
		t.Error("faults were injected into a healed network")
	}
}

// TestLentBytesAreScribbledOver: an owner that keeps lent bytes must notice.
func TestLentBytesAreScribbledOver(t *testing.T) {
	l := newLink(t, slow(1))
	check(t, l.d.Recv(l.far))
	l.send(l.near, "mine")
	kept := l.one(aio.KindRecv).Data
	l.wait(0)
	if string(kept) == "mine" {
		t.Fatal("lent bytes are still good after the next Wait")
	}
}

// TestSentBytesAreReadLate: an owner that changes bytes before the send event
// must notice.
func TestSentBytesAreReadLate(t *testing.T) {
	l := newLink(t, slow(1))
	check(t, l.d.Recv(l.far))
	p := []byte("early")
	check(t, l.d.Send(l.near, [][]byte{p}))
	copy(p, "later")
	l.one(aio.KindSend)
	if e := l.one(aio.KindRecv); string(e.Data) != "later" {
		t.Fatalf("received %q", e.Data)
	}
}
