package gateway

import (
	"math"

	"sarang/chat"
	"sarang/internal/hub"
	pb "sarang/proto/sarang/v1"
)

// What users report, and what moderators read.

func (h *Handler) reportMessage(o *hub.Session, m *pb.ReportMessage) error {
	h.shard.Report(o, hub.RequestRef{Kind: pb.CReport, Request: m.Request, Room: chat.RoomID(m.Room)}, chat.Seq(m.Seq), m.Reason)
	return nil
}

func (h *Handler) reports(o *hub.Session, m *pb.Reports) error {
	h.shard.Reports(o, hub.RequestRef{Kind: pb.CReports, Request: m.Request, Room: chat.RoomID(m.Room)}, m.After, m.All, int(m.ItemsMax))
	return nil
}

func (h *Handler) resolve(o *hub.Session, m *pb.Resolve) error {
	ref := hub.RequestRef{Kind: pb.CResolve, Request: m.Request, Room: chat.RoomID(m.Room)}
	h.shard.Resolve(o, ref, m.Report, chat.ReportOutcome(min(m.Outcome, math.MaxUint8)), m.Note)
	return nil
}

func (h *Handler) audit(o *hub.Session, m *pb.Audit) error {
	ref := hub.RequestRef{Kind: pb.CAudit, Request: m.Request, Room: chat.RoomID(m.Room)}
	before := chat.AuditMark{}
	if b := m.Before; b != nil {
		before = chat.AuditMark{TimeMs: int64(min(b.TimeMs, math.MaxInt64)), Seq: chat.Seq(b.Seq), ID: b.Id}
	}
	h.shard.Audit(o, ref, before, int(m.ItemsMax))
	return nil
}

func report(r *hub.ReportInfo) *pb.Report {
	return &pb.Report{
		Id: r.ID, Room: uint64(r.Room), Seq: uint64(r.Seq), Author: uint64(r.Author), Reporter: uint64(r.Reporter), TimeMs: uint64(r.TimeMs),
		Reason: r.Reason, Outcome: uint32(r.Outcome), ResolvedBy: uint64(r.ResolvedBy), ResolvedMs: uint64(r.ResolvedMs), Note: r.Note,
		AuthorName: r.AuthorName, ReporterName: r.ReporterName,
	}
}

// Reported sends S_REPORT.
func (h *Handler) Reported(o *hub.Session, ref hub.RequestRef, r hub.ReportInfo) {
	h.reply(o, pb.SReport, &pb.Reported{Request: ref.Request, Report: report(&r)})
}

// Reports sends S_REPORTS.
func (h *Handler) Reports(o *hub.Session, ref hub.RequestRef, page []hub.ReportInfo, more bool) {
	m := &pb.ReportPage{Request: ref.Request, Room: uint64(ref.Room), More: more, Reports: make([]*pb.Report, len(page))}
	for i := range page {
		m.Reports[i] = report(&page[i])
	}
	h.reply(o, pb.SReports, m)
}

// Audit sends S_AUDIT.
func (h *Handler) Audit(o *hub.Session, ref hub.RequestRef, page []chat.AuditEntry, more bool) {
	m := &pb.AuditPage{Request: ref.Request, Room: uint64(ref.Room), More: more, Entries: make([]*pb.AuditEntry, len(page))}
	for i := range page {
		a := &page[i]
		m.Entries[i] = &pb.AuditEntry{
			Id: a.ID, TimeMs: uint64(a.TimeMs), Act: uint32(a.Act), By: uint64(a.By), ByName: a.ByName,
			Subject: uint64(a.Subject), SubjectName: a.SubjectName, Seq: uint64(a.Seq), Role: uint32(a.Role), UntilMs: uint64(a.UntilMs),
			What: a.What, Reason: a.Reason,
		}
	}
	h.reply(o, pb.SAudit, m)
}
