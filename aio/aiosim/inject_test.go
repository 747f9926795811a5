package aiosim_test

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"sarang/aio"
	"sarang/aio/aiosim"
)

// A reset after N bytes lets exactly N through, wherever the pieces end.
func TestResetAfterEveryByte(t *testing.T) {
	text := strings.Repeat("0123456789", 3)
	for _, piece := range []int{0, 1, 7} {
		for n := range len(text) {
			w := aiosim.NewWorld(aiosim.Config{Seed: 1, Faults: aiosim.Faults{
				DelayMax: time.Second, SegmentBytesMin: piece, SegmentBytesMax: piece,
			}})
			l := newLink(t, w)
			check(t, l.d.Recv(l.far))
			check(t, l.d.Recv(l.near))
			check(t, l.d.ResetAfter(l.far, n))
			check(t, l.d.Send(l.near, [][]byte{[]byte(text)}))
			got, resets := "", 0
			for resets < 2 {
				for _, e := range l.wait(time.Hour) {
					switch {
					case e.Kind == aio.KindRecv && e.Err == nil && e.Socket == l.far:
						got += string(e.Data)
					case e.Kind == aio.KindRecv && errors.Is(e.Err, syscall.ECONNRESET):
						resets++
					case e.Kind == aio.KindRecv:
						t.Fatalf("pieces of %d, reset after %d: %v", piece, n, e.Err)
					}
				}
			}
			if got != text[:n] {
				t.Errorf("pieces of %d, reset after %d: %q arrived", piece, n, got)
			}
			if s := w.Stats(); s.NetworkResets != 1 || s.Resets != 2 {
				t.Errorf("the counts say %d injected and %d arrived", s.NetworkResets, s.Resets)
			}
		}
	}
}

// A connection that ends by itself takes its fuse with it: the next one that has its
// place is not harmed.
func TestResetAfterIsForgotten(t *testing.T) {
	w := aiosim.NewWorld(aiosim.Config{Seed: 1})
	for range 3 {
		l := newLink(t, w)
		l.send(l.near, "all of it")
		check(t, l.d.Recv(l.far))
		if e := l.one(aio.KindRecv); string(e.Data) != "all of it" {
			t.Fatalf("%q, %v", e.Data, e.Err)
		}
		check(t, l.d.ResetAfter(l.far, 5))
		check(t, l.d.Close(l.near))
		check(t, l.d.Close(l.far))
		for closed := 0; closed < 2; {
			for _, e := range l.wait(time.Hour) {
				if e.Kind == aio.KindDisconnect {
					closed++
				}
			}
		}
	}
}

// A slow reader gets a few bytes in each Wait, the sender stays full meanwhile, and
// nothing is lost.
func TestSip(t *testing.T) {
	w := aiosim.NewWorld(aiosim.Config{Seed: 1, SendBufferBytes: 15, RecvBufferBytes: 15})
	l := newLink(t, w)
	check(t, l.d.Sip(l.far, 3))
	text := "abcdefghijklmnopqrstuvwxyz0123"
	l.send(l.near, text)
	check(t, l.d.Send(l.near, [][]byte{[]byte("!")}))
	if e := l.one(aio.KindSend); !errors.Is(e.Err, aio.ErrWouldBlock) {
		t.Fatalf("the sender is not full: %v", e.Err)
	}
	check(t, l.d.Recv(l.far))
	got, waits := "", 0
	for writable := false; !writable; waits++ {
		lent := 0
		for _, e := range l.wait(0) {
			writable = writable || e.Kind == aio.KindWritable
			if e.Kind == aio.KindRecv {
				lent++
				got += string(e.Data)
			}
		}
		if lent > 1 || len(got) > 3*(waits+1) {
			t.Fatalf("%d receives in one Wait, %d bytes in %d Waits", lent, len(got), waits+1)
		}
	}
	check(t, l.d.Sip(l.far, 0))
	for len(got) < len(text) {
		for _, e := range l.wait(time.Hour) {
			got += string(e.Data)
		}
	}
	if n := w.Stats().Sips; got != text || waits < 3 || n != 1 {
		t.Errorf("got %q, writable after %d Waits; the counts say %d slow readers", got, waits, n)
	}
}
