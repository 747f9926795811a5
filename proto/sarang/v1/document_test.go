package sarangv1_test

import (
	"encoding/hex"
	"os"
	"regexp"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"sarang/packet"
	pb "sarang/proto/sarang/v1"
	"sarang/websocket"
)

type message interface {
	proto.Message
	packet.Marshaler
}

// example is a packet.
type example struct {
	id packet.ID
	m  message
}

// examples are the packets whose bytes docs/PROTOCOL.md shows.
var examples = map[string]example{
	"C_LOGIN first": {pb.CLogin, &pb.Login{VersionMin: 1, VersionMax: 1, Name: "Ann", Client: "bot"}},
	"S_LOGIN first": {pb.SLogin, &pb.LoggedIn{
		Version: 1, User: 7, Name: "Ann", Server: "sarang 0.1",
		Token: []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
		Limits: &pb.Limits{
			TextBytesMax: 16384, RoomsJoinedMax: 64, PublishesInFlightMax: 256,
			IdleSecondsMax: 90, HeartbeatSeconds: 30, HistoryItemsMax: 200,
		},
	}},
	"C_JOIN lobby": {pb.CJoin, &pb.Join{Request: 1, Name: "lobby", Create: true}},
	"S_JOIN lobby": {pb.SJoin, &pb.Joined{
		Request: 1, After: 41,
		Room: &pb.RoomInfo{Id: 1, Name: "lobby", Epoch: 12345, LastSeq: 41, Members: 1},
	}},
	"S_CHAT join": {pb.SChat, &pb.Event{
		Room: 1, Seq: 42, Kind: pb.EventKind_EVENT_KIND_JOIN, User: 7, Name: "Ann", TimeMs: 1700000000000,
	}},
	"C_JOIN resume": {pb.CJoin, &pb.Join{Request: 2, Room: 1, Cursor: &pb.Cursor{Epoch: 12345, Seq: 42, TimeMs: 1700000000000}}},
	"C_CHAT hello":  {pb.CChat, &pb.Publish{Room: 1, Nonce: 0x0102030405060708, Text: "hi 안녕!"}},
	"S_ACK hello":   {pb.SAck, &pb.Ack{Room: 1, Nonce: 0x0102030405060708, Seq: 43}},
	"S_CHAT hello": {pb.SChat, &pb.Event{
		Room: 1, Seq: 43, Kind: pb.EventKind_EVENT_KIND_MESSAGE, User: 7, Name: "Ann",
		Nonce: 0x0102030405060708, TimeMs: 1700000001000, Text: "hi 안녕!",
	}},
	"S_CHAT target": {pb.SChat, &pb.Event{
		Room: 1, Seq: 44, Kind: pb.EventKind_EVENT_KIND_MESSAGE, User: 7, Name: "Ann",
		Nonce: 0x0102030405060709, TimeMs: 1700000002000, Text: "yes", Target: 43,
	}},
	"S_CHAT role": {pb.SChat, &pb.Event{
		Room: 1, Seq: 45, Kind: pb.EventKind_EVENT_KIND_ROLE, User: 7, Name: "Ann",
		Nonce: 0x010203040506070a, TimeMs: 1700000003000, Subject: 8, Role: 2,
	}},
	"C_ROLE ban": {pb.CRole, &pb.GiveRole{
		Room: 1, Nonce: 0x010203040506070b, Name: "Bob", Role: 1, ForSeconds: 3600, Reason: "spam",
	}},
	"S_CHAT ban": {pb.SChat, &pb.Event{
		Room: 1, Seq: 46, Kind: pb.EventKind_EVENT_KIND_ROLE, User: 7, Name: "Ann", Nonce: 0x010203040506070b,
		TimeMs: 1700000004000, Text: "spam", Subject: 8, Role: 1, UntilMs: 1700003604000,
	}},
	"S_LEAVE banned": {pb.SLeave, &pb.Leave{
		Room: 1, Code: 34, Message: "you were banned from the room by Ann: spam", Seq: 46, UntilMs: 1700003604000,
	}},
	"C_CREATE private": {pb.CCreate, &pb.Create{Request: 3, Name: "council", Private: true}},
	"C_MARK 43":        {pb.CMark, &pb.Mark{Request: 7, Room: 1, Seq: 43}},
	"S_MARK 43":        {pb.SMark, &pb.Marked{Request: 7, Room: 1, Seq: 43}},
	"S_MARK other":     {pb.SMark, &pb.Marked{Room: 1, Seq: 43}},
	"C_ROOMS first":    {pb.CRooms, &pb.MyRooms{Request: 8}},
	"S_ROOMS page": {pb.SRooms, &pb.MyRoomPage{Request: 8, Rooms: []*pb.MyRoom{{
		Room: &pb.RoomInfo{Id: 1, Name: "lobby", Epoch: 12345, LastSeq: 46, Members: 2}, Role: 3, Mark: 43, Unread: 1, Muted: true,
		LastSeq: 44, LastUser: 7, LastName: "Ann", LastTimeMs: 1700000002000, LastText: "yes",
	}}}},
	"C_MUTE lobby": {pb.CMute, &pb.Mute{Request: 9, Room: 1, Muted: true}},
	"C_DIRECT Bob": {pb.CDirect, &pb.Direct{Request: 11, Names: []string{"Bob"}}},
	"S_DIRECT Bob": {pb.SDirect, &pb.Created{Request: 11, Room: &pb.RoomInfo{
		Id: 5, Name: "@Ann,Bob", Epoch: 777, Private: true, Direct: []uint64{7, 8},
	}}},
	"C_REPORT 44": {pb.CReport, &pb.ReportMessage{Request: 12, Room: 1, Seq: 44, Reason: "spam"}},
	"S_REPORT open": {pb.SReport, &pb.Reported{Request: 12, Report: &pb.Report{
		Id: 3, Room: 1, Seq: 44, Author: 7, Reporter: 8, TimeMs: 1700000005000, Reason: "spam",
	}}},
	"C_RESOLVE acted": {pb.CResolve, &pb.Resolve{Request: 13, Room: 1, Report: 3, Outcome: 1, Note: "banned"}},
	"C_AUDIT older":   {pb.CAudit, &pb.Audit{Request: 14, Room: 1, Before: &pb.AuditMark{TimeMs: 1700000004000, Seq: 46}}},
	"S_BELONGS Bob":   {pb.SBelongs, &pb.Belongs{Room: 5}},
	"C_TYPING lobby":  {pb.CTyping, &pb.Typing{Room: 1}},
	"S_TYPING Ann":    {pb.STyping, &pb.Typing{Room: 1, User: 7, Name: "Ann"}},
	"C_TOPIC tea":     {pb.CTopic, &pb.Topic{Room: 1, Nonce: 0x010203040506070d, Text: "tea"}},
	"S_CHAT topic": {pb.SChat, &pb.Event{
		Room: 1, Seq: 47, Kind: pb.EventKind_EVENT_KIND_TOPIC, User: 7, Name: "Ann", Nonce: 0x010203040506070d, TimeMs: 1700000005000, Text: "tea",
	}},
	"C_SET slow":          {pb.CSet, &pb.SetRoom{Room: 1, Nonce: 0x0102030405060712, Kind: pb.EventKind_EVENT_KIND_SLOW, Value: 30}},
	"C_DELETE_ROOM lobby": {pb.CDeleteRoom, &pb.DeleteRoom{Request: 15, Room: 1}},
	"C_PURGE Bob":         {pb.CPurge, &pb.Purge{Request: 16, Room: 1, User: 8, LastSeconds: 3600}},
	"S_CHAT slow": {pb.SChat, &pb.Event{
		Room: 1, Seq: 51, Kind: pb.EventKind_EVENT_KIND_SLOW, User: 7, Name: "Ann", Nonce: 0x0102030405060712, TimeMs: 1700000007000, Value: 30,
	}},
	"C_SET retain": {pb.CSet, &pb.SetRoom{Room: 1, Nonce: 0x0102030405060713, Kind: pb.EventKind_EVENT_KIND_RETAIN, Value: 2592000}},
	"S_CHAT expire": {pb.SChat, &pb.Event{
		Room: 1, Seq: 61, Kind: pb.EventKind_EVENT_KIND_EXPIRE, TimeMs: 1702592060000, Target: 43,
	}},
	"C_CHAT mention":   {pb.CChat, &pb.Publish{Room: 1, Nonce: 0x0102030405060712, Text: "hi [@Ann](user:7)"}},
	"C_MENTIONS older": {pb.CMentions, &pb.Mentions{Request: 15, Before: &pb.MentionPlace{TimeMs: 1700000006000, Room: 1, Seq: 60}}},
	"S_MENTIONS page": {pb.SMentions, &pb.MentionPage{
		Request: 15, More: true, Next: &pb.MentionPlace{TimeMs: 1700000001000, Room: 1, Seq: 43},
		Events: []*pb.Event{{
			Room: 1, Seq: 43, Kind: pb.EventKind_EVENT_KIND_MESSAGE, User: 8, Name: "Bob",
			Nonce: 0x0102030405060708, TimeMs: 1700000001000, Text: "hi [@Ann](user:7)",
		}},
	}},
	"C_THREADS lobby": {pb.CThreads, &pb.Threads{Request: 16, Room: 1}},
	"S_THREADS page": {pb.SThreads, &pb.ThreadPage{Request: 16, Room: 1, AsOf: 62, Threads: []*pb.Thread{{
		Replies: 2, Last: 61, Followed: true, Mark: 59, Unread: 1, Root: &pb.Event{
			Room: 1, Seq: 43, Kind: pb.EventKind_EVENT_KIND_MESSAGE, User: 7, Name: "Ann",
			Nonce: 0x0102030405060708, TimeMs: 1700000001000, Text: "why?",
		},
	}}}},
	"C_THREAD 43":         {pb.CThread, &pb.ThreadHistory{Request: 17, Room: 1, Root: 43}},
	"C_PINS lobby":        {pb.CPins, &pb.Pins{Request: 18, Room: 1}},
	"C_FILTER spam":       {pb.CFilter, &pb.Filter{Request: 21, Room: 1, Filter: &pb.RoomFilter{Words: []string{"spam", "buy now"}, Links: true}}},
	"S_FILTER spam":       {pb.SFilter, &pb.Filtered{Request: 21, Room: 1, Filter: &pb.RoomFilter{Words: []string{"spam", "buy now"}, Links: true}}},
	"C_MAKE_LINK council": {pb.CMakeLink, &pb.MakeLink{Request: 17, Room: 6, ForSeconds: 604800, UsesMax: 5}},
	"S_MAKE_LINK council": {pb.SMakeLink, &pb.MadeLink{Request: 17, Code: "K7QD-2MZX-9HTA-PW4C", Link: &pb.RoomLink{
		Id: 12, Room: 6, By: 7, ByName: "Ann", UsesMax: 5, ExpiresMs: 1700604800000, CreatedMs: 1700000000000,
	}}},
	"C_LINKS council": {pb.CLinks, &pb.Links{Request: 18, Room: 6}},
	"S_LINKS council": {pb.SLinks, &pb.LinkPage{Request: 18, Room: 6, Links: []*pb.RoomLink{{
		Id: 12, Room: 6, By: 7, ByName: "Ann", Uses: 1, UsesMax: 5, ExpiresMs: 1700604800000, CreatedMs: 1700000000000,
	}}}},
	"C_REVOKE_LINK 12": {pb.CRevokeLink, &pb.RevokeLink{Request: 19, Room: 6, Link: 12}},
	"C_JOIN_LINK Bob":  {pb.CJoinLink, &pb.JoinLink{Request: 20, Code: "K7QD-2MZX-9HTA-PW4C"}},
	"S_JOIN_LINK Bob": {pb.SJoinLink, &pb.Created{Request: 20, Room: &pb.RoomInfo{
		Id: 6, Name: "council", Epoch: 778, Private: true, LastSeq: 40, Members: 2,
	}}},
	"C_SEARCH files":      {pb.CSearch, &pb.Search{Request: 17, Room: 1, Files: true}},
	"C_SEARCH tea":        {pb.CSearch, &pb.Search{Request: 16, Text: "tea", Name: "Ann", ItemsMax: 10}},
	"C_THREADS unread":    {pb.CThreads, &pb.Threads{Request: 19, Room: 1, Unread: true}},
	"C_FOLLOW 43":         {pb.CFollow, &pb.FollowThread{Request: 20, Room: 1, Root: 43}},
	"S_FOLLOW 43":         {pb.SFollow, &pb.Followed{Request: 20, Room: 1, Root: 43, Followed: true, Mark: 61}},
	"C_READ_THREAD 43":    {pb.CReadThread, &pb.ReadThread{Request: 21, Room: 1, Root: 43, Seq: 61}},
	"S_READ_THREAD other": {pb.SReadThread, &pb.Followed{Room: 1, Root: 43, Followed: true, Mark: 61}},
	"S_SEARCH tea": {pb.SSearch, &pb.SearchPage{Request: 16, Next: "k3x9", Hits: []*pb.Hit{{
		Event: &pb.Event{
			Room: 1, Seq: 51, Kind: pb.EventKind_EVENT_KIND_MESSAGE, User: 7, Name: "Ann", Nonce: 0x0102030405060712, TimeMs: 1700000007000, Text: "green tea",
		},
		RoomName: "lobby", Where: []uint32{6, 9},
	}}}},
	"C_LEAVE for good": {pb.CLeave, &pb.Leave{Request: 10, Room: 1, ForGood: true}},
	"C_KICK by id":     {pb.CKick, &pb.Kick{Room: 1, Nonce: 0x010203040506070c, Subject: 8}},
	"C_CHAT reply":     {pb.CChat, &pb.Publish{Room: 1, Nonce: 0x010203040506070d, Text: "why?", Target: 43}},
	"C_EDIT hello":     {pb.CEdit, &pb.Edit{Room: 1, Nonce: 0x010203040506070e, Target: 43, Text: "hello"}},
	"S_CHAT edit": {pb.SChat, &pb.Event{
		Room: 1, Seq: 48, Kind: pb.EventKind_EVENT_KIND_EDIT, User: 7, Name: "Ann",
		Nonce: 0x010203040506070e, TimeMs: 1700000005000, Text: "hello", Target: 43,
	}},
	"C_REACT thumb": {pb.CReact, &pb.React{Room: 1, Nonce: 0x010203040506070f, Target: 43, Emoji: "👍"}},
	"S_HISTORY changed": {pb.SHistory, &pb.HistoryPage{
		Request: 4, Room: 1, Epoch: 12345, AsOf: 49,
		Events: []*pb.Event{{
			Room: 1, Seq: 43, Kind: pb.EventKind_EVENT_KIND_MESSAGE, User: 7, Name: "Ann",
			Nonce: 0x0102030405060708, TimeMs: 1700000001000, Text: "hello",
			State: &pb.MessageState{Changed: 49, Edited: 48, Reactions: []*pb.Reaction{{Emoji: "👍", Count: 1, Mine: 49}}},
		}},
	}},
	"C_DELETE hello": {pb.CDelete, &pb.Delete{Room: 1, Nonce: 0x0102030405060710, Target: 43}},
	"S_CHAT delete": {pb.SChat, &pb.Event{
		Room: 1, Seq: 50, Kind: pb.EventKind_EVENT_KIND_DELETE, User: 7, Name: "Ann",
		Nonce: 0x0102030405060710, TimeMs: 1700000006000, Target: 43,
	}},
	"S_CHAT erased": {pb.SChat, &pb.Event{
		Room: 1, Seq: 43, Kind: pb.EventKind_EVENT_KIND_MESSAGE, User: 7, Name: "Ann",
		Nonce: 0x0102030405060708, TimeMs: 1700000001000,
	}},
	"C_PIN again":     {pb.CPin, &pb.Pin{Room: 1, Nonce: 0x0102030405060711, Target: 44, Remove: true}},
	"S_PING beat":     {pb.SPing, &pb.Ping{Value: 42}},
	"S_GOODBYE drain": {pb.SGoodbye, &pb.Goodbye{Code: 17, Message: "the server is going down", RetryAfterMs: 1500}},
	"C_LOGIN register": {pb.CLogin, &pb.Login{
		VersionMin: 1, VersionMax: 1, Name: "Ann", Password: "correct horse", Register: true, Invitation: "K7QD-M2XA", Device: "phone",
	}},
	"C_REGISTER guest": {pb.CRegister, &pb.Register{Request: 4, Password: "battery staple"}},
	"S_DONE":           {pb.SDone, &pb.Done{Request: 4}},
	"C_LOGIN password": {pb.CLogin, &pb.Login{VersionMin: 1, VersionMax: 1, Name: "Ann", Password: "correct horse", Device: "laptop"}},
	"S_LOGIN account": {pb.SLogin, &pb.LoggedIn{
		Version: 1, User: 7, Name: "Ann", Session: 5124095576030431, Account: true,
		Token: []byte{16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31},
	}},
	"C_SESSIONS": {pb.CSessions, &pb.Sessions{Request: 5}},
	"S_SESSIONS": {pb.SSessions, &pb.SessionList{Request: 5, Sessions: []*pb.DeviceSession{
		{Id: 1, Device: "phone", Address: "192.0.2.1", CreatedMs: 1700000000000, SeenMs: 1700003600000},
		{Id: 5124095576030431, Device: "laptop", Address: "2001:db8::1", CreatedMs: 1700003700000, SeenMs: 1700003700000, Connections: 1, Current: true},
	}}},
	"C_END_SESSION others": {pb.CEndSession, &pb.EndSession{Request: 6, Others: true}},
	"C_ERASE me":           {pb.CErase, &pb.EraseUser{Request: 7, Password: "correct horse"}},
	"S_GOODBYE ended":      {pb.SGoodbye, &pb.Goodbye{Code: 31, Message: "this session was ended"}},
	"C_CHAT file":          {pb.CChat, &pb.Publish{Room: 1, Nonce: 0x0102030405060712, Text: "look", Files: []uint64{5124095576030431}}},
	"S_CHAT file": {pb.SChat, &pb.Event{
		Room: 1, Seq: 51, Kind: pb.EventKind_EVENT_KIND_MESSAGE, User: 7, Name: "Ann", Nonce: 0x0102030405060712, TimeMs: 1700000009000, Text: "look",
		Files: []*pb.File{{Id: 5124095576030431, Name: "sea.jpg", Type: "image/jpeg", Bytes: 81234, Width: 1200, Height: 800, Thumbnail: true}},
	}},
	"S_ERROR refused": {pb.SError, &pb.Error{
		Code: 12, Message: "join the room first", PacketId: pb.CChat, Room: 1, Nonce: 0x0102030405060708,
	}},
}

// overWebSocket are those of the examples that are shown in a message, too, with how.
var overWebSocket = map[string]func(packet []byte) []byte{
	"C_CHAT hello": func(b []byte) []byte {
		return websocket.AppendMasked(nil, websocket.OpBinary, 0x11223344, b)
	},
	"S_ACK hello": func(b []byte) []byte { return websocket.AppendFrame(nil, websocket.OpBinary, b) },
}

// TestDocumentShowsTheBytes compares every example of the document with what the code
// encodes, in both directions: none is wrong, none is missing, none is unknown.
func TestDocumentShowsTheBytes(t *testing.T) {
	const path = "../../../docs/PROTOCOL.md"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]string{}
	for _, m := range regexp.MustCompile("(?s)<!-- bytes: (.+?) -->\n```\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		shown[m[1]] = strings.Join(strings.Fields(m[2]), "")
	}
	for name, e := range examples {
		b, err := packet.AppendVT(nil, e.id, e.m)
		if err != nil {
			t.Fatal(err)
		}
		if got := shown[name]; got != hex.EncodeToString(b) {
			t.Errorf("%s: the document shows\n%s\nand it is\n%s", name, got, lines(b))
		}
		delete(shown, name)
		if message := overWebSocket[name]; message != nil {
			name += " over WebSocket"
			if b = message(b); shown[name] != hex.EncodeToString(b) {
				t.Errorf("%s: the document shows\n%s\nand it is\n%s", name, shown[name], lines(b))
			}
			delete(shown, name)
		}
	}
	for name := range shown {
		t.Errorf("the document shows %q, which no test knows", name)
	}
}

// lines writes bytes as the document does.
func lines(b []byte) string {
	var out strings.Builder
	for i, x := range b {
		switch {
		case i == 0:
		case i%23 == 0:
			out.WriteByte('\n')
		default:
			out.WriteByte(' ')
		}
		out.WriteString(hex.EncodeToString([]byte{x}))
	}
	return out.String()
}
