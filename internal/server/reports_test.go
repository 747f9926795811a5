package server_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"sarang/chat"
	"sarang/client"
	"sarang/internal/control"
	"sarang/internal/server"
	pb "sarang/proto/sarang/v1"
)

// Bob reports what Ann's guest has said; she sees it in the room's queue and resolves it; both are
// in the room's audit log, behind the ban that she gave, and on the operator's side.
func TestReports(t *testing.T) {
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
		ann, bob := dialSDK("ann"), dialSDK("bob")
		made, err := ann.Join(t.Context(), client.Join{Name: "lobby", Create: true})
		if err != nil {
			t.Fatal(err)
		}
		room := made.Room.ID
		rude := user(t, s, "rude")
		rude.join(&pb.Join{Room: uint64(room)})
		rude.publish(uint64(room), 1, "buy this")
		var ack pb.Ack
		if err := proto.Unmarshal(rude.skipTo(pb.SAck), &ack); err != nil {
			t.Fatal(err)
		}
		said := chat.Seq(ack.Seq)

		first, err := bob.Report(t.Context(), room, said, "spam")
		if err != nil || first.ID == 0 || first.Reason != "spam" || first.Outcome != chat.ReportOpen || first.Seq != said {
			t.Fatalf("%+v, %v", first, err)
		}
		if again, err := bob.Report(t.Context(), room, said, "more spam"); err != nil || again != first {
			t.Errorf("the same message again: %+v, %v", again, err)
		}
		for what, seq := range map[string]chat.Seq{"a join": 1, "nothing": 999, "zero": 0} {
			if _, err := bob.Report(t.Context(), room, seq, ""); chat.CodeOf(err) != chat.CodeBadRequest {
				t.Errorf("a report of %s: %v", what, err)
			}
		}
		page, err := ann.Reports(t.Context(), room, 0, false)
		if err != nil || len(page.Reports) != 1 || page.More || page.Reports[0].AuthorName != "rude" || page.Reports[0].ReporterName != "bob" {
			t.Fatalf("%+v, %v", page, err)
		}
		if _, err := ann.GiveRole(t.Context(), room, client.GiveRole{Name: "rude", Role: chat.RoleBanned, Reason: "spam"}); err != nil {
			t.Fatal(err)
		}
		done, err := ann.Resolve(t.Context(), room, first.ID, chat.ReportActed, "banned")
		if err != nil || done.Outcome != chat.ReportActed || done.ResolvedBy != ann.Self().User || done.Note != "banned" {
			t.Fatalf("%+v, %v", done, err)
		}
		if page, err = ann.Reports(t.Context(), room, 0, false); err != nil || len(page.Reports) != 0 {
			t.Errorf("what is open: %+v, %v", page, err)
		}
		if page, err = ann.Reports(t.Context(), room, 0, true); err != nil || len(page.Reports) != 1 {
			t.Errorf("all: %+v, %v", page, err)
		}
		log, err := ann.Audit(t.Context(), room, chat.AuditMark{})
		if err != nil || len(log.Entries) != 2 || log.Entries[0].Act != chat.AuditResolve || log.Entries[1].Act != chat.AuditRole ||
			log.Entries[1].SubjectName != "rude" || log.Entries[0].Reason != "banned" {
			t.Fatalf("%+v, %v", log, err)
		}
		if older, err := ann.Audit(t.Context(), room, log.Entries[0].Mark()); err != nil || len(older.Entries) != 1 || older.Entries[0].Act != chat.AuditRole {
			t.Errorf("what is older: %+v, %v", older, err)
		}
		if all := operate[control.Reports](t, c.DataDir, "report-list", control.ReportsArgs{All: true}); len(all.Reports) != 1 || all.Reports[0].Text != "buy this" {
			t.Errorf("the operator sees %+v", all)
		}
		// Nothing of another room's is told, nor may be resolved from there.
		other, err := bob.Join(t.Context(), client.Join{Name: "bobs", Create: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := bob.Resolve(t.Context(), other.Room.ID, first.ID, chat.ReportRejected, ""); chat.CodeOf(err) != chat.CodeNoReport {
			t.Errorf("a report of another room: %v", err)
		}
		if log, err := bob.Audit(t.Context(), other.Room.ID, chat.AuditMark{TimeMs: 1 << 60}); err != nil || len(log.Entries) != 0 {
			t.Errorf("the audit log of another room: %+v, %v", log, err)
		}
	})
}
