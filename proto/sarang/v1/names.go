package sarangv1

import "google.golang.org/protobuf/proto"

// Packet is a packet's id and name, with what it carries.
type Packet struct {
	ID      uint16
	Name    string // as docs/PROTOCOL.md has it: "C_LOGIN"
	Message proto.Message
}

// Packets returns all packets with a message, new ones each time.
func Packets() []Packet {
	return []Packet{
		{SLogin, "S_LOGIN", new(LoggedIn)},
		{CLogin, "C_LOGIN", new(Login)},
		{SDone, "S_DONE", new(Done)},
		{CRegister, "C_REGISTER", new(Register)},
		{CPassword, "C_PASSWORD", new(ChangePassword)},
		{SSessions, "S_SESSIONS", new(SessionList)},
		{CSessions, "C_SESSIONS", new(Sessions)},
		{CEndSession, "C_END_SESSION", new(EndSession)},
		{CErase, "C_ERASE", new(EraseUser)},
		{SChat, "S_CHAT", new(Event)},
		{CChat, "C_CHAT", new(Publish)},
		{SAck, "S_ACK", new(Ack)},
		{SError, "S_ERROR", new(Error)},
		{SPong, "S_PONG", new(Ping)},
		{CPing, "C_PING", new(Ping)},
		{SPing, "S_PING", new(Ping)},
		{CPong, "C_PONG", new(Ping)},
		{SJoin, "S_JOIN", new(Joined)},
		{CJoin, "C_JOIN", new(Join)},
		{SLeave, "S_LEAVE", new(Leave)},
		{CLeave, "C_LEAVE", new(Leave)},
		{SCreate, "S_CREATE", new(Created)},
		{CCreate, "C_CREATE", new(Create)},
		{SList, "S_LIST", new(Listed)},
		{CList, "C_LIST", new(List)},
		{SHistory, "S_HISTORY", new(HistoryPage)},
		{CHistory, "C_HISTORY", new(History)},
		{SMembers, "S_MEMBERS", new(MemberPage)},
		{CMembers, "C_MEMBERS", new(Members)},
		{CRole, "C_ROLE", new(GiveRole)},
		{CKick, "C_KICK", new(Kick)},
		{SMark, "S_MARK", new(Marked)},
		{CMark, "C_MARK", new(Mark)},
		{SMute, "S_MUTE", new(Mute)},
		{CMute, "C_MUTE", new(Mute)},
		{SRooms, "S_ROOMS", new(MyRoomPage)},
		{CRooms, "C_ROOMS", new(MyRooms)},
		{SDirect, "S_DIRECT", new(Created)},
		{CDirect, "C_DIRECT", new(Direct)},
		{SBelongs, "S_BELONGS", new(Belongs)},
		{CTopic, "C_TOPIC", new(Topic)},
		{STyping, "S_TYPING", new(Typing)},
		{CTyping, "C_TYPING", new(Typing)},
		{CEdit, "C_EDIT", new(Edit)},
		{CDelete, "C_DELETE", new(Delete)},
		{CReact, "C_REACT", new(React)},
		{CPin, "C_PIN", new(Pin)},
		{SReport, "S_REPORT", new(Reported)},
		{CReport, "C_REPORT", new(ReportMessage)},
		{SReports, "S_REPORTS", new(ReportPage)},
		{CReports, "C_REPORTS", new(Reports)},
		{CResolve, "C_RESOLVE", new(Resolve)},
		{SAudit, "S_AUDIT", new(AuditPage)},
		{CAudit, "C_AUDIT", new(Audit)},
		{CSet, "C_SET", new(SetRoom)},
		{SGap, "S_GAP", new(Gap)},
		{SGoodbye, "S_GOODBYE", new(Goodbye)},
	}
}
