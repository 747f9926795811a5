package mem_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"sarang/mem"
)

func TestGetSizes(t *testing.T) {
	bothModes(t, func(t *testing.T, c mem.Config) {
		p := newPool(t, c)
		sizes := []int{
			0, 1, 63, 64, 65, 127, 128, 129, 4095, 4096, 4097,
			mem.ClassBytesMax - 1, mem.ClassBytesMax, mem.ClassBytesMax + 1, 3<<20 + 7,
		}
		for _, n := range sizes {
			b := get(t, p, n)
			data := b.Bytes()
			if len(data) != n || cap(data) != n || b.Len() != n || b.Cap() < n {
				t.Errorf("Get(%d): len %d, cap %d, Len %d, Cap %d", n, len(data), cap(data), b.Len(), b.Cap())
			}
			for i := range data {
				data[i] = byte(i)
			}
			b.Release()
		}
		s := p.Stats()
		if got := s.Total.Gets; got != uint64(len(sizes)) || s.Large.Gets != 2 || s.Classes[0].Gets != 4 {
			t.Errorf("gets: total %d, large %d, smallest %d", got, s.Large.Gets, s.Classes[0].Gets)
		}
		if _, err := p.Get(-1); !errors.Is(err, mem.ErrSize) {
			t.Errorf("Get(-1): %v", err)
		}
		if _, err := p.Get(int(^uint(0) >> 1)); err == nil {
			t.Error("all of the address space was handed out")
		}
	})
}

func TestClassesArePowersOfTwo(t *testing.T) {
	p := newPool(t, mem.Config{SlabBytes: 1})
	size := mem.ClassBytesMin
	for _, c := range p.Stats().Classes {
		if c.SizeBytes != size {
			t.Errorf("class of %d bytes, want %d", c.SizeBytes, size)
		}
		b := get(t, p, size)
		if b.Cap() != size {
			t.Errorf("Get(%d) takes %d bytes", size, b.Cap())
		}
		b.Release()
		size *= 2
	}
	if size != 2*mem.ClassBytesMax {
		t.Errorf("largest class is %d bytes", size/2)
	}
	for _, c := range p.Stats().Classes { // the slab size was rounded up
		if c.ReservedBytes != mem.ClassBytesMax || c.Reserved != mem.ClassBytesMax/c.SizeBytes {
			t.Errorf("%+v", c)
		}
	}
}

// poolModel is what a pool is asked for, kept in ordinary slices.
type poolModel struct {
	pool *mem.Pool
	live []modelBuf
}

type modelBuf struct {
	buf  *mem.Buf
	want []byte
	refs int
}

func (m *poolModel) get(t *rapid.T) {
	n := rapid.OneOf(rapid.IntRange(0, 300), rapid.IntRange(0, 200<<10)).Draw(t, "n")
	b, err := m.pool.Get(n)
	if err != nil {
		t.Fatalf("Get(%d): %v", n, err)
	}
	want := bytes.Repeat([]byte{rapid.Byte().Draw(t, "fill")}, n)
	copy(b.Bytes(), want)
	m.live = append(m.live, modelBuf{b, want, 1})
}

func (m *poolModel) pick(t *rapid.T) *modelBuf {
	if len(m.live) == 0 {
		t.Skip("nothing is live")
	}
	return &m.live[rapid.IntRange(0, len(m.live)-1).Draw(t, "which")]
}

func (m *poolModel) retain(t *rapid.T) {
	b := m.pick(t)
	b.buf.Retain()
	b.refs++
}

func (m *poolModel) release(t *rapid.T) {
	b := m.pick(t)
	b.buf.Release()
	if b.refs--; b.refs == 0 {
		m.live = slices.DeleteFunc(m.live, func(x modelBuf) bool { return x.refs == 0 })
	}
}

func (m *poolModel) check(t *rapid.T) {
	var taken int64
	for _, b := range m.live {
		if !bytes.Equal(b.buf.Bytes(), b.want) {
			t.Fatalf("a buffer of %d bytes was overwritten", len(b.want))
		}
		taken += int64(b.buf.Cap())
	}
	s := m.pool.Stats()
	if s.Total.InUse != len(m.live) {
		t.Fatalf("in use: %d, want %d", s.Total.InUse, len(m.live))
	}
	if s.Total.InUseBytes < taken || s.Total.ReservedBytes < s.Total.InUseBytes || s.Total.Reserved < s.Total.InUse {
		t.Fatalf("figures do not fit %d bytes in use: %+v", taken, s.Total)
	}
}

func TestPoolAgainstModel(t *testing.T) {
	bothModes(t, func(t *testing.T, c mem.Config) {
		rapid.Check(t, func(t *rapid.T) {
			m := &poolModel{pool: mem.NewPool(c)}
			t.Repeat(map[string]func(*rapid.T){
				"get": m.get, "retain": m.retain, "release": m.release, "": m.check,
			})
			for _, b := range m.live {
				for range b.refs {
					b.buf.Release()
				}
			}
			if err := m.pool.Close(); err != nil {
				t.Fatalf("Close: %v", err)
			}
		})
	})
}

// Each buffer goes through every goroutine; whoever is the last to have it releases
// it for good.
func TestConcurrentOwners(t *testing.T) {
	bothModes(t, func(t *testing.T, c mem.Config) {
		const readers, rounds = 4, 200
		p := newPool(t, c)
		inboxes := make([]chan *mem.Buf, readers)
		var wg sync.WaitGroup
		for i := range inboxes {
			inbox := make(chan *mem.Buf, 16)
			inboxes[i] = inbox
			wg.Go(func() {
				for b := range inbox {
					data := b.Bytes()
					if want := bytes.Repeat([]byte{byte(len(data))}, len(data)); !bytes.Equal(data, want) {
						t.Errorf("a buffer of %d bytes was overwritten", len(data))
					}
					b.Release()
				}
			})
		}
		var writers sync.WaitGroup
		for w := range 3 {
			writers.Go(func() {
				for r := range rounds {
					n := (r*131 + w) % 5000
					b := get(t, p, n)
					for i := range b.Bytes() {
						b.Bytes()[i] = byte(n)
					}
					for _, inbox := range inboxes {
						b.Retain()
						inbox <- b
					}
					b.Release()
				}
			})
		}
		writers.Wait()
		for _, inbox := range inboxes {
			close(inbox)
		}
		wg.Wait()
		if s := p.Stats(); s.Total.InUse != 0 || s.Total.Gets != 3*rounds {
			t.Errorf("%+v", s.Total)
		}
	})
}

func TestLimit(t *testing.T) {
	bothModes(t, func(t *testing.T, c mem.Config) {
		c.SlabBytes, c.LimitBytes = mem.ClassBytesMax, 4*mem.ClassBytesMax
		p := newPool(t, c)
		var bufs []*mem.Buf
		for {
			b, err := p.Get(mem.ClassBytesMax)
			if err != nil {
				if !errors.Is(err, mem.ErrLimit) {
					t.Fatalf("Get: %v", err)
				}
				break
			}
			bufs = append(bufs, b)
		}
		if len(bufs) != 4 {
			t.Fatalf("%d buffers within the limit, want 4", len(bufs))
		}
		for _, n := range []int{64, mem.ClassBytesMax + 1} {
			if _, err := p.Get(n); !errors.Is(err, mem.ErrLimit) {
				t.Errorf("Get(%d) over the limit: %v", n, err)
			}
		}
		if s := p.Stats(); s.Total.ReservedBytes != s.LimitBytes || s.LimitBytes != c.LimitBytes {
			t.Errorf("reserved %d, limit %d", s.Total.ReservedBytes, s.LimitBytes)
		}
		bufs[0].Release()
		bufs[0] = get(t, p, mem.ClassBytesMax) // what was reserved serves again
		for _, b := range bufs {
			b.Release()
		}
	})
}

// What one class reserved at its peak is there for another when it is idle.
func TestIdleClassDoesNotStarveAnother(t *testing.T) {
	p := newPool(t, mem.Config{SlabBytes: mem.ClassBytesMax, LimitBytes: mem.ClassBytesMax})
	small := get(t, p, 64)
	if _, err := p.Get(1000); !errors.Is(err, mem.ErrLimit) {
		t.Fatalf("Get while the other class is in use: %v", err)
	}
	small.Release()
	other := get(t, p, 1000)
	wantText(t, panicText(t, small.Release), "release of a free buffer")
	if _, err := p.Get(64); !errors.Is(err, mem.ErrLimit) {
		t.Errorf("Get while the other class is in use: %v", err)
	}
	other.Release()
	get(t, p, 64).Release()
}

func TestLargeGivesItsReserveBack(t *testing.T) {
	bothModes(t, func(t *testing.T, c mem.Config) {
		c.LimitBytes = 1 << 20
		p := newPool(t, c)
		for range 3 {
			b := get(t, p, 700<<10)
			if _, err := p.Get(700 << 10); !errors.Is(err, mem.ErrLimit) {
				t.Fatalf("second large buffer: %v", err)
			}
			b.Release()
		}
	})
}

func TestCopy(t *testing.T) {
	p := newPool(t, mem.Config{LimitBytes: 1 << 20})
	src := []byte("a guest is received")
	b, err := p.Copy(src)
	if err != nil {
		t.Fatal(err)
	}
	clear(src)
	if got := string(b.Bytes()); got != "a guest is received" {
		t.Errorf("copy is %q", got)
	}
	b.Release()
	if _, err := p.Copy(make([]byte, 2<<20)); !errors.Is(err, mem.ErrLimit) {
		t.Errorf("Copy over the limit: %v", err)
	}
}

func TestMisusePanics(t *testing.T) {
	bothModes(t, func(t *testing.T, c mem.Config) {
		for _, n := range []int{10, 1 << 20} {
			p := newPool(t, c)
			b := get(t, p, n)
			b.Retain()
			b.Release()
			b.Release()
			wantText(t, panicText(t, b.Release), "release of a free buffer", fmt.Sprint(n))
			wantText(t, panicText(t, b.Retain), "retain of a free buffer")
			wantText(t, panicText(t, func() { b.Bytes() }), "use of a free buffer")
			wantText(t, panicText(t, func() { b.Cap() }), "use of a free buffer")
			get(t, p, n).Release() // the pool is not harmed
		}
	})
}

func TestCloseReportsLeaks(t *testing.T) {
	bothModes(t, func(t *testing.T, c mem.Config) {
		for _, n := range []int{100, 200 << 10} {
			p := mem.NewPool(c)
			get(t, p, n).Release()
			b, other := get(t, p, n), get(t, p, n)
			b.Retain()
			copy(b.Bytes(), "still here")
			other.Release()
			leaks := leaksOf(t, p.Close())
			if len(leaks) != 1 || leaks[0].SizeBytes != n || leaks[0].Refs != 2 {
				t.Errorf("leaks are %+v", leaks)
			}
			if err := p.Close(); err != nil {
				t.Errorf("second Close: %v", err)
			}
			for _, n := range []int{0, n, 1 << 20} {
				if _, err := p.Get(n); !errors.Is(err, mem.ErrClosed) {
					t.Errorf("Get after Close: %v", err)
				}
			}
			if !bytes.HasPrefix(b.Bytes(), []byte("still here")) {
				t.Error("a buffer in use was lost by Close")
			}
			b.Release()
			b.Release()
			if s := p.Stats(); s.Total.ReservedBytes != 0 || s.Total.InUse != 0 {
				t.Errorf("after the last release: %+v", s.Total)
			}
		}
	})
}

func TestLeakErrorText(t *testing.T) {
	p := mem.NewPool(mem.Config{})
	bufs := make([]*mem.Buf, 20)
	for i := range bufs {
		bufs[i] = get(t, p, 100)
	}
	err := p.Close()
	if len(leaksOf(t, err)) != len(bufs) {
		t.Errorf("%d leaks listed, want %d", len(leaksOf(t, err)), len(bufs))
	}
	wantText(t, err.Error(), "20 still in use", "2000 bytes", "and 12 more")
	for _, b := range bufs {
		b.Release()
	}
}

func TestGetReleaseAllocatesNothing(t *testing.T) {
	p := newPool(t, mem.Config{})
	var bufs [100]*mem.Buf
	wantNoAllocs(t, func() {
		for i := range bufs {
			bufs[i] = get(t, p, i*100)
			bufs[i].Retain()
		}
		for _, b := range bufs {
			b.Release()
			b.Release()
		}
	})
}

func BenchmarkGetRelease(b *testing.B) {
	for _, n := range []int{64, 4 << 10, 128 << 10, 256 << 10} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			p := newPool(b, mem.Config{})
			b.ReportAllocs()
			for b.Loop() {
				buf, err := p.Get(n)
				if err != nil {
					b.Fatal(err)
				}
				buf.Release()
			}
		})
	}
	b.Run("parallel", func(b *testing.B) {
		p := newPool(b, mem.Config{})
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				buf, err := p.Get(256)
				if err != nil {
					b.Error(err)
					return
				}
				buf.Release()
			}
		})
	})
	b.Run("heap", func(b *testing.B) { // what it is measured against
		b.ReportAllocs()
		var keep []byte
		for b.Loop() {
			keep = make([]byte, 4<<10)
		}
		_ = keep
	})
}
