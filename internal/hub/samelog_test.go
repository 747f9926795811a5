package hub_test

import (
	"fmt"
	"testing"
	"time"

	"sarang/aio/aiosim"
	"sarang/chat"
	"sarang/internal/hub"
	"sarang/internal/hub/hubtest"
	"sarang/internal/store/storesim"
	"sarang/internal/store/storetest"
)

// A store that is put back to an older state gives numbers out again under the same epoch.
// A reader whose cursor stands at such a number is told that it is void; one whose cursor
// stands at what both have in common goes on.
func TestOlderStoreIsNotSkipped(t *testing.T) {
	disk, world := storesim.NewDisk(nil), aiosim.NewWorld(aiosim.Config{})
	first := newRig(t, hubtest.Config{Store: disk.Open(), World: world, Hub: hub.Config{AnnounceMembersMax: -1}})
	ann := first.Enter("ann", nil)
	lobby := joined(t, first, ann, "lobby")
	say := func(r *hubtest.Rig, c *hubtest.Client, from, to chat.Nonce, text string) {
		for n := from; n <= to; n++ {
			c.Publish(lobby.ID, n, fmt.Sprint(text, n))
			r.Settle()
			r.Pass(time.Second)
		}
	}
	say(first, ann, 1, 41, "both ")
	backup := disk.Copy()
	say(first, ann, 42, 61, "lost ")
	old := disk.Log(lobby.ID)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}

	disk.PutBack(backup)
	r := newRig(t, hubtest.Config{Store: disk.Open(), World: world, Seed: 1, Port: 7001, Hub: hub.Config{AnnounceMembersMax: -1}})
	bob := r.Enter("bob", nil)
	joined(t, r, bob, "lobby")
	say(r, bob, 142, 180, "new ")

	for _, c := range []struct {
		seq  chat.Seq // of the cursor
		void bool
	}{{1, false}, {40, false}, {41, false}, {42, true}, {60, true}, {61, true}} {
		at := old[c.seq-1]
		for i := range 2 { // the second one is told from what was read for the first
			reader := r.Enter(fmt.Sprint("reader", c.seq, "-", i), nil)
			reader.JoinAs(lobby.ID, hub.JoinRequest{Epoch: lobby.Epoch, Seq: at.Seq, SeqMs: at.TimeMs, HistoryItemsWant: 3})
			reader.Publish(lobby.ID, chat.Nonce(1000+c.seq), "behind the join")
			r.Settle()
			start := hub.Start{}
			gaps, acks := 0, 0
			for _, x := range reader.Records {
				switch x.Kind {
				case "Joined":
					start = x.Start
				case "Gap":
					gaps++
				case "Ack":
					acks++
				}
			}
			switch {
			case start.Void != c.void, (gaps > 0) != c.void, acks != 1:
				t.Errorf("cursor %d: void %t, %d gaps, %d acks; want void %t", c.seq, start.Void, gaps, acks, c.void)
			case !c.void && start.After != c.seq, !c.void && start.AfterMs != at.TimeMs:
				t.Errorf("cursor %d: delivery begins after %d of %d", c.seq, start.After, start.AfterMs)
			case len(reader.Events) == 0 || reader.Events[0].Seq != start.After+1:
				t.Errorf("cursor %d: %d events after %d", c.seq, len(reader.Events), start.After)
			}
			reader.Hangup()
			r.Pass(time.Minute)
		}
	}
	// Who does not know the time is believed, as far as the log goes.
	reader := r.Enter("reader", nil)
	reader.JoinAs(lobby.ID, hub.JoinRequest{Epoch: lobby.Epoch, Seq: 61})
	r.Settle()
	if last := reader.Last(); last.Kind != "Joined" || last.Start.After != 61 {
		t.Errorf("without a time: %+v", last)
	}
}

// When the store can not be asked, a join is refused, and may be tried again.
func TestCursorWhileTheStoreFails(t *testing.T) {
	disk := storesim.NewDisk(nil)
	r := newRig(t, hubtest.Config{Store: disk.Open(), Hub: hub.Config{AnnounceMembersMax: -1}})
	ann := r.Enter("ann", nil)
	lobby := joined(t, r, ann, "lobby")
	for n := range chat.Nonce(3) {
		ann.Publish(lobby.ID, n+1, "x")
	}
	r.Settle()
	bob := r.Enter("bob", nil)
	disk.SetTrouble(refusing{})
	bob.JoinAs(lobby.ID, hub.JoinRequest{Epoch: lobby.Epoch, Seq: 2, SeqMs: 7})
	r.Settle()
	wantFailed(t, bob, chat.CodeUnavailable)
	disk.SetTrouble(nil)
	bob.JoinAs(lobby.ID, hub.JoinRequest{Epoch: lobby.Epoch, Seq: 2, SeqMs: disk.Log(lobby.ID)[1].TimeMs})
	r.Settle()
	wantTexts(t, bob, "3 x")
}

type refusing struct{}

func (refusing) Next(string) storesim.Fault { return storesim.FaultUnavailable }
func (refusing) Kept() bool                 { return false }

// An event that was erased for its age can not be compared: who stands there is believed.
func TestCursorAtAnErasedEvent(t *testing.T) {
	store := storesim.NewDisk(nil).Open()
	r := newRig(t, hubtest.Config{Store: store, Hub: hub.Config{AnnounceMembersMax: -1}})
	ann := r.Enter("ann", nil)
	lobby := joined(t, r, ann, "lobby")
	for n := range chat.Nonce(4) {
		ann.Publish(lobby.ID, n+1, fmt.Sprint("m", n+1))
		r.Settle()
		r.Pass(time.Minute)
	}
	log, _, err := store.History(t.Context(), lobby.ID, chat.Page{ItemsMax: 10, BytesMax: 100})
	if err != nil || len(log) != 4 {
		t.Fatalf("%d events, %v", len(log), err)
	}
	if n := storetest.Expire(t, store, log[2].TimeMs); n != 2 {
		t.Fatalf("erased %d", n)
	}
	bob := r.Enter("bob", nil)
	bob.JoinAs(lobby.ID, hub.JoinRequest{Epoch: lobby.Epoch, Seq: 2, SeqMs: log[1].TimeMs})
	r.Settle()
	wantTexts(t, bob, "3 m3", "4 m4")
	if last := bob.Last(); last.Kind != "Joined" || last.Start.Void {
		t.Errorf("%+v", last)
	}
}
