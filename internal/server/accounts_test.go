package server_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"sarang/chat"
	"sarang/internal/control"
	"sarang/internal/hub"
	"sarang/internal/jwtauth"
	"sarang/internal/password"
	"sarang/internal/server"
	pb "sarang/proto/sarang/v1"
)

// quickPasswords cost next to nothing.
func quickPasswords(c *server.Config) {
	c.Hub.PasswordCost = password.Cost{MemoryKiB: password.MemoryKiBMin, Passes: 1}
}

// enter logs in with everything that can be said.
func (c *script) enter(m *pb.Login) *pb.LoggedIn {
	c.t.Helper()
	m.VersionMin, m.VersionMax, m.Name = 1, 1, c.name
	c.say(pb.CLogin, m)
	var in pb.LoggedIn
	c.expect(pb.SLogin, &in)
	return &in
}

func (c *script) enterFails(m *pb.Login, code chat.Code) *pb.Error {
	c.t.Helper()
	m.VersionMin, m.VersionMax, m.Name = 1, 1, c.name
	c.say(pb.CLogin, m)
	return c.expectError(uint32(code))
}

func (c *script) done(request uint32) {
	c.t.Helper()
	var d pb.Done
	if c.expect(pb.SDone, &d); d.Request != request {
		c.t.Fatalf("%s: done %d, want %d", c.name, d.Request, request)
	}
}

func (c *script) sessions() []*pb.DeviceSession {
	c.t.Helper()
	c.say(pb.CSessions, &pb.Sessions{Request: 9})
	var l pb.SessionList
	if c.expect(pb.SSessions, &l); l.Request != 9 {
		c.t.Fatalf("%s: sessions %v", c.name, &l)
	}
	return l.Sessions
}

// A guest registers and stays who he is; he logs in by his password elsewhere, changes it,
// and ends what he has left behind.
func TestAccount(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		quickPasswords(&c)
		s := start(t, c)
		phone := dial(t, s, "Ann")
		guest := phone.enter(&pb.Login{Client: "bot 1"})
		if guest.Account || guest.Session == 0 || guest.Limits.PasswordRunesMin != 8 || guest.Limits.PasswordBytesMax != 256 {
			t.Errorf("logged in %v", guest)
		}
		room := phone.join(&pb.Join{Name: "lobby"}).Room.Id
		phone.expectEvent(1, "+ Ann")
		phone.say(pb.CPassword, &pb.ChangePassword{Request: 1, OldPassword: "battery staple", NewPassword: "correct horse"})
		phone.expectError(uint32(chat.CodeBadPassword))
		for _, bad := range []string{"", "short", "a\x00bcdefgh"} {
			phone.say(pb.CRegister, &pb.Register{Request: 2, Password: bad})
			if e := phone.expectError(uint32(chat.CodeBadRequest)); e.Request != 2 || e.PacketId != pb.CRegister {
				t.Errorf("the error is %v", e)
			}
		}
		phone.say(pb.CRegister, &pb.Register{Request: 3, Password: "correct horse"})
		phone.done(3)
		phone.say(pb.CRegister, &pb.Register{Request: 4, Password: "another horse"})
		phone.expectError(uint32(chat.CodeNotAccount))
		phone.publish(room, 1, "still here")
		phone.expectOwn(1, 2, "still here")
		stop(t, s)

		s = start(t, c)
		defer stop(t, s)
		laptop := dial(t, s, "ann")
		laptop.enterFails(&pb.Login{}, chat.CodeNameTaken)
		wrong := laptop.enterFails(&pb.Login{Password: "battery staple"}, chat.CodeBadPassword)
		nobody := dial(t, s, "nobody")
		if e := nobody.enterFails(&pb.Login{Password: "battery staple"}, chat.CodeBadPassword); e.Message != wrong.Message {
			t.Errorf("of nobody: %q, of somebody: %q", e.Message, wrong.Message)
		}
		in := laptop.enter(&pb.Login{Password: "correct horse", Device: "laptop", Client: "bot 2"})
		if in.User != guest.User || in.Name != "Ann" || !in.Account || in.Session == guest.Session || in.SentCount != 1 {
			t.Errorf("by the password: %v", in)
		}
		phone = dial(t, s, "Ann")
		if again := phone.enter(&pb.Login{Token: guest.Token}); again.User != guest.User || !again.Account || again.Session != guest.Session {
			t.Errorf("by the token: %v", again)
		}
		list := laptop.sessions()
		if len(list) != 2 {
			t.Fatalf("sessions %v", list)
		}
		for _, d := range list {
			want := &pb.DeviceSession{Id: in.Session, Device: "laptop", Address: "127.0.0.1", Connections: 1, Current: true}
			if d.Id == guest.Session {
				want = &pb.DeviceSession{Id: guest.Session, Device: "bot 1", Address: "127.0.0.1", Connections: 1}
			}
			want.CreatedMs, want.SeenMs = d.CreatedMs, d.SeenMs
			if d.CreatedMs == 0 || d.SeenMs < d.CreatedMs || d.String() != want.String() {
				t.Errorf("session %v, want %v", d, want)
			}
		}

		// A new password ends the others.
		laptop.say(pb.CPassword, &pb.ChangePassword{Request: 5, OldPassword: "correct horse", NewPassword: "correct horses"})
		laptop.done(5)
		phone.expectEnd(uint32(chat.CodeSessionEnded))
		dial(t, s, "Ann").enterFails(&pb.Login{Token: guest.Token}, chat.CodeBadToken)
		phone = dial(t, s, "Ann")
		phone.enterFails(&pb.Login{Password: "correct horse"}, chat.CodeBadPassword)
		own := []byte("made up by a client")
		second := phone.enter(&pb.Login{Password: "correct horses", Token: own})
		again := dial(t, s, "Ann").enter(&pb.Login{Password: "correct horses", Token: own}) // the answer was lost
		if again.Session != second.Session || string(again.Token) != string(own) {
			t.Errorf("the same login again: %v and %v", second, again)
		}

		// Each ends the other one, and himself.
		phone.say(pb.CEndSession, &pb.EndSession{Request: 6})
		phone.expectError(uint32(chat.CodeBadRequest))
		phone.say(pb.CEndSession, &pb.EndSession{Request: 6, Session: in.Session})
		phone.done(6)
		laptop.expectEnd(uint32(chat.CodeSessionEnded))
		if list := phone.sessions(); len(list) != 1 || list[0].Id != second.Session || list[0].Connections != 2 || !list[0].Current {
			t.Errorf("sessions %v", list)
		}
		phone.say(pb.CEndSession, &pb.EndSession{Request: 7, Others: true})
		phone.done(7)
		phone.barrier()
		phone.say(pb.CEndSession, &pb.EndSession{Request: 8, Session: second.Session})
		phone.done(8)
		phone.expectEnd(uint32(chat.CodeSessionEnded))
		dial(t, s, "Ann").enterFails(&pb.Login{Token: own}, chat.CodeBadToken)
	})
}

// Who is new registers at once; so does a guest with his token.
func TestRegisterAtLogin(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		quickPasswords(&c)
		s := start(t, c)
		defer stop(t, s)
		own := []byte("made up by a client")
		ben := dial(t, s, "벤")
		ben.enterFails(&pb.Login{Register: true}, chat.CodeBadRequest)
		ben.enterFails(&pb.Login{Register: true, Password: "짧은 비밀번호"}, chat.CodeBadRequest)
		in := ben.enter(&pb.Login{Register: true, Password: "아주 긴 비밀번호", Token: own})
		again := dial(t, s, "벤").enter(&pb.Login{Register: true, Password: "아주 긴 비밀번호", Token: own})
		if !in.Account || !again.Account || again.User != in.User || again.Session != in.Session {
			t.Errorf("registered %v, and again %v", in, again)
		}
		dial(t, s, "벤").enterFails(&pb.Login{Register: true, Password: "아주 긴 비밀번호"}, chat.CodeNameTaken)
		if by := dial(t, s, "벤").enter(&pb.Login{Password: "아주 긴 비밀번호"}); by.User != in.User {
			t.Errorf("by the password: %v", by)
		}
		cat := dial(t, s, "Cat").enter(&pb.Login{})
		kept := dial(t, s, "Cat").enter(&pb.Login{Token: cat.Token, Register: true, Password: "whiskers1"})
		if kept.User != cat.User || !kept.Account {
			t.Errorf("a guest who registers with his login: %v", kept)
		}
		if by := dial(t, s, "cat").enter(&pb.Login{Password: "whiskers1"}); by.User != cat.User {
			t.Errorf("by the password: %v", by)
		}
	})
}

// Who registers shows a code, which is used as often as it says; without guests nobody else is
// let in, and no answer tells who has a name.
func TestRegistration(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		quickPasswords(&c)
		c.DataDir = shortDir(t)
		c.Hub.Registration, c.Hub.NoGuests = hub.RegistrationCode, true
		s := start(t, c)
		code := operate[control.Invitation](t, c.DataDir, "invite", control.InviteArgs{Seconds: 3600, Note: "for Ann"}).Code
		const secret = "correct horse"
		ann, ben := dial(t, s, "Ann"), dial(t, s, "Ben")
		ann.enterFails(&pb.Login{}, chat.CodeNeedsPassword)
		ann.enterFails(&pb.Login{Token: []byte("made up by a client")}, chat.CodeBadToken)
		for _, bad := range []string{"", "K7QD-M2XA-9999-9999", "x"} {
			ann.enterFails(&pb.Login{Password: secret, Register: true, Invitation: bad}, chat.CodeNoRegistration)
		}
		in := ann.enter(&pb.Login{Password: secret, Register: true, Invitation: strings.ToLower(code)})
		if !in.Account {
			t.Errorf("registered: %v", in)
		}
		ben.enterFails(&pb.Login{Password: secret, Register: true, Invitation: code}, chat.CodeNoRegistration)
		operate[control.PasswordResult](t, c.DataDir, "user-password", control.PasswordArgs{Who: "Ann", Password: "battery staple"})
		ann.expectEnd(uint32(chat.CodeSessionEnded))
		ann = dial(t, s, "Ann")
		ann.enterFails(&pb.Login{Token: in.Token}, chat.CodeBadToken)
		ann.enterFails(&pb.Login{Password: secret}, chat.CodeBadPassword)
		in = ann.enter(&pb.Login{Password: "battery staple"})
		stop(t, s)

		c.Hub.Registration = hub.RegistrationClosed
		s = start(t, c)
		for _, m := range []*pb.Login{
			{}, {Token: []byte("made up by a client")}, {Password: secret}, {Password: secret, Register: true}, {Password: secret, Register: true, Invitation: code},
		} {
			var told []string
			for _, name := range []string{"Ann", "Ben"} {
				x := dial(t, s, name)
				m.VersionMin, m.VersionMax, m.Name = 1, 1, name
				x.say(pb.CLogin, m)
				var e pb.Error
				x.expect(pb.SError, &e)
				told = append(told, fmt.Sprint(e.Code, strings.ReplaceAll(e.Message, name, "")))
			}
			if told[0] != told[1] {
				t.Errorf("of somebody %q, of nobody %q", told[0], told[1])
			}
		}
		back := dial(t, s, "Ann").enter(&pb.Login{Token: in.Token})
		if back.User != in.User {
			t.Errorf("an account comes back as %v", back)
		}
		stop(t, s)
	})
}

// Who erases himself is nobody: what he has said stays.
func TestEraseUser(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		quickPasswords(&c)
		s := start(t, c)
		ann, ben := dial(t, s, "Ann"), user(t, s, "Ben")
		in := ann.enter(&pb.Login{Password: "correct horse", Register: true})
		room := ann.join(&pb.Join{Name: "lobby"}).Room.Id
		ann.expectEvent(1, "+ Ann")
		ann.publish(room, 1, "I was here")
		ann.expectOwn(1, 2, "I was here")
		ann.say(pb.CErase, &pb.EraseUser{Request: 1, Password: "battery staple"})
		ann.expectError(uint32(chat.CodeBadPassword))
		ann.say(pb.CErase, &pb.EraseUser{Request: 2, Password: "correct horse"})
		ann.done(2)
		ann.expectEnd(uint32(chat.CodeSessionEnded))
		dial(t, s, "Ann").enterFails(&pb.Login{Token: in.Token}, chat.CodeBadToken)
		dial(t, s, "Ann").enterFails(&pb.Login{Password: "correct horse"}, chat.CodeBadPassword)
		dial(t, s, "Ann").enterFails(&pb.Login{}, chat.CodeNameTaken)
		ben.say(pb.CErase, &pb.EraseUser{Request: 3})
		ben.done(3)
		ben.expectEnd(uint32(chat.CodeSessionEnded))
		stop(t, s)

		s = start(t, c)
		defer stop(t, s)
		cat := user(t, s, "Cat")
		var page pb.HistoryPage
		cat.say(pb.CHistory, &pb.History{Room: room, After: 1, ItemsMax: 1})
		cat.expect(pb.SHistory, &page)
		if len(page.Events) != 1 || page.Events[0].Name != chat.ErasedName || page.Events[0].Text != "I was here" {
			t.Errorf("history %v", &page)
		}
	})
}

// Whom another program knows is let in by its token, and is for ever who he was.
func TestJWT(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		quickPasswords(&c)
		secret := []byte("a secret that has thirty-two bytes at least")
		c.JWT = jwtauth.Config{Issuer: "https://id.example", Audience: "chat", Key: filepath.Join(t.TempDir(), "key")}
		if err := os.WriteFile(c.JWT.Key, secret, 0o600); err != nil {
			t.Fatal(err)
		}
		c.Hub.Registration, c.Hub.NoGuests = hub.RegistrationClosed, true
		token := func(sub, name string, key []byte, rooms ...string) string {
			signed, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
				"iss": "https://id.example", "aud": "chat", "exp": time.Now().Add(time.Hour).Unix(), "sub": sub, "name": name, "rooms": rooms,
			}).SignedString(key)
			if err != nil {
				t.Fatal(err)
			}
			return signed
		}
		s := start(t, c)
		ann := dial(t, s, "").enter(&pb.Login{Jwt: token("7", "Ann", secret)})
		if ann.Name != "Ann" || !ann.Account || len(ann.Token) == 0 {
			t.Errorf("logged in %v", ann)
		}
		ben := dial(t, s, "Ben").enter(&pb.Login{Jwt: token("8", "", secret), Token: ann.Token})
		if ben.Name != "Ben" || ben.User == ann.User {
			t.Errorf("who comes with his own token and another's: %v", ben)
		}
		// A token invites to rooms.
		host := dial(t, s, "")
		host.enter(&pb.Login{Jwt: token("7", "Ann", secret)})
		host.say(pb.CCreate, &pb.Create{Request: 1, Name: "council", Private: true})
		var made pb.Created
		host.expect(pb.SCreate, &made)
		guest := dial(t, s, "")
		guest.enter(&pb.Login{Jwt: token("8", "", secret, "council", "nowhere", "!")})
		var belongs pb.Belongs
		if guest.expect(pb.SBelongs, &belongs); belongs.Room != made.Room.Id {
			t.Errorf("he belongs to %d, want %d", belongs.Room, made.Room.Id)
		}
		guest.join(&pb.Join{Room: belongs.Room})
		dial(t, s, "").enterFails(&pb.Login{Jwt: token("9", "Ann", secret)}, chat.CodeNameTaken)
		dial(t, s, "Cat").enterFails(&pb.Login{Jwt: token("9", "Cat", []byte("another secret of thirty-two bytes, too"))}, chat.CodeBadToken)
		dial(t, s, "Ann").enterFails(&pb.Login{Password: chat.ExternalPassword}, chat.CodeBadPassword)
		stop(t, s)

		s = start(t, c)
		defer stop(t, s)
		if again := dial(t, s, "").enter(&pb.Login{Jwt: token("7", "Anna", secret)}); again.User != ann.User || again.Name != "Ann" || again.Session == ann.Session {
			t.Errorf("he comes back as %v", again)
		}
		if again := dial(t, s, "Ann").enter(&pb.Login{Token: ann.Token}); again.User != ann.User || again.Session != ann.Session {
			t.Errorf("by the token he is %v", again)
		}
	})
}
