package server_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"sarang/internal/server"
	"sarang/internal/store"
	"sarang/packet"
	pb "sarang/proto/sarang/v1"
)

// next reads the next packet of an id, whatever comes before it.
func (c *script) next(id packet.ID, m proto.Message) {
	c.t.Helper()
	for {
		got, payload, err := c.read()
		if err != nil {
			c.t.Fatalf("%s: waiting for packet %d: %v", c.name, id, err)
		}
		if got == pb.SError && id != pb.SError {
			c.t.Fatalf("%s: waiting for packet %d: %s", c.name, id, describe(got, payload))
		}
		if got == id {
			if err := proto.Unmarshal(payload, m); err != nil {
				c.t.Fatal(err)
			}
			return
		}
	}
}

// saying publishes a text and returns where it stands.
func (c *script) saying(room, nonce uint64, text string) uint64 {
	c.t.Helper()
	c.say(pb.CChat, &pb.Publish{Room: room, Nonce: nonce, Text: text})
	var ack pb.Ack
	for ack.Nonce != nonce {
		c.next(pb.SAck, &ack)
	}
	return ack.Seq
}

// settled reads until the message with a nonce is acknowledged.
func (c *script) settled(room, nonce uint64) {
	c.t.Helper()
	var ack pb.Ack
	for ack.Nonce != nonce || ack.Room != room {
		c.next(pb.SAck, &ack)
	}
}

// Two people and a message that changes: both see the changes, and who comes later sees the
// message as it is.
func TestChangesOverTheWire(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		s := start(t, c)
		defer stop(t, s)
		ann, ben := user(t, s, "ann"), user(t, s, "ben")
		room := ann.join(&pb.Join{Name: "lobby"}).Room.Id
		ben.join(&pb.Join{Room: room})
		said := ann.saying(room, 1, "helo")
		ann.say(pb.CEdit, &pb.Edit{Room: room, Nonce: 2, Target: said, Text: "hello"})
		var ack pb.Ack
		ann.next(pb.SAck, &ack)
		edited := ack.Seq
		ben.say(pb.CReact, &pb.React{Room: room, Nonce: 1, Target: said, Emoji: "👍"})
		ben.next(pb.SAck, &ack)
		reacted := ack.Seq
		ben.say(pb.CEdit, &pb.Edit{Room: room, Nonce: 2, Target: said, Text: "no"})
		var e pb.Error
		ben.next(pb.SError, &e)
		if e.Code != 26 || e.PacketId != pb.CEdit || e.Nonce != 2 || e.Room != room {
			t.Errorf("an edit of what another has said: %v", &e)
		}
		late := user(t, s, "late")
		late.say(pb.CHistory, &pb.History{Request: 1, Room: room})
		var page pb.HistoryPage
		late.next(pb.SHistory, &page)
		m := page.Events[said-1]
		if m.Text != "hello" || m.State.GetEdited() != edited || m.State.GetChanged() != reacted || page.AsOf < reacted ||
			len(m.State.Reactions) != 1 || m.State.Reactions[0].Count != 1 || m.State.Reactions[0].Mine != 0 {
			t.Errorf("who comes later is told %v", m)
		}
		if change := page.Events[edited-1]; change.Kind != pb.EventKind_EVENT_KIND_EDIT || change.Text != "" || change.Target != said {
			t.Errorf("the edit is told as %v", change)
		}
		ann.say(pb.CDelete, &pb.Delete{Room: room, Nonce: 3, Target: said})
		ann.next(pb.SAck, &ack)
		late.say(pb.CHistory, &pb.History{Request: 2, Room: room})
		late.next(pb.SHistory, &page)
		if m = page.Events[said-1]; m.Text != "" || m.State.GetDeleted() != ack.Seq || len(m.State.Reactions) > 0 {
			t.Errorf("behind the delete it is told as %v", m)
		}
	})
}

// After a delete nothing that the server sends contains the text: not to readers who are behind, in
// the window or behind it.
func TestDeletedIsSentNoMore(t *testing.T) {
	c := server.Default()
	c.Listen = server.Native(netip.MustParseAddrPort("127.0.0.1:0"))
	c.HTTP, c.DataDir, c.Workers, c.Debug = "none", t.TempDir(), 2, true
	c.Logger = slog.New(slog.DiscardHandler)
	c.Sync = store.ProcessSafe
	s := start(t, c)
	ann := user(t, s, "ann")
	room := ann.join(&pb.Join{Name: "lobby"}).Room.Id
	slow := func(name string) *script {
		x := user(t, s, name)
		if err := x.conn.(*net.TCPConn).SetReadBuffer(128 << 10); err != nil {
			t.Fatal(err)
		}
		x.join(&pb.Join{Room: room})
		return x
	}
	behind := slow("behind")
	nonce := uint64(0)
	fill := func(count int) {
		for i := range count { // many at a time: each alone would wait for the disk
			nonce++
			ann.say(pb.CChat, &pb.Publish{Room: room, Nonce: nonce, Text: strings.Repeat("filler ", 2300)})
			if i%10 == 9 || i == count-1 {
				ann.settled(room, nonce)
			}
		}
	}
	fill(400) // more than sockets hold
	var gone []uint64
	secret := func(n int) string {
		return fmt.Sprintf("this is secret %d, %s.", n, strings.Repeat("really so ", n*n%97*11))
	}
	for n := range 60 {
		nonce++
		gone = append(gone, ann.saying(room, nonce, secret(n)))
		nonce++
		ann.saying(room, nonce, strings.Repeat("between ", n+1))
	}
	middle := slow("middle") // its socket is full of what comes now
	fill(400)
	for n, seq := range gone {
		nonce++
		ann.say(pb.CEdit, &pb.Edit{Room: room, Nonce: nonce, Target: seq, Text: "an edited " + secret(n)})
		ann.next(pb.SAck, new(pb.Ack))
	}
	near := ann.saying(room, 1<<40, "the last secret")
	fill(3)
	for _, seq := range append(gone, near) {
		nonce++
		ann.say(pb.CDelete, &pb.Delete{Room: room, Nonce: nonce, Target: seq})
		ann.next(pb.SAck, new(pb.Ack))
	}
	// From here on every byte counts that somebody gets.
	for _, x := range []*script{behind, middle} {
		x.say(pb.CPing, &pb.Ping{Value: 9})
		x.say(pb.CHistory, &pb.History{Request: 9, Room: room, After: gone[0] - 1})
		var got bytes.Buffer
		end := []byte(fmt.Sprint("the end for ", x.name))
		nonce++
		ann.saying(room, nonce, string(end))
		b := make([]byte, 64<<10)
		for !bytes.Contains(got.Bytes(), end) {
			_ = x.conn.SetReadDeadline(time.Now().Add(patience))
			n, err := x.conn.Read(b)
			got.Write(b[:n])
			if err != nil {
				t.Fatalf("%s: after %d bytes: %v", x.name, got.Len(), err)
			}
		}
		if at := bytes.Index(got.Bytes(), []byte("secret")); at >= 0 {
			t.Errorf("%s was sent %.40q", x.name, got.Bytes()[at-10:])
		}
	}
	stop(t, s)
}
