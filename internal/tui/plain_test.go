package tui_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"sarang/client"
	"sarang/internal/tui"
)

func plain(conn tui.Conn, in string, out, log io.Writer) tui.PlainConfig {
	return tui.PlainConfig{
		Conn: conn, Room: "사랑방", Location: time.UTC,
		In: strings.NewReader(in), Out: out, Log: log,
	}
}

func TestPlainSaysLinesAndEnds(t *testing.T) {
	h := newHouse(t)
	var out, log bytes.Buffer
	c := plain(h.dial("bot", nil), "hello\n\n  \n둘째 줄\r\nno line break at the end", &out, &log)
	if err := tui.Plain(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`^\d\d:\d\d:\d\d #사랑방 \* bot joined
\d\d:\d\d:\d\d #사랑방 bot: hello
\d\d:\d\d:\d\d #사랑방 bot: 둘째 줄
\d\d:\d\d:\d\d #사랑방 bot: no line break at the end
$`)
	if !want.MatchString(out.String()) {
		t.Errorf("printed\n%s", out.String())
	}
	if log.Len() > 0 {
		t.Errorf("logged %s", log.String())
	}
}

func TestPlainNeutralises(t *testing.T) {
	h := newHouse(t)
	var out bytes.Buffer
	c := plain(h.dial("bot", nil), "", &out, io.Discard)
	c.In = strings.NewReader("\x1b]0;owned\x07\u202e\u009b2J\n")
	if err := tui.Plain(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "bot: ␛]0;owned␇��2J\n") {
		t.Errorf("printed %q", out.String())
	}
	out.Reset()
	c = plain(h.dial("bot2", nil), "", &out, io.Discard)
	c.JSON, c.History = true, 10
	if err := tui.Plain(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(out.String(), "\x1b\u202e\u009b") {
		t.Errorf("printed %q", out.String())
	}
}

func TestPlainJSON(t *testing.T) {
	h := newHouse(t)
	var out bytes.Buffer
	c := plain(h.dial("봇", nil), "<hello> & 안녕\n", &out, io.Discard)
	c.JSON = true
	if err := tui.Plain(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	var got []map[string]any
	for d := json.NewDecoder(&out); ; {
		var e map[string]any
		err := d.Decode(&e)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e)
	}
	if len(got) != 2 || got[0]["event"] != "join" || got[1]["event"] != "message" ||
		got[1]["text"] != "<hello> & 안녕" || got[1]["name"] != "봇" || got[1]["room"] != "사랑방" || got[1]["seq"] != 2.0 {
		t.Errorf("printed %v", got)
	}
	if _, err := time.Parse(time.RFC3339Nano, got[1]["time"].(string)); err != nil {
		t.Error(err)
	}
}

func TestPlainTellsOfRefusals(t *testing.T) {
	h := newHouse(t)
	var out, log bytes.Buffer
	in := strings.Repeat("x", 2000) + "\nthis one is fine\n" + strings.Repeat("y", 100_000) + "\nthis one, too\n"
	err := tui.Plain(t.Context(), plain(h.dial("bot", nil), in, &out, &log))
	var refused *tui.RefusedError
	if !errors.As(err, &refused) || refused.Lines != 2 {
		t.Errorf("error %v", err)
	}
	if !strings.Contains(out.String(), "this one is fine") || !strings.Contains(out.String(), "this one, too") {
		t.Errorf("printed %s", out.String())
	}
	if n := strings.Count(log.String(), "not sent: "); n != 2 {
		t.Errorf("%d complaints in %s", n, log.String())
	}
	err = tui.Plain(t.Context(), tui.PlainConfig{Conn: h.dial("bot2", nil), Room: "not a name", In: strings.NewReader("")})
	if err == nil || !strings.Contains(err.Error(), "room #not a name") {
		t.Errorf("a room that can not be: %v", err)
	}
}

// A program that prints what came since the last time misses nothing.
func TestPlainResumes(t *testing.T) {
	h := newHouse(t)
	var out bytes.Buffer
	var at client.Cursor
	c := plain(h.dial("log", nil), "first\n", &out, io.Discard)
	c.Stand = func(_ string, stand client.Cursor) error { at = stand; return nil }
	if err := tui.Plain(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if at.Seq != 2 || at.Epoch == 0 {
		t.Fatalf("stood at %+v", at)
	}
	if err := tui.Plain(t.Context(), plain(h.dial("other", nil), "while away\n", io.Discard, io.Discard)); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	c = plain(h.dial("later", nil), "back\n", &out, io.Discard)
	c.Cursor = &at
	if err := tui.Plain(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if s := out.String(); strings.Contains(s, "first") || strings.Count(s, "while away") != 1 || strings.Count(s, "back") != 1 {
		t.Errorf("printed %s", s)
	}
}

// The server goes away and comes back between two lines: both arrive, once.
func TestPlainOutlastsTheServer(t *testing.T) {
	h := newHouse(t)
	in, type_ := io.Pipe()
	printed, out := io.Pipe()
	c := plain(h.dial("bot", nil), "", out, io.Discard)
	c.In = in
	done := make(chan error, 1)
	go func() {
		done <- tui.Plain(t.Context(), c)
		_ = out.Close()
	}()
	lines := bufio.NewScanner(printed)
	seen := map[string]int{}
	until := func(text string) {
		t.Helper()
		for lines.Scan() {
			_, said, _ := strings.Cut(lines.Text(), "bot: ")
			if seen[said]++; said == text {
				return
			}
		}
		t.Fatalf("the output ended before %q", text)
	}
	write := func(text string) {
		if _, err := io.WriteString(type_, text); err != nil {
			t.Error(err)
		}
	}
	write("before\n")
	until("before")
	h.close()
	write("meanwhile\n")
	h.open()
	until("meanwhile")
	write("after\n")
	until("after")
	_ = type_.Close()
	for lines.Scan() {
		_, said, _ := strings.Cut(lines.Text(), "bot: ")
		seen[said]++
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	for _, text := range []string{"before", "meanwhile", "after"} {
		if seen[text] != 1 {
			t.Errorf("%q was printed %d times", text, seen[text])
		}
	}
}

func TestPlainEndsWithItsContext(t *testing.T) {
	h := newHouse(t)
	ctx, cancel := context.WithCancel(t.Context())
	in, type_ := io.Pipe()
	defer type_.Close()
	printed, out := io.Pipe()
	go func() {
		_, _ = bufio.NewReader(printed).ReadString('\n') // it stands
		cancel()
		_, _ = io.Copy(io.Discard, printed)
	}()
	c := plain(h.dial("bot", nil), "", out, io.Discard)
	c.In = in
	if err := tui.Plain(ctx, c); err != nil {
		t.Error(err)
	}
	_ = out.Close()
}

// A place that could not be stored is stored a while later, though nothing else happens.
func TestPlainRemembersAfterAFailure(t *testing.T) {
	h := newHouse(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var log bytes.Buffer
	c := plain(h.dial("bot", nil), "", io.Discard, &log)
	c.Follow, c.StandInterval = true, time.Millisecond
	tries, stored := 0, make(chan client.Cursor)
	c.Stand = func(_ string, at client.Cursor) error {
		if tries++; tries < 3 {
			return errors.New("somebody reads the file")
		}
		select {
		case stored <- at:
		case <-ctx.Done():
		}
		return nil
	}
	ended := make(chan error)
	go func() { ended <- tui.Plain(ctx, c) }()
	select {
	case at := <-stored:
		if at.Seq != 1 {
			t.Errorf("stored is %+v", at)
		}
	case <-time.After(20 * time.Second):
		t.Error("it is not tried again")
	}
	cancel()
	<-ended
	if strings.Count(log.String(), "can not remember") != 1 {
		t.Errorf("logged %s", log.String())
	}
}
