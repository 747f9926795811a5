package store

import (
	"context"
	"fmt"

	"sarang/chat"
)

// Audited is what a check of a store has found.
type Audited struct {
	Users, Rooms, Events uint64
	Records              uint64 // devices, memberships and what else is kept beside
	Erased               uint64 // events at the beginnings of logs: what was in them is not known
	Faults               uint64
	Told                 []string // the first of them, in words
}

// faultsToldMax bounds Audited.Told.
const faultsToldMax = 20

func (a *Audited) fault(format string, args ...any) {
	a.Faults++
	if len(a.Told) < faultsToldMax {
		a.Told = append(a.Told, fmt.Sprintf(format, args...))
	}
}

// Audit reads all that a store has, and looks whether what it says of users and rooms is
// what their logs say. An error ends it.
func Audit(ctx context.Context, s chat.Archive, progress Progress) (*Audited, error) {
	a := &Audited{}
	if err := eraseDeleted(ctx, s); err != nil {
		return a, err
	}
	sent := make(map[chat.UserID]uint64)
	total := uint64(0)
	var rooms []chat.Room
	for after := chat.RoomID(0); ; {
		page, err := s.AllRooms(ctx, after, copyRecordsMax)
		if err != nil {
			return a, err
		}
		if len(page) == 0 {
			break
		}
		for _, r := range page {
			total += uint64(r.LastSeq)
		}
		rooms = append(rooms, page...)
		after = page[len(page)-1].ID
	}
	for _, r := range rooms {
		if err := a.room(ctx, s, r, sent); err != nil {
			return a, err
		}
		a.Rooms++
		progress("events", a.Events, total)
	}
	if err := a.users(ctx, s, sent, progress); err != nil {
		return a, err
	}
	lastRoom := chat.RoomID(0)
	if len(rooms) > 0 {
		lastRoom = rooms[len(rooms)-1].ID
	}
	return a, a.records(ctx, s, lastRoom, progress)
}

func (a *Audited) room(ctx context.Context, s chat.Archive, r chat.Room, sent map[chat.UserID]uint64) error {
	people := make(map[chat.UserID]*chat.Author)
	of := func(u chat.UserID) *chat.Author {
		if people[u] == nil {
			people[u] = &chat.Author{}
		}
		return people[u]
	}
	lastMs, ruled := int64(0), false
	given := make(map[chat.UserID]bool)
	what := newChanged()
	erased, err := walk(ctx, s, r, func(e *chat.Event) {
		a.Events++
		what.apply(e)
		lastMs = e.TimeMs
		switch {
		case e.Name == "" && !e.ByServer():
			a.fault("room %d, event %d: there is no user %d", r.ID, e.Seq, e.User)
		case e.Target >= e.Seq:
			a.fault("room %d, event %d is about event %d", r.ID, e.Seq, e.Target)
		}
		if e.Kind == chat.EventMessage {
			sent[e.User]++
		}
		if e.Kind == chat.EventRole {
			ruled = true
			of(e.Subject).Role, of(e.Subject).UntilMs = e.Role, e.UntilMs
			given[e.Subject] = true
		}
		if e.Kind.Authored() {
			who := of(e.User)
			who.Nonces = append(who.Nonces, chat.NonceSeq{Nonce: e.Nonce, Seq: e.Seq})
			if n := len(who.Nonces); n >= 2*chat.NoncesPerUserMax {
				who.Nonces = append(who.Nonces[:0], who.Nonces[n-chat.NoncesPerUserMax:]...)
			}
		}
	})
	if chat.CodeOf(err) == chat.CodeInternal {
		a.fault("%v", err)
		return nil
	}
	if err != nil {
		return err
	}
	a.Erased += erased
	if r.LastSeq > 0 && r.LastMs != lastMs {
		a.fault("room %d: its last event is of %d, and it is said to be of %d", r.ID, lastMs, r.LastMs)
	}
	if ruled && !r.Ruled {
		a.fault("room %d: roles were given, and it is said that none were", r.ID)
	}
	for u, want := range people {
		have, err := s.Author(ctx, r.ID, u, chat.NoncesPerUserMax)
		if err != nil {
			return err
		}
		if erased > 0 && !given[u] {
			want.Role, want.UntilMs = have.Role, have.UntilMs // whoever gave it is gone
		}
		if have.Given() != want.Given() || !sameNonces(have.Nonces, want.Nonces) {
			a.fault("room %d: what is known of user %d is not what the log says", r.ID, u)
		}
	}
	return a.changes(ctx, s, r, what)
}

// sameNonces compares the newest, which come first in have and last in want.
func sameNonces(have, want []chat.NonceSeq) bool {
	if len(have) != min(len(want), chat.NoncesPerUserMax) {
		return false
	}
	for i := range have {
		if w := want[len(want)-1-i]; have[i].Nonce != w.Nonce || have[i].Seq != w.Seq {
			return false
		}
	}
	return true
}

func (a *Audited) users(ctx context.Context, s chat.Archive, sent map[chat.UserID]uint64, progress Progress) error {
	for after := chat.UserID(0); ; {
		page, err := s.Users(ctx, after, copyRecordsMax)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			return nil
		}
		for _, record := range page {
			a.Users++
			if after++; record.ID != after {
				a.fault("user %d stands where %d is next", record.ID, after)
				after = record.ID
			}
			u, err := s.User(ctx, record.ID)
			if err != nil {
				return err
			}
			if u.SentCount < sent[u.ID] || u.SentCount > sent[u.ID] && a.Erased == 0 {
				a.fault("user %d has %d messages in the logs, and %d are counted", u.ID, sent[u.ID], u.SentCount)
			}
		}
		progress("users", a.Users, a.Users)
	}
}
