package sqlstore

import (
	"fmt"
	"math"

	"sarang/chat"
)

// whole returns n as a number that is never negative, and not the largest: what comes
// after it is one as well.
func whole[T ~uint64 | ~uint8](n int64, what string) (T, error) {
	if n < 0 || n == math.MaxInt64 || uint64(T(n)) != uint64(n) {
		return 0, damagedError(fmt.Errorf("%s is %d", what, n))
	}
	return T(n), nil
}

// scanEvent reads a row of a page.
func scanEvent(scan Scan, room chat.RoomID) (e chat.Event, err error) {
	var seq, kind, user, nonce, target, subject, role, extra int64
	var body string
	e.Room = room
	if err := scan(&seq, &kind, &user, &e.Name, &nonce, &e.TimeMs, &body, &target, &subject, &role, &extra); err != nil {
		return e, err
	}
	e.Nonce = chat.Nonce(nonce)
	if e.Seq, err = whole[chat.Seq](seq, "a seq"); err != nil {
		return e, err
	}
	if e.Kind, err = whole[chat.EventKind](kind, "a kind"); err != nil {
		return e, err
	}
	if e.User, err = whole[chat.UserID](user, "a user"); err != nil {
		return e, err
	}
	if e.Target, err = whole[chat.Seq](target, "a target"); err != nil {
		return e, err
	}
	if e.Subject, err = whole[chat.UserID](subject, "a subject"); err != nil {
		return e, err
	}
	e.SetExtra(extra)
	e.SetBody(body)
	e.Role, err = whole[chat.Role](role, "a role")
	return e, err
}

func scanRoom(scan Scan) (r chat.Room, err error) {
	var id, epoch, creator, last, flags, archived, slow, retain int64
	if err := scan(&id, &r.Name, &r.Key, &epoch, &creator, &r.CreatedMs, &last, &r.LastMs, &flags, &r.Topic, &r.Description, &archived, &slow, &retain); err != nil {
		return r, err
	}
	r.Epoch = chat.Epoch(epoch)
	r.Ephemeral, r.Ruled, r.Private = flags&headEphemeral != 0, flags&HeadRuled != 0, flags&headPrivate != 0
	r.Archived, r.SlowSeconds, r.RetainSeconds = archived != 0, uint32(slow), uint32(retain)
	if r.ID, err = whole[chat.RoomID](id, "the id of a room"); err != nil {
		return r, err
	}
	if r.Creator, err = whole[chat.UserID](creator, "the creator of a room"); err != nil {
		return r, err
	}
	r.LastSeq, err = whole[chat.Seq](last, "the end of a log")
	return r, err
}
