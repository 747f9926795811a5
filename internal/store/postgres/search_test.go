package postgres_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"sarang/chat"
	"sarang/internal/store/postgres"
	"sarang/internal/store/postgrestest"
	"sarang/internal/store/sqlstore"
	"sarang/internal/store/storetest"
	"sarang/internal/words"
)

// searched is a database with stores that search in it.
type searched struct {
	t   *testing.T
	url string
	db  *pgx.Conn
}

func newSearched(t *testing.T) *searched {
	t.Helper()
	url := postgrestest.Fresh(t)
	db, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close(context.Background()) })
	return &searched{t, url, db}
}

func (d *searched) open(c sqlstore.Config) *sqlstore.Store {
	d.t.Helper()
	c.Unsafe = true
	s, err := postgres.Open(d.t.Context(), postgres.Config{URL: d.url, Store: c})
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = s.Close() })
	return s
}

// begin opens a store with a user and a room.
func (d *searched) begin(c sqlstore.Config) *sqlstore.Store {
	d.t.Helper()
	s := d.open(c)
	if _, err := s.ClaimUser(d.t.Context(), chat.Claim{Name: "u", Key: "u", NowMs: 1}); err != nil {
		d.t.Fatal(err)
	}
	if _, err := s.CreateRoom(d.t.Context(), chat.Room{Name: "r", Key: "r"}, chat.RoomQuota{}); err != nil {
		d.t.Fatal(err)
	}
	return s
}

func (d *searched) count(query string, args ...any) (n int) {
	d.t.Helper()
	if err := d.db.QueryRow(d.t.Context(), query, args...).Scan(&n); err != nil {
		d.t.Fatal(err)
	}
	return n
}

func commitAs(t *testing.T, s *sqlstore.Store, writer uint64, events ...chat.Event) {
	t.Helper()
	b := chat.Batch{ID: chat.BatchID{Writer: writer, Number: uint64(events[0].Seq)}, Appends: []chat.Append{{Room: 1, After: events[0].Seq - 1, Events: events}}}
	if _, err := s.Commit(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

func event(seq chat.Seq, kind chat.EventKind, target chat.Seq, text string) chat.Event {
	return chat.Event{Room: 1, Seq: seq, Kind: kind, User: 1, Name: "u", Nonce: chat.Nonce(seq), TimeMs: 1000 + int64(seq), Target: target, Text: text}
}

func search(t *testing.T, s *sqlstore.Store, text string) chat.Found {
	t.Helper()
	found, err := s.Search(t.Context(), chat.SearchQuery{Text: text, Rooms: []chat.RoomID{1}, ItemsMax: 1000, BytesMax: 1 << 20, ScanMax: 10000})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func indexed(t *testing.T, s *sqlstore.Store) {
	t.Helper()
	if err := s.Indexed(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// What was stored comes into the index by itself.
func TestIndexer(t *testing.T) {
	d := newSearched(t)
	s := d.begin(sqlstore.Config{IndexAfter: time.Millisecond})
	commitAs(t, s, 1, event(1, chat.EventMessage, 0, "apple"))
	for len(search(t, s, "apple").Messages) == 0 {
		time.Sleep(time.Millisecond) // sleep: the indexer tells nobody when it has brought something in
	}
	if search(t, s, "apple").Partial || s.Stats().IndexBehind != 0 {
		t.Errorf("there is more to do: %+v", s.Stats())
	}
}

// What one server has stored, and not brought into the index, others bring in when they look; until then
// they say that not all is there.
func TestIndexerOfOthers(t *testing.T) {
	d := newSearched(t)
	gone := d.begin(sqlstore.Config{IndexAfter: -1})
	commitAs(t, gone, 1, event(1, chat.EventMessage, 0, "apple"), event(2, chat.EventMessage, 0, "pear"))
	if err := gone.Close(); err != nil {
		t.Fatal(err)
	}
	off := d.open(sqlstore.Config{NoSearch: true})
	commitAs(t, off, 2, event(3, chat.EventMessage, 0, "plum"), event(4, chat.EventDelete, 2, ""))
	if _, err := off.Search(t.Context(), chat.SearchQuery{Text: "a", Rooms: []chat.RoomID{1}}); chat.CodeOf(err) != chat.CodeNoSearch {
		t.Fatalf("Search: %v", err)
	}
	s := d.open(sqlstore.Config{IndexAfter: -1})
	if found := search(t, s, "apple"); len(found.Messages) > 0 || !found.Partial {
		t.Fatalf("found %+v", found)
	}
	indexed(t, s)
	for text, want := range map[string]int{"apple": 1, "pear": 0, "plum": 1} {
		if found := search(t, s, text); len(found.Messages) != want || found.Partial {
			t.Errorf("%s: found %+v", text, found)
		}
	}
	// It takes out what is edited and erased, although it does not search.
	commitAs(t, off, 2, event(5, chat.EventEdit, 1, "cherry"), event(6, chat.EventDelete, 3, ""))
	for text, want := range map[string]int{"apple": 0, "cherry": 1, "plum": 0} {
		if found := search(t, s, text); len(found.Messages) != want {
			t.Errorf("%s: found %+v", text, found)
		}
	}
}

// Texts that another version of this program has cut into words otherwise are brought in again.
func TestIndexOfAnotherVersion(t *testing.T) {
	d := newSearched(t)
	s := d.begin(sqlstore.Config{IndexAfter: -1})
	commitAs(t, s, 1, event(1, chat.EventMessage, 0, "apple pie"), event(2, chat.EventMessage, 0, "pear pie"))
	indexed(t, s)
	for _, query := range []string{
		"UPDATE search_state SET version = 'another'", "UPDATE search_places SET terms = ' appl pie '",
		"DELETE FROM search_terms", "INSERT INTO search_terms SELECT 'appl', id FROM search_places", "INSERT INTO search_terms SELECT 'pie', id FROM search_places",
	} {
		if _, err := d.db.Exec(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	again := d.open(sqlstore.Config{IndexAfter: -1})
	indexed(t, again)
	if found := search(t, again, "apple pie"); len(found.Messages) != 1 || found.Partial {
		t.Errorf("found %+v", found)
	}
	if n := d.count("SELECT count(*) FROM search_terms WHERE term = 'appl'"); n > 0 {
		t.Errorf("%d rows are of the other version", n)
	}
	// A server of the other version leaves the index alone from then on.
	if _, err := d.db.Exec(t.Context(), "UPDATE search_state SET version = 'another'"); err != nil {
		t.Fatal(err)
	}
	commitAs(t, again, 2, event(3, chat.EventMessage, 0, "plum"))
	indexed(t, again)
	if n := d.count("SELECT count(*) FROM search_places"); n != 2 {
		t.Errorf("%d messages are in the index", n)
	}
}

// Two servers bring messages in while they are edited, deleted and erased: in the end the index has what
// they say, each once, and nothing else.
func TestIndexerAgainstChanges(t *testing.T) {
	d := newSearched(t)
	stores := []*sqlstore.Store{d.begin(sqlstore.Config{IndexAfter: -1}), d.open(sqlstore.Config{IndexAfter: -1})}
	stop := make(chan struct{})
	var indexers sync.WaitGroup
	for _, s := range stores {
		indexers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := s.Indexed(context.Background()); err != nil {
					t.Errorf("Indexed: %v", err)
					return
				}
			}
		})
	}
	random := rand.New(rand.NewPCG(3, 4))
	says := map[chat.Seq]string{}
	seq := chat.Seq(0)
	for round := range 150 {
		var events []chat.Event
		for range 1 + random.IntN(4) {
			seq++
			e := event(seq, chat.EventMessage, 0, fmt.Sprintf("word%d all", random.IntN(20)))
			if target := chat.Seq(random.IntN(int(seq))); says[target] != "" && random.IntN(2) == 0 {
				e.Kind, e.Target = chat.EventEdit, target
				if random.IntN(3) == 0 {
					e.Kind, e.Text = chat.EventDelete, ""
				}
				if says[target] = e.Text; e.Text == "" {
					delete(says, target)
				}
			} else {
				says[seq] = e.Text
			}
			events = append(events, e)
		}
		commitAs(t, stores[round%2], uint64(1+round%2), events...)
	}
	storetest.Expire(t, stores[0], 1000+50)
	for at := range says {
		if at < 50 {
			delete(says, at)
		}
	}
	close(stop)
	indexers.Wait()
	indexed(t, stores[1])
	terms := 0
	for at, text := range says {
		all := words.MessageTerms(1, 1, text, false)
		terms += len(all)
		want := " " + strings.Join(all, " ") + " "
		if n := d.count("SELECT count(*) FROM search_places WHERE room_id = 1 AND seq = $1 AND terms = $2", int64(at), want); n != 1 {
			t.Errorf("message %d says %q: %d entries", at, text, n)
		}
	}
	if n := d.count("SELECT count(*) FROM search_places"); n != len(says) {
		t.Errorf("%d entries of %d messages", n, len(says))
	}
	if n := d.count("SELECT count(*) FROM search_terms t JOIN search_places p ON p.id = t.id AND p.terms LIKE '% ' || t.term || ' %'"); n != terms {
		t.Errorf("%d terms, want %d", n, terms)
	}
	if n := d.count("SELECT count(*) FROM search_terms"); n != terms {
		t.Errorf("%d rows of terms, want %d", n, terms)
	}
}

// A beginning that many have is found among the newest, one that few have by itself, and pages of
// what is looked at go on where they stopped, however much there is.
func TestSearchOfMany(t *testing.T) {
	d := newSearched(t)
	s := d.begin(sqlstore.Config{IndexAfter: -1})
	const n = 6000
	for first := chat.Seq(1); first <= n; first += 1000 {
		var events []chat.Event
		for seq := first; seq < first+1000; seq++ {
			text := fmt.Sprintf("all%d every", seq%7)
			if seq%3000 == 1 {
				text = "rare once"
			}
			events = append(events, event(seq, chat.EventMessage, 0, text))
		}
		commitAs(t, s, 1, events...)
	}
	indexed(t, s)
	for text, want := range map[string]int{"al*": n - 2, "all1 every": 857, "ra* on*": 2, "once": 2, "every rare": 0, "every all*": n - 2} {
		q := chat.SearchQuery{Text: text, Rooms: []chat.RoomID{1}, ItemsMax: 700, BytesMax: 1 << 20, ScanMax: 900}
		got, last := 0, int64(1<<60)
		for pages := 0; ; pages++ {
			found, err := s.Search(t.Context(), q)
			if err != nil || pages > n {
				t.Fatalf("%s: page %d: %v", text, pages, err)
			}
			for _, e := range found.Messages {
				if e.TimeMs >= last {
					t.Fatalf("%s: event %d is not older", text, e.Seq)
				}
				last = e.TimeMs
			}
			got += len(found.Messages)
			if q.From = found.Next; q.From == "" {
				break
			}
		}
		if got != want {
			t.Errorf("%s: %d are found, want %d", text, got, want)
		}
	}
}
