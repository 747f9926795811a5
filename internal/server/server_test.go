package server_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sarang/chat"
	"sarang/internal/server"
	"sarang/packet"
	pb "sarang/proto/sarang/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConversation(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		s := start(t, c)
		defer stop(t, s)
		ann, ben := user(t, s, "Ann"), user(t, s, "벤")
		room := ann.join(&pb.Join{Request: 1, Name: "lobby"})
		id := room.Room.Id
		if room.Request != 1 || room.Room.Name != "lobby" || room.Room.Epoch == 0 || room.Room.Ephemeral {
			t.Errorf("joined %v", room)
		}
		ann.expectEvent(1, "+ Ann")
		ben.join(&pb.Join{Name: "Lobby"}) // names do not tell cases apart
		ben.expectEvent(2, "+ 벤")
		ann.expectEvent(2, "+ 벤")

		ann.publish(id, 11, "hello")
		ann.expectOwn(11, 3, "hello")
		ben.expectEvent(3, "Ann: hello")
		ben.publish(id, 21, "안녕 👋")
		ben.expectOwn(21, 4, "안녕 👋")
		ann.expectEvent(4, "벤: 안녕 👋")

		var members pb.MemberPage
		ben.say(pb.CMembers, &pb.Members{Request: 5, Room: id})
		ben.expect(pb.SMembers, &members)
		if len(members.Members) != 2 || members.Total != 2 || members.More || members.Request != 5 {
			t.Errorf("members %v", &members)
		}
		var list pb.Listed
		ben.say(pb.CList, &pb.List{Request: 6})
		ben.expect(pb.SList, &list)
		if len(list.Rooms) != 1 || list.Rooms[0].Name != "lobby" || list.Rooms[0].LastSeq != 4 || list.Rooms[0].Members != 2 {
			t.Errorf("list %v", &list)
		}

		ben.say(pb.CLeave, &pb.Leave{Request: 7, Room: id})
		ben.expect(pb.SLeave, &pb.Leave{})
		ann.expectEvent(5, "- 벤")
		ann.publish(id, 12, "alone")
		ann.expectOwn(12, 6, "alone")
		ben.barrier() // nothing of the room may come before the pong
	})
}

func TestLoginRules(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		s := start(t, c)
		defer stop(t, s)
		x := dial(t, s, "x")
		x.say(pb.CJoin, &pb.Join{Name: "lobby"})
		x.expectError(uint32(chat.CodeNotLoggedIn))
		x.say(pb.CChat, &pb.Publish{Room: 1, Nonce: 1, Text: "x"})
		x.expectError(uint32(chat.CodeNotLoggedIn))
		x.say(pb.CLogin, &pb.Login{VersionMin: 2, VersionMax: 3, Name: "x"})
		x.expectError(uint32(chat.CodeVersion))
		for _, name := range []string{"", "a b", "server", "\x00", strings.Repeat("n", 300)} {
			x.say(pb.CLogin, &pb.Login{VersionMin: 1, VersionMax: 1, Name: name})
			if e := x.expectError(uint32(chat.CodeBadName)); e.PacketId != pb.CLogin || e.Message == "" {
				t.Errorf("%q: %v", name, e)
			}
		}
		first := x.login(nil)
		if first.Name != "x" || first.User == 0 || len(first.Token) == 0 || first.Limits.TextBytesMax == 0 {
			t.Errorf("logged in %v", first)
		}
		x.say(pb.CLogin, &pb.Login{VersionMin: 1, VersionMax: 1, Name: "y"})
		x.expectError(uint32(chat.CodeAlreadyLogged))

		thief := dial(t, s, "X")
		thief.say(pb.CLogin, &pb.Login{VersionMin: 1, VersionMax: 1, Name: "X"})
		thief.expectError(uint32(chat.CodeNameTaken))
		thief.say(pb.CLogin, &pb.Login{VersionMin: 1, VersionMax: 1, Name: "X", Token: []byte("0123456789abcdef")})
		thief.expectError(uint32(chat.CodeBadToken))

		short := dial(t, s, "short")
		short.say(pb.CLogin, &pb.Login{VersionMin: 1, VersionMax: 1, Name: "short", Token: []byte("secret")})
		short.expectError(uint32(chat.CodeBadToken))
		own := []byte("made up by the client")
		made := dial(t, s, "own").login(own)
		if back := dial(t, s, "own").login(own); back.User != made.User || string(back.Token) != string(own) {
			t.Errorf("a token of the client's own: user %d came back as %d", made.User, back.User)
		}

		again := dial(t, s, "x").login(first.Token)
		if again.User != first.User {
			t.Errorf("user %d came back as %d", first.User, again.User)
		}
	})
}

func TestRequestsThatAreRefused(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		c.Hub.TextBytesMax, c.Hub.RoomsJoinedMax = 100, 2
		s := start(t, c)
		defer stop(t, s)
		a := user(t, s, "a")
		id := a.join(&pb.Join{Name: "one"}).Room.Id
		a.expectEvent(1, "+ a")
		for _, r := range []struct {
			say  func()
			code chat.Code
		}{
			{func() { a.publish(id, 0, "x") }, chat.CodeBadRequest},
			{func() { a.publish(id, 1, "") }, chat.CodeBadText},
			{func() { a.publish(id, 1, strings.Repeat("x", 101)) }, chat.CodeBadText},
			{func() { a.raw(badText(id)) }, chat.CodeBadText},
			{func() { a.publish(id+1, 1, "x") }, chat.CodeNotMember},
			{func() { a.say(pb.CJoin, &pb.Join{Room: id}) }, chat.CodeBadRequest},
			{func() { a.say(pb.CJoin, &pb.Join{Room: 999}) }, chat.CodeNoRoom},
			{func() { a.say(pb.CJoin, &pb.Join{Name: "nowhere"}) }, chat.CodeNoRoom},
			{func() { a.say(pb.CJoin, &pb.Join{Name: "no where", Create: true}) }, chat.CodeBadName},
			{func() { a.say(pb.CCreate, &pb.Create{Name: "One"}) }, chat.CodeRoomExists},
			{func() { a.say(pb.CLeave, &pb.Leave{Room: 999}) }, chat.CodeNotMember},
			{func() { a.say(pb.CHistory, &pb.History{Room: 999}) }, chat.CodeNoRoom},
			{func() { a.say(pb.CMembers, &pb.Members{Room: 999}) }, chat.CodeNoRoom},
			{func() { a.raw([]byte{5, 0, pb.CJoin, 0, 0xff}) }, chat.CodeMalformed},
			{func() { a.raw([]byte{4, 0, 200, 0}) }, chat.CodeUnknownPacket},
		} {
			r.say()
			a.expectError(uint32(r.code))
		}
		a.join(&pb.Join{Name: "two"})
		a.expectEvent(1, "+ a")
		a.say(pb.CJoin, &pb.Join{Name: "three", Create: true})
		a.expectError(uint32(chat.CodeTooMany))
		a.publish(id, 1, "still here")
		a.expectOwn(1, 2, "still here")
	})
}

// badText is a publish whose text is not UTF-8.
func badText(room uint64) []byte {
	p := append([]byte{0x08, byte(room), 0x11, 1, 0, 0, 0, 0, 0, 0, 0, 0x1a, 2}, 0xff, 0xfe)
	return append([]byte{byte(len(p) + 4), 0, pb.CChat, 0}, p...)
}

func TestRetryAcrossSessionsAndRestart(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		s := start(t, c)
		a := dial(t, s, "a")
		token := a.login(nil).Token
		id := a.join(&pb.Join{Name: "r"}).Room.Id
		a.expectEvent(1, "+ a")
		a.publish(id, 77, "once")
		a.expectOwn(77, 2, "once")
		a.publish(id, 77, "once")
		if seq := a.expectAck(77); seq != 2 {
			t.Errorf("retry in the same session: seq %d", seq)
		}
		stop(t, s)

		s = start(t, c)
		defer stop(t, s)
		a = dial(t, s, "a")
		if in := a.login(token); in.SentCount != 1 {
			t.Errorf("sent count %d after a restart, want 1", in.SentCount)
		}
		j := a.join(&pb.Join{Name: "r", HistoryItems: 10})
		a.expectEvent(1, "+ a")
		a.expectEvent(2, "a: once")
		// The drain ended the session, not the stay: no leave was logged, and the
		// restart forgot who was there.
		a.expectEvent(3, "+ a")
		a.publish(j.Room.Id, 77, "once")
		if seq := a.expectAck(77); seq != 2 {
			t.Errorf("retry after a restart: seq %d", seq)
		}
		a.publish(j.Room.Id, 78, "more")
		a.expectOwn(78, 4, "more")
	})
}

func TestResume(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		s := start(t, c)
		defer stop(t, s)
		a, b := user(t, s, "a"), dial(t, s, "b")
		token := b.login(nil).Token
		room := a.join(&pb.Join{Name: "r"}).Room
		a.expectEvent(1, "+ a")
		b.join(&pb.Join{Name: "r"})
		b.expectEvent(2, "+ b")
		a.expectEvent(2, "+ b")
		b.conn.Close()
		for i := range uint64(5) {
			a.publish(room.Id, 100+i, fmt.Sprint("m", i))
			a.expectOwn(100+i, 3+i, fmt.Sprint("m", i))
		}
		b = dial(t, s, "b")
		b.login(token)
		j := b.join(&pb.Join{Name: "r", Cursor: &pb.Cursor{Epoch: room.Epoch, Seq: 4}})
		if j.After != 4 {
			t.Errorf("resumed after %d, want 4", j.After)
		}
		b.expectEvent(5, "a: m2")
		b.expectEvent(6, "a: m3")
		b.expectEvent(7, "a: m4") // and no leave or join: he was away for a moment

		x := user(t, s, "x")
		x.join(&pb.Join{Name: "r", Cursor: &pb.Cursor{Epoch: room.Epoch + 1, Seq: 4}})
		var gap pb.Gap
		x.expect(pb.SGap, &gap)
		if gap.Epoch != room.Epoch || gap.To != 7 {
			t.Errorf("gap %v", &gap)
		}
		x.expectEvent(8, "+ x")
	})
}

func TestHistoryPages(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		s := start(t, c)
		defer stop(t, s)
		a := user(t, s, "a")
		id := a.join(&pb.Join{Name: "r"}).Room.Id
		a.expectEvent(1, "+ a")
		for i := range uint64(20) {
			a.publish(id, 1+i, fmt.Sprint("m", i))
			a.expectOwn(1+i, 2+i, fmt.Sprint("m", i))
		}
		for _, q := range []struct {
			ask         *pb.History
			first, last uint64
			more        bool
		}{
			{&pb.History{After: 0, ItemsMax: 5}, 1, 5, true},
			{&pb.History{After: 16, ItemsMax: 5}, 17, 21, false},
			{&pb.History{After: 20}, 21, 21, false},
			{&pb.History{After: 21}, 0, 0, false},
			{&pb.History{Before: 10, ItemsMax: 4}, 6, 9, true},
			{&pb.History{Before: 4, ItemsMax: 10}, 1, 3, false},
			{&pb.History{Before: 1}, 0, 0, false},
			{&pb.History{Before: 1000, ItemsMax: 3}, 19, 21, true},
		} {
			q.ask.Room = id
			a.say(pb.CHistory, q.ask)
			var p pb.HistoryPage
			a.expect(pb.SHistory, &p)
			var first, last uint64
			if n := len(p.Events); n > 0 {
				first, last = p.Events[0].Seq, p.Events[n-1].Seq
			}
			if first != q.first || last != q.last || p.More != q.more {
				t.Errorf("%v: %d to %d, more %t", q.ask, first, last, p.More)
			}
		}
	})
}

func TestDrain(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		c.RetryAfterMin, c.RetryAfterMax = 2*time.Second, 3*time.Second
		s := start(t, c)
		a := user(t, s, "a")
		id := a.join(&pb.Join{Name: "r"}).Room.Id
		a.expectEvent(1, "+ a")
		a.publish(id, 1, "last words")
		a.expectOwn(1, 2, "last words")
		done := make(chan struct{})
		s.clients = nil // this one is to hear the goodbye
		go func() { defer close(done); stop(t, s) }()
		if g := a.expectEnd(uint32(chat.CodeDraining)); g.RetryAfterMs < 2000 || g.RetryAfterMs > 3000 {
			t.Errorf("goodbye %v", g)
		}
		a.conn.Close()
		<-done
		if _, err := os.Stat(filepath.Join(c.DataDir, "sarang.db")); err != nil {
			t.Error(err)
		}
	})
}

// TestOverload lets one message be on its way at a time: another one is refused with a
// time to try again, and taken when the first is stored.
func TestOverload(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		c.Hub.PublishBytesPendingMax, c.HTTP = 1, "127.0.0.1:0"
		s := start(t, c)
		defer stop(t, s)
		a := user(t, s, "a")
		id := a.join(&pb.Join{Name: "r"}).Room.Id
		a.expectEvent(1, "+ a")
		both, _ := packet.AppendVT(nil, pb.CChat, &pb.Publish{Room: id, Nonce: 1, Text: "one"})
		both, _ = packet.AppendVT(both, pb.CChat, &pb.Publish{Room: id, Nonce: 2, Text: "two"})
		a.raw(both)
		if c.Workers == 1 { // else they may be on their way to another worker together
			if e := a.expectError(uint32(chat.CodeUnavailable)); e.Nonce != 2 || e.RetryAfterMs == 0 {
				t.Errorf("refusal %v", e)
			}
			a.expectOwn(1, 2, "one")
			a.publish(id, 2, "two")
			a.expectOwn(2, 3, "two")
		}
		awaitMetric(t, s, "sarang_publish_pending_bytes", 0)
	})
}

// TestLeaveEndsAll leaves a room with messages on their way: after S_LEAVE nothing of the
// room comes, and the messages are stored or were never taken.
func TestLeaveEndsAll(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		s := start(t, c)
		defer stop(t, s)
		a := user(t, s, "a")
		id := a.join(&pb.Join{Name: "r"}).Room.Id
		a.expectEvent(1, "+ a")
		var all []byte
		for n := range uint64(50) {
			all, _ = packet.AppendVT(all, pb.CChat, &pb.Publish{Room: id, Nonce: n + 1, Text: "x"})
		}
		all, _ = packet.AppendVT(all, pb.CLeave, &pb.Leave{Room: id})
		a.raw(all)
		for left := false; !left; {
			got, payload, err := a.read()
			if err != nil || got == pb.SError {
				t.Fatalf("%s %v", describe(got, payload), err)
			}
			left = got == pb.SLeave
		}
		a.barrier()
		a.say(pb.CHistory, &pb.History{Room: id, Before: 1 << 40, ItemsMax: 1}) // a round trip to the store
		a.expect(pb.SHistory, &pb.HistoryPage{})
		a.barrier()
	})
}
