package packet_test

import (
	"errors"
	"testing"

	"sarang/packet"
)

// text is the smallest message.
type text string

func (m text) SizeVT() int { return len(m) }

func (m text) MarshalToSizedBufferVT(b []byte) (int, error) {
	return copy(b[len(b)-len(m):], m), nil
}

// taker keeps copies of what it is sent.
type taker struct {
	got []byte
	err error
}

func (r *taker) Send(b []byte) error {
	r.got = append(r.got, b...)
	return r.err
}

func TestEncoder(t *testing.T) {
	var e packet.Encoder
	var to taker
	for _, m := range []text{"", "annyeong", "sarang"} {
		if err := e.Send(&to, 9, m); err != nil {
			t.Fatal(err)
		}
	}
	if want := "\x04\x00\x09\x00\x0c\x00\x09\x00annyeong\x0a\x00\x09\x00sarang"; string(to.got) != want {
		t.Errorf("sent %q", to.got)
	}
	before := len(to.got)
	var large *packet.TooLargeError
	if err := e.Send(&to, 9, text(make([]byte, packet.SizeMax))); !errors.As(err, &large) || len(to.got) != before {
		t.Errorf("a message that fits in no packet gave %v, and %d bytes were sent", err, len(to.got)-before)
	}
	to.err = errors.New("full")
	if err := e.Send(&to, 9, text("x")); !errors.Is(err, to.err) {
		t.Errorf("an error of the receiver became %v", err)
	}
	quiet := discard{}
	if n := testing.AllocsPerRun(100, func() { _ = e.Send(quiet, 9, text("")) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

type discard struct{}

func (discard) Send([]byte) error { return nil }
