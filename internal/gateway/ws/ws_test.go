package ws_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"sarang/aio/aiosim"
	"sarang/packet"
	pb "sarang/proto/sarang/v1"
	"sarang/websocket"
)

// frame is a client's, fin and opcode in its first byte.
func frame(first byte, payload []byte) []byte {
	b := websocket.AppendMasked(nil, websocket.Opcode(first&0xf), 0xa1b2c3d4, payload)
	b[0] = first
	return b
}

// answered is what a server says: packets by their bytes, control frames, "end".
func answered(t testing.TB, p *peer) (all []string) {
	t.Helper()
	f := websocket.Framer{PayloadBytesMax: packet.SizeMax}
	b := p.got
	for len(b) > 0 {
		h, err := f.Header(b)
		if err != nil || h.Bytes == 0 || h.Bytes+h.Payload > len(b) {
			t.Fatalf("the server sends no frames: %x, %v", b, err)
		}
		payload := b[h.Bytes : h.Bytes+h.Payload]
		b = b[h.Bytes+h.Payload:]
		if h.Opcode == websocket.OpClose {
			code, _, err := websocket.ParseClose(payload)
			if err != nil || len(b) > 0 {
				t.Fatalf("a close frame of the server: %v; behind it %x", err, b)
			}
			all = append(all, fmt.Sprint("close ", code))
			continue
		}
		if got, n, err := packet.Split(payload); h.Opcode == websocket.OpBinary && (!h.Fin || err != nil || n != len(payload)) {
			t.Fatalf("a message of the server is not one packet, whole: %x, %v, %v", payload, got, err)
		}
		if h.Opcode == websocket.OpBinary && packet.ID(payload[2]) == pb.SGoodbye {
			all = append(all, "goodbye")
			continue
		}
		all = append(all, fmt.Sprintf("%x %x", byte(h.Opcode), payload))
	}
	if p.ended {
		all = append(all, "end")
	}
	return all
}

// The conversations of the standard with the gateway itself, in every cut of the stream
// into two, and byte by byte.
func TestEveryCut(t *testing.T) {
	ping, pong := aPing(t), fmt.Sprintf("2 %x", anAnswer(t))
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	for _, c := range []struct {
		name   string
		stream []byte
		want   []string
	}{
		{"a packet", frame(0x82, ping), []string{pong}},
		{"two packets", join(frame(0x82, ping), frame(0x82, ping)), []string{pong, pong}},
		{"in three fragments, with a ping and a pong between", join(
			frame(0x02, ping[:1]), frame(0x89, []byte("x")), frame(0x00, ping[1:4]), frame(0x8a, nil), frame(0x80, ping[4:]),
		), []string{"a 78", pong}},
		{"an empty ping", frame(0x89, nil), []string{"a "}},
		{"the longest ping", frame(0x89, bytes.Repeat([]byte{7}, 125)), []string{"a " + strings.Repeat("07", 125)}},
		{"close", join(frame(0x88, nil), frame(0x82, ping)), []string{"close 1005", "end"}},
		{"close with a code", frame(0x88, []byte{0x03, 0xe8, 'b'}), []string{"close 1000", "end"}},
		{"close within a message", join(frame(0x02, ping[:1]), frame(0x88, []byte{0x03, 0xe8})), []string{"close 1000", "end"}},
		{"close with a code that is none", frame(0x88, []byte{0x03, 0xee}), []string{"goodbye", "close 1002", "end"}},
		{"not masked", []byte{0x82, 0x04, 4, 0, 12, 0}, []string{"goodbye", "close 1002", "end"}},
		{"a text", frame(0x81, []byte("hi")), []string{"goodbye", "close 1003", "end"}},
		{"no text", join(frame(0x01, []byte{0xf4}), frame(0x00, []byte{0x90})), []string{"goodbye", "close 1007", "end"}},
		{"a continuation of nothing", join(frame(0x82, ping), frame(0x80, ping)), []string{pong, "goodbye", "close 1002", "end"}},
		{"a message within a message", join(frame(0x02, ping), frame(0x82, ping)), []string{"goodbye", "close 1002", "end"}},
		{"too big a frame", []byte{0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 0}, []string{"goodbye", "close 1009", "end"}},
	} {
		cuts := len(c.stream)
		for cut := 0; cut <= cuts; cut++ {
			r := newRig(t, 1, aiosim.Faults{})
			p := r.dial(webSocket)
			if cut == cuts {
				for i := range c.stream {
					p.say(c.stream[i : i+1])
				}
			} else {
				p.say(c.stream[:cut])
				p.say(c.stream[cut:])
			}
			if got := answered(t, p); !slices.Equal(got, c.want) {
				t.Fatalf("%s, cut at %d: %q, want %q", c.name, cut, got, c.want)
			}
			r.close()
		}
	}
}

// The largest packet goes through whole and in fragments; a message that is larger in all
// is too big.
func TestLargest(t *testing.T) {
	r := newRig(t, 1, aiosim.Faults{})
	largest := encoded(t, pb.CPing, &pb.Ping{Value: 0x1234})
	largest = append(largest, 0x7a) // field 15, which nobody knows
	rest := packet.SizeMax - len(largest) - 3
	largest = append(largest, byte(rest)|0x80, byte(rest>>7)|0x80, byte(rest>>14))
	largest = append(largest, make([]byte, rest)...)
	largest[0], largest[1] = 0xff, 0xff
	pong := fmt.Sprintf("2 %x", anAnswer(t))
	for name, early := range map[string][]byte{
		"whole": frame(0x82, largest), "in fragments": append(frame(0x02, largest[:4000]), frame(0x80, largest[:200])...),
	} {
		p := r.dial(webSocket)
		p.say(early)
		if got := answered(t, p); !slices.Equal(got, []string{"goodbye", "close 1009", "end"}) {
			t.Errorf("before the login, %s: %q", name, got)
		}
	}
	p := r.dial(webSocket)
	p.say(frame(0x82, encoded(t, pb.CLogin, &pb.Login{VersionMin: 1, VersionMax: 1, Name: "a"})))
	if got := answered(t, p); len(got) != 1 {
		t.Fatalf("a login is answered by %q", got)
	}
	p.got = nil
	p.say(frame(0x82, largest))
	p.say(append(frame(0x02, largest[:40000]), frame(0x80, largest[40000:])...))
	if got := answered(t, p); !slices.Equal(got, []string{pong, pong}) {
		t.Errorf("%q", got)
	}
	p.say(append(frame(0x02, largest), frame(0x80, []byte{0})...))
	if got := answered(t, p); !slices.Equal(got, []string{pong, pong, "goodbye", "close 1009", "end"}) {
		t.Errorf("%q", got)
	}
	r.close()
}

// packetsOf cuts fuzzed bytes into packets of all kinds, most of which make sense.
func packetsOf(t testing.TB, b []byte) (all [][]byte) {
	next := func() (x byte) {
		if len(b) > 0 {
			x, b = b[0], b[1:]
		}
		return x
	}
	for len(b) > 0 && len(all) < 40 {
		switch x := next(); x % 10 {
		case 0:
			all = append(all, encoded(t, pb.CLogin, &pb.Login{VersionMin: 1, VersionMax: 1, Name: string(rune('a' + next()%4))}))
		case 1:
			all = append(all, encoded(t, pb.CJoin, &pb.Join{Request: uint32(x), Name: string(rune('k' + next()%3)), Create: x > 40}))
		case 2, 3:
			all = append(all, encoded(t, pb.CChat, &pb.Publish{Room: uint64(next() % 4), Nonce: uint64(next()), Text: strings.Repeat("x", int(next()))}))
		case 4:
			all = append(all, encoded(t, pb.CLeave, &pb.Leave{Request: uint32(x), Room: uint64(next() % 4)}))
		case 5:
			all = append(all, encoded(t, pb.CList, &pb.List{Request: uint32(x), ItemsMax: uint32(next())}))
		case 6:
			all = append(all, encoded(t, pb.CHistory, &pb.History{Request: uint32(x), Room: uint64(next() % 4), ItemsMax: uint32(next())}))
		case 7:
			all = append(all, encoded(t, pb.CMembers, &pb.Members{Request: uint32(x), Room: uint64(next() % 4)}))
		case 8:
			all = append(all, encoded(t, pb.CPing, &pb.Ping{Value: uint64(next())}))
		case 9:
			n := int(next() % 20)
			raw := []byte{byte(4 + n), 0, next(), 0}
			for range n {
				raw = append(raw, next())
			}
			all = append(all, raw)
		}
	}
	return all
}

// FuzzSameAsNative says the same packets to a native address and over WebSocket, there in
// fragments with pings between: the same is answered, packet for packet.
func FuzzSameAsNative(f *testing.F) {
	f.Add([]byte{0, 1, 41, 0, 2, 1, 7, 100, 2, 1, 8, 0, 5, 3, 6, 1, 9, 7, 1, 4, 1, 9, 3, 200, 1, 2, 3, 8, 5}, uint64(1))
	f.Add([]byte{8, 1, 9, 0, 99, 9, 1, 12, 0xff, 2, 1, 1, 1, 0, 0, 0, 1, 51, 1, 2, 1, 9, 255}, uint64(2))
	f.Fuzz(func(t *testing.T, script []byte, cuts uint64) {
		packets := packetsOf(t, script)
		var said [2][]byte
		for i, proto := range []string{native, webSocket} {
			faults := aiosim.Faults{}
			if i == 1 && cuts&1 != 0 {
				faults = aiosim.Faults{SegmentBytesMin: 1, SegmentBytesMax: 40, ShortRecv: 0.5, ShortSend: 0.3}
			}
			r := newRig(t, 7, faults)
			p := r.dial(proto)
			for k, b := range packets {
				if proto == webSocket {
					b = fragments(b, cuts>>(k%32))
				}
				p.say(b)
			}
			said[i] = p.got
			if proto == webSocket {
				said[i] = payloads(t, p)
			}
			r.close()
		}
		if !bytes.Equal(said[0], said[1]) {
			t.Fatalf("native is answered\n%x\nWebSocket\n%x", said[0], said[1])
		}
	})
}

// fragments puts a packet into a message of one to four frames, with pings between.
func fragments(b []byte, how uint64) (all []byte) {
	n := int(how & 3)
	for i := range n {
		part := min(len(b), int(how>>(4*i+2)&7))
		first := byte(0)
		if i == 0 {
			first = 0x02
		}
		all = append(append(all, frame(first, b[:part])...), frame(0x89, []byte{byte(i)})...)
		b = b[part:]
	}
	if n == 0 {
		return frame(0x82, b)
	}
	return append(all, frame(0x80, b)...)
}

// payloads are the packets that a server has sent.
func payloads(t testing.TB, p *peer) (all []byte) {
	f := websocket.Framer{PayloadBytesMax: packet.SizeMax}
	for b := p.got; len(b) > 0; {
		h, err := f.Header(b)
		if err != nil || h.Bytes == 0 || h.Bytes+h.Payload > len(b) {
			t.Fatalf("the server sends no frames: %x, %v", b, err)
		}
		if h.Opcode == websocket.OpBinary {
			all = append(all, b[h.Bytes:h.Bytes+h.Payload]...)
		}
		b = b[h.Bytes+h.Payload:]
	}
	return all
}

// FuzzBytes sends any bytes to the gateway, beside a client that behaves. What comes back
// are frames, what is said at the end is said in order, nothing is left over, and the other
// does not notice.
func FuzzBytes(f *testing.F) {
	ping := aPing(f)
	f.Add(frame(0x82, ping), byte(1))
	f.Add(append(frame(0x02, ping[:2]), frame(0x80, ping[2:])...), byte(3))
	f.Add(append(frame(0x01, []byte{0xf4}), frame(0x00, []byte{0x90})...), byte(9))
	f.Add(frame(0x88, []byte{3, 0xe8}), byte(200))
	f.Add(frame(0x01, []byte{0xff}), byte(100)) // a text that ends before its message: the next session had it
	f.Fuzz(func(t *testing.T, stream []byte, piece byte) {
		r := newRig(t, uint64(piece), aiosim.Faults{})
		good, bad := r.dial(webSocket), r.dial(webSocket)
		for len(stream) > 0 {
			n := min(len(stream), max(int(piece), 1))
			bad.say(stream[:n])
			stream = stream[n:]
		}
		good.say(frame(0x82, aPing(t)))
		if got := answered(t, good); !slices.Equal(got, []string{fmt.Sprintf("2 %x", anAnswer(t))}) {
			t.Fatalf("the other is answered %q", got)
		}
		all := answered(t, bad)
		if bad.ended && !strings.HasPrefix(all[max(len(all)-2, 0)], "close ") {
			t.Fatalf("an end without a close frame: %q", all)
		}
		r.close()
	})
}
