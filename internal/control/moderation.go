package control

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"sarang/chat"
)

// LoadBans returns all bans of a store: at most chat.BansMax.
func LoadBans(ctx context.Context, m chat.Moderation) (all []chat.Ban, err error) {
	for after := uint64(0); ; {
		bans, err := m.Bans(ctx, after, pageMax)
		if err != nil || len(bans) == 0 {
			return all, err
		}
		all, after = append(all, bans...), bans[len(bans)-1].ID
	}
}

// hold has the server that runs follow what is in the store.
func (o *Operations) hold(ctx context.Context) error {
	if o.Live == nil {
		return nil
	}
	if err := o.Live.Follow(ctx); err != nil {
		return &chat.Error{Code: chat.CodeUnavailable, Message: "it is stored, and may not hold on the running server for a minute", Err: err}
	}
	return nil
}

// BanArgs shut somebody out: a user by his name or "id:7", an address, or a network.
type BanArgs struct {
	Target  string `json:"target"`
	Seconds int64  `json:"seconds,omitempty"` // 0: for good
	Reason  string `json:"reason,omitempty"`
}

// Ban is a ban as operators see it.
type Ban struct {
	ID        uint64      `json:"id"`
	User      chat.UserID `json:"user,omitempty"`
	UserName  string      `json:"user_name,omitempty"`
	Network   string      `json:"network,omitempty"`
	UntilMs   int64       `json:"until_ms,omitempty"` // 0: for good
	Reason    string      `json:"reason,omitempty"`
	CreatedMs int64       `json:"created_ms"`
	Over      bool        `json:"over,omitempty"` // it has run out
}

func (o *Operations) banOf(ctx context.Context, b chat.Ban) (Ban, error) {
	r := Ban{ID: b.ID, User: b.User, UntilMs: b.UntilMs, Reason: b.Reason, CreatedMs: b.CreatedMs, Over: !b.HoldsAt(chat.Millis(o.Now()))}
	if b.User == 0 {
		r.Network = b.Network.String()
		return r, nil
	}
	u, err := o.Store.User(ctx, b.User)
	r.UserName = u.Name
	return r, err
}

// banMax bounds for how long a ban can be that ends by itself.
const banMax = 100 * 365 * 24 * time.Hour

// target reads whom a ban is for.
func (o *Operations) target(ctx context.Context, what string) (b chat.Ban, err error) {
	if a, err := netip.ParseAddr(what); err == nil {
		a = a.Unmap().WithZone("")
		b.Network = netip.PrefixFrom(a, a.BitLen())
		return b, nil
	}
	if p, err := netip.ParsePrefix(what); err == nil {
		if b.Network = p.Masked(); p.Bits() == 0 {
			return b, chat.Errorf(chat.CodeBadRequest, "%s is everybody: stop the server instead", what)
		}
		return b, nil
	}
	u, err := o.user(ctx, what)
	b.User = u.ID
	return b, err
}

func (o *Operations) ban(ctx context.Context, a BanArgs, _ Tell) (Ban, error) {
	m, err := o.moderation()
	if err != nil {
		return Ban{}, err
	}
	if a.Seconds < 0 || a.Seconds > int64(banMax/time.Second) {
		return Ban{}, chat.Errorf(chat.CodeBadRequest, "a ban is for good, or for up to a hundred years")
	}
	if a.Reason != "" {
		if err := chat.CheckText(a.Reason, chat.ReasonBytesMax); err != nil {
			return Ban{}, chat.Errorf(chat.CodeBadRequest, "the reason is not allowed: %v", err)
		}
	}
	b, err := o.target(ctx, a.Target)
	if err != nil {
		return Ban{}, err
	}
	b.CreatedMs, b.Reason = chat.Millis(o.Now()), a.Reason
	if a.Seconds > 0 {
		b.UntilMs = b.CreatedMs + a.Seconds*1000
	}
	entry := chat.AuditEntry{Act: chat.AuditBan, Subject: b.User, Reason: a.Reason, UntilMs: b.UntilMs}
	if b.User == 0 {
		entry.What = b.Network.String()
	}
	if b, err = m.AddBan(ctx, b, o.entry(entry)); err != nil {
		return Ban{}, err
	}
	r, err := o.banOf(ctx, b)
	return r, errors.Join(o.hold(ctx), err)
}

// BansArgs say which bans are wanted: with ids above After.
type BansArgs struct {
	After uint64 `json:"after,omitempty"`
	Max   int    `json:"max,omitempty"`
}

// Bans is a page of them.
type Bans struct {
	Bans []Ban `json:"bans"`
}

func (o *Operations) listBans(ctx context.Context, a BansArgs, _ Tell) (Bans, error) {
	m, err := o.moderation()
	if err != nil {
		return Bans{}, err
	}
	all, err := m.Bans(ctx, a.After, page(a.Max))
	r := Bans{Bans: []Ban{}}
	for _, b := range all {
		one, err := o.banOf(ctx, b)
		if err != nil {
			return r, err
		}
		r.Bans = append(r.Bans, one)
	}
	return r, err
}

// UnbanArgs remove a ban, by its number.
type UnbanArgs struct {
	ID     uint64 `json:"id"`
	Reason string `json:"reason,omitempty"`
}

func (o *Operations) removeBan(ctx context.Context, a UnbanArgs, _ Tell) (Ban, error) {
	m, err := o.moderation()
	if err != nil {
		return Ban{}, err
	}
	bans, err := m.Bans(ctx, max(a.ID, 1)-1, 1)
	if err != nil {
		return Ban{}, err
	}
	if len(bans) == 0 || bans[0].ID != a.ID {
		return Ban{}, &chat.Error{Code: chat.CodeNoReport, Message: "there is no ban of that number"}
	}
	entry := chat.AuditEntry{Act: chat.AuditUnban, Subject: bans[0].User, Reason: a.Reason}
	if bans[0].User == 0 {
		entry.What = bans[0].Network.String()
	}
	if err := m.RemoveBan(ctx, a.ID, o.entry(entry)); err != nil {
		return Ban{}, err
	}
	r, err := o.banOf(ctx, bans[0])
	return r, errors.Join(o.hold(ctx), err)
}

// AuditArgs say which entries of the audit log are wanted, the newest first.
type AuditArgs struct {
	User    string         `json:"user,omitempty"` // by him or about him
	Room    string         `json:"room,omitempty"`
	SinceMs int64          `json:"since_ms,omitempty"`
	Before  chat.AuditMark `json:"before,omitzero"` // from Entries.Next
	Max     int            `json:"max,omitempty"`
}

// Entry is an entry of the audit log as operators see it.
type Entry struct {
	TimeMs   int64       `json:"time_ms"`
	Act      string      `json:"act"`
	By       chat.UserID `json:"by,omitempty"` // 0: whoever operates the server
	ByName   string      `json:"by_name,omitempty"`
	User     chat.UserID `json:"user,omitempty"` // whom it is about
	UserName string      `json:"user_name,omitempty"`
	Room     chat.RoomID `json:"room,omitempty"`
	RoomName string      `json:"room_name,omitempty"`
	Seq      chat.Seq    `json:"seq,omitempty"`
	Role     string      `json:"role,omitempty"`
	UntilMs  int64       `json:"until_ms,omitempty"`
	What     string      `json:"what,omitempty"`
	Reason   string      `json:"reason,omitempty"`
}

// Entries is a page of the audit log.
type Entries struct {
	Entries []Entry         `json:"entries"`
	Next    *chat.AuditMark `json:"next,omitempty"` // there are older ones, before this
}

// entries are a store's entries with the names of rooms.
func (o *Operations) entries(ctx context.Context, all []chat.AuditEntry) ([]Entry, error) {
	names := map[chat.RoomID]string{}
	told := []Entry{}
	for i := range all {
		a := &all[i]
		e := Entry{
			TimeMs: a.TimeMs, Act: a.Act.String(), By: a.By, ByName: a.ByName, User: a.Subject, UserName: a.SubjectName,
			Room: a.Room, Seq: a.Seq, UntilMs: a.UntilMs, What: a.What, Reason: a.Reason,
		}
		if a.Act == chat.AuditRole {
			e.Role = a.Role.String()
		}
		if name, known := names[a.Room]; known {
			e.RoomName = name
		} else if a.Room != 0 {
			r, err := o.Store.Room(ctx, a.Room)
			if err != nil && chat.CodeOf(err) != chat.CodeNoRoom {
				return told, err
			}
			names[a.Room], e.RoomName = r.Name, r.Name
		}
		told = append(told, e)
	}
	return told, nil
}

func (o *Operations) audit(ctx context.Context, a AuditArgs, _ Tell) (r Entries, err error) {
	m, err := o.moderation()
	if err != nil {
		return r, err
	}
	q := chat.AuditQuery{Before: a.Before, SinceMs: a.SinceMs, ItemsMax: page(a.Max)}
	if a.User != "" {
		u, err := o.user(ctx, a.User)
		if err != nil {
			return r, err
		}
		q.User = u.ID
	}
	if a.Room != "" {
		room, err := o.room(ctx, a.Room)
		if err != nil {
			return r, err
		}
		q.Room = room.ID
	}
	all, more, err := m.Audit(ctx, q)
	if err != nil {
		return r, err
	}
	if more {
		mark := all[len(all)-1].Mark()
		r.Next = &mark
	}
	r.Entries, err = o.entries(ctx, all)
	return r, err
}

// NoteArgs note what was done elsewhere: that a backup was restored.
type NoteArgs struct {
	Act  chat.AuditAct `json:"act"`
	What string        `json:"what,omitempty"`
}

func (o *Operations) note(ctx context.Context, a NoteArgs, _ Tell) (Nothing, error) {
	if a.Act != chat.AuditRestore {
		return Nothing{}, chat.Errorf(chat.CodeBadRequest, "only a restore is noted so")
	}
	return Nothing{}, o.noteAct(ctx, chat.AuditEntry{Act: a.Act, What: a.What})
}

// ReportsArgs say which reports are wanted: with ids above After.
type ReportsArgs struct {
	Room  string `json:"room,omitempty"`
	All   bool   `json:"all,omitempty"` // those that were resolved as well
	After uint64 `json:"after,omitempty"`
	Max   int    `json:"max,omitempty"`
}

// Report is a report as operators see it.
type Report struct {
	ID           uint64      `json:"id"`
	Room         chat.RoomID `json:"room"`
	RoomName     string      `json:"room_name"`
	Seq          chat.Seq    `json:"seq"`
	Author       chat.UserID `json:"author"`
	AuthorName   string      `json:"author_name"`
	Reporter     chat.UserID `json:"reporter"`
	ReporterName string      `json:"reporter_name"`
	TimeMs       int64       `json:"time_ms"`
	Reason       string      `json:"reason,omitempty"`
	Text         string      `json:"text,omitempty"` // what the event says now, if it is there
	Outcome      string      `json:"outcome"`
	ResolvedBy   chat.UserID `json:"resolved_by,omitempty"`
	ResolvedMs   int64       `json:"resolved_ms,omitempty"`
	Note         string      `json:"note,omitempty"`

	Files []chat.FileInfo `json:"files,omitempty"` // that the message names
}

// Reports is a page of them.
type Reports struct {
	Reports []Report `json:"reports"`
	More    bool     `json:"more,omitempty"`
}

func (o *Operations) reportOf(ctx context.Context, r chat.Report) (Report, error) {
	told := Report{
		ID: r.ID, Room: r.Room, Seq: r.Seq, Author: r.Author, Reporter: r.Reporter, TimeMs: r.TimeMs, Reason: r.Reason,
		Outcome: r.Outcome.String(), ResolvedBy: r.ResolvedBy, ResolvedMs: r.ResolvedMs, Note: r.Note,
	}
	room, err := o.Store.Room(ctx, r.Room)
	if err != nil {
		return told, err
	}
	author, err := o.Store.User(ctx, r.Author)
	if err != nil {
		return told, err
	}
	reporter, err := o.Store.User(ctx, r.Reporter)
	if err != nil {
		return told, err
	}
	events, _, err := o.Store.History(ctx, r.Room, chat.Page{After: r.Seq - 1, ItemsMax: 1, BytesMax: 1})
	if err == nil && len(events) == 1 && events[0].Seq == r.Seq {
		told.Text, told.Files = events[0].Text, events[0].Files.All()
	}
	told.RoomName, told.AuthorName, told.ReporterName = room.Name, author.Name, reporter.Name
	return told, err
}

func (o *Operations) listReports(ctx context.Context, a ReportsArgs, _ Tell) (r Reports, err error) {
	m, err := o.moderation()
	if err != nil {
		return r, err
	}
	q := chat.ReportQuery{After: a.After, All: a.All, ItemsMax: page(a.Max)}
	if a.Room != "" {
		room, err := o.room(ctx, a.Room)
		if err != nil {
			return r, err
		}
		q.Room = room.ID
	}
	all, more, err := m.Reports(ctx, q)
	r.Reports, r.More = []Report{}, more
	for _, one := range all {
		told, err := o.reportOf(ctx, one)
		if err != nil {
			return r, err
		}
		r.Reports = append(r.Reports, told)
	}
	return r, err
}

// ResolveArgs say what became of a report.
type ResolveArgs struct {
	ID      uint64 `json:"id"`
	Outcome string `json:"outcome"` // acted or rejected
	Note    string `json:"note,omitempty"`
}

func (o *Operations) resolveReport(ctx context.Context, a ResolveArgs, _ Tell) (r Report, err error) {
	m, err := o.moderation()
	if err != nil {
		return r, err
	}
	outcome, known := chat.ParseOutcome(a.Outcome)
	if !known {
		return r, chat.Errorf(chat.CodeBadRequest, "a report is resolved as acted or rejected, and not as %q", a.Outcome)
	}
	was, err := m.Report(ctx, a.ID)
	if err != nil {
		return r, err
	}
	entry := o.entry(chat.AuditEntry{
		Act: chat.AuditResolve, Subject: was.Author, Room: was.Room, Seq: was.Seq, What: outcome.String(), Reason: a.Note,
	})
	is, err := m.ResolveReport(ctx, a.ID, outcome, entry)
	if err != nil {
		return r, err
	}
	return o.reportOf(ctx, is)
}
