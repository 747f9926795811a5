//go:build linux

package main

import (
	"net/netip"
	"runtime"

	"sarang/aio"
	"sarang/aio/aiosim"
)

// networkBytes is what the simulated network keeps on the heap for one connection with
// its two ends and sockets, measured on connections that nobody serves.
func networkBytes(connections int) (uint64, error) {
	before := heapBytes()
	net := aiosim.NewWorld(aiosim.Config{})
	config := aio.Config{SocketsMax: connections + 8, EventsMax: 4096}
	server, clients := net.NewDriver(config), net.NewDriver(config)
	events := make([]aio.Event, 4096)
	l, addr, err := server.Listen(netip.MustParseAddrPort("10.0.0.2:7777"), aio.SocketOptions{}, 1)
	if err != nil {
		return 0, err
	}
	if err := server.Accept(l); err != nil {
		return 0, err
	}
	for made, accepted := 0, 0; accepted < connections; {
		for ; made < min(connections, accepted+1000); made++ {
			if _, err := clients.Connect(addr, aio.SocketOptions{}, aio.Token(made)); err != nil {
				return 0, err
			}
		}
		n, err := server.Wait(events, 0)
		if err != nil {
			return 0, err
		}
		for _, e := range events[:n] {
			if e.Kind != aio.KindAccept {
				continue
			}
			s, err := server.Attach(e.Conn, aio.Token(accepted+2))
			if err == nil {
				err = server.Recv(s)
			}
			if err != nil {
				return 0, err
			}
			accepted++
		}
		if _, err := clients.Wait(events, 0); err != nil {
			return 0, err
		}
		net.Advance(net.Now() + 1)
	}
	used := heapBytes() - before
	if err := clients.Release(); err != nil {
		return 0, err
	}
	return used / uint64(connections), server.Release()
}

// heapBytes is what is alive on the heap.
func heapBytes() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
