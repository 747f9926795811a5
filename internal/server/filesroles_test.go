package server_test

import (
	"fmt"
	"net/http"
	"testing"

	"sarang/chat"
	pb "sarang/proto/sarang/v1"
)

// TestFilesOfRoles is the row of the table role × action for files: who may read history may have
// the files that messages name, in a public room, a private one, and by name of each role.
func TestFilesOfRoles(t *testing.T) {
	c := oneServer(t)
	c.DataDir = t.TempDir()
	s, nobody := filesServer(t, c)
	defer stop(t, s)
	owner, other := dial(t, s, "owner"), dial(t, s, "other")
	_, hers := owner.loggedIn("owner")
	_, his := other.loggedIn("other")
	file := as(nobody, hers).upload("a", []byte("something"))
	nonce := uint64(0)
	for _, private := range []bool{false, true} {
		room := owner.joining(fmt.Sprintf("room-%t", private), private)
		nonce++
		owner.say(pb.CChat, &pb.Publish{Room: room, Nonce: nonce, Files: []uint64{uint64(file.ID)}})
		var ack pb.Ack
		for ack.Nonce != nonce || ack.Room != room {
			owner.next(pb.SAck, &ack)
		}
		at := fmt.Sprintf("/files/%d/%d/%d", room, ack.Seq, file.ID)
		of := chat.Room{ID: chat.RoomID(room), Private: private, Creator: 99}
		for role := chat.RoleNone; role <= chat.RoleOwner; role++ {
			if role != chat.RoleNone || private { // none is what the room gives
				nonce++
				owner.say(pb.CRole, &pb.GiveRole{Room: room, Nonce: nonce, Name: "other", Role: uint32(role)})
				owner.settled(room, nonce)
			}
			is := of.Role(1, role)
			status, code := http.StatusOK, chat.Code(0)
			switch {
			case is.May(chat.ActionHistory):
			case of.Hides(is):
				status, code = http.StatusNotFound, chat.CodeNoRoom
			default:
				status, code = http.StatusForbidden, chat.CodeForbidden
			}
			as(nobody, his).want(status, code, "GET", at, nil)
		}
	}
}
