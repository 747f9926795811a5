package storetest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sarang/chat"
	"sarang/internal/words"
)

// indexed waits until what was said can be found.
func (f *fixture) indexed(t *testing.T) {
	t.Helper()
	if indexer, can := f.store.(chat.Indexer); can {
		if err := indexer.Indexed(f.ctx); err != nil {
			t.Fatalf("Indexed: %v", err)
		}
	}
}

// search returns all pages of a search that is given up to ItemsMax and ScanMax at a time.
func (f *fixture) search(t *testing.T, q chat.SearchQuery) []chat.Event {
	t.Helper()
	searcher, can := f.store.(chat.Searcher)
	if !can {
		t.Skip("the store does not search")
	}
	if q.ItemsMax == 0 {
		q.ItemsMax = 100
	}
	if q.ScanMax == 0 {
		q.ScanMax = 1000
	}
	if q.BytesMax == 0 {
		q.BytesMax = 1 << 20
	}
	var all []chat.Event
	for pages := 0; ; pages++ {
		found, err := searcher.Search(f.ctx, q)
		if chat.CodeOf(err) == chat.CodeNoSearch {
			t.Skip("the store does not search")
		}
		if err != nil {
			t.Fatalf("Search %+v: %v", q, err)
		}
		if len(found.Messages) > q.ItemsMax {
			t.Fatalf("Search %+v found %d messages", q, len(found.Messages))
		}
		if all = append(all, found.Messages...); found.Next == "" {
			return all
		}
		if q.From == found.Next || len(found.Next) > chat.SearchFromBytesMax || pages > 10000 {
			t.Fatalf("Search %+v goes on from %q", q, found.Next)
		}
		q.From = found.Next
	}
}

// wantFound expects a search to find messages, in this order, when they are indexed, and before that no
// others.
func (f *fixture) wantFound(t *testing.T, q chat.SearchQuery, want ...chat.Event) {
	t.Helper()
	for _, e := range f.search(t, q) {
		if !slices.ContainsFunc(want, func(w chat.Event) bool { return cmp.Equal(w, e) }) {
			t.Fatalf("%+v: found %+v", q, e)
		}
	}
	f.indexed(t)
	got := f.search(t, q)
	if len(got) == 0 && len(want) == 0 {
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%+v: want -, got +:\n%s", q, diff)
	}
}

// Messages are found by their words, by who has said them, where and when, in pages.
func testSearch(t *testing.T, f *fixture) {
	a, b := f.user(t, "a"), f.user(t, "b")
	r, other := f.room(t, "r"), f.room(t, "other")
	e := []chat.Event{
		message(r, 1, a, "Hello world, 안녕하세요"),
		message(r, 2, b, "hello? see https://example.org/東京都"),
		message(r, 3, a, "Die Straße nach Łódź"),
		message(other, 4, a, "the white house; hello"),
		message(other, 5, b, "a house that is white"),
	}
	join := chat.Event{Room: r.ID, Seq: 4, Kind: chat.EventJoin, User: a.ID, Name: a.Name, Nonce: 99, TimeMs: 5004}
	f.commit(t, these(r, 1, e[0], e[1], e[2], join), chat.Append{Room: other.ID, After: 0, Events: []chat.Event{
		message(other, 1, a, "x"), message(other, 2, a, "y"), message(other, 3, a, "z"), e[3], e[4],
	}})
	in, both := []chat.RoomID{r.ID}, []chat.RoomID{r.ID, other.ID}
	for range 2 {
		for _, c := range []struct {
			q    chat.SearchQuery
			want []chat.Event
		}{
			{chat.SearchQuery{Text: "HELLO", Rooms: both}, []chat.Event{e[3], e[1], e[0]}},
			{chat.SearchQuery{Text: "HELLO", Rooms: in}, []chat.Event{e[1], e[0]}},
			{chat.SearchQuery{Text: "hello", Rooms: both, User: a.ID}, []chat.Event{e[3], e[0]}},
			{chat.SearchQuery{Rooms: in, User: a.ID}, []chat.Event{e[2], e[0]}},
			{chat.SearchQuery{Text: "hello world", Rooms: both}, []chat.Event{e[0]}},
			{chat.SearchQuery{Text: "안녕", Rooms: both}, []chat.Event{e[0]}},
			{chat.SearchQuery{Text: "녕", Rooms: both}, []chat.Event{e[0]}},
			{chat.SearchQuery{Text: "京都", Rooms: both}, []chat.Event{e[1]}},
			{chat.SearchQuery{Text: "東都", Rooms: both}, nil},
			{chat.SearchQuery{Text: "strasse lodz", Rooms: both}, []chat.Event{e[2]}},
			{chat.SearchQuery{Text: "stra*", Rooms: both}, []chat.Event{e[2]}},
			{chat.SearchQuery{Text: "hou* whi*", Rooms: both}, []chat.Event{e[4], e[3]}},
			{chat.SearchQuery{Text: `"white house"`, Rooms: both}, []chat.Event{e[3]}},
			{chat.SearchQuery{Rooms: both, Links: true}, []chat.Event{e[1]}},
			{chat.SearchQuery{Text: "hello", Rooms: both, AfterMs: 5002}, []chat.Event{e[3], e[1]}},
			{chat.SearchQuery{Text: "hello", Rooms: both, BeforeMs: 5002}, []chat.Event{e[0]}},
			{chat.SearchQuery{Text: "hello", Rooms: both, AfterMs: 5002, BeforeMs: 5003}, []chat.Event{e[1]}},
			{chat.SearchQuery{Text: "nothing", Rooms: both}, nil},
			{chat.SearchQuery{Text: "hello", Rooms: []chat.RoomID{9999}}, nil},
		} {
			for _, items := range []int{1, 2, 100} {
				for _, scan := range []int{1, 3, 1000} {
					c.q.ItemsMax, c.q.ScanMax = items, scan
					f.wantFound(t, c.q, c.want...)
				}
			}
			c.q.BytesMax = 1
			f.wantFound(t, c.q, c.want...)
		}
		f.reopen(t)
	}
	searcher := f.store.(chat.Searcher)
	for _, q := range []chat.SearchQuery{
		{Rooms: in},
		{Text: "..", Rooms: in},
		{Text: "a"},
		{Text: strings.Repeat("a", words.QueryBytesMax+1), Rooms: in},
		{Text: "a", Rooms: in, From: "?"},
		{Text: "a", Rooms: in, From: strings.Repeat("1", chat.SearchFromBytesMax+1)},
	} {
		q.ItemsMax, q.ScanMax, q.BytesMax = 1, 1, 1
		_, err := searcher.Search(f.ctx, q)
		wantCode(t, err, chat.CodeBadRequest)
	}
}

// A message is found by what it says now: an edit replaces its words, a delete leaves none, and
// what retention has erased is not there.
func testSearchOfChanges(t *testing.T, f *fixture) {
	u, r := f.user(t, "u"), f.room(t, "r")
	in := []chat.RoomID{r.ID}
	first, second := message(r, 1, u, "apple pie"), message(r, 2, u, "banana pie")
	edited := first
	edited.Text = "cherry tart"
	f.commit(t, these(r, 1, first, second, change(r, 3, u, chat.EventEdit, 1, "cherry tart"), message(r, 4, u, "end")))
	f.wantFound(t, chat.SearchQuery{Text: "apple", Rooms: in})
	f.wantFound(t, chat.SearchQuery{Text: "pie", Rooms: in}, second)
	f.wantFound(t, chat.SearchQuery{Text: "cherry", Rooms: in}, edited)
	f.wantFound(t, chat.SearchQuery{User: u.ID, BeforeMs: 5004, Rooms: in}, second, edited)

	edited.Text = "plum tart"
	f.commit(t, these(r, 5, change(r, 5, u, chat.EventEdit, 1, "plum tart"), change(r, 6, u, chat.EventReact, 1, "👍")))
	f.wantFound(t, chat.SearchQuery{Text: "cherry", Rooms: in})
	f.wantFound(t, chat.SearchQuery{Text: "tart", Rooms: in}, edited)

	f.commit(t, these(r, 7, change(r, 7, u, chat.EventDelete, 1, ""), change(r, 8, u, chat.EventEdit, 1, "plum again")))
	for _, text := range []string{"apple", "cherry", "plum", "tart", "again"} {
		f.wantFound(t, chat.SearchQuery{Text: text, Rooms: in})
	}
	f.reopen(t)
	f.wantFound(t, chat.SearchQuery{Text: "tart", Rooms: in})

	// A message that is deleted in the batch in which it is said, and an event that edits no message.
	f.commit(t, these(r, 9, message(r, 9, u, "fig"), change(r, 10, u, chat.EventDelete, 9, ""), change(r, 11, u, chat.EventEdit, 3, "fig")))
	f.wantFound(t, chat.SearchQuery{Text: "fig", Rooms: in})

	if _, can := f.store.(chat.Expirer); can {
		Expire(t, f.store, 5003)
		f.wantFound(t, chat.SearchQuery{Text: "banana", Rooms: in})
		f.wantFound(t, chat.SearchQuery{Text: "end", Rooms: in}, message(r, 4, u, "end"))
	}
}

// Messages with files are found by that, with a text and without, before an edit of the text and behind it,
// until they are deleted.
func testSearchOfFiles(t *testing.T, f *fixture) {
	u, r := f.user(t, "u"), f.room(t, "r")
	a, b := f.addFile(t, u, 11, 100), f.addFile(t, u, 12, 100)
	in := []chat.RoomID{r.ID}
	files, plain := chat.SearchQuery{Files: true, Rooms: in}, message(r, 3, u, "look: no file")
	first, second := naming(r, 1, u, "look at that", a), naming(r, 2, u, "", b)
	f.commit(t, these(r, 1, first, second, plain))
	f.wantFound(t, files, second, first)
	f.wantFound(t, chat.SearchQuery{Files: true, Text: "look", Rooms: in}, first)
	f.wantFound(t, chat.SearchQuery{Files: true, User: u.ID, Rooms: in, BeforeMs: 5002}, first)
	f.wantFound(t, chat.SearchQuery{Files: true, Links: true, Rooms: in})
	f.wantFound(t, chat.SearchQuery{Text: "look", Rooms: in}, plain, first)
	f.wantFound(t, chat.SearchQuery{User: u.ID, Rooms: in}, plain, second, first)

	first.Text, second.Text = "see https://example.org", "look there"
	f.commit(t, these(r, 4, change(r, 4, u, chat.EventEdit, 1, first.Text), change(r, 5, u, chat.EventEdit, 2, second.Text)))
	f.wantFound(t, files, second, first)
	f.wantFound(t, chat.SearchQuery{Files: true, Text: "look", Rooms: in}, second)
	f.wantFound(t, chat.SearchQuery{Files: true, Links: true, Rooms: in}, first)
	f.reopen(t)
	f.wantFound(t, files, second, first)

	// What is edited before it comes into the index has its files, too.
	third := naming(r, 6, u, "third", b)
	f.commit(t, these(r, 6, third, change(r, 7, u, chat.EventEdit, 6, "the third")))
	third.Text = "the third"
	f.wantFound(t, files, third, second, first)

	f.commit(t, these(r, 8, change(r, 8, u, chat.EventDelete, 1, ""), change(r, 9, u, chat.EventDelete, 2, "")))
	f.wantFound(t, files, third)
}

// What is said in Korean, Japanese and Chinese is found as somebody who reads them expects: the corpora of
// package words, each in a room of its own.
func testSearchOfCorpora(t *testing.T, f *fixture) {
	b, err := os.ReadFile("../../words/testdata/corpus.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []struct {
		Language string
		Texts    []string
		Queries  []struct {
			Query string
			Finds []int
		}
	}
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	u, queries := f.user(t, "u"), 0
	for _, c := range all {
		r := f.room(t, c.Language)
		var events []chat.Event
		for i, text := range c.Texts {
			events = append(events, message(r, chat.Seq(i+1), u, text))
		}
		f.commit(t, these(r, 1, events...))
		f.indexed(t)
		for _, q := range c.Queries {
			queries++
			var want []chat.Event
			for _, i := range slices.Backward(q.Finds) {
				want = append(want, events[i])
			}
			if diff := cmp.Diff(want, f.search(t, chat.SearchQuery{Text: q.Query, Rooms: []chat.RoomID{r.ID}}), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s, %s: want -, got +:\n%s", c.Language, q.Query, diff)
			}
		}
	}
	if queries < 30 {
		t.Errorf("only %d queries", queries)
	}
}

// Random messages, edits and deletions in several rooms, some of them of the same time and some
// with a clock that was set back: each search finds what a look at all of it finds.
func testSearchModel(t *testing.T, f *fixture) {
	random := rand.New(rand.NewPCG(1, 2))
	vocabulary := []string{"alpha", "beta", "Gamma", "δέλτα", "서울에서", "東京都", "北京", "alphabet", "x1"}
	users := []chat.User{f.user(t, "a"), f.user(t, "b")}
	rooms := make([]chat.Room, 3)
	logs := make([][]chat.Event, len(rooms))
	for i := range rooms {
		rooms[i] = f.room(t, fmt.Sprintf("r%d", i))
	}
	text := func() string {
		all := make([]string, 1+random.IntN(4))
		for i := range all {
			all[i] = vocabulary[random.IntN(len(vocabulary))]
		}
		return strings.Join(all, " ")
	}
	now := map[chat.RoomID]map[chat.Seq]chat.Event{}
	for round := range 40 {
		i := random.IntN(len(rooms))
		r := rooms[i]
		if now[r.ID] == nil {
			now[r.ID] = map[chat.Seq]chat.Event{}
		}
		a := chat.Append{Room: r.ID, After: chat.Seq(len(logs[i]))}
		for range 1 + random.IntN(5) {
			u := users[random.IntN(2)]
			e := message(r, a.After+1+chat.Seq(len(a.Events)), u, text())
			e.TimeMs = 100000 + int64(round)*10 + int64(random.IntN(3))
			if random.IntN(10) == 0 {
				e.TimeMs -= 50
			}
			if target := chat.Seq(random.IntN(int(e.Seq))); target > 0 && random.IntN(3) == 0 {
				e.Kind, e.Target = chat.EventEdit, target
				if random.IntN(3) == 0 {
					e.Kind, e.Text = chat.EventDelete, ""
				}
			}
			was, is := now[r.ID][e.Target]
			switch {
			case e.Kind == chat.EventMessage:
				now[r.ID][e.Seq] = e
			case is && e.Kind == chat.EventDelete:
				delete(now[r.ID], e.Target)
			case is:
				was.Text = e.Text
				now[r.ID][e.Target] = was
			}
			a.Events = append(a.Events, e)
		}
		f.commit(t, a)
		logs[i] = append(logs[i], a.Events...)
		if round%10 != 9 {
			continue
		}
		f.indexed(t)
		for range 30 {
			q := chat.SearchQuery{Text: text(), ItemsMax: 1 + random.IntN(5), ScanMax: 1 + random.IntN(50)}
			if random.IntN(4) == 0 {
				q.Text = []string{"al*", "도", "京", "서울 x*", `"alpha beta"`}[random.IntN(5)]
			}
			for _, r := range rooms {
				if random.IntN(2) == 0 || len(q.Rooms) == 0 && r == rooms[2] {
					q.Rooms = append(q.Rooms, r.ID)
				}
			}
			if random.IntN(3) == 0 {
				q.User = users[random.IntN(2)].ID
			}
			f.wantAsModel(t, q, now)
		}
	}
}

// wantAsModel expects a search to find what is in now and matches: in the order of time, and each once.
func (f *fixture) wantAsModel(t *testing.T, q chat.SearchQuery, now map[chat.RoomID]map[chat.Seq]chat.Event) {
	t.Helper()
	search, err := words.Read(q)
	if err != nil {
		t.Fatal(err)
	}
	var want []chat.Event
	for _, all := range now {
		for _, e := range all {
			if search.Matches(&e) {
				want = append(want, e)
			}
		}
	}
	got := f.search(t, q)
	if !slices.IsSortedFunc(got, func(a, b chat.Event) int { return int(b.TimeMs - a.TimeMs) }) {
		t.Fatalf("%+v: not the newest first: %+v", q, got)
	}
	byPlace := func(a, b chat.Event) int { return int(a.Room)*10000 + int(a.Seq) - int(b.Room)*10000 - int(b.Seq) }
	slices.SortFunc(got, byPlace)
	slices.SortFunc(want, byPlace)
	wantSame(t, got, want)
}

// What was said in a room that was deleted is not found, before it is erased and behind that.
func testSearchOfDeletedRoom(t *testing.T, f *fixture) {
	m, u, gone, other := f.moderation(t), f.user(t, "u"), f.room(t, "gone"), f.room(t, "other")
	kept := message(other, 1, u, "apple")
	f.commit(t, run(gone, 1, 20, u, "apple"), these(other, 1, kept))
	f.commit(t, these(gone, 21, change(gone, 21, u, chat.EventEdit, 3, "apple pie"), message(gone, 22, u, "pear")))
	q := chat.SearchQuery{Text: "apple", Rooms: []chat.RoomID{gone.ID, other.ID}}
	f.indexed(t)
	if got := f.search(t, q); len(got) != 21 {
		t.Fatalf("%d messages are found", len(got))
	}
	deleted := entry(700, chat.AuditRoomArchived)
	deleted.TimeMs, deleted.Room, deleted.What = 20_000, gone.ID, "deleted: gone"
	if err := m.DeleteRoom(f.ctx, gone.ID, 0, deleted); err != nil {
		t.Fatal(err)
	}
	f.wantFound(t, q, kept)
	for more := true; more; {
		var err error
		if more, err = m.EraseDeleted(f.ctx, 7); err != nil {
			t.Fatal(err)
		}
		f.wantFound(t, q, kept)
	}
	f.wantFound(t, q, kept)
}
