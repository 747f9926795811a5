package chat

// Role is what a user may do in a room. The numbers are part of the wire protocol and
// the store.
type Role uint8

// The roles.
const (
	RoleNone      Role = 0 // none was given: what the room gives to everybody
	RoleBanned    Role = 1 // may do nothing
	RoleReader    Role = 2 // may read
	RoleMember    Role = 3 // may read and speak
	RoleModerator Role = 4 // may give roles below his own
	RoleOwner     Role = 5 // may do everything
)

// Action is what somebody wants to do with a room.
type Action uint8

// The actions.
const (
	ActionJoin    Action = iota // be present: get the room's events as they come
	ActionHistory               // read pages of the log
	ActionMembers               // read who is present
	ActionPublish               // say something
	ActionRole                  // give somebody a role
	actionCount
)

// String returns the action in the form that sentences use.
func (a Action) String() string {
	switch a {
	case ActionJoin:
		return "join"
	case ActionHistory:
		return "read the history of"
	case ActionMembers:
		return "see the members of"
	case ActionPublish:
		return "publish to"
	case ActionRole:
		return "give roles in"
	}
	return "use"
}

// rights is the table role × action: what a role may do.
var rights = [...][actionCount]bool{
	RoleNone:      {},
	RoleBanned:    {},
	RoleReader:    {ActionJoin: true, ActionHistory: true, ActionMembers: true},
	RoleMember:    {ActionJoin: true, ActionHistory: true, ActionMembers: true, ActionPublish: true},
	RoleModerator: {ActionJoin: true, ActionHistory: true, ActionMembers: true, ActionPublish: true, ActionRole: true},
	RoleOwner:     {ActionJoin: true, ActionHistory: true, ActionMembers: true, ActionPublish: true, ActionRole: true},
}

// May reports whether a user with the role may do a. It is the one place where that is
// decided; who has no role has the room's default (see DefaultRole).
func (r Role) May(a Action) bool { return int(r) < len(rights) && a < actionCount && rights[r][a] }

// MayGive reports whether a user with the role may change the role of somebody who has
// old to next: both are below his own, or he is an owner.
func (r Role) MayGive(old, next Role) bool {
	return r.May(ActionRole) && next < Role(len(rights)) && (r == RoleOwner || old < r && next < r)
}

// DefaultRole is what everybody is in a room who was given no role. All rooms are
// public as yet.
func (r *Room) DefaultRole() Role { return RoleMember }
