package aio_test

import (
	"fmt"
	"runtime"
	"testing"

	"sarang/aio"
	"sarang/lock"
)

// hub is a driver with connections to itself, all receiving: what is sent at a
// near end arrives at its far end.
type hub struct {
	tb     testing.TB
	d      aio.Driver
	near   []aio.Socket
	far    map[aio.Socket]bool
	events []aio.Event
}

func newHub(tb testing.TB, kind string, connections int) *hub {
	tb.Helper()
	need(tb, kind)
	runtime.LockOSThread()
	tb.Cleanup(runtime.UnlockOSThread)
	d, err := aio.Open(kind, aio.Config{})
	must(tb, err)
	tb.Cleanup(func() { must(tb, d.Release()) })
	h := &hub{tb: tb, d: d, far: make(map[aio.Socket]bool), events: make([]aio.Event, 512)}
	o := aio.SocketOptions{NoDelay: true}
	_, at := listen(tb, d, o)
	for range connections {
		s, err := d.Connect(at, o, 1)
		must(tb, err)
		h.near = append(h.near, s)
		var conn aio.Conn
		for connected := false; !connected || !isConn(conn); {
			n, err := d.Wait(h.events, patience)
			must(tb, err)
			for _, e := range h.events[:n] {
				must(tb, e.Err)
				connected = connected || e.Kind == aio.KindConnect
				if e.Kind == aio.KindAccept {
					conn = e.Conn
				}
			}
		}
		far, err := d.Attach(conn, 2)
		must(tb, err)
		h.far[far] = true
		must(tb, d.Recv(far))
		must(tb, d.Recv(s))
	}
	return h
}

// echo sends message from every near end and waits for all to come back, and for
// all sends to be told.
func (h *hub) echo(message [][]byte) {
	for _, s := range h.near {
		must(h.tb, h.d.Send(s, message))
	}
	backs, sends := len(h.near), 2*len(h.near)
	for backs > 0 || sends > 0 {
		n, err := h.d.Wait(h.events, patience)
		must(h.tb, err)
		for i := range h.events[:n] {
			e := &h.events[i]
			switch {
			case e.Err != nil:
				h.tb.Fatal(e.Err)
			case e.Kind == aio.KindSend:
				sends--
			case h.far[e.Socket]:
				must(h.tb, h.d.Send(e.Socket, message))
			default:
				backs--
			}
		}
	}
}

// fanOut sends message from every near end to its far end.
func (h *hub) fanOut(message [][]byte) {
	for _, s := range h.near {
		must(h.tb, h.d.Send(s, message))
	}
	for left := 2 * len(h.near); left > 0; {
		n, err := h.d.Wait(h.events, patience)
		must(h.tb, err)
		left -= n
	}
}

var messages = map[string][][]byte{
	"one slice":    {make([]byte, 64)},
	"three slices": {make([]byte, 20), make([]byte, 20), make([]byte, 24)},
}

// TestNoAllocation: a steady load of events, sends and Waits allocates nothing.
func TestNoAllocation(t *testing.T) {
	for _, kind := range aio.Kinds() {
		for name, message := range messages {
			t.Run(kind+"/"+name, func(t *testing.T) {
				if kind == "portable" && lock.Enabled {
					t.Skip("the portable driver locks, and the lock-order profiler allocates")
				}
				h := newHub(t, kind, 20)
				for range 20 {
					h.echo(message) // queues and control blocks grow to their size
				}
				if n := testing.AllocsPerRun(50, func() { h.echo(message) }); n >= 1 {
					t.Errorf("%v allocations per round of 20 echoes", n)
				}
			})
		}
	}
}

// BenchmarkEcho: one message there and back is one operation.
func BenchmarkEcho(b *testing.B) {
	for _, kind := range aio.Kinds() {
		for _, connections := range []int{1, 100} {
			b.Run(fmt.Sprintf("%s/%d", kind, connections), func(b *testing.B) {
				h := newHub(b, kind, connections)
				message := messages["one slice"]
				b.ReportAllocs()
				b.ResetTimer()
				for done := 0; done < b.N; done += connections {
					h.echo(message)
				}
			})
		}
	}
}

// BenchmarkFanOut: one message sent and received is one operation.
func BenchmarkFanOut(b *testing.B) {
	for _, kind := range aio.Kinds() {
		for _, connections := range []int{100, 1000} {
			b.Run(fmt.Sprintf("%s/%d", kind, connections), func(b *testing.B) {
				h := newHub(b, kind, connections)
				message := messages["one slice"]
				b.ReportAllocs()
				b.ResetTimer()
				for done := 0; done < b.N; done += connections {
					h.fanOut(message)
				}
			})
		}
	}
}
