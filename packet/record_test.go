package packet_test

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"sarang/packet"
)

// field is one value of a record: how it is written, and a check that it is read.
type field struct {
	name  string
	write func(w *packet.Writer)
	read  func(r *packet.Reader) (got, want any)
}

func fieldOf[T any](name string, v T, write func(*packet.Writer, T), read func(*packet.Reader) T) field {
	return field{
		name:  name,
		write: func(w *packet.Writer) { write(w, v) },
		read:  func(r *packet.Reader) (any, any) { return read(r), v },
	}
}

// anyField draws a field. Floats travel as bits, so that a NaN equals itself.
func anyField(t *rapid.T) field {
	switch rapid.IntRange(0, 12).Draw(t, "kind") {
	case 0:
		return fieldOf("uint8", rapid.Uint8().Draw(t, "v"), (*packet.Writer).Uint8, (*packet.Reader).Uint8)
	case 1:
		return fieldOf("uint16", rapid.Uint16().Draw(t, "v"), (*packet.Writer).Uint16, (*packet.Reader).Uint16)
	case 2:
		return fieldOf("uint32", rapid.Uint32().Draw(t, "v"), (*packet.Writer).Uint32, (*packet.Reader).Uint32)
	case 3:
		return fieldOf("uint64", rapid.Uint64().Draw(t, "v"), (*packet.Writer).Uint64, (*packet.Reader).Uint64)
	case 4:
		return fieldOf("int8", rapid.Int8().Draw(t, "v"), (*packet.Writer).Int8, (*packet.Reader).Int8)
	case 5:
		return fieldOf("int16", rapid.Int16().Draw(t, "v"), (*packet.Writer).Int16, (*packet.Reader).Int16)
	case 6:
		return fieldOf("int32", rapid.Int32().Draw(t, "v"), (*packet.Writer).Int32, (*packet.Reader).Int32)
	case 7:
		return fieldOf("int64", rapid.Int64().Draw(t, "v"), (*packet.Writer).Int64, (*packet.Reader).Int64)
	case 8:
		return fieldOf("bool", rapid.Bool().Draw(t, "v"), (*packet.Writer).Bool, (*packet.Reader).Bool)
	case 9:
		return fieldOf("float32", rapid.Uint32().Draw(t, "bits"),
			func(w *packet.Writer, bits uint32) { w.Float32(math.Float32frombits(bits)) },
			func(r *packet.Reader) uint32 { return math.Float32bits(r.Float32()) })
	case 10:
		return fieldOf("float64", rapid.Uint64().Draw(t, "bits"),
			func(w *packet.Writer, bits uint64) { w.Float64(math.Float64frombits(bits)) },
			func(r *packet.Reader) uint64 { return math.Float64bits(r.Float64()) })
	case 11:
		v := rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(t, "v")
		return fieldOf("bytes", v, (*packet.Writer).Bytes,
			func(r *packet.Reader) []byte { return r.Bytes(len(v)) })
	default:
		return fieldOf("text", rapid.String().Draw(t, "v"), (*packet.Writer).Text, (*packet.Reader).Text)
	}
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before := rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "before")
		fields := rapid.SliceOfN(rapid.Custom(anyField), 0, 20).Draw(t, "fields")

		w := packet.NewPacketWriter(bytes.Clone(before), 77)
		for _, f := range fields {
			f.write(&w)
		}
		b, err := w.Result()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(b, before) {
			t.Fatalf("what was in the buffer became % x", b)
		}
		p, n, err := packet.Split(b[len(before):])
		if err != nil || n != len(b)-len(before) || p.ID != 77 {
			t.Fatalf("Split = id %d, %d, %v", p.ID, n, err)
		}

		r := packet.NewReader(p.Payload)
		for i, f := range fields {
			if got, want := f.read(&r); !reflect.DeepEqual(got, want) {
				t.Fatalf("field %d, %s: read %v, wrote %v", i, f.name, got, want)
			}
		}
		if err := r.Done(); err != nil {
			t.Fatal(err)
		}

		// The same record cut short anywhere is an error, and only that.
		if len(p.Payload) > 0 {
			cut := packet.NewReader(p.Payload[:rapid.IntRange(0, len(p.Payload)-1).Draw(t, "cut")])
			for _, f := range fields {
				f.read(&cut)
			}
			if cut.Err() == nil {
				t.Fatal("a record cut short was read without an error")
			}
		}
	})
}

func TestWriterKeepsItsLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before := rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "before")
		limit := rapid.IntRange(-1, 60).Draw(t, "limit")
		fields := rapid.SliceOfN(rapid.Custom(anyField), 0, 20).Draw(t, "fields")

		w := packet.NewWriter(bytes.Clone(before), limit)
		wrote := 0
		for _, f := range fields {
			f.write(&w)
			if w.Len() < wrote || w.Len() > max(limit, 0) {
				t.Fatalf("%d bytes after %d, the limit is %d", w.Len(), wrote, limit)
			}
			wrote = w.Len()
		}
		b, err := w.Result()
		if err == nil {
			if len(b) != len(before)+wrote {
				t.Fatalf("result of %d bytes, %d were there and %d written", len(b), len(before), wrote)
			}
			return
		}
		var write *packet.WriteError
		if !errors.As(err, &write) || write.Need <= write.Have || write.Have != max(limit, 0)-wrote {
			t.Fatalf("error %v with %d of %d bytes written", err, wrote, limit)
		}
		if !bytes.Equal(b, before) {
			t.Fatalf("after an error the buffer is % x, it was % x", b, before)
		}
	})
}

func TestReaderErrorsAreTypedAndStay(t *testing.T) {
	cases := map[string]struct {
		payload []byte
		read    func(r *packet.Reader)
		want    packet.ReadError
	}{
		"short number":   {[]byte{1, 2, 3}, func(r *packet.Reader) { r.Uint8(); r.Uint32() }, packet.ReadError{Op: "uint32", Offset: 1, Need: 4, Have: 2}},
		"short bytes":    {[]byte{1}, func(r *packet.Reader) { r.Bytes(2) }, packet.ReadError{Op: "bytes", Need: 2, Have: 1}},
		"negative bytes": {[]byte{1}, func(r *packet.Reader) { r.Bytes(-1) }, packet.ReadError{Op: "bytes", Need: -1, Have: 1}},
		"half a length":  {[]byte{1}, func(r *packet.Reader) { _ = r.Text() }, packet.ReadError{Op: "text", Need: 2, Have: 1}},
		"short text":     {[]byte{3, 0, 'a'}, func(r *packet.Reader) { _ = r.Text() }, packet.ReadError{Op: "text", Offset: 2, Need: 3, Have: 1}},
		"bool":           {[]byte{1, 2}, func(r *packet.Reader) { r.Bool(); r.Bool() }, packet.ReadError{Op: "bool", Offset: 1, Need: 1, Have: 1, Err: packet.ErrBool}},
		"trailing":       {[]byte{1, 2, 3}, func(r *packet.Reader) { r.Uint8(); _ = r.Done() }, packet.ReadError{Op: "end", Offset: 1, Have: 2, Err: packet.ErrTrailing}},
	}
	for name, c := range cases {
		r := packet.NewReader(c.payload)
		c.read(&r)
		var got *packet.ReadError
		if !errors.As(r.Err(), &got) || *got != c.want {
			t.Errorf("%s: %v, want %v", name, r.Err(), &c.want)
			continue
		}
		if r.Uint8() != 0 || r.Bytes(0) != nil || r.Left() != 0 || r.Text() != "" {
			t.Errorf("%s: the reader goes on after its error", name)
		}
		if r.Done() != error(got) {
			t.Errorf("%s: the error became %v", name, r.Done())
		}
	}
}

func TestReaderTextIsChecked(t *testing.T) {
	r := packet.NewReader([]byte{9, 3, 0, 'a', 0xff, 'b'})
	r.Uint8()
	if s := r.Text(); s != "" {
		t.Errorf("text that is not UTF-8 was read as %q", s)
	}
	var text *packet.TextError
	if !errors.As(r.Err(), &text) || text.Offset != 1 {
		t.Errorf("error %v", r.Err())
	}
}

func TestWriterRefusesText(t *testing.T) {
	for name, s := range map[string]string{
		"not UTF-8": "a\xff",
		"too long":  string(make([]byte, math.MaxUint16+1)),
	} {
		w := packet.NewWriter(nil, math.MaxInt32)
		w.Text(s)
		var write *packet.WriteError
		if b, err := w.Result(); !errors.As(err, &write) || len(b) != 0 {
			t.Errorf("text that is %s: %d bytes, %v", name, len(b), err)
		}
	}
}

func TestWriterReserve(t *testing.T) {
	dirty := bytes.Repeat([]byte{0xee}, 32)
	w := packet.NewWriter(dirty[:1], 20)
	w.Uint8(1)
	mark := w.ReserveUint16()
	copy(w.Reserve(3), "abc")
	w.Reserve(2)
	w.SetUint16At(mark, 0x0506)
	b, err := w.Result()
	if want := []byte{0xee, 1, 6, 5, 'a', 'b', 'c', 0, 0}; err != nil || !bytes.Equal(b, want) {
		t.Errorf("wrote % x, %v, want % x", b, err, want)
	}

	for _, bad := range []packet.Mark{-1, mark + 6, 1 << 30} {
		w := packet.NewWriter(nil, 20)
		w.Reserve(8)
		w.SetUint16At(bad, 1)
		if !errors.Is(w.Err(), packet.ErrMark) {
			t.Errorf("mark %d: %v", bad, w.Err())
		}
	}
	w = packet.NewWriter(nil, 2)
	if w.Reserve(3) != nil || w.Err() == nil {
		t.Error("reserved more than the limit")
	}
}
