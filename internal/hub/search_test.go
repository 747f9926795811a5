package hub_test

import (
	"slices"
	"testing"

	"sarang/chat"
	"sarang/internal/hub"
	"sarang/internal/hub/hubtest"
)

// hits are the texts that a search finds, all pages of it.
func hits(t *testing.T, r *hubtest.Rig, c *hubtest.Client, room chat.RoomID, q hub.SearchRequest) (found []string) {
	t.Helper()
	for {
		c.Search(room, q)
		r.Settle()
		x := c.Last()
		if x.Kind != "Found" || x.Ref.Room != room {
			t.Fatalf("%s looks for %+v and is told %+v (%v)", c.User.Name, q, x, x.Err)
		}
		for _, hit := range x.Found.Hits {
			found = append(found, hit.Text)
		}
		if q.From = x.Found.Next; q.From == "" {
			return found
		}
	}
}

func wantHits(t *testing.T, r *hubtest.Rig, c *hubtest.Client, room chat.RoomID, q hub.SearchRequest, want ...string) {
	t.Helper()
	if got := hits(t, r, c, room, q); !slices.Equal(got, want) {
		t.Errorf("%s looks for %+v in room %d and finds %q, want %q", c.User.Name, q, room, got, want)
	}
}

// Who belongs to rooms finds what is said there, and what is in no room of his he does not.
func TestSearch(t *testing.T) {
	for workers := 1; workers <= 3; workers++ {
		r := newRig(t, hubtest.Config{Workers: workers})
		ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
		lobby := joined(t, r, ann, "lobby").ID
		joined(t, r, bob, "lobby")
		ann.JoinAs(0, hub.JoinRequest{Name: "secret", Create: true, Private: true})
		r.Settle()
		secret := ann.Last().Info.ID
		saying(t, r, ann, lobby, 1, "tea in the lobby")
		saying(t, r, bob, lobby, 1, "Tea, with cake: https://cake.example")
		saying(t, r, ann, secret, 2, "secret tea")
		tea := hub.SearchRequest{Text: "tea"}
		wantHits(t, r, ann, 0, tea, "secret tea", "Tea, with cake: https://cake.example", "tea in the lobby")
		wantHits(t, r, bob, 0, tea, "Tea, with cake: https://cake.example", "tea in the lobby")
		wantHits(t, r, bob, lobby, hub.SearchRequest{Text: "tea", ItemsWant: 1}, "Tea, with cake: https://cake.example", "tea in the lobby")
		wantHits(t, r, ann, secret, tea, "secret tea")
		wantHits(t, r, ann, 0, hub.SearchRequest{Text: "tea", Whose: hub.Whom{Name: "BOB"}}, "Tea, with cake: https://cake.example")
		wantHits(t, r, ann, 0, hub.SearchRequest{Whose: hub.Whom{ID: ann.User.ID}}, "secret tea", "tea in the lobby")
		wantHits(t, r, ann, 0, hub.SearchRequest{Links: true}, "Tea, with cake: https://cake.example")
		ann.Search(0, tea)
		r.Settle()
		if hit := ann.Last().Found.Hits[0]; hit.RoomName != "secret" || len(hit.Where) != 1 || hit.Where[0].From != 7 || hit.Where[0].To != 10 || hit.Name != "ann" {
			t.Errorf("the hit is %+v", hit)
		}
		for _, c := range []struct {
			room chat.RoomID
			q    hub.SearchRequest
			code chat.Code
		}{
			{secret, tea, chat.CodeNoRoom},
			{9999, tea, chat.CodeNoRoom},
			{lobby, hub.SearchRequest{}, chat.CodeBadRequest},
			{lobby, hub.SearchRequest{Text: "!"}, chat.CodeBadRequest},
			{0, hub.SearchRequest{Text: "tea", From: "?"}, chat.CodeBadRequest},
			{0, hub.SearchRequest{Text: "tea", Whose: hub.Whom{Name: "nobody"}}, chat.CodeNoUser},
		} {
			bob.Search(c.room, c.q)
			r.Settle()
			wantFailed(t, bob, c.code)
		}
		stranger := r.Enter("dan", nil)
		wantHits(t, r, stranger, 0, tea)
		wantHits(t, r, stranger, lobby, tea, "Tea, with cake: https://cake.example", "tea in the lobby") // a room that all may read
	}
}

// Who is put out of a room finds nothing of it any more, whenever that is: before the search, while the
// store looks, and behind it.
func TestSearchAfterBan(t *testing.T) {
	for workers := 1; workers <= 3; workers++ {
		for when := range 3 {
			r := newRig(t, hubtest.Config{Workers: workers})
			ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
			lobby := joined(t, r, ann, "lobby").ID
			other := joined(t, r, bob, "other").ID
			joined(t, r, bob, "lobby")
			saying(t, r, ann, lobby, 1, "tea in the lobby")
			saying(t, r, bob, other, 1, "tea elsewhere")
			tea := hub.SearchRequest{Text: "tea"}
			switch when {
			case 0:
				ann.GiveRole(lobby, 2, bob.User.ID, chat.RoleBanned)
				r.Settle()
				bob.Search(0, tea)
			case 1:
				bob.Search(0, tea)
				ann.GiveRole(lobby, 2, bob.User.ID, chat.RoleBanned)
			case 2:
				bob.Search(0, tea)
				bob.Search(lobby, tea)
				ann.GiveRole(lobby, 2, bob.User.ID, chat.RoleBanned)
			}
			r.Settle()
			bob.Search(0, tea)
			r.Settle()
			if x := bob.Last(); x.Kind != "Found" || len(x.Found.Hits) != 1 || x.Found.Hits[0].Text != "tea elsewhere" {
				t.Errorf("behind the ban bob finds %+v", x)
			}
			// What he was told of the lobby he was told before he was told of the ban.
			out := false
			for _, x := range bob.Records {
				out = out || x.Kind == "Removed"
				if x.Kind == "Found" && out && slices.ContainsFunc(x.Found.Hits, func(h hub.Hit) bool { return h.Room == lobby }) {
					t.Errorf("case %d, %d workers: behind the ban he is told %+v", when, workers, x.Found)
				}
			}
		}
	}
}

// What was deleted is not found, also by a search that the store had answered before.
func TestSearchOfDeleted(t *testing.T) {
	for seed := range uint64(20) {
		r := newRig(t, hubtest.Config{Workers: 2, Seed: seed + 1})
		ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
		lobby := joined(t, r, ann, "lobby").ID
		joined(t, r, bob, "lobby")
		at := saying(t, r, ann, lobby, 1, "tea")
		bob.Search(0, hub.SearchRequest{Text: "tea"})
		ann.Change(lobby, 2, erase(at))
		bob.Search(lobby, hub.SearchRequest{Text: "tea"})
		r.Settle()
		wantHits(t, r, bob, 0, hub.SearchRequest{Text: "tea"})
		deleted := false
		for _, e := range bob.Events {
			deleted = deleted || e.Kind == chat.EventDelete
		}
		if !deleted {
			t.Errorf("seed %d: bob does not know of the delete", seed)
		}
	}
}
