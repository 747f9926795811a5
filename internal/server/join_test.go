package server_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"sarang/chat"
	"sarang/internal/server"
	pb "sarang/proto/sarang/v1"
)

// makings counts how often a store is asked to make a room.
type makings struct {
	chat.Store
	asked atomic.Int64
}

func (m *makings) CreateRoom(ctx context.Context, r chat.Room, q chat.RoomQuota) (chat.Room, error) {
	m.asked.Add(1)
	return m.Store.CreateRoom(ctx, r, q)
}

// TestManyMakeTheSameRoom has many sessions join a room that none of them finds: one
// makes it, and all are in. The store is asked once by each worker at most. Who asks for a room
// that is there, and not to join it, is told so.
func TestManyMakeTheSameRoom(t *testing.T) {
	const rounds = 20
	eachServer(t, func(t *testing.T, c server.Config) {
		store := new(makings)
		c.WrapStore(func(real chat.Store) chat.Store {
			store.Store = real
			return store
		})
		s := start(t, c)
		defer stop(t, s)
		var all []*script
		for i := range 8 {
			all = append(all, user(t, s, fmt.Sprint("u", i)))
		}
		for round := range rounds {
			for _, u := range all {
				u.say(pb.CJoin, &pb.Join{Name: fmt.Sprint("room", round), Create: true})
			}
			for _, u := range all {
				for id := uint16(0); id != pb.SJoin; {
					got, payload, err := u.read()
					if err != nil || got == pb.SError {
						t.Fatalf("%s: %s %v", u.name, describe(got, payload), err)
					}
					id = uint16(got)
				}
			}
		}
		late := user(t, s, "late")
		late.say(pb.CCreate, &pb.Create{Name: "ROOM0"})
		late.expectError(uint32(chat.CodeRoomExists))
		if n := store.asked.Load(); n < rounds || n > int64(rounds*c.Workers) {
			t.Errorf("the store was asked %d times to make %d rooms", n, rounds)
		}
	})
}

// TestJoinByAnySpelling joins a room by its name as it was created, by others that are
// the same name, and by its number.
func TestJoinByAnySpelling(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		s := start(t, c)
		defer stop(t, s)
		made := user(t, s, "maker").join(&pb.Join{Name: "Sarang-Bang", Ephemeral: true}).Room
		for i, ask := range []*pb.Join{
			{Name: "Sarang-Bang"},
			{Name: "sarang-bang"},
			{Name: "ＳＡＲＡＮＧ-bang"},
			{Name: "SARANG-BANG", Create: true},
			{Room: made.Id},
			{Room: made.Id, Name: "elsewhere"},
		} {
			u := user(t, s, fmt.Sprint("u", i))
			u.say(pb.CJoin, ask)
			var j pb.Joined
			u.expect(pb.SJoin, &j)
			if r := j.Room; r.Id != made.Id || r.Name != "Sarang-Bang" || !r.Ephemeral || r.Members != uint32(i)+2 || r.Epoch != made.Epoch {
				t.Errorf("%v: room %v, want %v with %d members", ask, r, made, i+2)
			}
		}
		u := user(t, s, "stranger")
		for _, wrong := range []struct {
			ask  *pb.Join
			code chat.Code
		}{
			{&pb.Join{Name: "sarang_bang"}, chat.CodeNoRoom},
			{&pb.Join{Name: "#Sarang-Bang"}, chat.CodeBadName},
			{&pb.Join{Name: "Sarang-Bang "}, chat.CodeBadName},
			{&pb.Join{}, chat.CodeBadName},
			{&pb.Join{Room: made.Id + 1, Name: "Sarang-Bang"}, chat.CodeNoRoom},
		} {
			u.say(pb.CJoin, wrong.ask)
			u.expectError(uint32(wrong.code))
		}
	})
}

// TestJoinSeveral has a session go from one room to three and back to one, in whatever
// order, and hear in each what is said there and nothing of those that it has left.
func TestJoinSeveral(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		s := start(t, c)
		defer stop(t, s)
		talker, guest := user(t, s, "talker"), user(t, s, "guest")
		var ids [3]uint64
		for i := range ids {
			ids[i] = talker.join(&pb.Join{Name: fmt.Sprint("r", i)}).Room.Id
			talker.expectEvent(1, "+ talker")
		}
		seq, in := [3]uint64{1, 1, 1}, [3]bool{}
		for step, i := range []int{0, 1, 2, 1, 0, 0, 2, 2} {
			event := "+ guest"
			if in[i] = !in[i]; in[i] {
				guest.join(&pb.Join{Room: ids[i]})
			} else {
				event = "- guest"
				guest.say(pb.CLeave, &pb.Leave{Room: ids[i]})
				guest.expect(pb.SLeave, new(pb.Leave))
			}
			seq[i]++
			talker.expectEvent(seq[i], event)
			if in[i] {
				guest.expectEvent(seq[i], event)
			}
			for r, id := range ids {
				seq[r]++
				text := fmt.Sprint("step", step)
				talker.publish(id, uint64(step)+1, text)
				talker.expectOwn(uint64(step)+1, seq[r], text)
				if in[r] {
					guest.expectEvent(seq[r], "talker: "+text)
				}
			}
		}
	})
}
