package hub_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sarang/chat"
	"sarang/engine"
	"sarang/internal/hub"
	"sarang/internal/hub/hubtest"
)

func edit(target chat.Seq, text string) hub.Change {
	return hub.Change{Kind: chat.EventEdit, Target: target, Text: text}
}

func erase(target chat.Seq) hub.Change { return hub.Change{Kind: chat.EventDelete, Target: target} }

func react(target chat.Seq, emoji string) hub.Change {
	return hub.Change{Kind: chat.EventReact, Target: target, Text: emoji}
}

// saying has a client say something, and returns where that stands.
func saying(t *testing.T, r *hubtest.Rig, c *hubtest.Client, room chat.RoomID, n chat.Nonce, text string) chat.Seq {
	t.Helper()
	c.Publish(room, n, text)
	r.Settle()
	if c.Acked(room, n) == 0 {
		t.Fatalf("%q was answered with %+v", text, c.Last())
	}
	return c.Acked(room, n)
}

// changing has a client change a message, and returns where the change stands.
func changing(t *testing.T, r *hubtest.Rig, c *hubtest.Client, room chat.RoomID, n chat.Nonce, ch hub.Change) chat.Seq {
	t.Helper()
	c.Change(room, n, ch)
	r.Settle()
	if c.Acked(room, n) == 0 {
		t.Fatalf("%+v was answered with %+v (%v)", ch, c.Last(), c.Last().Err)
	}
	return c.Acked(room, n)
}

func TestWhoMayChangeWhat(t *testing.T) {
	for workers := 1; workers <= 3; workers++ {
		r := newRig(t, hubtest.Config{Workers: workers})
		ann, bob, cid := r.Enter("ann", nil), r.Enter("bob", nil), r.Enter("cid", nil)
		room := joined(t, r, ann, "lobby").ID
		joined(t, r, bob, "lobby")
		joined(t, r, cid, "lobby")
		his := saying(t, r, bob, room, 1, "helo")
		refused := func(c *hubtest.Client, n chat.Nonce, code chat.Code, ch hub.Change) {
			t.Helper()
			c.Change(room, n, ch)
			r.Settle()
			wantFailed(t, c, code)
			if x := c.Last(); x.Ref.Nonce != n || x.Ref.Event != ch.Kind {
				t.Errorf("the refusal is of %+v", x.Ref)
			}
		}
		at := changing(t, r, bob, room, 2, edit(his, "hello"))
		if e := ann.Events[len(ann.Events)-1]; e.Seq != at || e.Kind != chat.EventEdit || e.Target != his || e.Text != "hello" || e.Nonce != 2 {
			t.Errorf("the edit arrived as %+v", e)
		}
		if again := changing(t, r, bob, room, 2, edit(his, "hello")); again != at {
			t.Errorf("a retry stands at %d, the edit at %d", again, at)
		}
		refused(bob, 2, chat.CodeNonceUsed, edit(his, "hello?"))
		refused(ann, 3, chat.CodeForbidden, edit(his, "I am a fool")) // not even who owns the room
		refused(cid, 4, chat.CodeForbidden, erase(his))
		refused(bob, 5, chat.CodeNoMessage, edit(1, "x")) // a join
		refused(bob, 6, chat.CodeNoMessage, edit(at, "x"))
		refused(bob, 7, chat.CodeNoMessage, edit(0, "x"))
		refused(bob, 8, chat.CodeBadRequest, edit(999, "x"))
		refused(bob, 9, chat.CodeBadText, edit(his, ""))
		refused(bob, 10, chat.CodeBadText, react(his, "ok"))
		refused(cid, 11, chat.CodeForbidden, hub.Change{Kind: chat.EventPin, Target: his})
		ann.GiveRole(room, 12, bob.User.ID, chat.RoleReader)
		r.Settle()
		refused(bob, 13, chat.CodeForbidden, edit(his, "x"))
		refused(bob, 14, chat.CodeForbidden, react(his, "👍"))
		changing(t, r, ann, room, 15, hub.Change{Kind: chat.EventPin, Target: his})
		changing(t, r, cid, room, 16, react(his, "👍"))
		gone := changing(t, r, ann, room, 17, erase(his)) // who owns the room may
		refused(ann, 18, chat.CodeErased, erase(his))
		refused(cid, 19, chat.CodeErased, react(his, "👍"))
		ann.GiveRole(room, 20, bob.User.ID, chat.RoleMember)
		r.Settle()
		refused(bob, 21, chat.CodeErased, edit(his, "and yet"))
		if x := ann.Acked(room, 17); x != gone {
			t.Errorf("the delete was acknowledged at %d, then at %d", gone, x)
		}
		ann.JoinAs(0, hub.JoinRequest{Name: "game", Create: true, Ephemeral: true})
		r.Settle()
		game := ann.Last().Info.ID
		saying(t, r, ann, game, 1, "x")
		ann.Change(game, 2, erase(1))
		r.Settle()
		wantFailed(t, ann, chat.CodeBadRequest)
	}
}

// A change that comes behind another one in the same tick is decided when that one stands.
func TestChangesInOneTick(t *testing.T) {
	r := newRig(t, hubtest.Config{Workers: 2})
	ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
	room := joined(t, r, ann, "lobby").ID
	joined(t, r, bob, "lobby")
	said := saying(t, r, bob, room, 1, "secret")
	ann.Change(room, 1, erase(said))
	bob.Change(room, 2, edit(said, "secret, too"))
	bob.Change(room, 3, react(said, "👍"))
	r.Settle()
	if ann.Acked(room, 1) != 0 { // the order of two workers is not ours
		if bob.Acked(room, 3) > ann.Acked(room, 1) {
			t.Errorf("a reaction stands behind the delete")
		}
	}
	bob.History(room, 0, 0, 100)
	r.Settle()
	for _, e := range bob.Last().Events {
		if strings.Contains(e.Text, "secret") {
			t.Errorf("a page has %+v", e)
		}
	}
	other := saying(t, r, bob, room, 4, "plain")
	bob.Change(room, 5, react(other, "👍"))
	bob.Change(room, 6, hub.Change{Kind: chat.EventUnreact, Target: other, Text: "👍"})
	bob.Change(room, 7, react(other, "👍"))
	r.Settle()
	if a, b, c := bob.Acked(room, 5), bob.Acked(room, 6), bob.Acked(room, 7); a == 0 || b <= a || c <= b {
		t.Errorf("three reactions stand at %d, %d and %d", a, b, c)
	}
	// What is so already makes no event.
	if at := changing(t, r, bob, room, 8, react(other, "👍")); at != bob.Acked(room, 7) {
		t.Errorf("the same reaction again stands at %d", at)
	}
	bob.History(room, 0, 0, 100)
	r.Settle()
	st := bob.Last().States[len(bob.Last().States)-1]
	if st.Target != other || len(st.Reactions) != 1 || st.Reactions[0].Count != 1 || st.Reactions[0].Mine != bob.Acked(room, 7) {
		t.Errorf("the page says %+v", st)
	}
}

func TestReactionsAreBounded(t *testing.T) {
	r := newRig(t, hubtest.Config{})
	ann := r.Enter("ann", nil)
	room := joined(t, r, ann, "lobby").ID
	said := saying(t, r, ann, room, 1, "hi")
	for i := range chat.EmojisPerMessageMax {
		changing(t, r, ann, room, chat.Nonce(10+i), react(said, string(rune(0x1f600+i))))
	}
	changing(t, r, ann, room, 50, hub.Change{Kind: chat.EventUnreact, Target: said, Text: "\U0001f600"})
	ann.Change(room, 51, react(said, "👍"))
	r.Settle()
	wantFailed(t, ann, chat.CodeTooMany)
	changing(t, r, ann, room, 52, react(said, "\U0001f600"))
	for i := range chat.EditsPerMessageMax {
		changing(t, r, ann, room, chat.Nonce(100+i), edit(said, fmt.Sprint("hi ", i)))
	}
	ann.Change(room, 300, edit(said, "once more"))
	r.Settle()
	wantFailed(t, ann, chat.CodeTooMany)
}

// What was deleted reaches nobody any more: not those who are behind in the window, not those
// who are behind it, not by a page of history, in no format.
func TestDeletedIsSentNoMore(t *testing.T) {
	const filler = 200
	for workers := 1; workers <= 3; workers++ {
		for _, before := range []int{1, filler} { // in the window, and behind it
			t.Run(fmt.Sprintf("%d workers, %d before", workers, before), func(t *testing.T) {
				formats := []*hub.Format{hubtest.NewFormat("line", hub.MarkNone), hubtest.NewFormat("other", hub.MarkSession)}
				r := newRig(t, hubtest.Config{
					Workers: workers, Formats: formats, Engine: engine.Config{FeedWindowBytesMax: 64 << 10, FeedBurstBytesMax: 64 << 10},
					Hub: hub.Config{AnnounceMembersMax: -1},
				})
				ann := r.Enter("ann", nil)
				room := joined(t, r, ann, "lobby").ID
				var readers []*hubtest.Client
				for i := range 6 {
					c := r.Enter(fmt.Sprint("reader", i), formats[i%2])
					joined(t, r, c, "lobby")
					readers = append(readers, c)
				}
				n := chat.Nonce(0)
				fill := func(count int) {
					for range count {
						n++
						saying(t, r, ann, room, n, strings.Repeat("x", 1000))
					}
				}
				for _, c := range readers[2:] {
					c.Pause()
				}
				fill(300) // their sockets are full
				n++
				said := saying(t, r, ann, room, n, "secret")
				n++
				changing(t, r, ann, room, n, edit(said, "secret, too"))
				fill(before)
				n++
				changing(t, r, ann, room, n, erase(said))
				for _, c := range readers[2:] {
					c.Resume()
				}
				fill(2)
				r.Settle()
				last := ann.Acked(room, n)
				for i, c := range readers {
					if len(c.Events) == 0 || c.Events[len(c.Events)-1].Seq != last {
						t.Fatalf("reader %d has %d events", i, len(c.Events))
					}
					for k, e := range c.Events {
						if k > 0 && e.Seq != c.Events[k-1].Seq+1 {
							t.Fatalf("reader %d has %d behind %d", i, e.Seq, c.Events[k-1].Seq)
						}
						if i >= 2 && strings.Contains(e.Text, "secret") {
							t.Errorf("reader %d was sent %+v", i, e)
						}
					}
				}
				// Who comes later gets the numbers without the texts.
				late := r.Enter("late", nil)
				late.JoinAs(0, hub.JoinRequest{Name: "lobby", HistoryItemsWant: before + 10})
				late.History(room, said-2, 0, 10)
				r.Settle()
				for _, e := range slices.Concat(late.Events, late.Last().Events) {
					if strings.Contains(e.Text, "secret") {
						t.Errorf("who came later was told %+v", e)
					}
					if e.Seq == said && !e.Erased() {
						t.Errorf("%+v is not erased", e)
					}
				}
			})
		}
	}
}
