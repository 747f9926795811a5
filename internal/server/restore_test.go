package server_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"sarang/internal/control"
	"sarang/internal/server"
	"sarang/internal/store"
	pb "sarang/proto/sarang/v1"
)

// backUp makes a backup of a running server and returns its file.
func backUp(t *testing.T, dataDir string) (file string) {
	t.Helper()
	dir := t.TempDir()
	partial := filepath.Join(dir, "partial")
	if err := os.Mkdir(partial, 0o700); err != nil {
		t.Fatal(err)
	}
	args, _ := json.Marshal(control.BackupArgs{Dir: partial})
	if _, err := control.Ask(t.Context(), dataDir, control.Request{Do: "backup", Args: args}, func(control.Answer) {}); err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(dir, "b.db")
	if a, err := store.FinishBackup(t.Context(), partial, file, func(string, uint64, uint64) {}); err != nil || a.Faults > 0 {
		t.Fatalf("%+v, %v", a, err)
	}
	return file
}

// A backup of a running server is restored into another folder. What was said behind it is
// gone, and its numbers are given out again; nobody who stands at one of them is fed with the
// new ones as if they were what comes next, whatever he knows of times.
func TestRestoredServer(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		dir := shortDir(t)
		c.DataDir = filepath.Join(dir, "a")
		s := start(t, c)
		ann := dial(t, s, "Ann")
		token := ann.login(nil).Token
		room := ann.join(&pb.Join{Name: "lobby"}).Room
		ann.expectEvent(1, "+ Ann")
		ann.publish(room.Id, 2, "kept")
		ann.expectOwn(2, 2, "kept")
		file := backUp(t, c.DataDir)
		ann.publish(room.Id, 3, "lost")
		ann.expectOwn(3, 3, "lost")
		stop(t, s)

		c.DataDir = filepath.Join(dir, "b")
		if a, err := store.Restore(t.Context(), file, c.DataDir, func(string, uint64, uint64) {}); err != nil || a.Faults > 0 || a.Events != 2 {
			t.Fatalf("%+v, %v", a, err)
		}
		s = start(t, c)
		defer stop(t, s)
		ann = dial(t, s, "Ann")
		ann.login(token) // still hers
		joined := ann.join(&pb.Join{Room: room.Id, HistoryItems: 2, Cursor: &pb.Cursor{Epoch: room.Epoch, Seq: 3}})
		if joined.Room.Name != "lobby" || joined.Room.Epoch == room.Epoch || !joined.CursorVoid {
			t.Errorf("with a number that was given out again: %v", joined)
		}
		var gap pb.Gap
		ann.expect(pb.SGap, &gap)
		if gap.From != 0 || gap.To != joined.After {
			t.Errorf("the gap is %v behind %v", &gap, joined)
		}
	})
}
