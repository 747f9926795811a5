package aiosim_test

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sarang/aio"
	"sarang/aio/aiosim"
)

// TestDriversInTwoGoroutines: each waits without end, and is woken by what the
// other one does.
func TestDriversInTwoGoroutines(t *testing.T) {
	const rounds = 500
	w := aiosim.NewWorld(aiosim.Config{Seed: 1, Faults: benignFaults(), AllowExternalWake: true})
	server := w.NewDriver(aio.Config{})
	listener, at, err := server.Listen(loopback, aio.SocketOptions{}, 0)
	check(t, err)
	check(t, server.Accept(listener))
	var stop atomic.Bool
	var group sync.WaitGroup
	group.Go(func() {
		events := make([]aio.Event, 16)
		for !stop.Load() {
			n, err := server.Wait(events, -1)
			if err != nil {
				t.Error(err)
				return
			}
			for _, e := range events[:n] {
				switch {
				case e.Kind == aio.KindAccept && e.More:
					if s, err := server.Attach(e.Conn, 0); err == nil {
						_ = server.Recv(s)
					}
				case e.Kind == aio.KindRecv && e.More:
					_ = server.Send(e.Socket, [][]byte{{e.Data[0]}})
				case e.Kind == aio.KindWritable:
					_ = server.Send(e.Socket, [][]byte{{1}})
				}
			}
		}
	})
	client := w.NewDriver(aio.Config{})
	events := make([]aio.Event, 16)
	_, err = client.Connect(at, aio.SocketOptions{}, 0)
	check(t, err)
	for done := 0; done < rounds; {
		n, err := client.Wait(events, -1)
		check(t, err)
		for _, e := range events[:n] {
			if e.Kind == aio.KindConnect {
				check(t, client.Recv(e.Socket))
			}
			if e.Kind == aio.KindRecv {
				done++
			}
			if e.Kind != aio.KindSend && done < rounds {
				check(t, client.Send(e.Socket, [][]byte{{1}}))
			}
		}
	}
	stop.Store(true)
	server.Wake()
	group.Wait()
	check(t, server.Release())
	check(t, client.Release())
}

// connectMany makes idle connections, both ends in one driver.
func connectMany(t testing.TB, d *aiosim.Driver, connections int) {
	listener, at, err := d.Listen(loopback, aio.SocketOptions{}, 0)
	if err == nil {
		err = d.Accept(listener)
	}
	events := make([]aio.Event, 256)
	for started, ready := 0, 0; ready < 2*connections && err == nil; {
		for ; started < connections && started < ready/2+100 && err == nil; started++ {
			_, err = d.Connect(at, aio.SocketOptions{}, 0)
		}
		var n int
		n, err = d.Wait(events, time.Minute)
		for _, e := range events[:n] {
			s := e.Socket
			if e.Kind == aio.KindAccept {
				s, err = d.Attach(e.Conn, 0)
			}
			ready++
			if err == nil {
				err = d.Recv(s)
			}
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestIdleConnectionIsSmall: both ends of an idle connection, sockets included.
func TestIdleConnectionIsSmall(t *testing.T) {
	const connections, bytesMax = 50_000, 300
	w := aiosim.NewWorld(aiosim.Config{Seed: 1})
	d := w.NewDriver(aio.Config{SocketsMax: 2*connections + 1})
	before := heapBytes()
	connectMany(t, d, connections)
	each := (heapBytes() - before) / connections
	t.Logf("%d bytes per connection", each)
	if each > bytesMax {
		t.Errorf("%d bytes per idle connection, want at most %d", each, bytesMax)
	}
	if w.Stats().EndsOpen != 2*connections || w.Stats().StreamsInUse != 0 {
		t.Errorf("stats: %+v", w.Stats())
	}
	check(t, d.Release())
	if w.Stats().EndsOpen != 0 {
		t.Errorf("%d ends are left", w.Stats().EndsOpen)
	}
}

func heapBytes() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
