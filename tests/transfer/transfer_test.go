//go:build unix

package transfer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sarang/chat"
	"sarang/client"
	"sarang/internal/control"
	"sarang/internal/store"
	"sarang/tests/internal/proc"
)

// shortDir is a folder whose path fits into a socket's.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sarang")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func start(t *testing.T, bin string) *proc.Server {
	t.Helper()
	s, err := proc.Start(t.Context(), proc.Config{Binary: bin, Data: shortDir(t), HTTP: "none", Args: []string{"--sync", "process-safe"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Kill() })
	return s
}

// sarang runs a command; what it prints is returned.
func sarang(t *testing.T, bin string, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	c := exec.CommandContext(t.Context(), bin, args...)
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil {
		t.Fatalf("sarang %s: %v\n%s%s", strings.Join(args, " "), err, out.Bytes(), errs.Bytes())
	}
	return out.String()
}

func dial(t *testing.T, s *proc.Server, name string) *client.Client {
	t.Helper()
	c, err := client.Dial(t.Context(), client.Config{Addr: s.Addr(), Name: name, DiscardEvents: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestFromServerToServer(t *testing.T) {
	bin, err := proc.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	from, to := start(t, bin), start(t, bin)
	ann, bob := dial(t, from, "ann"), dial(t, from, "bob")
	lobby := must[client.Joined](t)(ann.Join(t.Context(), client.Join{Name: "lobby", Create: true})).Room.ID
	must[client.Joined](t)(bob.Join(t.Context(), client.Join{Name: "lobby"}))
	seq := must[chat.Seq](t)(ann.Publish(t.Context(), lobby, "hello "+chat.MentionText(bob.Self().User, "bob")))
	must[chat.Seq](t)(bob.Reply(t.Context(), lobby, client.Reply{Target: seq, Text: "hello yourself"}))
	must[chat.Seq](t)(bob.React(t.Context(), lobby, seq, "👍", false))
	must[chat.Seq](t)(ann.Edit(t.Context(), lobby, seq, "good morning"))

	dir := t.TempDir()
	file := filepath.Join(dir, "all.jsonl")
	sarang(t, bin, "export", "--data", from.Config().Data, "-o", file)
	text := must[[]byte](t)(os.ReadFile(file))
	for range 2 {
		sarang(t, bin, "import", "--data", to.Config().Data, file)
		if again := sarang(t, bin, "export", "--data", to.Config().Data); again != string(text) {
			t.Fatalf("exported\n%s\nand then\n%s", text, again)
		}
	}
	carol := dial(t, to, "carol")
	there := must[client.Joined](t)(carol.Join(t.Context(), client.Join{Name: "lobby"})).Room.ID
	was := must[client.HistoryPage](t)(ann.History(t.Context(), client.History{Room: lobby, ItemsMax: 100}))
	is := must[client.HistoryPage](t)(carol.History(t.Context(), client.History{Room: there, ItemsMax: 100}))
	if len(is.Events) < len(was.Events) || len(is.States) != 1 || is.States[0].Text != "good morning" || len(is.States[0].Reactions) != 1 {
		t.Fatalf("the history was\n%+v\nand is\n%+v", was, is)
	}
	for i, e := range was.Events {
		if g := is.Events[i]; g.TimeMs != e.TimeMs || g.Text != e.Text || g.Name != e.Name || g.Target != e.Target {
			t.Errorf("event %d was %+v, and is %+v", i, e, g)
		}
	}
	// The name is kept, and has no password: an operator gives one.
	if c, err := client.Dial(t.Context(), client.Config{Addr: to.Addr(), Name: "ann", DiscardEvents: true}); chat.CodeOf(err) != chat.CodeNameTaken {
		t.Errorf("somebody logs in by the name of a user of an import: %v", err)
		if err == nil {
			_ = c.Close()
		}
	}
	sarang(t, bin, "user", "reset-password", "ann", "--data", to.Config().Data)
}

// An import that is killed leaves what it has written, and goes on: all of it is there once, in order.
func TestKilledImport(t *testing.T) {
	bin, err := proc.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	to := start(t, bin)
	data := to.Config().Data
	const lines = 20_000
	var b strings.Builder
	at := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range lines {
		fmt.Fprintf(&b, "%s\tuser%d\tmessage %d\n", at.Add(time.Duration(i/3)*time.Second).Format("2006-01-02 15:04:05"), i%7, i)
	}
	file := filepath.Join(t.TempDir(), "#tea.weechatlog")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	killed := 0
	for killed < 3 {
		c := exec.Command(bin, "import", "--data", data, "--quiet", file)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		began := events(t, data)
		over := make(chan struct{})
		go func() { _ = c.Wait(); close(over) }()
		for ended := false; !ended && events(t, data) <= began; {
			select {
			case <-over:
				ended = true
			default:
			}
		}
		_ = c.Process.Kill()
		<-over
		killed++
	}
	if n := events(t, data); n == 0 || n > lines {
		t.Fatalf("%d of %d messages are there after %d imports were killed", n, lines, killed)
	}
	out := sarang(t, bin, "import", "--data", data, "--json", file)
	var r struct {
		Written uint64 `json:"events_written"`
		There   uint64 `json:"events_there"`
	}
	if err := json.Unmarshal([]byte(out), &r); err != nil || r.There == 0 || r.Written+r.There != lines {
		t.Errorf("%v\n%s", err, out)
	}
	if err := to.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	s := must[chat.Store](t)(store.Open(t.Context(), store.DefaultURL(data), store.Options{}))
	defer func() { _ = s.Close() }()
	room := must[chat.Room](t)(s.RoomByKey(t.Context(), "tea"))
	i := 0
	for after := chat.Seq(0); after < room.LastSeq; {
		page, _, err := s.History(t.Context(), room.ID, chat.Page{After: after, ItemsMax: 1000, BytesMax: 1 << 20})
		if err != nil || len(page) == 0 {
			t.Fatal(after, err)
		}
		for _, e := range page {
			if want := fmt.Sprintf("message %d", i); e.Text != want || e.Name != fmt.Sprintf("user%d", i%7) {
				t.Fatalf("event %d is %+v, want %q", e.Seq, e, want)
			}
			i++
			after = e.Seq
		}
	}
	a, err := store.Audit(t.Context(), s.(chat.Archive), func(string, uint64, uint64) {})
	if err != nil || a.Faults > 0 || i != lines {
		t.Errorf("%d messages: %+v, %v", i, a, err)
	}
}

// events is how many the room tea has.
func events(t *testing.T, data string) uint64 {
	t.Helper()
	args, _ := json.Marshal(control.WhichArgs{Room: "tea"})
	b, err := control.Ask(t.Context(), data, control.Request{Do: "room-show", Args: args}, func(control.Answer) {})
	if chat.CodeOf(err) == chat.CodeNoRoom || chat.CodeOf(err) == chat.CodeTooMany {
		return 0
	}
	var r control.ShownRoom
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	return uint64(r.LastSeq)
}
