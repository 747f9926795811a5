package session_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"sarang/chat"
	"sarang/client/internal/clienttest"
	"sarang/client/session"
	"sarang/engine"
	"sarang/packet"
	sarangv1 "sarang/proto/sarang/v1"
)

// The bytes here are written out: they are what docs/PROTOCOL.md promises.
func TestBytesOnTheWire(t *testing.T) {
	r := newRig(t)
	r.connect()
	p := r.server.Accept()
	p.WantBytes([]byte("\x16\x00\x04\x00" + "\x08\x01" + "\x10\x01" + "\x1a\x04mina" + "\x2a\x06test/1"))
	p.Write([]byte("\x1a\x00\x03\x00" + "\x08\x01" + "\x10\x09" + "\x1a\x04Mina" + "\x22\x06secret" + "\x3a\x02\x08\x64"))
	r.wants("login Mina 9 token=secret resumed=false texts=100 idle=0s")
	id := r.request(func(s *session.Session) (uint32, error) { return s.Join(session.Join{Name: "lobby", Create: true}) })
	if id != 1 {
		t.Fatalf("the first request has the id %d", id)
	}
	p.WantBytes([]byte("\x0f\x00\x10\x00" + "\x08\x01" + "\x1a\x05lobby" + "\x20\x01"))
	p.Joined(1, 3, 10)
	r.wants("joined #1 lobby id=7 epoch=3 after=10 rejoin=false")
	var err error
	r.on(func(s *session.Session) { err = s.PublishNonce(7, 0x0102030405060708, "hi") })
	if err != nil {
		t.Fatal(err)
	}
	p.WantBytes([]byte("\x13\x00\x06\x00" + "\x08\x07" + "\x11\x08\x07\x06\x05\x04\x03\x02\x01" + "\x1a\x02hi"))
	p.Write([]byte("\x11\x00\x07\x00" + "\x08\x07" + "\x11\x08\x07\x06\x05\x04\x03\x02\x01" + "\x18\x0b"))
	r.wants("ack 7/11")
	p.Write([]byte("\x0d\x00\x0d\x00" + "\x09\x2a\x00\x00\x00\x00\x00\x00\x00"))
	p.WantBytes([]byte("\x0d\x00\x0e\x00" + "\x09\x2a\x00\x00\x00\x00\x00\x00\x00"))
}

func TestRequestsAndAnswers(t *testing.T) {
	r := newRig(t)
	p := r.login()
	r.join(p)

	id := r.request(func(s *session.Session) (uint32, error) { return s.Create("den", true) })
	p.Want(sarangv1.CCreate, &sarangv1.Create{Request: id, Name: "den", Ephemeral: true})
	p.Send(sarangv1.SCreate, &sarangv1.Created{Request: id, Room: &sarangv1.RoomInfo{Id: 8, Name: "den", Ephemeral: true}})
	r.wants("created #2 den ephemeral=true")

	id = r.request(func(s *session.Session) (uint32, error) { return s.List(4, 2) })
	p.Want(sarangv1.CList, &sarangv1.List{Request: id, After: 4, ItemsMax: 2})
	p.Send(sarangv1.SList, &sarangv1.Listed{Request: id, More: true, Rooms: []*sarangv1.RoomInfo{{Id: 7, Name: "lobby"}}})
	r.wants("rooms #3 [{7 lobby 0 false false 0 0   false 0 0 [0 0 0 0 0 0 0 0 0 0]}] more=true")

	id = r.request(func(s *session.Session) (uint32, error) {
		return s.History(session.History{Room: 7, Before: 9, ItemsMax: 5})
	})
	p.Want(sarangv1.CHistory, &sarangv1.History{Request: id, Room: 7, Before: 9, ItemsMax: 5})
	p.Send(sarangv1.SHistory, &sarangv1.HistoryPage{Request: id, Room: 7, Epoch: 3, Events: []*sarangv1.Event{{Seq: 8, Text: "x"}}})
	r.wants("history #4 room=7 epoch=3 1 more=false")

	id = r.request(func(s *session.Session) (uint32, error) { return s.Members(7, 1, 3) })
	p.Want(sarangv1.CMembers, &sarangv1.Members{Request: id, Room: 7, After: 1, ItemsMax: 3})
	p.Send(sarangv1.SMembers, &sarangv1.MemberPage{Request: id, Room: 7, Total: 2, Members: []*sarangv1.Member{{User: 9, Name: "Mina"}}})
	r.wants("members #5 room=7 [{9 Mina  }] of 2 more=false")

	r.on(func(s *session.Session) {
		if err := s.Ping(5); err != nil {
			t.Error(err)
		}
		if err := s.Ping(0); chat.CodeOf(err) != chat.CodeBadRequest {
			t.Errorf("a ping with the value 0: %v", err)
		}
	})
	p.Want(sarangv1.CPing, &sarangv1.Ping{Value: 5})
	p.Send(sarangv1.SPong, &sarangv1.Ping{Value: 5})
	r.wants("pong 5")

	id = r.request(func(s *session.Session) (uint32, error) { return s.Create("den", false) })
	p.Want(sarangv1.CCreate, &sarangv1.Create{Request: id, Name: "den"})
	p.Send(sarangv1.SError, &sarangv1.Error{Code: 11, Message: "there is a den", PacketId: sarangv1.CCreate, Request: id})
	r.wants(`error packet=20 #6 room=0 code=11 "there is a den" wait=0s rejoin=false retrying=false`)

	id = r.request(func(s *session.Session) (uint32, error) { return s.Leave(7) })
	p.Want(sarangv1.CLeave, &sarangv1.Leave{Request: id, Room: 7})
	p.Send(sarangv1.SLeave, &sarangv1.Leave{Request: id, Room: 7})
	r.wants("left #7 7")
	r.on(func(s *session.Session) {
		if _, err := s.Publish(7, "x"); !errors.Is(err, session.ErrNotJoined) {
			t.Errorf("publish after leave: %v", err)
		}
	})
}

func TestRequestsAreBounded(t *testing.T) {
	r := newRig(t)
	p := r.login()
	r.on(func(s *session.Session) {
		for i := range session.RequestsMax {
			if _, err := s.List(chat.RoomID(i), 1); err != nil {
				t.Errorf("request %d: %v", i, err)
			}
		}
		var limit *session.LimitError
		if _, err := s.List(0, 1); !errors.As(err, &limit) || limit.Max != session.RequestsMax {
			t.Errorf("one request too many: %v", err)
		}
		if _, err := s.Create(strings.Repeat("x", 5000), false); err == nil {
			t.Error("a name of 5000 bytes was sent")
		}
	})
	for i := range session.RequestsMax {
		p.Want(sarangv1.CList, &sarangv1.List{Request: uint32(i + 1), After: uint64(i), ItemsMax: 1})
	}
	p.Send(sarangv1.SList, &sarangv1.Listed{Request: 30})
	r.wants("rooms #30 [] more=false")
	r.request(func(s *session.Session) (uint32, error) { return s.List(0, 1) })
}

func TestEventsInOrder(t *testing.T) {
	r := newRig(t)
	p := r.login()
	r.join(p)
	p.Says(11, "one")
	p.Says(12, "two")
	r.wants("event 7/11 kind=1 juno: one", "event 7/12 kind=1 juno: two")

	p.Says(12, "two") // repeated
	r.wants("fault *session.SequenceError client: room 7: event 13 was due, 12 came")
	p.Says(15, "far") // 13 and 14 are lost
	r.wants("fault *session.SequenceError client: room 7: event 13 was due, 15 came", "event 7/15 kind=1 juno: far")

	p.Send(sarangv1.SGap, &sarangv1.Gap{Room: 7, Epoch: 3, From: 16, To: 20})
	p.Says(21, "after")
	r.wants("gap 7 epoch=3 16..20 changed=false", "event 7/21 kind=1 juno: after")

	p.Send(sarangv1.SGap, &sarangv1.Gap{Room: 7, Epoch: 4, To: 2})
	p.Says(3, "anew")
	r.wants("gap 7 epoch=4 1..2 changed=true", "event 7/3 kind=1 juno: anew")
	r.on(func(s *session.Session) {
		if room, _ := s.State().Room(7); room.Cursor != (session.Cursor{Epoch: 4, Seq: 3, TimeMs: 5}) {
			t.Errorf("the cursor is %+v", room.Cursor)
		}
	})
}

func TestFaultsOfTheServer(t *testing.T) {
	r := newRig(t)
	p := r.login()
	r.join(p)
	for _, c := range []struct {
		name string
		send func()
		want string
	}{
		{"a payload that is none", func() { p.Write([]byte("\x06\x00\x05\x00\xff\xff")) }, "fault *packet.DecodeError"},
		{"an event of another room", func() { p.Send(sarangv1.SChat, &sarangv1.Event{Room: 99, Seq: 1}) }, "fault *session.UnexpectedError"},
		{"an ack of nothing", func() { p.Send(sarangv1.SAck, &sarangv1.Ack{Room: 7, Nonce: 5, Seq: 1}) }, "fault *session.UnexpectedError"},
		{"a refusal of nothing", func() {
			p.Send(sarangv1.SError, &sarangv1.Error{Code: 13, PacketId: sarangv1.CChat, Room: 7, Nonce: 5})
		}, "fault *session.UnexpectedError"},
		{"a join nobody asked for", func() { p.Joined(500, 3, 1) }, "fault *session.UnexpectedError"},
		{"a page nobody asked for", func() { p.Send(sarangv1.SHistory, &sarangv1.HistoryPage{Request: 500}) }, "fault *session.UnexpectedError"},
		{"an error of nothing", func() {
			p.Send(sarangv1.SError, &sarangv1.Error{Code: 11, PacketId: sarangv1.CCreate, Request: 500})
		}, "fault *session.UnexpectedError"},
		{"a gap elsewhere", func() { p.Send(sarangv1.SGap, &sarangv1.Gap{Room: 99}) }, "fault *session.UnexpectedError"},
		{"a gap backwards", func() { p.Send(sarangv1.SGap, &sarangv1.Gap{Room: 7, Epoch: 3, From: 1, To: 4}) }, "fault *session.SequenceError"},
		{"a second login", func() { p.Welcome() }, "fault *session.UnexpectedError"},
		{"put out of nowhere", func() { p.Send(sarangv1.SLeave, &sarangv1.Leave{Room: 99}) }, "fault *session.UnexpectedError"},
		{"an error without a request", func() { p.Send(sarangv1.SError, &sarangv1.Error{Code: 99999, Message: "\xff"}) }, "error packet=0 #0 room=0 code=1 \"\uFFFD\""},
	} {
		c.send()
		if got := clienttest.Get(t, r.told.lines); !strings.HasPrefix(got, c.want) {
			t.Fatalf("%s: told %s, want %s", c.name, got, c.want)
		}
	}
	p.Write([]byte("\x04\x00\x39\x30")) // packet 12345, from a newer server: ignored
	p.Says(11, "bad \xff text")
	r.wants("fault *packet.DecodeError packet: decode packet 5: text is not UTF-8 from byte 4 on", "event 7/11 kind=1 juno: bad \uFFFD text")
	p.Write([]byte("\x00\x00\x00\x00")) // framing is lost
	p.Ended()
	p.Close()
	r.wants("disconnected frame")
}

func TestAnswerForAnotherRoom(t *testing.T) {
	r := newRig(t)
	p := r.login()
	id := r.request(func(s *session.Session) (uint32, error) { return s.Join(session.Join{Room: 8}) })
	p.Want(sarangv1.CJoin, &sarangv1.Join{Request: id, Room: 8})
	p.Joined(id, 3, 10)
	r.wants(`error packet=16 #1 room=8 code=2 "the server's answer names no room, or another one" wait=0s rejoin=false retrying=false`)
	if got := clienttest.Get(t, r.told.lines); !strings.HasPrefix(got, "fault *session.UnexpectedError") {
		t.Fatalf("told %s", got)
	}
}

func TestVersionNobodySpeaks(t *testing.T) {
	r := newRig(t)
	r.connect()
	p := r.server.Accept()
	p.Read()
	p.Send(sarangv1.SLogin, &sarangv1.LoggedIn{Version: 2, User: 9, Name: "Mina"})
	r.wants("fault *session.VersionError client: the server chose protocol version 2, which this client does not speak")
	p.Ended()
	p.Close()
	r.wants("disconnected local")
}

func TestLoginRefusedAndTriedAgain(t *testing.T) {
	r := newRig(t)
	r.connect()
	p := r.server.Accept()
	p.Want(sarangv1.CLogin, &sarangv1.Login{VersionMin: 1, VersionMax: 1, Name: "mina", Client: "test/1"})
	p.Send(sarangv1.SError, &sarangv1.Error{Code: 8, Message: "taken", PacketId: sarangv1.CLogin})
	r.wants(`error packet=4 #0 room=0 code=8 "taken" wait=0s rejoin=false retrying=false`)
	r.on(func(s *session.Session) {
		if _, err := s.List(0, 1); !errors.Is(err, session.ErrOffline) {
			t.Errorf("a request before the login: %v", err)
		}
		s.SetName("mina2", nil)
		if err := s.Login(); err != nil {
			t.Error(err)
		}
	})
	p.Want(sarangv1.CLogin, &sarangv1.Login{VersionMin: 1, VersionMax: 1, Name: "mina2", Client: "test/1"})
	p.Welcome()
	r.wants("login Mina 9 token=secret resumed=false texts=100 idle=1m30s")
}

func TestConnectFails(t *testing.T) {
	r := newRig(t)
	r.server.StopListening()
	r.connect()
	r.wants("disconnected connect")
}

func TestHeartbeat(t *testing.T) {
	config := session.ServiceConfig()
	config.HeartbeatInterval, config.Logger = 20*time.Millisecond, clienttest.Quiet()
	svc, err := engine.New(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := svc.Start(); err != nil {
		t.Fatal(err)
	}
	defer svc.Close()
	s, told := clienttest.NewServer(t), &teller{make(chan string, 10)}
	state := session.NewState(session.StateConfig{Name: "mina", Program: "test/1"})
	if err := svc.Connect(netip.MustParseAddrPort(s.Addr()), session.NewProtocol(nil), session.New(state, told)); err != nil {
		t.Fatal(err)
	}
	p := s.AcceptLogin()
	p.Want(sarangv1.CPing, &sarangv1.Ping{})
	p.Send(sarangv1.SPong, &sarangv1.Ping{})
	p.Want(sarangv1.CPing, &sarangv1.Ping{})
	if got := clienttest.Get(t, told.lines); !strings.HasPrefix(got, "login ") {
		t.Fatalf("told %s", got)
	}
	if len(told.lines) != 0 {
		t.Fatalf("a heartbeat was told: %s", <-told.lines)
	}
}

func TestMuxKnowsEveryServerPacket(t *testing.T) {
	got := session.NewMux().IDs()
	var want []packet.ID
	for _, p := range sarangv1.Packets() {
		if p.ID%2 == 1 {
			want = append(want, packet.ID(p.ID))
		}
	}
	slices.Sort(want)
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("handlers for %v, want %v", got, want)
	}
}

// A room event costs a load generator no memory.
func TestEventsAllocateNothing(t *testing.T) {
	r := newRig(t)
	p := r.login()
	r.join(p)
	const runs = 500
	packets := make([]packet.Packet, runs+1) // AllocsPerRun warms up once
	for i := range packets {
		b := clienttest.Frame(t, sarangv1.SChat, &sarangv1.Event{Room: 7, Seq: uint64(11 + i), Name: "juno", Text: "hello there"})
		packets[i] = packet.Packet{ID: sarangv1.SChat, Payload: b[packet.HeaderBytes:]}
	}
	count := &tally{}
	state := session.NewState(session.StateConfig{Name: "mina", Program: "test/1"})
	s := session.New(state, count)
	if err := r.svc.Connect(netip.MustParseAddrPort(r.server.Addr()), r.speaks, s); err != nil {
		t.Fatal(err)
	}
	p = r.server.AcceptLogin()
	p.Barrier()
	r.on(func(*session.Session) {
		if _, err := s.Join(session.Join{Room: 7}); err != nil {
			t.Error(err)
		}
	})
	p.Want(sarangv1.CJoin, &sarangv1.Join{Request: 1, Room: 7})
	p.Joined(1, 3, 10)
	p.Barrier()
	mux, i := session.NewMux(), 0
	r.on(func(*session.Session) {
		allocs := testing.AllocsPerRun(runs, func() {
			if err := mux.Dispatch(s, packets[i]); err != nil {
				t.Error(err)
			}
			i++
		})
		if allocs > 0 || count.events != runs+1 {
			t.Errorf("%v allocations per event, %d events of %d", allocs, count.events, runs+1)
		}
	})
}

type tally struct {
	session.NopEvents
	events int
}

func (c *tally) Event(*session.Session, *chat.Event) { c.events++ }
