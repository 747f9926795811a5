package transfer

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"sarang/chat"
	"sarang/internal/store"
	"sarang/internal/store/postgrestest"
	"sarang/internal/store/storesim"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }

// With every store an export is the same, and its check finds nothing.
func TestStores(t *testing.T) {
	all := exported(t, sample(t).s, 0)
	slack := fileOf(t, "slack.zip", string(zipped(t, ".", nil)))
	urls := map[string]func() string{"sqlite": func() string { return "sqlite:" + t.TempDir() }}
	if err := postgrestest.Missing(); err != nil {
		t.Logf("without PostgreSQL: %v", err)
	} else {
		urls["postgres"] = func() string { return postgrestest.Fresh(t) }
	}
	for name, url := range urls {
		t.Run(name, func(t *testing.T) {
			s, err := store.Open(t.Context(), url(), store.Options{Sync: store.ProcessSafe})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			text := all
			for i := range uint64(2) {
				r := mustImport(t, s, Options{}, fileOf(t, "all.jsonl", text))
				if again := exported(t, s.(chat.Archive), 0); again != text || r.EventsWritten != 28*(1-i) {
					t.Fatalf("%+v: exported\n%s\nand then\n%s", r, text, again)
				}
				if r := mustImport(t, s, Options{Prefix: "slack-"}, slack); i == 1 && r.EventsWritten+r.UsersMade+r.RoomsMade != 0 {
					t.Errorf("a second time: %+v", r)
				}
				text = exported(t, s.(chat.Archive), 0) // with what came from Slack
			}
			a, err := store.Audit(t.Context(), s.(chat.Archive), nothing)
			if err != nil || a.Faults > 0 {
				t.Errorf("%+v, %v", a, err)
			}
		})
	}
}

// lossy does everything, and loses each second answer.
type lossy struct {
	Target
	calls int
}

func (l *lossy) lost() error {
	if l.calls++; l.calls%2 == 1 {
		return chat.Errorf(chat.CodeUncertain, "the answer was lost")
	}
	return nil
}

func (l *lossy) ClaimUser(ctx context.Context, c chat.Claim) (chat.Claimed, error) {
	u, err := l.Target.ClaimUser(ctx, c)
	if lost := l.lost(); err == nil && lost != nil {
		return chat.Claimed{}, lost
	}
	return u, err
}

func (l *lossy) CreateRoom(ctx context.Context, r chat.Room, q chat.RoomQuota) (chat.Room, error) {
	made, err := l.Target.CreateRoom(ctx, r, q)
	if lost := l.lost(); err == nil && lost != nil {
		return chat.Room{}, lost
	}
	return made, err
}

func (l *lossy) Commit(ctx context.Context, b chat.Batch) ([]chat.Conflict, error) {
	c, err := l.Target.Commit(ctx, b)
	if lost := l.lost(); err == nil && lost != nil {
		return nil, lost
	}
	return c, err
}

// Answers that are lost make nothing twice.
func TestLostAnswers(t *testing.T) {
	text := exported(t, sample(t).s, 0)
	to := storesim.NewDisk(nil).Open()
	l := &lossy{Target: ForStore(to, nil)}
	r, err := Import(t.Context(), l, []string{fileOf(t, "all.jsonl", text)}, Options{Now: now})
	if err != nil || l.calls < 10 {
		t.Fatalf("%v\n%+v", err, r)
	}
	if again := exported(t, to, 0); again != text {
		t.Errorf("exported\n%s\nand then\n%s", text, again)
	}
}

// busy has somebody else write into a room while it is imported.
type busy struct {
	Target
	s    *storesim.Store
	left int
}

func (b *busy) Commit(ctx context.Context, batch chat.Batch) ([]chat.Conflict, error) {
	if b.left--; b.left == 0 {
		a := batch.Appends[0]
		e := chat.Event{Room: a.Room, Seq: a.After + 1, Kind: chat.EventMessage, User: 1, Nonce: 1, TimeMs: nowMs, Text: "me first"}
		_, err := b.s.Commit(ctx, chat.Batch{ID: chat.BatchID{Writer: 77, Number: 1}, Appends: []chat.Append{{Room: a.Room, After: a.After, Events: []chat.Event{e}}}})
		if err != nil {
			return nil, err
		}
	}
	return b.Target.Commit(ctx, batch)
}

// If somebody speaks in the room meanwhile, its rest is refused, and that is said.
func TestSomebodyElseWrites(t *testing.T) {
	to := storesim.NewDisk(nil).Open()
	var b strings.Builder
	for i := range 600 {
		b.WriteString("2021-03-05 18:21:05\tann\tmessage " + strconv.Itoa(i) + "\n")
	}
	file := fileOf(t, "#tea.weechatlog", b.String())
	r, err := Import(t.Context(), &busy{ForStore(to, nil), to, 2}, []string{file}, Options{Now: now})
	if !errors.Is(err, ErrLeftOut) || r.EventsWritten != 256 || r.EventsRefused != 344 || !strings.Contains(strings.Join(r.Told, " "), "somebody else wrote") {
		t.Errorf("%v\n%+v", err, r)
	}
	if r, err := importInto(to, Options{}, file); !errors.Is(err, ErrNotWritten) || r.EventsThere != 256 || r.EventsRefused != 344 {
		t.Errorf("a second time: %v\n%+v", err, r)
	}
}

// A large file is read in the memory that a small one takes.
func TestMemory(t *testing.T) {
	used := func(messages int) uint64 {
		var b strings.Builder
		at := time.UnixMilli(1_700_000_000_000).UTC()
		b.WriteString(`{"guild":{},"channel":{"id":"1","type":"GuildTextChat","name":"tea"},"messages":[`)
		for i := range messages {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(`{"id":"` + strconv.Itoa(i+1) + `","type":"Default","timestamp":"` + at.Format(time.RFC3339) + `","content":"` + strings.Repeat("tea ", 100) + `","author":{"id":"7","name":"ann"}}`)
		}
		b.WriteString("]}")
		file := fileOf(t, "x.json", b.String())
		b.Reset()
		var before, after, most runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		n := 0
		o := Options{Now: now, DryRun: true, Progress: func(string, uint64, uint64) {
			if n++; n%200 == 0 {
				runtime.GC()
				runtime.ReadMemStats(&after)
				if after.HeapAlloc > most.HeapAlloc {
					most = after
				}
			}
		}}
		if r, err := Import(t.Context(), ForStore(storesim.NewDisk(nil).Open(), nil), []string{file}, o); err != nil || r.EventsWritten != uint64(messages) {
			t.Fatalf("%v\n%+v", err, r)
		}
		if n < 200 {
			t.Fatalf("the file of %d messages was looked at %d times", messages, n)
		}
		return max(most.HeapAlloc, before.HeapAlloc) - before.HeapAlloc
	}
	if small, large := used(3_000), used(60_000); large > small+6<<20 { // a link takes 24 bytes
		t.Errorf("60,000 messages (33 MB) take %d bytes, and 3,000 take %d", large, small)
	}
}
