package aiosim_test

import (
	"fmt"
	"net/netip"
	"time"

	"sarang/aio"
	"sarang/aio/aiosim"
)

// Two drivers, stepped in turn by one goroutine: a server that answers, and a
// client. The world is moved when neither has anything to do.
func Example() {
	world := aiosim.NewWorld(aiosim.Config{
		Seed:   42,
		Faults: aiosim.Faults{DelayMin: 10 * time.Millisecond, DelayMax: 10 * time.Millisecond},
	})
	server, client := world.NewDriver(aio.Config{}), world.NewDriver(aio.Config{})
	defer server.Release()
	defer client.Release()

	listener, at, _ := server.Listen(netip.MustParseAddrPort("10.0.0.1:7777"), aio.SocketOptions{}, 1)
	_ = server.Accept(listener)
	_, _ = client.Connect(at, aio.SocketOptions{}, 2)

	serve := func(e aio.Event) {
		switch e.Kind {
		case aio.KindAccept:
			s, _ := server.Attach(e.Conn, 3)
			_ = server.Recv(s)
		case aio.KindRecv:
			if e.More {
				_ = server.Send(e.Socket, [][]byte{[]byte("annyeong, " + string(e.Data))})
			}
		}
	}
	ask := func(e aio.Event) {
		switch e.Kind {
		case aio.KindConnect:
			fmt.Println(world.Now(), "connected")
			_ = client.Send(e.Socket, [][]byte{[]byte("guest")})
			_ = client.Recv(e.Socket)
		case aio.KindRecv:
			fmt.Println(world.Now(), "received", string(e.Data))
		}
	}

	events := make([]aio.Event, 16)
	for busy := true; busy; {
		n, _ := server.Wait(events, 0)
		for _, e := range events[:n] {
			serve(e)
		}
		m, _ := client.Wait(events, 0)
		for _, e := range events[:m] {
			ask(e)
		}
		busy = n+m > 0 || world.Step()
	}
	// Output:
	// 20ms connected
	// 40ms received annyeong, guest
}
