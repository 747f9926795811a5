package hub

import (
	"context"
	"strings"
	"time"

	"sarang/chat"
	"sarang/internal/limit"
)

// What users report, and what moderators read of it and of the audit log. The room's home says
// whether somebody may; then the store does it, away from the workers.

// How many reports, and entries of the audit log, are in a page: with the longest reasons they are
// to fit into a packet, and the store is asked for the names of each.
const (
	reportsPageMax = 30
	auditPageMax   = 40
)

// ReportInfo is a report as a client sees it.
type ReportInfo struct {
	chat.Report
	AuthorName, ReporterName string // in pages only
}

// Report tells the moderators of a room of a message; the client is told Reported or Failed.
// reason is lent.
func (s *Shard) Report(o *Session, ref RequestRef, seq chat.Seq, reason string) {
	if err := checkReason(reason); err != nil {
		s.fail(o, ref, err)
		return
	}
	s.moderate(o, ref, moderation{kind: moderationReport, seq: seq, text: strings.Clone(reason)})
}

// Reports tells the client a page of the reports of a room, with ids above after.
func (s *Shard) Reports(o *Session, ref RequestRef, after uint64, all bool, itemsWant int) {
	s.moderate(o, ref, moderation{kind: moderationReports, id: after, all: all, items: min(s.items(itemsWant), reportsPageMax)})
}

// Resolve notes what became of a report of a room; the client is told Reported or Failed. note is
// lent.
func (s *Shard) Resolve(o *Session, ref RequestRef, id uint64, outcome chat.ReportOutcome, note string) {
	if err := checkReason(note); err != nil {
		s.fail(o, ref, err)
		return
	}
	s.moderate(o, ref, moderation{kind: moderationResolve, id: id, outcome: outcome, text: strings.Clone(note)})
}

// Audit tells the client a page of the audit log of a room, the newest first.
func (s *Shard) Audit(o *Session, ref RequestRef, before chat.AuditMark, itemsWant int) {
	s.moderate(o, ref, moderation{kind: moderationAudit, before: before, items: min(s.items(itemsWant), auditPageMax)})
}

type moderationKind uint8

const (
	moderationReport moderationKind = iota
	moderationReports
	moderationResolve
	moderationAudit
	moderationFilter   // see filter.go
	moderationMakeLink // and the others of links; see roomlink.go
	moderationLinks
	moderationRevokeLink
)

// moderation is one of these requests.
type moderation struct {
	kind    moderationKind
	all     bool
	outcome chat.ReportOutcome
	items   int
	seq     chat.Seq
	id      uint64
	before  chat.AuditMark
	text    string
	last    time.Duration // of a link that is made
	filter  *chat.RoomFilter
}

// action is what it asks the right to.
func (m *moderation) action() chat.Action {
	switch {
	case m.kind == moderationReport:
		return chat.ActionReport
	case m.kind.ofLinks():
		return chat.ActionInvite
	case m.kind == moderationFilter:
		return chat.ActionFilter
	}
	return chat.ActionReports
}

func (s *Shard) moderate(o *Session, ref RequestRef, m moderation) {
	if !s.mayRequest(o, ref, limit.LevelReads) || !s.begin(o, ref) {
		return
	}
	s.ask(&moderationRequest{
		asker:      asker{session: o.Engine.ID(), network: o.network, user: o.User, name: o.Name, ref: ref, counted: true},
		moderation: m,
	})
}

// moderationRequest asks the room's home for the right.
type moderationRequest struct {
	asker
	moderation
}

func (r *moderationRequest) at(h *home) {
	if !h.may(r, r.action()) {
		return
	}
	info := h.room.Info()
	if r.kind.ofLinks() {
		if err := mayLink(&info, r.kind); err != nil {
			h.shard.refuse(&r.asker, err)
			return
		}
	}
	if r.kind == moderationFilter && info.IsDirect() {
		h.shard.refuse(&r.asker, chat.Errorf(chat.CodeBadRequest, "a direct room has no filter"))
		return
	}
	if info.Ephemeral {
		h.shard.refuse(&r.asker, chat.Errorf(chat.CodeBadRequest, "an ephemeral room keeps nothing, and has no moderators"))
		return
	}
	h.shard.answer(r.session.Worker(), &moderationGranted{r.asker, r.moderation})
}

// moderationGranted has the session's shard ask the store.
type moderationGranted struct {
	asker
	moderation
}

func (g *moderationGranted) on(s *Shard) {
	o := s.session(g.session)
	if o == nil {
		return
	}
	store, keeps := s.hub.config.Store.(chat.Moderation)
	if !keeps {
		o.requests--
		s.fail(o, g.ref, chat.Errorf(chat.CodeBadRequest, "this server keeps neither reports nor an audit log"))
		return
	}
	s.read(o, g.ref, func(ctx context.Context) func(*Session) {
		answer, err := s.hub.moderate(ctx, store, &g.asker, &g.moderation)
		if err != nil {
			return func(o *Session) { s.fail(o, g.ref, s.hub.typed("moderation", err)) }
		}
		return answer
	})
}

// moderate does it at the store, and returns what tells the client.
func (h *Hub) moderate(ctx context.Context, store chat.Moderation, who *asker, m *moderation) (func(*Session), error) {
	room := who.ref.Room
	if m.kind.ofLinks() {
		return h.links(ctx, store, who, m)
	}
	if m.kind == moderationFilter {
		return h.filterRoom(ctx, store, who, m)
	}
	switch m.kind {
	case moderationReport:
		r, err := h.report(ctx, store, who, m)
		return func(o *Session) { o.Client.Reported(o, who.ref, ReportInfo{Report: r}) }, err
	case moderationReports:
		all, more, err := store.Reports(ctx, chat.ReportQuery{After: m.id, Room: room, All: m.all, ItemsMax: m.items})
		if err != nil {
			return nil, err
		}
		page, err := named(ctx, store, all)
		return func(o *Session) { o.Client.Reports(o, who.ref, page, more) }, err
	case moderationResolve:
		r, err := h.resolve(ctx, store, who, m)
		return func(o *Session) { o.Client.Reported(o, who.ref, ReportInfo{Report: r}) }, err
	}
	before := m.before
	if before != (chat.AuditMark{}) {
		before.Room = room // it is a place in this room's part
	}
	page, more, err := store.Audit(ctx, chat.AuditQuery{Before: before, Room: room, ItemsMax: m.items})
	return func(o *Session) { o.Client.Audit(o, who.ref, page, more) }, err
}

// report stores a report of a message.
func (h *Hub) report(ctx context.Context, store chat.Moderation, who *asker, m *moderation) (r chat.Report, err error) {
	events, _, err := store.History(ctx, who.ref.Room, chat.Page{After: max(m.seq, 1) - 1, ItemsMax: 1, BytesMax: 1})
	switch {
	case err != nil:
		return r, err
	case len(events) != 1 || events[0].Seq != m.seq || events[0].Kind != chat.EventMessage:
		return r, chat.Errorf(chat.CodeBadRequest, "there is no message %d in the room", m.seq)
	case events[0].User == who.user:
		return r, chat.Errorf(chat.CodeBadRequest, "it is a message of your own")
	}
	r = chat.Report{
		Room: who.ref.Room, Seq: m.seq, Author: events[0].User, Reporter: who.user, TimeMs: h.nowMs(), Reason: m.text,
	}
	return store.AddReport(ctx, r, chat.ReportQuota{ReporterMax: h.config.UserReportsMax, RoomMax: h.config.RoomReportsMax})
}

// resolve notes what became of a report, if it is of the room.
func (h *Hub) resolve(ctx context.Context, store chat.Moderation, who *asker, m *moderation) (r chat.Report, err error) {
	if r, err = store.Report(ctx, m.id); err != nil {
		return r, err
	}
	if r.Room != who.ref.Room {
		return r, chat.Errorf(chat.CodeNoReport, "there is no report %d in the room", m.id)
	}
	return store.ResolveReport(ctx, m.id, m.outcome, chat.AuditEntry{
		Nonce: h.Uint64() | 1, TimeMs: h.nowMs(), Act: chat.AuditResolve, By: who.user, Subject: r.Author, Room: r.Room, Seq: r.Seq,
		What: m.outcome.String(), Reason: m.text,
	})
}

// named looks up the names of authors and reporters, each once.
func named(ctx context.Context, store chat.Store, all []chat.Report) ([]ReportInfo, error) {
	names := map[chat.UserID]string{}
	name := func(u chat.UserID) (string, error) {
		if n, known := names[u]; known {
			return n, nil
		}
		user, err := store.User(ctx, u)
		names[u] = user.Name
		return user.Name, err
	}
	page := make([]ReportInfo, len(all))
	for i, r := range all {
		author, err := name(r.Author)
		if err != nil {
			return nil, err
		}
		reporter, err := name(r.Reporter)
		if err != nil {
			return nil, err
		}
		page[i] = ReportInfo{r, author, reporter}
	}
	return page, nil
}
