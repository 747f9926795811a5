//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly || windows

package mem_test

import (
	"os"
	"runtime/debug"
	"testing"
	"unsafe"

	"sarang/mem"
)

// fault returns the address at which f faults, and fails if it does not.
func fault(t *testing.T, f func()) (addr uintptr) {
	t.Helper()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		t.Helper()
		e, ok := recover().(interface{ Addr() uintptr })
		if !ok {
			t.Fatal("no fault")
		}
		addr = e.Addr()
	}()
	f()
	return 0
}

// past returns a pointer to the byte i places after the start of data.
func past(data []byte, i int) *byte {
	return (*byte)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(data)), i))
}

func address(p *byte) uintptr { return uintptr(unsafe.Pointer(p)) }

func TestUseAfterFreeFaults(t *testing.T) {
	p := newPool(t, mem.Config{Debug: true})
	for _, n := range []int{1, 100, 4096, 10000, 1 << 20} {
		b := get(t, p, n)
		data := b.Bytes()
		data[0], data[n-1] = 1, 2
		b.Release()
		for _, i := range []int{0, n - 1} {
			if got := fault(t, func() { data[i]++ }); got != address(&data[i]) {
				t.Errorf("%d bytes: fault at %#x, want %#x", n, got, address(&data[i]))
			}
		}
	}
}

func TestOverrunFaults(t *testing.T) {
	p := newPool(t, mem.Config{Debug: true})
	for _, n := range []int{1, 100, 4096, 10000, 1 << 20} {
		b := get(t, p, n)
		end := past(b.Bytes(), n)
		var v byte
		if got := fault(t, func() { v = *end }); got != address(end) {
			t.Errorf("%d bytes: fault at %#x, want %#x", n, got, address(end))
		}
		if got := fault(t, func() { *end = v }); got != address(end) {
			t.Errorf("%d bytes: fault at %#x, want %#x", n, got, address(end))
		}
		b.Release()
	}
}

func TestUnderrunIsNoticedAtRelease(t *testing.T) {
	p := mem.NewPool(mem.Config{Debug: true})
	b := get(t, p, 100)
	*past(b.Bytes(), -3) = 7
	wantText(t, panicText(t, b.Release), "byte -3 in front of a buffer of 100 bytes", "TestUnderrunIsNoticedAtRelease")
	leaksOf(t, p.Close()) // it was not given back
}

func TestDebugNeverUsesAHeaderAgain(t *testing.T) {
	p := newPool(t, mem.Config{Debug: true})
	b := get(t, p, 100)
	b.Release()
	later := get(t, p, 100)
	defer later.Release()
	text := panicText(t, b.Release)
	wantText(t, text, "release of a free buffer", "taken at", "freed at", "TestDebugNeverUsesAHeaderAgain")
}

func TestDebugLeakHasItsStack(t *testing.T) {
	p := mem.NewPool(mem.Config{Debug: true})
	b, err := p.Get(10)
	if err != nil {
		t.Fatal(err)
	}
	err = p.Close()
	wantText(t, err.Error(), "TestDebugLeakHasItsStack", "guard_test.go")
	b.Release()
}

// More than the quarantine holds are freed, and thousands live at once.
func TestDebugHoldsThousands(t *testing.T) {
	p := newPool(t, mem.Config{Debug: true})
	bufs := make([]*mem.Buf, 4000)
	for range 2 {
		for i := range bufs {
			bufs[i] = get(t, p, 200)
			bufs[i].Bytes()[199] = 1
		}
		if s := p.Stats(); s.Total.InUse != len(bufs) || s.Total.ReservedBytes != int64(len(bufs))*256 {
			t.Fatalf("%+v", s.Total)
		}
		for _, b := range bufs {
			b.Release()
		}
	}
}

// What is freed stays unreadable for a while, but not for ever.
func TestQuarantineIsBounded(t *testing.T) {
	p := newPool(t, mem.Config{Debug: true})
	page := int64(os.Getpagesize())
	for range 3000 {
		get(t, p, 10).Release()
	}
	if got := p.Stats().QuarantineBytes; got != 1024*2*page { // data and guard page each
		t.Errorf("3000 small buffers leave %d bytes", got)
	}
	for range 100 {
		get(t, p, 1<<20).Release()
	}
	if got := p.Stats().QuarantineBytes; got > 64<<20 || got < 62<<20 {
		t.Errorf("100 large buffers leave %d bytes", got)
	}
}

// A chunk whose messages are gone is not written to again, so that whoever still
// reads them faults.
func TestDebugChunkerNeverStartsOver(t *testing.T) {
	p := newPool(t, mem.Config{Debug: true})
	c := mem.NewChunker(p, 1000)
	buf, off := appendTo(t, c, 150)
	stale := buf.Bytes()[off : off+150]
	buf.Release()
	for range 6 { // one more than fits, and the chunk is never quite full
		buf, _ := appendTo(t, c, 150)
		buf.Release()
	}
	fault(t, func() { stale[0]++ })
	c.Drop()
}
