package iouring_test

import (
	"errors"
	"runtime"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"sarang/aio/iouring"
)

// open opens a ring on a locked thread; it skips the test where there is no io_uring.
func open(t testing.TB, submissions, completions int) *iouring.Ring {
	t.Helper()
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
	r, err := iouring.Open(submissions, completions)
	for _, refusal := range []error{iouring.ErrTooOld, syscall.ENOSYS, syscall.EPERM} {
		if errors.Is(err, refusal) {
			t.Skip(err)
		}
	}
	must(t, err)
	t.Cleanup(func() { must(t, r.Close()) })
	return r
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// nop queues a request that does nothing.
func nop(r *iouring.Ring, userData uint64) {
	e := r.Next()
	e.Op, e.UserData = iouring.OpNop, userData
}

// want takes the next completion, waiting for it.
func want(t testing.TB, r *iouring.Ring, userData uint64) iouring.CQE {
	t.Helper()
	for r.Ready() == 0 {
		must(t, r.Enter(true, 10*time.Second))
	}
	c := r.Take()
	if c.UserData != userData {
		t.Fatalf("completion of request %d, want %d", c.UserData, userData)
	}
	return c
}

// TestSizes: what is shared with the kernel has the kernel's layout.
func TestSizes(t *testing.T) {
	if n := unsafe.Sizeof(iouring.SQE{}); n != 64 {
		t.Errorf("an SQE has %d bytes, want 64", n)
	}
	if n := unsafe.Sizeof(iouring.CQE{}); n != 16 {
		t.Errorf("a CQE has %d bytes, want 16", n)
	}
}

// TestOrder: requests complete in their order, round and round the queues.
func TestOrder(t *testing.T) {
	r := open(t, 4, 8)
	sent, got := uint64(0), uint64(0)
	for range 50 {
		for !r.Full() {
			nop(r, sent)
			sent++
		}
		if n := r.Queued(); n != 4 {
			t.Fatalf("%d submissions are queued in a full ring of 4", n)
		}
		for got < sent {
			want(t, r, got)
			got++
		}
	}
	if r.Queued() != 0 || r.Ready() != 0 || r.Pending() {
		t.Errorf("at rest %d are queued, %d ready, pending: %v", r.Queued(), r.Ready(), r.Pending())
	}
}

// TestRaw: a raw entry hands over and completes as well.
func TestRaw(t *testing.T) {
	r := open(t, 4, 8)
	nop(r, 1)
	must(t, r.EnterRaw())
	if r.Queued() != 0 || r.Ready() != 1 {
		t.Fatalf("%d are queued, %d ready, want 0 and 1", r.Queued(), r.Ready())
	}
	want(t, r, 1)
}

// TestOverflow: completions that do not fit the queue are kept by the kernel.
func TestOverflow(t *testing.T) {
	const many = 40
	r := open(t, 8, 8)
	for i := range uint64(many) {
		if r.Full() {
			must(t, r.Enter(false, 0))
		}
		nop(r, i)
	}
	must(t, r.Enter(false, 0))
	if !r.Pending() {
		t.Error("there are more completions than fit, and none is pending")
	}
	for i := range uint64(many) {
		want(t, r, i)
	}
}

// TestTimeout: a wait for nothing ends in time.
func TestTimeout(t *testing.T) {
	r := open(t, 4, 8)
	const timeout = 20 * time.Millisecond
	before := time.Now()
	must(t, r.Enter(true, timeout))
	if took := time.Since(before); took < timeout || r.Ready() != 0 {
		t.Errorf("waiting for %v took %v, and %d completions are ready", timeout, took, r.Ready())
	}
}

// TestProbe: an operation that no kernel has is named.
func TestProbe(t *testing.T) {
	r := open(t, 4, 8)
	must(t, r.Probe(iouring.OpNop, iouring.OpRecv))
	err := r.Probe(iouring.OpRecv, 255)
	var unsupported *iouring.UnsupportedError
	if !errors.As(err, &unsupported) || unsupported.Op != 255 {
		t.Errorf("operation 255: got %v, want an UnsupportedError", err)
	}
}

// TestBuffers: one request receives again and again into provided buffers, until none
// is left; what goes back can be filled again.
func TestBuffers(t *testing.T) {
	r := open(t, 4, 16)
	const group, count, size = 3, 4, 16
	b, err := r.NewBuffers(group, count, size)
	must(t, err)
	b.Poison = true
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	receive := func() {
		e := r.Next()
		e.Op, e.FD, e.UserData = iouring.OpRecv, int32(pair[0]), 9
		e.Flags, e.BufGroup = iouring.SQEBufferSelect, group
		e.IoPrio = iouring.RecvMultishot | iouring.RecvPollFirst
	}
	receive()
	for range 3 {
		var lent [][]byte
		for i := range count {
			text := []byte{'a' + byte(i), 'b', 'c'}
			_, err := unix.Write(pair[1], text)
			must(t, err)
			c := want(t, r, 9)
			if !c.More() || !c.HasBuffer() || int(c.Res) != len(text) {
				t.Fatalf("got %+v, want %d bytes and more to come", c, len(text))
			}
			p := b.Lend(c.BufferID(), int(c.Res))
			if string(p) != string(text) || cap(p) != len(text) {
				t.Fatalf("got %q with room for %d, want %q", p, cap(p), text)
			}
			lent = append(lent, p)
		}
		_, err := unix.Write(pair[1], []byte("one too many"))
		must(t, err)
		if c := want(t, r, 9); c.More() || syscall.Errno(-c.Res) != unix.ENOBUFS {
			t.Fatalf("without a buffer: got %+v, want the end with ENOBUFS", c)
		}
		if n := b.GiveBack(); n != count {
			t.Errorf("%d buffers went back, want %d", n, count)
		}
		if lent[0][0] == 'a' {
			t.Error("a buffer that went back still has its bytes")
		}
		receive()
		c := want(t, r, 9)
		b.Lend(c.BufferID(), int(c.Res))
		b.GiveBack()
	}
	must(t, unix.Close(pair[1]))
	if c := want(t, r, 9); c.More() || c.Res != 0 {
		t.Errorf("at the end of the stream: got %+v", c)
	}
	must(t, unix.Close(pair[0]))
	b.Close()
}

// TestCancel: a request ends by its own completion when it is canceled.
func TestCancel(t *testing.T) {
	r := open(t, 4, 8)
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	e := r.Next()
	e.Op, e.FD, e.UserData, e.OpFlags = iouring.OpPollAdd, int32(pair[0]), 1, unix.POLLIN
	must(t, r.Enter(false, 0))
	e = r.Next()
	e.Op, e.FD, e.UserData = iouring.OpAsyncCancel, -1, 2
	e.OpFlags = iouring.CancelAll | iouring.CancelAny
	results := map[uint64]int32{}
	for len(results) < 2 {
		must(t, r.Enter(r.Ready() == 0, 10*time.Second))
		for r.Ready() > 0 {
			c := r.Take()
			results[c.UserData] = c.Res
		}
	}
	if syscall.Errno(-results[1]) != unix.ECANCELED || results[2] != 1 {
		t.Errorf("the poll ended with %d, the cancel with %d", results[1], results[2])
	}
	must(t, unix.Close(pair[0]))
	must(t, unix.Close(pair[1]))
}

// BenchmarkNop: one request of a batch of 64, through the kernel and back.
func BenchmarkNop(b *testing.B) {
	const batch = 64
	r := open(b, batch, 2*batch)
	b.ReportAllocs()
	for done := 0; done < b.N; done += batch {
		for i := range uint64(batch) {
			nop(r, i)
		}
		must(b, r.EnterRaw())
		for range batch {
			r.Take()
		}
	}
}
