package session

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"sarang/packet"
	sarangv1 "sarang/proto/sarang/v1"
	"sarang/websocket"
)

func textClient() *textCodec {
	return newTextCodec(websocket.NewClient(&websocket.ClientConfig{
		Host: "h", Path: "/ws", Framer: objects{}, Text: true, BytesMax: textBytesMax, Upgraded: true,
	}))
}

func packed(t testing.TB, id packet.ID, m packet.Marshaler) []byte {
	b, err := packet.AppendVT(nil, id, m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What a server says in texts becomes packets, wherever it is cut.
func TestTextsToPackets(t *testing.T) {
	texts := []string{
		`{"S_ACK":{"nonce":"18446744073709551615","room":"7","seq":"3","unknown":{"a":"}\""}}}`,
		`{"S_CHAT":{"room":"7","seq":"3","kind":"EVENT_KIND_MESSAGE","text":"{\"}\\ 사랑방","nonce":"9"}}`,
		`{"S_NEWER":{"x":[1,{"y":"{"}]}}`,
		`{"S_PONG":{"value":"5"}}`,
	}
	want := bytes.Join([][]byte{
		packed(t, sarangv1.SAck, &sarangv1.Ack{Nonce: 1<<64 - 1, Room: 7, Seq: 3}),
		packed(t, sarangv1.SChat, &sarangv1.Event{Room: 7, Seq: 3, Kind: sarangv1.EventKind_EVENT_KIND_MESSAGE, Text: "{\"}\\ 사랑방", Nonce: 9}),
		packed(t, sarangv1.SPong, &sarangv1.Ping{Value: 5}),
	}, nil)
	var stream []byte
	for _, s := range texts {
		stream = websocket.AppendFrame(stream, websocket.OpText, []byte(s))
	}
	for piece := 1; piece <= len(stream); piece++ {
		c := textClient()
		var plain, raw []byte
		var err error
		for rest := stream; len(rest) > 0 && err == nil; {
			n := min(piece, len(rest))
			plain, raw, err = c.Decode(plain, raw, rest[:n])
			rest = rest[n:]
		}
		if err != nil || !bytes.Equal(plain, want) || len(raw) > 0 {
			t.Fatalf("in pieces of %d: %x, %v; want %x", piece, plain, err, want)
		}
	}
	c := textClient()
	if _, _, err := c.Decode(nil, nil, websocket.AppendFrame(nil, websocket.OpClose, nil)); !errors.Is(err, io.EOF) {
		t.Errorf("the end is %v", err)
	}
	for _, bad := range []string{"[]", "{", `{"S_ACK":5}`, `{}`, `{"S_ACK":{},"S_PONG":{}}`, "null", `{"S_ACK":{"room":"x"}}`, "{}{}"} {
		if got, _, err := textClient().Decode(nil, nil, websocket.AppendFrame(nil, websocket.OpText, []byte(bad))); err == nil {
			t.Errorf("%s becomes %x", bad, got)
		}
	}
}

// Packets of a client become texts, one message each.
func TestPacketsToTexts(t *testing.T) {
	src := append(packed(t, sarangv1.CLogin, &sarangv1.Login{VersionMin: 1, Name: `a"b`}), packed(t, sarangv1.CPing, &sarangv1.Ping{Value: 1 << 63})...)
	raw, err := textClient().Encode(nil, src)
	if err != nil {
		t.Fatal(err)
	}
	f := websocket.Framer{Masked: true, PayloadBytesMax: 1000}
	var back []byte
	decoder := textClient()
	for messages := 0; len(raw) > 0; messages++ {
		h, err := f.Header(raw)
		if err != nil || h.Opcode != websocket.OpText || !h.Fin || messages > 1 {
			t.Fatalf("%+v, %v, message %d", h, err, messages)
		}
		text := websocket.AppendUnmasked(nil, h.Mask, raw[h.Bytes:h.Bytes+h.Payload])
		if back, err = decoder.appendPacket(back, text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		raw = raw[h.Bytes+h.Payload:]
	}
	if !bytes.Equal(back, src) {
		t.Errorf("%x came back as %x", src, back)
	}
	if _, err := textClient().Encode(nil, []byte{4, 0, 2, 0}); err == nil {
		t.Error("a packet without a form in JSON was sent")
	}
}

func FuzzTexts(f *testing.F) {
	f.Add([]byte(`{"S_ACK":{"room":"7"}}`))
	f.Add([]byte(`{"S_CHAT":{"text":"}"}}{"S_PONG":{}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		plain, _, err := textClient().Decode(nil, nil, websocket.AppendFrame(nil, websocket.OpText, text))
		for len(plain) > 0 {
			_, n, e := packet.Split(plain)
			if e != nil || n == 0 {
				t.Fatalf("%q becomes %x, which is no packets (%v)", text, plain, err)
			}
			plain = plain[n:]
		}
	})
}
