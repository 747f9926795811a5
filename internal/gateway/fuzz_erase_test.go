package gateway_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"sarang/internal/gateway"
	pb "sarang/proto/sarang/v1"
)

// FuzzEraseText erases the text of an event, and of whatever else: what is left is as long, parses as
// before, and has no text.
func FuzzEraseText(f *testing.F) {
	f.Add("secret", "ann", uint64(1), []byte(nil))
	f.Add("", "", uint64(0), []byte{0x42, 0x01})
	f.Add("x", "y", uint64(1<<63), []byte{0x42, 0x02, 'a', 'b', 0x42, 0x01, 'c'})
	f.Fuzz(func(t *testing.T, text, name string, n uint64, raw []byte) {
		text, name = strings.ToValidUTF8(text, "?"), strings.ToValidUTF8(name, "?")
		e := &pb.Event{
			Room: n, Seq: n, Kind: pb.EventKind_EVENT_KIND_MESSAGE, User: n, Name: name, Nonce: n, TimeMs: n, Text: text, Target: n, Root: n,
		}
		b, err := e.MarshalVT()
		if err != nil {
			t.Fatal(err)
		}
		erased := append([]byte(nil), b...)
		if !gateway.EraseText(erased) || len(erased) != len(b) {
			t.Fatalf("%v is not erased", e)
		}
		got := new(pb.Event)
		if err := got.UnmarshalVT(erased); err != nil || got.Text != "" || len(strings.Trim(string(got.Padding), "\x00")) > 0 {
			t.Fatalf("%v is left of %v, %v", got, e, err)
		}
		got.Padding, e.Text = nil, ""
		if !proto.Equal(got, e) {
			t.Fatalf("%v is left of %v", got, e)
		}

		// Of bytes that are no event nothing is promised but that it says so, or that no text is left.
		size := len(raw)
		if was := new(pb.Event).UnmarshalVT(raw); gateway.EraseText(raw) && was == nil {
			left := new(pb.Event)
			if err := left.UnmarshalVT(raw); err != nil || left.Text != "" || len(raw) != size {
				t.Fatalf("%v is left of %x, %v", left, raw, err)
			}
		}
	})
}
