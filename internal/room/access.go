package room

import "sarang/chat"

// Known reports whether the room knows the user's role. If not, LoadAuthor is to be
// called with what the store says before Access can tell.
func (r *Room) Known(u chat.UserID) bool {
	return !r.info.Ruled && len(r.flyingRoles) == 0 || r.authors.get(u).loaded
}

// RoleOf returns what a user may be here at the end of the log: his role, or the
// default of the room.
func (r *Room) RoleOf(u chat.UserID) chat.Role {
	if r.info.Ruled {
		if a := r.authors.peek(u); a != nil && a.role != chat.RoleNone {
			return a.role
		}
	}
	return r.info.DefaultRole()
}

// Access returns nil if the user, whose role is Known, may do a, and else what he is to
// be told. All requests that read or write a room ask it.
func (r *Room) Access(u chat.UserID, a chat.Action) *chat.Error {
	if r.RoleOf(u).May(a) {
		return nil
	}
	return chat.Errorf(chat.CodeForbidden, "you may not %v this room", a)
}

// roleNow is RoleOf with the roles that the batch which is being put together gives.
func (r *Room) roleNow(u chat.UserID) chat.Role {
	if role, given := r.flyingRoles[u]; given {
		if role == chat.RoleNone {
			return r.info.DefaultRole()
		}
		return role
	}
	return r.RoleOf(u)
}

// mayHappen decides, when an event is about to be given its place, whether its author
// has the right to it there.
func (r *Room) mayHappen(e *chat.Event, from origin) *chat.Error {
	if from.operator {
		return nil
	}
	switch e.Kind {
	case chat.EventMessage:
		if r.roleNow(e.User).May(chat.ActionPublish) {
			return nil
		}
		return chat.Errorf(chat.CodeForbidden, "you may not %v this room", chat.ActionPublish)
	case chat.EventRole:
		if !r.Known(e.Subject) {
			return chat.Errorf(chat.CodeUnavailable, "try again with the same nonce")
		}
		if r.roleNow(e.User).MayGive(r.roleNow(e.Subject), e.Role) {
			return nil
		}
		return chat.Errorf(chat.CodeForbidden, "you may not give this role")
	}
	return nil
}

// given notes a role that an event of the batch in flight gives.
func (r *Room) given(e *chat.Event) {
	if e.Kind != chat.EventRole {
		return
	}
	if r.flyingRoles == nil {
		r.flyingRoles = map[chat.UserID]chat.Role{}
	}
	r.flyingRoles[e.Subject] = e.Role
}

// rule applies an event of the log that gives a role.
func (r *Room) rule(e *chat.Event) {
	a := r.authors.get(e.Subject)
	a.role, a.ruled = e.Role, true
	r.info.Ruled = true
}
