package session

import (
	"math"

	"sarang/chat"
	"sarang/packet"
	sarangv1 "sarang/proto/sarang/v1"
)

// Report is what somebody has told the moderators of a message, and what became of it.
type Report struct {
	chat.Report
	AuthorName, ReporterName string // in pages only
}

// Reported answers Report and Resolve.
type Reported struct {
	Request uint32
	Report  Report
}

// ReportPage is a page of the reports of a room, in the order of their ids.
type ReportPage struct {
	Request uint32
	Room    chat.RoomID
	Reports []Report
	More    bool
}

// AuditPage is a page of the audit log of a room, the newest first. The last entry's Mark leads to
// what is older.
type AuditPage struct {
	Request uint32
	Room    chat.RoomID
	Entries []chat.AuditEntry
	More    bool
}

// Report tells the moderators of a room of a message: Events.Reported.
func (s *Session) Report(room chat.RoomID, seq chat.Seq, reason string) (uint32, error) {
	return s.askReason(request{packet: sarangv1.CReport, room: room}, reason, func(id uint32) packet.Marshaler {
		return &sarangv1.ReportMessage{Request: id, Room: uint64(room), Seq: uint64(seq), Reason: reason}
	})
}

// askReason is ask with a reason that fits into a packet.
func (s *Session) askReason(r request, reason string, message func(id uint32) packet.Marshaler) (uint32, error) {
	if len(reason) > chat.ReasonBytesMax {
		return 0, chat.Errorf(chat.CodeBadText, "a reason has at most %d bytes", chat.ReasonBytesMax)
	}
	return s.ask(r, "", message)
}

// Reports asks a room's moderator's question: what was reported, with ids above after; all: also
// what was resolved. Events.ReportPage.
func (s *Session) Reports(room chat.RoomID, after uint64, all bool, itemsMax int) (uint32, error) {
	return s.ask(request{packet: sarangv1.CReports, room: room}, "", func(id uint32) packet.Marshaler {
		return &sarangv1.Reports{Request: id, Room: uint64(room), After: after, All: all, ItemsMax: wire32(itemsMax)}
	})
}

// Resolve says what became of a report of a room: Events.Reported.
func (s *Session) Resolve(room chat.RoomID, id uint64, outcome chat.ReportOutcome, note string) (uint32, error) {
	return s.askReason(request{packet: sarangv1.CResolve, room: room}, note, func(request uint32) packet.Marshaler {
		return &sarangv1.Resolve{Request: request, Room: uint64(room), Report: id, Outcome: uint32(outcome), Note: note}
	})
}

// Audit asks for a room's part of the audit log, what is older than before; the zero mark: from
// the newest on. Events.AuditPage.
func (s *Session) Audit(room chat.RoomID, before chat.AuditMark, itemsMax int) (uint32, error) {
	return s.ask(request{packet: sarangv1.CAudit, room: room}, "", func(id uint32) packet.Marshaler {
		m := &sarangv1.Audit{Request: id, Room: uint64(room), ItemsMax: wire32(itemsMax)}
		if before != (chat.AuditMark{}) {
			m.Before = &sarangv1.AuditMark{TimeMs: uint64(max(before.TimeMs, 0)), Seq: uint64(before.Seq), Id: before.ID}
		}
		return m
	})
}

func reportOf(m *sarangv1.Report) Report {
	return Report{
		Report: chat.Report{
			ID: m.GetId(), Room: chat.RoomID(m.GetRoom()), Seq: chat.Seq(m.GetSeq()), Author: chat.UserID(m.GetAuthor()),
			Reporter: chat.UserID(m.GetReporter()), TimeMs: int64(m.GetTimeMs()), Reason: clean(m.GetReason()),
			Outcome: chat.ReportOutcome(min(m.GetOutcome(), math.MaxUint8)), ResolvedBy: chat.UserID(m.GetResolvedBy()),
			ResolvedMs: int64(m.GetResolvedMs()), Note: clean(m.GetNote()),
		},
		AuthorName: clean(m.GetAuthorName()), ReporterName: clean(m.GetReporterName()),
	}
}

// reported handles S_REPORT, which answers two packets.
func (s *Session) reported(m *sarangv1.Reported) error {
	q, err := s.answered(m.Request, sarangv1.SReport, sarangv1.CReport)
	if err != nil {
		q, err = s.answered(m.Request, sarangv1.SReport, sarangv1.CResolve)
	}
	if err != nil {
		return err
	}
	s.events.Reported(s, Reported{Request: q.id, Report: reportOf(m.Report)})
	s.pump()
	return nil
}

// reportPage handles S_REPORTS.
func (s *Session) reportPage(m *sarangv1.ReportPage) error {
	q, err := s.answered(m.Request, sarangv1.SReports, sarangv1.CReports)
	if err != nil {
		return err
	}
	p := ReportPage{Request: q.id, Room: q.room, More: m.More, Reports: make([]Report, 0, len(m.Reports))}
	for _, r := range m.Reports {
		p.Reports = append(p.Reports, reportOf(r))
	}
	s.events.ReportPage(s, p)
	s.pump()
	return nil
}

// auditPage handles S_AUDIT.
func (s *Session) auditPage(m *sarangv1.AuditPage) error {
	q, err := s.answered(m.Request, sarangv1.SAudit, sarangv1.CAudit)
	if err != nil {
		return err
	}
	p := AuditPage{Request: q.id, Room: q.room, More: m.More, Entries: make([]chat.AuditEntry, 0, len(m.Entries))}
	for _, e := range m.Entries {
		p.Entries = append(p.Entries, chat.AuditEntry{
			ID: e.GetId(), TimeMs: int64(e.GetTimeMs()), Act: chat.AuditAct(min(e.GetAct(), math.MaxUint8)), By: chat.UserID(e.GetBy()),
			ByName: clean(e.GetByName()), Subject: chat.UserID(e.GetSubject()), SubjectName: clean(e.GetSubjectName()), Room: q.room,
			Seq: chat.Seq(e.GetSeq()), Role: chat.Role(min(e.GetRole(), roleUnknown)), UntilMs: int64(e.GetUntilMs()),
			What: clean(e.GetWhat()), Reason: clean(e.GetReason()),
		})
	}
	s.events.AuditPage(s, p)
	s.pump()
	return nil
}
