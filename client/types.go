package client

import (
	"sarang/chat"
	"sarang/client/session"
)

// What the methods of Client take and return; package session documents the fields.
type (
	// LoggedIn is what the server says at a login: name, id, token, limits.
	LoggedIn = session.LoggedIn

	// Limits is what the server allows.
	Limits = session.Limits

	// RoomInfo is what the server says about a room.
	RoomInfo = session.RoomInfo

	// MyRoom is a room that the user belongs to.
	MyRoom = session.MyRoom

	// Member is a user present in a room.
	Member = session.Member

	// DeviceSession is a session of a user, which lasts over connections.
	DeviceSession = session.DeviceSession

	// Cursor is a place in a room's log.
	Cursor = session.Cursor

	// Join says which room to join, and from where on to read it.
	Join = session.Join

	// NewRoom says which room to make.
	NewRoom = session.NewRoom

	// GiveRole says who is to be given which role in a room.
	GiveRole = session.GiveRole

	// Kick says who is to be sent out of a room.
	Kick = session.Kick

	// Reply is an answer to a message.
	Reply = session.Reply

	// History says which page of a room's log is wanted.
	History = session.History

	// StatedMessage is a message as it is now.
	StatedMessage = session.StatedMessage

	// Thread is a message that was answered.
	Thread = session.Thread

	// MentionPage are messages that mention the user.
	MentionPage = session.MentionPage

	// ThreadPage are threads of a room.
	ThreadPage = session.ThreadPage

	// Report is what somebody has told the moderators of a message.
	Report = session.Report

	// ReportPage is a page of the reports of a room.
	ReportPage = session.ReportPage

	// AuditPage is a page of the audit log of a room.
	AuditPage = session.AuditPage

	// RoomLink lets people into a private room, who have its code.
	RoomLink = session.RoomLink

	// Search says what is looked for.
	Search = session.Search

	// SearchPage is a page of what was found.
	SearchPage = session.SearchPage

	// Hit is a message that was found.
	Hit = session.Hit

	// Range is a part of a text.
	Range = session.Range
)

// Joined is a room that was joined.
type Joined struct {
	Room    RoomInfo
	After   chat.Seq // the first event has After + 1
	AfterMs int64    // TimeMs of the event After, for a Cursor; 0: not known
}

// HistoryPage is a page of a room's log, in order. Messages have the text that they have now;
// what else became of them is in States. Edits have no text there.
type HistoryPage struct {
	Room   chat.RoomID
	Epoch  chat.Epoch
	AsOf   chat.Seq // all that the log had up to here is in it
	Events []chat.Event
	States []chat.State // of the messages that were changed, in order
	More   bool         // there is more in the direction asked for
}

// MemberPage is a page of the users present in a room.
type MemberPage struct {
	Room    chat.RoomID
	Members []Member // in the order of their ids
	Total   int      // present in all
	More    bool     // there are more behind the last one
}
