package packet_test

import (
	"errors"
	"slices"
	"testing"

	"sarang/packet"
)

func TestListAnywhereBehindItsHeader(t *testing.T) {
	// Two lists, filled in the other order than their headers stand, and a text
	// between.
	w := packet.NewWriter(nil, 200)
	first := w.ListHeader()
	second := w.ListHeader()
	empty := w.ListHeader()
	w.Text("between")
	w.List(second, 2)
	w.Uint32(100)
	w.Uint32(200)
	w.List(first, 3)
	w.Bytes([]byte{7, 8, 9})
	w.List(empty, 0)
	b, err := w.Result()
	if err != nil {
		t.Fatal(err)
	}

	r := packet.NewReader(b)
	bytesOf, n := r.ListHeader(1)
	words, m := r.ListHeader(4)
	none, zero := r.ListHeader(8)
	if r.Text() != "between" || n != 3 || m != 2 || zero != 0 {
		t.Fatalf("counts %d, %d, %d, error %v", n, m, zero, r.Err())
	}
	if got := bytesOf.Bytes(3); !slices.Equal(got, []byte{7, 8, 9}) {
		t.Errorf("first list is %v", got)
	}
	if a, b := words.Uint32(), words.Uint32(); a != 100 || b != 200 {
		t.Errorf("second list is %d, %d", a, b)
	}
	for name, each := range map[string]*packet.Reader{"record": &r, "bytes": &bytesOf, "words": &words, "none": &none} {
		if err := each.Done(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	words.Uint8()
	if words.Err() == nil {
		t.Error("a list's reader went past the list")
	}
}

func TestListOfLists(t *testing.T) {
	w := packet.NewWriter(nil, 200)
	outer := w.ListHeader()
	w.List(outer, 2)
	inner := []packet.Mark{w.ListHeader(), w.ListHeader()}
	for i, mark := range inner {
		w.List(mark, i+1)
		for range i + 1 {
			w.Uint16(uint16(10 * (i + 1)))
		}
	}
	b, err := w.Result()
	if err != nil {
		t.Fatal(err)
	}

	r := packet.NewReader(b)
	lists, n := r.ListHeader(packet.ListHeaderBytes)
	var got []uint16
	for range n {
		items, m := lists.ListHeader(2)
		for range m {
			got = append(got, items.Uint16())
		}
	}
	if want := []uint16{10, 20, 20}; !slices.Equal(got, want) || lists.Done() != nil {
		t.Errorf("read %v, want %v, error %v", got, want, lists.Err())
	}
}

func TestListHeaderIsBoundsChecked(t *testing.T) {
	// Eight bytes: a header, and four bytes of items.
	payload := func(offset, count byte) []byte { return []byte{offset, 0, count, 0, 1, 2, 3, 4} }
	cases := []struct {
		name      string
		payload   []byte
		itemBytes int
		count     int // -1: refused
	}{
		{"fits", payload(4, 2), 2, 2},
		{"fits to the last byte", payload(7, 1), 1, 1},
		{"one too many", payload(4, 3), 2, -1},
		{"starts too late", payload(7, 1), 2, -1},
		{"starts behind the payload", payload(200, 1), 1, -1},
		{"starts in its own header", payload(2, 1), 1, -1},
		{"count of 65535", []byte{4, 0, 0xff, 0xff, 1, 2, 3, 4}, 1, -1},
		{"header cut", []byte{4, 0, 1}, 1, -1},
		{"items of no size", payload(4, 2), 0, -1},
		{"items of negative size", payload(4, 2), -1, -1},
		{"items of a size that overflows", payload(4, 2), int(^uint(0) >> 1), -1},
		{"empty, points nowhere", payload(200, 0), 2, 0},
	}
	for _, c := range cases {
		r := packet.NewReader(c.payload)
		items, n := r.ListHeader(c.itemBytes)
		var read *packet.ReadError
		if c.count >= 0 {
			if n != c.count || r.Err() != nil || items.Left() != n*c.itemBytes {
				t.Errorf("%s: %d items in %d bytes, %v", c.name, n, items.Left(), r.Err())
			}
			continue
		}
		if n != 0 || !errors.As(r.Err(), &read) || read.Op != "list" {
			t.Errorf("%s: %d items, %v", c.name, n, r.Err())
		}
		if items.Err() == nil || items.Uint8() != 0 {
			t.Errorf("%s: items can be read all the same", c.name)
		}
	}
}

func TestWriterListErrors(t *testing.T) {
	for name, write := range map[string]func(w *packet.Writer){
		"no room for the header": func(w *packet.Writer) { w.Reserve(98); w.ListHeader() },
		"too many items":         func(w *packet.Writer) { w.List(w.ListHeader(), 65536) },
		"negative count":         func(w *packet.Writer) { w.List(w.ListHeader(), -1) },
		"no such mark":           func(w *packet.Writer) { w.Reserve(6); w.List(3, 1) },
		"negative mark":          func(w *packet.Writer) { w.Reserve(6); w.List(-1, 1) },
	} {
		w := packet.NewWriter(nil, 100)
		write(&w)
		var e *packet.WriteError
		if !errors.As(w.Err(), &e) {
			t.Errorf("%s: %v", name, w.Err())
		}
	}

	far := packet.NewWriter(nil, 1<<20)
	mark := far.ListHeader()
	far.Reserve(1 << 16)
	far.List(mark, 1)
	if far.Err() == nil {
		t.Error("a list beyond what an offset can say was accepted")
	}
}

// FuzzReader runs a program of reads over a payload: whatever both are, it must
// not panic, must keep its first error, and must not read a byte twice.
func FuzzReader(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8}, []byte("0123456789abcdefghijklmnopqrstuvwxyz0123456789"))
	f.Add([]byte{9, 9, 8}, []byte{2, 0, 'h', 'i', 0, 0, 3})
	f.Add([]byte{10, 0, 10, 0}, []byte{8, 0, 2, 0, 9, 9, 9, 9, 8, 0, 1, 0})
	f.Add([]byte{7, 200, 255}, []byte{4, 0, 255, 255})
	f.Fuzz(func(t *testing.T, program, payload []byte) {
		r := packet.NewReader(payload)
		readers := []*packet.Reader{&r}
		for i, op := range program {
			if i > 200 {
				break
			}
			at := readers[int(op)%len(readers)]
			left, failed := at.Left(), at.Err()
			if items := step(at, op); items != nil && len(readers) < 8 {
				readers = append(readers, items)
			}
			if at.Left() > left || at.Left() < 0 {
				t.Fatalf("op %d: %d bytes left after %d", op, at.Left(), left)
			}
			if failed != nil && at.Err() != failed {
				t.Fatalf("op %d: the error %v became %v", op, failed, at.Err())
			}
		}
		for _, each := range readers {
			var read *packet.ReadError
			if err := each.Done(); err != nil && !errors.As(err, &read) {
				t.Fatalf("untyped error %v", err)
			}
		}
	})
}

// step does the read that op asks for.
func step(r *packet.Reader, op byte) (items *packet.Reader) {
	switch op % 12 {
	case 0:
		r.Uint8()
	case 1:
		r.Uint16()
	case 2:
		r.Int32()
	case 3:
		r.Int64()
	case 4:
		r.Float32()
	case 5:
		r.Float64()
	case 6:
		r.Bool()
	case 7:
		r.Bytes(int(int8(op)))
	case 8:
		_ = r.Text()
	case 9:
		r.TextBytes()
	case 10:
		sub, _ := r.ListHeader(int(int8(op)) / 12)
		return &sub
	case 11:
		sub, _ := r.ListHeader(1)
		return &sub
	}
	return nil
}

// FuzzRecord writes a record from the input and wants it back.
func FuzzRecord(f *testing.F) {
	f.Add(uint64(1), "name", []byte{1, 2, 3}, uint16(50))
	f.Add(uint64(0), "", []byte{}, uint16(0))
	f.Add(^uint64(0), "not \xff text", []byte{0}, uint16(65535))
	f.Fuzz(func(t *testing.T, number uint64, text string, list []byte, limit uint16) {
		w := packet.NewWriter(nil, int(limit))
		mark := w.ListHeader()
		w.Uint64(number)
		w.Text(text)
		w.List(mark, len(list))
		w.Bytes(list)
		b, err := w.Result()

		fits := 4+8+2+len(text)+len(list) <= int(limit)
		if good := fits && packet.ValidText(text) == nil; good != (err == nil) {
			t.Fatalf("limit %d, text of %d, list of %d: %v", limit, len(text), len(list), err)
		}
		if err != nil {
			return
		}
		r := packet.NewReader(b)
		items, count := r.ListHeader(1)
		if got := r.Uint64(); got != number {
			t.Fatalf("number is %d, wrote %d", got, number)
		}
		if got := r.Text(); got != text {
			t.Fatalf("text is %q, wrote %q", got, text)
		}
		if got := items.Bytes(count); !slices.Equal(got, list) {
			t.Fatalf("list is %v, wrote %v", got, list)
		}
		if r.Done() != nil || items.Done() != nil {
			t.Fatal(r.Done(), items.Done())
		}
	})
}
