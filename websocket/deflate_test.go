package websocket_test

import (
	"bytes"
	"compress/flate"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"sarang/websocket"
)

func TestAcceptDeflate(t *testing.T) {
	const plain = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
	for _, c := range []struct{ offers, want string }{
		{"permessage-deflate", plain},
		{"permessage-deflate; client_max_window_bits", plain}, // Chromium and Firefox
		{"Permessage-Deflate ;Client_Max_Window_Bits = 10", plain},
		{`permessage-deflate; client_max_window_bits="12"; server_no_context_takeover; client_no_context_takeover`, plain},
		{"permessage-deflate; server_max_window_bits=15", plain + "; server_max_window_bits=15"},
		{"permessage-deflate; server_max_window_bits=10, permessage-deflate", plain},
		{"x-webkit-deflate-frame, permessage-deflate", plain},
		{`foo; a="x,permessage-deflate;\"", permessage-deflate`, plain},
		{"|permessage-deflate", plain}, // in the second header
		{"", ""},
		{"foo", ""},
		{`foo; a="permessage-deflate"`, ""},
		{"permessage-deflate2", ""},
		{"permessage-deflate; server_max_window_bits=8", ""},
		{"permessage-deflate; server_max_window_bits", ""},
		{"permessage-deflate; server_max_window_bits=015", ""},
		{"permessage-deflate; server_max_window_bits=16", ""},
		{"permessage-deflate; client_max_window_bits=7", ""},
		{"permessage-deflate; client_max_window_bits=", ""},
		{"permessage-deflate; client_max_window_bits=+9", ""},
		{"permessage-deflate; server_no_context_takeover=1", ""},
		{"permessage-deflate; client_no_context_takeover; client_no_context_takeover", ""},
		{"permessage-deflate; unknown", ""},
		{"permessage-deflate;", ""},
	} {
		h := http.Header{"Sec-Websocket-Extensions": strings.Split(c.offers, "|")}
		if got, ok := websocket.AcceptDeflate(h); got != c.want || ok != (c.want != "") {
			t.Errorf("%q is answered %q, %t", c.offers, got, ok)
		}
	}
}

// read puts messages together from a stream that comes in pieces.
func read(stream []byte, piece, most int) (op websocket.Opcode, all []byte, err error) {
	f := websocket.Framer{PayloadBytesMax: most, Deflate: true}
	m := websocket.Messages{BytesMax: most, Inflater: new(websocket.Inflater)}
	var held []byte
	for len(stream) > 0 || len(held) > 0 {
		n := min(piece, len(stream))
		held, stream = append(held, stream[:n]...), stream[n:]
		for {
			size, err := f.Split(held)
			if err != nil {
				return 0, all, err
			}
			if size == 0 {
				break
			}
			h, err := f.Header(held)
			if err != nil {
				return 0, all, err
			}
			o, whole, err := m.Add(h, held[h.Bytes:size])
			if err != nil {
				return 0, all, err
			}
			if o != 0 {
				op, all = o, append(all, whole...)
			}
			held = held[size:]
		}
		if n == 0 {
			break
		}
	}
	return op, all, nil
}

// The examples of RFC 7692, section 7.2.3, in pieces of every size.
func TestDeflateExamplesOfTheStandard(t *testing.T) {
	for what, stream := range map[string][]byte{
		"one block":            {0xc1, 0x07, 0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00},
		"fragments":            {0x41, 0x03, 0xf2, 0x48, 0xcd, 0x80, 0x04, 0xc9, 0xc9, 0x07, 0x00},
		"no compression":       {0xc1, 0x0b, 0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00},
		"a last block":         {0xc1, 0x08, 0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00},
		"two blocks":           {0xc1, 0x0d, 0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00},
		"a part, and no block": {0x41, 0x00, 0x80, 0x07, 0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00},
	} {
		for piece := 1; piece <= len(stream); piece++ {
			if op, got, err := read(stream, piece, 100); err != nil || op != websocket.OpText || string(got) != "Hello" {
				t.Errorf("%s, in pieces of %d: %v %q, %v", what, piece, op, got, err)
			}
		}
	}
}

// compressed is a frame of a message that is compressed by others' means.
func compressed(t testing.TB, op websocket.Opcode, text []byte) []byte {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	frame := websocket.AppendFrame(nil, op, bytes.TrimSuffix(b.Bytes(), []byte{0, 0, 0xff, 0xff}))
	frame[0] |= 0x40
	return frame
}

func TestDeflateIsBounded(t *testing.T) {
	const most = 10_000
	for n, want := range map[int]websocket.Code{most: 0, most + 1: websocket.CodeTooBig, 1000 * most: websocket.CodeTooBig} {
		frame := compressed(t, websocket.OpBinary, make([]byte, n))
		_, got, err := read(frame, len(frame), most)
		if codeOf(err) != want || want == 0 && len(got) != n {
			t.Errorf("%d bytes in %d are %d, %v", n, len(frame), len(got), err)
		}
	}
}

func TestDeflateRefuses(t *testing.T) {
	with := func(first byte, payload ...byte) []byte {
		return append([]byte{first, byte(len(payload))}, payload...)
	}
	for what, c := range map[string]struct {
		frame []byte
		want  websocket.Code
	}{
		"the window of a message before": {append(with(0xc1, 0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00), with(0xc1, 0xf2, 0x00, 0x11, 0x00, 0x00)...), websocket.CodeProtocol},
		"rubbish":                        {with(0xc2, 0xff, 0xff, 0xff), websocket.CodeProtocol},
		"a cut message":                  {with(0xc1, 0xf2, 0x48, 0xcd), websocket.CodeProtocol},
		"more behind the end":            {with(0xc1, 0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 1, 2, 3, 4, 5, 6, 7), websocket.CodeProtocol},
		"a ping":                         {with(0xc9), websocket.CodeProtocol},
		"a close":                        {with(0xc8), websocket.CodeProtocol},
		"a continuation":                 {append(with(0x41, 0xf2, 0x48), with(0xc0, 0xcd, 0xc9, 0xc9, 0x07, 0x00)...), websocket.CodeProtocol},
		"another reserved bit":           {with(0xa1, 'x'), websocket.CodeProtocol},
		"and both":                       {with(0xe1, 'x'), websocket.CodeProtocol},
		"a text that is none":            {compressed(t, websocket.OpText, []byte("\xff\xff")), websocket.CodeBadText},
	} {
		if _, got, err := read(c.frame, len(c.frame), 1000); codeOf(err) != c.want {
			t.Errorf("%s: %q, %v", what, got, err)
		}
	}
	if _, err := (websocket.Framer{PayloadBytesMax: 100}).Split(with(0xc1, 'x')); codeOf(err) != websocket.CodeProtocol {
		t.Errorf("compression that was not agreed on: %v", err)
	}
}

// What is compressed comes out again; what does not become shorter stays as it is.
func FuzzDeflate(f *testing.F) {
	f.Add([]byte(strings.Repeat("guests are received and talk ", 50)), uint8(1), uint16(100))
	f.Add([]byte("short"), uint8(3), uint16(0))
	f.Fuzz(func(t *testing.T, payload []byte, piece uint8, least uint16) {
		frame := websocket.DeflateFrame(websocket.AppendFrame([]byte("before"), websocket.OpBinary, payload), 6, int(least))
		plain := websocket.AppendFrame(nil, websocket.OpBinary, payload)
		if string(frame[:6]) != "before" || len(frame)-6 > len(plain) {
			t.Fatalf("%d bytes became %d", len(plain), len(frame)-6)
		}
		if len(payload) < int(least) && !bytes.Equal(frame[6:], plain) {
			t.Fatalf("%d bytes were compressed", len(payload))
		}
		if _, got, err := read(frame[6:], int(piece)+1, max(len(payload), 1)); err != nil || !bytes.Equal(got, payload) {
			t.Fatalf("%d bytes came out as %d: %v", len(payload), len(got), err)
		}
	})
}

// FuzzInflate: whatever a peer sends is a message within the bound, or an error.
func FuzzInflate(f *testing.F) {
	f.Add(compressed(f, websocket.OpText, []byte("Hello")), uint8(3))
	f.Add(compressed(f, websocket.OpBinary, make([]byte, 3000)), uint8(200))
	f.Fuzz(func(t *testing.T, stream []byte, piece uint8) {
		_, got, err := read(stream, int(piece)+1, 2000)
		_, again, err2 := read(stream, len(stream)+1, 2000)
		if codeOf(err) != codeOf(err2) || !bytes.Equal(got, again) {
			t.Fatalf("%x, %v in pieces; %x, %v at once", got, err, again, err2)
		}
	})
}

func BenchmarkDeflateFrame(b *testing.B) {
	text := make([]byte, 0, 4096)
	r := rand.New(rand.NewPCG(1, 2))
	for words := []string{"guest", "room ", "talk", " of ", "tea", "소식", "\n"}; len(text) < 1024; {
		text = append(text, words[r.IntN(len(words))]...)
	}
	frame := websocket.AppendFrame(nil, websocket.OpText, text)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	buf := make([]byte, 0, 4096)
	for b.Loop() {
		buf = websocket.DeflateFrame(append(buf[:0], frame...), 0, 0)
	}
	b.ReportMetric(float64(len(buf)), "bytes")
}
