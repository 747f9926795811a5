package server_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"sarang/chat"
	"sarang/client"
	"sarang/internal/control"
	"sarang/internal/server"
	"sarang/packet"
	pb "sarang/proto/sarang/v1"
)

// asker is somebody who asks for things in a room, over some road, and is told a code; 0:
// it was done.
type asker interface {
	id() uint64
	join(room uint64) uint32
	leave(room uint64)
	history(room uint64) uint32
	search(room uint64) uint32
	members(room uint64) uint32
	seenBy(room uint64) uint32
	mark(room uint64) uint32
	report(room, seq uint64) uint32
	reports(room uint64) uint32
	audit(room uint64) uint32
	resolve(room, report uint64) uint32
	topic(room uint64) uint32
	filter(room uint64) uint32
	setFilter(room uint64, words ...string) uint32
	makeLink(room uint64) uint32
	links(room uint64) uint32
	revokeLink(room uint64) uint32
	set(room uint64, set chat.Setting) uint32
	deleteRoom(room uint64) uint32
	purge(room, user uint64) uint32
	everybody(room uint64) uint32
	picked(room uint64) uint32
	publish(room uint64) uint32
	give(room, user uint64, role chat.Role) uint32
	kick(room, user uint64) uint32
	reply(room, target uint64) (seq uint64, code uint32)
	change(room, target uint64, kind chat.EventKind) uint32
}

// roleTable is what each role may do, as docs/PROTOCOL.md says.
var roleTable = [...]string{
	chat.RoleNone:      "join history members mark report publish edit delete react",
	chat.RoleBanned:    "",
	chat.RoleReader:    "join history members mark report",
	chat.RoleMember:    "join history members mark report publish edit delete react",
	chat.RoleModerator: "join history members mark report publish topic everybody slow invite filter edit delete react erase pin reports",
	chat.RoleOwner:     "join history members mark report publish topic everybody slow settings invite filter edit delete react erase pin reports",
	chat.RoleOperator:  "join history members mark report publish topic everybody slow settings invite filter edit delete react erase pin reports",
}

// mayRule says whether somebody with a role may do something to one who has old, and make
// him next.
func mayRule(by, old, next chat.Role) bool {
	below := func(r chat.Role) bool { return r < chat.RoleModerator }
	return by >= chat.RoleOwner || by == chat.RoleModerator && below(old) && below(next)
}

// Every cell of role and action, asked for over the wire by somebody who has the role.
func TestRoleTable(t *testing.T) {
	for name, enter := range map[string]func(*testing.T, *running, string) asker{"native": enterNative, "sdk": enterSDK} {
		t.Run(name, func(t *testing.T) {
			c := server.Default()
			c.Web = server.Address{}
			c.Listen = server.Native(netip.MustParseAddrPort("127.0.0.1:0"))
			c.HTTP, c.DataDir, c.Workers, c.Debug = server.Nowhere, shortDir(t), 2, true
			c.Logger = slog.New(slog.DiscardHandler)
			s := start(t, c)
			defer stop(t, s)
			maker := user(t, s, "maker")
			room := maker.join(&pb.Join{Name: "table"}).Room.Id
			owner := &nativeAsker{script: maker}
			said := uint64(2) // behind her join
			if code := owner.publish(room); code != 0 {
				t.Fatal(code)
			}
			actor, subject := enter(t, s, "actor"), enterNative(t, s, "subject")
			for role := chat.RoleNone; role <= chat.RoleOwner; role++ {
				tryRole(t, room, said, owner, actor, subject, role)
			}
			// An operator of the server may do all of it, whatever the room gives him.
			if code := owner.give(room, actor.id(), chat.RoleBanned); code != 0 {
				t.Fatal(code)
			}
			if made := operate[control.User](t, c.DataDir, "user-operator", control.OperatorArgs{Who: "actor"}); !made.Operator {
				t.Fatalf("%+v", made)
			}
			tryRole(t, room, said, owner, actor, subject, chat.RoleOperator)
			for _, role := range []chat.Role{chat.RoleNone, chat.RoleBanned, chat.RoleMember} {
				if code := owner.give(room, actor.id(), role); code != uint32(chat.CodeForbidden) {
					t.Errorf("the owner makes %v of an operator: code %d", role, code)
				}
			}
			if code := owner.kick(room, actor.id()); code != uint32(chat.CodeForbidden) {
				t.Errorf("the owner sends an operator out: code %d", code)
			}
			if code := actor.deleteRoom(room); code != 0 {
				t.Errorf("an operator deletes a room: code %d", code)
			}
			if code := owner.history(room); code != uint32(chat.CodeNoRoom) {
				t.Errorf("its history, when it was deleted: code %d", code)
			}
			mine := maker.join(&pb.Join{Name: "mine", Create: true}).Room.Id
			if code := owner.deleteRoom(mine); code != 0 {
				t.Errorf("its owner deletes a room: code %d", code)
			}
		})
	}
}

// rules reports whether a role sees what is reported.
func rules(r chat.Role) bool { return strings.HasSuffix(roleTable[r], " reports") }

func tryRole(t *testing.T, room, said uint64, owner, actor, subject asker, role chat.Role) {
	t.Helper()
	want := func(what string, got uint32, may bool, otherwise chat.Code) {
		t.Helper()
		code := uint32(0)
		if !may {
			code = uint32(otherwise)
		}
		if got != code {
			t.Errorf("somebody of role %v wants to %s: code %d, want %d", role, what, got, code)
		}
	}
	prepare := func(user uint64, role chat.Role) {
		t.Helper()
		if code := owner.give(room, user, role); code != 0 {
			t.Fatalf("the owner gives role %v: code %d", role, code)
		}
	}
	if role != chat.RoleOperator {
		prepare(actor.id(), role)
	}
	actor.leave(room)
	may := func(action string) bool { return strings.Contains(roleTable[role], action) }
	outside := chat.CodeForbidden // what is asked for inside, of somebody who can not come in
	if !may("join") {
		outside = chat.CodeNotMember
	}
	want("join", actor.join(room), may("join"), chat.CodeForbidden)
	want("history", actor.history(room), may("history"), chat.CodeForbidden)
	want("search", actor.search(room), may("history"), chat.CodeForbidden)
	want("members", actor.members(room), may("members"), chat.CodeForbidden)
	want("see who has read", actor.seenBy(room), may("members"), chat.CodeForbidden)
	want("mark", actor.mark(room), may("mark"), chat.CodeForbidden)
	want("report", actor.report(room, said), may("report"), chat.CodeForbidden)
	want("see the reports", actor.reports(room), rules(role), chat.CodeForbidden)
	want("see the audit log", actor.audit(room), rules(role), chat.CodeForbidden)
	want("resolve a report", actor.resolve(room, 1<<40), false, map[bool]chat.Code{true: chat.CodeNoReport, false: chat.CodeForbidden}[rules(role)])
	want("see the filter", actor.filter(room), may("filter"), chat.CodeForbidden)
	want("set the filter", actor.setFilter(room, "x"), may("filter"), chat.CodeForbidden)
	if may("publish") { // of moderators everything is taken
		owner.setFilter(room, "x")
		want("say what is filtered", actor.publish(room), may("filter"), chat.CodeFiltered)
	}
	owner.setFilter(room)
	// Into this room, which everybody may join, there are no links: who may invite is told so.
	inviting := map[bool]chat.Code{true: chat.CodeBadRequest, false: chat.CodeForbidden}[may("invite")]
	want("make a link", actor.makeLink(room), false, inviting)
	want("see the links", actor.links(room), false, inviting)
	want("revoke a link", actor.revokeLink(room), false, inviting)
	want("publish", actor.publish(room), may("publish"), outside)
	tryChanges(t, room, owner, actor, role, func(what string, got uint32) {
		t.Helper()
		want(what, got, may(what), outside)
	})
	want("mention everybody", actor.everybody(room), may("everybody"), outside)
	want("read threads and pins", actor.picked(room), may("history"), chat.CodeForbidden)
	want("set the topic", actor.topic(room), may("topic"), outside)
	want("slow the room down", actor.set(room, chat.Setting{Kind: chat.EventSlow}), may("slow"), outside)
	want("say how long is kept", actor.set(room, chat.Setting{Kind: chat.EventRetain, Value: 1 << 20}), may("settings"), outside)
	want("describe the room", actor.set(room, chat.Setting{Kind: chat.EventDescribe, Text: "x"}), may("settings"), outside)
	want("delete what nobody has said", actor.purge(room, 1<<40), may("erase"), chat.CodeForbidden)
	want("rename the room", actor.set(room, chat.Setting{Kind: chat.EventName, Text: "table"}), may("settings"), outside)
	if !may("settings") { // who may is tried where there is nothing else to be done
		want("delete the room", actor.deleteRoom(room), false, chat.CodeForbidden)
	}
	want("archive the room", actor.set(room, chat.Setting{Kind: chat.EventArchive}), may("settings"), outside)
	for old := chat.RoleNone; old <= chat.RoleOwner; old++ {
		for next := chat.RoleNone; next <= chat.RoleOwner; next++ {
			prepare(subject.id(), old)
			want(fmt.Sprintf("make %v of %v", next, old), actor.give(room, subject.id(), next), mayRule(role, old, next), outside)
		}
		prepare(subject.id(), old)
		want(fmt.Sprintf("kick %v", old), actor.kick(room, subject.id()), mayRule(role, old, chat.RoleNone), outside)
	}
}

// tryChanges has somebody of a role change a message of his own, from when he was a member, and
// one of the owner's. Nobody edits what another has said.
func tryChanges(t *testing.T, room uint64, owner, actor asker, role chat.Role, want func(what string, got uint32)) {
	t.Helper()
	if role != chat.RoleOperator { // which no room gives
		owner.give(room, actor.id(), chat.RoleMember)
	}
	actor.join(room)
	own, code := actor.reply(room, 1)
	if code != 0 {
		t.Fatalf("a member says something: code %d", code)
	}
	others, _ := owner.reply(room, own)
	if role == chat.RoleBanned {
		actor.leave(room) // else he is sent out, and told so as the first answer
	}
	if role != chat.RoleOperator {
		owner.give(room, actor.id(), role)
	}
	want("edit", actor.change(room, own, chat.EventEdit))
	want("react", actor.change(room, others, chat.EventReact))
	want("react", actor.change(room, others, chat.EventUnreact))
	want("pin", actor.change(room, others, chat.EventPin))
	want("pin", actor.change(room, others, chat.EventUnpin))
	want("delete", actor.change(room, own, chat.EventDelete))
	for kind, other := range map[chat.EventKind]string{chat.EventEdit: "edit what another has said", chat.EventDelete: "erase"} {
		got := actor.change(room, others, kind)
		switch {
		case kind == chat.EventEdit && got != uint32(chat.CodeForbidden) && got != uint32(chat.CodeNotMember) && got != uint32(chat.CodeErased):
			t.Errorf("somebody of role %v edits what another has said: code %d", role, got)
		case kind == chat.EventDelete:
			want(other, got)
		}
	}
}

// nativeAsker asks by packets.
type nativeAsker struct {
	*script
	user  uint64
	nonce uint64
}

func enterNative(t *testing.T, s *running, name string) asker {
	t.Helper()
	c := dial(t, s, name)
	return &nativeAsker{script: c, user: c.login(nil).User}
}

// ask sends a packet, and reads until it is answered.
func (a *nativeAsker) ask(id packet.ID, m vtMessage, answer packet.ID) uint32 {
	a.t.Helper()
	a.say(id, m)
	for {
		got, payload, err := a.read()
		var e pb.Error
		switch {
		case err != nil:
			a.t.Fatal(err)
		case got == answer && answer == pb.SLeave:
			var l pb.Leave
			if err := proto.Unmarshal(payload, &l); err != nil || l.Request != 0 {
				return 0
			} // else: it was sent out
		case got == answer:
			return 0
		case got == pb.SError:
			if err := proto.Unmarshal(payload, &e); err != nil || e.PacketId != uint32(id) {
				a.t.Fatalf("packet %d is answered with %v, %v", id, &e, err)
			}
			return e.Code
		}
	}
}

func (a *nativeAsker) next() uint64 { a.nonce++; return a.nonce }
func (a *nativeAsker) id() uint64   { return a.user }
func (a *nativeAsker) join(room uint64) uint32 {
	return a.ask(pb.CJoin, &pb.Join{Request: 1, Room: room}, pb.SJoin)
}

func (a *nativeAsker) leave(room uint64) {
	a.ask(pb.CLeave, &pb.Leave{Request: 2, Room: room}, pb.SLeave)
}

func (a *nativeAsker) history(room uint64) uint32 {
	return a.ask(pb.CHistory, &pb.History{Request: 3, Room: room}, pb.SHistory)
}

func (a *nativeAsker) search(room uint64) uint32 {
	return a.ask(pb.CSearch, &pb.Search{Request: 10, Room: room, Text: "x"}, pb.SSearch)
}

func (a *nativeAsker) members(room uint64) uint32 {
	return a.ask(pb.CMembers, &pb.Members{Request: 4, Room: room}, pb.SMembers)
}

func (a *nativeAsker) seenBy(room uint64) uint32 {
	return a.ask(pb.CSeenBy, &pb.SeenBy{Request: 15, Room: room}, pb.SSeenBy)
}

func (a *nativeAsker) mark(room uint64) uint32 {
	a.t.Helper()
	code := a.ask(pb.CMark, &pb.Mark{Request: 5, Room: room, Seq: 1}, pb.SMark)
	if other := a.ask(pb.CReadThread, &pb.ReadThread{Request: 14, Room: room, Root: 1, Seq: 1}, pb.SReadThread); other != code {
		a.t.Errorf("the mark of a thread: code %d, and %d for that of the room", other, code)
	}
	// There is no such message, which is told to who may follow.
	other := a.ask(pb.CFollow, &pb.FollowThread{Request: 15, Room: room, Root: 1 << 40}, pb.SFollow)
	if other != code && (code != 0 || other != uint32(chat.CodeNoMessage)) {
		a.t.Errorf("to follow a thread: code %d, and %d for a mark", other, code)
	}
	return code
}

func (a *nativeAsker) report(room, seq uint64) uint32 {
	return a.ask(pb.CReport, &pb.ReportMessage{Request: 6, Room: room, Seq: seq, Reason: "spam"}, pb.SReport)
}

func (a *nativeAsker) reports(room uint64) uint32 {
	return a.ask(pb.CReports, &pb.Reports{Request: 7, Room: room}, pb.SReports)
}

func (a *nativeAsker) audit(room uint64) uint32 {
	return a.ask(pb.CAudit, &pb.Audit{Request: 8, Room: room}, pb.SAudit)
}

func (a *nativeAsker) resolve(room, report uint64) uint32 {
	return a.ask(pb.CResolve, &pb.Resolve{Request: 9, Room: room, Report: report, Outcome: 1}, pb.SReport)
}

func (a *nativeAsker) filter(room uint64) uint32 {
	return a.ask(pb.CFilter, &pb.Filter{Request: 19, Room: room}, pb.SFilter)
}

func (a *nativeAsker) setFilter(room uint64, words ...string) uint32 {
	return a.ask(pb.CFilter, &pb.Filter{Request: 20, Room: room, Filter: &pb.RoomFilter{Words: words}}, pb.SFilter)
}

func (a *nativeAsker) makeLink(room uint64) uint32 {
	return a.ask(pb.CMakeLink, &pb.MakeLink{Request: 16, Room: room}, pb.SMakeLink)
}

func (a *nativeAsker) links(room uint64) uint32 {
	return a.ask(pb.CLinks, &pb.Links{Request: 17, Room: room}, pb.SLinks)
}

func (a *nativeAsker) revokeLink(room uint64) uint32 {
	return a.ask(pb.CRevokeLink, &pb.RevokeLink{Request: 18, Room: room, Link: 1}, pb.SDone)
}

func (a *nativeAsker) topic(room uint64) uint32 {
	return a.ask(pb.CTopic, &pb.Topic{Room: room, Nonce: a.next(), Text: "x"}, pb.SAck)
}

func (a *nativeAsker) set(room uint64, set chat.Setting) uint32 {
	return a.ask(pb.CSet, &pb.SetRoom{Room: room, Nonce: a.next(), Kind: pb.EventKind(set.Kind), Text: set.Text, Value: set.Value}, pb.SAck)
}

func (a *nativeAsker) deleteRoom(room uint64) uint32 {
	return a.ask(pb.CDeleteRoom, &pb.DeleteRoom{Request: 10, Room: room}, pb.SDone)
}

func (a *nativeAsker) everybody(room uint64) uint32 {
	return a.ask(pb.CChat, &pb.Publish{Room: room, Nonce: a.next(), Text: chat.MentionText(0, "room")}, pb.SAck)
}

// picked asks for all that is picked out of a room's log, which is to be answered alike.
func (a *nativeAsker) picked(room uint64) uint32 {
	a.t.Helper()
	code := a.ask(pb.CThreads, &pb.Threads{Request: 10, Room: room}, pb.SThreads)
	if other := a.ask(pb.CThread, &pb.ThreadHistory{Request: 11, Room: room, Root: 1}, pb.SThread); other != code {
		a.t.Errorf("a thread: code %d, and %d for the list of them", other, code)
	}
	if other := a.ask(pb.CThreads, &pb.Threads{Request: 13, Room: room, Unread: true}, pb.SThreads); other != code {
		a.t.Errorf("unread threads: code %d, and %d for all of them", other, code)
	}
	if other := a.ask(pb.CPins, &pb.Pins{Request: 12, Room: room}, pb.SPins); other != code {
		a.t.Errorf("pins: code %d, and %d for threads", other, code)
	}
	return code
}

func (a *nativeAsker) purge(room, user uint64) uint32 {
	return a.ask(pb.CPurge, &pb.Purge{Request: 11, Room: room, User: user, LastSeconds: 60}, pb.SDone)
}

func (a *nativeAsker) publish(room uint64) uint32 {
	return a.ask(pb.CChat, &pb.Publish{Room: room, Nonce: a.next(), Text: "x"}, pb.SAck)
}

func (a *nativeAsker) give(room, user uint64, role chat.Role) uint32 {
	return a.ask(pb.CRole, &pb.GiveRole{Room: room, Nonce: a.next(), Subject: user, Role: uint32(role)}, pb.SAck)
}

func (a *nativeAsker) kick(room, user uint64) uint32 {
	return a.ask(pb.CKick, &pb.Kick{Room: room, Nonce: a.next(), Subject: user}, pb.SAck)
}

func (a *nativeAsker) reply(room, target uint64) (seq uint64, code uint32) {
	nonce := a.next()
	a.say(pb.CChat, &pb.Publish{Room: room, Nonce: nonce, Text: "y", Target: target})
	for {
		got, payload, err := a.read()
		var ack pb.Ack
		var e pb.Error
		switch {
		case err != nil:
			a.t.Fatal(err)
		case got == pb.SAck:
			if err := proto.Unmarshal(payload, &ack); err != nil || ack.Nonce != nonce {
				a.t.Fatalf("the ack is %v, %v", &ack, err)
			}
			return ack.Seq, 0
		case got == pb.SError:
			_ = proto.Unmarshal(payload, &e)
			return 0, e.Code
		}
	}
}

func (a *nativeAsker) change(room, target uint64, kind chat.EventKind) uint32 {
	n := a.next()
	switch kind {
	case chat.EventEdit:
		return a.ask(pb.CEdit, &pb.Edit{Room: room, Nonce: n, Target: target, Text: "z"}, pb.SAck)
	case chat.EventDelete:
		return a.ask(pb.CDelete, &pb.Delete{Room: room, Nonce: n, Target: target}, pb.SAck)
	case chat.EventReact, chat.EventUnreact:
		return a.ask(pb.CReact, &pb.React{Room: room, Nonce: n, Target: target, Emoji: "👍", Remove: kind == chat.EventUnreact}, pb.SAck)
	}
	return a.ask(pb.CPin, &pb.Pin{Room: room, Nonce: n, Target: target, Remove: kind == chat.EventUnpin}, pb.SAck)
}

// sdkAsker asks through the Go SDK.
type sdkAsker struct {
	t *testing.T
	c *client.Client
}

func enterSDK(t *testing.T, s *running, name string) asker {
	t.Helper()
	c, err := client.Dial(t.Context(), client.Config{
		Addr: s.Addrs()[0].Addr.String(), Name: name, DiscardEvents: true, Logger: slog.New(slog.DiscardHandler), Debug: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return &sdkAsker{t, c}
}

// code waits for an outcome; one that never comes is none.
func (a *sdkAsker) code(ask func(context.Context) error) uint32 {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(a.t.Context(), patience)
	defer cancel()
	err := ask(ctx)
	if ctx.Err() != nil {
		a.t.Fatal(err)
	}
	if errors.Is(err, client.ErrNotJoined) { // what the server would say
		return uint32(chat.CodeNotMember)
	}
	return uint32(chat.CodeOf(err))
}

func (a *sdkAsker) id() uint64 { return uint64(a.c.Self().User) }
func (a *sdkAsker) join(room uint64) uint32 {
	return a.code(func(ctx context.Context) error {
		_, err := a.c.Join(ctx, client.Join{Room: chat.RoomID(room)})
		return err
	})
}

func (a *sdkAsker) leave(room uint64) {
	a.code(func(ctx context.Context) error { return a.c.Leave(ctx, chat.RoomID(room)) })
}

func (a *sdkAsker) search(room uint64) uint32 {
	return a.code(func(ctx context.Context) error {
		_, err := a.c.Search(ctx, client.Search{Room: chat.RoomID(room), Text: "x"})
		return err
	})
}

func (a *sdkAsker) history(room uint64) uint32 {
	return a.code(func(ctx context.Context) error {
		_, err := a.c.History(ctx, client.History{Room: chat.RoomID(room)})
		return err
	})
}

func (a *sdkAsker) members(room uint64) uint32 {
	return a.code(func(ctx context.Context) error {
		_, err := a.c.Members(ctx, chat.RoomID(room))
		return err
	})
}

func (a *sdkAsker) seenBy(room uint64) uint32 {
	return a.code(func(ctx context.Context) error {
		_, err := a.c.SeenBy(ctx, chat.RoomID(room))
		return err
	})
}

func (a *sdkAsker) mark(room uint64) uint32 {
	a.t.Helper()
	code := a.code(func(ctx context.Context) error {
		_, err := a.c.Mark(ctx, chat.RoomID(room), 1)
		return err
	})
	if other := a.code(func(ctx context.Context) error { _, err := a.c.ReadThread(ctx, chat.RoomID(room), 1, 1); return err }); other != code {
		a.t.Errorf("the mark of a thread: code %d, and %d for that of the room", other, code)
	}
	return code
}

func (a *sdkAsker) report(room, seq uint64) uint32 {
	return a.code(func(ctx context.Context) error {
		_, err := a.c.Report(ctx, chat.RoomID(room), chat.Seq(seq), "spam")
		return err
	})
}

func (a *sdkAsker) reports(room uint64) uint32 {
	return a.code(func(ctx context.Context) error {
		_, err := a.c.Reports(ctx, chat.RoomID(room), 0, true)
		return err
	})
}

func (a *sdkAsker) audit(room uint64) uint32 {
	return a.code(func(ctx context.Context) error {
		_, err := a.c.Audit(ctx, chat.RoomID(room), chat.AuditMark{})
		return err
	})
}

func (a *sdkAsker) resolve(room, report uint64) uint32 {
	return a.code(func(ctx context.Context) error {
		_, err := a.c.Resolve(ctx, chat.RoomID(room), report, chat.ReportActed, "")
		return err
	})
}

func (a *sdkAsker) filter(room uint64) uint32 {
	return a.code(func(ctx context.Context) error { _, err := a.c.Filter(ctx, chat.RoomID(room)); return err })
}

func (a *sdkAsker) setFilter(room uint64, words ...string) uint32 {
	return a.code(func(ctx context.Context) error {
		_, err := a.c.SetFilter(ctx, chat.RoomID(room), chat.RoomFilter{Words: words})
		return err
	})
}

func (a *sdkAsker) makeLink(room uint64) uint32 {
	return a.code(func(ctx context.Context) error {
		_, _, err := a.c.MakeLink(ctx, chat.RoomID(room), time.Hour, 1)
		return err
	})
}

func (a *sdkAsker) links(room uint64) uint32 {
	return a.code(func(ctx context.Context) error { _, err := a.c.Links(ctx, chat.RoomID(room)); return err })
}

func (a *sdkAsker) revokeLink(room uint64) uint32 {
	return a.code(func(ctx context.Context) error { return a.c.RevokeLink(ctx, chat.RoomID(room), 1) })
}

func (a *sdkAsker) topic(room uint64) uint32 {
	return a.code(func(ctx context.Context) error {
		_, err := a.c.SetTopic(ctx, chat.RoomID(room), "x")
		return err
	})
}

func (a *sdkAsker) set(room uint64, set chat.Setting) uint32 {
	return a.code(func(ctx context.Context) error {
		_, err := a.c.Set(ctx, chat.RoomID(room), set)
		return err
	})
}

func (a *sdkAsker) deleteRoom(room uint64) uint32 {
	return a.code(func(ctx context.Context) error { return a.c.DeleteRoom(ctx, chat.RoomID(room)) })
}

func (a *sdkAsker) everybody(room uint64) uint32 {
	return a.code(func(ctx context.Context) error {
		_, err := a.c.Publish(ctx, chat.RoomID(room), chat.MentionText(0, "room"))
		return err
	})
}

func (a *sdkAsker) picked(room uint64) uint32 {
	a.t.Helper()
	code := a.code(func(ctx context.Context) error { _, err := a.c.Threads(ctx, chat.RoomID(room), 0, 0); return err })
	if other := a.code(func(ctx context.Context) error {
		_, err := a.c.Thread(ctx, 1, client.History{Room: chat.RoomID(room)})
		return err
	}); other != code {
		a.t.Errorf("a thread: code %d, and %d for the list of them", other, code)
	}
	if other := a.code(func(ctx context.Context) error { _, err := a.c.Pins(ctx, chat.RoomID(room), 0, 0); return err }); other != code {
		a.t.Errorf("pins: code %d, and %d for threads", other, code)
	}
	return code
}

func (a *sdkAsker) purge(room, user uint64) uint32 {
	return a.code(func(ctx context.Context) error {
		return a.c.Purge(ctx, chat.RoomID(room), chat.UserID(user), time.Minute)
	})
}

func (a *sdkAsker) publish(room uint64) uint32 {
	return a.code(func(ctx context.Context) error {
		_, err := a.c.Publish(ctx, chat.RoomID(room), "x")
		return err
	})
}

func (a *sdkAsker) give(room, user uint64, role chat.Role) uint32 {
	return a.code(func(ctx context.Context) error {
		_, err := a.c.GiveRole(ctx, chat.RoomID(room), client.GiveRole{User: chat.UserID(user), Role: role})
		return err
	})
}

func (a *sdkAsker) kick(room, user uint64) uint32 {
	return a.code(func(ctx context.Context) error {
		_, err := a.c.Kick(ctx, chat.RoomID(room), client.Kick{User: chat.UserID(user)})
		return err
	})
}

func (a *sdkAsker) reply(room, target uint64) (seq uint64, code uint32) {
	code = a.code(func(ctx context.Context) error {
		at, err := a.c.Reply(ctx, chat.RoomID(room), client.Reply{Target: chat.Seq(target), Text: "y"})
		seq = uint64(at)
		return err
	})
	return seq, code
}

func (a *sdkAsker) change(room, target uint64, kind chat.EventKind) uint32 {
	return a.code(func(ctx context.Context) (err error) {
		r, at := chat.RoomID(room), chat.Seq(target)
		switch kind {
		case chat.EventEdit:
			_, err = a.c.Edit(ctx, r, at, "z")
		case chat.EventDelete:
			_, err = a.c.Delete(ctx, r, at)
		case chat.EventReact, chat.EventUnreact:
			_, err = a.c.React(ctx, r, at, "👍", kind == chat.EventUnreact)
		default:
			_, err = a.c.Pin(ctx, r, at, kind == chat.EventUnpin)
		}
		return err
	})
}

// Who is banned while he is connected is told so, on packets and in the SDK, and so is who
// is sent out; the latter comes back.
func TestBanAndKickOverTheWire(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		s := start(t, c)
		defer stop(t, s)
		ann := &nativeAsker{script: user(t, s, "ann")}
		room := ann.script.join(&pb.Join{Name: "lobby"}).Room.Id
		bob := user(t, s, "bob")
		bob.join(&pb.Join{Room: room})
		kit, err := client.Dial(t.Context(), client.Config{
			Addr: s.Addrs()[0].Addr.String(), Name: "kit", Logger: slog.New(slog.DiscardHandler), Debug: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		defer kit.Close()
		if _, err := kit.Join(t.Context(), client.Join{Name: "lobby"}); err != nil {
			t.Fatal(err)
		}
		if code := ann.ask(pb.CRole, &pb.GiveRole{Room: room, Nonce: 1, Name: "Bob", Role: 1, ForSeconds: 3600, Reason: "spam"}, pb.SAck); code != 0 {
			t.Fatalf("the ban is answered with code %d", code)
		}
		var last uint64
		for {
			id, payload, err := bob.read()
			if err != nil {
				t.Fatal(err)
			}
			if id == pb.SChat {
				var e pb.Event
				if err := proto.Unmarshal(payload, &e); err != nil {
					t.Fatal(err)
				}
				last = e.Seq
				continue
			}
			var l pb.Leave
			if err := proto.Unmarshal(payload, &l); err != nil || id != pb.SLeave || l.Code != 34 || l.Request != 0 || l.Seq < last || l.UntilMs == 0 ||
				l.Message != "you were banned from the room by ann: spam" {
				t.Fatalf("packet %d: %v, %v", id, &l, err)
			}
			break
		}
		ann.publish(room)
		bob.say(pb.CJoin, &pb.Join{Request: 9, Room: room})
		bob.expectError(26)
		ann.kick(room, uint64(kit.Self().User))
		wantLeft(t, kit, chat.CodeKicked)
		if _, err := kit.Join(t.Context(), client.Join{Name: "lobby"}); err != nil {
			t.Errorf("who was sent out can not come back: %v", err)
		}
		if code := ann.ask(pb.CKick, &pb.Kick{Room: room, Nonce: 7, Name: "nobody"}, pb.SAck); code != uint32(chat.CodeNoUser) {
			t.Errorf("nobody is sent out: code %d", code)
		}
		if code := ann.ask(pb.CKick, &pb.Kick{Room: room, Nonce: 8, Subject: 1, Reason: strings.Repeat("x", 513)}, pb.SAck); code != uint32(chat.CodeBadText) {
			t.Errorf("a long reason: code %d", code)
		}
	})
}

func wantLeft(t *testing.T, c *client.Client, code chat.Code) {
	t.Helper()
	late := time.After(patience)
	for {
		select {
		case e := <-c.Events():
			if l, ok := e.(client.Left); ok {
				if chat.CodeOf(l.Err) != code || l.Seq == 0 {
					t.Errorf("left: %+v", l)
				}
				return
			}
		case <-late:
			t.Fatal("the client is not told")
		}
	}
}
