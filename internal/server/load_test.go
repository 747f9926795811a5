package server_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"sarang/chat"
	"sarang/internal/server"
	"sarang/packet"
	pb "sarang/proto/sarang/v1"
)

// slowStore is a store that does commits, or reads of histories, only when it may.
type slowStore struct {
	chat.Store
	commits, reads, claims gateway
}

// gateway holds calls up while it is shut.
type gateway struct {
	mu   sync.Mutex
	open chan struct{} // closed: calls may go on; nil: too
	held chan struct{} // closed when the first call is held up
}

// shut returns what is closed when the first call is held up.
func (g *gateway) shut() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open, g.held = make(chan struct{}), make(chan struct{})
	return g.held
}

func (g *gateway) reopen() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open != nil {
		close(g.open)
		g.open = nil
	}
}

func (g *gateway) pass() {
	g.mu.Lock()
	open := g.open
	if open != nil && g.held != nil {
		close(g.held)
		g.held = nil
	}
	g.mu.Unlock()
	if open != nil {
		<-open
	}
}

func (s *slowStore) Commit(ctx context.Context, b chat.Batch) ([]chat.Conflict, error) {
	s.commits.pass()
	return s.Store.Commit(ctx, b)
}

func (s *slowStore) History(ctx context.Context, r chat.RoomID, p chat.Page) ([]chat.Event, bool, error) {
	s.reads.pass()
	return s.Store.History(ctx, r, p)
}

func (s *slowStore) ClaimUser(ctx context.Context, c chat.Claim) (chat.Claimed, error) {
	s.claims.pass()
	return s.Store.ClaimUser(ctx, c)
}

func eachSlowServer(t *testing.T, change func(*server.Config), test func(t *testing.T, s *running, store *slowStore)) {
	eachServer(t, func(t *testing.T, c server.Config) {
		store := new(slowStore)
		c.WrapStore(func(real chat.Store) chat.Store {
			store.Store = real
			return store
		})
		c.HTTP = "127.0.0.1:0"
		c.Hub.WorkerLagMax = -1 // a machine that is busy with other tests is not what is tested
		change(&c)
		s := start(t, c)
		defer stop(t, s)
		defer store.reads.reopen()
		defer store.commits.reopen()
		defer store.claims.reopen()
		test(t, s, store)
	})
}

// overloaded expects a refusal for the load.
func (c *script) overloaded() {
	c.t.Helper()
	if e := c.expectError(uint32(chat.CodeUnavailable)); e.RetryAfterMs < 1000 {
		c.t.Errorf("%s: error %v says not when to try again", c.name, e)
	}
}

// asksFor reads what is to be had of rooms, or is told that it is not to be had now.
func (c *script) asksFor(durable, present uint64, had bool) {
	c.t.Helper()
	for _, read := range []struct {
		ask    packet.ID
		say    vtMessage
		answer packet.ID
		is     vtMessage
	}{
		{pb.CHistory, &pb.History{Room: durable}, pb.SHistory, &pb.HistoryPage{}},
		{pb.CList, &pb.List{}, pb.SList, &pb.Listed{}},
		{pb.CMembers, &pb.Members{Room: present}, pb.SMembers, &pb.MemberPage{}},
	} {
		if c.say(read.ask, read.say); had {
			c.expect(read.answer, read.is)
		} else {
			c.overloaded()
		}
	}
}

// TestLoadOfPublishes lets messages pile up before a store that does not move: the server
// does without one thing after the other, in the order of docs/limits.md, acknowledges
// all that it took when the store moves again, and goes back to normal by itself.
func TestLoadOfPublishes(t *testing.T) {
	const one, full = 5000, 20 // bytes of a message on its way; so many are all
	change := func(c *server.Config) { c.Hub.PublishBytesPendingMax = one * full }
	eachSlowServer(t, change, func(t *testing.T, s *running, store *slowStore) {
		talker, guest, stranger := user(t, s, "talker"), user(t, s, "guest"), dial(t, s, "stranger")
		durable := talker.join(&pb.Join{Name: "durable"}).Room.Id
		talker.expectEvent(1, "+ talker")
		passing := guest.join(&pb.Join{Name: "passing", Ephemeral: true}).Room.Id
		guest.expectEvent(1, "+ guest")

		store.commits.shut()
		defer store.commits.reopen()
		text := strings.Repeat("x", one-160) // see room.cost
		taken := uint64(0)
		pile := func(upTo uint64, level int) {
			t.Helper()
			for ; taken < upTo; taken++ {
				talker.publish(durable, taken+1, text)
			}
			awaitMetric(t, s, "sarang_publish_pending_bytes", int(upTo)*one)
			awaitMetric(t, s, "sarang_load_level", level)
		}
		said, newcomers := uint64(1), 0
		tries := func(ephemeral, reads, entries bool) {
			t.Helper()
			guest.publish(passing, 100+said, "hello")
			if ephemeral {
				said++
				guest.expectOwn(99+said, said, "hello")
			} else {
				guest.overloaded()
			}
			guest.asksFor(durable, passing, reads)
			if entries {
				newcomers++
				name := fmt.Sprint("new", newcomers)
				user(t, s, name).join(&pb.Join{Name: name, Ephemeral: true})
				return
			}
			guest.say(pb.CJoin, &pb.Join{Room: durable})
			guest.overloaded()
			guest.say(pb.CCreate, &pb.Create{Name: "another"})
			guest.overloaded()
			stranger.say(pb.CLogin, &pb.Login{VersionMin: 1, VersionMax: 1, Name: "stranger"})
			stranger.overloaded()
			if g := dial(t, s, "late").expectEnd(uint32(chat.CodeUnavailable)); g.RetryAfterMs < 1000 {
				t.Errorf("goodbye %v", g)
			}
		}
		pile(9, 0)
		tries(true, true, true)
		pile(10, 1)
		tries(false, true, true)
		pile(14, 2)
		tries(false, false, true)
		pile(17, 3)
		tries(false, false, false)
		pile(20, 4)
		talker.publish(durable, 21, text)
		talker.overloaded()
		for reason, want := range map[string]int{"load_ephemeral": 3, "load_reads": 6, "load_entries": 4, "load_publishes": 1} {
			refused(t, s, reason, want)
		}

		store.commits.reopen()
		for acked, seen := uint64(0), uint64(0); acked < taken || seen < taken; {
			switch id, payload, err := talker.read(); {
			case err != nil:
				t.Fatal(err)
			case id == pb.SAck:
				acked++
			case id == pb.SChat:
				var e pb.Event
				if err := e.UnmarshalVT(payload); err != nil || e.Nonce != seen+1 || e.Seq != seen+2 {
					t.Fatalf("event %d with nonce %d, %v", e.Seq, e.Nonce, err)
				}
				seen++
			default:
				t.Fatalf("packet %d (%s)", id, describe(id, payload))
			}
		}
		awaitMetric(t, s, "sarang_load_level", 0)
		tries(true, true, true)
		talker.publish(durable, 21, text)
		talker.expectOwn(21, taken+2, text)
		stranger.login(nil)
	})
}

// TestLoadOfTheStore lets reads pile up before a store that does not answer them.
func TestLoadOfTheStore(t *testing.T) {
	const full = 20
	change := func(c *server.Config) { c.Hub.StoreQueueMax, c.Hub.StoreReadsMax, c.Hub.StoreClaimsMax = full, 1, 1 }
	eachSlowServer(t, change, func(t *testing.T, s *running, store *slowStore) {
		asker, second := user(t, s, "asker"), user(t, s, "second")
		id := asker.join(&pb.Join{Name: "r"}).Room.Id
		asker.expectEvent(1, "+ asker")
		store.reads.shut()
		store.claims.shut()
		ask := func(c *script, n, waiting, level int) {
			t.Helper()
			for range n {
				c.say(pb.CHistory, &pb.History{Room: id})
			}
			awaitMetric(t, s, "sarang_store_calls_waiting", waiting)
			awaitMetric(t, s, "sarang_load_level", level)
		}
		ask(asker, 8, 7, 0) // one is being done
		ask(second, 3, 10, 1)
		ask(second, 4, 14, 2)
		second.say(pb.CHistory, &pb.History{Room: id})
		second.overloaded()
		refused(t, s, "load_reads", 1)
		late := []*script{dial(t, s, "late0"), dial(t, s, "late1"), dial(t, s, "late2"), dial(t, s, "late3"), dial(t, s, "late4")}
		for i, c := range late[:4] {
			c.say(pb.CLogin, &pb.Login{VersionMin: 1, VersionMax: 1, Name: c.name})
			awaitMetric(t, s, "sarang_store_calls_waiting", 14+i) // the first is being done
		}
		awaitMetric(t, s, "sarang_load_level", 3)
		late[4].say(pb.CLogin, &pb.Login{VersionMin: 1, VersionMax: 1, Name: "late4"})
		late[4].overloaded()
		asker.publish(id, 1, "as ever") // nothing of this is in the way of messages
		asker.expectOwn(1, 2, "as ever")

		store.reads.reopen()
		store.claims.reopen()
		for range 8 {
			asker.expect(pb.SHistory, &pb.HistoryPage{})
		}
		for range 7 {
			second.expect(pb.SHistory, &pb.HistoryPage{})
		}
		for _, c := range late[:4] {
			c.expect(pb.SLogin, &pb.LoggedIn{})
		}
		awaitMetric(t, s, "sarang_load_level", 0)
		late[4].login(nil)
	})
}

// TestReaderWaitsForTheLoad has a reader behind the window while the server does without
// reads: it gets its pages later, all of them.
func TestReaderWaitsForTheLoad(t *testing.T) {
	change := func(c *server.Config) { c.Hub.StoreQueueMax, c.Hub.StoreReadsMax = 10, 1 }
	eachSlowServer(t, change, func(t *testing.T, s *running, store *slowStore) {
		a, b := user(t, s, "a"), user(t, s, "b")
		id := a.join(&pb.Join{Name: "r"}).Room.Id
		a.expectEvent(1, "+ a")
		const messages = 40
		text := strings.Repeat("x", 16<<10)
		for i := range uint64(messages) { // more than the window
			a.publish(id, 1+i, text)
			a.expectOwn(1+i, 2+i, text)
		}
		held := store.reads.shut()
		defer store.reads.reopen()
		a.say(pb.CHistory, &pb.History{Room: id, ItemsMax: 1})
		<-held // it is being done; seven more wait
		for range 7 {
			a.say(pb.CHistory, &pb.History{Room: id, ItemsMax: 1})
		}
		awaitMetric(t, s, "sarang_load_level", 2)
		j := b.join(&pb.Join{Room: id, HistoryItems: messages})
		a.expectEvent(2+messages, "+ b")
		awaitMetric(t, s, `sarang_refused_total{reason="load_reads"}`, 1)
		store.reads.reopen()
		for range 8 {
			a.expect(pb.SHistory, &pb.HistoryPage{})
		}
		for i := range uint64(messages - 1) {
			b.expectEvent(j.After+1+i, "a: "+text)
		}
	})
}

// TestPublishDoesNotWaitForPages: after a restart, what is known of an author has to be
// read before his first message is taken. Pages that others ask for are not in its way.
func TestPublishDoesNotWaitForPages(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		before := start(t, c)
		id := user(t, before, "a").join(&pb.Join{Name: "r"}).Room.Id
		stop(t, before)

		store := new(slowStore)
		c.WrapStore(func(real chat.Store) chat.Store {
			store.Store = real
			return store
		})
		c.Hub.StoreReadsMax = 1
		s := start(t, c)
		defer stop(t, s)
		defer store.reads.reopen()
		b := user(t, s, "b")
		after := b.join(&pb.Join{Room: id}).After
		b.expectEvent(after+1, "+ b")
		held := store.reads.shut()
		user(t, s, "asker").say(pb.CHistory, &pb.History{Room: id})
		<-held // it is being done, and is all that is done at one time
		b.publish(id, 1, "first")
		b.expectOwn(1, after+2, "first")
	})
}
