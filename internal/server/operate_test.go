package server_test

import (
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
