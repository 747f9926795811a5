package tui_test

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"sarang/client"
	"sarang/internal/tui"
)

// A message of many lines is folded, and shown whole when asked for.
func TestLongMessageIsFolded(t *testing.T) {
	s := newStage(t, 60, 24, nil)
	s.join(lobby, "lobby", 0, 0)
	s.says(lobby, ann, "ann", "before it")
	s.says(lobby, ann, "ann", "top"+strings.Repeat("\n", 15999)+"bottom")
	s.says(lobby, ann, "ann", "after it")
	s.wants("after it", 1)
	s.wants("… 15960 more lines", 1)
	pages := 0
	for ; !strings.Contains(s.screen(), "before it"); pages++ {
		if pages > 3 {
			t.Fatalf("%d pages up there is still\n%s", pages, s.screen())
		}
		s.key(tea.KeyPressMsg{Code: tea.KeyPgUp})
	}
	s.key(tea.KeyPressMsg{Code: tea.KeyEscape})
	s.key(ctrl('o'))
	s.wants("more lines", 0)
	s.wants("after it", 0) // what was at the top stays there
	s.key(tea.KeyPressMsg{Code: tea.KeyEscape})
	s.wants("bottom", 1)
	s.key(ctrl('o'))
	s.wants("… 15960 more lines", 1)
	s.wants("after it", 1)
	s.key(ctrl('u'))
	s.m.Update(tui.RoomsListed{Rooms: make([]client.RoomInfo, 1000)})
	s.wants("… 961 more lines", 1)
}
