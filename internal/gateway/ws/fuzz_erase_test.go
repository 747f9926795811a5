package ws

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	pb "sarang/proto/sarang/v1"
)

// FuzzEraseJSON erases the text and the files of an event in JSON, and of whatever else: what is left is
// as long, reads as the event without them, and has nothing of what was said. Bytes that are no event
// stay as many, and none that is no space is another one.
func FuzzEraseJSON(f *testing.F) {
	f.Add("hello", "Ann", "tea.png", []byte(`{"S_CHAT":{"text":"x","files":[{"name":"]"}]}}`), true)
	f.Add(`"text":"`, `files":[`, `"],"text":"\`, []byte(`{"text":`), true)
	f.Add("", "\\", "[", []byte(`"files":[[["`), false)
	f.Add("", `"`, "0", []byte(`"files":000`), true)
	f.Add("안녕 \u2028 \x00\x1f", "e\u0301", "a/b\\\"", []byte(`,"text":"a\`), true)
	f.Fuzz(func(t *testing.T, text, name, file string, raw []byte, named bool) {
		text, name, file = strings.ToValidUTF8(text, "?"), strings.ToValidUTF8(name, "?"), strings.ToValidUTF8(file, "?")
		m := &pb.Event{Room: 1, Seq: 2, Kind: pb.EventKind_EVENT_KIND_MESSAGE, User: 3, Name: name, TimeMs: 4, Text: text, Target: 1}
		if named {
			m.Files = []*pb.File{{Id: 5, Name: file, Type: "image/png", Bytes: 6}, {Id: 7, Name: name}}
		}
		b := appendJSON(nil, "S_CHAT", m.ProtoReflect())
		erased := slices.Clone(b)
		if !eraseJSON(erased) || len(erased) != len(b) {
			t.Fatalf("%q becomes %q", b, erased)
		}
		onlySpaces(t, b, erased)
		read := func(b []byte) *pb.Event {
			var packet map[string]json.RawMessage
			if err := json.Unmarshal(b, &packet); err != nil {
				t.Fatalf("%q: %v", b, err)
			}
			e := new(pb.Event)
			if err := protojson.Unmarshal(packet["S_CHAT"], e); err != nil {
				t.Fatalf("%q: %v", b, err)
			}
			return e
		}
		want := read(b)
		want.Text, want.Files = "", nil
		if left := read(erased); !proto.Equal(left, want) {
			t.Fatalf("%q: left is %v, want %v", b, left, want)
		}
		again := slices.Clone(erased)
		if !eraseJSON(again) || !bytes.Equal(again, erased) {
			t.Fatalf("erased once more, %q becomes %q", erased, again)
		}
		before := slices.Clone(raw)
		eraseJSON(raw)
		onlySpaces(t, before, raw)
	})
}

func onlySpaces(t *testing.T, before, after []byte) {
	t.Helper()
	for i := range before {
		if after[i] != before[i] && after[i] != ' ' {
			t.Fatalf("%q becomes %q", before, after)
		}
	}
}
