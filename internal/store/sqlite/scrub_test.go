package sqlite_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"sarang/chat"
	"sarang/internal/store/sqlite"
)

// A text that was deleted is in no file any more, wherever pages were split and joined while it was
// there: many rooms grow side by side, so that pages are split in their middle.
func TestErasedTextsAreInNoFile(t *testing.T) {
	const rooms, rounds = 12, 150
	dir := t.TempDir()
	s := openWithRoom(t, sqlite.Config{Dir: dir})
	for i := 2; i <= rooms; i++ {
		name := fmt.Sprint("r", i)
		if _, err := s.CreateRoom(t.Context(), chat.Room{Name: name, Key: name}, chat.RoomQuota{}); err != nil {
			t.Fatal(err)
		}
	}
	r := rand.New(rand.NewPCG(15, 1))
	logs := make([][]chat.Event, rooms+1)
	said, deleted := map[string]bool{}, map[string]bool{}
	text := func() string {
		s := fmt.Sprintf("{%08x%08x}", r.Uint32(), len(said))
		said[s] = true
		return s + string(bytes.Repeat([]byte("x"), r.IntN(1+r.IntN(900))))
	}
	mark := func(text string) string { return text[:18] }
	for number := uint64(1); number <= rounds; number++ {
		b := chat.Batch{ID: chat.BatchID{Writer: 1, Number: number}}
		for room := 1; room <= rooms; room++ {
			if r.IntN(3) == 0 {
				continue
			}
			log := &logs[room]
			a := chat.Append{Room: chat.RoomID(room), After: chat.Seq(len(*log))}
			for range 1 + r.IntN(8) {
				e := chat.Event{Room: a.Room, Seq: chat.Seq(len(*log)) + 1, Kind: chat.EventMessage, User: 1, Nonce: chat.Nonce(r.Uint64() | 1)}
				if len(*log) > 0 && r.IntN(3) == 0 {
					target := (*log)[r.IntN(len(*log))]
					if target.Kind == chat.EventMessage && !deleted[mark(target.Text)] {
						e.Kind, e.Target = chat.EventDelete, target.Seq
						deleted[mark(target.Text)] = true
					}
				}
				if e.Kind == chat.EventMessage {
					e.Text = text()
				}
				*log = append(*log, e)
				a.Events = append(a.Events, e)
			}
			b.Appends = append(b.Appends, a)
		}
		if err := commit(t.Context(), s, b); err != nil {
			t.Fatal(err)
		}
	}
	found, err := s.Scrub(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if found == 0 {
		t.Error("no page had anything in its gap: the test does not split pages as it means to")
	}
	if again, err := s.Scrub(t.Context()); err != nil || again != 0 {
		t.Errorf("a second time %d pages have something in their gap, %v", again, err)
	}
	for room := 1; room <= rooms; room++ { // and what is not deleted is there
		got, _, err := s.History(t.Context(), chat.RoomID(room), chat.Page{ItemsMax: 1 << 20, BytesMax: 1 << 30})
		if err != nil || len(got) != len(logs[room]) {
			t.Fatalf("room %d has %d events of %d, %v", room, len(got), len(logs[room]), err)
		}
		for i, e := range logs[room] {
			if e.Kind == chat.EventMessage && deleted[mark(e.Text)] {
				e.Text = ""
			}
			if got[i].Text != e.Text || got[i].Nonce != e.Nonce {
				t.Fatalf("room %d has %+v, want %+v", room, got[i], e)
			}
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	left := leftIn(t, dir, deleted)
	if len(deleted) < 1000 || len(left) > 0 {
		t.Errorf("of %d deleted texts %d are in the files: %v", len(deleted), len(left), left)
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, sqlite.DatabaseFile))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var says string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&says); err != nil || says != "ok" {
		t.Errorf("the database is damaged: %s, %v", says, err)
	}
	s = open(t, sqlite.Config{Dir: dir})
	wantLast(t, s, chat.Seq(len(logs[1])))
}

// leftIn returns those of some texts that are in a folder's files.
func leftIn(t *testing.T, dir string, texts map[string]bool) (left []string) {
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for at := bytes.IndexByte(b, '{'); at >= 0 && at+18 <= len(b); {
			if texts[string(b[at:at+18])] {
				left = append(left, string(b[at:at+18]))
			}
			next := bytes.IndexByte(b[at+1:], '{')
			if next < 0 {
				break
			}
			at += 1 + next
		}
	}
	slices.Sort(left)
	return slices.Compact(left)
}

// A store looks for what is left by itself, some time after it was opened, or something was erased.
func TestScrubsByItself(t *testing.T) {
	s := openWithRoom(t, sqlite.Config{ScrubAfter: time.Millisecond})
	scrubbed := func(before uint64) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); s.Stats().Scrubs == before; time.Sleep(time.Millisecond) { // sleep: polling; nobody is told of a round
			if time.Now().After(end) {
				t.Fatal("nobody looks for what is left of erased texts")
			}
		}
	}
	scrubbed(0)
	before := s.Stats().Scrubs
	if err := commit(t.Context(), s, say(1, 3)); err != nil {
		t.Fatal(err)
	}
	if now := s.Stats().Scrubs; now != before {
		t.Errorf("it has looked %d times, and nothing was erased", now)
	}
	b := say(4, 1)
	b.Appends[0].Events[0].Kind, b.Appends[0].Events[0].Target, b.Appends[0].Events[0].Text = chat.EventDelete, 2, ""
	if err := commit(t.Context(), s, b); err != nil {
		t.Fatal(err)
	}
	scrubbed(before)
}
