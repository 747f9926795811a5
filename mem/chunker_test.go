package mem_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sarang/mem"
)

// message is what a chunker made, and what it should say.
type message struct {
	buf  *mem.Buf
	off  int
	want []byte
}

func (m message) good() bool { return bytes.Equal(m.buf.Bytes()[m.off:m.off+len(m.want)], m.want) }

func TestChunkerAgainstModel(t *testing.T) {
	bothModes(t, func(t *testing.T, c mem.Config) {
		rapid.Check(t, func(t *rapid.T) {
			p := mem.NewPool(c)
			chunker := mem.NewChunker(p, 256)
			var held []message
			fill := func(t *rapid.T, n int) []byte {
				return bytes.Repeat([]byte{rapid.Byte().Draw(t, "fill")}, n)
			}
			t.Repeat(map[string]func(*rapid.T){
				"append": func(t *rapid.T) {
					want := fill(t, rapid.IntRange(0, 400).Draw(t, "n"))
					buf, off, err := chunker.Append(want)
					if err != nil {
						t.Fatal(err)
					}
					held = append(held, message{buf, off, want})
				},
				"reserve": func(t *rapid.T) {
					n := rapid.IntRange(0, 300).Draw(t, "reserved")
					room, err := chunker.Reserve(n)
					if err != nil || len(room) != n || cap(room) != n {
						t.Fatalf("Reserve(%d): %d bytes, %v", n, len(room), err)
					}
					copy(room, fill(t, n))
					if rapid.Bool().Draw(t, "forget") {
						return
					}
					used := rapid.IntRange(0, n).Draw(t, "used")
					want := slices.Clone(room[:used])
					buf, off := chunker.Commit(used)
					held = append(held, message{buf, off, want})
				},
				"release": func(t *rapid.T) {
					if len(held) == 0 {
						t.Skip("nothing is held")
					}
					i := rapid.IntRange(0, len(held)-1).Draw(t, "which")
					held[i].buf.Release()
					held = slices.Delete(held, i, i+1)
				},
				"drop": func(*rapid.T) { chunker.Drop() },
				"": func(t *rapid.T) {
					for _, m := range held {
						if !m.good() {
							t.Fatalf("a message of %d bytes was overwritten", len(m.want))
						}
					}
					// the promised bound, and one chunk and one reservation at work
					if n := p.Stats().Total.InUse; n > len(held)+2 {
						t.Fatalf("%d buffers for %d messages", n, len(held))
					}
				},
			})
			chunker.Drop()
			for _, m := range held {
				m.buf.Release()
			}
			if err := p.Close(); err != nil {
				t.Fatal(err)
			}
		})
	})
}

func appendTo(t testing.TB, c *mem.Chunker, n int) (*mem.Buf, int) {
	t.Helper()
	buf, off, err := c.Append(make([]byte, n))
	if err != nil {
		t.Fatalf("Append of %d bytes: %v", n, err)
	}
	return buf, off
}

func TestChunkerShares(t *testing.T) {
	p := newPool(t, mem.Config{})
	c := mem.NewChunker(p, 0)
	const n = 1000
	var bufs []*mem.Buf
	for i := range 16 {
		buf, off := appendTo(t, c, n)
		if off != i*n {
			t.Errorf("message %d is at %d", i, off)
		}
		bufs = append(bufs, buf)
	}
	if s := p.Stats(); s.Total.InUse != 1 || s.Total.InUseBytes != 16<<10 {
		t.Errorf("16 messages take %+v", s.Total)
	}
	next, off := appendTo(t, c, n) // does not fit any more
	if next == bufs[0] || off != 0 {
		t.Errorf("message 17 is at %d, in the same chunk: %v", off, next == bufs[0])
	}
	for _, b := range bufs {
		b.Release()
	}
	if s := p.Stats(); s.Total.InUse != 1 {
		t.Errorf("the full chunk is still held: %+v", s.Total)
	}
	next.Release()
	c.Drop()
}

// A chunk that is filled to the last byte belongs to its messages alone.
func TestChunkerLetsGoOfAFullChunk(t *testing.T) {
	p := newPool(t, mem.Config{})
	c := mem.NewChunker(p, 1024)
	a, _ := appendTo(t, c, 512)
	b, _ := appendTo(t, c, 512)
	a.Release()
	b.Release()
	if s := p.Stats(); s.Total.InUse != 0 {
		t.Errorf("%+v", s.Total)
	}
}

func TestChunkerGivesLargeOnesTheirOwn(t *testing.T) {
	p := newPool(t, mem.Config{})
	c := mem.NewChunker(p, 1024)
	small, _ := appendTo(t, c, 700)
	for _, n := range []int{5000, 1024, 400} { // more than a chunk; more than a quarter that does not fit
		large, off := appendTo(t, c, n)
		if large == small || off != 0 || large.Len() != n {
			t.Errorf("%d bytes are at %d of %d", n, off, large.Len())
		}
		large.Release()
	}
	after, off := appendTo(t, c, 100)
	if after != small || off != 700 {
		t.Errorf("the chunk was not gone on with: offset %d", off)
	}
	small.Release()
	after.Release()
	c.Drop()
}

func TestChunkerStartsOver(t *testing.T) {
	p := newPool(t, mem.Config{})
	c := mem.NewChunker(p, 1024)
	for range 100 {
		buf, _ := appendTo(t, c, 100)
		buf.Release()
	}
	if s := p.Stats(); s.Total.Gets != 1 {
		t.Errorf("messages that were gone at once took %d chunks", s.Total.Gets)
	}
	c.Drop()
}

func TestChunkerErrors(t *testing.T) {
	p := newPool(t, mem.Config{SlabBytes: 128 << 10, LimitBytes: 128 << 10})
	c := mem.NewChunker(p, 1024)
	if _, err := c.Reserve(-1); !errors.Is(err, mem.ErrSize) {
		t.Errorf("Reserve(-1): %v", err)
	}
	wantText(t, panicText(t, func() { c.Commit(0) }), "none")
	buf, _ := appendTo(t, c, 10)
	if _, _, err := c.Append(make([]byte, 2048)); !errors.Is(err, mem.ErrLimit) {
		t.Errorf("Append over the limit: %v", err)
	}
	wantText(t, panicText(t, func() { c.Commit(0) }), "none")
	if _, err := c.Reserve(5); err != nil {
		t.Errorf("the chunk is lost after an error: %v", err)
	}
	for _, n := range []int{-1, 6} {
		wantText(t, panicText(t, func() { c.Commit(n) }), "5 reserved")
	}
	buf.Release()
	c.Drop()
}

func TestChunkerAllocatesNothing(t *testing.T) {
	p := newPool(t, mem.Config{})
	c := mem.NewChunker(p, 4096)
	msg := make([]byte, 333)
	var held mem.Ring[*mem.Buf]
	wantNoAllocs(t, func() {
		buf, _, err := c.Append(msg)
		if err != nil {
			t.Fatal(err)
		}
		held.PushBack(buf)
		if held.Len() > 50 {
			old, _ := held.PopFront()
			old.Release()
		}
	})
	for range held.Len() {
		old, _ := held.PopFront()
		old.Release()
	}
	c.Drop()
}

func BenchmarkChunkerAppend(b *testing.B) {
	p := newPool(b, mem.Config{})
	c := mem.NewChunker(p, 0)
	msg := make([]byte, 100)
	b.ReportAllocs()
	for b.Loop() {
		buf, _, err := c.Append(msg)
		if err != nil {
			b.Fatal(err)
		}
		buf.Release()
	}
	c.Drop()
}
