package hub_test

import (
	"context"
	"testing"

	"sarang/chat"
	"sarang/internal/hub"
	"sarang/internal/hub/hubtest"
	"sarang/internal/store/storesim"
)

// A message names files of its author, and no others; who is in the room is told of them, and who
// comes later; a retry is recognized; what is deleted is gone.
func TestMessagesNameFiles(t *testing.T) {
	for workers := 1; workers <= 3; workers++ {
		disk := storesim.NewDisk(nil)
		store := disk.Open()
		r := newRig(t, hubtest.Config{Store: store, Workers: workers})
		ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
		room := joined(t, r, ann, "room").ID
		joined(t, r, bob, "room")
		add := func(id chat.FileID, u chat.UserID) chat.FileInfo {
			f := chat.File{FileInfo: chat.FileInfo{ID: id, Name: "a", Type: "a/b", Bytes: 1}, Owner: u, CreatedMs: 1}
			if err := store.AddFile(t.Context(), f, chat.FileQuota{}); err != nil {
				t.Fatal(err)
			}
			return f.FileInfo
		}
		hers, his := add(11, ann.User.ID), add(12, bob.User.ID)
		list := chat.NewFileList(hers)

		refused := func(c *hubtest.Client, nonce chat.Nonce, code chat.Code, text string, files ...uint64) {
			t.Helper()
			c.PublishAs(room, nonce, hub.Message{Text: text, Files: files})
			r.Settle()
			wantFailed(t, c, code)
		}
		refused(ann, 1, chat.CodeNoFile, "", uint64(his.ID))
		refused(ann, 1, chat.CodeNoFile, "x", uint64(hers.ID), 99)
		refused(ann, 1, chat.CodeNoFile, "x", uint64(hers.ID), uint64(hers.ID))
		refused(ann, 1, chat.CodeNoFile, "x", 0)
		refused(ann, 1, chat.CodeNoFile, "x", 1<<63)
		refused(ann, 1, chat.CodeTooMany, "x", make([]uint64, chat.FilesPerMessageMax+1)...)
		refused(ann, 1, chat.CodeBadText, "")
		refused(ann, 1, chat.CodeBadText, "\uFDD0", uint64(hers.ID))

		for range 2 {
			ann.PublishAs(room, 1, hub.Message{Files: []uint64{uint64(hers.ID)}})
			r.Settle()
		}
		wantHits(t, r, bob, room, hub.SearchRequest{Files: true}, "")
		seq := ann.Acked(room, 1)
		said := 0
		for _, e := range bob.Events {
			if e.Kind == chat.EventMessage {
				said++
				if e.Seq != seq || e.Text != "" || e.Files != list {
					t.Fatalf("bob is told %+v", e)
				}
			}
		}
		if said != 1 || seq == 0 {
			t.Fatalf("%d messages are told, the ack is for %d", said, seq)
		}
		refused(ann, 1, chat.CodeNonceUsed, "x", uint64(hers.ID)) // the same nonce for something else

		bob.History(room, 0, 0, 20)
		r.Settle()
		if page := bob.Last().Events; page[len(page)-1].Files != list {
			t.Fatalf("history tells %+v", page[len(page)-1])
		}
		ann.Change(room, 2, hub.Change{Kind: chat.EventEdit, Target: seq, Text: "look"})
		ann.PublishAs(room, 3, hub.Message{Text: "and", Files: []uint64{uint64(hers.ID)}})
		r.Settle()
		bob.History(room, 0, 0, 20)
		r.Settle()
		for _, e := range bob.Last().Events {
			if e.Seq == seq && (e.Files != list || e.Text != "look") {
				t.Fatalf("edited, it is %+v", e)
			}
		}
		wantHits(t, r, bob, room, hub.SearchRequest{Files: true}, "and", "look")
		wantHits(t, r, bob, 0, hub.SearchRequest{Files: true, Text: "look"}, "look")
		ann.Change(room, 4, hub.Change{Kind: chat.EventDelete, Target: seq})
		r.Settle()
		wantHits(t, r, bob, room, hub.SearchRequest{Files: true}, "and")
		bob.History(room, 0, 0, 20)
		r.Settle()
		for _, e := range bob.Last().Events {
			if e.Seq == seq && (e.Files != "" || e.Text != "") {
				t.Fatalf("deleted, it is %+v", e)
			}
		}
		if _, err := store.File(t.Context(), hers.ID); err != nil {
			t.Fatalf("another message names it: %v", err)
		}

		// Who has left, or is gone, before the store has answered, gets nothing.
		ann.PublishAs(room, 5, hub.Message{Files: []uint64{uint64(hers.ID)}})
		ann.Leave(room)
		r.Settle()
		ann.JoinAs(0, hub.JoinRequest{Name: "game", Create: true, Ephemeral: true})
		r.Settle()
		game := ann.Last().Info.ID
		ann.PublishAs(game, 1, hub.Message{Files: []uint64{uint64(hers.ID)}})
		r.Settle()
		wantFailed(t, ann, chat.CodeBadRequest)
		ann.PublishAs(game, 2, hub.Message{Text: "still here"})
		r.Settle()
		if ann.Acked(game, 2) == 0 {
			t.Error("a message is not taken behind those with files")
		}
	}
}

// Bearer and MayRead judge by what the store says now.
func TestWhoMayHaveFiles(t *testing.T) {
	r := newRig(t, hubtest.Config{Store: storesim.NewDisk(nil).Open()})
	ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
	room := joined(t, r, ann, "room").ID
	ann.JoinAs(0, hub.JoinRequest{Name: "study", Create: true, Private: true})
	r.Settle()
	study := ann.Last().Info.ID
	h, ctx := r.Hub, context.Background()
	want := func(err error, code chat.Code) {
		t.Helper()
		if chat.CodeOf(err) != code {
			t.Fatalf("%v, want code %d", err, code)
		}
	}
	want(h.MayRead(ctx, bob.User.ID, room), 0)
	want(h.MayRead(ctx, bob.User.ID, study), chat.CodeNoRoom)
	want(h.MayRead(ctx, bob.User.ID, 99), chat.CodeNoRoom)
	want(h.MayRead(ctx, ann.User.ID, study), 0)
	ann.GiveRole(room, 1, bob.User.ID, chat.RoleBanned)
	r.Settle()
	want(h.MayRead(ctx, bob.User.ID, room), chat.CodeForbidden)
	h.SetOperators([]chat.UserID{bob.User.ID})
	want(h.MayRead(ctx, bob.User.ID, study), 0)
	h.SetOperators(nil)
	want(h.MayRead(ctx, bob.User.ID, study), chat.CodeNoRoom)
	_, err := h.Bearer(ctx, bob.User.ID, []byte("no token of his"))
	want(err, chat.CodeBadToken)
	_, err = h.Bearer(ctx, 99, []byte("nobody's"))
	want(err, chat.CodeBadToken)
}
