package storetest

import (
	"fmt"
	"net/netip"
	"testing"

	"sarang/chat"
)

// moderation is the store as a chat.Moderation; a store that is none is not asked.
func (f *fixture) moderation(t *testing.T) chat.Moderation {
	t.Helper()
	one := f.store
	if several, are := one.(*shared); are {
		one = several.next()
	}
	m, is := one.(chat.Moderation)
	if !is {
		t.Skip("this store keeps no moderation")
	}
	return m
}

// entry is an entry of the audit log that no other one is like.
func entry(n int, act chat.AuditAct) chat.AuditEntry {
	return chat.AuditEntry{Nonce: 1<<63 + uint64(n), TimeMs: int64(1000 * n), Act: act, What: fmt.Sprint("what ", n), Reason: fmt.Sprint("why ", n)}
}

// wantAudit looks whether the audit log has these, the newest first, in pages of two.
func (f *fixture) wantAudit(t *testing.T, q chat.AuditQuery, want ...chat.AuditEntry) {
	t.Helper()
	m, got := f.moderation(t), []chat.AuditEntry(nil)
	q.ItemsMax = 2
	for range 100 {
		page, more, err := m.Audit(f.ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) > 2 || more && len(page) < 2 {
			t.Fatalf("a page of two has %d, more: %t", len(page), more)
		}
		got = append(got, page...)
		if !more {
			break
		}
		q.Before = page[1].Mark()
	}
	if len(got) != len(want) {
		t.Fatalf("the audit log has %+v, want %+v", got, want)
	}
	for i := range want {
		w := want[i]
		w.Nonce = 0
		if w.Seq == 0 || w.Act > chat.AuditKick { // ids are the store's choice, but they are there and grow
			if got[i].ID == 0 || i > 0 && got[i-1].ID != 0 && got[i-1].ID <= got[i].ID && got[i-1].TimeMs == got[i].TimeMs {
				t.Errorf("entry %d has the id %d", i, got[i].ID)
			}
			w.ID = got[i].ID
		}
		if got[i] != w {
			t.Errorf("entry %d is %+v, want %+v", i, got[i], w)
		}
	}
}

func testOperators(t *testing.T, f *fixture) {
	m, mina, jun := f.moderation(t), f.user(t, "mina"), f.user(t, "jun")
	want := func(users ...chat.UserID) {
		t.Helper()
		got, err := m.Operators(f.ctx)
		if err != nil || fmt.Sprint(got) != fmt.Sprint(users) {
			t.Fatalf("operators %v, %v; want %v", got, err, users)
		}
	}
	want()
	made := entry(1, chat.AuditOperator)
	made.Subject = jun.ID
	for range 2 { // the same call again changes nothing
		if err := m.SetOperator(f.ctx, jun.ID, true, made); err != nil {
			t.Fatal(err)
		}
	}
	other := entry(2, chat.AuditOperator)
	other.By, other.Subject = jun.ID, mina.ID
	if err := m.SetOperator(f.ctx, mina.ID, true, other); err != nil {
		t.Fatal(err)
	}
	want(mina.ID, jun.ID)
	wantCode(t, m.SetOperator(f.ctx, 99, true, entry(3, chat.AuditOperator)), chat.CodeNoUser)
	wantCode(t, m.SetOperator(f.ctx, mina.ID, true, chat.AuditEntry{}), chat.CodeBadRequest)
	gone := entry(4, chat.AuditNoOperator)
	gone.Subject = jun.ID
	if err := m.SetOperator(f.ctx, jun.ID, false, gone); err != nil {
		t.Fatal(err)
	}
	f.reopen(t)
	m = f.moderation(t)
	want(mina.ID)
	made.SubjectName, other.SubjectName, other.ByName, gone.SubjectName = "jun", "mina", "jun", "jun"
	f.wantAudit(t, chat.AuditQuery{}, gone, other, made)
	f.wantAudit(t, chat.AuditQuery{User: mina.ID}, other)
	f.wantAudit(t, chat.AuditQuery{User: jun.ID, SinceMs: 2000}, gone, other)
}

func testBans(t *testing.T, f *fixture) {
	m, mina := f.moderation(t), f.user(t, "mina")
	want := func(bans ...chat.Ban) {
		t.Helper()
		got := []chat.Ban{}
		for after := uint64(0); ; {
			page, err := m.Bans(f.ctx, after, 2)
			if err != nil || len(page) > 2 {
				t.Fatalf("%+v, %v", page, err)
			}
			if len(page) == 0 {
				break
			}
			got, after = append(got, page...), page[len(page)-1].ID
		}
		if fmt.Sprint(got) != fmt.Sprint(bans) {
			t.Fatalf("bans %+v, want %+v", got, bans)
		}
	}
	want()
	add := func(n int, b chat.Ban) chat.Ban {
		t.Helper()
		b.CreatedMs, b.Reason = int64(1000*n), fmt.Sprint("reason ", n)
		var got chat.Ban
		for range 2 {
			var err error
			if got, err = m.AddBan(f.ctx, b, entry(n, chat.AuditBan)); err != nil {
				t.Fatal(err)
			}
			b.ID = got.ID
			if got != b || b.ID == 0 {
				t.Fatalf("AddBan: %+v, want %+v", got, b)
			}
		}
		return got
	}
	user := add(1, chat.Ban{User: mina.ID})
	network := add(2, chat.Ban{Network: netip.MustParsePrefix("10.1.0.0/16"), UntilMs: 5000})
	six := add(3, chat.Ban{Network: netip.MustParsePrefix("2001:db8::/32")})
	want(user, network, six)
	if got, err := m.AddBan(f.ctx, chat.Ban{Network: netip.MustParsePrefix("10.9.8.7/16"), CreatedMs: 3500}, entry(4, chat.AuditBan)); err != nil || got.Network.String() != "10.9.0.0/16" {
		t.Fatalf("a network that is not masked: %+v, %v", got, err)
	} else {
		want(user, network, six, got)
		if err := m.RemoveBan(f.ctx, got.ID, entry(5, chat.AuditUnban)); err != nil {
			t.Fatal(err)
		}
		wantCode(t, m.RemoveBan(f.ctx, got.ID, entry(6, chat.AuditUnban)), chat.CodeBadRequest)
	}
	_, err := m.AddBan(f.ctx, chat.Ban{User: 99}, entry(7, chat.AuditBan))
	wantCode(t, err, chat.CodeNoUser)
	_, err = m.AddBan(f.ctx, chat.Ban{}, entry(8, chat.AuditBan))
	wantCode(t, err, chat.CodeBadRequest)
	// A second one of a user takes the place of the first, and what has run out goes.
	longer := add(9, chat.Ban{User: mina.ID, UntilMs: 99999})
	f.reopen(t)
	m = f.moderation(t)
	want(six, longer)
	f.wantAudit(t, chat.AuditQuery{}, entry(9, chat.AuditBan), entry(5, chat.AuditUnban), entry(4, chat.AuditBan),
		entry(3, chat.AuditBan), entry(2, chat.AuditBan), entry(1, chat.AuditBan))
	if n, err := m.TrimAudit(f.ctx, 9500, 4); err != nil || n != 4 {
		t.Fatalf("TrimAudit: %d, %v", n, err)
	}
	f.wantAudit(t, chat.AuditQuery{}, entry(9, chat.AuditBan), entry(3, chat.AuditBan)) // those of bans stay
}

// Roles and kicks are in the audit log, between what is not in the logs.
func testAuditOfEvents(t *testing.T, f *fixture) {
	m, a, b, mina, jun := f.moderation(t), f.room(t, "a"), f.room(t, "b"), f.user(t, "mina"), f.user(t, "jun")
	at := func(e chat.Event, timeMs int64) chat.Event { e.TimeMs = timeMs; return e }
	ban := at(roleEvent(a, 2, mina, jun, chat.RoleBanned), 2000)
	ban.UntilMs, ban.Text = 9000, "spam"
	kick := at(message(b, 1, jun, "out"), 2000)
	kick.Kind, kick.Subject = chat.EventKick, mina.ID
	f.commit(t, these(a, 1, at(message(a, 1, mina, "x"), 1000), ban, at(message(a, 3, mina, "y"), 3000)), these(b, 1, kick))
	set := entry(2, chat.AuditRoomSetting)
	set.Room, set.By = a.ID, jun.ID
	backup := entry(1, chat.AuditBackup)
	for _, e := range []chat.AuditEntry{set, backup} {
		if err := m.AddAudit(f.ctx, e); err != nil {
			t.Fatal(err)
		}
	}
	set.ByName = "jun"
	banned := chat.AuditOf(&ban)
	banned.ByName, banned.SubjectName = "mina", "jun"
	kicked := chat.AuditOf(&kick)
	kicked.ByName, kicked.SubjectName = "jun", "mina"
	f.wantAudit(t, chat.AuditQuery{}, kicked, banned, set, backup)
	f.wantAudit(t, chat.AuditQuery{Room: a.ID}, banned, set)
	f.wantAudit(t, chat.AuditQuery{Room: b.ID}, kicked)
	f.wantAudit(t, chat.AuditQuery{Room: 99})
	f.wantAudit(t, chat.AuditQuery{User: mina.ID}, kicked, banned)
	f.wantAudit(t, chat.AuditQuery{User: jun.ID, Room: a.ID}, banned, set)
	f.wantAudit(t, chat.AuditQuery{SinceMs: 1500}, kicked, banned, set)
	f.wantAudit(t, chat.AuditQuery{Before: banned.Mark()}, set, backup)
	f.wantAudit(t, chat.AuditQuery{Before: chat.AuditMark{TimeMs: 2000}}, backup)
}

func testReports(t *testing.T, f *fixture) {
	m, a, b := f.moderation(t), f.room(t, "a"), f.room(t, "b")
	mina, jun, sun := f.user(t, "mina"), f.user(t, "jun"), f.user(t, "sun")
	f.commit(t, run(a, 1, 5, mina, "x"), run(b, 1, 2, mina, "y"))
	quota := chat.ReportQuota{ReporterMax: 3, RoomMax: 4}
	report := func(r chat.Room, seq chat.Seq, by chat.User, why string) chat.Report {
		t.Helper()
		want := chat.Report{Room: r.ID, Seq: seq, Author: mina.ID, Reporter: by.ID, TimeMs: int64(seq), Reason: why}
		got, err := m.AddReport(f.ctx, want, quota)
		want.ID = got.ID
		if err != nil || got.ID == 0 || got != want {
			t.Fatalf("%+v, %v; want %+v", got, err, want)
		}
		return got
	}
	first, second, third := report(a, 1, jun, "spam"), report(a, 1, sun, ""), report(b, 2, jun, "rude")
	if again, err := m.AddReport(f.ctx, chat.Report{Room: a.ID, Seq: 1, Author: mina.ID, Reporter: jun.ID, Reason: "other"}, quota); err != nil || again != first {
		t.Errorf("an event that he has reported: %+v, %v; want %+v", again, err, first)
	}
	refused := func(code chat.Code, r chat.Report) {
		t.Helper()
		_, err := m.AddReport(f.ctx, r, quota)
		wantCode(t, err, code)
	}
	refused(chat.CodeBadRequest, chat.Report{Room: a.ID, Seq: 6, Author: mina.ID, Reporter: jun.ID})
	refused(chat.CodeBadRequest, chat.Report{Room: a.ID, Seq: 2, Author: sun.ID, Reporter: jun.ID})
	refused(chat.CodeBadRequest, chat.Report{Room: 99, Seq: 2, Author: mina.ID, Reporter: jun.ID})
	refused(chat.CodeNoUser, chat.Report{Room: a.ID, Seq: 2, Author: mina.ID, Reporter: 99})
	fourth := report(a, 2, jun, "")
	refused(chat.CodeTooMany, chat.Report{Room: b.ID, Seq: 1, Author: mina.ID, Reporter: jun.ID}) // his fourth
	fifth := report(a, 2, sun, "")
	refused(chat.CodeTooMany, chat.Report{Room: a.ID, Seq: 3, Author: mina.ID, Reporter: sun.ID}) // the room's fifth

	want := func(q chat.ReportQuery, reports ...chat.Report) {
		t.Helper()
		var got []chat.Report
		for q.ItemsMax = 2; ; {
			page, more, err := m.Reports(f.ctx, q)
			if err != nil || len(page) > 2 {
				t.Fatalf("%+v, %v", page, err)
			}
			if got = append(got, page...); !more {
				break
			}
			q.After = page[len(page)-1].ID
		}
		if fmt.Sprint(got) != fmt.Sprint(reports) {
			t.Fatalf("reports %+v, want %+v", got, reports)
		}
	}
	want(chat.ReportQuery{}, first, second, third, fourth, fifth)
	want(chat.ReportQuery{Room: a.ID}, first, second, fourth, fifth)
	want(chat.ReportQuery{Room: 99})

	resolve := entry(7, chat.AuditResolve)
	resolve.By, resolve.Room, resolve.Seq = sun.ID, a.ID, 1
	for range 2 {
		got, err := m.ResolveReport(f.ctx, first.ID, chat.ReportActed, resolve)
		first.Outcome, first.ResolvedBy, first.ResolvedMs, first.Note = chat.ReportActed, sun.ID, 7000, "why 7"
		if err != nil || got != first {
			t.Fatalf("%+v, %v; want %+v", got, err, first)
		}
	}
	_, err := m.ResolveReport(f.ctx, first.ID, chat.ReportRejected, entry(8, chat.AuditResolve))
	wantCode(t, err, chat.CodeBadRequest)
	_, err = m.ResolveReport(f.ctx, second.ID, chat.ReportOpen, entry(9, chat.AuditResolve))
	wantCode(t, err, chat.CodeBadRequest)
	_, err = m.ResolveReport(f.ctx, 99, chat.ReportActed, entry(10, chat.AuditResolve))
	wantCode(t, err, chat.CodeNoReport)
	_, err = m.Report(f.ctx, 99)
	wantCode(t, err, chat.CodeNoReport)
	f.reopen(t)
	m = f.moderation(t)
	want(chat.ReportQuery{}, second, third, fourth, fifth)
	want(chat.ReportQuery{All: true, Room: a.ID}, first, second, fourth, fifth)
	report(a, 3, sun, "there is room again")
	if got, err := m.Report(f.ctx, first.ID); err != nil || got != first {
		t.Errorf("%+v, %v; want %+v", got, err, first)
	}
	resolve.ByName = "sun"
	f.wantAudit(t, chat.AuditQuery{Room: a.ID}, resolve)
	newest := entry(12, chat.AuditBackup) // which may stay, whenever it was
	if err := m.AddAudit(f.ctx, newest); err != nil {
		t.Fatal(err)
	}
	if n, err := m.TrimAudit(f.ctx, 8000, 10); err != nil || n != 2 {
		t.Fatalf("TrimAudit: %d, %v; want the entry and the report", n, err)
	}
	_, err = m.Report(f.ctx, first.ID)
	wantCode(t, err, chat.CodeNoReport)
	f.wantAudit(t, chat.AuditQuery{}, newest)
}

func testFindUsers(t *testing.T, f *fixture) {
	m := f.moderation(t)
	for _, name := range []string{"bob", "anna", "ann", "andy", "민지", "민수"} {
		f.user(t, name)
	}
	find := func(prefix, after string, most int) (names []string) {
		t.Helper()
		users, err := m.FindUsers(f.ctx, prefix, after, most)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range users {
			names = append(names, u.Name)
		}
		return names
	}
	for _, c := range []struct {
		prefix, after string
		most          int
		want          string
	}{
		{"", "", 10, "[andy ann anna bob 민수 민지]"},
		{"", "", 2, "[andy ann]"},
		{"", "ann", 2, "[anna bob]"},
		{"ann", "", 10, "[ann anna]"},
		{"ann", "ann", 10, "[anna]"},
		{"ann", "zoe", 10, "[]"},
		{"민", "", 10, "[민수 민지]"},
		{"an%", "", 10, "[]"},
		{"x", "", 0, "[]"},
	} {
		if got := fmt.Sprint(find(c.prefix, c.after, c.most)); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}
