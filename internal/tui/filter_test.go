package tui_test

import (
	"testing"

	"sarang/chat"
	"sarang/client"
	"sarang/internal/tui"
)

func TestFilterCommand(t *testing.T) {
	s := newStage(t, 100, 20, nil)
	if got := s.enter("/filter"); len(got) != 0 {
		t.Errorf("the filter of no room: %+v", got)
	}
	s.join(lobby, "lobby", 0, 0)
	for line, want := range map[string]tui.EditFilter{
		"/filter": {Room: lobby}, "/filter +buy now": {Room: lobby, Word: "buy now"}, "/filter -spam": {Room: lobby, Word: "spam", Out: true},
		"/filter links": {Room: lobby, Links: 1}, "/filter links off": {Room: lobby, Links: -1}, "/filter off": {Room: lobby, Off: true},
	} {
		if got := s.enter(line); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %+v, want %+v", line, got, want)
		}
	}
}

// Ann filters a room on a real server, and Bob is told so.
func TestFilteringOnAServer(t *testing.T) {
	h := newHouse(t)
	ann, bob := h.dial("ann", nil), h.dial("bob", nil)
	joined, err := ann.Join(t.Context(), client.Join{Name: "lobby", Create: true})
	if err != nil {
		t.Fatal(err)
	}
	room := joined.Room.ID
	if _, err := bob.Join(t.Context(), client.Join{Room: room}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		do   tui.EditFilter
		want string
	}{
		{tui.EditFilter{}, "this room takes everything; /filter +WORD changes that"},
		{tui.EditFilter{Word: "spam"}, "this room does not take “spam”"},
		{tui.EditFilter{Word: "buy now"}, "this room does not take “spam”, “buy now”"},
		{tui.EditFilter{Links: 1}, "this room does not take “spam”, “buy now”, and links"},
		{tui.EditFilter{Word: "SPAM", Out: true}, "this room does not take “buy now”, and links"},
		{tui.EditFilter{}, "this room does not take “buy now”, and links"},
	} {
		c.do.Room = room
		if got := tui.Perform(t.Context(), ann, c.do); got != (tui.Notice{Text: c.want}) {
			t.Errorf("%+v: %+v, want %q", c.do, got, c.want)
		}
	}
	if got, is := tui.Perform(t.Context(), ann, tui.EditFilter{Room: room, Word: "ham", Out: true}).(tui.Failed); !is {
		t.Errorf("a word that is not there: %+v", got)
	}
	if got, is := tui.Perform(t.Context(), bob, tui.EditFilter{Room: room}).(tui.Failed); !is {
		t.Errorf("a member asks: %+v", got)
	}
	told, is := tui.Perform(t.Context(), bob, tui.Publish{Room: room, Nonce: 5, Text: "Buy now!"}).(tui.Published)
	if !is || chat.CodeOf(told.Err) != chat.CodeFiltered || told.Err.Error() != "this room does not take a word that is in it" {
		t.Errorf("bob is told %+v", told)
	}
	if got := tui.Perform(t.Context(), ann, tui.EditFilter{Room: room, Off: true}); got != (tui.Notice{Text: "this room takes everything; /filter +WORD changes that"}) {
		t.Errorf("%+v", got)
	}
}
