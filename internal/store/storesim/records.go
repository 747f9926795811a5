package storesim

import (
	"cmp"
	"context"
	"net/netip"
	"slices"

	"sarang/chat"
)

// records are those of the kinds that this store has, each in the order of its keys.
func (d *Disk) records(kind string) (all []chat.Record, has bool) {
	m := &d.moderation
	add := func(r ...any) { all = append(all, r) }
	switch kind {
	case "externals":
		for external, u := range d.externals {
			add(external, int64(u))
		}
		slices.SortFunc(all, func(a, b chat.Record) int { return cmp.Compare(a[0].(string), b[0].(string)) })
	case "operators":
		for _, u := range m.operators {
			add(int64(u))
		}
	case "audit":
		for _, a := range m.audit {
			add(int64(a.ID), int64(a.Nonce), a.TimeMs, int64(a.Act), int64(a.By), int64(a.Subject), int64(a.Room), int64(a.Seq),
				a.UntilMs, a.What, a.Reason)
		}
	case "bans":
		for _, b := range m.bans {
			network := ""
			if b.User == 0 {
				network = b.Network.String()
			}
			add(int64(b.ID), b.Target(), int64(b.User), network, b.UntilMs, b.Reason, b.CreatedMs)
		}
	case "reports":
		for _, r := range m.reports {
			add(int64(r.ID), int64(r.Room), int64(r.Seq), int64(r.Author), int64(r.Reporter), r.TimeMs, r.Reason,
				int64(r.Outcome), int64(r.ResolvedBy), r.ResolvedMs, r.Note)
		}
	default:
		return nil, false
	}
	if kind != "externals" {
		slices.SortFunc(all, func(a, b chat.Record) int { return cmp.Compare(a[0].(int64), b[0].(int64)) })
	}
	return all, true
}

// Records is documented at chat.RecordStore.
func (s *Store) Records(ctx context.Context, k chat.RecordKind, after chat.Record, itemsMax int) ([]chat.Record, error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "Records"); err != nil {
		return nil, err
	}
	all, has := d.records(k.Name)
	if !has {
		return nil, noSuchKind(k)
	}
	if after != nil {
		at := slices.IndexFunc(all, func(r chat.Record) bool {
			if key, is := r[0].(int64); is {
				return key > after[0].(int64)
			}
			return r[0].(string) > after[0].(string)
		})
		if at < 0 {
			at = len(all)
		}
		all = all[at:]
	}
	return all[:min(len(all), max(itemsMax, 1))], nil
}

func noSuchKind(k chat.RecordKind) error {
	return chat.Errorf(chat.CodeBadRequest, "this store keeps no %s", k.Name)
}

// AddRecords is documented at chat.RecordStore.
func (s *Store) AddRecords(ctx context.Context, k chat.RecordKind, records []chat.Record) error {
	return s.write(ctx, "AddRecords", func(d *Disk) error {
		for _, r := range records {
			if err := d.addRecord(k, r); err != nil {
				return err
			}
		}
		return nil
	})
}

func (d *Disk) addRecord(k chat.RecordKind, r chat.Record) (err error) {
	m := &d.moderation
	n := func(i int) uint64 { return uint64(r[i].(int64)) }
	switch k.Name {
	case "externals":
		if d.externals == nil {
			d.externals = map[string]chat.UserID{}
		}
		d.externals[r[0].(string)] = chat.UserID(n(1))
	case "operators":
		if at, found := slices.BinarySearch(m.operators, chat.UserID(n(0))); !found {
			m.operators = slices.Insert(m.operators, at, chat.UserID(n(0)))
		}
	case "audit":
		m.audit = slices.DeleteFunc(m.audit, func(a chat.AuditEntry) bool { return a.ID == n(0) })
		m.audit = append(m.audit, chat.AuditEntry{
			ID: n(0), Nonce: n(1), TimeMs: r[2].(int64), Act: chat.AuditAct(n(3)), By: chat.UserID(n(4)), Subject: chat.UserID(n(5)),
			Room: chat.RoomID(n(6)), Seq: chat.Seq(n(7)), UntilMs: r[8].(int64), What: r[9].(string), Reason: r[10].(string),
		})
		m.lastAudit = max(m.lastAudit, n(0))
	case "bans":
		b := chat.Ban{ID: n(0), User: chat.UserID(n(2)), UntilMs: r[4].(int64), Reason: r[5].(string), CreatedMs: r[6].(int64)}
		if r[3] != "" {
			if b.Network, err = netip.ParsePrefix(r[3].(string)); err != nil {
				return chat.Errorf(chat.CodeBadRequest, "a ban for %q", r[3])
			}
		}
		m.bans = slices.DeleteFunc(m.bans, func(o chat.Ban) bool { return o.ID == b.ID })
		m.bans = append(m.bans, b)
	case "reports":
		m.reports = slices.DeleteFunc(m.reports, func(o chat.Report) bool { return o.ID == n(0) })
		m.reports = append(m.reports, chat.Report{
			ID: n(0), Room: chat.RoomID(n(1)), Seq: chat.Seq(n(2)), Author: chat.UserID(n(3)), Reporter: chat.UserID(n(4)),
			TimeMs: r[5].(int64), Reason: r[6].(string), Outcome: chat.ReportOutcome(n(7)), ResolvedBy: chat.UserID(n(8)),
			ResolvedMs: r[9].(int64), Note: r[10].(string),
		})
		m.lastID = max(m.lastID, n(0))
	default:
		return noSuchKind(k)
	}
	return nil
}
