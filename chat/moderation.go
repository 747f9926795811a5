package chat

import (
	"context"
	"fmt"
	"net/netip"
	"time"
)

// Moderation is a Store that keeps what those do who run the server or moderate rooms, beside
// the roles and kicks that are in the rooms' logs: who is an operator, whom the server shuts
// out, the audit log, and what users have reported.
//
// Every write comes with the AuditEntry that tells of it, and both are stored in one
// transaction. An entry's Nonce is random and not 0: a call with one that is stored already is
// the same call again, after an answer that was lost, and changes nothing.
type Moderation interface {
	Store

	// Operators returns the users who are operators of the server, in order of their ids.
	// There are at most OperatorsMax.
	Operators(ctx context.Context) ([]UserID, error)

	// SetOperator makes a user an operator, or takes it back; that he is one already, or is
	// none, is no error. CodeNoUser if there is no such user; CodeTooMany if there are
	// OperatorsMax.
	SetOperator(ctx context.Context, user UserID, operator bool, a AuditEntry) error

	// Bans returns up to itemsMax of the server's bans (at least 1) with ids above after, in
	// order of their ids, those that have run out as well.
	Bans(ctx context.Context, after uint64, itemsMax int) ([]Ban, error)

	// AddBan stores a ban, in the place of one for the same user or network, and returns it
	// with its ID, which is that of its AuditEntry. Bans that ran out before b.CreatedMs are
	// removed. CodeNoUser if it is for a user that is not there; CodeTooMany if there are
	// BansMax.
	AddBan(ctx context.Context, b Ban, a AuditEntry) (Ban, error)

	// RemoveBan removes a ban; CodeBadRequest if there is none with the id.
	RemoveBan(ctx context.Context, id uint64, a AuditEntry) error

	// AddAudit stores an entry for something that is not in the store itself.
	AddAudit(ctx context.Context, a AuditEntry) error

	// Audit returns a page of the audit log, the newest first, and whether there are older
	// ones that q asks for. Roles and kicks are in it, read from the logs of the rooms: they are
	// entries without ID, of their events. The work is bounded by the page, but for a user: then it
	// may be all entries since q.SinceMs.
	Audit(ctx context.Context, q AuditQuery) (entries []AuditEntry, more bool, err error)

	// TrimAudit erases up to itemsMax entries that are older than beforeMs, and reports that were
	// resolved before it, and returns how many. Roles and kicks stay, as long as their events do,
	// and so do the entries of bans that are there; the newest entry, and report, may.
	TrimAudit(ctx context.Context, beforeMs int64, itemsMax int) (erased int, err error)

	// AddReport stores a report and returns it with its ID; ResolvedMs and what belongs to it
	// are not looked at. A user reports an event once: a second one is the first again.
	// CodeTooMany if q's bounds are reached; CodeBadRequest if the event is not there, or is
	// not said by anybody.
	AddReport(ctx context.Context, r Report, q ReportQuota) (Report, error)

	// Reports returns up to q.ItemsMax reports (at least 1), in order of their ids, and whether
	// there are more. The work is bounded by the page.
	Reports(ctx context.Context, q ReportQuery) (reports []Report, more bool, err error)

	// Report returns a report by its id; CodeNoReport if there is none.
	Report(ctx context.Context, id uint64) (Report, error)

	// ResolveReport notes what became of a report, with by, when and why from a. CodeNoReport
	// if there is none; CodeBadRequest if it was resolved before.
	ResolveReport(ctx context.Context, id uint64, outcome ReportOutcome, a AuditEntry) (Report, error)

	// RenameRoom gives a room another name; that it has the name already is no error, and makes no
	// entry. The name that it had is kept for it up to the time keptMs: until a.TimeMs has come there no
	// other room gets it, by CreateRoom neither. CodeNoRoom if there is no such room, CodeRoomExists if
	// another one has the name, CodeNameKept if it is kept for another one, CodeTooMany if
	// RoomNamesKeptMax names are kept for this one.
	RenameRoom(ctx context.Context, id RoomID, name, key string, keptMs int64, a AuditEntry) error

	// DeleteRoom deletes a room: from then on it is there for no method any more, but that History
	// and States may still tell what EraseDeleted has not erased yet. Its id is given to no other
	// one, and its name is kept as by RenameRoom. CodeNoRoom if there is none.
	DeleteRoom(ctx context.Context, id RoomID, keptMs int64, a AuditEntry) error

	// EraseDeleted erases for good what is left of rooms that were deleted: events, roles,
	// memberships, reports, links of files. It takes up to about itemsMax rows, in one
	// transaction, so that others do not wait for long, and reports whether there may be more. On
	// an error it may have been done or not.
	EraseDeleted(ctx context.Context, itemsMax int) (more bool, err error)

	RoomLinks
	RoomFilters

	// FindUsers returns up to itemsMax users (at least 1) who have a name now that begins with
	// prefix, in its comparison form, in the order of those, behind the name after.
	FindUsers(ctx context.Context, prefix, after string, itemsMax int) ([]User, error)
}

// Bounds of what a Moderation keeps.
const (
	OperatorsMax = 1000
	BansMax      = 10_000
	AuditTextMax = 512 // bytes of What, and of Reason

	RoomNamesKeptMax = 10 // names that are kept for a room

	RoomNamesKept = 30 * 24 * time.Hour // how long the name of a room that was renamed or deleted is kept
)

// Ban shuts somebody out of the server: a user, or all of a network.
type Ban struct {
	ID        uint64
	User      UserID       // 0: it is for a network
	Network   netip.Prefix // masked; invalid: it is for a user
	UntilMs   int64        // it holds at times below it; 0: for good
	Reason    string
	CreatedMs int64
}

// Target is what a ban is known by: there is one for each.
func (b *Ban) Target() string {
	if b.User != 0 {
		return fmt.Sprintf("user:%d", b.User)
	}
	return b.Network.String()
}

// HoldsAt reports whether the ban holds at a time.
func (b *Ban) HoldsAt(timeMs int64) bool { return b.UntilMs == 0 || timeMs < b.UntilMs }

// AuditAct says what was done. The numbers are part of the wire protocol and the store.
type AuditAct uint8

// The acts.
const (
	AuditRole         AuditAct = 1  // By gave Subject the Role in Room
	AuditKick         AuditAct = 2  // By sent Subject out of Room
	AuditOperator     AuditAct = 3  // Subject became an operator of the server
	AuditNoOperator   AuditAct = 4  // he is none any more
	AuditBan          AuditAct = 5  // Subject, or the network What, was shut out of the server
	AuditUnban        AuditAct = 6  // and may come back
	AuditBackup       AuditAct = 7  // a backup was made
	AuditRestore      AuditAct = 8  // the data is that of a backup
	AuditResolve      AuditAct = 9  // a report was resolved; Seq is the event that it was about
	AuditErase        AuditAct = 10 // the user Subject was erased
	AuditExport       AuditAct = 11 // what is stored of Subject was read
	AuditRename       AuditAct = 12 // Subject has another name; What was the old one
	AuditPassword     AuditAct = 13 // Subject's password was set
	AuditRoomSetting  AuditAct = 14 // a setting of Room was changed to What
	AuditSessionsEnd  AuditAct = 15 // Subject's sessions were ended
	AuditRoomArchived AuditAct = 16 // Room was archived, deleted or renamed: What
	AuditInvite       AuditAct = 17 // an invitation code was made, or a link into Room made or revoked: What
	auditActEnd       AuditAct = 18
)

// String returns the act's name.
func (a AuditAct) String() string {
	names := [...]string{
		"unknown", "role", "kick", "operator", "no operator", "ban", "unban", "backup", "restore", "resolve",
		"erase", "export", "rename", "password", "setting", "end sessions", "room", "invite",
	}
	if a >= auditActEnd {
		a = 0
	}
	return names[a]
}

// AuditEntry tells of one act of moderation or operation. Names are those of today, and are only
// read.
type AuditEntry struct {
	ID          uint64 // grows; 0: it is the event Seq of Room
	Nonce       uint64 // random; 0 for events
	TimeMs      int64
	Act         AuditAct
	By          UserID // who did it; 0: whoever operates the server
	ByName      string
	Subject     UserID // whom it is about; 0: nobody
	SubjectName string
	Room        RoomID // where; 0: on the server
	Seq         Seq    // the event that it is, or is about; 0: none
	Role        Role   // AuditRole only
	UntilMs     int64  // of a role or a ban for a time; 0: for good
	What        string // what it is about, if that is neither user nor room
	Reason      string
}

// AuditMark is a place in the audit log. Entries are ordered by it.
type AuditMark struct {
	TimeMs int64
	Room   RoomID
	Seq    Seq
	ID     uint64
}

// Mark is the place of the entry.
func (a *AuditEntry) Mark() AuditMark { return AuditMark{a.TimeMs, a.Room, a.Seq, a.ID} }

// Compare orders marks from old to new.
func (m AuditMark) Compare(o AuditMark) int {
	for _, d := range [...][2]uint64{
		{uint64(max(m.TimeMs, 0)), uint64(max(o.TimeMs, 0))}, {uint64(m.Room), uint64(o.Room)}, {uint64(m.Seq), uint64(o.Seq)}, {m.ID, o.ID},
	} {
		if d[0] != d[1] {
			if d[0] < d[1] {
				return -1
			}
			return 1
		}
	}
	return 0
}

// AuditQuery says which entries Audit is to return.
type AuditQuery struct {
	Before   AuditMark // those below it; the zero mark: from the newest on
	SinceMs  int64     // not older than that
	Room     RoomID    // of this room alone; 0: all
	User     UserID    // by him, or about him; 0: all
	ItemsMax int       // at least 1
}

// Wants reports whether a page that is read from an end has the entry.
func (q *AuditQuery) Wants(a *AuditEntry) bool {
	return (q.Before == AuditMark{} || a.Mark().Compare(q.Before) < 0) && a.TimeMs >= q.SinceMs &&
		(q.Room == 0 || a.Room == q.Room) && (q.User == 0 || a.By == q.User || a.Subject == q.User)
}

// MergeAudit puts two pages together, each with its newest first, as a store has them that keeps
// entries and events apart. Each has to have as many as are wanted, and one more if there are.
func MergeAudit(a, b []AuditEntry, itemsMax int) (page []AuditEntry, more bool) {
	itemsMax = max(itemsMax, 1)
	for len(page) < itemsMax && len(a)+len(b) > 0 {
		from := &a
		if len(a) == 0 || len(b) > 0 && b[0].Mark().Compare(a[0].Mark()) > 0 {
			from = &b
		}
		page, *from = append(page, (*from)[0]), (*from)[1:]
	}
	return page, len(a)+len(b) > 0
}

// Audited reports whether events of the kind are in the audit log: roles, kicks and settings. A
// rename is not: it has its entry from RenameRoom.
func (k EventKind) Audited() bool { return k.Rules() || k.Sets() && k != EventName }

// AuditOf is the entry of an event that is one: a role, a kick or a setting.
func AuditOf(e *Event) AuditEntry {
	a := AuditEntry{
		TimeMs: e.TimeMs, Act: AuditKick, By: e.User, ByName: e.Name, Subject: e.Subject, Room: e.Room, Seq: e.Seq, Reason: e.Text,
	}
	switch {
	case e.Kind == EventRole:
		a.Act, a.Role, a.UntilMs = AuditRole, e.Role, e.UntilMs
	case e.Kind.Sets():
		a.Act, a.What, a.Reason = AuditRoomSetting, settingWhat(e), ""
		if e.Kind == EventArchive {
			a.Act = AuditRoomArchived
		}
	}
	return a
}

// FromEvent makes the entry of an event of one in which a store has read what the event has:
// Act is its kind, UntilMs its Extra, and Reason its text.
func FromEvent(a *AuditEntry) {
	e := Event{
		Room: a.Room, Seq: a.Seq, Kind: EventKind(a.Act), User: a.By, Name: a.ByName, TimeMs: a.TimeMs, Text: a.Reason, Subject: a.Subject, Role: a.Role,
	}
	e.SetExtra(a.UntilMs)
	subject := a.SubjectName
	*a = AuditOf(&e)
	a.SubjectName = subject
}

func settingWhat(e *Event) string {
	switch e.Kind {
	case EventDescribe:
		return "description: " + shortWhat(e.Text)
	case EventArchive:
		if e.Value == 0 {
			return "not archived any more"
		}
		return "archived"
	case EventRetain:
		return fmt.Sprintf("keeps what is said: %d s", e.Value)
	}
	return fmt.Sprintf("slow mode: %d s", e.Value)
}

// shortWhat is the beginning of a text, in whole characters, as an entry has it.
func shortWhat(text string) string {
	if len(text) <= LastTextBytesMax {
		return text
	}
	return LastText(text) + "…"
}

// Report is what a user tells the moderators of a room of an event.
type Report struct {
	ID       uint64
	Room     RoomID
	Seq      Seq    // the event
	Author   UserID // of the event
	Reporter UserID
	TimeMs   int64
	Reason   string

	Outcome    ReportOutcome
	ResolvedBy UserID // 0: whoever operates the server, or nobody yet
	ResolvedMs int64
	Note       string // why it was resolved so
}

// ReportOutcome is what became of a report. The numbers are part of the wire protocol and the
// store.
type ReportOutcome uint8

// The outcomes.
const (
	ReportOpen     ReportOutcome = 0 // nobody has resolved it
	ReportActed    ReportOutcome = 1 // something was done
	ReportRejected ReportOutcome = 2 // nothing needed to be done
)

// String returns the outcome's name.
func (o ReportOutcome) String() string {
	switch o {
	case ReportOpen:
		return "open"
	case ReportActed:
		return "acted"
	case ReportRejected:
		return "rejected"
	}
	return "unknown"
}

// ParseOutcome returns the outcome with a name; false if there is none.
func ParseOutcome(name string) (ReportOutcome, bool) {
	for o := ReportOpen; o <= ReportRejected; o++ {
		if o.String() == name {
			return o, true
		}
	}
	return 0, false
}

// ReportQuota bounds the reports that are open; 0 is no bound.
type ReportQuota struct {
	ReporterMax int // of the reporter
	RoomMax     int // in the room
}

// ReportQuery says which reports are wanted.
type ReportQuery struct {
	After    uint64 // ids above it
	Room     RoomID // of this room; 0: all
	All      bool   // those that were resolved as well
	ItemsMax int    // at least 1
}
