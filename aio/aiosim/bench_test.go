package aiosim_test

import (
	"testing"

	"sarang/aio"
	"sarang/aio/aiosim"
)

// BenchmarkSend is one message from one socket to another of 10,000 connections:
// a send, its event and the receiver's.
func BenchmarkSend(b *testing.B) {
	w := aiosim.NewWorld(aiosim.Config{Seed: 1})
	d := w.NewDriver(aio.Config{})
	defer d.Release()
	connectMany(b, d, 10_000)
	listener, at, err := d.Listen(loopback, aio.SocketOptions{}, 0)
	if err != nil {
		b.Fatal(err)
	}
	if err := d.Accept(listener); err != nil {
		b.Fatal(err)
	}
	near, err := d.Connect(at, aio.SocketOptions{}, 0)
	if err != nil {
		b.Fatal(err)
	}
	events := make([]aio.Event, 16)
	for ready := 0; ready < 2; {
		n, err := d.Wait(events, -1)
		if err != nil {
			b.Fatal(err)
		}
		for _, e := range events[:n] {
			ready++
			if e.Kind == aio.KindAccept {
				far, err := d.Attach(e.Conn, 0)
				if err == nil {
					err = d.Recv(far)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	v := [][]byte{make([]byte, 100)}
	b.ReportAllocs()
	for b.Loop() {
		if err := d.Send(near, v); err != nil {
			b.Fatal(err)
		}
		for got := 0; got < 2; {
			n, err := d.Wait(events, -1)
			if err != nil {
				b.Fatal(err)
			}
			got += n
		}
	}
}
