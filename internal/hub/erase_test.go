package hub_test

import (
	"fmt"
	"testing"
	"time"

	"sarang/chat"
	"sarang/internal/hub"
	"sarang/internal/hub/hubtest"
	"sarang/internal/store/storesim"
)

// Who comes back for what was erased meanwhile is told the gap and goes on behind it.
func TestReaderOfWhatWasErased(t *testing.T) {
	d := storesim.NewDisk(nil)
	r := newRig(t, hubtest.Config{Store: d.Open(), Hub: hub.Config{AnnounceMembersMax: -1}})
	ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
	room := joined(t, r, ann, "lobby")
	var want []string
	for n := range chat.Nonce(20) {
		ann.Publish(room.ID, n+1, fmt.Sprint("message ", n+1))
		r.Settle()
		if n >= 12 {
			want = append(want, fmt.Sprintf("%d message %d", n+1, n+1))
		}
	}
	ann.Leave(room.ID)
	r.Pass(5 * time.Minute) // the room goes, and its window
	if n := expiring(t, r, d.Open(), time.Minute, 12); n != 12 {
		t.Fatalf("%d are to be erased", n)
	}
	r.Pass(5 * time.Minute)
	bob.JoinAs(room.ID, hub.JoinRequest{Epoch: room.Epoch, Seq: 5})
	r.Settle()
	if last := bob.Last(); last.Kind != "Gap" || last.From != 6 || last.Seq != 12 {
		t.Errorf("he was told %+v", last)
	}
	wantTexts(t, bob, want...)
}
