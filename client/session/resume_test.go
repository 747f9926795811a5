package session_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"sarang/chat"
	"sarang/client/internal/clienttest"
	"sarang/client/session"
	sarangv1 "sarang/proto/sarang/v1"
)

// rejoins answers the join of room 7 that a resuming session makes by itself.
func (r *rig) rejoins(p *clienttest.Peer, epoch, seq uint64) uint32 {
	r.t.Helper()
	return r.rejoinsAt(p, &sarangv1.Cursor{Epoch: epoch, Seq: seq})
}

// rejoinsAt is rejoins with what is known of the last event.
func (r *rig) rejoinsAt(p *clienttest.Peer, c *sarangv1.Cursor) uint32 {
	r.t.Helper()
	p.Want(sarangv1.CJoin, &sarangv1.Join{Request: 1, Room: 7, Cursor: c})
	return 1
}

func TestResumeFromTheCursor(t *testing.T) {
	r := newRig(t)
	p := r.login()
	r.join(p)
	p.Says(11, "one")
	r.wants("event 7/11 kind=1 juno: one")
	p = r.reconnect(p)
	p.Joined(r.rejoinsAt(p, &sarangv1.Cursor{Epoch: 3, Seq: 11, TimeMs: 5}), 3, 11)
	p.Says(12, "two")
	r.wants("joined #1 lobby id=7 epoch=3 after=11 rejoin=true", "resumed", "event 7/12 kind=1 juno: two")
}

func TestLostAckIsRetriedWithTheSameNonce(t *testing.T) {
	r := newRig(t)
	p := r.login()
	r.join(p)
	nonce := r.publish("hi")
	if m := p.Publish(); m.Nonce != uint64(nonce) || m.Room != 7 || m.Text != "hi" {
		t.Fatalf("sent %+v, nonce %x", m, nonce)
	}
	r.disconnect(p)              // the ack is lost
	second := r.publish("there") // while offline

	p = r.resume()
	id := r.rejoins(p, 3, 10)
	p.Barrier() // nothing is sent to a room that is not joined yet
	p.Joined(id, 3, 10)
	for _, want := range []struct {
		nonce chat.Nonce
		text  string
	}{{nonce, "hi"}, {second, "there"}} {
		if m := p.Publish(); m.Nonce != uint64(want.nonce) || m.Text != want.text {
			t.Fatalf("sent %+v, want %+v", m, want)
		}
	}
	p.Send(sarangv1.SAck, &sarangv1.Ack{Room: 7, Nonce: uint64(nonce), Seq: 11})
	p.Send(sarangv1.SAck, &sarangv1.Ack{Room: 7, Nonce: uint64(second), Seq: 12})
	r.wants("joined #1 lobby id=7 epoch=3 after=10 rejoin=true", "resumed", "ack 7/11", "ack 7/12")
	p = r.reconnect(p) // what was acknowledged is not sent again
	p.Joined(r.rejoins(p, 3, 10), 3, 10)
	p.Barrier()
}

func TestNoncesAreRepeatableAndDiffer(t *testing.T) {
	a, b := newRig(t), newRig(t)
	pa, pb := a.login(), b.login()
	a.join(pa)
	b.join(pb)
	seen := map[chat.Nonce]bool{0: true}
	for range 100 {
		na, nb := a.publish("x"), b.publish("x")
		if na != nb {
			t.Fatalf("one seed, two nonces: %x and %x", na, nb)
		}
		if seen[na] {
			t.Fatalf("the nonce %x was used before", na)
		}
		seen[na] = true
	}
}

func TestEphemeralRejoinInAnotherEpoch(t *testing.T) {
	r := newRig(t)
	p := r.login()
	id := r.request(func(s *session.Session) (uint32, error) { return s.Join(session.Join{Name: "lobby"}) })
	p.Read()
	p.Send(sarangv1.SJoin, &sarangv1.Joined{
		Request: id, After: 10, Room: &sarangv1.RoomInfo{Id: 7, Name: "lobby", Epoch: 3, Ephemeral: true},
	})
	r.wants("joined #1 lobby id=7 epoch=3 after=10 rejoin=false")
	nonce := r.publish("hi")
	p.Publish()
	p = r.reconnect(p)
	id = r.rejoins(p, 3, 10)
	p.Send(sarangv1.SJoin, &sarangv1.Joined{
		Request: id, After: 2, Room: &sarangv1.RoomInfo{Id: 7, Name: "lobby", Epoch: 4, Ephemeral: true},
	})
	if m := p.Publish(); m.Nonce != uint64(nonce) {
		t.Errorf("sent %+v, want the pending message", m)
	}
	p.Says(3, "anew")
	r.wants("joined #1 lobby id=7 epoch=4 after=2 rejoin=true", "gap 7 epoch=4 1..2 changed=true", "resumed",
		"event 7/3 kind=1 juno: anew")
}

func TestRejoinFartherOnIsAGap(t *testing.T) {
	r := newRig(t)
	p := r.login()
	r.join(p)
	p = r.reconnect(p)
	p.Joined(r.rejoins(p, 3, 10), 3, 15)
	r.wants("joined #1 lobby id=7 epoch=3 after=15 rejoin=true", "gap 7 epoch=3 11..15 changed=false", "resumed")
	p = r.reconnect(p)
	p.Joined(r.rejoins(p, 3, 15), 3, 12) // back: it can only be another log
	p.Says(13, "other")
	r.wants("joined #1 lobby id=7 epoch=3 after=12 rejoin=true", "gap 7 epoch=3 1..12 changed=true", "resumed",
		"event 7/13 kind=1 juno: other")
}

// A server whose store was put back to an older state has another event where the cursor
// stands, or none: all numbers of before are void, wherever delivery begins.
func TestRejoinFindsAnOlderStore(t *testing.T) {
	for _, after := range []uint64{9, 11, 30} {
		r := newRig(t)
		p := r.login()
		r.join(p)
		p.Says(11, "lost")
		r.wants("event 7/11 kind=1 juno: lost")
		p = r.reconnect(p)
		id := r.rejoinsAt(p, &sarangv1.Cursor{Epoch: 3, Seq: 11, TimeMs: 5})
		lobby := &sarangv1.RoomInfo{Id: 7, Name: "lobby", Epoch: 3, LastSeq: after}
		p.Send(sarangv1.SJoin, &sarangv1.Joined{Request: id, Room: lobby, After: after, AfterTimeMs: 77, CursorVoid: true})
		p.Send(sarangv1.SGap, &sarangv1.Gap{Room: 7, Epoch: 3, To: after})
		r.wants(fmt.Sprintf("joined #1 lobby id=7 epoch=3 after=%d rejoin=true", after),
			fmt.Sprintf("gap 7 epoch=3 1..%d changed=true", after), "resumed")
		p = r.reconnect(p)
		r.rejoinsAt(p, &sarangv1.Cursor{Epoch: 3, Seq: after, TimeMs: 77})
		p.Send(sarangv1.SJoin, &sarangv1.Joined{Request: id, Room: lobby, After: after, AfterTimeMs: 77})
		p.Says(after+1, "new")
		r.wants(fmt.Sprintf("joined #1 lobby id=7 epoch=3 after=%d rejoin=true", after), "resumed",
			fmt.Sprintf("event 7/%d kind=1 juno: new", after+1))
	}
}

func TestRejoinRefusedForEver(t *testing.T) {
	r := newRig(t)
	p := r.login()
	r.join(p)
	r.publish("hi")
	p.Publish()
	p = r.reconnect(p)
	id := r.rejoins(p, 3, 10)
	p.Send(sarangv1.SError, &sarangv1.Error{Code: 10, Message: "gone", PacketId: sarangv1.CJoin, Request: id})
	r.wants(`error packet=16 #1 room=7 code=10 "gone" wait=0s rejoin=true retrying=false`,
		"refused 7 code=10 retrying=false", "resumed")
	r.on(func(s *session.Session) {
		if rooms := s.State().Rooms(); len(rooms) != 0 {
			t.Errorf("rooms %+v are left", rooms)
		}
	})
}

func TestRejoinRefusedForNow(t *testing.T) {
	r := newRig(t)
	p := r.login()
	r.join(p)
	p = r.reconnect(p)
	id := r.rejoins(p, 3, 10)
	p.Send(sarangv1.SError, &sarangv1.Error{Code: 16, Message: "later", RetryAfterMs: 20, PacketId: sarangv1.CJoin, Request: id})
	r.wants(`error packet=16 #1 room=7 code=16 "later" wait=20ms rejoin=true retrying=true`)
	p.Want(sarangv1.CJoin, &sarangv1.Join{Request: 2, Room: 7, Cursor: &sarangv1.Cursor{Epoch: 3, Seq: 10}})
	p.Joined(2, 3, 10)
	r.wants("joined #2 lobby id=7 epoch=3 after=10 rejoin=true", "resumed")
}

func TestPublishesInFlightAreBounded(t *testing.T) {
	r := newRig(t)
	p := r.login() // 2 in flight
	r.join(p)
	var nonces []chat.Nonce
	for range 4 {
		nonces = append(nonces, r.publish("x"))
	}
	p.Publish()
	p.Publish()
	p.Barrier() // and no third one
	p.Send(sarangv1.SAck, &sarangv1.Ack{Room: 7, Nonce: uint64(nonces[1]), Seq: 11})
	if m := p.Publish(); m.Nonce != uint64(nonces[2]) {
		t.Fatalf("sent %x, want %x", m.Nonce, nonces[2])
	}
	p.Barrier()
	for range chat.NoncesPerUserMax - 3 {
		r.publish("x")
	}
	r.on(func(s *session.Session) {
		var limit *session.LimitError
		if _, err := s.Publish(7, "x"); !errors.As(err, &limit) || limit.Max != chat.NoncesPerUserMax {
			t.Errorf("one too many: %v", err)
		}
	})
}

func TestPublishRefused(t *testing.T) {
	r := newRig(t)
	p := r.login()
	r.join(p)
	nonce := r.publish("x")
	p.Publish()
	p.Send(sarangv1.SError, &sarangv1.Error{Code: 15, RetryAfterMs: 20, PacketId: sarangv1.CChat, Room: 7, Nonce: uint64(nonce)})
	r.wants("refused 7 code=15 retrying=true")
	if m := p.Publish(); m.Nonce != uint64(nonce) {
		t.Fatalf("sent %x again, want %x", m.Nonce, nonce)
	}
	p.Send(sarangv1.SError, &sarangv1.Error{Code: 13, PacketId: sarangv1.CChat, Room: 7, Nonce: uint64(nonce)})
	r.wants("refused 7 code=13 retrying=false")
	p.Barrier()
	r.on(func(s *session.Session) {
		for _, text := range []string{"", "a\x00b", "\xff", strings.Repeat("x", 101)} {
			if _, err := s.Publish(7, text); chat.CodeOf(err) != chat.CodeBadText {
				t.Errorf("publish %.10q: %v", text, err)
			}
		}
		if err := s.PublishNonce(7, 0, "x"); chat.CodeOf(err) != chat.CodeBadRequest {
			t.Errorf("nonce 0: %v", err)
		}
	})
}

func TestWithdraw(t *testing.T) {
	r := newRig(t)
	p := r.login()
	r.join(p)
	first, second, third := r.publish("1"), r.publish("2"), r.publish("3") // the third is held back
	p.Publish()
	p.Publish()
	r.on(func(s *session.Session) {
		if sent, found := s.Withdraw(7, third); sent || !found {
			t.Errorf("withdraw of the third: sent %t, found %t", sent, found)
		}
		if sent, found := s.Withdraw(7, first); !sent || !found {
			t.Errorf("withdraw of the first: sent %t, found %t", sent, found)
		}
		if _, found := s.Withdraw(7, first); found {
			t.Error("the first was withdrawn twice")
		}
	})
	p.Send(sarangv1.SAck, &sarangv1.Ack{Room: 7, Nonce: uint64(first), Seq: 11}) // told to nobody
	p.Send(sarangv1.SAck, &sarangv1.Ack{Room: 7, Nonce: uint64(second), Seq: 12})
	r.wants("ack 7/12")
	p.Barrier()

	fourth := r.publish("4")
	p.Publish()
	r.on(func(s *session.Session) { s.Withdraw(7, fourth) })
	p = r.reconnect(p)
	p.Joined(r.rejoins(p, 3, 10), 3, 10)
	p.Barrier() // the fourth is not sent again
}

// What was withdrawn after it was sent is published again: the answer to the first attempt
// settles it.
func TestPublishAgainWhatWasWithdrawn(t *testing.T) {
	r := newRig(t)
	p := r.login()
	r.join(p)
	nonce := r.publish("1")
	p.Publish()
	r.on(func(s *session.Session) {
		s.Withdraw(7, nonce)
		if err := s.PublishNonce(7, nonce, "another"); chat.CodeOf(err) != chat.CodeBadRequest {
			t.Errorf("another text with the nonce: %v", err)
		}
		if err := s.PublishNonce(7, nonce, "1"); err != nil {
			t.Error(err)
		}
		if err := s.PublishNonce(7, nonce, "1"); chat.CodeOf(err) != chat.CodeBadRequest {
			t.Errorf("once more: %v", err)
		}
	})
	p.Barrier() // nothing is sent
	p.Send(sarangv1.SAck, &sarangv1.Ack{Room: 7, Nonce: uint64(nonce), Seq: 11})
	r.wants("ack 7/11")
}

func TestLeaveEndsWhatIsPending(t *testing.T) {
	r := newRig(t)
	p := r.login()
	r.join(p)
	r.publish("x")
	p.Publish()
	id := r.request(func(s *session.Session) (uint32, error) { return s.Leave(7) })
	p.Want(sarangv1.CLeave, &sarangv1.Leave{Request: id, Room: 7})
	p.Says(11, "still") // until S_LEAVE, events are to be expected
	r.wants("event 7/11 kind=1 juno: still")
	p.Reset()
	r.wants("refused 7 code=12 retrying=false", "disconnected broken")
	p = r.resume() // a room that was being left is not joined again
	r.wants("resumed")
	p.Barrier()
}

func TestPutOut(t *testing.T) {
	r := newRig(t)
	p := r.login()
	r.join(p)
	r.publish("x")
	p.Publish()
	p.Send(sarangv1.SLeave, &sarangv1.Leave{Room: 7})
	r.wants("refused 7 code=12 retrying=false", "left #0 7")
}

// A resuming session has more to send than its direct queue would take at once.
func TestResumeManyLongMessages(t *testing.T) {
	r := newRig(t)
	p := r.login()
	r.join(p)
	r.disconnect(p)
	text := strings.Repeat("x", 60000)
	nonces := make([]chat.Nonce, 40)
	r.on(func(s *session.Session) {
		// A session that has not logged in yet knows no limit for texts.
		fresh := session.New(s.State(), session.NopEvents{})
		for i := range nonces {
			var err error
			if nonces[i], err = fresh.Publish(7, text); err != nil {
				t.Error(err)
			}
		}
	})
	r.connect()
	p = r.server.Accept()
	p.Read()
	p.Send(sarangv1.SLogin, &sarangv1.LoggedIn{Version: 1, User: 9, Name: "Mina"})
	p.Joined(r.rejoins(p, 3, 10), 3, 10)
	for i, nonce := range nonces {
		if m := p.Publish(); m.Nonce != uint64(nonce) || m.Text != text {
			t.Fatalf("message %d has the nonce %x, want %x", i, m.Nonce, nonce)
		}
	}
	p.Barrier()
}

func TestLeaveRefused(t *testing.T) {
	r := newRig(t)
	p := r.login()
	r.join(p)
	leave := func() (uint32, error) {
		var id uint32
		var err error
		r.on(func(s *session.Session) { id, err = s.Leave(7) })
		return id, err
	}
	id, err := leave()
	if err != nil {
		t.Fatal(err)
	}
	p.Want(sarangv1.CLeave, &sarangv1.Leave{Request: id, Room: 7})
	p.Send(sarangv1.SError, &sarangv1.Error{Code: 16, Message: "later", PacketId: sarangv1.CLeave, Request: id})
	r.wants(`error packet=18 #2 room=7 code=16 "later" wait=0s rejoin=false retrying=false`)
	r.publish("still here")
	p.Publish()
	if id, err = leave(); err != nil {
		t.Fatal(err)
	}
	p.Want(sarangv1.CLeave, &sarangv1.Leave{Request: id, Room: 7})
	p.Send(sarangv1.SError, &sarangv1.Error{Code: 12, Message: "not in it", PacketId: sarangv1.CLeave, Request: id})
	r.wants(`error packet=18 #3 room=7 code=12 "not in it" wait=0s rejoin=false retrying=false`,
		"refused 7 code=12 retrying=false")
}

// Rooms beyond the bound of requests are joined as answers come in.
func TestResumeManyRooms(t *testing.T) {
	r := newRig(t)
	p := r.login()
	const rooms = session.RequestsMax + 6
	for room := uint64(100); room < 100+rooms; room++ {
		id := r.request(func(s *session.Session) (uint32, error) { return s.Join(session.Join{Room: chat.RoomID(room)}) })
		p.Read()
		p.Send(sarangv1.SJoin, &sarangv1.Joined{Request: id, Room: &sarangv1.RoomInfo{Id: room, Epoch: 1}})
		if got := clienttest.Get(t, r.told.lines); !strings.HasPrefix(got, "joined") {
			t.Fatalf("told %s", got)
		}
	}
	p = r.reconnect(p)
	for i := range uint64(rooms) {
		p.Want(sarangv1.CJoin, &sarangv1.Join{Request: uint32(1 + i), Room: 100 + i, Cursor: &sarangv1.Cursor{Epoch: 1}})
		if i == session.RequestsMax-1 {
			p.Barrier() // and no more until there is an answer
		}
		if i >= session.RequestsMax-1 {
			for j := i - (session.RequestsMax - 1); j <= i; j += session.RequestsMax {
				p.Send(sarangv1.SJoin, &sarangv1.Joined{Request: uint32(1 + j), Room: &sarangv1.RoomInfo{Id: 100 + j, Epoch: 1}})
			}
		}
	}
	for j := uint64(rooms - session.RequestsMax + 1); j < rooms; j++ {
		p.Send(sarangv1.SJoin, &sarangv1.Joined{Request: uint32(1 + j), Room: &sarangv1.RoomInfo{Id: 100 + j, Epoch: 1}})
	}
	for range rooms {
		if got := clienttest.Get(t, r.told.lines); !strings.HasPrefix(got, "joined") {
			t.Fatalf("told %s", got)
		}
	}
	r.wants("resumed")
}
