package packet_test

import (
	"testing"

	"sarang/packet"
)

// The way of a packet through a worker must leave nothing for the collector.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	msg := &note{Number: 1, Text: "a chat message of common length"}
	stream, err := packet.AppendVT(nil, 2, msg)
	if err != nil {
		t.Fatal(err)
	}
	stream, err = packet.AppendVT(stream, 4, msg)
	if err != nil {
		t.Fatal(err)
	}

	m := packet.NewMux[*uint64]()
	packet.Handle(m, 2, func(sum *uint64, n *lentNote) error {
		*sum += n.Number
		return packet.ValidText(n.Text)
	})
	m.HandleRaw(4, func(sum *uint64, r *packet.Reader) error {
		r.Uint64()
		*sum += uint64(len(r.Bytes(r.Left())))
		return r.Done()
	})

	var sum uint64
	receive := func() {
		for b := stream; len(b) > 0; {
			p, n, err := packet.Split(b)
			if err != nil || n == 0 {
				t.Fatal(n, err)
			}
			if err := m.Dispatch(&sum, p); err != nil {
				t.Fatal(err)
			}
			b = b[n:]
		}
	}
	if n := testing.AllocsPerRun(200, receive); n != 0 {
		t.Errorf("Split and Dispatch: %v allocations", n)
	}
	if sum == 0 {
		t.Error("no handler ran")
	}

	buf := make([]byte, 0, 256)
	if n := testing.AllocsPerRun(200, func() {
		if buf, err = packet.AppendVT(buf[:0], 2, msg); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("AppendVT: %v allocations", n)
	}
}

func TestRecordAllocatesNothing(t *testing.T) {
	buf := make([]byte, 0, 256)
	if n := testing.AllocsPerRun(200, func() {
		w := packet.NewPacketWriter(buf[:0], 2)
		w.Uint64(1)
		list := w.ListHeader()
		w.Text("name")
		w.List(list, 2)
		w.Uint32(10)
		w.Uint32(20)
		b, err := w.Result()
		if err != nil {
			t.Fatal(err)
		}
		p, _, err := packet.Split(b)
		if err != nil {
			t.Fatal(err)
		}
		r := packet.NewReader(p.Payload)
		r.Uint64()
		items, count := r.ListHeader(4)
		r.TextBytes()
		for range count {
			items.Uint32()
		}
		if r.Done() != nil || items.Done() != nil {
			t.Fatal(r.Done(), items.Done())
		}
	}); n != 0 {
		t.Errorf("a record written and read: %v allocations", n)
	}
}

func BenchmarkSplitDispatch(b *testing.B) {
	stream, err := packet.AppendVT(nil, 2, &note{Text: "a chat message of common length"})
	if err != nil {
		b.Fatal(err)
	}
	m := packet.NewMux[*int]()
	packet.Handle(m, 2, func(n *int, _ *lentNote) error { *n++; return nil })
	var calls int
	b.ReportAllocs()
	for b.Loop() {
		p, _, err := packet.Split(stream)
		if err != nil {
			b.Fatal(err)
		}
		if err := m.Dispatch(&calls, p); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendVT(b *testing.B) {
	msg := &note{Text: "a chat message of common length"}
	buf := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = packet.AppendVT(buf[:0], 2, msg); err != nil {
			b.Fatal(err)
		}
	}
}
