package sqlite_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sarang/chat"
	"sarang/internal/store/sqlite"
	"sarang/internal/store/storetest"
	"sarang/internal/words"
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

// wantIndexed has all that was said come into the index.
func wantIndexed(t *testing.T, s *sqlite.Store) {
	t.Helper()
	if err := s.Indexed(t.Context()); err != nil {
		t.Fatal(err)
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
	wantIndexed(t, s)
	say1(t, s, 301, chat.Event{Kind: chat.EventEdit, Target: 150, Text: secret()})
	gone := map[int]bool{}
	at := chat.Seq(302)
	for i := 99; i < 300; i += 5 {
		gone[i] = true
		say1(t, s, at, chat.Event{Kind: chat.EventDelete, Target: chat.Seq(i + 1)})
		at++
	}
	storetest.Expire(t, s, 1000+51)
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
		s = open(t, sqlite.Config{Dir: dir, IndexAfter: time.Millisecond})
	}
	// What comes meanwhile is found, and what is changed is found as it is.
	say1(t, s, messages+3, chat.Event{Text: "old too"}, chat.Event{Kind: chat.EventEdit, Target: 7, Text: "old seven"}, chat.Event{Kind: chat.EventDelete, Target: 990})
	wantWhole(t, s)
	wantIndexed(t, s)
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
	s = open(t, sqlite.Config{Dir: dir, IndexAfter: time.Millisecond})
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
	s = open(t, sqlite.Config{Dir: dir, IndexAfter: time.Millisecond})
	say1(t, s, messages+9, chat.Event{Text: "newest"}, chat.Event{Kind: chat.EventDelete, Target: 993})
	wantWhole(t, s)
	wantIndexed(t, s)
	for text, want := range map[string]int{"newest": 1, "word993": 0, "word994": 1, "seven": 1} {
		if got, _ := found(t, s, text); len(got) != want {
			t.Errorf("%q: found %v", text, got)
		}
	}
}

// asked asks the file of a store for a number.
func asked(t *testing.T, dir, query string) (n int) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, sqlite.DatabaseFile)+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// A commit does nothing with the index: what it stores comes into it later, and is counted until then.
func TestCommitsDoNotIndex(t *testing.T) {
	dir := t.TempDir()
	s := openWithRoom(t, sqlite.Config{Dir: dir})
	for i := range chat.Seq(500) {
		say1(t, s, i+1, chat.Event{Text: "fresh"})
	}
	for _, table := range []string{"indexed", "index_marks"} {
		if n := asked(t, dir, "SELECT count(*) FROM "+table); n != 0 {
			t.Errorf("%s has %d rows after commits", table, n)
		}
	}
	if got, partial := found(t, s, "fresh"); len(got) != 0 || partial {
		t.Errorf("found %v, partial %v", got, partial)
	}
	if n := s.Stats().IndexBehind; n != 500 {
		t.Errorf("%d events are said to be behind", n)
	}
	wantIndexed(t, s)
	if got, _ := found(t, s, "fresh"); len(got) != 500 {
		t.Errorf("found %d messages", len(got))
	}
	if n := s.Stats().IndexBehind; n != 0 {
		t.Errorf("%d events are said to be behind", n)
	}
	if n := asked(t, dir, "SELECT seq FROM index_marks WHERE room_id = 1"); n != 500 {
		t.Errorf("the mark is at %d", n)
	}
	// An edit replaces what is in the index at once, also where nothing was said before, and leaves a message
	// that is not there yet to the indexer.
	say1(t, s, 501, chat.Event{})
	wantIndexed(t, s)
	say1(t, s, 502, chat.Event{Kind: chat.EventEdit, Target: 501, Text: "said"}, chat.Event{Kind: chat.EventEdit, Target: 500, Text: "replaced"},
		chat.Event{Text: "new"}, chat.Event{Kind: chat.EventEdit, Target: 504, Text: "newer"})
	wantNumbers := func(want map[string]int) {
		t.Helper()
		for text, n := range want {
			if got, _ := found(t, s, text); len(got) != n {
				t.Errorf("%q: found %v", text, got)
			}
		}
	}
	wantNumbers(map[string]int{"said": 1, "replaced": 1, "fresh": 499, "new": 0, "newer": 0})
	wantIndexed(t, s)
	wantNumbers(map[string]int{"said": 1, "replaced": 1, "fresh": 499, "new": 0, "newer": 1})
}

// The indexer begins by itself after a commit, also after one that comes when it has nothing to do.
func TestIndexerWakes(t *testing.T) {
	s := openWithRoom(t, sqlite.Config{IndexAfter: time.Millisecond})
	deadline := time.Now().Add(20 * time.Second)
	for i := range 5 {
		say1(t, s, chat.Seq(i+1), chat.Event{Text: "fresh"})
		for {
			if got, _ := found(t, s, "fresh"); len(got) == i+1 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("message %d is not found after 20 s", i+1)
			}
		}
	}
}

// After a crash what was not indexed is found by the marks; after an end in good order with nothing left
// to do nobody looks.
func TestIndexAfterCrash(t *testing.T) {
	dir, crashed := t.TempDir(), t.TempDir()
	s := openWithRoom(t, sqlite.Config{Dir: dir})
	say1(t, s, 1, chat.Event{Text: "fresh"}, chat.Event{Text: "fresh"})
	wantIndexed(t, s)
	say1(t, s, 3, chat.Event{Text: "fresh"})
	for _, name := range []string{sqlite.DatabaseFile, sqlite.DatabaseFile + "-wal"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(crashed, name), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	again := open(t, sqlite.Config{Dir: crashed})
	if got, partial := found(t, again, "fresh"); len(got) != 2 || !partial {
		t.Errorf("after a crash: found %v, partial %v", got, partial)
	}
	wantIndexed(t, again)
	if got, partial := found(t, again, "fresh"); len(got) != 3 || partial {
		t.Errorf("after a crash, later: found %v, partial %v", got, partial)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, sqlite.Config{Dir: dir})
	if _, partial := found(t, s, "fresh"); !partial {
		t.Error("what was not done when the store was closed is not known")
	}
	wantIndexed(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, sqlite.Config{Dir: dir})
	if got, partial := found(t, s, "fresh"); len(got) != 3 || partial {
		t.Errorf("nothing is left to do: found %v, partial %v", got, partial)
	}
}

// A database whose commits wrote the index themselves is not looked through again if that was whole, and
// else is; what is there already does not come in twice.
func TestIndexOfVersion19(t *testing.T) {
	for done := range 2 {
		dir := t.TempDir()
		file := filepath.Join(dir, sqlite.DatabaseFile)
		if err := sqlite.MakeOld(t.Context(), file, 19); err != nil {
			t.Fatal(err)
		}
		for _, statement := range []string{
			"INSERT INTO users (id, name, name_key, created_ms, seen_ms) VALUES (1, 'u', 'u', 1, 1)",
			"INSERT INTO rooms (id, name, name_key, epoch, flags, created_ms) VALUES (1, 'r', 'r', 5, 0, 1), (2, 'empty', 'empty', 5, 0, 1)",
			"INSERT INTO messages (room_id, seq, user_id, kind, nonce, time_ms, prev_seq, text) VALUES (1, 1, 1, 2, 1, 8, 0, 'old'), (1, 2, 1, 2, 2, 9, 1, 'old')",
			"INSERT INTO indexed (id, room_id, seq) VALUES (9 << 20, 1, 2)",
			"INSERT INTO search (rowid, terms) VALUES (9 << 20, 'old r:1 u:1')",
			fmt.Sprintf("UPDATE indexing SET version = '%s', done = %d", words.Version(), done),
		} {
			alter(t, file, statement)
		}
		alter(t, file, fmt.Sprintf("UPDATE messages SET kind = %d", chat.EventMessage))
		s := open(t, sqlite.Config{Dir: dir})
		if _, partial := found(t, s, "old"); partial != (done == 0) {
			t.Errorf("done %d: partial is %v", done, partial)
		}
		wantIndexed(t, s)
		if n, want := asked(t, dir, "SELECT count(*) FROM indexed"), 2-done; n != want {
			t.Errorf("done %d: %d entries, want %d", done, n, want)
		}
		if n := asked(t, dir, "SELECT seq FROM index_marks"); n != 2 {
			t.Errorf("done %d: the mark is at %d", done, n)
		}
	}
}

// A damaged message keeps the indexer from its room alone, and until the store is opened again.
func TestIndexOfDamage(t *testing.T) {
	dir := t.TempDir()
	s := openWithRoom(t, sqlite.Config{Dir: dir})
	if _, err := s.CreateRoom(t.Context(), chat.Room{Name: "other", Key: "other"}, chat.RoomQuota{}); err != nil {
		t.Fatal(err)
	}
	say1(t, s, 1, chat.Event{Text: "fresh"})
	b := say(1, 1)
	b.ID.Number, b.Appends[0].Room, b.Appends[0].Events[0].Room = 100, 2, 2
	if err := commit(t.Context(), s, b); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, sqlite.DatabaseFile)
	alter(t, file, "UPDATE messages SET kind = 4000 WHERE room_id = 2")
	wantIndexed(t, s)
	if got, _ := found(t, s, "fresh"); len(got) != 1 {
		t.Errorf("found %v", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	alter(t, file, fmt.Sprintf("UPDATE messages SET kind = %d WHERE room_id = 2", chat.EventMessage))
	s = open(t, sqlite.Config{Dir: dir})
	wantIndexed(t, s)
	if n := asked(t, dir, "SELECT count(*) FROM indexed"); n != 2 {
		t.Errorf("%d messages are indexed", n)
	}
}

// More rooms with something to do than are remembered: the marks tell of the others.
func TestManyRoomsBehind(t *testing.T) {
	s := openWithRoom(t, sqlite.Config{})
	sqlite.FillBehind(s)
	say1(t, s, 1, chat.Event{Text: "fresh"})
	wantIndexed(t, s)
	if got, partial := found(t, s, "fresh"); len(got) != 1 || partial {
		t.Errorf("found %v, partial %v", got, partial)
	}
}

// What is deleted before it is indexed, before and after a restart, behind that, and between two pieces of
// the indexer's work, is in no byte of the files of the folder; so is what an edit has replaced before it
// was deleted, and what retention erases.
func TestDeletedBeforeIndexed(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	dir := t.TempDir()
	s := openWithRoom(t, sqlite.Config{Dir: dir})
	secrets := make([]string, 600)
	for i := range secrets {
		b := make([]byte, 20)
		for j := range b {
			b[j] = 'a' + byte(random.IntN(26))
		}
		secrets[i] = string(b)
	}
	const messages = 400
	for i := range messages {
		say1(t, s, chat.Seq(i+1), chat.Event{Text: secrets[i]})
	}
	gone := map[int]bool{}
	at, edits := chat.Seq(messages+1), messages // words of edits are behind those of messages
	change := func(from int, step int, edit bool) {
		for i := from; i < messages; i += step {
			if edit {
				say1(t, s, at, chat.Event{Kind: chat.EventEdit, Target: chat.Seq(i + 1), Text: secrets[edits]})
				gone[edits] = true
				edits++
				at++
			}
			gone[i] = true
			say1(t, s, at, chat.Event{Kind: chat.EventDelete, Target: chat.Seq(i + 1)})
			at++
		}
	}
	change(30, 20, false)
	change(31, 20, true)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, sqlite.Config{Dir: dir})
	change(32, 20, false)
	change(33, 20, true)
	if err := sqlite.IndexPiece(t.Context(), s); err != nil { // it is in the middle
		t.Fatal(err)
	}
	if n := asked(t, dir, "SELECT count(*) FROM indexed"); n == 0 || n >= messages-len(gone) {
		t.Fatalf("%d messages are indexed: that is not the middle", n)
	}
	change(34, 20, false)
	change(35, 20, true)
	storetest.Expire(t, s, 1000+11)
	at++ // it is said by an event
	for i := range 10 {
		gone[i] = true
	}
	wantIndexed(t, s)
	change(36, 20, false)
	change(37, 20, true)
	for i := range messages {
		if got, _ := found(t, s, secrets[i]); len(got) == 1 == gone[i] {
			t.Fatalf("message %d: found %v", i+1, got)
		}
	}
	if _, err := s.Scrub(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []byte
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	for i := range edits {
		// An index keeps of a word what differs from the one before it, and a text is there once more.
		switch n := bytes.Count(all, []byte(secrets[i][3:])); {
		case gone[i] && n > 0:
			t.Errorf("word %d is in the files %d times", i, n)
		case !gone[i] && n < 2:
			t.Errorf("word %d is in the files %d times: the test sees nothing", i, n)
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
	wantIndexed(t, s)
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
				s := openWithRoom(b, sqlite.Config{NoSearch: off, Sync: sqlite.ProcessSafe, IndexAfter: 200 * time.Millisecond})
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
