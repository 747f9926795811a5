package client_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"sarang/chat"
	"sarang/client"
	"sarang/client/internal/clienttest"
	sarangv1 "sarang/proto/sarang/v1"
)

// dialJoined connects a Client and joins room 7, in epoch 3 at seq 10.
func dialJoined(t *testing.T, s *clienttest.Server, config client.Config) (*client.Client, *clienttest.Peer) {
	t.Helper()
	var p *clienttest.Peer
	c := dial(t, s, config, func() { p = s.AcceptLogin() })
	if !config.DiscardEvents {
		next[client.Online](t, c)
	}
	joined := do(func() (client.Joined, error) { return c.Join(within(t), client.Join{Name: "lobby"}) })
	p.Want(sarangv1.CJoin, &sarangv1.Join{Request: 1, Name: "lobby"})
	p.Joined(1, 3, 10)
	if j := clienttest.Get(t, joined); j.err != nil || j.value.Room.ID != 7 || j.value.After != 10 {
		t.Fatalf("Join: %+v", j)
	}
	return c, p
}

// rejoin answers a join from the cursor seq: 10 is where the room was joined, of what came
// behind it the time is known.
func rejoin(p *clienttest.Peer, seq uint64) {
	at := &sarangv1.Cursor{Epoch: 3, Seq: seq}
	if seq > 10 {
		at.TimeMs = 5
	}
	p.Want(sarangv1.CJoin, &sarangv1.Join{Request: 1, Room: 7, Cursor: at})
	p.Joined(1, 3, seq)
}

func TestClientCalls(t *testing.T) {
	s := clienttest.NewServer(t)
	c, p := dialJoined(t, s, clientConfig(s))
	if me := c.Self(); me.Name != "Mina" || me.User != 9 || string(me.Token) != "secret" {
		t.Errorf("Self: %+v", me)
	}
	p.Says(11, "hello")
	if e := next[client.RoomEvent](t, c); e.Seq != 11 || e.Text != "hello" || e.Name != "juno" {
		t.Errorf("event %+v", e)
	}

	seq := do(func() (chat.Seq, error) { return c.Publish(within(t), 7, "hi") })
	m := p.Publish()
	p.Send(sarangv1.SAck, &sarangv1.Ack{Room: 7, Nonce: m.Nonce, Seq: 12})
	if got := clienttest.Get(t, seq); got.err != nil || got.value != 12 {
		t.Errorf("Publish: %+v", got)
	}

	seq = do(func() (chat.Seq, error) { return c.PublishNonce(within(t), 7, 55, "hi") })
	if m := p.Publish(); m.Nonce != 55 {
		t.Errorf("the nonce is %d", m.Nonce)
	}
	p.Send(sarangv1.SError, &sarangv1.Error{Code: 13, Message: "no", PacketId: sarangv1.CChat, Room: 7, Nonce: 55})
	var refused *chat.Error
	if got := clienttest.Get(t, seq); !errors.As(got.err, &refused) || refused.Code != chat.CodeBadText {
		t.Errorf("Publish refused: %+v", got)
	}

	rooms := do(func() ([]client.RoomInfo, error) { return c.Rooms(within(t)) })
	p.Want(sarangv1.CList, &sarangv1.List{Request: 2, ItemsMax: 256})
	p.Send(sarangv1.SList, &sarangv1.Listed{Request: 2, More: true, Rooms: []*sarangv1.RoomInfo{{Id: 5}, {Id: 7}}})
	p.Want(sarangv1.CList, &sarangv1.List{Request: 3, After: 7, ItemsMax: 256})
	p.Send(sarangv1.SList, &sarangv1.Listed{Request: 3, Rooms: []*sarangv1.RoomInfo{{Id: 8}}})
	if got := clienttest.Get(t, rooms); got.err != nil || len(got.value) != 3 || got.value[2].ID != 8 {
		t.Errorf("Rooms: %+v", got)
	}

	members := do(func() ([]client.Member, error) { return c.Members(within(t), 7) })
	p.Want(sarangv1.CMembers, &sarangv1.Members{Request: 4, Room: 7, ItemsMax: 256})
	p.Send(sarangv1.SMembers, &sarangv1.MemberPage{Request: 4, Room: 7, More: true, Members: []*sarangv1.Member{{User: 2, Name: "juno"}}})
	p.Want(sarangv1.CMembers, &sarangv1.Members{Request: 5, Room: 7, After: 2, ItemsMax: 256})
	p.Send(sarangv1.SMembers, &sarangv1.MemberPage{Request: 5, Room: 7, More: true, Members: []*sarangv1.Member{{User: 2}}})
	if got := clienttest.Get(t, members); got.err == nil {
		t.Errorf("a server that repeats a page: %+v", got)
	}

	some := do(func() (client.MemberPage, error) { return c.MemberPage(within(t), 7, 2, 1) })
	p.Want(sarangv1.CMembers, &sarangv1.Members{Request: 6, Room: 7, After: 2, ItemsMax: 1})
	p.Send(sarangv1.SMembers, &sarangv1.MemberPage{Request: 6, Room: 7, Total: 30, More: true, Members: []*sarangv1.Member{{User: 3}}})
	if got := clienttest.Get(t, some); got.err != nil || got.value.Total != 30 || !got.value.More || len(got.value.Members) != 1 {
		t.Errorf("MemberPage: %+v", got)
	}

	page := do(func() (client.HistoryPage, error) { return c.History(within(t), client.History{Room: 7, After: 3}) })
	p.Want(sarangv1.CHistory, &sarangv1.History{Request: 7, Room: 7, After: 3})
	p.Send(sarangv1.SHistory, &sarangv1.HistoryPage{Request: 7, Room: 7, Events: []*sarangv1.Event{{Seq: 4, Text: "x"}}})
	if got := clienttest.Get(t, page); got.err != nil || len(got.value.Events) != 1 || got.value.Events[0].Text != "x" {
		t.Errorf("History: %+v", got)
	}

	made := do(func() (client.RoomInfo, error) { return c.Create(within(t), "den", false) })
	p.Want(sarangv1.CCreate, &sarangv1.Create{Request: 8, Name: "den"})
	p.Send(sarangv1.SError, &sarangv1.Error{Code: 11, Message: "exists", PacketId: sarangv1.CCreate, Request: 8})
	if got := clienttest.Get(t, made); chat.CodeOf(got.err) != chat.CodeRoomExists {
		t.Errorf("Create: %+v", got)
	}

	ping := do(func() (time.Duration, error) { return c.Ping(within(t)) })
	p.Want(sarangv1.CPing, &sarangv1.Ping{Value: 1})
	p.Send(sarangv1.SPong, &sarangv1.Ping{Value: 1})
	if got := clienttest.Get(t, ping); got.err != nil || got.value < 0 {
		t.Errorf("Ping: %+v", got)
	}

	left := do(func() (struct{}, error) { return struct{}{}, c.Leave(within(t), 7) })
	p.Want(sarangv1.CLeave, &sarangv1.Leave{Request: 9, Room: 7})
	p.Send(sarangv1.SLeave, &sarangv1.Leave{Request: 9, Room: 7})
	if got := clienttest.Get(t, left); got.err != nil {
		t.Errorf("Leave: %v", got.err)
	}
	if _, err := c.Publish(within(t), 7, "x"); !errors.Is(err, client.ErrNotJoined) {
		t.Errorf("Publish after Leave: %v", err)
	}

	left = do(func() (struct{}, error) { return struct{}{}, c.Leave(within(t), 7) })
	p.Want(sarangv1.CLeave, &sarangv1.Leave{Request: 10, Room: 7})
	p.Send(sarangv1.SError, &sarangv1.Error{Code: 12, PacketId: sarangv1.CLeave, Request: 10})
	if got := clienttest.Get(t, left); chat.CodeOf(got.err) != chat.CodeNotMember {
		t.Errorf("Leave of a room that was left: %v", got.err)
	}
}

func TestClientReconnects(t *testing.T) {
	s := clienttest.NewServer(t)
	c, p := dialJoined(t, s, clientConfig(s))
	seq := do(func() (chat.Seq, error) { return c.Publish(within(t), 7, "hi") })
	page := do(func() (client.HistoryPage, error) {
		return c.History(within(t), client.History{Room: 7, After: 3})
	})
	// Both are sent before the connection is lost, in whatever order.
	p.Read()
	p.Read()
	p.Reset()
	if e := next[client.Offline](t, c); e.Err == nil || e.Final {
		t.Errorf("offline: %+v", e)
	}
	p = s.AcceptResume()
	if e := next[client.Online](t, c); !e.Resumed {
		t.Errorf("online: %+v", e)
	}
	// The rejoin and the question, in whatever order.
	for range 2 {
		b := p.Read()
		switch id := b[2]; id {
		case sarangv1.CJoin:
			var m sarangv1.Join
			if err := m.UnmarshalVT(b[4:]); err != nil || m.Cursor.GetSeq() != 10 {
				t.Fatalf("rejoin %v (%v)", &m, err)
			}
			p.Joined(m.Request, 3, 10)
		case sarangv1.CHistory:
			var m sarangv1.History
			if err := m.UnmarshalVT(b[4:]); err != nil {
				t.Fatal(err)
			}
			p.Send(sarangv1.SHistory, &sarangv1.HistoryPage{Request: m.Request, Room: 7})
		default:
			t.Fatalf("packet %d came", id)
		}
	}
	m := p.Publish()
	p.Send(sarangv1.SAck, &sarangv1.Ack{Room: 7, Nonce: m.Nonce, Seq: 11})
	if got := clienttest.Get(t, seq); got.err != nil || got.value != 11 {
		t.Errorf("Publish: %+v", got)
	}
	if got := clienttest.Get(t, page); got.err != nil {
		t.Errorf("History: %+v", got)
	}
}

func TestClientDoesNotRepeatCreate(t *testing.T) {
	s := clienttest.NewServer(t)
	c, p := dialJoined(t, s, clientConfig(s))
	made := do(func() (client.RoomInfo, error) { return c.Create(within(t), "den", false) })
	p.Read()
	p.Reset()
	if got := clienttest.Get(t, made); !errors.Is(got.err, client.ErrInterrupted) {
		t.Errorf("Create: %v", got.err)
	}
	p = s.AcceptResume()
	rejoin(p, 10)
	p.Barrier()
}

func TestClientLeaveOutlastsTheConnection(t *testing.T) {
	s := clienttest.NewServer(t)
	c, p := dialJoined(t, s, clientConfig(s))
	left := do(func() (struct{}, error) { return struct{}{}, c.Leave(within(t), 7) })
	p.Want(sarangv1.CLeave, &sarangv1.Leave{Request: 2, Room: 7})
	p.Reset()
	p = s.AcceptResume()
	p.Want(sarangv1.CLeave, &sarangv1.Leave{Request: 1, Room: 7})
	p.Send(sarangv1.SError, &sarangv1.Error{Code: 12, PacketId: sarangv1.CLeave, Request: 1})
	if got := clienttest.Get(t, left); got.err != nil {
		t.Errorf("Leave: %v", got.err)
	}
}

func TestClientHonoursGoodbye(t *testing.T) {
	s := clienttest.NewServer(t)
	config := clientConfig(s)
	config.ReconnectMin, config.ReconnectMax = time.Hour, time.Hour
	c, p := dialJoined(t, s, config)
	p.Send(sarangv1.SGoodbye, &sarangv1.Goodbye{Code: 17, Message: "down for a moment", RetryAfterMs: 30})
	p.Close()
	e := next[client.Offline](t, c)
	if chat.CodeOf(e.Err) != chat.CodeDraining || e.RetryIn != 30*time.Millisecond {
		t.Errorf("offline: %+v", e)
	}
	rejoin(s.AcceptResume(), 10) // and not in an hour
}

func TestClientGivesUpWhenItIsNotWanted(t *testing.T) {
	s := clienttest.NewServer(t)
	c, p := dialJoined(t, s, clientConfig(s))
	p.Reset()
	next[client.Offline](t, c)
	waiting := do(func() (chat.Seq, error) { return c.Publish(within(t), 7, "x") })
	p = s.Accept()
	p.Read()
	p.Send(sarangv1.SError, &sarangv1.Error{Code: 9, Message: "who are you", PacketId: sarangv1.CLogin})
	if e := next[client.Offline](t, c); !e.Final || chat.CodeOf(e.Err) != chat.CodeBadToken {
		t.Errorf("offline: %+v", e)
	}
	if e, open := <-c.Events(); open {
		t.Errorf("event %+v after the final one", e)
	}
	if got := clienttest.Get(t, waiting); chat.CodeOf(got.err) != chat.CodeBadToken {
		t.Errorf("Publish: %v", got.err)
	}
	if chat.CodeOf(c.Err()) != chat.CodeBadToken {
		t.Errorf("Err: %v", c.Err())
	}
}

func TestClientDoesNotPublishToAnotherRoom(t *testing.T) {
	s := clienttest.NewServer(t)
	c, p := dialJoined(t, s, clientConfig(s))
	seq := do(func() (chat.Seq, error) { return c.Publish(within(t), 7, "for the lobby") })
	p.Publish()
	p.Reset()
	p = s.AcceptResume()
	p.Want(sarangv1.CJoin, &sarangv1.Join{Request: 1, Room: 7, Cursor: &sarangv1.Cursor{Epoch: 3, Seq: 10}})
	p.Send(sarangv1.SJoin, &sarangv1.Joined{Request: 1, Room: &sarangv1.RoomInfo{Id: 7, Name: "den", Epoch: 8}, After: 2})
	p.Want(sarangv1.CLeave, &sarangv1.Leave{Request: 2, Room: 7})
	var changed *client.RoomChangedError
	if got := clienttest.Get(t, seq); !errors.As(got.err, &changed) || changed.Known.Name != "lobby" || changed.Got.Name != "den" {
		t.Errorf("Publish: %+v", got)
	}
	next[client.Offline](t, c)
	next[client.Online](t, c)
	if f := next[client.Failure](t, c); !f.Rejoin || f.Room != 7 || !errors.As(f.Err, &changed) {
		t.Errorf("%+v", f)
	}
}

func TestOneNonceInTwoRooms(t *testing.T) {
	s := clienttest.NewServer(t)
	c, p := dialJoined(t, s, clientConfig(s))
	joined := do(func() (client.Joined, error) { return c.Join(within(t), client.Join{Name: "den"}) })
	p.Read()
	p.Send(sarangv1.SJoin, &sarangv1.Joined{Request: 2, Room: &sarangv1.RoomInfo{Id: 8, Name: "den", Epoch: 1}})
	if j := clienttest.Get(t, joined); j.err != nil {
		t.Fatal(j.err)
	}
	publish := func(ctx context.Context, room chat.RoomID) <-chan result[chat.Seq] {
		out := do(func() (chat.Seq, error) { return c.PublishNonce(ctx, room, 55, "hi") })
		if m := p.Publish(); m.Nonce != 55 || m.Room != uint64(room) {
			t.Fatalf("sent %+v", m)
		}
		return out
	}
	ctx, cancel := context.WithCancel(within(t))
	first, second := publish(ctx, 7), publish(within(t), 8)
	cancel()
	var stopped *client.PublishError
	if got := clienttest.Get(t, first); !errors.As(got.err, &stopped) || stopped.Room != 7 || !stopped.Sent {
		t.Errorf("the first after its context: %+v", got)
	}
	p.Send(sarangv1.SAck, &sarangv1.Ack{Room: 8, Nonce: 55, Seq: 4})
	if got := clienttest.Get(t, second); got.err != nil || got.value != 4 {
		t.Errorf("the second: %+v", got)
	}
}
