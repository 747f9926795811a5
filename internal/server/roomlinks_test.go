package server_test

import (
	"strings"
	"testing"
	"time"

	"sarang/chat"
	"sarang/client"
	"sarang/internal/server"
)

// Ann invites by a link that she passes on; Bob comes by it, once; she sees that he did, and revokes the
// next one. Who may make links is what the table of rights says.
func TestRoomLinks(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		c.DataDir = shortDir(t)
		s := start(t, c)
		defer stop(t, s)
		dialSDK := func(name string) *client.Client {
			k, err := client.Dial(t.Context(), client.Config{Addr: s.Addrs()[0].Addr.String(), Name: name, DiscardEvents: true, Logger: c.Logger})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = k.Close() })
			return k
		}
		ctx, ann, bob, cid := t.Context(), dialSDK("ann"), dialSDK("bob"), dialSDK("cid")
		made, err := ann.Join(ctx, client.Join{Name: "council", Create: true, Private: true})
		if err != nil {
			t.Fatal(err)
		}
		room := made.Room.ID
		link, code, err := ann.MakeLink(ctx, room, time.Hour, 1)
		if err != nil || link.ID == 0 || link.ByName != "ann" || link.UsesMax != 1 || link.Expires.Sub(link.Created) != time.Hour {
			t.Fatalf("%+v, %v", link, err)
		}
		if _, is := chat.RoomLinkCode(code); !is || strings.ToUpper(code) != code {
			t.Errorf("the code is %q", code)
		}
		wrong := "AAAA" + code[4:]
		for _, text := range []string{wrong, "nonsense", ""} {
			if _, err := cid.JoinLink(ctx, text); chat.CodeOf(err) != chat.CodeNoRoom || err.Error() != chat.NoRoomLink().Error() {
				t.Errorf("%q: %v", text, err)
			}
		}
		in, err := bob.JoinLink(ctx, "http://example.org/chat/"+chat.RoomLinkMark+code)
		if err != nil || in.ID != room || in.Name != "council" || !in.Private {
			t.Fatalf("%+v, %v", in, err)
		}
		if _, err := bob.Join(ctx, client.Join{Room: room}); err != nil {
			t.Fatal(err)
		}
		if _, err := cid.JoinLink(ctx, code); chat.CodeOf(err) != chat.CodeNoRoom || err.Error() != chat.NoRoomLink().Error() {
			t.Errorf("a link that was used: %v", err)
		}
		// It is there until another one is made, and says what became of it.
		if all, err := ann.Links(ctx, room); err != nil || len(all) != 1 || all[0].Uses != 1 || all[0].ID != link.ID {
			t.Errorf("%+v, %v", all, err)
		}
		for role, want := range map[chat.Role]chat.Code{
			chat.RoleReader: chat.CodeForbidden, chat.RoleMember: chat.CodeForbidden, chat.RoleModerator: 0, chat.RoleOwner: 0,
		} {
			if _, err := ann.GiveRole(ctx, room, client.GiveRole{Name: "bob", Role: role}); err != nil {
				t.Fatal(err)
			}
			_, _, err := bob.MakeLink(ctx, room, 0, 0)
			if chat.CodeOf(err) != want {
				t.Errorf("%v makes a link: %v", role, err)
			}
			if _, err = bob.Links(ctx, room); chat.CodeOf(err) != want {
				t.Errorf("%v sees the links: %v", role, err)
			}
		}
		if _, _, err := cid.MakeLink(ctx, room, 0, 0); chat.CodeOf(err) != chat.CodeNoRoom {
			t.Errorf("who is nothing there makes a link: %v", err)
		}
		link, code, err = ann.MakeLink(ctx, room, 0, 0)
		if err != nil || !link.Expires.IsZero() {
			t.Fatalf("%+v, %v", link, err)
		}
		if err := ann.RevokeLink(ctx, room, link.ID); err != nil {
			t.Fatal(err)
		}
		if err := ann.RevokeLink(ctx, room, link.ID); chat.CodeOf(err) != chat.CodeBadRequest {
			t.Errorf("a link that was revoked: %v", err)
		}
		if _, err := cid.JoinLink(ctx, code); chat.CodeOf(err) != chat.CodeNoRoom || err.Error() != chat.NoRoomLink().Error() {
			t.Errorf("a link that was revoked: %v", err)
		}
		log, err := ann.Audit(ctx, room, chat.AuditMark{})
		if err != nil {
			t.Fatal(err)
		}
		var whats []string
		for _, e := range log.Entries {
			if e.Act == chat.AuditInvite {
				whats = append(whats, e.ByName+": "+e.What)
			}
		}
		if n := len(whats); n != 5 || whats[n-1] != "ann: link made, uses: 1" || !strings.HasPrefix(whats[0], "ann: link ") || !strings.HasSuffix(whats[0], " revoked") {
			t.Errorf("the audit log has %q", whats)
		}
	})
}
