//go:build ignore

// Command make writes a small data folder by the store of the commit that it stands in, and
// its database, packed, to standard output: scripts/released.sh runs it in the released one.
// What it writes is looked for in ../../released_test.go and in internal/server.
package main

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"log"
	"os"
	"path/filepath"

	"sarang/chat"
	"sarang/internal/store/sqlite"
)

const (
	startMs = 1_700_000_000_000
	dayMs   = 24 * 60 * 60 * 1000
)

func main() {
	log.SetFlags(0)
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "released")
	check(err)
	defer os.RemoveAll(dir)
	s, err := sqlite.Open(ctx, sqlite.Config{Dir: dir})
	check(err)

	// Users 1 to 6; the token of each is "token of " and the name. 5 had the name of 6 before.
	claim := func(name string, nowMs int64) {
		_, key, err := chat.ParseUserName(name)
		check(err)
		_, err = s.ClaimUser(ctx, chat.Claim{
			Name: name, Key: key, Look: chat.Skeleton(key), Fresh: sha256.Sum256([]byte("token of " + name)),
			NowMs: nowMs, ReservedSinceMs: nowMs - 30*dayMs,
		})
		check(err)
	}
	for i, name := range []string{"Ann", "민지", "Bob", "Cat"} {
		claim(name, startMs+int64(i))
	}
	claim("dave", startMs-100*dayMs)
	claim("Dave", startMs+10)

	// Rooms 1 to 4.
	for i, r := range []chat.Room{
		{Name: "lobby", Key: "lobby", Creator: 1},
		{Name: "사랑방", Key: "사랑방", Creator: 2},
		{Name: "council", Key: "council", Creator: 1, Private: true},
		{Name: "game", Key: "game", Creator: 3, Ephemeral: true},
	} {
		r.Epoch, r.CreatedMs = chat.Epoch(1000+i), startMs+int64(i)
		_, err := s.CreateRoom(ctx, r, chat.RoomQuota{})
		check(err)
	}

	id := chat.BatchID{Writer: 7}
	ends := map[chat.RoomID]chat.Seq{}
	add := func(room chat.RoomID, events ...chat.Event) {
		a := chat.Append{Room: room, After: ends[room]}
		for i, e := range events {
			e.Room, e.Seq = room, a.After+chat.Seq(i)+1
			e.TimeMs = startMs + int64(e.Seq)*1000
			if e.Nonce == 0 {
				e.Nonce = chat.Nonce(uint64(room)<<32 | uint64(e.Seq))
			}
			if e.UntilMs > 0 {
				e.UntilMs += e.TimeMs
			}
			a.Events = append(a.Events, e)
		}
		id.Number++
		conflicts, err := s.Commit(ctx, chat.Batch{ID: id, Appends: []chat.Append{a}})
		check(err)
		if len(conflicts) > 0 {
			log.Fatal(conflicts)
		}
		ends[room] += chat.Seq(len(events))
	}
	say := func(u chat.UserID, text string) chat.Event {
		return chat.Event{Kind: chat.EventMessage, User: u, Text: text}
	}
	add(1, chat.Event{Kind: chat.EventJoin, User: 1}, say(1, "hello"), say(3, "hi 안녕!"),
		chat.Event{Kind: chat.EventMessage, User: 3, Text: "about that", Target: 2},
		chat.Event{Kind: chat.EventRole, User: 1, Subject: 2, Role: chat.RoleModerator},
		chat.Event{Kind: chat.EventKick, User: 2, Subject: 3, Text: "be quiet"},
		chat.Event{Kind: chat.EventRole, User: 2, Subject: 3, Role: chat.RoleBanned, Text: "spam", UntilMs: 20 * 365 * dayMs},
		chat.Event{Kind: chat.EventRole, User: 1, Subject: 4, Role: chat.RoleReader, UntilMs: 1000},
		chat.Event{Kind: chat.EventLeave, User: 3})
	for range 30 {
		add(2, say(2, "어서 오세요! 차 한 잔 하실래요? 🍵"), say(1, "Thank you. Is this the room where everybody meets?"))
	}
	add(3, chat.Event{Kind: chat.EventRole, User: 1, Subject: 2, Role: chat.RoleMember}, say(2, "only for us"), say(5, "by the first Dave"))
	check(s.Close())

	b, err := os.ReadFile(filepath.Join(dir, sqlite.DatabaseFile))
	check(err)
	z, err := gzip.NewWriterLevel(os.Stdout, gzip.BestCompression)
	check(err)
	_, err = z.Write(b)
	check(err)
	check(z.Close())
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
