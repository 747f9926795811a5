package store_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sarang/chat"
	"sarang/internal/store"
	"sarang/internal/store/postgrestest"
	"sarang/internal/store/storesim"
	"sarang/internal/store/storetest"
)

func quiet(string, uint64, uint64) {}

// world fills a store: users of whom one lost his name, rooms, and logs with all kinds of
// events.
func world(t *testing.T, s chat.Store) {
	t.Helper()
	ctx := t.Context()
	names := []string{"U0", "U1", "U2", "U3", "U4", "New"} // by id - 1
	for i := range 5 {
		c := chat.Claim{Name: fmt.Sprint("U", i), Key: fmt.Sprint("u", i), Fresh: chat.TokenHash{byte(i + 1)}, NowMs: int64(i + 1)}
		if _, err := s.ClaimUser(ctx, c); err != nil {
			t.Fatal(err)
		}
	}
	taken := chat.Claim{Name: "New", Key: "u0", Fresh: chat.TokenHash{99}, NowMs: 1000, ReservedSinceMs: 900}
	if _, err := s.ClaimUser(ctx, taken); err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		r, err := s.CreateRoom(ctx, chat.Room{
			Name: fmt.Sprint("R", i), Key: fmt.Sprint("r", i), Epoch: chat.Epoch(1<<63 | uint64(i)), Creator: chat.UserID(i), Ephemeral: i == 2,
		}, chat.RoomQuota{})
		if err != nil {
			t.Fatal(err)
		}
		if r.Ephemeral {
			continue
		}
		a := chat.Append{Room: r.ID}
		for n := range 700 * (i + 1) {
			e := chat.Event{
				Room: r.ID, Seq: chat.Seq(n + 1), Kind: chat.EventKind(1 + n%4), User: chat.UserID(1 + n%6), Nonce: chat.Nonce(^uint64(n)),
				TimeMs: int64(n), Target: chat.Seq(n / 2), Name: names[n%6],
			}
			switch e.Kind {
			case chat.EventMessage:
				e.Text = strings.Repeat("글 ", n%50+1)
			case chat.EventRole:
				e.Subject, e.Role, e.UntilMs = chat.UserID(1+n%5), chat.Role(n%5), int64(n%3)
			}
			a.Events = append(a.Events, e)
		}
		if _, err := s.Commit(ctx, chat.Batch{ID: chat.BatchID{Writer: 1, Number: uint64(i + 1)}, Appends: []chat.Append{a}}); err != nil {
			t.Fatal(err)
		}
	}
}

func openArchive(t *testing.T, url string) chat.Archive {
	t.Helper()
	s, err := store.Open(t.Context(), url, store.Options{Sync: store.ProcessSafe})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s.(chat.Archive)
}

func wantSound(t *testing.T, s chat.Archive, events uint64) {
	t.Helper()
	a, err := store.Audit(t.Context(), s, quiet)
	if err != nil || a.Faults > 0 || a.Events != events || a.Users != 6 || a.Rooms != 4 {
		t.Fatalf("%+v, %v", a, err)
	}
}

const worldEvents = 700 + 1400 + 2800

// There and back again, by stores of all kinds, is the same.
func TestCopy(t *testing.T) {
	first := storesim.NewDisk(nil).Open()
	world(t, first)
	wantSound(t, first, worldEvents)
	members := []chat.Membership{{User: 1, Room: 1, Since: 3, Mark: 77, Muted: true}, {User: 2, Room: 1}, {User: 2, Room: 2, Mark: 1}}
	if err := first.AddMemberships(t.Context(), members); err != nil {
		t.Fatal(err)
	}
	var from chat.Archive = first
	var sum [32]byte
	urls := []string{"sqlite:" + t.TempDir()}
	if err := postgrestest.Missing(); err != nil {
		t.Logf("without PostgreSQL: %v", err)
	} else {
		urls = append(urls, postgrestest.Fresh(t), "sqlite:"+t.TempDir())
	}
	for i, url := range urls {
		to := openArchive(t, url)
		c, err := store.Copy(t.Context(), from, to, quiet)
		if err != nil || c.Users != 6 || c.Rooms != 4 || c.Events != worldEvents || c.Written != 6+4+5+worldEvents {
			t.Fatalf("copy %d: %+v, %v", i, c, err)
		}
		if i > 0 && c.Sum != sum {
			t.Fatalf("copy %d has another sum", i)
		}
		sum = c.Sum
		again, err := store.Copy(t.Context(), from, to, quiet)
		if err != nil || again.Written != 0 || again.Sum != sum {
			t.Fatalf("copy %d again: %+v, %v", i, again, err)
		}
		wantSound(t, to, worldEvents)
		for u := range chat.UserID(3) {
			want, err := first.MyRooms(t.Context(), u, 0, 10)
			got, failed := to.MyRooms(t.Context(), u, 0, 10)
			if err != nil || failed != nil || !slices.Equal(got, want) {
				t.Fatalf("copy %d: user %d has the rooms %+v, %v; want %+v, %v", i, u, got, failed, want, err)
			}
		}
		from = to
	}
	u, err := from.ClaimUser(t.Context(), chat.Claim{Name: "x", Key: "u3", Resume: chat.TokenHash{4}, NowMs: 2000})
	if err != nil || u.ID != 4 {
		t.Fatalf("a login with a token: %+v, %v", u, err)
	}
}

// A copy that is interrupted at any point goes on where it was.
func TestCopyIsInterrupted(t *testing.T) {
	from := storesim.NewDisk(nil).Open()
	world(t, from)
	to := storesim.NewDisk(nil).Open()
	for calls := 1; ; calls++ {
		ctx, cancel := context.WithCancel(t.Context())
		left := calls
		_, err := store.Copy(ctx, from, to, func(string, uint64, uint64) {
			if left--; left == 0 {
				cancel()
			}
		})
		cancel()
		if err == nil {
			break
		}
		if chat.CodeOf(err) != chat.CodeUnavailable {
			t.Fatal(err)
		}
	}
	wantSound(t, to, worldEvents)
}

// What is there already and is something else, is not touched.
func TestCopyIntoAnother(t *testing.T) {
	from := storesim.NewDisk(nil).Open()
	world(t, from)
	for name, spoil := range map[string]func(t *testing.T, to chat.Store){
		"another user": func(t *testing.T, to chat.Store) {
			_, _ = to.ClaimUser(t.Context(), chat.Claim{Name: "other", Key: "other", NowMs: 1})
		},
		"another room": func(t *testing.T, to chat.Store) {
			_, _ = to.CreateRoom(t.Context(), chat.Room{Name: "other", Key: "other"}, chat.RoomQuota{})
		},
		"a longer log": func(t *testing.T, to chat.Store) {
			_, _ = store.Copy(t.Context(), from, to.(chat.Archive), quiet)
			e := chat.Event{Room: 1, Seq: 701, Kind: chat.EventMessage, User: 1, Text: "x"}
			_, _ = to.Commit(t.Context(), chat.Batch{ID: chat.BatchID{Writer: 3, Number: 1}, Appends: []chat.Append{{Room: 1, After: 700, Events: []chat.Event{e}}}})
		},
		"another log": func(t *testing.T, to chat.Store) {
			a := to.(chat.Archive)
			users, _ := from.Users(t.Context(), 0, 10)
			rooms, _ := from.Rooms(t.Context(), 0, 1)
			_ = a.AddUsers(t.Context(), users)
			_ = a.AddRooms(t.Context(), rooms)
			e := chat.Event{Room: 1, Seq: 1, Kind: chat.EventMessage, User: 1, Text: "another"}
			_, _ = to.Commit(t.Context(), chat.Batch{ID: chat.BatchID{Writer: 3, Number: 1}, Appends: []chat.Append{{Room: 1, Events: []chat.Event{e}}}})
		},
	} {
		to := storesim.NewDisk(nil).Open()
		spoil(t, to)
		if _, err := store.Copy(t.Context(), from, to, quiet); chat.CodeOf(err) != chat.CodeBadRequest {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A store of which events were erased is sound, and so are its copies, by stores of all kinds: they say the same.
func TestErased(t *testing.T) {
	from := openArchive(t, "sqlite:"+t.TempDir())
	world(t, from)
	peopled(t, from)
	if n := storetest.Expire(t, from, 900); n != 700+2*900 {
		t.Fatalf("%d are erased", n)
	}
	sound := func(s chat.Archive) {
		t.Helper()
		a, err := store.Audit(t.Context(), s, quiet)
		if err != nil || a.Faults > 0 || a.Erased != 2500 {
			t.Fatalf("%+v, %v", a, err)
		}
	}
	sound(from)
	want := told(t, from)
	urls := []string{"sqlite:" + t.TempDir()}
	if err := postgrestest.Missing(); err != nil {
		t.Logf("without PostgreSQL: %v", err)
	} else {
		urls = append(urls, postgrestest.Fresh(t), "sqlite:"+t.TempDir())
	}
	for i, url := range urls {
		to := openArchive(t, url)
		if _, err := store.Copy(t.Context(), from, to, quiet); err != nil {
			t.Fatalf("copy %d: %v", i, err)
		}
		again, err := store.Copy(t.Context(), from, to, quiet)
		if err != nil || again.Written != 0 {
			t.Fatalf("copy %d again: %+v, %v", i, again, err)
		}
		sound(to)
		if diff := cmp.Diff(want, told(t, to)); diff != "" {
			t.Fatalf("copy %d tells something else:\n%s", i, diff)
		}
		from = to
	}
	// And it goes on: numbers, roles, what expires next.
	if n := storetest.Expire(t, from, 1000); n == 0 {
		t.Error("nothing more is erased")
	}
	if a, err := store.Audit(t.Context(), from, quiet); err != nil || a.Faults > 0 {
		t.Fatalf("%+v, %v", a, err)
	}
}

// untilless is a store that forgets how long roles hold.
type untilless struct{ chat.Archive }

func (s untilless) History(ctx context.Context, r chat.RoomID, p chat.Page) ([]chat.Event, bool, error) {
	events, more, err := s.Archive.History(ctx, r, p)
	for i := range events {
		events[i].UntilMs = 0
	}
	return events, more, err
}

// What is read back is compared in all that it says.
func TestCopyIsCompared(t *testing.T) {
	from := storesim.NewDisk(nil).Open()
	world(t, from)
	_, err := store.Copy(t.Context(), from, untilless{storesim.NewDisk(nil).Open()}, quiet)
	if chat.CodeOf(err) != chat.CodeBadRequest || !strings.Contains(err.Error(), "the log of room") {
		t.Fatal(err)
	}
}

// liar is a store that says something wrong of a room.
type liar struct {
	chat.Archive
	lie func(*chat.Room, *chat.Author, *chat.User)
}

func (l liar) AllRooms(ctx context.Context, after chat.RoomID, itemsMax int) ([]chat.Room, error) {
	rooms, err := l.Archive.AllRooms(ctx, after, itemsMax)
	if len(rooms) > 0 {
		l.lie(&rooms[0], &chat.Author{}, &chat.User{})
	}
	return rooms, err
}

func (l liar) Author(ctx context.Context, r chat.RoomID, u chat.UserID, noncesMax int) (chat.Author, error) {
	a, err := l.Archive.Author(ctx, r, u, noncesMax)
	l.lie(&chat.Room{}, &a, &chat.User{})
	return a, err
}

func (l liar) User(ctx context.Context, id chat.UserID) (chat.User, error) {
	u, err := l.Archive.User(ctx, id)
	l.lie(&chat.Room{}, &chat.Author{}, &u)
	return u, err
}

func TestAuditNotices(t *testing.T) {
	from := storesim.NewDisk(nil).Open()
	world(t, from)
	for name, lie := range map[string]func(*chat.Room, *chat.Author, *chat.User){
		"a log that ends too early": func(r *chat.Room, _ *chat.Author, _ *chat.User) { r.LastSeq++ },
		"a time":                    func(r *chat.Room, _ *chat.Author, _ *chat.User) { r.LastMs++ },
		"roles that are hidden":     func(r *chat.Room, _ *chat.Author, _ *chat.User) { r.Ruled = false },
		"how long a role holds":     func(_ *chat.Room, a *chat.Author, _ *chat.User) { a.UntilMs++ },
		"a role":                    func(_ *chat.Room, a *chat.Author, _ *chat.User) { a.Role++ },
		"a nonce that is missing":   func(_ *chat.Room, a *chat.Author, _ *chat.User) { a.Nonces = a.Nonces[:max(len(a.Nonces)-1, 0)] },
		"a count":                   func(_ *chat.Room, _ *chat.Author, u *chat.User) { u.SentCount++ },
	} {
		a, err := store.Audit(t.Context(), liar{from, lie}, quiet)
		if err != nil || a.Faults == 0 || len(a.Told) == 0 {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
	}
}
