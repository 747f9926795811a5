package packet_test

import (
	"fmt"

	"sarang/packet"
)

// Buff is an item of a TestRecord's list.
type Buff struct {
	BuffID        uint64
	RemainSeconds float32
}

// buffBytes is the size of a Buff on the wire.
const buffBytes = 8 + 4

// TestRecord is a record laid out by hand: a fixed part, a list and a text.
type TestRecord struct {
	ID     uint64
	HP     uint32
	Attack uint16
	Buffs  []Buff
	Name   string
}

// Encode appends the record as a whole packet.
func (t *TestRecord) Encode(dst []byte, id packet.ID) ([]byte, error) {
	w := packet.NewPacketWriter(dst, id)
	w.Uint64(t.ID)
	w.Uint32(t.HP)
	w.Uint16(t.Attack)
	buffs := w.ListHeader()
	w.Text(t.Name)
	w.List(buffs, len(t.Buffs))
	for _, b := range t.Buffs {
		w.Uint64(b.BuffID)
		w.Float32(b.RemainSeconds)
	}
	return w.Result()
}

// Decode reads the record; t keeps nothing of the payload.
func (t *TestRecord) Decode(r *packet.Reader) error {
	t.ID = r.Uint64()
	t.HP = r.Uint32()
	t.Attack = r.Uint16()
	buffs, count := r.ListHeader(buffBytes)
	t.Name = r.Text()
	t.Buffs = make([]Buff, count)
	for i := range t.Buffs {
		t.Buffs[i] = Buff{BuffID: buffs.Uint64(), RemainSeconds: buffs.Float32()}
	}
	return r.Done()
}

// A hand-laid record goes out as a packet and comes back through a Mux.
func Example_record() {
	const testID packet.ID = 1
	m := packet.NewMux[string]()
	m.HandleRaw(testID, func(from string, r *packet.Reader) error {
		var t TestRecord
		if err := t.Decode(r); err != nil {
			return err
		}
		fmt.Printf("%s: %+v\n", from, t)
		return nil
	})

	stream, err := (&TestRecord{
		ID: 1001, HP: 100, Attack: 10, Name: "guest",
		Buffs: []Buff{{BuffID: 1, RemainSeconds: 0.5}, {BuffID: 2, RemainSeconds: 30}},
	}).Encode(nil, testID)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(stream), "bytes")

	p, _, err := packet.Split(stream)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(m.Dispatch("peer", p))

	p.Payload = p.Payload[:len(p.Payload)-1]
	fmt.Println(m.Dispatch("peer", p))
	// Output:
	// 53 bytes
	// peer: {ID:1001 HP:100 Attack:10 Buffs:[{BuffID:1 RemainSeconds:0.5} {BuffID:2 RemainSeconds:30}] Name:guest}
	// <nil>
	// packet: decode packet 1: packet: read list at byte 14: 24 bytes needed, 23 there
}

// What a connection yields comes in pieces; only a partial packet at the end is
// kept for the next piece.
func ExampleSplit() {
	var stream []byte
	for i, text := range []string{"one", "two", "three"} {
		stream, _ = packet.AppendHeader(stream, packet.ID(2*i+2), len(text))
		stream = append(stream, text...)
	}

	var tail []byte
	for _, piece := range [][]byte{stream[:9], stream[9:16], stream[16:]} {
		tail = append(tail, piece...)
		for {
			p, n, err := packet.Split(tail)
			if err != nil {
				fmt.Println(err)
				return
			}
			if n == 0 {
				break
			}
			fmt.Println(p.ID, string(p.Payload))
			tail = tail[n:]
		}
		fmt.Println("have", len(tail), "of", packet.Need(tail))
	}
	// Output:
	// 2 one
	// have 2 of 4
	// 4 two
	// have 2 of 4
	// 6 three
	// have 0 of 4
}
