package chat

import "time"

// Role is what a user may do in a room. The numbers are part of the wire protocol and
// the store.
type Role uint8

// The roles.
const (
	RoleNone      Role = 0 // none was given: what the room gives to everybody, and to its owner
	RoleBanned    Role = 1 // may do nothing
	RoleReader    Role = 2 // may read
	RoleMember    Role = 3 // may read and speak
	RoleModerator Role = 4 // may give roles below his own to those below him, and send them out
	RoleOwner     Role = 5 // may do everything
	RoleOperator  Role = 6 // of the server: may do everything in all rooms; no room gives it
)

// String returns the role's name.
func (r Role) String() string {
	switch r {
	case RoleNone:
		return "none"
	case RoleBanned:
		return "banned"
	case RoleReader:
		return "reader"
	case RoleMember:
		return "member"
	case RoleModerator:
		return "moderator"
	case RoleOwner:
		return "owner"
	case RoleOperator:
		return "operator"
	}
	return "unknown"
}

// ParseRole returns the role with a name that a room can give; false if there is none.
func ParseRole(name string) (Role, bool) {
	for r := RoleNone; r <= RoleOwner; r++ {
		if r.String() == name {
			return r, true
		}
	}
	return 0, false
}

// Action is what somebody wants to do with a room.
type Action uint8

// The actions.
const (
	ActionJoin       Action = iota // be present: get the room's events as they come
	ActionHistory                  // read pages of the log
	ActionMembers                  // read who is present
	ActionPublish                  // say something
	ActionRole                     // give somebody a role
	ActionKick                     // send somebody out
	ActionMark                     // note how far one has read
	ActionEdit                     // say something else in the place of a message of one's own
	ActionDelete                   // erase a message of one's own
	ActionErase                    // erase a message of somebody else
	ActionReact                    // put an emoji on a message, or take it back
	ActionPin                      // pin a message, or unpin it
	ActionReport                   // tell the moderators of a message
	ActionReports                  // read and resolve reports, and read the audit log
	ActionTopic                    // say what the room is about
	ActionSlow                     // have members wait between messages, and need not wait
	ActionSettings                 // rename, describe and archive the room
	ActionDeleteRoom               // delete the room
	ActionMentionAll               // mention everybody in it
	ActionFilter                   // say which words the room does not take, and say them
	ActionInvite                   // make, list and revoke links by which others come into a private room
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
	case ActionKick:
		return "send somebody out of"
	case ActionMark:
		return "mark what you have read of"
	case ActionEdit:
		return "edit messages in"
	case ActionDelete:
		return "delete messages in"
	case ActionErase:
		return "delete messages of others in"
	case ActionReact:
		return "react to messages in"
	case ActionPin:
		return "pin messages in"
	case ActionReport:
		return "report messages of"
	case ActionReports:
		return "see what is reported in"
	case ActionTopic:
		return "set the topic of"
	case ActionSlow:
		return "slow down"
	case ActionDeleteRoom:
		return "delete"
	case ActionSettings:
		return "change the settings of"
	case ActionMentionAll:
		return "mention everybody in"
	case ActionFilter:
		return "filter what is said in"
	case ActionInvite:
		return "invite others to"
	}
	return "use"
}

// rights is the table role × action: what a role may do.
var rights = [...][actionCount]bool{
	RoleNone:   {},
	RoleBanned: {},
	RoleReader: {ActionJoin: true, ActionReport: true, ActionHistory: true, ActionMembers: true, ActionMark: true},
	RoleMember: {
		ActionJoin: true, ActionHistory: true, ActionMembers: true, ActionMark: true, ActionPublish: true,
		ActionEdit: true, ActionDelete: true, ActionReact: true, ActionReport: true,
	},
	RoleModerator: {
		ActionJoin: true, ActionHistory: true, ActionMembers: true, ActionMark: true, ActionPublish: true, ActionRole: true, ActionKick: true, ActionTopic: true, ActionMentionAll: true,
		ActionEdit: true, ActionDelete: true, ActionErase: true, ActionReact: true, ActionPin: true, ActionReport: true, ActionReports: true,
		ActionSlow: true, ActionInvite: true, ActionFilter: true,
	},
	RoleOwner: {
		ActionJoin: true, ActionHistory: true, ActionMembers: true, ActionMark: true, ActionPublish: true, ActionRole: true, ActionKick: true, ActionTopic: true, ActionMentionAll: true,
		ActionEdit: true, ActionDelete: true, ActionErase: true, ActionReact: true, ActionPin: true, ActionReport: true, ActionReports: true,
		ActionSlow: true, ActionInvite: true, ActionFilter: true, ActionSettings: true, ActionDeleteRoom: true,
	},
	RoleOperator: {
		ActionJoin: true, ActionHistory: true, ActionMembers: true, ActionMark: true, ActionPublish: true, ActionRole: true, ActionKick: true, ActionTopic: true, ActionMentionAll: true,
		ActionEdit: true, ActionDelete: true, ActionErase: true, ActionReact: true, ActionPin: true, ActionReport: true, ActionReports: true,
		ActionSlow: true, ActionInvite: true, ActionFilter: true, ActionSettings: true, ActionDeleteRoom: true,
	},
}

// May reports whether a user with the role may do a. It is the one place where that is
// decided; who has no role of his own has the room's (see Room.Role).
func (r Role) May(a Action) bool { return int(r) < len(rights) && a < actionCount && rights[r][a] }

// MayGive reports whether a user with the role may change the role of somebody who has
// old to next: both are below his own, or he is an owner, or an operator. For RoleNone, next is what the
// room gives (Room.Role).
func (r Role) MayGive(old, next Role) bool {
	return r.May(ActionRole) && next <= RoleOwner && (r.rulesAll(old) || old < r && next < r)
}

// MayKick reports whether a user with the role may send somebody out who has old: one
// below him, or he is an owner.
func (r Role) MayKick(old Role) bool { return r.May(ActionKick) && (r.rulesAll(old) || old < r) }

// rulesAll reports whether the role stands above old, its own included: an owner above all but
// operators, an operator above all.
func (r Role) rulesAll(old Role) bool {
	return r == RoleOperator || r == RoleOwner && old != RoleOperator
}

// Given is the role that the newest role event about a user gave him.
type Given struct {
	Role    Role
	UntilMs int64 // it holds at times below it (see Room.RoleAt); 0: for good
}

// RoleForMax bounds for how long a role can be given that ends by itself.
const RoleForMax = 10 * 365 * 24 * time.Hour

// MayEnd reports whether the role can be given for a time: those that take rights away.
func (r Role) MayEnd() bool { return r == RoleBanned || r == RoleReader }

// Role returns what a user is in the room who was given the role given there, or none: who
// made the room is its owner then, and others are members, but of a private room nothing.
func (r *Room) Role(u UserID, given Role) Role {
	switch {
	case r.IsDirect():
		return r.directRole(u)
	case given != RoleNone:
		return given
	case u != 0 && u == r.Creator && !r.Ephemeral:
		return RoleOwner
	case r.Private:
		return RoleNone
	}
	return RoleMember
}

// RoleAt is Role for what somebody was given, at a time. Who was made a reader for a time is
// a member when that has run out; who was banned is what the room gives to others, also if
// he has made it: its owner he is again when an owner gives him RoleNone.
func (r *Room) RoleAt(u UserID, g Given, timeMs int64) Role {
	switch {
	case r.IsDirect():
		return r.directRole(u)
	case g.UntilMs == 0 || timeMs < g.UntilMs:
		return r.Role(u, g.Role)
	case g.Role == RoleReader || !r.Private:
		return RoleMember
	}
	return RoleNone
}

// Hides reports whether the room is to be as if it were not there for a user whose Role
// is r.
func (r *Room) Hides(role Role) bool { return r.Private && !role.May(ActionJoin) }

// Ends returns with which code e ends the presence of its Subject in the room; 0: it does
// not.
func (r *Room) Ends(e *Event) Code {
	switch {
	case e.Kind == EventKick:
		return CodeKicked
	case e.Kind == EventRole && e.Role == RoleBanned:
		return CodeBanned
	case e.Kind == EventRole && !r.Role(e.Subject, e.Role).May(ActionJoin):
		return CodeUninvited
	}
	return 0
}

// ReasonBytesMax bounds the reason that a role or a kick is given with.
const ReasonBytesMax = 512

// TopicBytesMax bounds a room's topic.
const TopicBytesMax = 512

// CheckTopic is CheckText for a topic, which may be empty.
func CheckTopic(topic string) error {
	if topic == "" {
		return nil
	}
	return CheckText(topic, TopicBytesMax)
}
