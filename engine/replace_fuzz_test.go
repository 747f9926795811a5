package engine

import (
	"bytes"
	"testing"

	"sarang/mem"
)

// FuzzReplace has entries put into a feed and others of their lengths in their places, in any order and
// any number of times, while the window drops the oldest: the window holds what was put last, all of it,
// and gives its buffers back. An act in two bytes.
func FuzzReplace(f *testing.F) {
	f.Add([]byte{0, 3, 4, 0, 4, 2, 4, 1, 8, 0}, uint16(100))
	f.Add([]byte{0, 9, 1, 5, 4, 0, 4, 14, 4, 7, 4, 7, 0, 40, 4, 3}, uint16(30))
	f.Add([]byte{2, 200, 4, 0, 6, 1, 2, 200, 4, 1, 8, 0, 2, 3, 4, 0}, uint16(1))
	f.Fuzz(func(t *testing.T, script []byte, window uint16) {
		pool := mem.NewPool(mem.Config{Debug: true})
		defer func() {
			if err := pool.Close(); err != nil {
				t.Error(err)
			}
		}()
		feed := &Feed{first: 1, windowBytesMax: uint64(window), burstBytesMax: uint64(window)}
		r := replaced{t: t, pool: pool, feed: feed, want: [][]byte{nil}} // entry n at n
		for ; len(script) >= 2 && len(r.want) < 300; script = script[2:] {
			switch n := int(script[1]); script[0] % 10 {
			case 0, 1: // entries of different lengths in one buffer
				r.append(1+n%8, 1+n/8)
			case 2, 3:
				r.append(1, 1+n)
			case 8:
				r.check()
				feed.dropWindow()
			default:
				r.replace(uint64(n), int(script[0]))
			}
			r.check()
		}
		feed.dropWindow()
	})
}

// replaced is a feed, and what it is to hold.
type replaced struct {
	t    *testing.T
	pool *mem.Pool
	feed *Feed
	want [][]byte
	put  byte
}

// filled is a buffer with other bytes than any before it lately.
func (r *replaced) filled(n int) *mem.Buf {
	r.put++
	b, err := r.pool.Get(n)
	if err != nil {
		r.t.Fatal(err)
	}
	for i := range b.Bytes()[:n] {
		b.Bytes()[i] = r.put + byte(i)
	}
	return b
}

func (r *replaced) append(count, length int) {
	var ends []uint32
	end := 0
	for i := range count {
		end += length + i
		ends = append(ends, uint32(end))
	}
	off := int(r.put % 5)
	b := r.filled(off + end)
	from := off
	for _, e := range ends {
		r.want = append(r.want, bytes.Clone(b.Bytes()[from:off+int(e)]))
		from = off + int(e)
	}
	r.feed.Append(b, off, ends)
	b.Release()
}

// replace puts other bytes in the place of an entry, which may not be in the window.
func (r *replaced) replace(n uint64, off int) {
	length := 1
	if n > 0 && n < uint64(len(r.want)) {
		length = len(r.want[n])
	}
	b := r.filled(off + length)
	if n >= r.feed.First() && n < r.feed.Next() {
		r.want[n] = bytes.Clone(b.Bytes()[off : off+length])
	}
	r.feed.Replace(n, b, off)
	b.Release()
}

func (r *replaced) check() {
	r.t.Helper()
	f := r.feed
	if f.Next() != uint64(len(r.want)) {
		r.t.Fatalf("the next entry is %d, want %d", f.Next(), len(r.want))
	}
	bytesAll := 0
	for n := range uint64(len(r.want)) {
		got := f.Entry(n)
		if in := n >= f.First(); n == 0 || !in {
			if got != nil {
				r.t.Fatalf("entry %d is not in the window, and is %q", n, got)
			}
			continue
		}
		if !bytes.Equal(got, r.want[n]) {
			r.t.Fatalf("entry %d is %q, want %q", n, got, r.want[n])
		}
		bytesAll += len(got)
	}
	if f.WindowBytes() != bytesAll {
		r.t.Fatalf("the window has %d bytes, its entries %d", f.WindowBytes(), bytesAll)
	}
}
