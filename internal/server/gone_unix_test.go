//go:build unix

package server_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sarang/chat"
	"sarang/internal/server"
	pb "sarang/proto/sarang/v1"
)

// The database is removed while the server runs: nothing is acknowledged any more, and who
// looks at the server is told. What was there before the fault can still be read.
func TestDatabaseIsRemoved(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		c.HTTP = "127.0.0.1:0"
		s := start(t, c)
		defer stop(t, s)
		ann := user(t, s, "Ann")
		id := ann.join(&pb.Join{Name: "lobby"}).Room.Id
		ann.expectEvent(1, "+ Ann")
		ann.publish(id, 11, "hello")
		ann.expectOwn(11, 2, "hello")
		files, err := filepath.Glob(filepath.Join(c.DataDir, "sarang.db*"))
		if err != nil || len(files) < 2 {
			t.Fatalf("%v, %v", files, err)
		}
		for _, f := range files {
			if err := os.Remove(f); err != nil {
				t.Fatal(err)
			}
		}
		if status, body := get(t, s, "/readyz"); status != 503 || !strings.Contains(body, "database") {
			t.Errorf("/readyz: %d %q", status, body)
		}
		ann.publish(id, 12, "into nothing")
		if e := ann.expectError(uint32(chat.CodeStoreGone)); e.Nonce != 12 || e.RetryAfterMs == 0 {
			t.Errorf("%v", e)
		}
		x := dial(t, s, "x")
		x.say(pb.CLogin, &pb.Login{VersionMin: 1, VersionMax: 1, Name: "x"})
		x.expectError(uint32(chat.CodeStoreGone))
		var page pb.HistoryPage
		ann.say(pb.CHistory, &pb.History{Request: 1, Room: id, Before: 3})
		ann.expect(pb.SHistory, &page)
		if len(page.Events) != 2 {
			t.Errorf("%v", &page)
		}
	})
}
