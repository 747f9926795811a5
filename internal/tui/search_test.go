package tui_test

import (
	"fmt"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"sarang/chat"
	"sarang/client"
	"sarang/internal/tui"
)

// Somebody looks for something, chooses one of the hits, and is shown where it was said: older pages are
// loaded until it is there.
func TestSearchAndJump(t *testing.T) {
	s := newStage(t, 80, 16, nil)
	s.join(lobby, "lobby", 100, 100)
	effects := s.enter("/search #lobby from:ann green tea has:link has:file")
	want := client.Search{Room: lobby, Text: "green tea", Name: "ann", Links: true, Files: true}
	find, is := effects[0].(tui.Find)
	if want.ItemsMax = find.Query.ItemsMax; !is || find.Query != want {
		t.Fatalf("the server is asked for %+v", effects)
	}
	s.wants("searching", 1)
	hit := func(seq chat.Seq, text string, where ...client.Range) client.Hit {
		return client.Hit{Event: chat.Event{Room: lobby, Seq: seq, Kind: chat.EventMessage, User: ann, Name: "ann", TimeMs: s.now.UnixMilli(), Text: text}, RoomName: "lobby", Where: where}
	}
	s.m.Update(tui.Searched{Query: find.Query, Next: "x", Hits: []client.Hit{hit(90, "green tea\x1b[2J"), hit(20, strings.Repeat("long ", 30)+"green tea", client.Range{From: 150, To: 159})}})
	s.fits()
	s.wants("2 messages, and more behind them", 1)
	s.wants("ann: green tea␛[2J", 1)
	s.wants("…", 1)
	// Behind the last one older ones are asked for, once.
	s.key(tea.KeyPressMsg{Code: tea.KeyDown})
	more := s.key(tea.KeyPressMsg{Code: tea.KeyDown})
	if again := s.key(tea.KeyPressMsg{Code: tea.KeyDown}); len(more) != 1 || more[0].(tui.Find).Query.From != "x" || len(again) != 0 {
		t.Fatalf("for older ones the server is asked %+v, %+v", more, again)
	}
	s.m.Update(tui.Searched{Query: more[0].(tui.Find).Query})
	s.wants("2 messages · ", 1)
	asked := s.key(tea.KeyPressMsg{Code: tea.KeyEnter})
	for _, first := range []chat.Seq{51, 1} {
		h, is := asked[0].(tui.History)
		if !is || h.Room != lobby {
			t.Fatalf("asked for %+v", asked)
		}
		page := client.HistoryPage{Room: lobby, Epoch: 5, More: first > 1}
		for seq := first; seq < h.Before; seq++ {
			page.Events = append(page.Events, chat.Event{Room: lobby, Seq: seq, Kind: chat.EventMessage, User: ann, Name: "ann", Text: fmt.Sprintf("message %d.", seq)})
		}
		asked = s.m.Update(tui.HistoryLoaded{Room: lobby, Page: page})
	}
	s.wants("message 20.", 1)
	s.wants("Esc goes back", 1)
	s.key(tea.KeyPressMsg{Code: tea.KeyEscape})
	s.wants("message 100.", 1)

	// A room that is not joined is joined first.
	find = s.enter("/search tea")[0].(tui.Find)
	elsewhere := hit(1, "tea")
	elsewhere.Room, elsewhere.RoomName = dev, "dev"
	s.m.Update(tui.Searched{Query: find.Query, Hits: []client.Hit{elsewhere}})
	if join, is := s.key(tea.KeyPressMsg{Code: tea.KeyEnter})[0].(tui.Join); !is || join.Name != "dev" {
		t.Errorf("for a hit in another room: %+v", join)
	}
	find = s.enter("/search nothing")[0].(tui.Find)
	s.m.Update(tui.Searched{Query: find.Query})
	s.wants("nothing was found", 1)
	for _, line := range []string{"/search", "/search #nowhere tea"} {
		if effects := s.enter(line); len(effects) > 0 {
			t.Errorf("%s: %+v", line, effects)
		}
		s.key(ctrl('u'))
	}
}
