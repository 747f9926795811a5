package sarangv1_test

import (
	"testing"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"sarang/packet"
	pb "sarang/proto/sarang/v1"
)

// decoders are what the generated messages have beside those of package proto.
type decoders interface {
	proto.Message
	packet.Marshaler
	packet.Unmarshaler
	packet.UnsafeUnmarshaler
}

func everyMessage() []decoders {
	return []decoders{
		new(pb.Login), new(pb.LoggedIn), new(pb.Publish), new(pb.Event), new(pb.Ack), new(pb.Error), new(pb.Ping),
		new(pb.Join), new(pb.Joined), new(pb.Leave), new(pb.Create), new(pb.Created), new(pb.List), new(pb.Listed),
		new(pb.History), new(pb.HistoryPage), new(pb.Members), new(pb.MemberPage), new(pb.Gap), new(pb.Goodbye),
		new(pb.GiveRole), new(pb.Kick), new(pb.Done), new(pb.Register), new(pb.ChangePassword), new(pb.Sessions),
		new(pb.SessionList), new(pb.DeviceSession), new(pb.EndSession), new(pb.EraseUser),
		new(pb.Mark), new(pb.Marked), new(pb.Mute), new(pb.MyRooms), new(pb.MyRoomPage),
		new(pb.Direct), new(pb.Belongs), new(pb.Typing), new(pb.Topic), new(pb.ReportMessage), new(pb.Reported), new(pb.Report), new(pb.Reports),
		new(pb.ReportPage), new(pb.Resolve), new(pb.Audit), new(pb.AuditMark), new(pb.AuditPage), new(pb.AuditEntry),
		new(pb.SetRoom), new(pb.DeleteRoom), new(pb.Purge),
		new(pb.Mentions), new(pb.MentionPlace), new(pb.MentionPage), new(pb.Threads), new(pb.ThreadPage), new(pb.Thread), new(pb.ThreadHistory), new(pb.Pins),
		new(pb.Filter), new(pb.Filtered), new(pb.RoomFilter),
		new(pb.MakeLink), new(pb.MadeLink), new(pb.RoomLink), new(pb.Links), new(pb.LinkPage), new(pb.RevokeLink), new(pb.JoinLink),
		new(pb.FollowThread), new(pb.ReadThread), new(pb.Followed),
		new(pb.Search), new(pb.SearchPage), new(pb.Hit),
	}
}

// FuzzMessages decodes bytes as each message by the fast decoders and by the reference:
// what both take must read the same and encode to the same message again; none may
// panic.
func FuzzMessages(f *testing.F) {
	for _, e := range examples {
		b, err := packet.AppendVT(nil, e.id, e.m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b[packet.HeaderBytes:])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, m := range everyMessage() {
			fast, lent := m.ProtoReflect().New().Interface().(decoders), m.ProtoReflect().New().Interface().(decoders)
			errFast, errLent := fast.UnmarshalVT(b), lent.UnmarshalVTUnsafe(b)
			if (errFast == nil) != (errLent == nil) {
				t.Fatalf("%T: %v, lent %v", m, errFast, errLent)
			}
			if errFast == nil && !proto.Equal(fast, lent) {
				t.Fatalf("%T reads in two ways: %v and %v", m, fast, lent)
			}
			// The reference looks at UTF-8; the fast ones refuse a known field of a wrong
			// type, which is an unknown field to the reference.
			reference := proto.UnmarshalOptions{DiscardUnknown: true}
			if reference.Unmarshal(b, m) != nil || errFast != nil {
				continue
			}
			again := m.ProtoReflect().New().Interface()
			out := make([]byte, fast.SizeVT())
			if n, err := fast.MarshalToSizedBufferVT(out); err != nil || n != len(out) || reference.Unmarshal(out, again) != nil || !proto.Equal(m, again) {
				t.Fatalf("%T reads in two ways: %v and %v (%v)", m, m, again, err)
			}
			checkText(t, m.ProtoReflect())
		}
	})
}

// checkText wants all strings of what the reference has taken to be UTF-8: it is what
// the tests rely on that read a server's answers with it.
func checkText(t *testing.T, m protoreflect.Message) {
	m.Range(func(d protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if d.Kind() == protoreflect.StringKind && !d.IsList() && !utf8.ValidString(v.String()) {
			t.Fatalf("%s is not UTF-8", d.FullName())
		}
		return true
	})
}
