package storesim

import (
	"context"
	"maps"
	"slices"
	"strings"

	"sarang/chat"
)

var _ chat.Moderation = (*Store)(nil)

// moderation is what a disk has of it.
type moderation struct {
	operators []chat.UserID
	audit     []chat.AuditEntry // by id - 1 + trimmed
	lastAudit uint64
	bans      []chat.Ban
	reports   []chat.Report
	lastID    uint64              // of reports
	names     map[string]keptName // by key
	links     []roomLink          // by id
	filters   map[chat.RoomID]chat.RoomFilter
}

func (m *moderation) clone() moderation {
	own := *m
	own.operators, own.audit = slices.Clone(m.operators), slices.Clone(m.audit)
	own.names, own.filters = maps.Clone(m.names), maps.Clone(m.filters)
	own.bans, own.reports, own.links = slices.Clone(m.bans), slices.Clone(m.reports), slices.Clone(m.links)
	return own
}

// moderate does a small write with its entry, unless that is there.
func (s *Store) moderate(ctx context.Context, call string, a chat.AuditEntry, do func(d *Disk) error) error {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	fault, err := s.begin(ctx, call)
	switch {
	case err != nil:
		return err
	case fault == FaultUncertain:
		return chat.Errorf(chat.CodeUnavailable, "the disk does not do it now")
	case a.Nonce == 0:
		return chat.Errorf(chat.CodeBadRequest, "an entry needs a nonce")
	case !slices.ContainsFunc(d.moderation.audit, func(b chat.AuditEntry) bool { return b.Nonce == a.Nonce }):
		err = do(d)
	}
	died(fault, call+", after it")
	return err
}

// note stores an entry and returns its id.
func (d *Disk) note(a chat.AuditEntry) uint64 {
	m := &d.moderation
	m.lastAudit++
	a.ID, a.ByName, a.SubjectName, a.Role = m.lastAudit, "", "", 0
	m.audit = append(m.audit, a)
	return a.ID
}

// AddAudit is documented at chat.Moderation.
func (s *Store) AddAudit(ctx context.Context, a chat.AuditEntry) error {
	return s.moderate(ctx, "AddAudit", a, func(d *Disk) error {
		d.note(a)
		return nil
	})
}

// Operators is documented at chat.Moderation.
func (s *Store) Operators(ctx context.Context) ([]chat.UserID, error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "Operators"); err != nil {
		return nil, err
	}
	return slices.Clone(d.moderation.operators), nil
}

// SetOperator is documented at chat.Moderation.
func (s *Store) SetOperator(ctx context.Context, user chat.UserID, operator bool, a chat.AuditEntry) error {
	return s.moderate(ctx, "SetOperator", a, func(d *Disk) error {
		if !d.isUser(user) {
			return chat.Errorf(chat.CodeNoUser, "there is no user %d", user)
		}
		m := &d.moderation
		at, found := slices.BinarySearch(m.operators, user)
		switch {
		case operator && !found && len(m.operators) >= chat.OperatorsMax:
			return chat.Errorf(chat.CodeTooMany, "there are too many operators")
		case operator && !found:
			m.operators = slices.Insert(m.operators, at, user)
		case !operator && found:
			m.operators = slices.Delete(m.operators, at, at+1)
		}
		d.note(a)
		return nil
	})
}

// Bans is documented at chat.Moderation.
func (s *Store) Bans(ctx context.Context, after uint64, itemsMax int) (bans []chat.Ban, err error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "Bans"); err != nil {
		return nil, err
	}
	for _, b := range d.moderation.bans {
		if b.ID > after && len(bans) < max(itemsMax, 1) {
			bans = append(bans, b)
		}
	}
	return bans, nil
}

// AddBan is documented at chat.Moderation.
func (s *Store) AddBan(ctx context.Context, b chat.Ban, a chat.AuditEntry) (chat.Ban, error) {
	if b.Network = b.Network.Masked(); b.User == 0 && !b.Network.IsValid() {
		return b, chat.Errorf(chat.CodeBadRequest, "a ban is for a user or a network")
	}
	err := s.moderate(ctx, "AddBan", a, func(d *Disk) error {
		if b.User != 0 && !d.isUser(b.User) {
			return chat.Errorf(chat.CodeNoUser, "there is no user %d", b.User)
		}
		m := &d.moderation
		m.bans = slices.DeleteFunc(m.bans, func(o chat.Ban) bool { return o.Target() == b.Target() || !o.HoldsAt(b.CreatedMs) })
		if len(m.bans) >= chat.BansMax {
			return chat.Errorf(chat.CodeTooMany, "there are too many bans")
		}
		b.ID = d.note(a)
		m.bans = append(m.bans, b)
		return nil
	})
	if err != nil {
		return b, err
	}
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	for _, o := range s.disk.moderation.bans {
		if o.Target() == b.Target() {
			b = o
		}
	}
	return b, nil
}

// RemoveBan is documented at chat.Moderation.
func (s *Store) RemoveBan(ctx context.Context, id uint64, a chat.AuditEntry) error {
	return s.moderate(ctx, "RemoveBan", a, func(d *Disk) error {
		m := &d.moderation
		at := slices.IndexFunc(m.bans, func(b chat.Ban) bool { return b.ID == id })
		if at < 0 {
			return chat.Errorf(chat.CodeBadRequest, "there is no ban %d", id)
		}
		m.bans = slices.Delete(m.bans, at, at+1)
		d.note(a)
		return nil
	})
}

// Audit is documented at chat.Moderation.
func (s *Store) Audit(ctx context.Context, q chat.AuditQuery) ([]chat.AuditEntry, bool, error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "Audit"); err != nil {
		return nil, false, err
	}
	all := slices.Clone(d.moderation.audit)
	for i := range all {
		all[i].Nonce = 0
	}
	for _, log := range d.rooms {
		if log.deleted {
			continue
		}
		for i := range log.events {
			if e := &log.events[i]; e.Kind.Audited() {
				all = append(all, chat.AuditOf(e))
			}
		}
	}
	all = slices.DeleteFunc(all, func(a chat.AuditEntry) bool { return !q.Wants(&a) })
	slices.SortFunc(all, func(a, b chat.AuditEntry) int { return b.Mark().Compare(a.Mark()) })
	n := min(len(all), max(q.ItemsMax, 1))
	name := func(u chat.UserID) string {
		if d.isUser(u) {
			return d.users[u-1].user.Name
		}
		return ""
	}
	page := slices.Clone(all[:n])
	for i := range page {
		page[i].ByName, page[i].SubjectName = name(page[i].By), name(page[i].Subject)
	}
	return page, n < len(all), nil
}

// TrimAudit is documented at chat.Moderation.
func (s *Store) TrimAudit(ctx context.Context, beforeMs int64, itemsMax int) (erased int, err error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "TrimAudit"); err != nil {
		return 0, err
	}
	m, left := &d.moderation, max(itemsMax, 1)
	gone := func(old bool) bool {
		if !old || left == 0 {
			return false
		}
		left--
		return true
	}
	slices.SortStableFunc(m.audit, func(a, b chat.AuditEntry) int { return a.Mark().Compare(b.Mark()) })
	m.audit = slices.DeleteFunc(m.audit, func(a chat.AuditEntry) bool {
		banned := slices.ContainsFunc(m.bans, func(b chat.Ban) bool { return b.ID == a.ID })
		return gone(a.TimeMs < beforeMs && !banned && m.link(a.ID) == nil)
	})
	m.reports = slices.DeleteFunc(m.reports, func(r chat.Report) bool {
		return gone(r.Outcome != chat.ReportOpen && r.ResolvedMs < beforeMs)
	})
	return max(itemsMax, 1) - left, nil
}

// AddReport is documented at chat.Moderation.
func (s *Store) AddReport(ctx context.Context, r chat.Report, q chat.ReportQuota) (chat.Report, error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	fault, err := s.begin(ctx, "AddReport")
	switch {
	case err != nil:
		return r, err
	case fault == FaultUncertain:
		return r, chat.Errorf(chat.CodeUnavailable, "the disk does not do it now")
	}
	m, his, here := &d.moderation, 0, 0
	for _, o := range m.reports {
		if o.Room == r.Room && o.Seq == r.Seq && o.Reporter == r.Reporter {
			return o, nil
		}
		if o.Outcome == chat.ReportOpen && o.Reporter == r.Reporter {
			his++
		}
		if o.Outcome == chat.ReportOpen && o.Room == r.Room {
			here++
		}
	}
	log := d.log(r.Room)
	is := func(e chat.Event) bool { return e.Seq == r.Seq && e.User == r.Author && r.Author != 0 }
	switch {
	case !d.isUser(r.Reporter):
		return r, chat.Errorf(chat.CodeNoUser, "there is no user %d", r.Reporter)
	case log == nil || !slices.ContainsFunc(log.events, is):
		return r, chat.Errorf(chat.CodeBadRequest, "there is no event %d of that author in the room", r.Seq)
	case q.ReporterMax > 0 && his >= q.ReporterMax, q.RoomMax > 0 && here >= q.RoomMax:
		return r, chat.Errorf(chat.CodeTooMany, "too many reports wait for a moderator already")
	}
	m.lastID++
	r = chat.Report{ID: m.lastID, Room: r.Room, Seq: r.Seq, Author: r.Author, Reporter: r.Reporter, TimeMs: r.TimeMs, Reason: strings.Clone(r.Reason)}
	m.reports = append(m.reports, r)
	died(fault, "AddReport, after it")
	return r, nil
}

// Reports is documented at chat.Moderation.
func (s *Store) Reports(ctx context.Context, q chat.ReportQuery) (reports []chat.Report, more bool, err error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "Reports"); err != nil {
		return nil, false, err
	}
	for _, r := range d.moderation.reports {
		if r.ID > q.After && (q.Room == 0 || r.Room == q.Room) && (q.All || r.Outcome == chat.ReportOpen) {
			if len(reports) == max(q.ItemsMax, 1) {
				return reports, true, nil
			}
			reports = append(reports, r)
		}
	}
	return reports, false, nil
}

// Report is documented at chat.Moderation.
func (s *Store) Report(ctx context.Context, id uint64) (chat.Report, error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "Report"); err != nil {
		return chat.Report{}, err
	}
	if r := d.report(id); r != nil {
		return *r, nil
	}
	return chat.Report{}, chat.Errorf(chat.CodeNoReport, "there is no report %d", id)
}

func (d *Disk) report(id uint64) *chat.Report {
	for i := range d.moderation.reports {
		if r := &d.moderation.reports[i]; r.ID == id {
			return r
		}
	}
	return nil
}

// ResolveReport is documented at chat.Moderation.
func (s *Store) ResolveReport(ctx context.Context, id uint64, outcome chat.ReportOutcome, a chat.AuditEntry) (chat.Report, error) {
	if outcome != chat.ReportActed && outcome != chat.ReportRejected {
		return chat.Report{}, chat.Errorf(chat.CodeBadRequest, "a report is resolved as acted or rejected")
	}
	err := s.moderate(ctx, "ResolveReport", a, func(d *Disk) error {
		r := d.report(id)
		switch {
		case r == nil:
			return chat.Errorf(chat.CodeNoReport, "there is no report %d", id)
		case r.Outcome != chat.ReportOpen:
			return chat.Errorf(chat.CodeBadRequest, "report %d was resolved before", id)
		}
		r.Outcome, r.ResolvedBy, r.ResolvedMs, r.Note = outcome, a.By, a.TimeMs, a.Reason
		d.note(a)
		return nil
	})
	if err != nil {
		return chat.Report{}, err
	}
	return s.Report(ctx, id)
}

// FindUsers is documented at chat.Moderation.
func (s *Store) FindUsers(ctx context.Context, prefix, after string, itemsMax int) (users []chat.User, err error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "FindUsers"); err != nil {
		return nil, err
	}
	for _, a := range d.users {
		if u := a.user; u.Key != "" && u.Key > after && strings.HasPrefix(u.Key, prefix) {
			users = append(users, u)
		}
	}
	slices.SortFunc(users, func(a, b chat.User) int { return strings.Compare(a.Key, b.Key) })
	return users[:min(len(users), max(itemsMax, 1))], nil
}
