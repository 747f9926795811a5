package room

import (
	"time"

	"sarang/chat"
)

// maySet decides whether somebody with the role may change a setting.
func maySet(k chat.EventKind, role chat.Role) *chat.Error {
	a := chat.ActionSettings
	if k == chat.EventSlow {
		a = chat.ActionSlow
	}
	if role.May(a) {
		return nil
	}
	return forbidden(role, a)
}

func archived() *chat.Error {
	return chat.Errorf(chat.CodeArchived, "this room is archived: it takes nothing new until an owner opens it again")
}

// slowed refuses a message of somebody who has to wait after his last one. Both are of the
// room's log, so it makes no difference from where he comes, and how often.
func (r *Room) slowed(e *chat.Event, role chat.Role) *chat.Error {
	if r.info.SlowSeconds == 0 || role.May(chat.ActionSlow) {
		return nil
	}
	saidMs := int64(0)
	if a := r.authors.peek(e.User); a != nil {
		saidMs = a.saidMs
	}
	if r.flyingSaid[e.User] {
		saidMs = r.takeMs
	}
	wait := r.info.Slowed(saidMs, r.takeMs)
	if wait == 0 {
		return nil
	}
	each := time.Duration(r.info.SlowSeconds) * time.Second
	return &chat.Error{Code: chat.CodeTooFast, RetryAfter: wait, Message: "this room is slowed down: members say something each " + each.String()}
}

// untilSet is how many of the first events can be decided now: what stands behind a change of a
// setting, or what erases messages, is decided when that is in the log, or is not.
func (r *Room) untilSet() int {
	for i := range r.flying.events {
		if k := r.flying.events[i].Kind; k.Sets() || k == chat.EventExpire {
			return i + 1
		}
	}
	return len(r.flying.events)
}

// HasNonce reports whether the room knows an event of a user who is Loaded by its nonce.
func (r *Room) HasNonce(u chat.UserID, n chat.Nonce) bool {
	_, known := r.authors.get(u).find(n)
	return known
}

// SetName notes another name of the room.
func (r *Room) SetName(name, key string) { r.info.Name, r.info.Key = name, key }

// Close has the room make no events any more: it was deleted.
func (r *Room) Close() { r.closed = true }

// OnWay is how many events of a user are on their way to the log.
func (r *Room) OnWay(u chat.UserID) int {
	a := r.authors.peek(u)
	if a == nil {
		return 0
	}
	return len(a.onWay) + len(a.held)
}
