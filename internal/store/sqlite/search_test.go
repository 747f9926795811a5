package sqlite_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sarang/chat"
	"sarang/internal/store/sqlite"
)

// found are the numbers of what a search in room 1 finds, all pages of it, and whether the index is whole.
func found(t *testing.T, s *sqlite.Store, text string) (seqs []chat.Seq, partial bool) {
	t.Helper()
	q := chat.SearchQuery{Text: text, Rooms: []chat.RoomID{1}, ItemsMax: 50, BytesMax: 1 << 20, ScanMax: 1000}
	for {
		page, err := s.Search(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Messages {
			seqs = append(seqs, e.Seq)
		}
		if page.Next == "" {
			return seqs, page.Partial
		}
		q.From = page.Next
	}
}

func say1(t *testing.T, s *sqlite.Store, first chat.Seq, events ...chat.Event) {
	t.Helper()
	for i := range events {
		e := &events[i]
		e.Room, e.Seq, e.User, e.TimeMs = 1, first+chat.Seq(i), 1, 1000+int64(first)+int64(i)
		e.Nonce = chat.Nonce(e.Seq)
		if e.Kind == 0 {
			e.Kind = chat.EventMessage
		}
	}
	b := chat.Batch{ID: chat.BatchID{Writer: 1, Number: uint64(first)}, Appends: []chat.Append{{Room: 1, After: first - 1, Events: events}}}
	if err := commit(t.Context(), s, b); err != nil {
		t.Fatal(err)
	}
}

// wantWhole waits until the indexer has done its work.
func wantWhole(t *testing.T, s *sqlite.Store) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		if _, partial := found(t, s, "x"); !partial {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the index is not whole after 20 s")
		}
	}
}

// The words of a deleted message are in no byte of the files, those of its edits and what retention has
// erased neither; of the others they are.
func TestDeletedWordsAreGone(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	dir := t.TempDir()
	s := openWithRoom(t, sqlite.Config{Dir: dir})
	secret := func() string { // its beginning is nobody else's: an index keeps only what differs
		b := make([]byte, 20)
		for i := range b {
			b[i] = 'a' + byte(random.IntN(26))
		}
		return string(b)
	}
	var all []string
	for i := range 300 {
		all = append(all, secret())
		say1(t, s, chat.Seq(i+1), chat.Event{Text: all[i] + " and more"})
	}
	say1(t, s, 301, chat.Event{Kind: chat.EventEdit, Target: 150, Text: secret()})
	gone := map[int]bool{}
	at := chat.Seq(302)
	for i := 99; i < 300; i += 5 {
		gone[i] = true
		say1(t, s, at, chat.Event{Kind: chat.EventDelete, Target: chat.Seq(i + 1)})
		at++
	}
	if _, _, err := s.Erase(t.Context(), chat.Erasure{BeforeMs: 1000 + 51, RoomsMax: 10, EventsMax: 1000}); err != nil {
		t.Fatal(err)
	}
	for i := range all {
		seqs, _ := found(t, s, all[i])
		if is := len(seqs) == 1 && seqs[0] == chat.Seq(i+1); is == (gone[i] || i < 50 || i == 149) {
			t.Fatalf("message %d: found %v", i+1, seqs)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, sqlite.DatabaseFile))
	if err != nil {
		t.Fatal(err)
	}
	// The texts are looked for as well: but for what the documents say of pages that were split, they
	// are gone, and of the index nothing may be left at all.
	for i := range all {
		inIndex := bytes.Count(b, []byte(all[i][3:])) - bytes.Count(b, []byte(all[i]+" and more"))
		switch left := gone[i] || i < 50; {
		case left && inIndex > 0:
			t.Errorf("the word of message %d is in the file %d times", i+1, inIndex)
		case !left && i != 149 && inIndex == 0:
			t.Errorf("the word of message %d is not in the file: the test sees nothing", i+1)
		}
	}
}

// A database from before there was an index gets one while it is used, in pieces, and also when it is
// closed in the middle.
func TestIndexOfOldDatabase(t *testing.T) {
	dir := t.TempDir()
	s := openWithRoom(t, sqlite.Config{Dir: dir, NoSearch: true})
	const messages = 1000
	for first := chat.Seq(1); first <= messages; first += 100 {
		events := make([]chat.Event, 100)
		for i := range events {
			events[i].Text = fmt.Sprintf("old word%d", first+chat.Seq(i))
		}
		say1(t, s, first, events...)
	}
	say1(t, s, messages+1, chat.Event{Kind: chat.EventEdit, Target: 5, Text: "old edited"}, chat.Event{Kind: chat.EventDelete, Target: 6})
	if _, err := s.Search(t.Context(), chat.SearchQuery{Text: "old", Rooms: []chat.RoomID{1}}); chat.CodeOf(err) != chat.CodeNoSearch {
		t.Fatalf("a store without index searches: %v", err)
	}
	for range 3 { // it may be far or not have begun
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open(t, sqlite.Config{Dir: dir})
	}
	// What comes meanwhile is found, and what is changed is found as it is.
	say1(t, s, messages+3, chat.Event{Text: "old too"}, chat.Event{Kind: chat.EventEdit, Target: 7, Text: "old seven"}, chat.Event{Kind: chat.EventDelete, Target: 990})
	wantWhole(t, s)
	if got, _ := found(t, s, "old"); len(got) != messages-2+1 {
		t.Errorf("found %d messages", len(got))
	}
	for text, want := range map[string]int{"word5": 0, "edited": 1, "word6": 0, "word7": 0, "seven": 1, "word990": 0, "word991": 1, "too": 1} {
		if got, _ := found(t, s, text); len(got) != want {
			t.Errorf("%q: found %v", text, got)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	// Without the index what is deleted is taken out of it, and what is said comes in later.
	s = open(t, sqlite.Config{Dir: dir, NoSearch: true})
	say1(t, s, messages+6, chat.Event{Text: "later"}, chat.Event{Kind: chat.EventDelete, Target: 991}, chat.Event{Kind: chat.EventEdit, Target: 992, Text: "other"})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, sqlite.Config{Dir: dir})
	wantWhole(t, s)
	for text, want := range map[string]int{"later": 1, "word991": 0, "word992": 0, "other": 1} {
		if got, _ := found(t, s, text); len(got) != want {
			t.Errorf("%q: found %v", text, got)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	// An index that another version has made is made anew; what is deleted before that is not found.
	alter(t, filepath.Join(dir, sqlite.DatabaseFile), "UPDATE indexing SET version = 'another'")
	s = open(t, sqlite.Config{Dir: dir})
	say1(t, s, messages+9, chat.Event{Text: "newest"}, chat.Event{Kind: chat.EventDelete, Target: 993})
	wantWhole(t, s)
	for text, want := range map[string]int{"newest": 1, "word993": 0, "word994": 1, "seven": 1} {
		if got, _ := found(t, s, text); len(got) != want {
			t.Errorf("%q: found %v", text, got)
		}
	}
}

// A search of what is in many rooms, of which few are searched, ends, and goes on from there.
func TestSearchIsBounded(t *testing.T) {
	s := openWithRoom(t, sqlite.Config{})
	events := make([]chat.Event, 400)
	for i := range events {
		events[i].Text = "common"
	}
	say1(t, s, 1, events...)
	rooms := make([]chat.RoomID, 20) // so many that they are looked at one by one
	for i := range rooms {
		rooms[i] = chat.RoomID(i + 2)
	}
	q := chat.SearchQuery{Text: "common", Rooms: rooms, ItemsMax: 10, BytesMax: 1 << 20, ScanMax: 150}
	pages := 0
	for {
		page, err := s.Search(t.Context(), q)
		if err != nil || len(page.Messages) > 0 {
			t.Fatalf("%+v, %v", page, err)
		}
		pages++
		if page.Next == "" {
			break
		}
		q.From = page.Next
	}
	if pages != 3 {
		t.Errorf("%d pages; 400 messages were looked at, 150 at a time", pages)
	}
}

func BenchmarkCommitSearch(b *testing.B) {
	for _, off := range []bool{false, true} {
		for _, batch := range []int{1, 10, 100} {
			b.Run(fmt.Sprintf("off=%v/batch=%d", off, batch), func(b *testing.B) {
				s := openWithRoom(b, sqlite.Config{NoSearch: off, Sync: sqlite.ProcessSafe})
				next := chat.Seq(1)
				random := rand.New(rand.NewPCG(1, 2))
				for b.Loop() {
					events := make([]chat.Event, batch)
					for i := range events {
						var text strings.Builder
						for range 12 {
							fmt.Fprintf(&text, "word%d ", int(random.ExpFloat64()*500))
						}
						events[i] = chat.Event{Room: 1, Seq: next, Kind: chat.EventMessage, User: 1, Nonce: chat.Nonce(next), TimeMs: int64(next), Text: text.String()}
						next++
					}
					batch := chat.Batch{ID: chat.BatchID{Writer: 1, Number: uint64(next)}, Appends: []chat.Append{{Room: 1, After: events[0].Seq - 1, Events: events}}}
					if err := commit(b.Context(), s, batch); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(next-1), "us/message")
			})
		}
	}
}
