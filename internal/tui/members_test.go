package tui_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"sarang/chat"
	"sarang/client"
	"sarang/internal/tui"
)

// crowd is a room of so many, of which a server tells at most 100 in a page.
type crowd struct {
	*fake
	present, requests, items int
}

func (c *crowd) MemberPage(_ context.Context, room chat.RoomID, after chat.UserID, itemsMax int) (client.MemberPage, error) {
	c.requests++
	p := client.MemberPage{Room: room, Total: c.present}
	for u := int(after) + 1; u <= c.present && len(p.Members) < min(itemsMax, 100); u++ {
		p.Members = append(p.Members, client.Member{User: chat.UserID(u)})
	}
	c.items += len(p.Members)
	p.More = int(after)+len(p.Members) < c.present
	return p, nil
}

// What is asked for is bounded by what is wanted, and not by who is in the room.
func TestMembersAreAskedForInPages(t *testing.T) {
	for _, c := range []struct{ present, names, requests, items, want int }{
		{present: 100_000, names: 512, requests: 6, items: 512, want: 512},
		{present: 100_000, names: 0, requests: 1, items: 1, want: 0},
		{present: 150, names: 512, requests: 2, items: 150, want: 150},
		{present: 0, names: 512, requests: 1, items: 0, want: 0},
	} {
		conn := &crowd{fake: newFake(), present: c.present}
		got := tui.Perform(t.Context(), conn, tui.Members{Room: lobby, Names: c.names}).(tui.MembersLoaded)
		if got.Err != nil || got.Total != c.present || len(got.Members) != c.want || conn.requests != c.requests || conn.items != c.items {
			t.Errorf("%+v: %d names of %d in %d requests for %d, %v", c, len(got.Members), got.Total, conn.requests, conn.items, got.Err)
		}
	}
}

// A crowded room does not tell who comes and goes: the list is asked for again while it is
// looked at, and the number now and then.
func TestMembersOfACrowd(t *testing.T) {
	s := newStage(t, 60, 13, nil)
	s.join(lobby, "lobby", 0, 0)
	crowd := func(from, to, total int) {
		m := tui.MembersLoaded{Room: lobby, Total: total}
		for i := from; i < to; i++ {
			m.Members = append(m.Members, client.Member{User: chat.UserID(100 + i), Name: fmt.Sprintf("guest%03d", i)})
		}
		s.m.Update(m)
	}
	tick := func(d time.Duration) []tui.Effect {
		s.now = s.now.Add(d)
		return s.m.Update(tui.Tick{Now: s.now})
	}
	crowd(0, 512, 700)
	s.wants("700 members", 1)
	if effects := tick(time.Second); len(effects) != 0 {
		t.Errorf("after a second: %v", effects)
	}
	if effects := tick(time.Minute); len(effects) != 1 || effects[0] != (tui.Members{Room: lobby}) {
		t.Fatalf("after a minute: %v; want to ask for the number", effects)
	}
	if effects := tick(time.Minute); len(effects) != 0 {
		t.Errorf("asked again before there was an answer: %v", effects)
	}
	crowd(0, 0, 53) // all the others have left without a word
	s.wants("53 members", 1)
	if effects := s.key(tea.KeyPressMsg{Code: tea.KeyF2}); len(effects) != 1 || effects[0] != (tui.Members{Room: lobby, Names: 512}) {
		t.Fatalf("opening the list: %v", effects)
	}
	s.wants("guest", 0) // nobody knows yet who is left
	crowd(10, 63, 53)
	s.wants("53 members", 2)
	s.wants("│ guest010", 1)
	s.wants("│ and 45 more", 1)
	if effects := tick(10 * time.Second); len(effects) != 1 || effects[0] != (tui.Members{Room: lobby, Names: 512}) {
		t.Fatalf("looking at the list: %v", effects)
	}
	s.m.Update(tui.MembersLoaded{Room: lobby, Err: errors.New("too fast")})
	crowd(10, 12, 2)
	s.wants("2 members", 2)
	s.wants("│ guest", 2)
	// Leaves of people who were not listed do not count below what is listed.
	for range 5 {
		s.m.Update(s.event(lobby, chat.EventLeave, mall, "mallory", ""))
	}
	s.wants("2 members", 2)
}
