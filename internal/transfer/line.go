package transfer

import (
	"strconv"

	"sarang/chat"
)

// The types of lines that are no events. docs/transfer.md has all.
const (
	typeHeader = "sarang-export"
	typeUser   = "user"
	typeRoom   = "room"
	typeMember = "member"
	typeEnd    = "end"
)

// formatVersion is that of the lines. A program refuses those of a newer one.
const formatVersion = 1

// line is one line: the fields of all types, in the order in which they are written. Numbers of
// users and rooms are the file's own, from 1 on in the order of their lines; those of events count
// from 1 on in each room.
type line struct {
	Type    string `json:"type"`
	Version int    `json:"version,omitempty"`

	ID   uint64 `json:"id,omitempty"` // of a user or a room
	Room uint64 `json:"room,omitempty"`
	Seq  uint64 `json:"seq,omitempty"`

	TimeMs    int64  `json:"time_ms,omitempty"`
	CreatedMs int64  `json:"created_ms,omitempty"`
	User      uint64 `json:"user,omitempty"`
	Name      string `json:"name,omitempty"`

	// Of users.
	Former      bool   `json:"former,omitempty"` // the name is not his any more
	DisplayName string `json:"display_name,omitempty"`
	About       string `json:"about,omitempty"`
	Status      string `json:"status,omitempty"`
	Hidden      bool   `json:"hidden,omitempty"`

	// Of rooms.
	Creator   uint64   `json:"creator,omitempty"`
	Private   bool     `json:"private,omitempty"`
	Ephemeral bool     `json:"ephemeral,omitempty"`
	Direct    []uint64 `json:"direct,omitempty"`

	// Of members.
	Since uint64 `json:"since,omitempty"`
	Read  uint64 `json:"read,omitempty"`
	Muted bool   `json:"muted,omitempty"`

	// Of events.
	Target   uint64          `json:"target,omitempty"`
	ReplyTo  uint64          `json:"reply_to,omitempty"`
	Thread   uint64          `json:"thread,omitempty"`
	Text     string          `json:"text,omitempty"`
	Emoji    string          `json:"emoji,omitempty"`
	Subject  uint64          `json:"subject,omitempty"`
	Role     string          `json:"role,omitempty"`
	UntilMs  int64           `json:"until_ms,omitempty"`
	Value    uint32          `json:"value,omitempty"`
	Mentions []uint64        `json:"mentions,omitempty"` // follows from Text; 0 is everybody
	Files    []chat.FileInfo `json:"files,omitempty"`

	// Of the end.
	Users  uint64 `json:"users,omitempty"`
	Rooms  uint64 `json:"rooms,omitempty"`
	Events uint64 `json:"events,omitempty"`
}

// kindNames are the types of lines that are events.
var kindNames = map[chat.EventKind]string{
	chat.EventMessage: "message", chat.EventJoin: "join", chat.EventLeave: "leave", chat.EventRole: "role",
	chat.EventKick: "kick", chat.EventTopic: "topic", chat.EventEdit: "edit", chat.EventDelete: "delete",
	chat.EventReact: "react", chat.EventUnreact: "unreact", chat.EventPin: "pin", chat.EventUnpin: "unpin",
	chat.EventName: "name", chat.EventDescribe: "describe", chat.EventArchive: "archive", chat.EventSlow: "slow",
	chat.EventRetain: "retain", chat.EventExpire: "expire",
}

var kindsByName = func() map[string]chat.EventKind {
	kinds := make(map[string]chat.EventKind, len(kindNames))
	for k, name := range kindNames {
		kinds[name] = k
	}
	return kinds
}()

// kindName is the type of an event's line. A kind that this program knows no word for has its number.
func kindName(k chat.EventKind) string {
	if name, known := kindNames[k]; known {
		return name
	}
	return "event-" + strconv.Itoa(int(k))
}
