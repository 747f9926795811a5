package ws_test

import (
	"context"
	"strings"
	"testing"

	"sarang/aio/aiosim"
	"sarang/chat"
	"sarang/internal/store/storesim"
	"sarang/packet"
	pb "sarang/proto/sarang/v1"
)

// wordy is a store in which users have names that no packet can carry.
type wordy struct{ *storesim.Store }

func (s wordy) User(ctx context.Context, id chat.UserID) (chat.User, error) {
	u, err := s.Store.User(ctx, id)
	u.Name = strings.Repeat("x", packet.SizeMax)
	return u, err
}

// Who asks for something whose answer fits into no packet is told so, and does not wait for ever.
func TestAnswerTooLarge(t *testing.T) {
	r := newRigOn(t, wordy{storesim.NewDisk(nil).Open()}, 1, aiosim.Faults{})
	defer r.close()
	p := r.dial(native)
	p.say(encoded(t, pb.CLogin, &pb.Login{VersionMin: pb.Version, VersionMax: pb.Version, Name: "ann"}))
	p.got = nil
	p.say(encoded(t, pb.CProfile, &pb.LookUp{Request: 7}))
	got, n, err := packet.Split(p.got)
	if err != nil || n != len(p.got) {
		t.Fatalf("%d bytes came, %v; want one packet", len(p.got), err)
	}
	var e pb.Error
	if err := e.UnmarshalVT(got.Payload); got.ID != pb.SError || err != nil || e.Request != 7 || chat.Code(e.Code) != chat.CodeInternal {
		t.Errorf("packet %d, %v, %v; want an error of request 7", got.ID, &e, err)
	}
	p.got = nil
	p.say(aPing(t))
	if string(p.got) != string(anAnswer(t)) {
		t.Errorf("afterwards a ping is answered by %x", p.got)
	}
}
