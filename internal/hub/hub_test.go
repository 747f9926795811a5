package hub_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"sarang/chat"
	"sarang/internal/hub"
	"sarang/internal/hub/hubtest"
	"sarang/internal/store/storesim"
)

// newRig returns a hub on an empty store. The second one is that of the store.
func newRig(t *testing.T, c hubtest.Config) *hubtest.Rig {
	t.Helper()
	if c.Store == nil {
		c.Store = storesim.NewDisk(nil).Open()
	}
	c.Fail = t.Fatalf
	r := hubtest.New(c)
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("when the rig closes: %v", err)
		}
	})
	return r
}

// joined has a client join a room, which it makes if need be, and returns the room.
func joined(t *testing.T, r *hubtest.Rig, c *hubtest.Client, room string) hub.RoomInfo {
	t.Helper()
	c.Join(room)
	r.Settle()
	if last := c.Last(); last.Kind != "Joined" {
		t.Fatalf("a join was answered with %+v", last)
	}
	return c.Last().Info
}

func texts(events []chat.Event) (said []string) {
	for _, e := range events {
		if e.Kind == chat.EventMessage {
			said = append(said, fmt.Sprintf("%d %s", e.Seq, e.Text))
		}
	}
	return said
}

func wantTexts(t *testing.T, c *hubtest.Client, want ...string) {
	t.Helper()
	if got := texts(c.Events); !slices.Equal(got, want) {
		t.Errorf("%s has got %q, want %q", c.User.Name, got, want)
	}
}

func wantFailed(t *testing.T, c *hubtest.Client, code chat.Code) {
	t.Helper()
	if last := c.Last(); last.Kind != "Failed" || last.Err.Code != code {
		t.Errorf("%s was told %+v (%v), want a failure with code %d", c.User.Name, last, last.Err, code)
	}
}

func TestConversation(t *testing.T) {
	for workers := 1; workers <= 3; workers++ {
		r := newRig(t, hubtest.Config{Workers: workers})
		ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
		room := joined(t, r, ann, "lobby").ID
		joined(t, r, bob, "Lobby") // the same name
		ann.Publish(room, 7, "hello")
		r.Settle()
		bob.Publish(room, 8, "hi")
		bob.Publish(room, 8, "hi") // a retry
		r.Settle()
		wantTexts(t, ann, "3 hello", "4 hi")
		wantTexts(t, bob, "3 hello", "4 hi")
		if ann.Acked(room, 7) != 3 || bob.Acked(room, 8) != 4 {
			t.Errorf("acks %d and %d", ann.Acked(room, 7), bob.Acked(room, 8))
		}
		bob.Leave(room)
		ann.Publish(room, 9, "gone?")
		r.Settle()
		wantTexts(t, bob, "3 hello", "4 hi")
		bob.Publish(room, 9, "from outside")
		wantFailed(t, bob, chat.CodeNotMember)
	}
}

// An event is encoded once for each format that has a reader of its room, whoever the
// readers are, and in no other.
func TestEncodedOncePerFormat(t *testing.T) {
	short, long := hubtest.NewFormat("s", hub.MarkNone), hubtest.NewFormat("l", hub.MarkNone)
	r := newRig(t, hubtest.Config{
		Workers: 2, Formats: []*hub.Format{short, long}, Hub: hub.Config{AnnounceMembersMax: -1},
	})
	ann, ben, cid := r.Enter("ann", short), r.Enter("ben", short), r.Enter("cid", long)
	room := joined(t, r, ann, "lobby").ID
	joined(t, r, ben, "lobby")
	nonce := chat.Nonce(0)
	say := func(events int64) {
		t.Helper()
		before := r.Hub.Stats().Encoded
		nonce++
		ann.Publish(room, nonce, "x")
		r.Settle()
		if n := r.Hub.Stats().Encoded - before; n != events {
			t.Errorf("message %d was encoded %d times, want %d", nonce, n, events)
		}
	}
	say(1)
	joined(t, r, cid, "lobby")
	say(2)
	say(2)
	cid.Leave(room)
	r.Settle()
	say(1)
	cid.JoinAs(room, hub.JoinRequest{HistoryItemsWant: 10}) // the page comes in the right format, too
	r.Settle()
	say(2)
	wantTexts(t, ann, "1 x", "2 x", "3 x", "4 x", "5 x")
	wantTexts(t, cid, "2 x", "3 x", "1 x", "2 x", "3 x", "4 x", "5 x")
	if slices.Contains(cid.Forms, "s") || slices.Contains(ann.Forms, "l") {
		t.Errorf("formats %q and %q", ann.Forms, cid.Forms)
	}
}

// Who does not want to be told what he has said is not told: by session or by user, from
// the window or from the store.
func TestOmit(t *testing.T) {
	own, user := hubtest.NewFormat("session", hub.MarkSession), hubtest.NewFormat("user", hub.MarkUser)
	r := newRig(t, hubtest.Config{Formats: []*hub.Format{own, user}, Hub: hub.Config{AnnounceMembersMax: -1}})
	ann, bob := r.Enter("ann", own), r.Enter("bob", user)
	again := r.Dial(own)
	again.Login("ann", ann.Token)
	r.Settle()
	ann.Session.Omit()
	again.Session.Omit()
	bob.Session.Omit()
	room := joined(t, r, ann, "lobby").ID
	joined(t, r, again, "lobby")
	joined(t, r, bob, "lobby")
	for i, c := range []*hubtest.Client{ann, bob, again, ann, bob} {
		c.Publish(room, chat.Nonce(i+1), c.User.Name)
		r.Settle()
	}
	wantTexts(t, ann, "2 bob", "3 ann", "5 bob")
	wantTexts(t, again, "1 ann", "2 bob", "4 ann", "5 bob")
	wantTexts(t, bob, "1 ann", "3 ann", "4 ann")
	late := r.Dial(user)
	late.Login("bob", bob.Token)
	r.Settle()
	late.Session.Omit()
	late.JoinAs(room, hub.JoinRequest{HistoryItemsWant: 10})
	r.Settle()
	wantTexts(t, late, "1 ann", "3 ann", "4 ann")
}

func TestRoles(t *testing.T) {
	r := newRig(t, hubtest.Config{Workers: 2})
	ann, bob, cid := r.Enter("ann", nil), r.Enter("bob", nil), r.Enter("cid", nil)
	room := joined(t, r, ann, "lobby").ID
	joined(t, r, bob, "lobby")
	bob.GiveRole(room, 1, ann.User.ID, chat.RoleBanned)
	r.Settle()
	wantFailed(t, bob, chat.CodeForbidden)
	r.Hub.GiveRole(room, ann.User, 100, ann.User.ID, chat.RoleOwner)
	r.Settle()
	ann.GiveRole(room, 2, cid.User.ID, chat.RoleBanned)
	ann.GiveRole(room, 3, bob.User.ID, chat.RoleModerator)
	r.Settle()
	if ann.Acked(room, 2) == 0 || ann.Acked(room, 3) == 0 {
		t.Fatalf("the owner was told %+v", ann.Records)
	}
	bob.GiveRole(room, 4, ann.User.ID, chat.RoleReader)
	r.Settle()
	wantFailed(t, bob, chat.CodeForbidden)

	cid.Join("lobby")
	r.Settle()
	wantFailed(t, cid, chat.CodeForbidden)
	cid.History(room, 0, 0, 10)
	r.Settle()
	wantFailed(t, cid, chat.CodeForbidden)
	cid.Members(room, 0, 10)
	r.Settle()
	wantFailed(t, cid, chat.CodeForbidden)
	bob.GiveRole(room, 5, cid.User.ID, chat.RoleReader)
	r.Settle()
	joined(t, r, cid, "lobby")
	cid.Publish(room, 6, "may I?")
	r.Settle()
	wantFailed(t, cid, chat.CodeForbidden)
}

// A right is asked for once more when an event gets its place: a ban that is in front of
// a message holds for it, however close.
func TestBanInFrontOfMessage(t *testing.T) {
	r := newRig(t, hubtest.Config{})
	ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
	room := joined(t, r, ann, "lobby").ID
	joined(t, r, bob, "lobby")
	r.Hub.GiveRole(room, ann.User, 100, ann.User.ID, chat.RoleOwner)
	r.Settle()
	bob.Publish(room, 1, "before")
	r.Hub.GiveRole(room, ann.User, 101, bob.User.ID, chat.RoleBanned)
	r.Step() // it is on its way to the store
	bob.Publish(room, 2, "behind")
	r.Settle()
	wantRemoved(t, bob, chat.CodeBanned, bob.Acked(room, 1)+1)
	wantTexts(t, ann, fmt.Sprintf("%d before", bob.Acked(room, 1)))
}

// Roles are what the log says, also when the room was let go meanwhile.
func TestRolesAreKept(t *testing.T) {
	disk := storesim.NewDisk(nil)
	r := newRig(t, hubtest.Config{Store: disk.Open(), Hub: hub.Config{RoomIdle: time.Second, AwayGrace: time.Second}})
	ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
	room := joined(t, r, ann, "lobby").ID
	r.Hub.GiveRole(room, ann.User, 100, bob.User.ID, chat.RoleBanned)
	r.Settle()
	ann.Leave(room)
	r.Pass(3 * time.Second)
	if n := r.Hub.Stats().Rooms; n != 0 {
		t.Fatalf("%d rooms are in memory", n)
	}
	bob.Join("lobby")
	r.Settle()
	wantFailed(t, bob, chat.CodeForbidden)
	joined(t, r, ann, "lobby")
}

// Rooms come into memory when they are wanted and go when nobody uses them.
func TestRoomsAreLoadedAndLetGo(t *testing.T) {
	disk := storesim.NewDisk(nil)
	c := hubtest.Config{Workers: 2, Store: disk.Open(), Hub: hub.Config{RoomIdle: time.Minute, AwayGrace: time.Second}}
	r := newRig(t, c)
	ann := r.Enter("ann", nil)
	for i := range 5 {
		ann.Create(fmt.Sprint("room", i), i == 4)
		r.Settle()
	}
	r.Pass(3 * time.Minute)
	if n := r.Hub.Stats().Rooms; n != 0 {
		t.Errorf("%d rooms are in memory that nobody uses", n)
	}
	ann.List(0, 3)
	r.Settle()
	if p := ann.Last(); len(p.Rooms) != 3 || !p.More {
		t.Errorf("a page of rooms: %+v", p)
	}
	if n := r.Hub.Stats().Rooms; n != 0 {
		t.Errorf("listing has loaded %d rooms", n)
	}
	first := joined(t, r, ann, "room1")
	ann.Publish(first.ID, 1, "here")
	r.Pass(5 * time.Minute)
	if n := r.Hub.Stats().Rooms; n != 1 {
		t.Errorf("%d rooms are in memory, and one is used", n)
	}
	life := joined(t, r, ann, "room4").Epoch
	ann.Leave(ann.Last().Info.ID)
	r.Pass(5 * time.Minute)
	if again := joined(t, r, ann, "room4"); again.Epoch == life || again.LastSeq != 0 {
		t.Errorf("an ephemeral room that was let go goes on with epoch %d at %d", again.Epoch, again.LastSeq)
	}
	ann.JoinAs(99, hub.JoinRequest{})
	r.Settle()
	wantFailed(t, ann, chat.CodeNoRoom)
	ann.JoinAs(0, hub.JoinRequest{Name: "nowhere"})
	r.Settle()
	wantFailed(t, ann, chat.CodeNoRoom)
}

// counting counts the calls of a store.
type counting struct {
	chat.Store
	calls map[string]int
}

func (s *counting) RoomByKey(ctx ctx, key string) (chat.Room, error) {
	s.calls["RoomByKey"]++
	return s.Store.RoomByKey(ctx, key)
}

func (s *counting) CreateRoom(ctx ctx, r chat.Room, q chat.RoomQuota) (chat.Room, error) {
	s.calls["CreateRoom"]++
	return s.Store.CreateRoom(ctx, r, q)
}

// A crowd that comes to a room which is not there asks for it, and makes it, once.
func TestCrowdMakesARoomOnce(t *testing.T) {
	s := &counting{storesim.NewDisk(nil).Open(), map[string]int{}}
	r := newRig(t, hubtest.Config{Store: s})
	var crowd []*hubtest.Client
	for i := range 20 {
		crowd = append(crowd, r.Enter(fmt.Sprint("u", i), nil))
	}
	for i, c := range crowd {
		c.JoinAs(0, hub.JoinRequest{Name: "lobby", Create: i%5 > 0})
	}
	r.Settle()
	for i, c := range crowd {
		switch {
		case i%5 == 0 && c.Last().Kind == "Failed" && c.Last().Err.Code == chat.CodeNoRoom:
		case i%5 > 0 && c.Last().Kind == "Joined":
		default:
			t.Errorf("client %d was told %+v", i, c.Last())
		}
	}
	if s.calls["RoomByKey"] != 1 || s.calls["CreateRoom"] != 1 {
		t.Errorf("the store was asked %v", s.calls)
	}
}

// A session that ends before its join is answered leaves nothing behind.
func TestGoneBeforeJoined(t *testing.T) {
	r := newRig(t, hubtest.Config{Workers: 2, Hub: hub.Config{AwayGrace: time.Second, RoomIdle: time.Second}})
	ann := r.Enter("ann", nil)
	room := joined(t, r, ann, "lobby").ID
	for range 3 {
		bob := r.Enter(fmt.Sprint("bob", r.World.Now().Nanoseconds()), nil)
		bob.Join("lobby")
		bob.Hangup()
		r.Settle()
		r.Pass(100 * time.Millisecond)
	}
	r.Pass(3 * time.Second)
	ann.Members(room, 0, 10)
	r.Settle()
	if p := ann.Last(); p.Total != 1 || len(p.Users) != 1 {
		t.Errorf("present are %+v", p)
	}
	ann.Leave(room)
	r.Pass(5 * time.Second)
	if n := r.Hub.Stats().Rooms; n != 0 {
		t.Errorf("%d rooms are in memory", n)
	}
}

// Two hubs write to one room: each takes in what the other has written, at its next
// commit or when it is told to.
func TestTwoHubsOnOneStore(t *testing.T) {
	disk := storesim.NewDisk(nil)
	a := newRig(t, hubtest.Config{Store: disk.Open(), Seed: 1, Hub: hub.Config{AnnounceMembersMax: -1}})
	b := newRig(t, hubtest.Config{Store: disk.Open(), Seed: 2, Workers: 2, Hub: hub.Config{AnnounceMembersMax: -1}})
	ann := a.Enter("ann", nil)
	bob := b.Enter("bob", nil)
	room := joined(t, a, ann, "lobby").ID
	joined(t, b, bob, "lobby")
	ann.Publish(room, 1, "from a")
	a.Settle()
	bob.Publish(room, 1, "from b") // decided at a number that is not the end any more
	b.Settle()
	wantTexts(t, bob, "1 from a", "2 from b")
	if bob.Acked(room, 1) != 2 {
		t.Errorf("acknowledged at %d", bob.Acked(room, 1))
	}
	wantTexts(t, ann, "1 from a")
	a.Hub.CatchUp(room)
	a.Settle()
	wantTexts(t, ann, "1 from a", "2 from b")
	if s := b.Hub.Stats(); s.Conflicts != 1 || s.Committed != 1 {
		t.Errorf("%d conflicts, %d committed", s.Conflicts, s.Committed)
	}
	b.Hub.GiveRole(room, bob.User, 9, ann.User.ID, chat.RoleBanned)
	b.Settle()
	ann.Publish(room, 2, "behind the ban")
	a.Settle()
	wantRemoved(t, ann, chat.CodeBanned, 3)
}

// A client who comes from another node knows more of the log than this one: it goes on
// where it stood, and may speak of what it has seen.
func TestComesFromAnotherNode(t *testing.T) {
	disk := storesim.NewDisk(nil)
	quiet := hub.Config{AnnounceMembersMax: -1}
	a := newRig(t, hubtest.Config{Store: disk.Open(), Seed: 1, Hub: quiet})
	b := newRig(t, hubtest.Config{Store: disk.Open(), Seed: 2, Hub: quiet})
	ann, bob := a.Enter("ann", nil), b.Enter("bob", nil)
	room := joined(t, b, bob, "lobby")
	joined(t, a, ann, "lobby")
	for i := range 3 {
		ann.Publish(room.ID, chat.Nonce(i+1), "x")
		a.Settle()
	}
	bob.PublishAs(room.ID, 1, hub.Message{Text: "yes", Target: 3})
	b.Settle()
	if bob.Acked(room.ID, 1) != 4 {
		t.Errorf("a reply to an event that the node did not have: %+v", bob.Last())
	}
	ann.Publish(room.ID, 4, "y")
	a.Settle()
	again := b.Dial(nil)
	again.Login("ann", ann.Token)
	b.Settle()
	again.JoinAs(room.ID, hub.JoinRequest{Epoch: room.Epoch, Seq: 5})
	b.Settle()
	if last := again.Last(); last.Kind != "Joined" || last.Seq != 5 {
		t.Errorf("goes on with %+v", last)
	}
	bob.PublishAs(room.ID, 2, hub.Message{Text: "no", Target: 9})
	b.Settle()
	wantFailed(t, bob, chat.CodeBadRequest)
}
