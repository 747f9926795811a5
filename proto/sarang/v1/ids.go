// Package sarangv1 holds the packets of Sarang's native protocol, version 1: their
// ids, and the messages that are their payloads. chat.pb.go and chat_vtproto.pb.go
// are generated from chat.proto by scripts/generate.sh.
package sarangv1

// Version is the protocol version that this package describes.
const Version = 1

// Packet ids. The server sends odd ones, the client even ones.
const (
	STest       = 1
	CTest       = 2
	SLogin      = 3   // LoggedIn
	CLogin      = 4   // Login
	SDone       = 31  // Done
	CRegister   = 32  // Register
	CPassword   = 34  // ChangePassword
	SSessions   = 35  // SessionList
	CSessions   = 36  // Sessions
	CEndSession = 38  // EndSession
	CErase      = 40  // EraseUser
	SChat       = 5   // Event
	CChat       = 6   // Publish
	SAck        = 7   // Ack
	SError      = 9   // Error
	SPong       = 11  // Ping
	CPing       = 12  // Ping
	SPing       = 13  // Ping
	CPong       = 14  // Ping
	SJoin       = 15  // Joined
	CJoin       = 16  // Join
	SLeave      = 17  // Leave
	CLeave      = 18  // Leave
	SCreate     = 19  // Created
	CCreate     = 20  // Create
	SList       = 21  // Listed
	CList       = 22  // List
	SHistory    = 23  // HistoryPage
	CHistory    = 24  // History
	SMembers    = 25  // MemberPage
	CMembers    = 26  // Members
	SGap        = 27  // Gap
	CRole       = 28  // GiveRole
	SGoodbye    = 29  // Goodbye
	CKick       = 30  // Kick
	SMark       = 47  // Marked
	CMark       = 48  // Mark
	SMute       = 49  // Mute
	CMute       = 50  // Mute
	SRooms      = 51  // MyRoomPage
	CRooms      = 52  // MyRooms
	SDirect     = 53  // Created
	CDirect     = 54  // Direct
	SBelongs    = 55  // Belongs
	CTopic      = 56  // Topic
	STyping     = 63  // Typing
	CTyping     = 64  // Typing
	CEdit       = 88  // Edit
	CDelete     = 90  // Delete
	CReact      = 92  // React
	CPin        = 94  // Pin
	SReport     = 71  // Reported
	CReport     = 72  // ReportMessage
	SReports    = 73  // ReportPage
	CReports    = 74  // Reports
	CResolve    = 76  // Resolve
	SAudit      = 77  // AuditPage
	CAudit      = 78  // Audit
	CSet        = 114 // SetRoom
	CDeleteRoom = 116 // DeleteRoom
	CPurge      = 126 // Purge
	SMentions   = 131 // MentionPage
	CMentions   = 132 // Mentions
	SThreads    = 133 // ThreadPage
	CThreads    = 134 // Threads
	SThread     = 135 // HistoryPage
	CThread     = 136 // ThreadHistory
	SFollow     = 151 // Followed
	CFollow     = 150 // FollowThread
	SReadThread = 153 // Followed
	CReadThread = 152 // ReadThread
	SPins       = 137 // HistoryPage
	CPins       = 138 // Pins
	SMakeLink   = 117 // MadeLink
	CMakeLink   = 118 // MakeLink
	SLinks      = 119 // LinkPage
	CLinks      = 120 // Links
	CRevokeLink = 122 // RevokeLink
	SJoinLink   = 123 // Created
	CJoinLink   = 124 // JoinLink
	CFilter     = 154 // Filter
	SFilter     = 155 // Filtered
	SSearch     = 127 // SearchPage
	CSearch     = 128 // Search
)

// What is said of people.
const (
	SProfile    = 99  // UserProfile
	CProfile    = 100 // LookUp
	SSetProfile = 101 // UserProfile
	CSetProfile = 102 // SetProfile
	SRename     = 103 // Rename
	CRename     = 104 // Rename
	CAway       = 106 // Away
	SBlock      = 107 // Blocked
	CBlock      = 108 // Block
	SBlocks     = 109 // BlockPage
	CBlocks     = 110 // Blocks
	SSeenBy     = 111 // SeenByList
	CSeenBy     = 112 // SeenBy
)
