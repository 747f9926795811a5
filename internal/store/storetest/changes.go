package storetest

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sarang/chat"
)

// change is what u does to event target of r, as event seq.
func change(r chat.Room, seq chat.Seq, u chat.User, kind chat.EventKind, target chat.Seq, text string) chat.Event {
	e := message(r, seq, u, text)
	e.Kind, e.Target = kind, target
	return e
}

// without is e as it is told when its text was erased.
func without(e chat.Event) chat.Event {
	e.EraseBody()
	return e
}

func (f *fixture) wantTarget(t *testing.T, r chat.Room, seq chat.Seq, u chat.User, want chat.Target) {
	t.Helper()
	got, err := f.store.Target(f.ctx, r.ID, seq, u.ID)
	if err != nil {
		t.Fatalf("Target %d: %v", seq, err)
	}
	slices.Sort(got.Emojis)
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("Target %d, want -, got +:\n%s", seq, diff)
	}
}

func (f *fixture) wantStates(t *testing.T, r chat.Room, first, last chat.Seq, u chat.User, want ...chat.State) {
	t.Helper()
	got, err := f.store.States(f.ctx, r.ID, first, last, u.ID)
	if err != nil {
		t.Fatalf("States %d to %d: %v", first, last, err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("States %d to %d, want -, got +:\n%s", first, last, diff)
	}
}

func (f *fixture) wantDigests(t *testing.T, r chat.Room, u chat.User, want ...uint64) {
	t.Helper()
	a, err := f.store.Author(f.ctx, r.ID, u.ID, 20)
	if err != nil || len(a.Nonces) != len(want) {
		t.Fatalf("Author of %q: %+v, %v; want %d nonces", u.Name, a, err, len(want))
	}
	for i, n := range a.Nonces {
		if n.Digest != want[i] {
			t.Fatalf("the digest of event %d is %x, want %x", n.Seq, n.Digest, want[i])
		}
	}
}

func testEdits(t *testing.T, f *fixture) {
	r, mina, jun := f.room(t, "r"), f.user(t, "mina"), f.user(t, "jun")
	said, other := message(r, 1, mina, "helo"), message(r, 2, jun, "hi")
	f.commit(t, these(r, 1, said, other))
	f.wantTarget(t, r, 1, mina, chat.Target{Kind: chat.EventMessage, User: mina.ID, TimeMs: said.TimeMs, AsOf: 2})
	f.wantTarget(t, r, 3, mina, chat.Target{AsOf: 2})
	f.wantStates(t, r, 1, 10, mina)

	hello := strings.Repeat("안녕! ", 400) // longer than what drivers keep a place for
	first, second := change(r, 3, mina, chat.EventEdit, 1, "hello"), change(r, 5, mina, chat.EventEdit, 1, hello)
	f.commit(t, these(r, 3, first, message(r, 4, jun, "?"), second))
	f.wantStates(t, r, 1, 10, jun, chat.State{Target: 1, Changed: 5, Edited: 5, Text: hello})
	f.wantStates(t, r, 2, 10, jun)
	f.wantTarget(t, r, 1, jun, chat.Target{
		Kind: chat.EventMessage, User: mina.ID, TimeMs: said.TimeMs, AsOf: 5, Edits: []chat.Seq{3, 5},
	})
	// The log has what was said when; an edit is authored, and no message.
	f.wantHistory(t, r, 0, said, other, first, message(r, 4, jun, "?"), second)
	f.wantSent(t, mina, 1)
	f.wantDigests(t, r, mina, second.Digest(), first.Digest(), said.Digest())
	f.reopen(t)
	f.wantStates(t, r, 1, 10, jun, chat.State{Target: 1, Changed: 5, Edited: 5, Text: hello})

	// What is no message is not changed, whatever a server has decided.
	f.commit(t, these(r, 6, roleEvent(r, 6, mina, jun, chat.RoleReader), change(r, 7, mina, chat.EventEdit, 6, "x"),
		change(r, 8, mina, chat.EventEdit, 3, "x"), change(r, 9, mina, chat.EventPin, 0, "")))
	f.wantStates(t, r, 3, 10, mina)
}

// testDelete looks for a text that was deleted wherever a store could tell it.
func testDelete(t *testing.T, f *fixture) {
	r, mina, jun := f.room(t, "r"), f.user(t, "mina"), f.user(t, "jun")
	said, edit := message(r, 1, mina, "secret"), change(r, 2, mina, chat.EventEdit, 1, "secret, too")
	other, smile := message(r, 3, jun, "hm"), change(r, 4, jun, chat.EventReact, 1, "🙂")
	pin := change(r, 5, jun, chat.EventPin, 1, "")
	f.commit(t, these(r, 1, said, edit, other, smile, pin))
	// Somebody has been told of what came between while it still had its text.
	w := f.writer()
	late := w.batch(chat.Append{Room: r.ID, After: 0})
	conflicts, err := f.store.Commit(f.ctx, late)
	if err != nil || len(conflicts) != 1 || conflicts[0].Between[0].Text != "secret" {
		t.Fatalf("%+v, %v", conflicts, err)
	}

	gone := change(r, 6, mina, chat.EventDelete, 1, "")
	f.commit(t, these(r, 6, gone))
	want := []chat.Event{without(said), without(edit), other, smile, pin, gone}
	check := func() {
		t.Helper()
		f.wantHistory(t, r, 0, want...)
		if got, _ := f.history(t, r, chat.Page{Before: 2, ItemsMax: 1, BytesMax: 10}); !got[0].Erased() {
			t.Fatalf("a page backwards has %+v", got[0])
		}
		f.wantTarget(t, r, 1, jun, chat.Target{
			Kind: chat.EventMessage, User: mina.ID, TimeMs: said.TimeMs, AsOf: want[len(want)-1].Seq, Deleted: 6,
		})
		f.wantStates(t, r, 1, 20, jun, chat.State{Target: 1, Changed: 6, Deleted: 6})
	}
	check()
	// Of what was said nothing is left to be compared either; the nonces are known as before.
	f.wantDigests(t, r, mina, gone.Digest(), 0, 0)
	f.wantSent(t, mina, 1)
	if conflicts, err = f.store.Commit(f.ctx, late); err != nil || len(conflicts) != 1 {
		t.Fatalf("the batch again: %+v, %v", conflicts, err)
	}
	wantSame(t, conflicts[0].Between[:5], want[:5])

	// What comes late changes nothing, and a text of it is not kept.
	again := []chat.Event{
		change(r, 7, mina, chat.EventEdit, 1, "secret again"), change(r, 8, jun, chat.EventReact, 1, "🙂"),
		change(r, 9, jun, chat.EventPin, 1, ""), change(r, 10, jun, chat.EventDelete, 1, ""),
	}
	f.commit(t, these(r, 7, again...))
	want = append(want, without(again[0]), again[1], again[2], again[3])
	check()
	f.reopen(t)
	check()
}

func testReactions(t *testing.T, f *fixture) {
	r, mina, jun := f.room(t, "r"), f.user(t, "mina"), f.user(t, "jun")
	f.commit(t, run(r, 1, 2, mina, "x"))
	f.commit(t, these(r, 3,
		change(r, 3, jun, chat.EventReact, 1, "👍"), change(r, 4, mina, chat.EventReact, 1, "❤️"),
		change(r, 5, mina, chat.EventReact, 1, "👍"), change(r, 6, mina, chat.EventReact, 1, "👍"), // twice is once
		change(r, 7, jun, chat.EventUnreact, 1, "❤️"), // his is not there
		change(r, 8, jun, chat.EventReact, 2, "👍"), change(r, 9, jun, chat.EventUnreact, 2, "👍"),
	))
	f.wantStates(t, r, 1, 9, jun, chat.State{Target: 1, Changed: 7, Reactions: []chat.Reaction{
		{Emoji: "👍", Count: 2, Mine: 3}, {Emoji: "❤️", Count: 1},
	}}, chat.State{Target: 2, Changed: 9})
	f.wantTarget(t, r, 1, mina, chat.Target{
		Kind: chat.EventMessage, User: mina.ID, TimeMs: 5001, AsOf: 9, Emojis: []string{"❤️", "👍"},
		Mine: []chat.Reaction{{Emoji: "❤️", Mine: 4}, {Emoji: "👍", Mine: 5}},
	})
	// What was taken back counts as having been there.
	f.wantTarget(t, r, 2, jun, chat.Target{Kind: chat.EventMessage, User: mina.ID, TimeMs: 5002, AsOf: 9, Emojis: []string{"👍"}})
	f.commit(t, these(r, 10, change(r, 10, jun, chat.EventUnreact, 1, "👍"), change(r, 11, mina, chat.EventPin, 2, "")))
	f.wantStates(t, r, 1, 9, jun, chat.State{Target: 1, Changed: 10, Reactions: []chat.Reaction{
		{Emoji: "👍", Count: 1}, {Emoji: "❤️", Count: 1},
	}}, chat.State{Target: 2, Changed: 11, Pinned: 11})
	f.commit(t, these(r, 12, change(r, 12, mina, chat.EventUnpin, 2, "")))
	f.wantStates(t, r, 2, 2, jun, chat.State{Target: 2, Changed: 12})
	// What comes again when all have taken it back stands last.
	f.commit(t, these(r, 13, change(r, 13, mina, chat.EventUnreact, 1, "👍"), change(r, 14, jun, chat.EventReact, 1, "👍")))
	f.wantStates(t, r, 1, 1, jun, chat.State{Target: 1, Changed: 14, Reactions: []chat.Reaction{
		{Emoji: "❤️", Count: 1}, {Emoji: "👍", Count: 1, Mine: 14},
	}})
}

// testChangesOfErased looks at stores that can erase: what is known of a message goes with it.
func testChangesOfErased(t *testing.T, f *fixture) {
	f.expirer(t)
	r, mina := f.room(t, "r"), f.user(t, "mina")
	f.commit(t, run(r, 1, 3, mina, "x"))
	f.commit(t, these(r, 4, change(r, 4, mina, chat.EventEdit, 2, "y"), change(r, 5, mina, chat.EventReact, 2, "👍"), change(r, 6, mina, chat.EventPin, 3, "")))
	if n := Expire(t, f.store, 5003); n != 2 {
		t.Fatalf("%d events are erased", n)
	}
	f.wantStates(t, r, 0, 9, mina, chat.State{Target: 3, Changed: 6, Pinned: 6})
	f.wantTarget(t, r, 2, mina, chat.Target{AsOf: 7})
	f.commit(t, these(r, 8, change(r, 8, mina, chat.EventDelete, 2, ""))) // it is gone already
	f.wantStates(t, r, 0, 9, mina, chat.State{Target: 3, Changed: 6, Pinned: 6})
}

// The model's own account of what became of messages: all of the log is gone through, each
// time.

// eraseTexts does to a log what its last event, a change, does to texts.
func eraseTexts(log []chat.Event) {
	last := &log[len(log)-1]
	if last.Target == 0 || log[last.Target-1].Kind != chat.EventMessage {
		return
	}
	deleted := false
	for i := range log[:len(log)-1] {
		deleted = deleted || log[i].Kind == chat.EventDelete && log[i].Target == last.Target
	}
	switch {
	case last.Kind == chat.EventEdit && deleted:
		last.Text = ""
	case last.Kind == chat.EventDelete:
		for i := range log {
			if e := &log[i]; e.Seq == last.Target || e.Kind == chat.EventEdit && e.Target == last.Target {
				e.Text = ""
			}
		}
	}
}

// whatBecame returns what a log says of one of its events, as user sees it.
func whatBecame(log []chat.Event, seq chat.Seq, user chat.UserID) (st chat.State, tg chat.Target) {
	tg.AsOf = chat.Seq(len(log))
	if seq == 0 || int(seq) > len(log) {
		return st, tg
	}
	of := &log[seq-1]
	tg.Kind, tg.User, tg.TimeMs = of.Kind, of.User, of.TimeMs
	if of.Kind != chat.EventMessage {
		return st, tg
	}
	on := map[string]map[chat.UserID]chat.Seq{}
	var order []string
	for i := range log {
		e := &log[i]
		if e.Target != seq || !e.Kind.Changes() || st.Deleted != 0 {
			continue
		}
		st.Changed = e.Seq
		switch e.Kind {
		case chat.EventEdit:
			st.Edited, st.Text = e.Seq, e.Text
			tg.Edits = append(tg.Edits, e.Seq)
		case chat.EventDelete:
			st = chat.State{Changed: e.Seq, Deleted: e.Seq}
			on, order, tg.Edits = nil, nil, nil
		case chat.EventPin, chat.EventUnpin:
			if st.Pinned = 0; e.Kind == chat.EventPin {
				st.Pinned = e.Seq
			}
		case chat.EventReact:
			if len(on[e.Text]) == 0 { // it stands last, also if it was there before
				on[e.Text] = map[chat.UserID]chat.Seq{}
				order = append(slices.DeleteFunc(order, func(s string) bool { return s == e.Text }), e.Text)
			}
			if on[e.Text][e.User] == 0 {
				on[e.Text][e.User] = e.Seq
			}
		case chat.EventUnreact:
			delete(on[e.Text], e.User)
		}
	}
	st.Target, tg.Deleted, tg.Pinned, tg.Emojis = seq, st.Deleted, st.Pinned, order
	for _, text := range order {
		if n := len(on[text]); n > 0 {
			st.Reactions = append(st.Reactions, chat.Reaction{Emoji: text, Count: n, Mine: on[text][user]})
		}
		if at := on[text][user]; at != 0 {
			tg.Mine = append(tg.Mine, chat.Reaction{Emoji: text, Mine: at})
		}
	}
	return st, tg
}
