package chat

import (
	"slices"
	"strconv"
	"strings"
)

// A direct room is a private durable room of some users, who are the same for ever. Its key is
// made of their ids, so that they have one such room; no room that somebody names can have such
// a key. There are no roles in it: they are members, and for all others it is not there.

// Bounds of the users of a direct room, the one who opens it included.
const (
	DirectUsersMin = 2
	DirectUsersMax = 10
)

// directSign begins the keys and names of direct rooms. No other name has it.
const directSign = "@"

// DirectKey returns the key of the direct room of users, in whatever order and however often
// each is there.
func DirectKey(users []UserID) (key string, sorted []UserID, err error) {
	sorted = slices.Clone(users)
	slices.Sort(sorted)
	sorted = slices.Compact(sorted)
	if n := len(sorted); n < DirectUsersMin || n > DirectUsersMax || sorted[0] == 0 {
		return "", nil, Errorf(CodeBadRequest, "a direct room has %d to %d users, with you", DirectUsersMin, DirectUsersMax)
	}
	b := []byte(directSign)
	for i, u := range sorted {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, uint64(u), 10)
	}
	return string(b), sorted, nil
}

// DirectName is how a direct room is called whose users have these names, in the order of
// their ids. It stays when they get other names.
func DirectName(names []string) string { return directSign + strings.Join(names, ",") }

// IsDirect reports whether the room is a direct one.
func (r *Room) IsDirect() bool { return strings.HasPrefix(r.Key, directSign) }

// DirectUsers returns the users of a direct room in the order of their ids; nil of others.
func (r *Room) DirectUsers() (users []UserID) {
	if !r.IsDirect() {
		return nil
	}
	for part := range strings.SplitSeq(r.Key[len(directSign):], ",") {
		if u, err := strconv.ParseUint(part, 10, 64); err == nil {
			users = append(users, UserID(u))
		}
	}
	return users
}

// directRole is what a user is in a direct room, whatever role was given to whom.
func (r *Room) directRole(u UserID) Role {
	if u != 0 && slices.Contains(r.DirectUsers(), u) {
		return RoleMember
	}
	return RoleNone
}
