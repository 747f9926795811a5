package hub_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"sarang/chat"
	"sarang/internal/hub"
	"sarang/internal/hub/hubtest"
	"sarang/internal/store/storesim"
)

// ruledDisk returns a disk with a room in which roles have been given, so that they are
// to be looked up.
func ruledDisk(t *testing.T) (*storesim.Disk, chat.RoomID) {
	t.Helper()
	d := storesim.NewDisk(nil)
	r := newRig(t, hubtest.Config{Store: d.Open(), Port: 7100})
	ann := r.Enter("ann", nil)
	room := joined(t, r, ann, "lobby").ID
	r.Hub.GiveRole(room, ann.User, 1, ann.User.ID, chat.RoleOwner)
	ann.Publish(room, 77, "x")
	r.Settle()
	return d, room
}

// A request that finds the store's queue full is refused, and the next one is not.
func TestFullStoreQueueRefusesOnce(t *testing.T) {
	d, room := ruledDisk(t)
	r := newRig(t, hubtest.Config{Store: d.Open(), Hub: hub.Config{StoreQueueMax: 1, WorkerLagMax: -1}})
	bob, carl, dora := r.Enter("bob", nil), r.Enter("carl", nil), r.Enter("dora", nil)
	dora.JoinAs(room, hub.JoinRequest{})
	r.Settle()
	carl.List(0, 10) // the queue is full
	bob.JoinAs(room, hub.JoinRequest{})
	r.Settle()
	wantFailed(t, bob, chat.CodeUnavailable)
	bob.JoinAs(room, hub.JoinRequest{})
	r.Settle()
	if bob.Last().Kind != "Joined" {
		t.Errorf("bob was told %+v", bob.Last())
	}
}

// Who joins and publishes in one go is told of both, in order, also where the join has to
// wait for the store.
func TestPublishBehindItsJoin(t *testing.T) {
	for workers := 1; workers <= 2; workers++ {
		d, room := ruledDisk(t)
		r := newRig(t, hubtest.Config{Store: d.Open(), Workers: workers})
		dora, bob := r.Enter("dora", nil), r.Enter("bob", nil)
		dora.JoinAs(room, hub.JoinRequest{})
		r.Settle()
		bob.JoinAs(room, hub.JoinRequest{})
		bob.Publish(room, 5, "hello")
		r.Settle()
		if n := len(bob.Records); n != 3 || bob.Records[1].Kind != "Joined" || bob.Acked(room, 5) == 0 {
			t.Errorf("%d workers: bob was told %+v", workers, bob.Records)
		}
		bob.JoinAs(99, hub.JoinRequest{})
		bob.Publish(99, 6, "nowhere")
		r.Settle()
		told := bob.Records[3:]
		if len(told) != 2 || told[0].Kind != "Failed" || told[1].Kind != "Failed" || told[1].Ref.Nonce != 6 {
			t.Errorf("%d workers: bob was told %+v", workers, told)
		}
	}
}

// Ephemeral rooms that were used for longer than rooms may be idle go, too.
func TestUsedRoomsAreLetGo(t *testing.T) {
	r := newRig(t, hubtest.Config{Workers: 2})
	ann := r.Enter("ann", nil)
	var rooms []chat.RoomID
	for i := range 4 {
		ann.JoinAs(0, hub.JoinRequest{Name: fmt.Sprint("game", i), Create: true, Ephemeral: i%2 == 0})
		r.Settle()
		rooms = append(rooms, ann.Last().Info.ID)
	}
	r.Pass(5 * time.Minute)
	for _, id := range rooms {
		ann.Leave(id)
	}
	r.Pass(5 * time.Minute)
	if n := r.Hub.Stats().Rooms; n != 0 {
		t.Errorf("%d rooms are in memory that nobody is in", n)
	}
}

// A retry that comes in the moment in which the hub learns of the first attempt at another
// hub is not a second message.
func TestRetryMeetsCatchUp(t *testing.T) {
	d := storesim.NewDisk(nil)
	a := newRig(t, hubtest.Config{Store: d.Open(), Port: 7300})
	b := newRig(t, hubtest.Config{Store: d.Open(), Port: 7301})
	ann := a.Enter("ann", nil)
	room := joined(t, a, ann, "lobby").ID
	again := b.Dial(nil)
	again.Login("ann", ann.Token)
	b.Settle()
	again.JoinAs(room, hub.JoinRequest{})
	b.Settle()
	again.Publish(room, 500, "she is known here")
	b.Settle()
	a.Hub.CatchUp(room)
	a.Settle()
	ann.Publish(room, 7, "once")
	a.Settle()
	b.Hub.CatchUp(room)
	b.Step() // the store is asked
	again.Publish(room, 7, "once")
	b.Settle()
	if at := ann.Acked(room, 7); at == 0 || again.Acked(room, 7) != at {
		t.Errorf("acknowledged at %d and at %d", at, again.Acked(room, 7))
	}
	said := 0
	for _, e := range d.Log(room) {
		if e.Nonce == 7 && e.User == ann.User.ID {
			said++
		}
	}
	if said != 1 {
		t.Errorf("it is in the log %d times", said)
	}
}

// A role for somebody who is not there is the asker's fault alone.
func TestRoleForNobody(t *testing.T) {
	d, room := ruledDisk(t)
	r := newRig(t, hubtest.Config{Store: d.Open(), Workers: 2})
	ann := r.Enter("bob", nil)
	owner := r.Enter("owner", nil)
	r.Hub.GiveRole(room, owner.User, 1, owner.User.ID, chat.RoleOwner)
	r.Settle()
	ann.JoinAs(room, hub.JoinRequest{})
	owner.JoinAs(room, hub.JoinRequest{})
	r.Settle()
	ann.Publish(room, 5, "hello")
	owner.GiveRole(room, 2, 9999, chat.RoleMember)
	owner.GiveRole(room, 3, ann.User.ID, 77)
	r.Settle()
	if ann.Acked(room, 5) == 0 {
		t.Errorf("somebody else was told %+v", ann.Last())
	}
	for i, want := range []chat.Code{chat.CodeNoUser, chat.CodeBadRequest} {
		if x := owner.Records[len(owner.Records)-2+i]; x.Kind != "Failed" || x.Err.Code != want {
			t.Errorf("the owner was told %+v %v", x, x.Err)
		}
	}
}

// Who knows of events that are not here yet is let in while the room goes on being busy.
func TestCatchUpInABusyRoom(t *testing.T) {
	d := storesim.NewDisk(nil)
	r := newRig(t, hubtest.Config{Store: d.Open(), Hub: hub.Config{AnnounceMembersMax: -1}})
	ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
	room := joined(t, r, ann, "lobby")
	nonce := chat.Nonce(0)
	say := func() {
		nonce++
		ann.Publish(room.ID, nonce, "on and on")
	}
	say()
	bob.JoinAs(room.ID, hub.JoinRequest{Epoch: room.Epoch, Seq: 1 << 40})
	for range 200 { // each commit is over when the next message is there
		say()
		r.Step()
		for range r.Waiting() {
			r.StepStore(0)
		}
		r.Step()
	}
	if bob.Last().Kind != "Joined" && bob.Last().Kind != "Gap" {
		t.Errorf("after %d messages bob was told %+v", nonce, bob.Last())
	}
}

// A drain is not over while a message that was taken has no outcome: it may wait for the
// role of its author, or for what others have written.
func TestDrainWaitsForWhatWaits(t *testing.T) {
	d, room := ruledDisk(t)
	r := newRig(t, hubtest.Config{Store: d.Open()})
	bob := r.Enter("bob", nil)
	r.Enter("dora", nil).JoinAs(room, hub.JoinRequest{})
	r.Settle()
	bob.JoinAs(room, hub.JoinRequest{})
	bob.Publish(room, 5, "taken")
	r.Step()
	r.Step() // the store is asked, and does not answer
	drain := func(ctx context.Context, step func()) error {
		done := make(chan error, 1)
		go func() { done <- r.Hub.Drain(ctx) }()
		for {
			select {
			case err := <-done:
				return err
			default:
				step()
			}
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := drain(ctx, r.Step); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the drain was over (%v) before the message was stored", err)
	}
	if err := drain(t.Context(), r.Settle); err != nil || bob.Acked(room, 5) == 0 {
		t.Errorf("drained with %v; bob was told %+v", err, bob.Records)
	}
}

// doubtful is a store that does not know what became of its first commit, and then has
// another fault with whatever is for that room.
type doubtful struct {
	chat.Store
	room    chat.RoomID
	commits int
}

func (d *doubtful) Commit(ctx context.Context, b chat.Batch) ([]chat.Conflict, error) {
	d.commits++
	switch {
	case d.commits == 1:
		return nil, chat.Errorf(chat.CodeUncertain, "who knows")
	case d.commits == 2:
		return nil, chat.Errorf(chat.CodeUnavailable, "not now")
	case slices.ContainsFunc(b.Appends, func(a chat.Append) bool { return a.Room == d.room }):
		return nil, chat.Errorf(chat.CodeInternal, "a damaged row")
	}
	return d.Store.Commit(ctx, b)
}

// A fault that does not pass, in one room, after a commit of which nobody knows whether it
// took effect: the other rooms go on, and a publisher is told to try again.
func TestUncertainAndThenDamaged(t *testing.T) {
	d := storesim.NewDisk(nil)
	bad := &doubtful{Store: d.Open(), commits: 10}
	r := newRig(t, hubtest.Config{Store: bad, Hub: hub.Config{AnnounceMembersMax: -1}})
	ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
	den := joined(t, r, ann, "den").ID
	other := joined(t, r, bob, "lobby").ID
	bad.room, bad.commits = den, 0
	ann.Publish(den, 1, "lost?")
	bob.Publish(other, 1, "kept")
	r.Settle()
	wantFailed(t, ann, chat.CodeUnavailable)
	if bob.Acked(other, 1) == 0 {
		t.Errorf("bob was told %+v", bob.Last())
	}
	bad.room = 0
	ann.Publish(den, 1, "lost?")
	r.Settle()
	if ann.Acked(den, 1) == 0 {
		t.Errorf("ann was told %+v", ann.Last())
	}
}
