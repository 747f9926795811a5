package hub_test

import (
	"fmt"
	"testing"
	"time"

	"sarang/chat"
	"sarang/internal/hub/hubtest"
	"sarang/internal/store/storesim"
)

// What somebody has said of late is deleted in one act, however many messages it is; what he said
// before, and what others say, stays.
func TestPurge(t *testing.T) {
	for workers := 1; workers <= 2; workers++ {
		disk := storesim.NewDisk(nil)
		store := disk.Open()
		r := newRig(t, hubtest.Config{Store: store, Workers: workers})
		ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
		room := joined(t, r, ann, "room").ID
		joined(t, r, bob, "room")
		bob.Publish(room, 1, "long ago")
		r.Settle()
		r.Pass(2 * time.Minute)
		for n := range 250 {
			bob.Publish(room, chat.Nonce(100+n), fmt.Sprint("spam ", n))
			if n%50 == 0 {
				ann.Publish(room, chat.Nonce(100+n), "stop it")
				r.Settle()
			}
		}
		r.Settle()
		bob.Purge(room, ann.User.ID, time.Minute)
		r.Settle()
		wantFailed(t, bob, chat.CodeForbidden)
		ann.Purge(room, 0, time.Minute)
		r.Settle()
		wantFailed(t, ann, chat.CodeBadRequest)
		ann.Purge(room, bob.User.ID, time.Minute)
		for range 100 {
			if ann.Last().Kind == "Done" {
				break
			}
			r.Pass(100 * time.Millisecond)
		}
		if ann.Last().Kind != "Done" {
			t.Fatalf("who deletes is told %+v", ann.Last())
		}
		r.Settle()
		erased, kept := 0, 0
		for _, e := range disk.Log(room) {
			switch {
			case e.Kind != chat.EventMessage:
			case e.Erased():
				erased++
			case e.User == bob.User.ID && e.Text != "long ago":
				t.Fatalf("event %d is %q still", e.Seq, e.Text)
			default:
				kept++
			}
		}
		if erased != 250 || kept != 6 {
			t.Errorf("%d messages are erased, and %d kept", erased, kept)
		}
		page, _, err := store.Audit(t.Context(), chat.AuditQuery{Room: room, ItemsMax: 10})
		if err != nil || len(page) != 1 || page[0].Subject != bob.User.ID || page[0].What != "250 messages of the last 1m0s deleted" {
			t.Errorf("the audit log has %+v, %v", page, err)
		}
	}
}
