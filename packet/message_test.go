package packet_test

import (
	"encoding/binary"
	"errors"
	"testing"
	"unsafe"

	"sarang/packet"
)

var errShort = errors.New("note is too short")

// note is a message with the methods that the protobuf plugin would generate:
// eight bytes of number, the rest is text. Decoding adds, as the generated code
// does, so a message that was not reset shows.
type note struct {
	Number uint64
	Text   string
	lie    int // added to SizeVT, to be caught
	broken error
}

func (n *note) SizeVT() int { return 8 + len(n.Text) + n.lie }

func (n *note) MarshalToSizedBufferVT(b []byte) (int, error) {
	if n.broken != nil {
		return 0, n.broken
	}
	at := len(b) - len(n.Text)
	copy(b[at:], n.Text)
	binary.BigEndian.PutUint64(b[at-8:], n.Number)
	return 8 + len(n.Text), nil
}

func (n *note) UnmarshalVT(b []byte) error {
	if len(b) < 8 {
		n.Text += "half decoded"
		return errShort
	}
	n.Number += binary.BigEndian.Uint64(b)
	n.Text += string(b[8:])
	return nil
}

// lentNote decodes without copying.
type lentNote struct {
	note
	resets int
}

func (n *lentNote) UnmarshalVTUnsafe(b []byte) error {
	if len(b) < 8 {
		return errShort
	}
	n.Number += binary.BigEndian.Uint64(b)
	if len(b) > 8 && n.Text == "" {
		n.Text = unsafe.String(&b[8], len(b)-8)
	}
	return nil
}

func (n *lentNote) Reset() { *n = lentNote{resets: n.resets + 1} }

// ResetVT must not be called on a message that lends: see Handle.
func (n *lentNote) ResetVT() { panic("ResetVT on a message that lends") }

// pooledNote keeps a buffer over resets.
type pooledNote struct{ Body []byte }

func (n *pooledNote) UnmarshalVT(b []byte) error {
	n.Body = append(n.Body, b...)
	return nil
}
func (n *pooledNote) Reset()   { panic("Reset where there is ResetVT") }
func (n *pooledNote) ResetVT() { n.Body = n.Body[:0] }

func TestAppendVTThenSplit(t *testing.T) {
	b := []byte("before")
	b, err := packet.AppendVT(b, 6, &note{Number: 7, Text: "hello"})
	if err != nil {
		t.Fatal(err)
	}
	if string(b[:6]) != "before" {
		t.Fatalf("what was in the buffer became %q", b[:6])
	}
	p, n, err := packet.Split(b[6:])
	if err != nil || n != len(b)-6 || p.ID != 6 {
		t.Fatalf("Split = %v, %d, %v", p, n, err)
	}
	var got note
	if err := got.UnmarshalVT(p.Payload); err != nil || got.Number != 7 || got.Text != "hello" {
		t.Fatalf("decoded %+v, %v", got, err)
	}
}

func TestAppendVTAtTheLimit(t *testing.T) {
	whole := &note{Text: string(make([]byte, packet.PayloadBytesMax-8))}
	b, err := packet.AppendVT(nil, 1, whole)
	if err != nil || len(b) != packet.SizeMax {
		t.Fatalf("the largest packet: %d bytes, %v", len(b), err)
	}
	if p, n, err := packet.Split(b); err != nil || n != packet.SizeMax || len(p.Payload) != packet.PayloadBytesMax {
		t.Fatalf("Split of it: %d, %v", n, err)
	}

	whole.Text += "x"
	b, err = packet.AppendVT([]byte("ab"), 9, whole)
	var large *packet.TooLargeError
	if !errors.As(err, &large) || large.ID != 9 || large.PayloadBytes != packet.PayloadBytesMax+1 {
		t.Fatalf("one byte more: %v", err)
	}
	if string(b) != "ab" {
		t.Fatalf("the buffer became %q", b)
	}
}

func TestAppendVTRefusesBrokenMessages(t *testing.T) {
	cause := errors.New("cause")
	for name, m := range map[string]*note{
		"fails to encode":         {broken: cause},
		"is shorter than it said": {Text: "abc", lie: 1},
		"has a negative size":     {lie: -100},
	} {
		b, err := packet.AppendVT([]byte("ab"), 5, m)
		if err == nil || string(b) != "ab" {
			t.Errorf("a message that %s: buffer %q, error %v", name, b, err)
		}
		var encode *packet.EncodeError
		if m.broken != nil && (!errors.As(err, &encode) || encode.ID != 5 || !errors.Is(err, cause)) {
			t.Errorf("a message that %s: error %v", name, err)
		}
	}
}

func TestValidText(t *testing.T) {
	for _, s := range []string{"", "plain", "사랑방", "\x00", "a\u2028b", "\uFFFD"} {
		if err := packet.ValidText(s); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
	for s, offset := range map[string]int{
		"\xff":             0,
		"사\xed\xa0\x80":    3, // a surrogate half
		"ab\xc0\x80":       2, // an overlong NUL
		"\uFFFD\xf4\x90ab": 3, // beyond U+10FFFF
		"cut \xec\x82":     4,
	} {
		var text *packet.TextError
		if err := packet.ValidText(s); !errors.As(err, &text) || text.Offset != offset {
			t.Errorf("%q: %v, want the fault at byte %d", s, err, offset)
		}
	}
}
