package packet_test

import (
	"bytes"
	"errors"
	"testing"

	"sarang/packet"
)

func TestSplitIncomplete(t *testing.T) {
	whole := []byte{7, 0, 3, 1, 'a', 'b', 'c'}
	for i := range whole {
		p, n, err := packet.Split(whole[:i])
		if n != 0 || err != nil || p.Payload != nil {
			t.Errorf("%d bytes: %v, %d, %v", i, p, n, err)
		}
		want := len(whole)
		if i < packet.HeaderBytes {
			want = packet.HeaderBytes
		}
		if got := packet.Need(whole[:i]); got != want {
			t.Errorf("Need of %d bytes is %d, want %d", i, got, want)
		}
	}
	p, n, err := packet.Split(append(whole, "next"...))
	if err != nil || n != 7 || p.ID != 0x103 || string(p.Payload) != "abc" {
		t.Errorf("whole: %v, %d, %v", p, n, err)
	}
	if cap(p.Payload) != 3 {
		t.Errorf("an append to the payload would reach the next packet: capacity %d", cap(p.Payload))
	}
}

func TestSplitEmptyPayload(t *testing.T) {
	p, n, err := packet.Split([]byte{4, 0, 9, 0})
	if err != nil || n != 4 || p.ID != 9 || len(p.Payload) != 0 {
		t.Errorf("Split = %v, %d, %v", p, n, err)
	}
}

func TestSplitRefusesSizesBelowTheHeader(t *testing.T) {
	for size := range packet.HeaderBytes {
		b := []byte{byte(size), 0, 1, 0, 0, 0, 0, 0}
		_, n, err := packet.Split(b)
		var frame *packet.FrameError
		if n != 0 || !errors.As(err, &frame) || frame.Size != size {
			t.Errorf("size %d: %d, %v", size, n, err)
		}
		if got := packet.Need(b); got != packet.HeaderBytes {
			t.Errorf("size %d: Need is %d", size, got)
		}
	}
}

func TestAppendHeaderLimits(t *testing.T) {
	for _, payload := range []int{0, 1, packet.PayloadBytesMax} {
		b, err := packet.AppendHeader(nil, 0xabcd, payload)
		if err != nil || len(b) != packet.HeaderBytes || packet.Need(b) != packet.HeaderBytes+payload {
			t.Errorf("payload of %d: % x, %v", payload, b, err)
		}
		if b[2] != 0xcd || b[3] != 0xab {
			t.Errorf("id is not little-endian: % x", b)
		}
	}
	for _, payload := range []int{-1, packet.PayloadBytesMax + 1} {
		b, err := packet.AppendHeader([]byte("x"), 1, payload)
		var large *packet.TooLargeError
		if !errors.As(err, &large) || large.PayloadBytes != payload || string(b) != "x" {
			t.Errorf("payload of %d: %q, %v", payload, b, err)
		}
	}
}

// gather frames a stream that arrives in chunks the way a session does: it keeps
// what Need asks for and splits what is there. It returns a copy of the packets,
// each with its id in front, and where it stopped.
func gather(t *testing.T, chunks [][]byte) (packets [][]byte, rest int, err error) {
	t.Helper()
	var tail []byte
	for _, chunk := range chunks {
		tail = append(tail, chunk...)
		for len(tail) >= packet.Need(tail) {
			p, n, err := packet.Split(tail)
			if err != nil {
				return packets, len(tail), err
			}
			if n == 0 {
				t.Fatalf("Need is content with %d bytes, Split is not", len(tail))
			}
			packets = append(packets, append([]byte{byte(p.ID), byte(p.ID >> 8)}, p.Payload...))
			tail = tail[n:]
		}
	}
	return packets, len(tail), nil
}

func FuzzSplit(f *testing.F) {
	f.Add([]byte{4, 0, 1, 0, 5, 0, 2, 0, 'x', 9, 0, 3}, []byte{1, 2, 3})
	f.Add([]byte{0, 0, 1, 0}, []byte{})
	f.Add([]byte{3, 0}, []byte{1})
	f.Add([]byte{0xff, 0xff, 1, 0, 'a'}, []byte{4})
	f.Add(bytes.Repeat([]byte{4, 0, 1, 0}, 20), []byte{7, 0, 13})
	f.Fuzz(func(t *testing.T, stream, cuts []byte) {
		atOnce, restAtOnce, errAtOnce := gather(t, [][]byte{stream})

		var chunks [][]byte
		left := stream
		for _, cut := range cuts {
			n := min(int(cut), len(left))
			chunks, left = append(chunks, left[:n]), left[n:]
		}
		chunked, rest, err := gather(t, append(chunks, left))

		if len(chunked) != len(atOnce) {
			t.Fatalf("%d packets in chunks, %d at once", len(chunked), len(atOnce))
		}
		for i := range chunked {
			if !bytes.Equal(chunked[i], atOnce[i]) {
				t.Fatalf("packet %d is % x in chunks, % x at once", i, chunked[i], atOnce[i])
			}
		}
		// With an error the chunks behind it were not looked at: no rest to compare.
		if (err == nil) != (errAtOnce == nil) || err == nil && rest != restAtOnce {
			t.Fatalf("in chunks %d, %v; at once %d, %v", rest, err, restAtOnce, errAtOnce)
		}
	})
}

// Framer agrees with Split and Need about any bytes.
func TestFramer(t *testing.T) {
	stream := append([]byte{7, 0, 3, 1, 'a', 'b', 'c'}, 3, 0, 0, 0)
	for from := range stream {
		for to := from; to <= len(stream); to++ {
			b := stream[from:to]
			_, want, wantErr := packet.Split(b)
			n, err := packet.Framer{}.Split(b)
			if n != want || (err == nil) != (wantErr == nil) {
				t.Errorf("% x: Framer.Split = %d, %v; Split = %d, %v", b, n, err, want, wantErr)
			}
			if got, want := (packet.Framer{}).Need(b), packet.Need(b); got != want {
				t.Errorf("% x: Framer.Need = %d, Need = %d", b, got, want)
			}
		}
	}
}
