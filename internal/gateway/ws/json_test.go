package ws_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"sarang/aio/aiosim"
	"sarang/internal/gateway/ws"
	"sarang/packet"
	pb "sarang/proto/sarang/v1"
	"sarang/websocket"
)

// The ids and names that there are, each once; and all fields are of kinds that the encoder
// knows.
func TestPackets(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range pb.Packets() {
		side := map[bool]string{false: "C_", true: "S_"}[p.ID%2 == 1]
		if seen[p.Name] || seen[fmt.Sprint(p.ID)] || !strings.HasPrefix(p.Name, side) {
			t.Errorf("packet %d is %s", p.ID, p.Name)
		}
		seen[p.Name], seen[fmt.Sprint(p.ID)] = true, true
		kindsKnown(t, p.Message.ProtoReflect().Descriptor())
	}
}

// Every packet with a message has its row: who adds one to ids.go adds it to names.go.
func TestPacketsAreAll(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../../../proto/sarang/v1/ids.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]uint16{}
	for _, p := range pb.Packets() {
		rows[strings.ReplaceAll(p.Name, "_", "")] = p.ID
	}
	ids := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || spec.Names[0].Name == "Version" || strings.HasSuffix(spec.Names[0].Name, "Test") {
			return true
		}
		ids++
		name := strings.ToUpper(spec.Names[0].Name)
		if value := spec.Values[0].(*ast.BasicLit).Value; value != fmt.Sprint(rows[name]) {
			t.Errorf("%s is %s, and %d in names.go", name, value, rows[name])
		}
		return true
	})
	if ids != len(rows) {
		t.Errorf("ids.go has %d packets with a message, names.go %d", ids, len(rows))
	}
}

func kindsKnown(t *testing.T, d protoreflect.MessageDescriptor) {
	for i := range d.Fields().Len() {
		f := d.Fields().Get(i)
		switch f.Kind() {
		case protoreflect.BoolKind, protoreflect.Uint32Kind, protoreflect.Fixed32Kind, protoreflect.Uint64Kind,
			protoreflect.Fixed64Kind, protoreflect.EnumKind, protoreflect.StringKind, protoreflect.BytesKind:
		case protoreflect.MessageKind:
			kindsKnown(t, f.Message())
		default:
			t.Errorf("%s has a kind that no encoder of JSON knows: %v", f.FullName(), f.Kind())
		}
		if one := f.ContainingOneof(); f.IsMap() || one != nil && !one.IsSynthetic() { // optional is no choice
			t.Errorf("%s is no plain field", f.FullName())
		}
	}
}

// read takes a text for a packet, as a client with a library for protobuf's mapping would.
func read(t testing.TB, text []byte) pb.Packet {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil || len(members) != 1 {
		t.Fatalf("%q is no object with one member: %v", text, err)
	}
	for _, p := range pb.Packets() {
		if value := members[p.Name]; value != nil {
			if err := protojson.Unmarshal(value, p.Message); err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			return p
		}
	}
	t.Fatalf("%q is no packet", text)
	return pb.Packet{}
}

// FuzzAppendJSON writes any message that its bytes make, and reads it again: the same, by
// the library that is not ours; and the same bytes each time.
func FuzzAppendJSON(f *testing.F) {
	for i, p := range pb.Packets() {
		f.Add(i, []byte{8, 1, 16, 2, 26, 3, 'a', '"', '\n'})
		b, _ := proto.Marshal(p.Message)
		f.Add(i, b)
	}
	f.Add(2, encoded(f, pb.SChat, &pb.Event{Room: 1<<64 - 1, Seq: 1, Kind: 7, Nonce: 1 << 63, Text: "\x01\u2028\\\t\x7f안녕👋"})[4:])
	f.Fuzz(func(t *testing.T, which int, b []byte) {
		all := pb.Packets()
		p := all[(which%len(all)+len(all))%len(all)]
		if proto.Unmarshal(b, p.Message) != nil {
			return
		}
		dropUnknown(p.Message.ProtoReflect())
		text := ws.AppendJSON(nil, p.Name, p.Message.ProtoReflect())
		if got := read(t, text); !proto.Equal(got.Message, p.Message) {
			t.Fatalf("%v is written %s, and read %v", p.Message, text, got.Message)
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, text); err != nil || !bytes.Equal(compact.Bytes(), text) {
			t.Fatalf("%s is not compact: %v", text, err)
		}
	})
}

func dropUnknown(m protoreflect.Message) {
	m.SetUnknown(nil)
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.Kind() != protoreflect.MessageKind:
		case f.IsList():
			for i := range v.List().Len() {
				dropUnknown(v.List().Get(i).Message())
			}
		default:
			dropUnknown(v.Message())
		}
		return true
	})
}

// What is not UTF-8 does not stop an event from being told.
func TestAppendJSONNotText(t *testing.T) {
	text := ws.AppendJSON(nil, "S_CHAT", (&pb.Event{Text: "a\xff\xed\xa0\x80b"}).ProtoReflect())
	if got := read(t, text).Message.(*pb.Event).Text; got != "a\ufffd\ufffd\ufffd\ufffdb" {
		t.Errorf("%q", got)
	}
}

// texts are the answers of a server that speaks JSON, control frames apart.
func texts(t testing.TB, p *peer) (all []pb.Packet) {
	f := websocket.Framer{PayloadBytesMax: 1 << 20}
	for b := p.got; len(b) > 0; {
		h, err := f.Header(b)
		if err != nil || h.Bytes == 0 || h.Bytes+h.Payload > len(b) {
			t.Fatalf("the server sends no frames: %x, %v", b, err)
		}
		if h.Opcode == websocket.OpText {
			all = append(all, read(t, b[h.Bytes:h.Bytes+h.Payload]))
		} else if !h.Opcode.Control() {
			t.Fatalf("the server sends a binary message: %x", b)
		}
		b = b[h.Bytes+h.Payload:]
	}
	return all
}

// FuzzJSONSameAsProtobuf says the same packets in both subprotocols: the same is answered.
func FuzzJSONSameAsProtobuf(f *testing.F) {
	f.Add([]byte{0, 1, 41, 0, 2, 1, 7, 100, 2, 1, 8, 0, 5, 3, 6, 1, 9, 7, 1, 4, 1}, uint64(1))
	f.Add([]byte{8, 1, 0, 99, 2, 1, 1, 1, 0, 0, 0, 1, 51, 1, 2, 1, 3, 1, 200, 255, 6, 1, 255}, uint64(6))
	f.Fuzz(func(t *testing.T, script []byte, cuts uint64) {
		var said [2][][]byte
		for i, proto := range []string{webSocket, webText} {
			r := newRig(t, 7, aiosim.Faults{})
			p := r.dial(proto)
			for k, b := range packetsOf(t, script) {
				text := asJSON(b)
				if text == nil {
					continue
				}
				if proto == webText {
					b = text
				}
				message := fragments(b, cuts>>(k%32))
				if proto == webText {
					message[0]-- // a text, and not binary
				}
				p.say(message)
			}
			if proto == webSocket {
				for b := payloads(t, p); len(b) > 0; {
					_, n, _ := packet.Split(b)
					said[i] = append(said[i], b[:n])
					b = b[n:]
				}
			} else {
				for _, answer := range texts(t, p) {
					said[i] = append(said[i], encoded(t, packet.ID(answer.ID), answer.Message.(packet.Marshaler)))
				}
			}
			r.close()
		}
		if !slices.EqualFunc(said[0], said[1], bytes.Equal) {
			t.Fatalf("in protobuf is answered\n%x\nin JSON\n%x", said[0], said[1])
		}
	})
}

// asJSON is a packet as a text, by the library; nil if it is not one that has a name.
func asJSON(b []byte) []byte {
	got, _, err := packet.Split(b)
	for _, p := range pb.Packets() {
		if err != nil || packet.ID(p.ID) != got.ID || p.ID%2 == 1 || proto.Unmarshal(got.Payload, p.Message) != nil {
			continue
		}
		value, err := protojson.Marshal(p.Message)
		if err != nil {
			return nil
		}
		return fmt.Appendf(nil, `{"%s": %s}`, p.Name, value)
	}
	return nil
}

// What a text must be, and what is answered to others. None of it is an end.
func TestJSONMessages(t *testing.T) {
	for _, c := range []struct {
		text string
		want string // packet and its code or value
	}{
		{`{"C_PING":{"value":"4660"}}`, "S_PONG 4660"},
		{`{"C_PING":{"value":4660}}`, "S_PONG 4660"},
		{" {\n\"C_PING\" : { \"value\" : \"4660\", \"new_field\": [1, {\"a\": null}] } }\t", "S_PONG 4660"},
		{`{"C_PING":{}}`, "S_PONG 0"},
		{`{"\u0043_PING":{}}`, "S_PONG 0"},
		{``, "S_ERROR 2 0"},
		{`{}`, "S_ERROR 2 0"},
		{`[]`, "S_ERROR 2 0"},
		{`"C_PING"`, "S_ERROR 2 0"},
		{`{"C_PING":{}`, "S_ERROR 2 0"},
		{`{"C_PING":{}}}`, "S_ERROR 2 0"},
		{`{"C_PING":{}} {"C_PING":{}}`, "S_ERROR 2 0"},
		{`{"C_PING":{},"C_PING":{}}`, "S_ERROR 2 0"},
		{`{"C_PING":[]}`, "S_ERROR 2 12"},
		{`{"C_PING":null}`, "S_ERROR 2 12"},
		{`{"C_PING":{"value":-1}}`, "S_ERROR 2 12"},
		{`{"C_PING":{"value":"x"}}`, "S_ERROR 2 12"},
		{`{"C_PING":{"value":"` + strings.Repeat("x", 60000) + `"}}`, "S_ERROR 2 12"},
		{`{"C_PING":{"value":1,"value":1}}`, "S_ERROR 2 12"},
		{`{"C_LOGIN":{"name":"\ud800"}}`, "S_ERROR 2 4"},
		{`{"S_PONG":{"value":1}}`, "S_ERROR 3 11"},
		{`{"C_DANCE":{}}`, "S_ERROR 3 0"},
		{`{"C_TEST":{}}`, "S_ERROR 3 0"},
		{`{"` + strings.Repeat("[", 60000) + `":{}}`, "S_ERROR 3 0"},
		{`{"C_PING":` + strings.Repeat("[", 60000), "S_ERROR 2 0"},
		{`{"C_PING":{"deep":` + strings.Repeat("[", 30000) + strings.Repeat("]", 30000) + `}}`, "S_ERROR 2 0"},
	} {
		r := newRig(t, 1, aiosim.Faults{})
		p := r.dial(webText)
		p.say(frame(0x81, []byte(`{"C_LOGIN":{"version_min":1,"version_max":1,"name":"ann"}}`))) // before it less is taken
		p.say(frame(0x81, []byte(c.text)))
		p.say(frame(0x81, []byte(`{"C_PING":{"value":"7"}}`)))
		if p.ended {
			t.Errorf("%.80s is the end", c.text)
		}
		all := texts(t, p)[1:]
		if len(all) != 2 {
			t.Errorf("%.80s: %d answers", c.text, len(all))
			continue
		}
		got := all[0].Name
		switch m := all[0].Message.(type) {
		case *pb.Ping:
			got += fmt.Sprint(" ", m.Value)
		case *pb.Error:
			got += fmt.Sprint(" ", m.Code, " ", m.PacketId)
			if len(m.Message) > 400 || m.Message == "" {
				t.Errorf("%.80s: %d bytes say what is wrong", c.text, len(m.Message))
			}
		}
		if got != c.want || all[1].Name != "S_PONG" {
			t.Errorf("%.80s is answered %s, then %s; want %s", c.text, got, all[1].Name, c.want)
		}
		r.close()
	}
}

// What ends a session, in words of JSON and of WebSocket.
func TestJSONEnds(t *testing.T) {
	for _, c := range []struct {
		raw  []byte
		code websocket.Code
	}{
		{frame(0x82, aPing(t)), websocket.CodeUnsupported},
		{frame(0x81, []byte("{\"C_PING\":\"\xff\"}")), websocket.CodeBadText},
		{frame(0x81, make([]byte, 128<<10+1))[:14], websocket.CodeTooBig},
	} {
		r := newRig(t, 1, aiosim.Faults{})
		p := r.dial(webText)
		p.say(c.raw)
		all := texts(t, p)
		if len(all) != 1 || all[0].Name != "S_GOODBYE" || all[0].Message.(*pb.Goodbye).Code != 20 || !p.ended ||
			!bytes.Contains(p.got, []byte{byte(c.code >> 8), byte(c.code)}) {
			t.Errorf("%.20x is answered %v, ended %v", c.raw, all, p.ended)
		}
		r.close()
	}
}

// A page of history of the worst texts there can be fits the queue of a session.
func TestJSONHistoryFits(t *testing.T) {
	r := newRig(t, 1, aiosim.Faults{})
	p := r.dial(webText)
	say := func(format string, args ...any) { p.say(frame(0x81, fmt.Appendf(nil, format, args...))) }
	say(`{"C_LOGIN":{"versionMin":1,"versionMax":1,"name":"a"}}`)
	say(`{"C_JOIN":{"name":"k","create":true}}`)
	for i := range 12 {
		say(`{"C_CHAT":{"room":"1","nonce":"%d","text":"%s"}}`, i+1, strings.Repeat(`\u0001`, 16384))
	}
	p.got = nil
	after := uint64(0)
	for events := 0; events < 13; {
		p.got = nil
		say(`{"C_HISTORY":{"room":"1","after":"%d"}}`, after)
		if p.ended {
			t.Fatal("the session has ended")
		}
		all := texts(t, p)
		page, ok := all[0].Message.(*pb.HistoryPage)
		if !ok || len(page.Events) == 0 {
			t.Fatalf("behind event %d: %v", after, all[0].Name)
		}
		events += len(page.Events)
		after = page.Events[len(page.Events)-1].Seq
	}
	r.close()
}

// The texts of docs/PROTOCOL.md are the packets whose bytes stand there under the same name.
func TestDocumentShowsTheTexts(t *testing.T) {
	page, err := os.ReadFile("../../../docs/PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := func(kind string) map[string]string {
		all := map[string]string{}
		for _, m := range regexp.MustCompile("(?s)<!-- "+kind+": (.+?) -->\n```\n(.*?)\n```").FindAllStringSubmatch(string(page), -1) {
			all[m[1]] = m[2]
		}
		return all
	}
	texts, packets := shown("text"), shown("bytes")
	if len(texts) < 5 {
		t.Errorf("the document shows %d texts", len(texts))
	}
	for name, text := range texts {
		b, err := hex.DecodeString(strings.Join(strings.Fields(packets[name]), ""))
		if err != nil || len(b) == 0 {
			t.Errorf("%s: %q, %v", name, packets[name], err)
			continue
		}
		p := read(t, []byte(text))
		if got := encoded(t, packet.ID(p.ID), p.Message.(packet.Marshaler)); !bytes.Equal(got, b) {
			t.Errorf("%s: the text means %x, the bytes are %x", name, got, b)
		}
		if again := ws.AppendJSON(nil, p.Name, p.Message.ProtoReflect()); string(again) != text {
			t.Errorf("%s: the document shows\n%s\nand it is\n%s", name, text, again)
		}
	}
}
