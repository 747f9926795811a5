package transfer

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sarang/chat"
	"sarang/internal/store/storesim"
)

// logOf is what stands in a room, one event a line: the time of day, who, what it is and about what.
func logOf(t *testing.T, s *storesim.Store, room string) string {
	t.Helper()
	r, err := s.RoomByKey(t.Context(), room)
	if err != nil {
		t.Fatalf("room %q: %v", room, err)
	}
	events, _, err := s.History(t.Context(), r.ID, chat.Page{ItemsMax: 1000, BytesMax: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, e := range events {
		b.WriteString(time.UnixMilli(e.TimeMs).UTC().Format("02 15:04:05.000"))
		if e.User != 0 { // else the server did it
			u, err := s.User(t.Context(), e.User)
			if err != nil {
				t.Fatal(err)
			}
			b.WriteString(" " + u.Name)
		}
		if e.Kind != chat.EventMessage {
			b.WriteString(" " + kindName(e.Kind))
		}
		for _, n := range []struct {
			what string
			seq  chat.Seq
		}{{" >", e.Target}, {" thread ", e.Root}} {
			if n.seq > 0 {
				b.WriteString(n.what + string(rune('0'+n.seq)))
			}
		}
		if e.Subject != 0 {
			subject, _ := s.User(t.Context(), e.Subject)
			b.WriteString(" " + subject.Name + " " + e.Role.String())
		}
		b.WriteString(": " + strings.ReplaceAll(e.Text, "\n", "⏎") + "\n")
	}
	return b.String()
}

func same(t *testing.T, got, want string) {
	t.Helper()
	if want = strings.TrimLeft(want, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestIrssi(t *testing.T) {
	s := storesim.NewDisk(nil).Open()
	file := filepath.Join("testdata", "irssi-tea.log")
	r := mustImport(t, s, Options{Into: "tea"}, file)
	same(t, logOf(t, s, "tea"), `
05 18:21:00.000 bob: is there any green tea left?
05 18:22:00.000 ann: [@bob](user:1): two boxes, see https://tea.example/stock
05 18:22:00.000 ann: * ann puts the kettle on
05 18:23:00.000 dave_: 2 < 3 and a <tag> stay as they are
05 18:23:00.000 bob topic: Green tea, and what goes with it
05 18:24:00.000 services: This is a notice
05 18:24:00.000 carol: notice to the channel
05 18:24:30.000 dave_: with seconds
05 18:24:30.000 bob: [@ann](user:2), thanks
05 18:24:30.000 x__y: a nick with signs
05 18:24:30.000 admin-irc: a reserved name
05 23:59:00.000 bob: 좋은 밤 되세요
06 00:01:00.000 dave_: [@ann] (user:1) by chance
06 00:02:00.000 dave: and this is my new name
`)
	if r.Format != "irssi" || r.LeftOut["lines about joins, leaves, modes and the like"] != 4 || r.Changed["times that went back"] != 3 ||
		r.Changed["names of users"] != 2 || len(r.Told) != 2 {
		t.Errorf("%+v", r)
	}
	if room, err := s.RoomByKey(t.Context(), "tea"); err != nil || room.Topic != "Green tea, and what goes with it" {
		t.Errorf("%+v, %v", room, err)
	}
	if r := mustImport(t, s, Options{Into: "tea"}, file); r.EventsThere != 14 || r.EventsWritten+r.UsersMade+r.RoomsMade != 0 {
		t.Errorf("a second time: %+v", r)
	}
}

func TestWeechat(t *testing.T) {
	s := storesim.NewDisk(nil).Open()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zones: ", err)
	}
	file := filepath.Join("testdata", "weechat-tea.weechatlog")
	r := mustImport(t, s, Options{Zone: berlin}, file)
	same(t, logOf(t, s, "weechat-tea"), `
05 17:21:05.000 bob: is there any green tea left?
05 17:21:40.000 ann: [@bob](user:1): two boxes
05 17:21:40.000 ann: [@bob](user:1): two boxes
05 17:22:00.000 ann: * ann puts the kettle on
05 17:22:10.000 bob topic: Green tea
05 17:22:11.000 services: hello
05 17:22:20.000 dave: green and bold
05 17:22:20.000 ann: the clock was set back
05 17:23:00.000 ann: café
`)
	if r.Format != "weechat" || r.LeftOut["lines about joins, leaves, modes and the like"] != 3 {
		t.Errorf("%+v", r)
	}
}

// A log that has grown, and one of the next day, go on where the first has ended; an older one, and
// one of somebody else, do not come in between.
func TestGrowingLog(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, lines ...string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	one, two, three := "2021-03-05 18:21:05\tann\tone", "2021-03-05 18:21:06\tann\ttwo", "2021-03-06 10:00:00\tbob\tthree"
	s := storesim.NewDisk(nil).Open()
	mustImport(t, s, Options{}, write("#tea.weechatlog", one))
	if r := mustImport(t, s, Options{}, write("#tea.weechatlog", one, two)); r.EventsThere != 1 || r.EventsWritten != 1 {
		t.Errorf("%+v", r)
	}
	next := write("#tea.weechatlog", three)
	if r, err := importInto(s, Options{}, next); !errors.Is(err, ErrNotWritten) || !strings.Contains(r.Told[0], "--append") {
		t.Errorf("%v\n%+v", err, r)
	}
	for i := range uint64(2) {
		if r := mustImport(t, s, Options{Append: true}, next); r.EventsWritten != 1-i || r.EventsThere != i {
			t.Errorf("%+v", r)
		}
	}
	if r, err := importInto(s, Options{Append: true}, write("#tea.weechatlog", "2020-01-01 00:00:00\tann\tbefore")); !errors.Is(err, ErrNotWritten) || r.EventsRefused != 1 {
		t.Errorf("%v\n%+v", err, r)
	}
	other := storesim.NewDisk(nil).Open()
	r := mustImport(t, other, Options{}, write("irc.libera.#tea.weechatlog", one, two), write("#tea.log", three))
	if r.RoomsMade != 1 || r.EventsWritten != 3 {
		t.Errorf("%+v", r)
	}
	same(t, logOf(t, s, "tea"), logOf(t, other, "tea"))
}

func TestBadLogs(t *testing.T) {
	for _, text := range []string{
		"18:21 <ann> no day yet\n",
		"--- Log opened Someday\n",
		"--- Log opened Fri Mar 05 18:21:00 2021\n25:00 <ann> no such hour\n",
		"--- Log opened Fri Mar 05 18:21:00 2021\nwithout a time\n",
		"2021-03-05 18:21:00\tann\n",
		"2021-13-05 18:21:00\tann\thello\n",
		"2021-03-05 18:21:00\t" + strings.Repeat("n", 300) + "\thello\n",
	} {
		format := "irssi"
		if strings.HasPrefix(text, "2021") {
			format = "weechat"
		}
		s := storesim.NewDisk(nil).Open()
		if r, err := importInto(s, Options{Format: format}, fileOf(t, "x.log", text)); !errors.Is(err, ErrNotWritten) || r.Faults != 1 || !strings.HasPrefix(r.Told[0], "line ") {
			t.Errorf("%q: %v\n%+v", text, err, r)
		}
	}
}

// A long message is split between words, and never in a mention.
func TestSplit(t *testing.T) {
	mention := chat.MentionText(12, "a long name")
	for _, text := range []string{
		strings.Repeat("word ", 100), strings.Repeat("사", 500), strings.Repeat("x", 1000), strings.Repeat(mention+" ", 20), strings.Repeat("line\n", 90),
		strings.Repeat("y", 190) + mention + "z",
	} {
		parts := split(text, 200)
		for _, p := range parts {
			if len(p) > 200 || chat.CheckText(p, 200) != nil {
				t.Errorf("a part of %.20q: %q", text, p)
			}
		}
		joined, bare := strings.Join(parts, ""), strings.NewReplacer(" ", "", "\n", "").Replace
		if len(parts) < 2 || bare(joined) != bare(text) {
			t.Errorf("%.20q became %q", text, parts)
		}
		want, got := 0, 0
		for range chat.Mentions(text) {
			want++
		}
		for _, p := range parts {
			for range chat.Mentions(p) {
				got++
			}
		}
		if want != got {
			t.Errorf("%.20q had %d mentions, and has %d", text, want, got)
		}
	}
}
