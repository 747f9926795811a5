package wire_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sarang/bench/internal/wire"
	"sarang/packet"
	sarangv1 "sarang/proto/sarang/v1"
)

// conversation is what a server might send, and how it is to be understood.
type conversation struct {
	protocol wire.Protocol
	stream   string
	frames   []wire.Frame
}

func text(number uint64) string { return string(wire.AppendText(nil, number, 5, 64)) }

// sarangPacket is a packet as the server makes it.
func sarangPacket(t testing.TB, id packet.ID, m packet.Marshaler) string {
	t.Helper()
	b, err := packet.AppendVT(nil, id, m)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func conversations(t testing.TB) map[string]conversation {
	delivery := func(s string) wire.Frame { return wire.Frame{Kind: wire.Delivery, Payload: []byte(s)} }
	done := wire.Frame{Kind: wire.Done}
	event := func(kind sarangv1.EventKind, s string) *sarangv1.Event {
		return &sarangv1.Event{Room: 300, Seq: 1 << 40, Kind: kind, User: 7, Name: "민지", Nonce: 1 << 60, TimeMs: 1700000000000, Text: s}
	}
	return map[string]conversation{
		"sarang": {
			wire.Sarang{},
			sarangPacket(t, sarangv1.SLogin, &sarangv1.LoggedIn{Version: 1, User: 7, Name: "민지"}) +
				sarangPacket(t, sarangv1.SJoin, &sarangv1.Joined{Request: 300, After: 1 << 40, Room: &sarangv1.RoomInfo{Id: 300, Name: "room0", Epoch: 1 << 60, Ephemeral: true, LastSeq: 1 << 40, Members: 200}}) +
				sarangPacket(t, sarangv1.SChat, event(sarangv1.EventKind_EVENT_KIND_JOIN, "")) +
				sarangPacket(t, sarangv1.SChat, event(sarangv1.EventKind_EVENT_KIND_MESSAGE, text(1))) +
				sarangPacket(t, sarangv1.SAck, &sarangv1.Ack{Room: 300, Nonce: 1, Seq: 2}) +
				sarangPacket(t, sarangv1.SPing, &sarangv1.Ping{Value: 42}) +
				sarangPacket(t, sarangv1.SError, &sarangv1.Error{Code: 15, Message: "too fast"}) +
				sarangPacket(t, 9999, &sarangv1.Ping{}),
			[]wire.Frame{
				done,
				{Kind: wire.Done, Room: 300},
				{},
				delivery(text(1)),
				{Kind: wire.Ack},
				{Kind: wire.Ping, Payload: []byte("\x09*\x00\x00\x00\x00\x00\x00\x00")},
				{Kind: wire.Refused, Payload: []byte("too fast")},
				{},
			},
		},
		"redis": {
			wire.Redis{},
			"+PONG\r\n*3\r\n$9\r\nsubscribe\r\n$5\r\nroom0\r\n:1\r\n*3\r\n$7\r\nmessage\r\n$5\r\nroom0\r\n$64\r\n" + text(1) + "\r\n" +
				":12\r\n*3\r\n$7\r\nmessage\r\n$5\r\nroom0\r\n$3\r\na\r\n\r\n-ERR no\r\n",
			[]wire.Frame{done, done, delivery(text(1)), {Kind: wire.Ack}, delivery("a\r\n"), {Kind: wire.Refused, Payload: []byte("ERR no")}},
		},
		"nats": {
			wire.NATS{},
			"INFO {\"a\":1}\r\nPONG\r\n+OK\r\nMSG room0 1 64\r\n" + text(1) + "\r\nPING\r\nMSG room0 1 reply 3\r\na\r\n\r\n-ERR 'Slow Consumer'\r\n",
			[]wire.Frame{{}, done, {}, delivery(text(1)), {Kind: wire.Ping}, delivery("a\r\n"), {Kind: wire.Refused, Payload: []byte("-ERR 'Slow Consumer'")}},
		},
		"irc": {
			wire.IRC{},
			":irc.local NOTICE * :*** hello\r\n:irc.local 001 ann :welcome\r\n:irc.local 422 ann :no MOTD\r\n:ann!a@h JOIN :#room0\r\n" +
				":irc.local 366 ann #room0 :end\r\n:bob!b@h PRIVMSG #room0 :" + text(1) + "\r\nPING :irc.local\n:bob!b@h PRIVMSG #room0 word\r\n" +
				":irc.local 404 ann #room0 :no\r\nERROR :bye\r\n",
			[]wire.Frame{
				{},
				{},
				done,
				{},
				done, delivery(text(1)),
				{Kind: wire.Ping, Payload: []byte(":irc.local")},
				delivery("word"),
				{Kind: wire.Refused, Payload: []byte(":irc.local 404 ann #room0 :no")},
				{Kind: wire.Refused, Payload: []byte("ERROR :bye")},
			},
		},
		"mqtt": {
			wire.MQTT{},
			"\x20\x02\x00\x00\x90\x03\x00\x01\x00\x30\x47\x00\x05room0" + text(1) + "\x30\xd0\x01\x00\x05room0" + strings.Repeat("x", 201) +
				"\x32\x0a\x00\x05room0\x00\x09y" + "\xd0\x00\x20\x02\x00\x05",
			[]wire.Frame{
				done, done, delivery(text(1)), delivery(strings.Repeat("x", 201)), delivery("y"),
				{},
				{Kind: wire.Refused, Payload: []byte("CONNACK with an error")},
			},
		},
		"relay": {
			wire.Relay{},
			string(wire.Relay{}.AppendHello(nil, "ann")) + string(wire.Relay{}.AppendPublish(nil, wire.Room{}, 1, []byte(text(1)))),
			[]wire.Frame{done, delivery(text(1))},
		},
	}
}

// understand reads a stream that comes in the given pieces, as the client does.
func understand(p wire.Protocol, pieces ...string) (frames []wire.Frame, rest string, err error) {
	var buf []byte
	for _, piece := range pieces {
		buf = append(buf, piece...)
		for len(buf) > 0 {
			f, n, err := p.Next(buf)
			if err != nil {
				return frames, string(buf), err
			}
			if n == 0 {
				break
			}
			f.Payload = bytes.Clone(f.Payload)
			frames = append(frames, f)
			buf = buf[n:]
		}
	}
	return frames, string(buf), nil
}

func sameFrames(a, b []wire.Frame) string {
	return cmp.Diff(a, b, cmp.Comparer(func(x, y []byte) bool { return bytes.Equal(x, y) }))
}

func TestSplitAtEveryByte(t *testing.T) {
	for name, c := range conversations(t) {
		t.Run(name, func(t *testing.T) {
			for at := range len(c.stream) + 1 {
				got, rest, err := understand(c.protocol, c.stream[:at], c.stream[at:])
				if diff := sameFrames(c.frames, got); diff != "" || rest != "" || err != nil {
					t.Fatalf("cut at %d: rest %q, error %v, frames:\n%s", at, rest, err, diff)
				}
			}
			got, rest, err := understand(c.protocol, strings.Split(c.stream, "")...) // one byte at a time, or one letter
			if diff := sameFrames(c.frames, got); diff != "" || rest != "" || err != nil {
				t.Fatalf("in single letters: rest %q, error %v, frames:\n%s", rest, err, diff)
			}
		})
	}
}

func TestNonsense(t *testing.T) {
	for name, c := range map[string]struct {
		protocol wire.Protocol
		streams  []string
	}{
		"sarang": {wire.Sarang{}, []string{"\x03\x00\x05\x00", "\x06\x00\x05\x00\xff\xff", "\x07\x00\x05\x00\x42\x09a", "\x05\x00\x0f\x00\xff", "\x04\x00\x0f\x00", "\x06\x00\x0f\x00\x12\x00", "\x06\x00\x0f\x00\x12\x05", "\x05\x00\x0f\x00\x09"}},
		"redis":  {wire.Redis{}, []string{"?\r\n", "*2\r\n", "*3\r\n:1\r\n", "*3\r\n$x\r\n", "+PONG\n", "*3\r\n$3\r\nfoo\r\n$1\r\na\r\n"}},
		"nats":   {wire.NATS{}, []string{"HI\r\n", "MSG a 1 x\r\n", "PING\n", "MSG a 1 9999999\r\n"}},
		"mqtt":   {wire.MQTT{}, []string{"\x10\x00", "\x30\x01a", "\x30\x02\x00\x05", "\x30\xff\xff\xff\xff"}},
		"relay":  {wire.Relay{}, []string{"\x00\x00\x00\x00", "\x05\x00\x09\x00"}},
		"irc":    {wire.IRC{}, []string{strings.Repeat("x", 20<<10)}},
	} {
		for _, s := range c.streams {
			var fault *wire.FramingError
			if _, _, err := understand(c.protocol, s); !errors.As(err, &fault) {
				t.Errorf("%s: %q: error %v, want a FramingError", name, s, err)
			} else if fault.Protocol != name {
				t.Errorf("%s: the error speaks of %q", name, fault.Protocol)
			}
		}
	}
}

// What a client says must be understood by a server: here by the same frames read
// back, or by the letter.
func TestRequests(t *testing.T) {
	room := wire.Room{Name: "room0", ID: 300}
	for name, c := range map[string]struct {
		protocol                   wire.Protocol
		hello, join, publish, pong string
	}{
		"redis": {wire.Redis{}, "*1\r\n$4\r\nPING\r\n", "*2\r\n$9\r\nSUBSCRIBE\r\n$5\r\nroom0\r\n", "*3\r\n$7\r\nPUBLISH\r\n$5\r\nroom0\r\n$2\r\nhi\r\n", ""},
		"nats":  {wire.NATS{}, `CONNECT {"verbose":false,"pedantic":false,"echo":false,"lang":"bench","version":"1","protocol":1,"name":"ann"}` + "\r\nPING\r\n", "SUB room0 1\r\nPING\r\n", "PUB room0 2\r\nhi\r\n", "PONG\r\n"},
		"irc":   {wire.IRC{}, "NICK ann\r\nUSER bench 0 * :bench\r\n", "JOIN #room0\r\n", "PRIVMSG #room0 :hi\r\n", "PONG :x\r\n"},
		"mqtt":  {wire.MQTT{}, "\x10\x0f\x00\x04MQTT\x04\x02\x00\x00\x00\x03ann", "\x82\x0a\x00\x01\x00\x05room0\x00", "\x30\x09\x00\x05room0hi", ""},
		"relay": {wire.Relay{}, "\x05\x00\xff\xffH", "\x05\x00\xff\xffJ", "\x38\x00\x02\x00hi" + strings.Repeat("\x00", wire.RelayPadBytes), ""},
	} {
		for _, r := range []struct{ what, got, want string }{
			{"hello", string(c.protocol.AppendHello(nil, "ann")), c.hello},
			{"join", string(c.protocol.AppendJoin(nil, "room0")), c.join},
			{"publish", string(c.protocol.AppendPublish(nil, room, 1, []byte("hi"))), c.publish},
			{"pong", string(c.protocol.AppendPong(nil, wire.Frame{Kind: wire.Ping, Payload: []byte(":x")})), c.pong},
		} {
			if r.got != r.want {
				t.Errorf("%s: %s is %q, want %q", name, r.what, r.got, r.want)
			}
		}
	}
}

func TestSarangRequests(t *testing.T) {
	p := wire.Sarang{Ephemeral: true}
	read := func(b []byte, id packet.ID, m interface{ UnmarshalVT([]byte) error }) {
		t.Helper()
		got, n, err := packet.Split(b)
		if err != nil || n != len(b) || got.ID != id || m.UnmarshalVT(got.Payload) != nil {
			t.Fatalf("%x is no packet with id %d: %v", b, id, err)
		}
	}
	var login sarangv1.Login
	if read(p.AppendHello(nil, "ann"), sarangv1.CLogin, &login); login.Name != "ann" || login.VersionMax != sarangv1.Version {
		t.Errorf("login is %v", &login)
	}
	var join sarangv1.Join
	if read(p.AppendJoin(nil, "room0"), sarangv1.CJoin, &join); join.Name != "room0" || !join.Create || !join.Ephemeral {
		t.Errorf("join is %v", &join)
	}
	long := strings.Repeat("x", 300)
	var publish sarangv1.Publish
	if read(p.AppendPublish([]byte{}, wire.Room{ID: 300}, 1<<50, []byte(long)), sarangv1.CChat, &publish); publish.Room != 300 || publish.Nonce != 1<<50 || publish.Text != long {
		t.Errorf("publish is %v", &publish)
	}
	var pong sarangv1.Ping
	ping, _, err := p.Next([]byte(sarangPacket(t, sarangv1.SPing, &sarangv1.Ping{Value: 42})))
	if err != nil {
		t.Fatal(err)
	}
	if read(p.AppendPong(nil, ping), sarangv1.CPong, &pong); pong.Value != 42 {
		t.Errorf("pong is %v", &pong)
	}
}

func TestText(t *testing.T) {
	for _, number := range []uint64{0, 1, 63, 64, 1<<48 - 1} {
		for _, size := range []int{wire.HeaderBytes, 17, 64, 16 << 10} {
			b := wire.AppendText([]byte("x"), number, int64(number/2), size)[1:]
			got, ok := wire.Number(b)
			nanos, ok2 := wire.Nanos(b)
			if len(b) != size || got != number || nanos != int64(number/2) || !ok || !ok2 {
				t.Errorf("text %q of %d bytes: number %d (%v), time %d (%v)", b, size, got, ok, nanos, ok2)
			}
			if i := bytes.IndexFunc(b, func(r rune) bool { return r < ' ' || r > '~' }); i >= 0 {
				t.Errorf("text %q has a sign that not all protocols carry", b)
			}
		}
	}
	for _, bad := range []string{"", "0123456789", "0123456\n0000000000", "0000000\x7f00000000"} {
		if _, ok := wire.Number([]byte(bad)); ok {
			t.Errorf("%q has a number", bad)
		}
	}
}

// FuzzNext: whatever comes, no panic, and a frame lies within the bytes it is read from
// and does not depend on what follows it.
func FuzzNext(f *testing.F) {
	all := conversations(f)
	for _, c := range all {
		f.Add([]byte(c.stream))
	}
	f.Add([]byte("*3\r\n$7\r\nmessage\r\n$0\r\n\r\n$-1\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for name, c := range all {
			frame, n, err := c.protocol.Next(b)
			if n < 0 || n > len(b) || err != nil && n != 0 && frame.Kind != wire.Other {
				t.Fatalf("%s: %d of %d bytes, %v, %v", name, n, len(b), frame, err)
			}
			if n == 0 || err != nil {
				continue
			}
			again, m, err := c.protocol.Next(b[:n])
			if m != n || err != nil || again.Kind != frame.Kind || !bytes.Equal(again.Payload, frame.Payload) {
				t.Fatalf("%s: %v of %d bytes alone is %v of %d bytes (%v)", name, frame, n, again, m, err)
			}
		}
	})
}
