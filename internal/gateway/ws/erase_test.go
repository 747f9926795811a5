package ws_test

import (
	"bytes"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"sarang/chat"
	"sarang/internal/gateway/ws"
	"sarang/packet"
	pb "sarang/proto/sarang/v1"
	"sarang/websocket"
)

// TestEraseTakesFilesAway encodes messages that name files, whatever their names are, and erases
// them in place: as many bytes, the same event, and nothing of what it said.
func TestEraseTakesFilesAway(t *testing.T) {
	files := []chat.FileInfo{
		{ID: 7, Name: `secret "text":"no",] [ \`, Type: "image/jpeg", Bytes: 81234, Width: 1200, Height: 800, Thumbnail: true},
		{ID: 9, Name: "secret.txt", Type: "text/plain", Bytes: 1},
	}
	for _, e := range []chat.Event{
		{Room: 1, Seq: 2, Kind: chat.EventMessage, User: 3, Name: "Ann", Nonce: 4, TimeMs: 5, Text: "secret", Files: chat.NewFileList(files...)},
		{Room: 1, Seq: 2, Kind: chat.EventMessage, User: 3, Name: `files":["secre`, Nonce: 4, TimeMs: 5, Files: chat.NewFileList(files...)},
		{Room: 1, Seq: 2, Kind: chat.EventMessage, User: 3, Name: "Ann", Nonce: 4, TimeMs: 5, Text: `secret "files":[`, Target: 1},
	} {
		for _, p := range ws.Subprotocols() {
			entry, err := p.Format.Append(nil, &e)
			if err != nil {
				t.Fatal(err)
			}
			said := decodeEvent(t, p.Name, entry)
			if len(said.Files) != len(e.Files.All()) || said.Text != e.Text {
				t.Fatalf("%s: told is %v", p.Name, said)
			}
			erased, ok := p.Format.Erase(nil, entry)
			if !ok || len(erased) != len(entry) || bytes.Contains(erased, []byte("secret")) {
				t.Fatalf("%s: %t, %d bytes of %d: %q", p.Name, ok, len(erased), len(entry), erased)
			}
			left := decodeEvent(t, p.Name, erased)
			said.Text, said.Files, left.Padding, left.FilesPadding = "", nil, nil, nil
			if !proto.Equal(left, said) {
				t.Errorf("%s: left is %v, want %v", p.Name, left, said)
			}
		}
	}
}

func decodeEvent(t *testing.T, subprotocol string, frame []byte) *pb.Event {
	t.Helper()
	h, err := websocket.Framer{PayloadBytesMax: len(frame)}.Header(frame)
	if err != nil {
		t.Fatal(err)
	}
	payload, m := frame[h.Bytes:], new(pb.Event)
	if subprotocol == ws.Protobuf {
		p, _, err := packet.Split(payload)
		if err == nil {
			err = proto.Unmarshal(p.Payload, m)
		}
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	payload = bytes.TrimSpace(payload)
	payload = bytes.TrimSuffix(bytes.TrimPrefix(payload, []byte(`{"S_CHAT":`)), []byte("}"))
	if err := protojson.Unmarshal(payload, m); err != nil {
		t.Fatalf("%s: %v", payload, err)
	}
	return m
}
