package server_test

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sarang/chat"
	"sarang/internal/control"
	"sarang/internal/hub"
	"sarang/internal/server"
	pb "sarang/proto/sarang/v1"
)

// Whoever operates the server gives somebody another password, and is obeyed at once: the
// connections are over, the token is nobody's, and the password lets him in. Then he is erased.
func TestPasswordIsReset(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		c.DataDir = shortDir(t)
		quickPasswords(&c)
		s := start(t, c)
		defer stop(t, s)
		bob, other := dial(t, s, "bob"), dial(t, s, "bob")
		in := bob.login(nil)
		other.login(in.Token)
		got := operate[control.PasswordResult](t, c.DataDir, "user-password", control.PasswordArgs{Who: "bob"})
		if got.Password == "" || got.User.ID != chat.UserID(in.User) {
			t.Fatalf("%+v", got)
		}
		bob.expectEnd(uint32(chat.CodeSessionEnded))
		other.expectEnd(uint32(chat.CodeSessionEnded))
		dial(t, s, "bob").enterFails(&pb.Login{Token: in.Token}, chat.CodeBadToken)
		bob = dial(t, s, "bob")
		if u := bob.enter(&pb.Login{Password: got.Password}); u.User != in.User {
			t.Errorf("he is user %d now", u.User)
		}
		if u := operate[control.User](t, c.DataDir, "user-erase", control.WhoArgs{Who: "bob"}); u.ID != chat.UserID(in.User) || u.Name != chat.ErasedName {
			t.Errorf("erased: %+v", u)
		}
		bob.expectEnd(uint32(chat.CodeSessionEnded))
		dial(t, s, "bob").enterFails(&pb.Login{Password: got.Password}, chat.CodeBadPassword)
	})
}

// An invitation code that was made by command lets in as many as it says.
func TestInvitationByCommand(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		c.DataDir = shortDir(t)
		quickPasswords(&c)
		c.Hub.Registration, c.Hub.NoGuests = hub.RegistrationCode, true
		s := start(t, c)
		defer stop(t, s)
		i := operate[control.Invitation](t, c.DataDir, "invite", control.InviteArgs{Note: "friends"})
		dial(t, s, "ann").enter(&pb.Login{Password: "correct horse", Register: true, Invitation: i.Code})
		dial(t, s, "ben").enterFails(&pb.Login{Password: "correct horse", Register: true, Invitation: i.Code}, chat.CodeNoRegistration)
		all := operate[control.Invitations](t, c.DataDir, "invite-list", control.InvitationsArgs{})
		if len(all.Invitations) > 1 || len(all.Invitations) == 1 && (all.Invitations[0].UsesLeft != 0 || all.Invitations[0].Code != "") {
			t.Errorf("%+v", all.Invitations)
		}
	})
}

// Whoever operates the server sets, renames and deletes a room in which people are: they are told,
// and what they say next is judged by it.
func TestRoomByCommand(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		c.DataDir = shortDir(t)
		s := start(t, c)
		defer stop(t, s)
		ann := user(t, s, "ann")
		room := ann.join(&pb.Join{Name: "tea"}).Room.Id
		ann.saying(room, 1, "hello")
		byServer := func(kind chat.EventKind, text string, value uint32) {
			t.Helper()
			var e pb.Event
			for e.Kind != pb.EventKind(kind) {
				ann.next(pb.SChat, &e)
			}
			if e.User != 0 || e.Name != "" || e.Text != text || e.Value != value {
				t.Errorf("she is told %v", &e)
			}
		}
		set := func(kind chat.EventKind, text string, value uint32) control.Room {
			return operate[control.Room](t, c.DataDir, "room-set", control.SetArgs{Room: "id:" + strconv.FormatUint(room, 10), Setting: kind, Text: text, Value: value})
		}
		if r := set(chat.EventArchive, "", 1); !r.Archived {
			t.Errorf("archived it is %+v", r)
		}
		byServer(chat.EventArchive, "", 1)
		ann.publish(room, 2, "more")
		ann.refused(chat.CodeArchived)
		last := set(chat.EventArchive, "", 1).LastSeq // it is so already
		if r := set(chat.EventArchive, "", 0); r.Archived || r.LastSeq != last+1 {
			t.Errorf("opened again it is %+v", r)
		}
		byServer(chat.EventArchive, "", 0)
		if r := set(chat.EventDescribe, "green", 0); r.Description != "green" {
			t.Errorf("described it is %+v", r)
		}
		byServer(chat.EventDescribe, "green", 0)
		if r := set(chat.EventName, "Coffee", 0); r.Name != "Coffee" {
			t.Errorf("renamed it is %+v", r)
		}
		byServer(chat.EventName, "Coffee", 0)
		shown := operate[control.ShownRoom](t, c.DataDir, "room-show", control.WhichArgs{Room: "coffee"})
		var what []string
		for _, e := range shown.Audit {
			if e.By != 0 {
				t.Errorf("the audit log has %+v", e)
			}
			what = append(what, e.What)
		}
		slices.Sort(what) // all may be of one millisecond
		if got := strings.Join(what, ";"); got != "archived;description: green;not archived any more;renamed: tea is Coffee" {
			t.Errorf("the audit log has %s", got)
		}
		operate[control.Room](t, c.DataDir, "room-delete", control.WhichArgs{Room: "coffee"})
		var l pb.Leave
		if ann.next(pb.SLeave, &l); l.Room != room || l.Code != uint32(chat.CodeRoomDeleted) || l.Message != "the room was deleted by the operator of the server" {
			t.Errorf("she is told %v", &l)
		}
		if all := operate[control.Rooms](t, c.DataDir, "room-list", control.RoomsArgs{}); len(all.Rooms) != 0 {
			t.Errorf("there are %+v", all.Rooms)
		}
		for _, refused := range []struct {
			do   string
			args any
			code chat.Code
		}{
			{"room-delete", control.WhichArgs{Room: "coffee"}, chat.CodeNoRoom},
			{"room-set", control.SetArgs{Room: "coffee", Setting: chat.EventSlow, Value: 1}, chat.CodeNoRoom},
			{"room-set", control.SetArgs{Room: "coffee", Setting: chat.EventMessage}, chat.CodeBadRequest},
		} {
			args, _ := json.Marshal(refused.args)
			if _, err := control.Ask(t.Context(), c.DataDir, control.Request{Do: refused.do, Args: args}, func(control.Answer) {}); chat.CodeOf(err) != refused.code {
				t.Errorf("%s %s: %v", refused.do, args, err)
			}
		}
	})
}
