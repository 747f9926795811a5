package storesim

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"strings"

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
	case "profiles":
		for u, p := range d.people.profiles {
			hidden := int64(0)
			if p.Hidden {
				hidden = 1
			}
			add(int64(u), p.DisplayName, p.About, p.Status, hidden)
		}
	case "blocks":
		for b := range d.people.blocks {
			add(int64(b.User), int64(b.Whom))
		}
	case "old_names":
		for _, n := range d.people.oldNames {
			add(n.Key, int64(n.User), n.Look, n.LeftMs)
		}
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
	case "files":
		for _, f := range d.files {
			thumbnail := int64(0)
			if f.Thumbnail {
				thumbnail = 1
			}
			add(int64(f.ID), int64(f.Owner), string(f.Hash[:]), f.Bytes, f.Type, f.Name, int64(f.Width), int64(f.Height), thumbnail, f.CreatedMs, f.state())
		}
	case "reports":
		for _, r := range m.reports {
			add(int64(r.ID), int64(r.Room), int64(r.Seq), int64(r.Author), int64(r.Reporter), r.TimeMs, r.Reason,
				int64(r.Outcome), int64(r.ResolvedBy), r.ResolvedMs, r.Note)
		}
	case "room_filters":
		for room, f := range m.filters {
			links := int64(0)
			if f.Links {
				links = 1
			}
			add(int64(room), int64(f.Version), strings.Join(f.Words, "\n"), links)
		}
	case "room_links":
		for _, l := range m.links {
			add(int64(l.ID), int64(l.Room), string(l.Code[:]), int64(l.By), int64(l.Uses), int64(l.UsesMax), l.ExpiresMs, l.CreatedMs, int64(l.lastUse))
		}
	case "follows":
		for at, f := range d.follows {
			followed := int64(0)
			if f.Followed {
				followed = 1
			}
			add(int64(at.user), int64(at.room), int64(at.root), followed, int64(f.Mark))
		}
	case "room_names":
		for key, n := range m.names {
			add(key, int64(n.room), n.untilMs)
		}
		slices.SortFunc(all, func(a, b chat.Record) int { return cmp.Compare(a[0].(string), b[0].(string)) })
	default:
		return nil, false
	}
	return all, true
}

// compareKeys compares as many fields as there are in both.
func compareKeys(a, b chat.Record) int {
	for i := range min(len(a), len(b)) {
		c := 0
		if n, is := a[i].(int64); is {
			c = cmp.Compare(n, b[i].(int64))
		} else {
			c = cmp.Compare(a[i].(string), b[i].(string))
		}
		if c != 0 {
			return c
		}
	}
	return 0
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
	slices.SortFunc(all, func(a, b chat.Record) int { return compareKeys(k.Key(a), k.Key(b)) })
	if after != nil {
		all = slices.DeleteFunc(all, func(r chat.Record) bool { return compareKeys(k.Key(r), k.Key(after)) <= 0 })
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
	case "profiles":
		d.people.putProfile(chat.UserID(n(0)), chat.Profile{DisplayName: r[1].(string), About: r[2].(string), Status: r[3].(string), Hidden: n(4) != 0})
	case "blocks":
		d.people.blocks[chat.Block{User: chat.UserID(n(0)), Whom: chat.UserID(n(1))}] = true
	case "old_names":
		d.people.oldNames[r[0].(string)] = chat.OldName{Key: r[0].(string), User: chat.UserID(n(1)), Look: r[2].(string), LeftMs: r[3].(int64)}
	case "follows":
		at := follower{chat.UserID(n(0)), chat.RoomID(n(1)), chat.Seq(n(2))}
		d.follows[at] = chat.Follow{Root: at.root, Followed: n(3) != 0, Mark: chat.Seq(n(4))}
	case "room_names":
		d.keepName(r[0].(string), chat.RoomID(r[1].(int64)), r[2].(int64))
	case "room_filters":
		f := chat.RoomFilter{Version: n(1), Links: n(3) != 0}
		if words := r[2].(string); words != "" {
			f.Words = strings.Split(words, "\n")
		}
		d.putFilter(chat.RoomID(n(0)), f)
	case "room_links":
		l := roomLink{lastUse: n(8), RoomLink: chat.RoomLink{
			ID: n(0), Room: chat.RoomID(n(1)), By: chat.UserID(n(3)), Uses: int(n(4)), UsesMax: int(n(5)), ExpiresMs: r[6].(int64), CreatedMs: r[7].(int64),
		}}
		copy(l.Code[:], r[2].(string))
		m.putLink(l)
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
	case "files":
		f := &file{links: map[link]bool{}, named: n(10) == fileNamed, loose: n(10) == fileLoose, going: n(10) == fileGoing}
		f.FileInfo = chat.FileInfo{
			ID: chat.FileID(n(0)), Bytes: r[3].(int64), Type: r[4].(string), Name: r[5].(string), Width: int(n(6)), Height: int(n(7)), Thumbnail: n(8) != 0,
		}
		f.Owner, f.CreatedMs = chat.UserID(n(1)), r[9].(int64)
		copy(f.Hash[:], r[2].(string))
		if d.files == nil {
			d.files = map[chat.FileID]*file{}
		}
		d.files[f.ID] = f
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
