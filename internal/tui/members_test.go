package tui_test

import (
	"context"
	"testing"

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
