package room

import (
	"time"

	"sarang/chat"
)

// Known reports whether the room knows the user's role. If not, LoadAuthor is to be
// called with what the store says before Access can tell.
func (r *Room) Known(u chat.UserID) bool {
	return !r.info.Ruled && len(r.flyingRoles) == 0 || r.authors.get(u).loaded
}

// Loaded reports whether the room knows what the store remembers of the user. It has to of
// who is the subject of a publish that Rules: also in a room without roles, where his is
// asked for behind that of another in the same batch.
func (r *Room) Loaded(u chat.UserID) bool { return r.authors.get(u).loaded }

// RoleOf returns what a user is here at the end of the log, at a time: his role, or what
// the room gives him.
func (r *Room) RoleOf(u chat.UserID, nowMs int64) chat.Role {
	if r.isOperator(u) {
		return chat.RoleOperator
	}
	if r.info.Ruled {
		if a := r.authors.peek(u); a != nil {
			return r.info.RoleAt(u, a.given, nowMs)
		}
	}
	return r.info.Role(u, chat.RoleNone)
}

// isOperator reports whether the user rules here because he is an operator of the server. An
// ephemeral room has no roles, and what is said in it goes away by itself.
func (r *Room) isOperator(u chat.UserID) bool {
	return r.config.Operator != nil && !r.info.Ephemeral && r.config.Operator(u)
}

// isShutOut reports whether an event is not to happen because its author is banned from the
// server.
func (r *Room) isShutOut(e *chat.Event) bool {
	return r.config.ShutOut != nil && e.Kind.Authored() && r.config.ShutOut(e.User)
}

// Access returns nil if the user, whose role is Known, may do a now, and else what he is
// to be told. All requests that read or write a room ask it.
func (r *Room) Access(u chat.UserID, a chat.Action, nowMs int64) *chat.Error {
	role := r.RoleOf(u, nowMs)
	switch {
	case role.May(a):
		return nil
	case r.info.Hides(role):
		return chat.Errorf(chat.CodeNoRoom, "there is no such room")
	}
	return forbidden(role, a)
}

func forbidden(role chat.Role, a chat.Action) *chat.Error {
	if role == chat.RoleBanned {
		return chat.Errorf(chat.CodeForbidden, "you are banned from this room")
	}
	return chat.Errorf(chat.CodeForbidden, "you may not %v this room", a)
}

// roleNow is RoleOf with the roles that the batch which is being put together gives, at
// its time.
func (r *Room) roleNow(u chat.UserID) chat.Role {
	if given, ok := r.flyingRoles[u]; ok && !r.isOperator(u) {
		return r.info.RoleAt(u, given, r.takeMs)
	}
	return r.RoleOf(u, r.takeMs)
}

// mayHappen decides, when an event is about to be given its place, whether its author
// has the right to it there.
func (r *Room) mayHappen(e *chat.Event, from origin) *chat.Error {
	if from.invited {
		return r.mayCome(e.Subject)
	}
	if from.operator || !e.Kind.Authored() {
		return nil
	}
	if e.Kind.Rules() && !r.Known(e.Subject) {
		return &chat.Error{Code: chat.CodeUnavailable, RetryAfter: time.Second, Message: "try again with the same nonce"}
	}
	if r.isShutOut(e) {
		return chat.Errorf(chat.CodeShutOut, "you are banned from this server")
	}
	role := r.roleNow(e.User)
	if r.info.Archived && !e.Kind.TakesArchived() {
		if !r.info.Hides(role) && role.May(chat.ActionHistory) {
			return archived()
		}
	}
	if e.Kind.Changes() {
		return r.mayChange(e, role)
	}
	if e.Kind.Sets() {
		return maySet(e.Kind, role)
	}
	switch e.Kind {
	case chat.EventMessage:
		if role.May(chat.ActionPublish) {
			if err := mayMention(e, role); err != nil {
				return err
			}
			return r.slowed(e, role)
		}
		return forbidden(role, chat.ActionPublish)
	case chat.EventTopic:
		if role.May(chat.ActionTopic) {
			return nil
		}
		return forbidden(role, chat.ActionTopic)
	case chat.EventRole:
		if e.User == e.Subject && e.Role == chat.RoleBanned {
			return chat.Errorf(chat.CodeForbidden, "nobody can ban himself")
		}
		if e.User == e.Subject && role == chat.RoleOwner && r.info.Role(e.Subject, e.Role) != chat.RoleOwner {
			return chat.Errorf(chat.CodeForbidden, "an owner does not step down by himself, so that a room always has one: make somebody else an owner, who can take the role from you")
		}
		if role.MayGive(r.roleNow(e.Subject), r.info.Role(e.Subject, e.Role)) {
			return nil
		}
		return notAbove(role, chat.ActionRole, "you may not give this role to this user")
	case chat.EventKick:
		if role.MayKick(r.roleNow(e.Subject)) {
			return nil
		}
		return notAbove(role, chat.ActionKick, "you may not send this user out of the room")
	}
	return nil
}

// mayCome decides whether an invitation holds for a user at the place of its event: who was banned
// meanwhile stays so, and who is something here already stays that.
func (r *Room) mayCome(u chat.UserID) *chat.Error {
	switch {
	case !r.Known(u):
		return &chat.Error{Code: chat.CodeUnavailable, RetryAfter: time.Second, Message: "try again"}
	case r.roleNow(u) != chat.RoleNone:
		return chat.Errorf(chat.CodeForbidden, "the invitation is for who has no role in the room")
	}
	return nil
}

// mentionsAll reports whether e is to mention everybody in the room, which asks for a right of
// its own.
func mentionsAll(e *chat.Event) bool {
	return (e.Kind == chat.EventMessage || e.Kind == chat.EventEdit) && chat.MentionsAll(e.Text)
}

// mayMention decides whether e, of an author with the role, may mention whom it mentions.
func mayMention(e *chat.Event, role chat.Role) *chat.Error {
	if mentionsAll(e) && !role.May(chat.ActionMentionAll) {
		return forbidden(role, chat.ActionMentionAll)
	}
	return nil
}

// notAbove is for who may not do a, or may do it, but not to this user.
func notAbove(role chat.Role, a chat.Action, why string) *chat.Error {
	if !role.May(a) {
		return forbidden(role, a)
	}
	return chat.Errorf(chat.CodeForbidden, "%s", why)
}

// given notes a role that an event of the batch in flight gives, and who says something.
func (r *Room) given(e *chat.Event) {
	if e.Kind == chat.EventMessage && r.info.SlowSeconds > 0 {
		if r.flyingSaid == nil {
			r.flyingSaid = map[chat.UserID]bool{}
		}
		r.flyingSaid[e.User] = true
	}
	if e.Kind != chat.EventRole {
		return
	}
	if r.flyingRoles == nil {
		r.flyingRoles = map[chat.UserID]chat.Given{}
	}
	r.flyingRoles[e.Subject] = chat.Given{Role: e.Role, UntilMs: r.until(e)}
}

// rule applies an event of the log that gives a role.
func (r *Room) rule(e *chat.Event) {
	a := r.authors.get(e.Subject)
	a.given, a.ruled = chat.Given{Role: e.Role, UntilMs: e.UntilMs}, true
	r.info.Ruled = true
}
