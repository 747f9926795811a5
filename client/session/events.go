package session

import (
	"time"

	"sarang/chat"
	"sarang/engine"
	"sarang/packet"
)

// Events receives what happens to a Session. All methods are called by the session's
// worker, never two at once, and must not block; they may call the session's own
// methods. Embed NopEvents to write only those that are wanted.
type Events interface {
	// LoggedIn: the server accepted the login. Requests may be sent from here on.
	LoggedIn(s *Session, in LoggedIn)

	// Resumed: a session that goes on with the State of an earlier one is logged
	// in, has all rooms back (or got Error for them), and has sent what was
	// unacknowledged.
	Resumed(s *Session)

	// Joined: the room's events follow, the first with After + 1.
	Joined(s *Session, j Joined)

	// Left: no event of the room follows. Request is 0 if the server removed us: Err says
	// why.
	Left(s *Session, l Left)

	// Created answers Create.
	Created(s *Session, c Created)

	// Done answers Register, ChangePassword, EndSessions and SetAway.
	Done(s *Session, d Done)

	// SessionList answers ListSessions.
	SessionList(s *Session, l SessionList)

	// Event is one entry of a joined room's log, in order. e and its strings are
	// lent until the return.
	Event(s *Session, e *chat.Event)

	// Ack: the message, change, role or kick is stored (in an ephemeral room: has its place).
	Ack(s *Session, a Ack)

	// Refused: a publish failed. If Retrying, the session sends it again by itself
	// after Err.RetryAfter; otherwise it is forgotten.
	Refused(s *Session, r Refused)

	// Error: a request other than a publish failed, or the server reports an error
	// that belongs to no request.
	Error(s *Session, f Failure)

	// Gap: events of the room can not be delivered any more; delivery goes on
	// after To.
	Gap(s *Session, g Gap)

	// RoomPage answers List.
	RoomPage(s *Session, p RoomPage)

	// HistoryPage answers History.
	HistoryPage(s *Session, p HistoryPage)

	// MemberPage answers Members.
	MemberPage(s *Session, p MemberPage)

	// Marked answers Mark, or tells what another session of the user has said.
	Marked(s *Session, m Marked)

	// Muted answers Mute, or tells what another session of the user has said.
	Muted(s *Session, m Muted)

	// Reported answers Report and Resolve.
	Reported(s *Session, r Reported)

	// ReportPage answers Reports.
	ReportPage(s *Session, p ReportPage)

	// AuditPage answers Audit.
	AuditPage(s *Session, p AuditPage)

	// SearchPage answers Search.
	SearchPage(s *Session, p SearchPage)

	// Filtered answers Filter and SetFilter.
	Filtered(s *Session, f Filtered)

	// MadeLink answers MakeLink.
	MadeLink(s *Session, m MadeLink)

	// LinkPage answers Links.
	LinkPage(s *Session, p LinkPage)

	// MyRoomPage answers MyRooms.
	MyRoomPage(s *Session, p MyRoomPage)

	// MentionPage answers Mentions.
	MentionPage(s *Session, p MentionPage)

	// Followed answers Follow and ReadThread, or tells what another session of the user has said.
	Followed(s *Session, f Followed)

	// ThreadPage answers Threads and UnreadThreads.
	ThreadPage(s *Session, p ThreadPage)

	// Belongs: the user belongs to a room from now on without having asked for it: somebody has
	// said something in a direct room of his.
	Belongs(s *Session, room chat.RoomID)

	// Profile answers LookUp and SetProfile, or, with Request 0, tells that another session of
	// the user has changed his; Renamed answers Rename, and Blocked Block, likewise.
	Profile(s *Session, p Profile)
	Renamed(s *Session, r Renamed)
	Blocked(s *Session, b Blocked)

	// BlockPage answers Blocks.
	BlockPage(s *Session, p BlockPage)

	// SeenBy answers AskSeenBy.
	SeenBy(s *Session, l SeenBy)

	// Typing: somebody types in a joined room; it holds for some seconds.
	Typing(s *Session, t Typing)

	// Pong answers Ping.
	Pong(s *Session, value uint64)

	// Goodbye: the server is about to close the connection.
	Goodbye(s *Session, g Goodbye)

	// Fault: the server has broken the protocol: a *SequenceError,
	// *UnexpectedError, *VersionError, *packet.DecodeError or *packet.TextError.
	// The session goes on, but for a *VersionError.
	Fault(s *Session, err error)

	// Disconnected: the session is over, or its connect has failed. It is the
	// last call. Requests without an answer are void; the State can be given to a
	// new session.
	Disconnected(s *Session, why engine.Reason)
}

// NopEvents does nothing.
type NopEvents struct{}

var _ Events = NopEvents{}

// LoggedIn does nothing.
func (NopEvents) LoggedIn(*Session, LoggedIn) {}

// Resumed does nothing.
func (NopEvents) Resumed(*Session) {}

// Joined does nothing.
func (NopEvents) Joined(*Session, Joined) {}

// Left does nothing.
func (NopEvents) Left(*Session, Left) {}

// Created does nothing.
func (NopEvents) Created(*Session, Created) {}

// Event does nothing.
func (NopEvents) Event(*Session, *chat.Event) {}

// Ack does nothing.
func (NopEvents) Ack(*Session, Ack) {}

// Refused does nothing.
func (NopEvents) Refused(*Session, Refused) {}

// Error does nothing.
func (NopEvents) Error(*Session, Failure) {}

// Gap does nothing.
func (NopEvents) Gap(*Session, Gap) {}

// RoomPage does nothing.
func (NopEvents) RoomPage(*Session, RoomPage) {}

// HistoryPage does nothing.
func (NopEvents) HistoryPage(*Session, HistoryPage) {}

// Done does nothing.
func (NopEvents) Done(*Session, Done) {}

// SessionList does nothing.
func (NopEvents) SessionList(*Session, SessionList) {}

// SearchPage does nothing.
func (NopEvents) SearchPage(*Session, SearchPage) {}

// MemberPage does nothing.
func (NopEvents) MemberPage(*Session, MemberPage) {}

// Marked does nothing.
func (NopEvents) Marked(*Session, Marked) {}

// Muted does nothing.
func (NopEvents) Muted(*Session, Muted) {}

// Reported does nothing.
func (NopEvents) Reported(*Session, Reported) {}

// ReportPage does nothing.
func (NopEvents) ReportPage(*Session, ReportPage) {}

// AuditPage does nothing.
func (NopEvents) AuditPage(*Session, AuditPage) {}

// MentionPage does nothing.
func (NopEvents) MentionPage(*Session, MentionPage) {}

// Followed does nothing.
func (NopEvents) Followed(*Session, Followed) {}

// ThreadPage does nothing.
func (NopEvents) ThreadPage(*Session, ThreadPage) {}

// Filtered does nothing.
func (NopEvents) Filtered(*Session, Filtered) {}

// MadeLink does nothing.
func (NopEvents) MadeLink(*Session, MadeLink) {}

// LinkPage does nothing.
func (NopEvents) LinkPage(*Session, LinkPage) {}

// MyRoomPage does nothing.
func (NopEvents) MyRoomPage(*Session, MyRoomPage) {}

// Belongs does nothing.
func (NopEvents) Belongs(*Session, chat.RoomID) {}

// Profile does nothing.
func (NopEvents) Profile(*Session, Profile) {}

// Renamed does nothing.
func (NopEvents) Renamed(*Session, Renamed) {}

// Blocked does nothing.
func (NopEvents) Blocked(*Session, Blocked) {}

// BlockPage does nothing.
func (NopEvents) BlockPage(*Session, BlockPage) {}

// SeenBy does nothing.
func (NopEvents) SeenBy(*Session, SeenBy) {}

// Typing does nothing.
func (NopEvents) Typing(*Session, Typing) {}

// Pong does nothing.
func (NopEvents) Pong(*Session, uint64) {}

// Goodbye does nothing.
func (NopEvents) Goodbye(*Session, Goodbye) {}

// Fault does nothing.
func (NopEvents) Fault(*Session, error) {}

// Disconnected does nothing.
func (NopEvents) Disconnected(*Session, engine.Reason) {}

// LoggedIn is what the server says when it accepts a login.
type LoggedIn struct {
	Version      uint32
	User         chat.UserID
	Name         string // as the server writes it
	Token        []byte // shows who you are at the next login; keep it secret
	SentCount    uint64 // messages of this user stored so far
	Server       string // program and version
	Limits       Limits
	Capabilities []string
	Resumed      bool          // the session goes on with the State of an earlier one
	Session      chat.DeviceID // of the user's sessions, this one; 0: the server does not say
	Account      bool          // the user has a password
}

// Limits is what the server allows. 0 means that the server did not say.
type Limits struct {
	TextBytesMax         int           // of one chat text
	RoomsJoinedMax       int           // per session
	PublishesInFlightMax int           // without an answer, per session; a State keeps to it in each room
	IdleMax              time.Duration // without any packet, the session is closed
	HeartbeatInterval    time.Duration // the server pings after that much silence
	HistoryItemsMax      int           // per page of history
	PasswordRunesMin     int           // code points of a password
	PasswordBytesMax     int           // and its bytes of UTF-8
	EditFor              time.Duration // how long after it a message may be edited; 0: always
	FileBytesMax         int64         // of one file
	FilesPerMessageMax   int
	WebPort              uint16 // of the web address, where files are, as the server knows it
	WebTLS               bool   // and it is https
}

// RoomInfo is what the server says about a room.
type RoomInfo struct {
	ID        chat.RoomID
	Name      string
	Epoch     chat.Epoch // one life of the room's log
	Ephemeral bool       // not stored: a restart of the server forgets the log
	Private   bool       // for those who were given a role in it, and its maker
	LastSeq   chat.Seq
	Members   int    // users present
	Topic     string // what it is about; may be empty

	Description string // at length; lists of rooms do not have it
	Archived    bool   // it can be read, and takes nothing new
	SlowSeconds uint32 // so long members wait after a message of theirs

	RetainSeconds uint32 // so long what is said is kept; 0: for as long as the server does

	// Direct are the users of a direct room, in order, and then zeros; of others all are.
	Direct [chat.DirectUsersMax]chat.UserID
}

// Cursor is a place in a room's log: everything up to Seq of Epoch is known. TimeMs is
// that of the event Seq; by it a server whose store was put back to an older state
// recognizes that it has another event there. 0: not known.
type Cursor struct {
	Epoch  chat.Epoch
	Seq    chat.Seq
	TimeMs int64
}

// Joined is a room that was joined.
type Joined struct {
	Request uint32
	Room    RoomInfo
	After   chat.Seq // the first event has After + 1
	AfterMs int64    // TimeMs of the event After, for a Cursor; 0: not known
	Rejoin  bool     // the session joined by itself, as the State said
}

// Left is a room that was left.
type Left struct {
	Request uint32
	Room    chat.RoomID

	// If somebody has sent the user out of the room, Err says so: CodeBanned,
	// CodeKicked, CodeUninvited or CodeRoomDeleted, and a sentence; CodeLeft, if he has left it for good in
	// another session. Otherwise it is nil.
	Err     *chat.Error
	Seq     chat.Seq // of the event of the room's log that did it
	UntilMs int64    // of a ban for a time: when it ends; 0: it does not
}

// Created is a room that was made.
type Created struct {
	Request uint32
	Room    RoomInfo
}

// Ack is a message that was stored.
type Ack struct {
	Room  chat.RoomID
	Nonce chat.Nonce
	Seq   chat.Seq
}

// Refused is a message that was not stored.
type Refused struct {
	Room     chat.RoomID
	Nonce    chat.Nonce
	Err      *chat.Error
	Retrying bool
}

// Failure is a request that failed.
type Failure struct {
	Packet   packet.ID // of the request; 0 if the error answers none
	Request  uint32
	Room     chat.RoomID
	Err      *chat.Error
	Rejoin   bool // the session joined by itself, as the State said; the room is lost
	Retrying bool // unless this is true: then it tries again by itself after Err.RetryAfter
}

// Gap is a part of a room's log that will not be delivered: From to To of Epoch. If
// EpochChanged, it is another log: it began anew, or the server's store was put back to an
// older state, and then the Epoch may be the same. All sequence numbers of before are void;
// To is then the place after which delivery goes on, and From is 1.
type Gap struct {
	Room         chat.RoomID
	Epoch        chat.Epoch
	From, To     chat.Seq
	EpochChanged bool
}

// RoomPage is a page of the list of rooms, in the order of their ids.
type RoomPage struct {
	Request uint32
	Rooms   []RoomInfo
	More    bool
}

// HistoryPage is a page of a room's log, in order. Messages have the text that they have now;
// what else became of them is in States. Edits have no text there.
type HistoryPage struct {
	Request uint32
	Room    chat.RoomID
	Epoch   chat.Epoch
	AsOf    chat.Seq // all that the log had up to here is in it
	Events  []chat.Event
	States  []chat.State // of the messages that were changed, in order
	More    bool         // there is more in the direction asked for
}

// MemberPage is a page of the users present in a room, in the order of their ids.
type MemberPage struct {
	Request uint32
	Room    chat.RoomID
	Members []Member
	Total   int
	More    bool
}

// Member is a user present in a room.
type Member struct {
	User        chat.UserID
	Name        string
	DisplayName string   // how he wants to be called; may be empty
	Presence    Presence // may not be told
}

// Done is a request that was done, and whose outcome is stored.
type Done struct{ Request uint32 }

// SessionList is where the user has logged in, in the order of the ids.
type SessionList struct {
	Request  uint32
	Sessions []DeviceSession
}

// DeviceSession is a session of a user as he sees it: what a token stands for. It lasts over
// connections.
type DeviceSession struct {
	ID          chat.DeviceID
	Device      string // as the client calls it; may be empty
	Address     string // of the newest login; may be empty
	Created     time.Time
	Seen        time.Time // a login, to the hour
	Connections int       // that it has now
	Current     bool      // the one that asks
}

// Goodbye is why the server closes the connection, and when to come back.
type Goodbye struct{ Err *chat.Error }
