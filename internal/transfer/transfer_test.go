package transfer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sarang/chat"
	"sarang/internal/store/storesim"
)

// fataler is a *testing.T or a *rapid.T.
type fataler interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

const nowMs = 1_800_000_000_000

func now() time.Time { return time.UnixMilli(nowMs) }

func nothing(string, uint64, uint64) {}

// history is a store with something in it.
type history struct {
	t     fataler
	s     *storesim.Store
	batch uint64
	seqs  map[chat.RoomID]chat.Seq
}

func newHistory(t fataler) *history {
	return &history{t: t, s: storesim.NewDisk(nil).Open(), seqs: map[chat.RoomID]chat.Seq{}}
}

func (h *history) user(name string, createdMs int64) chat.UserID {
	h.t.Helper()
	display, key, err := chat.ParseUserName(name)
	if err != nil {
		h.t.Fatal(err)
	}
	u, err := h.s.ClaimUser(context.Background(), chat.Claim{Name: display, Key: key, Look: chat.Skeleton(key), NowMs: createdMs})
	if err != nil {
		h.t.Fatal(err)
	}
	return u.ID
}

func (h *history) room(r chat.Room) chat.RoomID {
	h.t.Helper()
	if r.Key == "" {
		var err error
		if r.Name, r.Key, err = chat.ParseRoomName(r.Name); err != nil {
			h.t.Fatal(err)
		}
	}
	made, err := h.s.CreateRoom(context.Background(), r, chat.RoomQuota{})
	if err != nil {
		h.t.Fatal(err)
	}
	return made.ID
}

func (h *history) say(room chat.RoomID, events ...chat.Event) {
	h.t.Helper()
	a := chat.Append{Room: room, After: h.seqs[room]}
	for _, e := range events {
		h.seqs[room]++
		e.Room, e.Seq, e.Nonce = room, h.seqs[room], chat.Nonce(h.seqs[room])
		a.Events = append(a.Events, e)
	}
	h.batch++
	conflicts, err := h.s.Commit(context.Background(), chat.Batch{ID: chat.BatchID{Writer: 1, Number: h.batch}, Appends: []chat.Append{a}})
	if err != nil || len(conflicts) > 0 {
		h.t.Fatalf("%v %v", conflicts, err)
	}
}

func exported(t fataler, s chat.Archive, room chat.RoomID) string {
	t.Helper()
	var b strings.Builder
	_, err := Export(context.Background(), s, room, func(line []byte) error {
		b.Write(line)
		b.WriteByte('\n')
		return nil
	}, nothing)
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// fileOf writes a text into a file.
func fileOf(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func importInto(s chat.Store, o Options, files ...string) (*Report, error) {
	o.Now = now
	return Import(context.Background(), ForStore(s, nil), files, o)
}

// mustImport imports all of some files.
func mustImport(t fataler, s chat.Store, o Options, files ...string) *Report {
	t.Helper()
	r, err := importInto(s, o, files...)
	if err != nil {
		t.Fatalf("%v\n%+v", err, r)
	}
	return r
}

// sample is a small history with one of everything.
func sample(t fataler) *history {
	h := newHistory(t)
	ctx := context.Background()
	ann, bob := h.user("ann", 1_700_000_000_000), h.user("밥", 1_700_000_000_001)
	gone := h.user("gone", 1_700_000_000_002)
	if _, err := h.s.ChangeProfile(ctx, ann, chat.ProfileChange{DisplayName: new("Ann <A&B>"), Hidden: new(true)}); err != nil {
		t.Fatal(err)
	}
	lobby := h.room(chat.Room{Name: "lobby", Creator: ann, CreatedMs: 1_700_000_000_010, Epoch: 5})
	h.say(
		lobby,
		chat.Event{Kind: chat.EventJoin, User: ann, TimeMs: 1_700_000_000_020},
		chat.Event{Kind: chat.EventMessage, User: ann, TimeMs: 1_700_000_000_021, Text: "hello <b> " + chat.MentionText(bob, "밥") + chat.MentionText(0, "room")},
		chat.Event{Kind: chat.EventMessage, User: bob, TimeMs: 1_700_000_000_022, Text: "a reply", Target: 2},
		chat.Event{Kind: chat.EventMessage, User: gone, TimeMs: 1_700_000_000_023, Text: "deeper", Target: 3, Root: 2},
		chat.Event{Kind: chat.EventEdit, User: ann, TimeMs: 1_700_000_000_024, Target: 2, Text: "hello again"},
		chat.Event{Kind: chat.EventReact, User: bob, TimeMs: 1_700_000_000_025, Target: 2, Text: "👍🏽"},
		chat.Event{Kind: chat.EventReact, User: gone, TimeMs: 1_700_000_000_025, Target: 2, Text: "👍🏽"},
		chat.Event{Kind: chat.EventUnreact, User: gone, TimeMs: 1_700_000_000_026, Target: 2, Text: "👍🏽"},
		chat.Event{Kind: chat.EventPin, User: ann, TimeMs: 1_700_000_000_027, Target: 3},
		chat.Event{Kind: chat.EventUnpin, User: ann, TimeMs: 1_700_000_000_028, Target: 3},
		chat.Event{Kind: chat.EventPin, User: ann, TimeMs: 1_700_000_000_029, Target: 2},
		chat.Event{Kind: chat.EventMessage, User: bob, TimeMs: 1_700_000_000_030, Text: "wrong"},
		chat.Event{Kind: chat.EventDelete, User: bob, TimeMs: 1_700_000_000_031, Target: 12},
		chat.Event{Kind: chat.EventRole, User: ann, Subject: bob, Role: chat.RoleModerator, TimeMs: 1_700_000_000_032, Text: "he is good"},
		chat.Event{Kind: chat.EventRole, User: ann, Subject: gone, Role: chat.RoleBanned, UntilMs: 1_700_000_900_000, TimeMs: 1_700_000_000_033},
		chat.Event{Kind: chat.EventKick, User: ann, Subject: gone, TimeMs: 1_700_000_000_034, Text: "loud"},
		chat.Event{Kind: chat.EventTopic, User: ann, TimeMs: 1_700_000_000_035, Text: "tea"},
		chat.Event{Kind: chat.EventDescribe, User: ann, TimeMs: 1_700_000_000_036, Text: "all\nabout tea"},
		chat.Event{Kind: chat.EventSlow, User: ann, TimeMs: 1_700_000_000_037, Value: 30},
		chat.Event{Kind: chat.EventName, User: ann, TimeMs: 1_700_000_000_038, Text: "lobby"},
		chat.Event{Kind: chat.EventArchive, User: ann, TimeMs: 1_700_000_000_039, Value: 1},
		chat.Event{Kind: chat.EventMessage, User: bob, TimeMs: 1_700_000_000_040, Files: chat.NewFileList(
			chat.FileInfo{ID: 77, Name: "a/b.png", Type: "image/png", Bytes: 5, Width: 2, Height: 3, Thumbnail: true})},
		chat.Event{Kind: chat.EventArchive, TimeMs: 1_700_000_000_040},
		chat.Event{Kind: chat.EventArchive, TimeMs: 1_700_000_000_040, Value: 1},
		chat.Event{Kind: chat.EventLeave, User: ann, TimeMs: 1_700_000_000_041},
		chat.Event{Kind: 200, User: ann, TimeMs: 1_700_000_000_042, Text: "of a later version"},
	)
	private := h.room(chat.Room{Name: "council", Creator: bob, Private: true, CreatedMs: 1_700_000_000_050, Epoch: 6})
	h.say(private, chat.Event{Kind: chat.EventMessage, User: bob, TimeMs: 1_700_000_000_051, Text: "alone"})
	key, _, err := chat.DirectKey([]chat.UserID{ann, bob})
	if err != nil {
		t.Fatal(err)
	}
	direct := h.room(chat.Room{Name: chat.DirectName([]string{"ann", "밥"}), Key: key, Private: true, Creator: ann, CreatedMs: 1_700_000_000_060, Epoch: 7})
	h.say(direct, chat.Event{Kind: chat.EventMessage, User: bob, TimeMs: 1_700_000_000_061, Text: "between us"})
	h.room(chat.Room{Name: "fleeting", Ephemeral: true, CreatedMs: 1_700_000_000_070})
	_, err = h.s.ChangeMembers(ctx, []chat.MemberChange{
		{Kind: chat.MemberEnters, User: ann, Room: lobby, Seq: 1},
		{Kind: chat.MemberMarks, User: ann, Room: lobby, Seq: 9},
		{Kind: chat.MemberEnters, User: bob, Room: lobby, Seq: 3},
		{Kind: chat.MemberMutes, User: bob, Room: lobby},
		{Kind: chat.MemberEnters, User: bob, Room: private},
	}, 0)
	if err := errors.Join(err, h.s.EraseUser(ctx, gone, nowMs)); err != nil {
		t.Fatal(err)
	}
	return h
}

// What is exported, imported into an empty server and exported again is the same; imported again,
// there or where it is from, it changes nothing.
func TestRoundTrip(t *testing.T) {
	from := sample(t)
	text := exported(t, from.s, 0)
	file := fileOf(t, "all.jsonl", text)
	to := storesim.NewDisk(nil).Open()
	r := mustImport(t, to, Options{}, file)
	if r.UsersMade != 3 || r.RoomsMade != 4 || r.EventsWritten != 28 || r.EventsThere != 0 {
		t.Errorf("the first import: %+v", r)
	}
	if again := exported(t, to, 0); again != text {
		t.Fatalf("exported\n%s\nand then\n%s", text, again)
	}
	for _, s := range []*storesim.Store{to, from.s} {
		r = mustImport(t, s, Options{}, file)
		if r.UsersMade != 0 || r.RoomsMade != 0 || r.EventsWritten != 0 || r.EventsThere != 28 {
			t.Errorf("a second import: %+v", r)
		}
		if again := exported(t, s, 0); again != text {
			t.Fatalf("exported\n%s\nand then\n%s", text, again)
		}
	}
	dry := storesim.NewDisk(nil).Open()
	if r := mustImport(t, dry, Options{DryRun: true}, file); !r.DryRun || r.UsersMade != 3 || r.EventsWritten != 28 {
		t.Errorf("a dry run: %+v", r)
	}
	if there, _ := dry.Users(t.Context(), 0, 1); len(there) != 0 {
		t.Errorf("a dry run has made %v", there)
	}
}

// What follows from logs is there as with ordinary messages.
func TestWhatFollows(t *testing.T) {
	to := storesim.NewDisk(nil).Open()
	mustImport(t, to, Options{}, fileOf(t, "all.jsonl", exported(t, sample(t).s, 0)))
	ctx := t.Context()
	threads, err := to.Threads(ctx, chat.ThreadQuery{Room: 1, ItemsMax: 10})
	if err != nil || len(threads) != 1 || threads[0] != (chat.Thread{Root: 2, Replies: 2, Last: 4}) {
		t.Errorf("threads: %v, %v", threads, err)
	}
	pins, err := to.Pins(ctx, 1, 0, 10)
	if err != nil || len(pins) != 1 || pins[0].Target != 2 {
		t.Errorf("pins: %v, %v", pins, err)
	}
	states, err := to.States(ctx, 1, 1, 30, 0)
	if err != nil || len(states) != 3 || states[0].Text != "hello again" || len(states[0].Reactions) != 1 || states[2].Deleted != 13 {
		t.Errorf("states: %v, %v", states, err)
	}
	room, err := to.RoomByKey(ctx, "lobby")
	if err != nil || room.Topic != "tea" || !room.Archived || room.SlowSeconds != 30 || room.CreatedMs != 1_700_000_000_010 || room.Epoch == 5 {
		t.Errorf("the room: %+v, %v", room, err)
	}
	bob, err := to.UserByKey(ctx, "밥")
	if err != nil || bob.SeenMs != nowMs || bob.CreatedMs != 1_700_000_000_001 || bob.SentCount != 5 {
		t.Errorf("the user: %+v, %v", bob, err)
	}
	if a, err := to.Author(ctx, 1, bob.ID, 1); err != nil || a.Role != chat.RoleModerator {
		t.Errorf("his role: %+v, %v", a, err)
	}
}

// One room is exported with those who are named in it, and comes into a server that has others.
func TestOneRoom(t *testing.T) {
	from := sample(t)
	text := exported(t, from.s, 2)
	if strings.Contains(text, "gone") || strings.Contains(text, "lobby") || !strings.Contains(text, "alone") {
		t.Fatalf("the export of one room:\n%s", text)
	}
	file := fileOf(t, "room.jsonl", text)
	to := newHistory(t)
	to.user("somebody", 5)
	to.user("밥", 6) // another one of that name
	r := mustImport(t, to.s, Options{Into: "rat"}, file)
	if r.UsersMade != 1 || r.Changed["names of users"] != 1 || len(r.Told) != 1 || !strings.Contains(r.Told[0], "밥-import") {
		t.Errorf("%+v", r)
	}
	room, err := to.s.RoomByKey(t.Context(), "rat")
	if err != nil || !room.Private || room.Creator != 3 || room.LastSeq != 1 {
		t.Errorf("the room: %+v, %v", room, err)
	}
	other := newHistory(t)
	other.user("somebody", 5)
	bob := other.user("robert", 6)
	for i, o := range []Options{{Users: map[string]string{"밥": "robert"}}, {Users: map[string]string{"1": "id:2"}}, {}} {
		if i == 2 {
			break
		}
		r := mustImport(t, other.s, o, file)
		if r.UsersMade != 0 || r.UsersThere != 1 {
			t.Errorf("with a map of users: %+v", r)
		}
	}
	if room, err := other.s.RoomByKey(t.Context(), "council"); err != nil || room.Creator != bob {
		t.Errorf("the room: %+v, %v", room, err)
	}
	if _, err := importInto(other.s, Options{Users: map[string]string{"밥": "nobody"}}, file); err == nil {
		t.Error("the map of users has somebody who is not there, and nothing is said")
	}
}

// An import that was cut off, wherever, goes on when it is started again.
func TestGoesOn(t *testing.T) {
	text := exported(t, sample(t).s, 0)
	file := fileOf(t, "all.jsonl", text)
	for calls := 1; ; calls++ {
		to := storesim.NewDisk(nil).Open()
		_, err := Import(t.Context(), &cutOff{Target: ForStore(to, nil), left: calls}, []string{file}, Options{Now: now})
		if r, err := importInto(to, Options{}, file); err != nil {
			t.Fatalf("after %d calls: %v\n%+v", calls, err, r)
		}
		if again := exported(t, to, 0); again != text {
			t.Fatalf("after %d calls: exported\n%s\nand then\n%s", calls, text, again)
		}
		if err == nil {
			if calls < 8 {
				t.Errorf("only %d writes were cut off", calls)
			}
			break
		}
	}
}

// cutOff ends with an error after some writes.
type cutOff struct {
	Target
	left int
}

var errCut = errors.New("cut off")

func (c *cutOff) write() error {
	if c.left--; c.left < 0 {
		return errCut
	}
	return nil
}

func (c *cutOff) ClaimUser(ctx context.Context, a chat.Claim) (chat.Claimed, error) {
	if err := c.write(); err != nil {
		return chat.Claimed{}, err
	}
	return c.Target.ClaimUser(ctx, a)
}

func (c *cutOff) CreateRoom(ctx context.Context, r chat.Room, q chat.RoomQuota) (chat.Room, error) {
	if err := c.write(); err != nil {
		return chat.Room{}, err
	}
	return c.Target.CreateRoom(ctx, r, q)
}

func (c *cutOff) Commit(ctx context.Context, b chat.Batch) ([]chat.Conflict, error) {
	if err := c.write(); err != nil {
		return nil, err
	}
	return c.Target.Commit(ctx, b)
}

func (c *cutOff) ChangeProfile(ctx context.Context, u chat.UserID, p chat.ProfileChange) (chat.Profile, error) {
	if err := c.write(); err != nil {
		return chat.Profile{}, err
	}
	return c.Target.ChangeProfile(ctx, u, p)
}

func (c *cutOff) ChangeMembers(ctx context.Context, all []chat.MemberChange, most int) ([]chat.Membership, error) {
	if err := c.write(); err != nil {
		return nil, err
	}
	return c.Target.ChangeMembers(ctx, all, most)
}

// A room of that name with something else in it stays as it is.
func TestRefusedRoom(t *testing.T) {
	text := exported(t, sample(t).s, 0)
	to := newHistory(t)
	x := to.user("x", 1)
	lobby := to.room(chat.Room{Name: "lobby", Creator: x, CreatedMs: 1})
	to.say(lobby, chat.Event{Kind: chat.EventMessage, User: x, TimeMs: 2, Text: "mine"})
	before := exported(t, to.s, 0)
	file := fileOf(t, "all.jsonl", text)
	r, err := importInto(to.s, Options{}, file)
	if !errors.Is(err, ErrNotWritten) || r.RoomsRefused != 1 || r.EventsRefused != 26 || !strings.Contains(strings.Join(r.Told, "\n"), "#lobby") {
		t.Errorf("%v\n%+v", err, r)
	}
	if after := exported(t, to.s, 0); after != before {
		t.Errorf("a refused import has changed\n%s\nto\n%s", before, after)
	}
	if r, err = importInto(to.s, Options{SkipBad: true}, file); !errors.Is(err, ErrLeftOut) || r.RoomsMade != 3 || r.EventsWritten != 2 {
		t.Errorf("%v\n%+v", err, r)
	}
	if r := mustImport(t, to.s, Options{Prefix: "old-"}, file); r.RoomsMade != 3 || r.EventsWritten != 27 || r.EventsThere != 1 {
		t.Errorf("%+v", r) // direct rooms have no prefix
	}
}

// Each bad line is told with its number, and with SkipBad the rest is there.
func TestBadLines(t *testing.T) {
	lines := strings.Split(strings.TrimSuffix(exported(t, sample(t).s, 0), "\n"), "\n")
	for i := range lines {
		for _, bad := range []string{"", "{", `{"type":"dance"}`, `{"type":"user","id":1,"surprise":2}`, "\xff", "[]", `{"type":"message","room":1,"seq":1}`, strings.Repeat("x", lineBytesMax+1)} {
			if len(bad) > lineBytesMax && i%10 != 0 {
				continue // it takes its time
			}
			text := strings.Join(append(append(append([]string{}, lines[:i]...), bad), lines[i+1:]...), "\n") + "\n"
			to := storesim.NewDisk(nil).Open()
			file := fileOf(t, "bad.jsonl", text)
			r, err := importInto(to, Options{Format: "sarang"}, file)
			if !errors.Is(err, ErrNotWritten) || r.Faults == 0 || !strings.Contains(strings.Join(r.Told, "\n"), fmt.Sprintf("line %d: ", i+1)) {
				t.Fatalf("line %d is %.40q: %v\n%+v", i+1, bad, err, r)
			}
			if users, _ := to.Users(t.Context(), 0, 1); len(users) > 0 {
				t.Fatal("something was written")
			}
			if r, err := importInto(to, Options{Format: "sarang", SkipBad: true}, file); !errors.Is(err, ErrLeftOut) {
				t.Fatalf("line %d is %.40q: %v\n%+v", i+1, bad, err, r)
			}
			once := exported(t, to, 0)
			if r, err := importInto(to, Options{Format: "sarang", SkipBad: true}, file); !errors.Is(err, ErrLeftOut) || r.EventsWritten+r.UsersMade+r.RoomsMade > 0 {
				t.Fatalf("line %d is %.40q, a second time: %v\n%+v", i+1, bad, err, r)
			}
			if twice := exported(t, to, 0); once != twice {
				t.Fatalf("line %d is %.40q: once\n%s\ntwice\n%s", i+1, bad, once, twice)
			}
		}
	}
}

// Every field of an event is exported, or it is known why not.
func TestEveryFieldIsExported(t *testing.T) {
	known := map[string]bool{}
	for _, name := range strings.Fields("Room Seq Kind User Name Nonce Target Root TimeMs Text Files Subject Role UntilMs Value") {
		known[name] = true // the name is the user's of today, and a nonce is made anew
	}
	for f := range reflect.TypeFor[chat.Event]().Fields() {
		if !known[f.Name] {
			t.Errorf("chat.Event has a field %s: an export is to have it (line.go, export.go, sarangevent.go, docs/transfer.md)", f.Name)
		}
	}
}

// Whatever happened in a server, its export makes one that exports the same.
func TestRoundTripOfAnyHistory(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		h := randomHistory(t)
		text := exported(t, h.s, 0)
		file := filepath.Join(dir, "all.jsonl")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		to := storesim.NewDisk(nil).Open()
		cut := &cutOff{Target: ForStore(to, nil), left: rapid.IntRange(0, 30).Draw(t, "writes before it is cut off")}
		if _, err := Import(context.Background(), cut, []string{file}, Options{Now: now}); err != nil && !errors.Is(err, errCut) {
			t.Fatal(err)
		}
		mustImport(t, to, Options{}, file)
		if again := exported(t, to, 0); again != text {
			t.Fatalf("exported\n%s\nand then\n%s", text, again)
		}
		for _, s := range []*storesim.Store{to, h.s} {
			if s == h.s && strings.Contains(text, "](user:0)") {
				continue // a mention of somebody who is not there has become text
			}
			if r := mustImport(t, s, Options{}, file); r.EventsWritten+r.UsersMade+r.RoomsMade != 0 {
				t.Fatalf("a second import: %+v", r)
			}
		}
	})
}

func randomHistory(t *rapid.T) *history {
	h := newHistory(t)
	names := []string{"ann", "Bob", "민지", "zoë", "x_1"}
	users := rapid.IntRange(1, len(names)).Draw(t, "users")
	ms := int64(1_700_000_000_000)
	for _, name := range names[:users] {
		ms++
		h.user(name, ms)
	}
	anybody := rapid.Custom(func(t *rapid.T) chat.UserID { return chat.UserID(rapid.IntRange(1, users).Draw(t, "user")) })
	text := rapid.OneOf(rapid.SampledFrom([]string{"hello", "<&> \u2028", "[@x](user:2)", "[@x](user:99)", "[@room](user:all)", `\[@x](user:1)`}),
		rapid.StringOfN(rapid.Rune(), 1, 20, -1).Filter(func(s string) bool { return chat.CheckText(s, 1000) == nil }))
	for i := range rapid.IntRange(0, 3).Draw(t, "rooms") {
		room := h.room(chat.Room{Name: fmt.Sprintf("room%d", i), Private: rapid.Bool().Draw(t, "private"), Creator: anybody.Draw(t, "creator"), CreatedMs: ms})
		for n := range rapid.IntRange(0, 12).Draw(t, "events") {
			ms += int64(rapid.IntRange(0, 2).Draw(t, "later"))
			h.say(room, randomEvent(t, chat.Seq(n+1), ms, anybody, text))
		}
		for range rapid.IntRange(0, 2).Draw(t, "members") {
			u, since := anybody.Draw(t, "member"), chat.Seq(rapid.IntRange(0, int(h.seqs[room])).Draw(t, "since"))
			_, err := h.s.ChangeMembers(context.Background(), []chat.MemberChange{
				{Kind: chat.MemberEnters, User: u, Room: room, Seq: since},
				{Kind: chat.MemberMarks, User: u, Room: room, Seq: chat.Seq(rapid.IntRange(0, int(h.seqs[room])).Draw(t, "read"))},
			}, 0)
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if rapid.Bool().Draw(t, "somebody is erased") {
		if err := h.s.EraseUser(context.Background(), anybody.Draw(t, "erased"), nowMs); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

func randomEvent(t *rapid.T, seq chat.Seq, ms int64, anybody *rapid.Generator[chat.UserID], text *rapid.Generator[string]) chat.Event {
	kinds := []chat.EventKind{
		chat.EventMessage, chat.EventMessage, chat.EventMessage, chat.EventJoin, chat.EventLeave, chat.EventRole, chat.EventKick, chat.EventTopic,
		chat.EventEdit, chat.EventDelete, chat.EventReact, chat.EventUnreact, chat.EventPin, chat.EventUnpin, chat.EventDescribe, chat.EventArchive, chat.EventSlow, chat.EventRetain,
	}
	e := chat.Event{Kind: rapid.SampledFrom(kinds).Draw(t, "kind"), User: anybody.Draw(t, "by"), TimeMs: ms}
	earlier := func(what string) chat.Seq { return chat.Seq(rapid.IntRange(0, int(seq)-1).Draw(t, what)) }
	switch {
	case e.Kind == chat.EventMessage:
		e.Text, e.Target = text.Draw(t, "text"), earlier("target")
		if e.Target > 0 {
			e.Root = min(earlier("root"), e.Target)
		}
	case e.Kind == chat.EventEdit:
		e.Text, e.Target = text.Draw(t, "text"), earlier("target")
	case e.Kind == chat.EventReact || e.Kind == chat.EventUnreact:
		e.Text, e.Target = rapid.SampledFrom([]string{"👍", "❤️"}).Draw(t, "emoji"), earlier("target")
	case e.Kind.Changes():
		e.Target = earlier("target")
	case e.Kind.Rules():
		e.Subject = anybody.Draw(t, "subject")
		if e.Kind == chat.EventRole {
			e.Role = chat.Role(rapid.IntRange(0, int(chat.RoleOwner)).Draw(t, "role"))
		}
	case e.Kind == chat.EventTopic || e.Kind == chat.EventDescribe:
		e.Text = text.Draw(t, "text")
	case e.Kind == chat.EventArchive:
		e.Value = uint32(rapid.IntRange(0, 1).Draw(t, "value"))
	case e.Kind == chat.EventRetain:
		e.Value = 60 * uint32(rapid.IntRange(0, 60).Draw(t, "value"))
	case e.Kind == chat.EventSlow:
		e.Value = uint32(rapid.IntRange(0, 60).Draw(t, "value"))
	}
	if e.Kind.Sets() && rapid.Bool().Draw(t, "by the server") {
		e.User = 0
	}
	return e
}
