package websocket_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"sarang/websocket"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// said is what a reader of a stream makes of it: "text Hello", "ping Hello" and the like.
// The bytes come in pieces of so many; what is not whole yet waits, as in the engine.
func said(f websocket.Framer, stream []byte, piece int) (all []string, err error) {
	messages := websocket.Messages{BytesMax: f.PayloadBytesMax}
	var held []byte
	for len(stream) > 0 {
		n := min(piece, len(stream))
		held = append(held, stream[:n]...)
		stream = stream[n:]
		for {
			need := f.Need(held)
			n, err := f.Split(held)
			if err != nil {
				return all, err
			}
			if n == 0 {
				if need <= len(held) {
					return all, fmt.Errorf("%d bytes are needed, and %d are there", need, len(held))
				}
				break
			}
			if n != need {
				return all, fmt.Errorf("a frame has %d bytes, and %d were needed", n, need)
			}
			h, _ := f.Header(held)
			payload := websocket.AppendUnmasked(nil, h.Mask, held[h.Bytes:n])
			held = held[n:]
			switch h.Opcode {
			case websocket.OpPing:
				all = append(all, "ping "+string(payload))
			case websocket.OpPong:
				all = append(all, "pong "+string(payload))
			case websocket.OpClose:
				code, why, err := websocket.ParseClose(payload)
				if err != nil {
					return all, err
				}
				all = append(all, fmt.Sprint("close ", code, " ", why))
			default:
				op, message, err := messages.Add(h, payload)
				switch {
				case err != nil:
					return all, err
				case op == websocket.OpText:
					all = append(all, "text "+string(message))
				case op == websocket.OpBinary:
					all = append(all, "binary "+string(message))
				}
			}
		}
	}
	if len(held) > 0 || messages.Open() {
		all = append(all, "…")
	}
	return all, nil
}

// The examples of RFC 6455, section 5.7.
func TestExamplesOfTheStandard(t *testing.T) {
	zeros := func(n int) string { return strings.Repeat("\x00", n) }
	for _, c := range []struct {
		stream string
		masked bool
		want   []string
	}{
		{"81 05 48 65 6c 6c 6f", false, []string{"text Hello"}},
		{"81 85 37 fa 21 3d 7f 9f 4d 51 58", true, []string{"text Hello"}},
		{"01 03 48 65 6c 80 02 6c 6f", false, []string{"text Hello"}},
		{"89 05 48 65 6c 6c 6f", false, []string{"ping Hello"}},
		{"8a 85 37 fa 21 3d 7f 9f 4d 51 58", true, []string{"pong Hello"}},
		{"82 7e 01 00" + strings.Repeat("00", 256), false, []string{"binary " + zeros(256)}},
		{"82 7f 00 00 00 00 00 01 00 00" + strings.Repeat("00", 65536), false, []string{"binary " + zeros(65536)}},
	} {
		stream := unhex(t, c.stream)
		for _, piece := range []int{1, 2, 3, 1000, len(stream)} {
			got, err := said(websocket.Framer{Masked: c.masked, PayloadBytesMax: 1 << 20}, stream, piece)
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("%.40s in pieces of %d: %.60q, %v", c.stream, piece, got, err)
			}
		}
	}
}

// What is written is read again, at every length around a border of the header.
func TestFramesThereAndBack(t *testing.T) {
	for _, n := range []int{0, 1, 7, 8, 9, 125, 126, 127, 65535, 65536, 70000} {
		payload := bytes.Repeat([]byte("0123456789abcdef!"), n/17+1)[:n]
		want := []string{"binary " + string(payload)}
		got, err := said(websocket.Framer{PayloadBytesMax: n}, websocket.AppendFrame(nil, websocket.OpBinary, payload), 1<<20)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%d bytes of a server: %.60q, %v", n, got, err)
		}
		frame := websocket.AppendMasked(nil, websocket.OpBinary, 0x01020304, payload)
		if n >= 8 && bytes.Contains(frame, payload[:8]) {
			t.Errorf("%d bytes of a client are not masked", n)
		}
		got, err = said(websocket.Framer{Masked: true, PayloadBytesMax: n}, frame, 1<<20)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%d bytes of a client: %.60q, %v", n, got, err)
		}
		if n > 0 {
			if _, err = said(websocket.Framer{Masked: true, PayloadBytesMax: n - 1}, frame, 1<<20); codeOf(err) != websocket.CodeTooBig {
				t.Errorf("%d bytes where %d are allowed: %v", n, n-1, err)
			}
		}
	}
}

func codeOf(err error) websocket.Code {
	var e *websocket.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return 0
}

// conversation is what a server's frames say, written by hand, and what must come of it;
// a code for streams that break the rules. The ideas are those of the conformance suites
// that are public.
type conversation struct {
	name   string
	stream string // hex
	want   []string
	code   websocket.Code
}

func conversations() []conversation {
	const utf8Word = "ce ba e1 bd b9 cf 83 ce bc ce b5" // κόσμε
	return []conversation{
		{"empty messages", "81 00 82 00", []string{"text ", "binary "}, 0},
		{"ping with 125 bytes", "89 7d" + strings.Repeat("fe", 125), []string{"ping " + strings.Repeat("\xfe", 125)}, 0},
		{"ping with 126 bytes", "89 7e 00 7e" + strings.Repeat("fe", 126), nil, websocket.CodeProtocol},
		{"pong that nobody asked for", "8a 01 41 89 00", []string{"pong A", "ping "}, 0},
		{"reserved bit 1", "c1 00", nil, websocket.CodeProtocol},
		{"reserved bit 2", "a1 00", nil, websocket.CodeProtocol},
		{"reserved bit 3 of a ping", "99 00", nil, websocket.CodeProtocol},
		{"reserved bit behind a message", "81 01 41 f1 00", []string{"text A"}, websocket.CodeProtocol},
		{"opcode 3", "83 00", nil, websocket.CodeProtocol},
		{"opcode 7", "87 00", nil, websocket.CodeProtocol},
		{"opcode 11", "8b 00", nil, websocket.CodeProtocol},
		{"opcode 15", "8f 00", nil, websocket.CodeProtocol},
		{"masked by a server", "81 81 01 02 03 04 40", nil, websocket.CodeProtocol},
		{"length in two bytes too many", "82 7e 00 7d" + strings.Repeat("00", 125), nil, websocket.CodeProtocol},
		{"length in eight bytes too many", "82 7f 00 00 00 00 00 00 ff ff" + strings.Repeat("00", 65535), nil, websocket.CodeProtocol},
		{"length with its first bit", "82 7f 80 00 00 00 00 01 00 00", nil, websocket.CodeProtocol},
		{"length beyond everything", "82 7f 7f ff ff ff ff ff ff ff", nil, websocket.CodeTooBig},
		{"two fragments", "01 01 41 80 01 42", []string{"text AB"}, 0},
		{"fragments with a ping between", "02 01 41 89 01 50 00 00 80 01 42", []string{"ping P", "binary AB"}, 0},
		{"fragments with a close between", "02 01 41 88 00", []string{"close 1005 ", "…"}, 0},
		{"empty fragments", "01 00 00 00 80 00", []string{"text "}, 0},
		{"ping in fragments", "09 00 80 00", nil, websocket.CodeProtocol},
		{"pong in fragments", "0a 00 80 00", nil, websocket.CodeProtocol},
		{"continuation of nothing", "80 01 41", nil, websocket.CodeProtocol},
		{"continuation of nothing, to be continued", "00 01 41", nil, websocket.CodeProtocol},
		{"continuation of what is whole", "81 01 41 80 01 42", []string{"text A"}, websocket.CodeProtocol},
		{"message within a message", "01 01 41 81 01 42", nil, websocket.CodeProtocol},
		{"other message within a message", "02 01 41 01 01 42", nil, websocket.CodeProtocol},
		{"text", "81 0b" + utf8Word, []string{"text \u03ba\u1f79\u03c3\u03bc\u03b5"}, 0},
		{"text cut within a character", "01 04 ce ba e1 bd 00 03 b9 cf 83 80 04 ce bc ce b5", []string{"text \u03ba\u1f79\u03c3\u03bc\u03b5"}, 0},
		{"text with surrogates", "81 03 ed a0 80", nil, websocket.CodeBadText},
		{"text beyond Unicode", "81 04 f4 90 80 80", nil, websocket.CodeBadText},
		{"text too long for its character", "81 02 c0 af", nil, websocket.CodeBadText},
		{"text with a lone tail", "81 01 80", nil, websocket.CodeBadText},
		{"text that ends within a character", "81 02 e1 bd", nil, websocket.CodeBadText},
		{"fragments that end within a character", "01 02 e1 bd 80 00", nil, websocket.CodeBadText},
		{"fragment that can not be continued", "01 02 f4 90", nil, websocket.CodeBadText},
		{"noncharacters are text", "81 03 ef bf bf 81 04 f4 8f bf bf", []string{"text \uffff", "text \U0010ffff"}, 0},
		{"zero is text", "81 01 00", []string{"text \x00"}, 0},
		{"any bytes are binary", "82 02 ff c0", []string{"binary \xff\xc0"}, 0},
		{"close", "88 00", []string{"close 1005 "}, 0},
		{"close with half a code", "88 01 03", nil, websocket.CodeProtocol},
		{"close with a code", "88 02 03 e8", []string{"close 1000 "}, 0},
		{"close with a reason", "88 05 03 e9 62 79 65", []string{"close 1001 bye"}, 0},
		{"close with 123 bytes of reason", "88 7d 03 e8" + strings.Repeat("2a", 123), []string{"close 1000 " + strings.Repeat("*", 123)}, 0},
		{"close with 124 bytes of reason", "88 7e 00 7e 03 e8" + strings.Repeat("2a", 124), nil, websocket.CodeProtocol},
		{"close with a reason that is no text", "88 04 03 e8 ce ff", nil, websocket.CodeBadText},
		{"close in fragments", "08 00", nil, websocket.CodeProtocol},
	}
}

// In every cut of the stream the same comes of it, and no fault is found late: what stands
// before it has been read.
func TestConversations(t *testing.T) {
	f := websocket.Framer{PayloadBytesMax: 1 << 20}
	for _, c := range conversations() {
		stream := unhex(t, c.stream)
		for piece := 1; piece <= min(len(stream), 200); piece++ {
			got, err := said(f, stream, piece)
			if codeOf(err) != c.code || (err == nil) != (c.code == 0) || !slices.Equal(got, c.want) {
				t.Errorf("%s, in pieces of %d: %.80q, %v", c.name, piece, got, err)
				break
			}
		}
	}
}

// Which codes a peer may close with; RFC 6455, section 7.4, and the registry.
func TestCloseCodes(t *testing.T) {
	may := map[int]bool{}
	for _, code := range []int{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014} {
		may[code] = true
	}
	for code := range 1 << 16 {
		want := may[code] || code >= 3000 && code < 5000
		got, _, err := websocket.ParseClose([]byte{byte(code >> 8), byte(code)})
		if (err == nil) != want || want && int(got) != code || err != nil && codeOf(err) != websocket.CodeProtocol {
			t.Errorf("%d is read as %d, %v", code, got, err)
		}
	}
	long := strings.Repeat("안", 100)
	for cut := range 4 {
		payload := websocket.ClosePayload(websocket.CodePolicy, long[cut*3:]+"x")
		code, why, err := websocket.ParseClose(payload)
		if err != nil || code != websocket.CodePolicy || len(payload) > websocket.ControlBytesMax || !strings.HasPrefix(long, why) || len(why) < 120 {
			t.Errorf("a long reason is %d bytes, %v %q, %v", len(payload), code, why, err)
		}
	}
}

// A message in fragments has the same bound as a whole one, and a fault is found before
// more is kept.
func TestMessageLimit(t *testing.T) {
	m := websocket.Messages{BytesMax: 10}
	add := func(fin bool, op websocket.Opcode, n int) error {
		_, _, err := m.Add(websocket.Header{Fin: fin, Opcode: op, Payload: n}, make([]byte, n))
		return err
	}
	for i := range 3 {
		if err := errors.Join(add(false, websocket.OpBinary, 6), add(true, websocket.OpContinuation, 4), add(true, websocket.OpBinary, 10)); err != nil || m.Open() {
			t.Fatal(i, err)
		}
	}
	if err := add(true, websocket.OpBinary, 11); codeOf(err) != websocket.CodeTooBig {
		t.Error(err)
	}
	if err := add(false, websocket.OpBinary, 6); err != nil {
		t.Error(err)
	}
	if err := add(false, websocket.OpContinuation, 5); codeOf(err) != websocket.CodeTooBig {
		t.Error(err)
	}
}

// FuzzStream takes any bytes for a stream. In one piece and in pieces of one byte the same
// comes of it, and texts are UTF-8.
func FuzzStream(f *testing.F) {
	for _, c := range conversations() {
		f.Add(unhex(f, c.stream), false)
	}
	f.Add(websocket.AppendMasked(websocket.AppendMasked(nil, websocket.OpText, 7, []byte("hello")), websocket.OpPing, 9, nil), true)
	f.Fuzz(func(t *testing.T, stream []byte, masked bool) {
		framer := websocket.Framer{Masked: masked, PayloadBytesMax: 1000}
		whole, err := said(framer, stream, len(stream)+1)
		if err != nil && codeOf(err) == 0 {
			t.Fatal(err)
		}
		bits, err2 := said(framer, stream, 1)
		if !slices.Equal(whole, bits) || fmt.Sprint(err) != fmt.Sprint(err2) {
			t.Fatalf("%q, %v; in pieces %q, %v", whole, err, bits, err2)
		}
		for _, s := range whole {
			if strings.HasPrefix(s, "text ") && !utf8.ValidString(s) {
				t.Fatalf("%q is taken for text", s)
			}
		}
	})
}

// FuzzText cuts any bytes into three fragments: they are a text if they are UTF-8.
func FuzzText(f *testing.F) {
	f.Add([]byte("κόσμε"), 3, 5)
	f.Add([]byte{0xf4, 0x90, 0x80}, 1, 1)
	f.Fuzz(func(t *testing.T, text []byte, a, b int) {
		a = min(max(a, 0), len(text))
		b = min(max(b, a), len(text))
		m := websocket.Messages{BytesMax: len(text)}
		var got []byte
		var err error
		for i, part := range [][]byte{text[:a], text[a:b], text[b:]} {
			h := websocket.Header{Opcode: websocket.OpContinuation, Fin: i == 2}
			if i == 0 {
				h.Opcode = websocket.OpText
			}
			if _, got, err = m.Add(h, part); err != nil {
				break
			}
		}
		if (err == nil) != utf8.Valid(text) || err == nil && !bytes.Equal(got, text) {
			t.Fatalf("%x in three: %x, %v", text, got, err)
		}
	})
}
