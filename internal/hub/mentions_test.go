package hub_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sarang/chat"
	"sarang/internal/hub"
	"sarang/internal/hub/hubtest"
)

// said is a page in short: numbers and texts.
func said(events []chat.Event) string {
	var s []string
	for _, e := range events {
		s = append(s, fmt.Sprint(e.Seq, " ", e.Text))
	}
	return strings.Join(s, ", ")
}

// Who is mentioned finds it, wherever it is said, as it is now, and only as long as he may read it.
func TestMentions(t *testing.T) {
	for workers := 1; workers <= 3; workers++ {
		r := newRig(t, hubtest.Config{Workers: workers, Hub: hub.Config{AnnounceMembersMax: -1}})
		ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
		lobby, tea := joined(t, r, ann, "lobby").ID, joined(t, r, ann, "tea").ID
		joined(t, r, bob, "lobby")
		joined(t, r, bob, "tea")
		at := chat.MentionText(bob.User.ID, "bob")
		first := saying(t, r, ann, lobby, 1, "hi "+at)
		r.Pass(time.Second)
		saying(t, r, ann, tea, 2, "tea, "+at+"?")
		r.Pass(time.Second)
		last := saying(t, r, ann, lobby, 3, "bye "+at)
		page := func(before chat.MentionPlace, items int, want string, more bool) hubtest.Record {
			t.Helper()
			bob.Mentions(before, items)
			r.Settle()
			got := bob.Last()
			var events []chat.Event
			for _, m := range got.Messages {
				events = append(events, m.Event)
			}
			if got.Kind != "Mentions" || said(events) != want || got.More != more {
				t.Fatalf("he is told %v %s, more %v (%v); want %s, more %v", got.Kind, said(events), got.More, got.Err, want, more)
			}
			return got
		}
		page(chat.MentionPlace{}, 10, "2 bye "+at+", 1 tea, "+at+"?, 1 hi "+at, false)
		got := page(chat.MentionPlace{}, 2, "2 bye "+at+", 1 tea, "+at+"?", true)
		page(got.Next, 2, "1 hi "+at, false)
		changing(t, r, ann, lobby, 4, edit(first, "hello "+at))
		changing(t, r, ann, lobby, 5, erase(last))
		got = page(chat.MentionPlace{}, 10, "1 tea, "+at+"?, 1 hello "+at, false)
		if got.Messages[1].State.Edited == 0 || got.Messages[0].State.Target != 0 {
			t.Errorf("states are %+v", got.Messages)
		}

		// What he may not read any more is not told.
		ann.GiveRole(lobby, 6, bob.User.ID, chat.RoleBanned)
		r.Settle()
		page(chat.MentionPlace{}, 10, "1 tea, "+at+"?", false)
	}
}

// Everybody is mentioned by moderators alone, in messages and in edits, and nobody mentions too many.
func TestWhoMayMention(t *testing.T) {
	r := newRig(t, hubtest.Config{Workers: 2, Hub: hub.Config{AnnounceMembersMax: -1}})
	ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
	room := joined(t, r, ann, "lobby").ID
	joined(t, r, bob, "lobby")
	all := chat.MentionText(0, "room")
	saying(t, r, ann, room, 1, all)
	bob.Publish(room, 1, "hm "+all)
	r.Settle()
	wantFailed(t, bob, chat.CodeForbidden)
	his := saying(t, r, bob, room, 2, "hm")
	bob.Change(room, 3, edit(his, all))
	r.Settle()
	wantFailed(t, bob, chat.CodeForbidden)
	var many strings.Builder
	for u := range chat.UserID(chat.MentionsPerMessageMax + 1) {
		many.WriteString(chat.MentionText(u+1, "x"))
	}
	bob.Publish(room, 4, many.String())
	r.Settle()
	wantFailed(t, bob, chat.CodeTooMany)
	ann.GiveRole(room, 2, bob.User.ID, chat.RoleModerator)
	r.Settle()
	changing(t, r, bob, room, 5, edit(his, all))
	saying(t, r, bob, room, 6, all)
}

func TestThreadsAndPins(t *testing.T) {
	for workers := 1; workers <= 3; workers++ {
		r := newRig(t, hubtest.Config{Workers: workers, Hub: hub.Config{AnnounceMembersMax: -1}})
		ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
		room := joined(t, r, ann, "lobby").ID
		joined(t, r, bob, "lobby")
		saying(t, r, ann, room, 1, "a")
		saying(t, r, ann, room, 2, "b")
		answer := func(n chat.Nonce, target, root chat.Seq, text string) {
			t.Helper()
			bob.PublishAs(room, n, hub.Message{Text: text, Target: target, Root: root})
			r.Settle()
			if bob.Acked(room, n) == 0 {
				t.Fatalf("%+v", bob.Last())
			}
		}
		answer(1, 1, 0, "re a")    // 3
		answer(2, 2, 0, "re b")    // 4
		answer(3, 3, 1, "re re a") // 5
		changing(t, r, ann, room, 3, edit(1, "A"))
		threads := func(before chat.Seq, items int, want string, more bool) {
			t.Helper()
			bob.Threads(room, before, items)
			r.Settle()
			got := bob.Last()
			for i := range got.Threads { // who follows is another test's
				got.Threads[i].Follow, got.Threads[i].Unread = chat.Follow{}, 0
			}
			if fmt.Sprint(got.Threads, said(got.Events), got.More) != want+fmt.Sprint(more) {
				t.Fatalf("threads: %v, %s, more %v (%v); want %s, more %v", got.Threads, said(got.Events), got.More, got.Err, want, more)
			}
		}
		threads(0, 10, "[{1 2 5 {0 false 0} 0} {2 1 4 {0 false 0} 0}]1 A, 2 b", false)
		threads(0, 1, "[{1 2 5 {0 false 0} 0}]1 A", true)
		threads(5, 1, "[{2 1 4 {0 false 0} 0}]2 b", false)
		page := func(what hub.RequestRef, want string, more bool) {
			t.Helper()
			r.Settle()
			if got := bob.Last(); got.Kind != "History" || got.Ref != what || said(got.Events) != want || got.More != more {
				t.Fatalf("he is told %s, more %v (%v); want %s, more %v", said(got.Events), got.More, got.Err, want, more)
			}
		}
		page(bob.Thread(room, 1, 0, 0, 10), "1 A, 3 re a, 5 re re a", false)
		page(bob.Thread(room, 1, 0, 0, 2), "1 A, 3 re a", true)
		page(bob.Thread(room, 1, 3, 0, 2), "5 re re a", false)
		page(bob.Thread(room, 1, 0, 9, 2), "3 re a, 5 re re a", true)
		page(bob.Thread(room, 1, 0, 3, 2), "1 A", false)
		page(bob.Thread(room, 7, 0, 0, 2), "", false)
		page(bob.Pins(room, 0, 10), "", false)
		pinned := changing(t, r, ann, room, 4, hub.Change{Kind: chat.EventPin, Target: 5})
		changing(t, r, ann, room, 5, hub.Change{Kind: chat.EventPin, Target: 1})
		changing(t, r, ann, room, 6, hub.Change{Kind: chat.EventPin, Target: 2})
		page(bob.Pins(room, 0, 10), "1 A, 2 b, 5 re re a", false)
		page(bob.Pins(room, 0, 2), "1 A, 2 b", true)
		page(bob.Pins(room, pinned+1, 2), "5 re re a", false)
		changing(t, r, ann, room, 7, erase(5))
		page(bob.Pins(room, 0, 10), "1 A, 2 b", false)
		page(bob.Thread(room, 1, 0, 0, 10), "1 A, 3 re a, 5 ", false)
		threads(0, 10, "[{1 1 5 {0 false 0} 0} {2 1 4 {0 false 0} 0}]1 A, 2 b", false)

		ann.GiveRole(room, 8, bob.User.ID, chat.RoleBanned)
		r.Settle()
		for _, ask := range []func(){
			func() { bob.Threads(room, 0, 1) }, func() { bob.Thread(room, 1, 0, 0, 1) }, func() { bob.Pins(room, 0, 1) },
		} {
			ask()
			r.Settle()
			wantFailed(t, bob, chat.CodeForbidden)
		}
	}
}

// The list of rooms shows what the newest message says now, and counts who is mentioned.
func TestMyRoomsShowsWhatIsSaid(t *testing.T) {
	r := newRig(t, hubtest.Config{Workers: 2, Hub: hub.Config{AnnounceMembersMax: -1}})
	ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
	room := joined(t, r, ann, "lobby").ID
	joined(t, r, bob, "lobby")
	r.Pass(time.Second)
	mine := func(text string, mentions int) {
		t.Helper()
		bob.MyRooms(0, 10)
		r.Settle()
		if got := bob.Last(); got.Kind != "MyRooms" || len(got.Mine) != 1 || got.Mine[0].Last.Text != text || got.Mine[0].Mentions != mentions {
			t.Fatalf("his rooms are %+v (%v); want %q, %d mentions", got.Mine, got.Err, text, mentions)
		}
	}
	at := chat.MentionText(bob.User.ID, "bob")
	seq := saying(t, r, ann, room, 1, at)
	mine(at, 1)
	changing(t, r, ann, room, 2, edit(seq, "hm"))
	mine("hm", 0)
	saying(t, r, ann, room, 3, chat.MentionText(0, "room"))
	mine(chat.MentionText(0, "room"), 1)
	changing(t, r, ann, room, 4, erase(4-1))
	mine("", 0)
}
