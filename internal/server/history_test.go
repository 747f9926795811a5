package server_test

import (
	"strings"
	"testing"

	"sarang/internal/server"
	"sarang/packet"
	pb "sarang/proto/sarang/v1"
)

// Who asks for several pages at once, as the limits allow, gets them all.
func TestPagesAskedForTogether(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		s := start(t, c)
		defer stop(t, s)
		a := user(t, s, "ann")
		room := a.join(&pb.Join{Name: "pages", Create: true}).Room.Id
		const messages, pages = 20, 8
		for n := range uint64(messages) {
			a.publish(room, n+1, strings.Repeat("x", 10_000))
		}
		for acks := 0; acks < messages; {
			if id, _, err := a.read(); err != nil {
				t.Fatal(err)
			} else if id == pb.SAck {
				acks++
			}
		}
		b := user(t, s, "bob")
		var all []byte
		for n := range uint32(pages) {
			all = appendPacket(t, all, pb.CHistory, &pb.History{Request: n + 1, Room: room, ItemsMax: 200})
		}
		b.raw(all)
		answered := map[uint32]bool{}
		for len(answered) < pages {
			var m pb.HistoryPage
			b.expect(pb.SHistory, &m)
			answered[m.Request] = true
			if len(m.Events) == 0 || !m.More {
				t.Errorf("page %d has %d events, more %t", m.Request, len(m.Events), m.More)
			}
		}
	})
}

func appendPacket(t *testing.T, dst []byte, id packet.ID, m packet.Marshaler) []byte {
	t.Helper()
	dst, err := packet.AppendVT(dst, id, m)
	if err != nil {
		t.Fatal(err)
	}
	return dst
}
