package server_test

import (
	"context"
	"encoding/json"
	"os"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"sarang/chat"
	"sarang/client"
	"sarang/internal/control"
	"sarang/internal/server"
	"sarang/packet"
	pb "sarang/proto/sarang/v1"
)

// shortDir is a folder whose path fits into a socket's.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sarang")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// operate has an operation done by the server of a data folder.
func operate[R any](t *testing.T, dataDir, do string, args any) (r R) {
	t.Helper()
	b, err := json.Marshal(args)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := control.Ask(t.Context(), dataDir, control.Request{Do: do, Args: b}, func(control.Answer) {})
	if err == nil {
		err = json.Unmarshal(answer, &r)
	}
	if err != nil {
		t.Fatalf("%s: %v", do, err)
	}
	return r
}

// Somebody who talks all the time is banned from the server: when the command is done, he is out
// on all his connections, and nothing of him comes any more; nor is he let in again, also by a
// server that was started anew, until the ban is taken back.
func TestShutOut(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		c.DataDir = shortDir(t)
		s := start(t, c)
		bob := dial(t, s, "bob")
		in := bob.login(nil)
		room := bob.join(&pb.Join{Name: "lobby"}).Room.Id
		reader := user(t, s, "ann") // she is in no room, so that she is told nothing but answers
		over := make(chan uint32)
		go func() { // he does not wait for acks, and is told why it ends
			defer close(over)
			for {
				id, payload, err := bob.read()
				var g pb.Goodbye
				if err != nil {
					return
				}
				if id == pb.SGoodbye && proto.Unmarshal(payload, &g) == nil {
					over <- g.Code
				}
			}
		}()
		talking, stopTalking := context.WithCancel(t.Context())
		defer stopTalking()
		go func() {
			for nonce := uint64(1); talking.Err() == nil; nonce++ {
				b, _ := packet.AppendVT(nil, pb.CChat, &pb.Publish{Room: room, Nonce: nonce, Text: "and another thing"})
				if _, err := bob.conn.Write(b); err != nil {
					return
				}
			}
		}()
		kit, err := client.Dial(t.Context(), client.Config{Addr: s.Addrs()[0].Addr.String(), Name: "bob", Token: in.Token, Logger: c.Logger})
		if err != nil {
			t.Fatal(err)
		}
		defer kit.Close()
		deadline := time.Now().Add(patience)
		for n := 0; n < 20; n, _ = reader.saidBy(room, in.User) {
			if time.Now().After(deadline) {
				t.Fatal("he does not talk")
			}
		}
		ban := operate[control.Ban](t, c.DataDir, "ban", control.BanArgs{Target: "Bob", Seconds: 3600, Reason: "spam"})
		if ban.User != chat.UserID(in.User) || ban.UserName != "bob" || ban.UntilMs == 0 {
			t.Errorf("%+v", ban)
		}
		before, _ := reader.saidBy(room, in.User)
		if code := <-over; code != uint32(chat.CodeShutOut) {
			t.Errorf("he is told code %d", code)
		}
		<-over
		stopTalking()
		wantFinal(t, kit, chat.CodeShutOut)
		again := dial(t, s, "bob")
		again.say(pb.CLogin, &pb.Login{VersionMin: 1, VersionMax: 1, Name: "bob", Token: in.Token})
		again.expectEnd(uint32(chat.CodeShutOut))
		reader.join(&pb.Join{Room: room, Request: 3})
		reader.barrierBehindEvents()
		if after, _ := reader.saidBy(room, in.User); after != before {
			t.Errorf("he has said %d things when the ban was done, and %d later", before, after)
		}
		stop(t, s)

		s = start(t, c)
		again = dial(t, s, "bob")
		again.say(pb.CLogin, &pb.Login{VersionMin: 1, VersionMax: 1, Name: "bob", Token: in.Token})
		again.expectEnd(uint32(chat.CodeShutOut))
		operate[control.Ban](t, c.DataDir, "ban-remove", control.UnbanArgs{ID: ban.ID})
		again = dial(t, s, "bob")
		if got := again.login(in.Token); got.User != in.User {
			t.Errorf("after the ban he is %v", got)
		}
		entries := operate[control.Entries](t, c.DataDir, "audit", control.AuditArgs{User: "bob"})
		if len(entries.Entries) != 2 || entries.Entries[0].Act != "unban" || entries.Entries[1].Act != "ban" || entries.Entries[1].Reason != "spam" {
			t.Errorf("the audit log has %+v", entries)
		}
		stop(t, s)
	})
}

// All of a network is shut out, connected or not.
func TestShutOutNetwork(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		c.DataDir = shortDir(t)
		s := start(t, c)
		defer func() { stop(t, s) }()
		ann, silent := user(t, s, "ann"), dial(t, s, "nobody yet")
		silent.barrier()
		operate[control.Ban](t, c.DataDir, "ban", control.BanArgs{Target: "10.0.0.0/8"})
		ann.barrier()
		ban := operate[control.Ban](t, c.DataDir, "ban", control.BanArgs{Target: "127.0.0.0/8"})
		ann.expectEnd(uint32(chat.CodeShutOut))
		silent.expectEnd(uint32(chat.CodeShutOut))
		dial(t, s, "late").expectEnd(uint32(chat.CodeShutOut))
		if all := operate[control.Bans](t, c.DataDir, "ban-list", control.BansArgs{}); len(all.Bans) != 2 || all.Bans[1].Network != "127.0.0.0/8" {
			t.Errorf("%+v", all)
		}
		operate[control.Ban](t, c.DataDir, "ban-remove", control.UnbanArgs{ID: ban.ID})
		user(t, s, "late")
	})
}

// barrierBehindEvents is barrier for somebody who is told events as well.
func (c *script) barrierBehindEvents() {
	c.t.Helper()
	c.say(pb.CPing, &pb.Ping{Value: 7})
	c.skipTo(pb.SPong)
}

// skipTo reads until a packet comes, past events, and returns it.
func (c *script) skipTo(want packet.ID) []byte {
	c.t.Helper()
	for {
		id, payload, err := c.read()
		switch {
		case err != nil:
			c.t.Fatal(err)
		case id == want:
			return payload
		case id != pb.SChat:
			c.t.Fatalf("%s: packet %d (%s)", c.name, id, describe(id, payload))
		}
	}
}

// saidBy counts the messages of a user in a room, and tells the log's end.
func (c *script) saidBy(room, user uint64) (n int, last uint64) {
	c.t.Helper()
	for {
		c.say(pb.CHistory, &pb.History{Request: 5, Room: room, After: last})
		var page pb.HistoryPage
		if err := proto.Unmarshal(c.skipTo(pb.SHistory), &page); err != nil {
			c.t.Fatal(err)
		}
		for _, e := range page.Events {
			if last = e.Seq; e.User == user && e.Kind == pb.EventKind_EVENT_KIND_MESSAGE {
				n++
			}
		}
		if !page.More {
			return n, last
		}
	}
}

// wantFinal waits until a client has given up for good.
func wantFinal(t *testing.T, c *client.Client, code chat.Code) {
	t.Helper()
	late := time.After(patience)
	for {
		select {
		case e, more := <-c.Events():
			if off, is := e.(client.Offline); is && off.Final {
				if chat.CodeOf(off.Err) != code {
					t.Errorf("it ended with %v", off.Err)
				}
				return
			}
			if !more {
				t.Fatal("it ended without a word")
			}
		case <-late:
			t.Fatal("the client goes on")
		}
	}
}
