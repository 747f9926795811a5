package server_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"sarang/internal/server"
	pb "sarang/proto/sarang/v1"
)

// An operator puts a copy of the data folder back that was made before the last messages.
// Their numbers are given out again, and who had read them is told so, with the events that
// the log has now.
func TestOlderDataFolder(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		s := start(t, c)
		ann := user(t, s, "Ann")
		room := ann.join(&pb.Join{Name: "lobby"}).Room
		ann.expectEvent(1, "+ Ann")
		ann.publish(room.Id, 2, "kept")
		ann.expectOwn(2, 2, "kept")
		stop(t, s)
		files, err := filepath.Glob(filepath.Join(c.DataDir, "sarang.db*"))
		if err != nil || len(files) != 1 {
			t.Fatalf("a closed store has the files %v, %v", files, err)
		}
		older, err := os.ReadFile(files[0])
		if err != nil {
			t.Fatal(err)
		}

		s = start(t, c)
		ben := user(t, s, "Ben")
		ben.join(&pb.Join{Name: "lobby"})
		ben.expectEvent(3, "+ Ben")
		ben.publish(room.Id, 4, "lost")
		ben.expectOwn(4, 4, "lost")
		var before pb.HistoryPage
		ben.say(pb.CHistory, &pb.History{Request: 1, Room: room.Id, After: 1})
		ben.expect(pb.SHistory, &before)
		stop(t, s)
		if err := os.WriteFile(files[0], older, 0o600); err != nil {
			t.Fatal(err)
		}

		s = start(t, c)
		defer stop(t, s)
		cat := user(t, s, "Cat")
		cat.join(&pb.Join{Name: "lobby"})
		cat.expectEvent(3, "+ Cat")
		for seq := uint64(4); seq < 7; seq++ {
			cat.publish(room.Id, seq, "new")
			cat.expectOwn(seq, seq, "new")
		}
		for i, e := range before.Events {
			back := user(t, s, fmt.Sprint("back", i))
			joined := back.join(&pb.Join{Name: "lobby", HistoryItems: 2, Cursor: &pb.Cursor{Epoch: room.Epoch, Seq: e.Seq, TimeMs: e.TimeMs}})
			if e.Seq == 2 { // both logs have it
				if joined.CursorVoid || joined.After != 2 {
					t.Errorf("with event 2: %v", joined)
				}
				back.expectEvent(3, "+ Cat")
				continue
			}
			var gap pb.Gap
			back.expect(pb.SGap, &gap)
			if joined.Room.Epoch != room.Epoch || !joined.CursorVoid || gap.From != 0 || gap.To != joined.After {
				t.Errorf("with event %d of before: %v, %v", e.Seq, joined, &gap)
			}
			var next pb.Event
			if back.expect(pb.SChat, &next); next.Seq != joined.After+1 {
				t.Errorf("event %d comes after %d", next.Seq, joined.After)
			}
		}
	})
}
