package client_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"sarang/chat"
	"sarang/client"
	"sarang/engine"
	"sarang/packet"
	sarangv1 "sarang/proto/sarang/v1"
)

// The bytes here are written out: they are what docs/PROTOCOL.md promises.
func TestBytesOnTheWire(t *testing.T) {
	r := newRig(t)
	r.connect()
	p := r.server.accept()
	p.wantBytes([]byte("\x16\x00\x04\x00" + "\x08\x01" + "\x10\x01" + "\x1a\x04mina" + "\x2a\x06test/1"))
	p.write([]byte("\x1a\x00\x03\x00" + "\x08\x01" + "\x10\x09" + "\x1a\x04Mina" + "\x22\x06secret" + "\x3a\x02\x08\x64"))
	r.wants("login Mina 9 token=secret resumed=false texts=100 idle=0s")
	id := r.request(func(s *client.Session) (uint32, error) { return s.Join(client.Join{Name: "lobby", Create: true}) })
	if id != 1 {
		t.Fatalf("the first request has the id %d", id)
	}
	p.wantBytes([]byte("\x0f\x00\x10\x00" + "\x08\x01" + "\x1a\x05lobby" + "\x20\x01"))
	p.joined(1, 3, 10)
	r.wants("joined #1 lobby id=7 epoch=3 after=10 rejoin=false")
	var err error
	r.on(func(s *client.Session) { err = s.PublishNonce(7, 0x0102030405060708, "hi") })
	if err != nil {
		t.Fatal(err)
	}
	p.wantBytes([]byte("\x13\x00\x06\x00" + "\x08\x07" + "\x11\x08\x07\x06\x05\x04\x03\x02\x01" + "\x1a\x02hi"))
	p.write([]byte("\x11\x00\x07\x00" + "\x08\x07" + "\x11\x08\x07\x06\x05\x04\x03\x02\x01" + "\x18\x0b"))
	r.wants("ack 7/11")
	p.write([]byte("\x0d\x00\x0d\x00" + "\x09\x2a\x00\x00\x00\x00\x00\x00\x00"))
	p.wantBytes([]byte("\x0d\x00\x0e\x00" + "\x09\x2a\x00\x00\x00\x00\x00\x00\x00"))
}

func TestRequestsAndAnswers(t *testing.T) {
	r := newRig(t)
	p := r.login()
	r.join(p)

	id := r.request(func(s *client.Session) (uint32, error) { return s.Create("den", true) })
	p.want(sarangv1.CCreate, &sarangv1.Create{Request: id, Name: "den", Ephemeral: true})
	p.send(sarangv1.SCreate, &sarangv1.Created{Request: id, Room: &sarangv1.RoomInfo{Id: 8, Name: "den", Ephemeral: true}})
	r.wants("created #2 den ephemeral=true")

	id = r.request(func(s *client.Session) (uint32, error) { return s.List(4, 2) })
	p.want(sarangv1.CList, &sarangv1.List{Request: id, After: 4, ItemsMax: 2})
	p.send(sarangv1.SList, &sarangv1.Listed{Request: id, More: true, Rooms: []*sarangv1.RoomInfo{{Id: 7, Name: "lobby"}}})
	r.wants("rooms #3 [{7 lobby 0 false 0 0}] more=true")

	id = r.request(func(s *client.Session) (uint32, error) {
		return s.History(client.History{Room: 7, Before: 9, ItemsMax: 5})
	})
	p.want(sarangv1.CHistory, &sarangv1.History{Request: id, Room: 7, Before: 9, ItemsMax: 5})
	p.send(sarangv1.SHistory, &sarangv1.HistoryPage{Request: id, Room: 7, Epoch: 3, Events: []*sarangv1.Event{{Seq: 8, Text: "x"}}})
	r.wants("history #4 room=7 epoch=3 1 more=false")

	id = r.request(func(s *client.Session) (uint32, error) { return s.Members(7, 1, 3) })
	p.want(sarangv1.CMembers, &sarangv1.Members{Request: id, Room: 7, After: 1, ItemsMax: 3})
	p.send(sarangv1.SMembers, &sarangv1.MemberPage{Request: id, Room: 7, Total: 2, Members: []*sarangv1.Member{{User: 9, Name: "Mina"}}})
	r.wants("members #5 room=7 [{9 Mina}] of 2 more=false")

	r.on(func(s *client.Session) {
		if err := s.Ping(5); err != nil {
			t.Error(err)
		}
		if err := s.Ping(0); chat.CodeOf(err) != chat.CodeBadRequest {
			t.Errorf("a ping with the value 0: %v", err)
		}
	})
	p.want(sarangv1.CPing, &sarangv1.Ping{Value: 5})
	p.send(sarangv1.SPong, &sarangv1.Ping{Value: 5})
	r.wants("pong 5")

	id = r.request(func(s *client.Session) (uint32, error) { return s.Create("den", false) })
	p.want(sarangv1.CCreate, &sarangv1.Create{Request: id, Name: "den"})
	p.send(sarangv1.SError, &sarangv1.Error{Code: 11, Message: "there is a den", PacketId: sarangv1.CCreate, Request: id})
	r.wants(`error packet=20 #6 room=0 code=11 "there is a den" wait=0s rejoin=false retrying=false`)

	id = r.request(func(s *client.Session) (uint32, error) { return s.Leave(7) })
	p.want(sarangv1.CLeave, &sarangv1.Leave{Request: id, Room: 7})
	p.send(sarangv1.SLeave, &sarangv1.Leave{Request: id, Room: 7})
	r.wants("left #7 7")
	r.on(func(s *client.Session) {
		if _, err := s.Publish(7, "x"); !errors.Is(err, client.ErrNotJoined) {
			t.Errorf("publish after leave: %v", err)
		}
	})
}

func TestRequestsAreBounded(t *testing.T) {
	r := newRig(t)
	p := r.login()
	r.on(func(s *client.Session) {
		for i := range client.RequestsMax {
			if _, err := s.List(chat.RoomID(i), 1); err != nil {
				t.Errorf("request %d: %v", i, err)
			}
		}
		var limit *client.LimitError
		if _, err := s.List(0, 1); !errors.As(err, &limit) || limit.Max != client.RequestsMax {
			t.Errorf("one request too many: %v", err)
		}
		if _, err := s.Create(strings.Repeat("x", 5000), false); err == nil {
			t.Error("a name of 5000 bytes was sent")
		}
	})
	for i := range client.RequestsMax {
		p.want(sarangv1.CList, &sarangv1.List{Request: uint32(i + 1), After: uint64(i), ItemsMax: 1})
	}
	p.send(sarangv1.SList, &sarangv1.Listed{Request: 30})
	r.wants("rooms #30 [] more=false")
	r.request(func(s *client.Session) (uint32, error) { return s.List(0, 1) })
}

func TestEventsInOrder(t *testing.T) {
	r := newRig(t)
	p := r.login()
	r.join(p)
	p.says(11, "one")
	p.says(12, "two")
	r.wants("event 7/11 kind=1 juno: one", "event 7/12 kind=1 juno: two")

	p.says(12, "two") // repeated
	r.wants("fault *client.SequenceError client: room 7: event 13 was due, 12 came")
	p.says(15, "far") // 13 and 14 are lost
	r.wants("fault *client.SequenceError client: room 7: event 13 was due, 15 came", "event 7/15 kind=1 juno: far")

	p.send(sarangv1.SGap, &sarangv1.Gap{Room: 7, Epoch: 3, From: 16, To: 20})
	p.says(21, "after")
	r.wants("gap 7 epoch=3 16..20 changed=false", "event 7/21 kind=1 juno: after")

	p.send(sarangv1.SGap, &sarangv1.Gap{Room: 7, Epoch: 4, To: 2})
	p.says(3, "anew")
	r.wants("gap 7 epoch=4 1..2 changed=true", "event 7/3 kind=1 juno: anew")
	r.on(func(s *client.Session) {
		if room, _ := s.State().Room(7); room.Cursor != (client.Cursor{Epoch: 4, Seq: 3}) {
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
		{"a payload that is none", func() { p.write([]byte("\x06\x00\x05\x00\xff\xff")) }, "fault *packet.DecodeError"},
		{"an event of another room", func() { p.send(sarangv1.SChat, &sarangv1.Event{Room: 99, Seq: 1}) }, "fault *client.UnexpectedError"},
		{"an ack of nothing", func() { p.send(sarangv1.SAck, &sarangv1.Ack{Room: 7, Nonce: 5, Seq: 1}) }, "fault *client.UnexpectedError"},
		{"a refusal of nothing", func() {
			p.send(sarangv1.SError, &sarangv1.Error{Code: 13, PacketId: sarangv1.CChat, Room: 7, Nonce: 5})
		}, "fault *client.UnexpectedError"},
		{"a join nobody asked for", func() { p.joined(500, 3, 1) }, "fault *client.UnexpectedError"},
		{"a page nobody asked for", func() { p.send(sarangv1.SHistory, &sarangv1.HistoryPage{Request: 500}) }, "fault *client.UnexpectedError"},
		{"an error of nothing", func() {
			p.send(sarangv1.SError, &sarangv1.Error{Code: 11, PacketId: sarangv1.CCreate, Request: 500})
		}, "fault *client.UnexpectedError"},
		{"a gap elsewhere", func() { p.send(sarangv1.SGap, &sarangv1.Gap{Room: 99}) }, "fault *client.UnexpectedError"},
		{"a gap backwards", func() { p.send(sarangv1.SGap, &sarangv1.Gap{Room: 7, Epoch: 3, From: 1, To: 4}) }, "fault *client.SequenceError"},
		{"a second login", func() { p.welcome() }, "fault *client.UnexpectedError"},
		{"put out of nowhere", func() { p.send(sarangv1.SLeave, &sarangv1.Leave{Room: 99}) }, "fault *client.UnexpectedError"},
		{"an error without a request", func() { p.send(sarangv1.SError, &sarangv1.Error{Code: 99999, Message: "\xff"}) }, "error packet=0 #0 room=0 code=1 \"\uFFFD\""},
	} {
		c.send()
		if got := get(t, r.told.lines); !strings.HasPrefix(got, c.want) {
			t.Fatalf("%s: told %s, want %s", c.name, got, c.want)
		}
	}
	p.write([]byte("\x04\x00\x39\x30")) // packet 12345, from a newer server: ignored
	p.says(11, "bad \xff text")
	r.wants("fault *packet.DecodeError packet: decode packet 5: text is not UTF-8 from byte 4 on", "event 7/11 kind=1 juno: bad \uFFFD text")
	p.write([]byte("\x00\x00\x00\x00")) // framing is lost
	p.ended()
	p.close()
	r.wants("disconnected frame")
}

func TestAnswerForAnotherRoom(t *testing.T) {
	r := newRig(t)
	p := r.login()
	id := r.request(func(s *client.Session) (uint32, error) { return s.Join(client.Join{Room: 8}) })
	p.want(sarangv1.CJoin, &sarangv1.Join{Request: id, Room: 8})
	p.joined(id, 3, 10)
	r.wants(`error packet=16 #1 room=8 code=2 "the server's answer names no room, or another one" wait=0s rejoin=false retrying=false`)
	if got := get(t, r.told.lines); !strings.HasPrefix(got, "fault *client.UnexpectedError") {
		t.Fatalf("told %s", got)
	}
}

func TestVersionNobodySpeaks(t *testing.T) {
	r := newRig(t)
	r.connect()
	p := r.server.accept()
	p.read()
	p.send(sarangv1.SLogin, &sarangv1.LoggedIn{Version: 2, User: 9, Name: "Mina"})
	r.wants("fault *client.VersionError client: the server chose protocol version 2, which this client does not speak")
	p.ended()
	p.close()
	r.wants("disconnected local")
}

func TestLoginRefusedAndTriedAgain(t *testing.T) {
	r := newRig(t)
	r.connect()
	p := r.server.accept()
	p.want(sarangv1.CLogin, &sarangv1.Login{VersionMin: 1, VersionMax: 1, Name: "mina", Client: "test/1"})
	p.send(sarangv1.SError, &sarangv1.Error{Code: 8, Message: "taken", PacketId: sarangv1.CLogin})
	r.wants(`error packet=4 #0 room=0 code=8 "taken" wait=0s rejoin=false retrying=false`)
	r.on(func(s *client.Session) {
		if _, err := s.List(0, 1); !errors.Is(err, client.ErrOffline) {
			t.Errorf("a request before the login: %v", err)
		}
		s.SetName("mina2", nil)
		if err := s.Login(); err != nil {
			t.Error(err)
		}
	})
	p.want(sarangv1.CLogin, &sarangv1.Login{VersionMin: 1, VersionMax: 1, Name: "mina2", Client: "test/1"})
	p.welcome()
	r.wants("login Mina 9 token=secret resumed=false texts=100 idle=1m30s")
}

func TestConnectFails(t *testing.T) {
	r := newRig(t)
	_ = r.server.ln.Close()
	r.connect()
	r.wants("disconnected connect")
}

func TestHeartbeat(t *testing.T) {
	config := client.ServiceConfig()
	config.HeartbeatInterval, config.Logger = 20*time.Millisecond, quiet()
	svc, err := engine.New(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := svc.Start(); err != nil {
		t.Fatal(err)
	}
	defer svc.Close()
	s, told := newServer(t), &teller{make(chan string, 10)}
	state := client.NewState(client.StateConfig{Name: "mina", Program: "test/1"})
	if err := svc.Connect(netip.MustParseAddrPort(s.addr()), client.NewSession(state, told)); err != nil {
		t.Fatal(err)
	}
	p := s.acceptLogin()
	p.want(sarangv1.CPing, &sarangv1.Ping{})
	p.send(sarangv1.SPong, &sarangv1.Ping{})
	p.want(sarangv1.CPing, &sarangv1.Ping{})
	if got := get(t, told.lines); !strings.HasPrefix(got, "login ") {
		t.Fatalf("told %s", got)
	}
	if len(told.lines) != 0 {
		t.Fatalf("a heartbeat was told: %s", <-told.lines)
	}
}

func TestMuxKnowsEveryServerPacket(t *testing.T) {
	got := client.NewMux().IDs()
	want := []packet.ID{3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29}
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
		b := frame(t, sarangv1.SChat, &sarangv1.Event{Room: 7, Seq: uint64(11 + i), Name: "juno", Text: "hello there"})
		packets[i] = packet.Packet{ID: sarangv1.SChat, Payload: b[packet.HeaderBytes:]}
	}
	count := &tally{}
	state := client.NewState(client.StateConfig{Name: "mina", Program: "test/1"})
	s := client.NewSession(state, count)
	if err := r.svc.Connect(netip.MustParseAddrPort(r.server.addr()), s); err != nil {
		t.Fatal(err)
	}
	p = r.server.acceptLogin()
	p.barrier()
	r.on(func(*client.Session) {
		if _, err := s.Join(client.Join{Room: 7}); err != nil {
			t.Error(err)
		}
	})
	p.want(sarangv1.CJoin, &sarangv1.Join{Request: 1, Room: 7})
	p.joined(1, 3, 10)
	p.barrier()
	mux, i := client.NewMux(), 0
	r.on(func(*client.Session) {
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
	client.NopEvents
	events int
}

func (c *tally) Event(*client.Session, *chat.Event) { c.events++ }
