package tui_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"sarang/chat"
	"sarang/client"
	"sarang/internal/tui"
)

func TestCommandsAboutReports(t *testing.T) {
	s := newStage(t, 90, 20, nil)
	if effects := s.enter("/report"); len(effects) != 0 {
		t.Errorf("reported in no room: %v", effects)
	}
	s.join(lobby, "lobby", 0, 0)
	s.says(lobby, mall, "mall", "buy this")
	s.says(lobby, me, "민지", "no")
	for line, want := range map[string]tui.Effect{
		"/report":                     tui.Report{Room: lobby, Seq: 1},
		"/report it is spam":          tui.Report{Room: lobby, Seq: 1, Reason: "it is spam"},
		"/report ^1 my own":           tui.Report{Room: lobby, Seq: 2, Reason: "my own"},
		"/report ^2":                  tui.Report{Room: lobby, Seq: 1},
		"/reports":                    tui.Reports{Room: lobby},
		"/reports all":                tui.Reports{Room: lobby, All: true},
		"/reports 7 acted":            tui.Resolve{Room: lobby, ID: 7, Outcome: chat.ReportActed},
		"/reports 7 Rejected so what": tui.Resolve{Room: lobby, ID: 7, Outcome: chat.ReportRejected, Note: "so what"},
		"/purge @mall 24":             tui.Purge{Room: lobby, Name: "mall", Last: 24 * time.Hour},
		"/purge mall 720h":            tui.Purge{Room: lobby, Name: "mall", Last: 720 * time.Hour},
	} {
		if got := s.enter(line); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %+v, want %+v", line, got, want)
		}
	}
	for _, line := range []string{
		"/report ^3", "/report ^0", "/report " + strings.Repeat("x", chat.ReasonBytesMax+1), "/reports 7", "/reports 7 open", "/reports x acted", "/reports 0 acted",
		"/purge mall", "/purge mall 0", "/purge mall 721", "/purge mall -1", "/purge ! 1", "/purge mall 1 2",
	} {
		if got := s.enter(line); len(got) != 0 {
			t.Errorf("%s: %+v", line, got)
		}
		s.key(tea.KeyPressMsg{Code: 'u', Mod: tea.ModCtrl})
	}
	s.typed("/reports 7 r")
	s.key(tea.KeyPressMsg{Code: tea.KeyTab})
	s.wants("> /reports 7 rejected", 1)
	report := chat.Report{ID: 7, Room: lobby, Seq: 1, TimeMs: s.now.UnixMilli(), Reason: "spam\x1b[2J"}
	gone := chat.Report{ID: 9, Room: lobby, Seq: 99, TimeMs: s.now.UnixMilli(), Outcome: chat.ReportActed, Note: "he is out"}
	s.m.Update(tui.ReportsLoaded{Page: client.ReportPage{Room: lobby, More: true, Reports: []client.Report{
		{Report: report, AuthorName: "mall", ReporterName: "ann"}, {Report: gone, AuthorName: "mall", ReporterName: "bob"},
	}}})
	s.wants("report 7: mall: buy this — by ann, 2026-11-23 09:30: spam␛[2J", 1)
	s.wants("report 9: mall, message 99 — by bob, 2026-11-23 09:30 — acted: he is out", 1)
	s.wants("… and more", 1)
	s.m.Update(tui.ReportsLoaded{})
	s.wants("nothing is reported here", 1)
	s.fits()
}

// A message is reported to a real server, its moderator sees that, deletes what was said, and
// notes so.
func TestReportingOnAServer(t *testing.T) {
	h := newHouse(t)
	ann, mall, bob := h.dial("ann", nil), h.dial("mall", nil), h.dial("bob", nil)
	room := chat.RoomID(0)
	for _, c := range []*client.Client{ann, mall, bob} {
		joined, err := c.Join(t.Context(), client.Join{Name: "lobby", Create: true})
		if err != nil {
			t.Fatal(err)
		}
		room = joined.Room.ID
	}
	seq, err := mall.Publish(t.Context(), room, "buy this")
	if err != nil {
		t.Fatal(err)
	}
	notice := func(c *client.Client, e tui.Effect, want string) {
		t.Helper()
		if got, ok := tui.Perform(t.Context(), c, e).(tui.Notice); !ok || got.Text != want {
			t.Errorf("%+v: %+v, want %q", e, got, want)
		}
	}
	refused := func(c *client.Client, e tui.Effect) {
		t.Helper()
		if got := tui.Perform(t.Context(), c, e); got == nil || got.(tui.Failed).Err == nil {
			t.Errorf("%+v: %+v", e, got)
		}
	}
	notice(bob, tui.Report{Room: room, Seq: seq, Reason: "spam"}, "the moderators are told (report 1)")
	refused(bob, tui.Report{Room: room, Seq: seq + 1})
	refused(bob, tui.Reports{Room: room})
	refused(bob, tui.Purge{Room: room, Name: "mall", Last: time.Hour})
	loaded, _ := tui.Perform(t.Context(), ann, tui.Reports{Room: room}).(tui.ReportsLoaded)
	if all := loaded.Page.Reports; len(all) != 1 || all[0].Reason != "spam" || all[0].AuthorName != "mall" || all[0].ReporterName != "bob" {
		t.Fatalf("reported: %+v", loaded)
	}
	notice(ann, tui.Purge{Room: room, Name: "Mall", Last: time.Hour}, "what mall has said in the last 1 hours is deleted")
	refused(ann, tui.Purge{Room: room, Name: "nobody", Last: time.Hour})
	page, err := bob.History(t.Context(), client.History{Room: room, ItemsMax: 10})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range page.Events {
		if e.Text != "" {
			t.Errorf("there is still %+v", e)
		}
	}
	notice(ann, tui.Resolve{Room: room, ID: 1, Outcome: chat.ReportActed, Note: "deleted"}, "report 1 is resolved: acted")
	refused(ann, tui.Resolve{Room: room, ID: 1, Outcome: chat.ReportRejected})
}

// moderated is a connection of which is noted what is asked for.
type moderated struct {
	*listener
	asked []string
}

func (m *moderated) Self() client.LoggedIn { return client.LoggedIn{User: me, Name: "민지"} }

func (m *moderated) note(format string, args ...any) {
	m.asked = append(m.asked, fmt.Sprintf(format, args...))
}

func (m *moderated) Report(_ context.Context, _ chat.RoomID, seq chat.Seq, reason string) (client.Report, error) {
	m.note("report %d %s", seq, reason)
	return client.Report{Report: chat.Report{ID: 3}}, nil
}

func (m *moderated) Reports(_ context.Context, _ chat.RoomID, _ uint64, all bool) (client.ReportPage, error) {
	m.note("reports %t", all)
	r := chat.Report{ID: 3, Seq: 2, Author: ann, Reporter: me, TimeMs: 1000, Reason: "why"}
	return client.ReportPage{Reports: []client.Report{{Report: r, AuthorName: "ann", ReporterName: "민지"}}}, nil
}

func (m *moderated) Block(_ context.Context, name string) (chat.UserID, error) {
	m.note("block %s", name)
	return ann, nil
}

func saidEvent(seq chat.Seq, u chat.UserID, name, text string) client.Event {
	return client.RoomEvent{Event: chat.Event{Room: lobby, Seq: seq, Kind: chat.EventMessage, User: u, Name: name, Text: text}}
}

// Of whom somebody blocks a plain program shows nothing that he says, from the first line on, and
// takes a few commands if it is told to. The rest is said.
func TestPlainHidesAndTakesCommands(t *testing.T) {
	edit := client.RoomEvent{Event: chat.Event{Room: lobby, Seq: 4, Kind: chat.EventEdit, Target: 1, User: mall, Name: "mall", Text: "secret"}}
	for _, machine := range []bool{false, true} {
		events := []client.Event{saidEvent(1, mall, "mall", "secret"), saidEvent(2, ann, "ann", "hello"), saidEvent(3, me, "민지", "mine"), edit}
		conn := &moderated{listener: &listener{fake: newFake(events...)}}
		in, lines := io.Pipe()
		var out, log bytes.Buffer
		done := make(chan error, 1)
		go func() {
			done <- tui.Plain(t.Context(), tui.PlainConfig{
				Conn: conn, Room: "lobby", In: in, Out: &out, Log: &log, Location: time.UTC, JSON: machine, Commands: true,
			})
		}()
		for len(conn.events) > 0 {
			time.Sleep(time.Millisecond) // sleep: what has happened is printed by a goroutine that tells nobody
		}
		for _, l := range []string{"hi", "//path", "/report spam", "/report ^1", "/reports", "/report ^9", "/join #x", "/nonsense", "/block ann", "/help"} {
			_, _ = io.WriteString(lines, l+"\n")
		}
		_ = lines.Close()
		if err := <-done; err == nil || err.Error() != "3 messages not accepted; see above" {
			t.Errorf("ended with %v\n%s", err, &log)
		}
		if got := strings.Join(conn.said, ";"); got != "hi;/path" {
			t.Errorf("said %s", got)
		}
		if got := strings.Join(conn.asked, ";"); got != "report 2 spam;report 3 ;reports false;block ann" {
			t.Errorf("asked %s", got)
		}
		if text := out.String() + log.String(); strings.Contains(text, "secret") || !strings.Contains(text, "hello") || !strings.Contains(text, "/purge NAME HOURS") {
			t.Errorf("printed\n%s", text)
		}
		want := []string{"#lobby mall: (you block him)\n", "the moderators are told (report 3)", "report 3: ann: hello — by 민지"}
		if machine {
			want = []string{
				`{"event":"message","room":"lobby","seq":1,"time":"1970-01-01T00:00:00.000Z","user":9,"name":"mall","blocked":true}`,
				`{"event":"report","room":"lobby","seq":2,"time":"1970-01-01T00:00:01.000Z","user":8,"name":"ann","text":"why","subject":7,"report":3,"outcome":"open"}`,
			}
		}
		for _, w := range want {
			if !strings.Contains(out.String()+log.String(), w) {
				t.Errorf("there is no %s in\n%s%s", w, &out, &log)
			}
		}
	}
}
