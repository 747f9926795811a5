package server_test

import (
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sarang/chat"
	"sarang/internal/hub"
	"sarang/internal/limit"
	"sarang/internal/server"
	pb "sarang/proto/sarang/v1"
)

// clock is a wall clock that moves when the test says so: rates do not depend on how
// quick the machine is.
type clock struct {
	start time.Time
	since atomic.Int64
}

func (c *clock) now() time.Time          { return c.start.Add(time.Duration(c.since.Load())) }
func (c *clock) advance(d time.Duration) { c.since.Add(int64(d)) }

// eachLimited runs a test against every driver, with limits that hold for loopback, too.
// limits starts from none.
func eachLimited(t *testing.T, limits hub.Limits, test func(t *testing.T, s *running, k *clock)) {
	eachServer(t, func(t *testing.T, c server.Config) {
		k := &clock{start: time.Now()}
		limits.Trusted = limit.Trust{}
		if limits.AddressesMax == 0 {
			limits.AddressesMax = 100
		}
		c.Hub.Limits, c.Hub.Now = limits, k.now
		if err := c.Validate(); err != nil {
			t.Fatal(err)
		}
		c.HTTP = "127.0.0.1:0"
		s := start(t, c)
		defer stop(t, s)
		test(t, s, k)
	})
}

// dialFrom connects from one of the addresses of loopback.
func dialFrom(t *testing.T, s *running, name, from string) *script {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	c, err := d.Dial("tcp", s.Addrs()[0].Addr.String())
	if err != nil {
		t.Skipf("no connection from %s here: %v", from, err)
	}
	s.clients = append(s.clients, c)
	return &script{t, name, c}
}

func refused(t *testing.T, s *running, reason string, want int) {
	t.Helper()
	if n := metric(t, s, fmt.Sprintf("sarang_refused_total{reason=%q}", reason)); n != want {
		t.Errorf("%d refused for %s, want %d", n, reason, want)
	}
}

// A server whose disk has less room than it is to keep says so, and takes nobody new.
func TestDiskReserve(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		c.HTTP = "127.0.0.1:0"
		s := start(t, c)
		token := dial(t, s, "ann").login(nil).Token
		if metric(t, s, "sarang_disk_full") != 0 {
			t.Skip("the disk of this machine is full")
		}
		stop(t, s)
		c.Hub.DiskFreeBytesMin = 1 << 50
		s = start(t, c)
		defer stop(t, s)
		dial(t, s, "ann").login(token)
		dial(t, s, "bob").say(pb.CLogin, &pb.Login{VersionMin: 1, VersionMax: 1, Name: "bob"})
		awaitMetric(t, s, `sarang_disk_full`, 1)
		if metric(t, s, "sarang_disk_free_bytes") == 0 {
			t.Error("there is no room at all")
		}
	})
}

// Messages that are older than the retention are erased, and all that is left of them is the event that says so.
func TestRetention(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		k := &clock{start: time.Now()}
		c.HTTP, c.Hub.Now = "127.0.0.1:0", k.now
		s := start(t, c)
		ann := user(t, s, "ann")
		room := ann.join(&pb.Join{Name: "lobby"}).Room.Id
		for n := range uint64(5) {
			ann.publish(room, n+1, "old")
		}
		for acks := 0; acks < 5; {
			id, _, err := ann.read()
			if err != nil {
				t.Fatal(err)
			}
			if id == pb.SAck {
				acks++
			}
		}
		stop(t, s)
		k.advance(time.Hour)
		c.Retention = time.Minute
		s = start(t, c)
		defer stop(t, s)
		bob := user(t, s, "bob")
		bob.join(&pb.Join{Room: room})
		awaitMetric(t, s, "sarang_erased_events_total", 6) // ann came in, and said 5 things
	})
}

func TestAddressConnectionsMax(t *testing.T) {
	eachLimited(t, hub.Limits{AddressConnectionsMax: 3}, func(t *testing.T, s *running, _ *clock) {
		a, b, c := user(t, s, "a"), user(t, s, "b"), user(t, s, "c")
		for range 2 {
			if g := dial(t, s, "d").expectEnd(uint32(chat.CodeTooMany)); g.RetryAfterMs == 0 || g.Message == "" {
				t.Errorf("goodbye %v", g)
			}
		}
		refused(t, s, "address_connections", 2)
		other := dialFrom(t, s, "other", "127.0.0.2")
		other.login(nil)
		a.conn.Close()
		awaitMetric(t, s, "sarang_users", 3)
		user(t, s, "d").barrier()
		b.barrier()
		c.barrier()
		other.barrier()
	})
}

func TestAddressConnectsPerSecond(t *testing.T) {
	limits := hub.Limits{AddressConnectsPerSecond: 10, AddressConnectsBurst: 3, FarewellsPerSecond: 2}
	eachLimited(t, limits, func(t *testing.T, s *running, k *clock) {
		for i := range 3 {
			user(t, s, fmt.Sprint("u", i))
		}
		for range 2 {
			if g := dial(t, s, "x").expectEnd(uint32(chat.CodeTooFast)); g.RetryAfterMs < 100 {
				t.Errorf("goodbye %v", g)
			}
		}
		dial(t, s, "x").expectEnd(0) // no more farewells in this second
		refused(t, s, "address_connects", 3)
		if n := metric(t, s, "sarang_refused_silently_total"); n != 1 {
			t.Errorf("%d were refused without a word", n)
		}
		dialFrom(t, s, "other", "127.0.0.2").login(nil)
		k.advance(100 * time.Millisecond)
		user(t, s, "x")
		dial(t, s, "y").expectEnd(0)
	})
}

func TestAddressTableIsBounded(t *testing.T) {
	eachLimited(t, hub.Limits{AddressConnectionsMax: 5, AddressesMax: 1}, func(t *testing.T, s *running, _ *clock) {
		a := user(t, s, "a")
		dialFrom(t, s, "x", "127.0.0.2").expectEnd(uint32(chat.CodeUnavailable))
		refused(t, s, "address_table", 1)
		user(t, s, "b").conn.Close()
		a.conn.Close()
		awaitMetric(t, s, "sarang_users", 0)
		dialFrom(t, s, "x", "127.0.0.2").login(nil)
		if n := metric(t, s, "sarang_addresses"); n != 1 {
			t.Errorf("%d addresses", n)
		}
	})
}

func TestAddressLoginsPerMinute(t *testing.T) {
	eachLimited(t, hub.Limits{AddressLoginsPerMinute: 60, AddressLoginsBurst: 2}, func(t *testing.T, s *running, k *clock) {
		user(t, s, "a")
		b := dial(t, s, "b")
		login := func(name string) { b.say(pb.CLogin, &pb.Login{VersionMin: 1, VersionMax: 1, Name: name}) }
		login("A") // taken: failed logins count, too
		b.expectError(uint32(chat.CodeNameTaken))
		login("b")
		if e := b.expectError(uint32(chat.CodeTooFast)); e.PacketId != pb.CLogin || e.RetryAfterMs < 1000 {
			t.Errorf("error %v", e)
		}
		refused(t, s, "address_logins", 1)
		dialFrom(t, s, "other", "127.0.0.2").login(nil)
		k.advance(time.Second)
		b.login(nil)
	})
}

func TestFailedLoginsEndTheSession(t *testing.T) {
	eachLimited(t, hub.Limits{LoginsFailedMax: 3}, func(t *testing.T, s *running, _ *clock) {
		user(t, s, "a")
		x := dial(t, s, "x")
		for _, try := range []struct {
			login *pb.Login
			code  chat.Code
		}{
			{&pb.Login{VersionMin: 9, VersionMax: 9, Name: "x"}, chat.CodeVersion},
			{&pb.Login{VersionMin: 1, VersionMax: 1, Name: "not a name"}, chat.CodeBadName},
			{&pb.Login{VersionMin: 1, VersionMax: 1, Name: "a"}, chat.CodeNameTaken},
		} {
			x.say(pb.CLogin, try.login)
			x.expectError(uint32(try.code))
		}
		if g := x.expectEnd(uint32(chat.CodeTooMany)); g.Message == "" {
			t.Errorf("goodbye %v", g)
		}
		refused(t, s, "logins_failed", 1)
		awaitMetric(t, s, `sarang_disconnected_total{reason="refused"}`, 1)
	})
}

// Who publishes too fast is told so and when to try again; what he tries again then is
// stored once. Nobody else in the room notices.
func TestMessagesPerSecond(t *testing.T) {
	eachLimited(t, hub.Limits{MessagesPerSecond: 20, MessagesBurst: 5}, func(t *testing.T, s *running, k *clock) {
		flood, good := user(t, s, "flood"), user(t, s, "good")
		id := flood.join(&pb.Join{Name: "r"}).Room.Id
		flood.expectEvent(1, "+ flood")
		good.join(&pb.Join{Room: id})
		good.expectEvent(2, "+ good")
		flood.expectEvent(2, "+ good")
		for i := range uint64(5) {
			flood.publish(id, 1+i, "quick")
			flood.expectOwn(1+i, 3+i, "quick")
		}
		for range 10 {
			flood.publish(id, 6, "too quick")
			if e := flood.expectError(uint32(chat.CodeTooFast)); e.RetryAfterMs != 50 || e.Nonce != 6 || e.Room != id || e.PacketId != pb.CChat {
				t.Errorf("error %v", e)
			}
		}
		for i := range uint64(5) {
			good.expectEvent(3+i, "flood: quick")
		}
		for i := range uint64(5) {
			good.publish(id, 1+i, "slow")
			good.expectOwn(1+i, 8+i, "slow")
			flood.expectEvent(8+i, "good: slow")
		}
		refused(t, s, "messages", 10)
		k.advance(50 * time.Millisecond)
		flood.publish(id, 6, "too quick")
		flood.expectOwn(6, 13, "too quick")
		good.expectEvent(13, "flood: too quick")
	})
}

func TestRequestsPerSecond(t *testing.T) {
	eachLimited(t, hub.Limits{RequestsPerSecond: 10, RequestsBurst: 5}, func(t *testing.T, s *running, k *clock) {
		a := user(t, s, "a")
		id := a.join(&pb.Join{Name: "r"}).Room.Id
		a.expectEvent(1, "+ a")
		a.say(pb.CCreate, &pb.Create{Name: "other"})
		a.expect(pb.SCreate, &pb.Created{})
		a.say(pb.CList, &pb.List{})
		a.expect(pb.SList, &pb.Listed{})
		a.say(pb.CHistory, &pb.History{Room: id})
		a.expect(pb.SHistory, &pb.HistoryPage{})
		a.say(pb.CMembers, &pb.Members{Room: id})
		a.expect(pb.SMembers, &pb.MemberPage{})
		for i, ask := range []func(request uint32){
			func(r uint32) { a.say(pb.CJoin, &pb.Join{Request: r, Name: "other"}) },
			func(r uint32) { a.say(pb.CCreate, &pb.Create{Request: r, Name: "third"}) },
			func(r uint32) { a.say(pb.CList, &pb.List{Request: r}) },
			func(r uint32) { a.say(pb.CHistory, &pb.History{Request: r, Room: id}) },
			func(r uint32) { a.say(pb.CMembers, &pb.Members{Request: r, Room: id}) },
		} {
			ask(uint32(i + 1))
			if e := a.expectError(uint32(chat.CodeTooFast)); e.RetryAfterMs != 100 || e.Request != uint32(i+1) {
				t.Errorf("error %v", e)
			}
		}
		refused(t, s, "requests", 5)
		a.publish(id, 1, "messages have a rate of their own")
		a.expectOwn(1, 2, "messages have a rate of their own")
		user(t, s, "b").join(&pb.Join{Room: id})
		a.expectEvent(3, "+ b")
		k.advance(100 * time.Millisecond)
		a.say(pb.CList, &pb.List{})
		a.expect(pb.SList, &pb.Listed{})
		a.say(pb.CLeave, &pb.Leave{Room: id}) // whoever wants to leave may
		a.expect(pb.SLeave, &pb.Leave{})
	})
}

// Who sends too many bytes is not read from until they have come back, and is not
// ended; others do not notice.
func TestReceiveBytesPerSecond(t *testing.T) {
	limits := hub.Limits{ReceiveBytesPerSecond: 1 << 20, ReceiveBytesBurst: 100_000}
	eachLimited(t, limits, func(t *testing.T, s *running, k *clock) {
		flood, good := user(t, s, "flood"), user(t, s, "good")
		id := flood.join(&pb.Join{Name: "r"}).Room.Id
		flood.expectEvent(1, "+ flood")
		const messages = 40
		text := strings.Repeat("x", 10_000)
		for i := range uint64(messages) { // four times the burst: most of it has to wait
			flood.publish(id, 1+i, text)
		}
		awaitMetric(t, s, `sarang_refused_total{reason="receive_bytes"}`, 1)
		for range 20 {
			good.barrier()
		}
		// What had arrived when the server stopped to read may have come through.
		const through = 100_000/10_000 + 2 + 64<<10/10_000
		if n := metric(t, s, "sarang_published_total"); n > through {
			t.Errorf("%d messages came through, at most %d were allowed", n, through)
		}
		acked, seen := 0, 0
		for acked < messages || seen < messages {
			k.advance(10 * time.Millisecond)
			switch packet, payload, err := flood.read(); {
			case err != nil:
				t.Fatal(err)
			case packet == pb.SAck:
				acked++
			case packet == pb.SChat:
				seen++
			default:
				t.Fatalf("packet %d (%s)", packet, describe(packet, payload))
			}
		}
	})
}

// A trusted address has no rates, but the bounds of a session hold.
func TestTrusted(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		c.HTTP = "127.0.0.1:0"
		c.Hub.Limits = hub.Limits{
			Trusted: hub.DefaultConfig().Limits.Trusted, AddressesMax: 1, AddressConnectionsMax: 1,
			AddressConnectsPerSecond: 1, AddressLoginsPerMinute: 1, LoginsFailedMax: 2,
			MessagesPerSecond: 1, RequestsPerSecond: 1, ReceiveBytesPerSecond: 1 << 10, ReceiveBytesBurst: 1,
		}
		s := start(t, c)
		defer stop(t, s)
		a := user(t, s, "a")
		user(t, s, "b")
		id := a.join(&pb.Join{Name: "r"}).Room.Id
		a.expectEvent(1, "+ a")
		for i := range uint64(20) {
			a.publish(id, 1+i, strings.Repeat("x", 1000))
			a.expectOwn(1+i, 2+i, strings.Repeat("x", 1000))
			a.say(pb.CList, &pb.List{})
			a.expect(pb.SList, &pb.Listed{})
		}
		x := dial(t, s, "x y")
		for range 2 {
			x.say(pb.CLogin, &pb.Login{VersionMin: 1, VersionMax: 1, Name: "x y"})
			x.expectError(uint32(chat.CodeBadName))
		}
		x.expectEnd(uint32(chat.CodeTooMany))
		if n := metric(t, s, "sarang_addresses"); n != 0 {
			t.Errorf("%d addresses are remembered", n)
		}
	})
}
