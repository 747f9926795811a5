package native_test

import (
	"slices"
	"unicode/utf8"

	"sarang/chat"
	"sarang/packet"
	pb "sarang/proto/sarang/v1"
)

// account enters what is sent into the ledger, as the server must see it.
func (p *peer) account(b []byte) {
	p.said = append(p.said, b...)
	for !p.lost {
		got, n, err := packet.Split(p.said)
		if err != nil {
			p.lost = true
			return
		}
		if n == 0 {
			return
		}
		if a, answered := p.askOf(got); answered {
			p.asked[a]++
		}
		p.said = p.said[n:]
	}
}

// askOf says how the answer to a packet is known.
func (p *peer) askOf(got packet.Packet) (a ask, answered bool) {
	read := func(m packet.Unmarshaler) bool {
		ok := m.UnmarshalVT(got.Payload) == nil
		if !ok {
			a.fault = chat.CodeMalformed
		}
		return ok
	}
	a.id = got.ID
	switch got.ID {
	case pb.CLogin:
		read(new(pb.Login))
	case pb.CChat:
		if m := new(pb.Publish); read(m) {
			a.room, a.mark = m.Room, m.Nonce
		}
	case pb.CRole:
		if m := new(pb.GiveRole); read(m) {
			a.room, a.mark = m.Room, m.Nonce
		}
	case pb.CTopic:
		if m := new(pb.Topic); read(m) {
			a.room, a.mark = m.Room, m.Nonce
		}
	case pb.CSet:
		if m := new(pb.SetRoom); read(m) {
			a.room, a.mark = m.Room, m.Nonce
		}
	case pb.CKick:
		if m := new(pb.Kick); read(m) {
			a.room, a.mark = m.Room, m.Nonce
		}
	case pb.CEdit:
		if m := new(pb.Edit); read(m) {
			a.room, a.mark = m.Room, m.Nonce
		}
	case pb.CDelete:
		if m := new(pb.Delete); read(m) {
			a.room, a.mark = m.Room, m.Nonce
		}
	case pb.CReact:
		if m := new(pb.React); read(m) {
			a.room, a.mark = m.Room, m.Nonce
		}
	case pb.CPin:
		if m := new(pb.Pin); read(m) {
			a.room, a.mark = m.Room, m.Nonce
		}
	case pb.CPing:
		if m := new(pb.Ping); read(m) {
			a.mark = m.Value
		}
	case pb.CPong:
		return a, !read(new(pb.Ping))
	case pb.CJoin:
		if m := new(pb.Join); read(m) {
			a.mark = uint64(m.Request)
		}
	case pb.CLeave:
		if m := new(pb.Leave); read(m) {
			a.mark = uint64(m.Request)
			p.left[m.Room] = true
		}
	case pb.CMark:
		if m := new(pb.Mark); read(m) {
			a.mark = uint64(m.Request)
		}
	case pb.CMute:
		if m := new(pb.Mute); read(m) {
			a.mark = uint64(m.Request)
		}
	case pb.CTyping:
		return a, !read(new(pb.Typing))
	case pb.CDirect:
		if m := new(pb.Direct); read(m) {
			a.mark = uint64(m.Request)
		}
	case pb.CReport:
		if m := new(pb.ReportMessage); read(m) {
			a.mark = uint64(m.Request)
		}
	case pb.CReports:
		if m := new(pb.Reports); read(m) {
			a.mark = uint64(m.Request)
			p.asksAbove(a, m.After)
		}
	case pb.CResolve:
		if m := new(pb.Resolve); read(m) {
			a.mark = uint64(m.Request)
		}
	case pb.CMentions:
		if m := new(pb.Mentions); read(m) {
			a.mark = uint64(m.Request)
		}
	case pb.CThreads:
		if m := new(pb.Threads); read(m) {
			a.mark = uint64(m.Request)
		}
	case pb.CThread:
		if m := new(pb.ThreadHistory); read(m) {
			a.mark = uint64(m.Request)
		}
	case pb.CFollow:
		if m := new(pb.FollowThread); read(m) {
			a.mark = uint64(m.Request)
		}
	case pb.CReadThread:
		if m := new(pb.ReadThread); read(m) {
			a.mark = uint64(m.Request)
		}
	case pb.CPins:
		if m := new(pb.Pins); read(m) {
			a.mark = uint64(m.Request)
		}
	case pb.CAudit:
		if m := new(pb.Audit); read(m) {
			a.mark = uint64(m.Request)
		}
	case pb.CSearch:
		if m := new(pb.Search); read(m) {
			a.mark = uint64(m.Request)
		}
	case pb.CRooms:
		if m := new(pb.MyRooms); read(m) {
			a.mark = uint64(m.Request)
			p.asksAbove(a, m.After)
		}
	case pb.CCreate:
		if m := new(pb.Create); read(m) {
			a.mark = uint64(m.Request)
		}
	case pb.CList:
		if m := new(pb.List); read(m) {
			a.mark = uint64(m.Request)
			p.asksAbove(a, m.After)
		}
	case pb.CHistory:
		if m := new(pb.History); read(m) {
			a.mark = uint64(m.Request)
		}
	case pb.CMembers:
		if m := new(pb.Members); read(m) {
			a.mark = uint64(m.Request)
			p.asksAbove(a, m.After)
		}
	default:
		return p.askOfAccount(got)
	}
	return a, true
}

// askOfAccount is askOf for the packets of accounts.
func (p *peer) askOfAccount(got packet.Packet) (a ask, answered bool) {
	a.id = got.ID
	var m interface {
		packet.Unmarshaler
		GetRequest() uint32
	}
	switch got.ID {
	case pb.CRegister:
		m = new(pb.Register)
	case pb.CPassword:
		m = new(pb.ChangePassword)
	case pb.CSessions:
		m = new(pb.Sessions)
	case pb.CEndSession:
		m = new(pb.EndSession)
	case pb.CErase:
		m = new(pb.EraseUser)
	case pb.CProfile:
		m = new(pb.LookUp)
	case pb.CSetProfile:
		m = new(pb.SetProfile)
	case pb.CRename:
		m = new(pb.Rename)
	case pb.CAway:
		m = new(pb.Away)
	case pb.CBlock:
		m = new(pb.Block)
	case pb.CSeenBy:
		m = new(pb.SeenBy)
	case pb.CBlocks:
		m = new(pb.Blocks)
	case pb.CDeleteRoom:
		m = new(pb.DeleteRoom)
	case pb.CPurge:
		m = new(pb.Purge)
	case pb.CFilter:
		m = new(pb.Filter)
	case pb.CMakeLink:
		m = new(pb.MakeLink)
	case pb.CLinks:
		m = new(pb.Links)
	case pb.CRevokeLink:
		m = new(pb.RevokeLink)
	case pb.CJoinLink:
		m = new(pb.JoinLink)
	default:
		a.fault = chat.CodeUnknownPacket
		return a, true
	}
	if m.UnmarshalVT(got.Payload) != nil {
		a.fault = chat.CodeMalformed
	} else {
		a.mark = uint64(m.GetRequest())
	}
	if blocks, is := m.(*pb.Blocks); is && a.fault == 0 {
		p.asksAbove(a, blocks.After)
	}
	if links, is := m.(*pb.Links); is && a.fault == 0 {
		p.asksAbove(a, links.After)
	}
	return a, true
}

// asksAbove notes from where a page was asked for.
func (p *peer) asksAbove(a ask, after uint64) {
	if known, twice := p.above[a]; twice {
		after = min(after, known)
	}
	p.above[a] = after
}

// answered takes a request out of the ledger.
func (p *peer) answered(id packet.ID, room, mark uint64) {
	p.settle(ask{id: id, room: room, mark: mark})
}

func (p *peer) settle(a ask) {
	if p.asked[a] == 0 {
		failf("%s: an answer to %+v, which was not asked or has been answered", p.name, a)
	}
	if p.asked[a]--; p.asked[a] == 0 {
		delete(p.asked, a)
	}
}

// failed is S_ERROR.
func (p *peer) failed(m *pb.Error) {
	a := ask{id: packet.ID(m.PacketId), room: m.Room, mark: uint64(m.Request)}
	switch {
	case m.Code == 0 || m.Message == "":
		failf("%s: an error that says nothing: %v", p.name, m)
	case m.Code == uint32(chat.CodeInternal):
		failf("%s: an internal error: %v", p.name, m)
	case m.Code == uint32(chat.CodeMalformed) || m.Code == uint32(chat.CodeUnknownPacket):
		a = ask{id: packet.ID(m.PacketId), fault: chat.Code(m.Code)}
	case a.authored():
		a.mark = m.Nonce
	default:
		a.room = 0
	}
	p.settle(a)
}

// told is a packet of the server.
func (p *peer) told(got packet.Packet) {
	p.r.told++
	if p.goodbye != nil {
		failf("%s: packet %d after the goodbye", p.name, got.ID)
	}
	switch got.ID {
	case pb.SLogin:
		m := new(pb.LoggedIn)
		p.read(got, m)
		p.answered(pb.CLogin, 0, 0)
		if m.User == 0 || m.Name == "" || len(m.Token) == 0 {
			failf("%s: logged in as nobody: %v", p.name, m)
		}
		p.user, p.own = m.User, m.Token
	case pb.SChat:
		p.event(got)
	case pb.SAck:
		m := new(pb.Ack)
		p.read(got, m)
		by := packet.ID(pb.CChat)
		for _, id := range []packet.ID{pb.CRole, pb.CKick, pb.CTopic, pb.CSet, pb.CEdit, pb.CDelete, pb.CReact, pb.CPin} {
			if p.asked[ask{id: id, room: m.Room, mark: m.Nonce}] > 0 {
				by = id
			}
		}
		p.answered(by, m.Room, m.Nonce)
		p.acked(m)
	case pb.SError:
		m := new(pb.Error)
		p.read(got, m)
		p.failed(m)
	case pb.SPong:
		m := new(pb.Ping)
		p.read(got, m)
		p.answered(pb.CPing, 0, m.Value)
	case pb.SPing:
		m := new(pb.Ping)
		p.read(got, m)
		if p.polite {
			p.say(encoded(pb.CPong, m))
		}
	case pb.SGap:
		p.gap(got)
	case pb.SGoodbye:
		p.goodbye = new(pb.Goodbye)
		p.read(got, p.goodbye)
	default:
		p.toldPage(got)
	}
}

// toldPage is an answer to a request with a number.
func (p *peer) toldPage(got packet.Packet) {
	switch got.ID {
	case pb.SJoin:
		m := new(pb.Joined)
		p.read(got, m)
		p.answered(pb.CJoin, 0, uint64(m.Request))
		p.joined(m)
	case pb.SLeave:
		m := new(pb.Leave)
		p.read(got, m)
		if m.Code != 0 {
			p.removed(m)
		} else {
			p.answered(pb.CLeave, 0, uint64(m.Request))
		}
		delete(p.rooms, m.Room)
	case pb.SCreate:
		m := new(pb.Created)
		p.read(got, m)
		p.answered(pb.CCreate, 0, uint64(m.Request))
	case pb.SList:
		m := new(pb.Listed)
		p.read(got, m)
		p.answered(pb.CList, 0, uint64(m.Request))
		p.inOrder("rooms", p.above[ask{id: pb.CList, mark: uint64(m.Request)}], len(m.Rooms), func(i int) uint64 { return m.Rooms[i].Id })
	case pb.SHistory:
		m := new(pb.HistoryPage)
		p.read(got, m)
		p.answered(pb.CHistory, 0, uint64(m.Request))
		p.inOrder("history", 0, len(m.Events), func(i int) uint64 { return m.Events[i].Seq })
		for _, e := range m.Events {
			p.stored(e)
		}
	case pb.SMembers:
		m := new(pb.MemberPage)
		p.read(got, m)
		p.answered(pb.CMembers, 0, uint64(m.Request))
		p.inOrder("members", p.above[ask{id: pb.CMembers, mark: uint64(m.Request)}], len(m.Members), func(i int) uint64 { return m.Members[i].User })
	case pb.SDone:
		m := new(pb.Done)
		p.read(got, m)
		for _, id := range []packet.ID{pb.CRegister, pb.CPassword, pb.CEndSession, pb.CErase, pb.CAway, pb.CDeleteRoom, pb.CPurge, pb.CRevokeLink} {
			if p.asked[ask{id: id, mark: uint64(m.Request)}] > 0 {
				p.answered(id, 0, uint64(m.Request))
				return
			}
		}
		failf("%s: %v is done, which nobody has asked for", p.name, m)
	case pb.SSessions:
		m := new(pb.SessionList)
		p.read(got, m)
		p.answered(pb.CSessions, 0, uint64(m.Request))
		for _, d := range m.Sessions {
			if d.Id == 0 || !utf8.ValidString(d.Device) || d.Current && d.Connections == 0 {
				failf("%s: a session of his is %v", p.name, d)
			}
		}
	default:
		p.toldMembership(got)
	}
}

// toldMembership is an answer about the user's membership of rooms, or what another session of
// his has asked for.
func (p *peer) toldMembership(got packet.Packet) {
	answered := func(id packet.ID, request uint32) {
		if a := (ask{id: id, mark: uint64(request)}); request != 0 || p.asked[a] > 0 {
			p.settle(a)
		}
	}
	switch got.ID {
	case pb.SMark:
		m := new(pb.Marked)
		p.read(got, m)
		answered(pb.CMark, m.Request)
		if m.Seq < p.marks[m.Room] || m.Seq > uint64(len(p.r.log[chat.RoomID(m.Room)])) {
			failf("%s: the mark of room %d is %d, and it was %d", p.name, m.Room, m.Seq, p.marks[m.Room])
		}
		p.marks[m.Room] = m.Seq
	case pb.SMute:
		m := new(pb.Mute)
		p.read(got, m)
		answered(pb.CMute, m.Request)
	case pb.SFollow, pb.SReadThread:
		m := new(pb.Followed)
		p.read(got, m)
		answered(got.ID-1, m.Request)
		if at := [2]uint64{m.Room, m.Root}; m.Root != 0 && (m.Mark != 0 && m.Mark < p.threadMarks[at] || m.Mark > uint64(len(p.r.log[chat.RoomID(m.Room)]))) {
			failf("%s: the mark of a thread is %v, and it was %d", p.name, m, p.threadMarks[at])
		} else {
			p.threadMarks[at] = m.Mark
		}
	case pb.SDirect:
		m := new(pb.Created)
		p.read(got, m)
		p.answered(pb.CDirect, 0, uint64(m.Request))
		if n := len(m.Room.Direct); n < 2 || n > 10 || !slices.Contains(m.Room.Direct, p.user) || !m.Room.Private {
			failf("%s: a direct room %v", p.name, m)
		}
	case pb.STyping:
		m := new(pb.Typing)
		p.read(got, m)
		if p.rooms[m.Room] == nil || m.User == 0 || m.User == p.user || m.Name == "" {
			failf("%s: somebody types: %v", p.name, m)
		}
	case pb.SBelongs:
		p.read(got, new(pb.Belongs))
	case pb.SReport:
		m := new(pb.Reported)
		p.read(got, m)
		if p.asked[ask{id: pb.CReport, mark: uint64(m.Request)}] > 0 {
			p.answered(pb.CReport, 0, uint64(m.Request))
		} else {
			p.answered(pb.CResolve, 0, uint64(m.Request))
		}
		if r := m.Report; r.GetId() == 0 || r.GetAuthor() == r.GetReporter() {
			failf("%s: a report %v", p.name, r)
		}
	case pb.SReports:
		m := new(pb.ReportPage)
		p.read(got, m)
		p.answered(pb.CReports, 0, uint64(m.Request))
		p.inOrder("reports", p.above[ask{id: pb.CReports, mark: uint64(m.Request)}], len(m.Reports), func(i int) uint64 { return m.Reports[i].Id })
	case pb.SFilter:
		m := new(pb.Filtered)
		p.read(got, m)
		p.answered(pb.CFilter, 0, uint64(m.Request))
		if _, err := chat.CheckFilter(m.Filter.GetWords()); err != nil || m.Filter == nil {
			failf("%s: a filter %v", p.name, m)
		}
	case pb.SMakeLink:
		m := new(pb.MadeLink)
		p.read(got, m)
		p.answered(pb.CMakeLink, 0, uint64(m.Request))
		if _, is := chat.RoomLinkCode(m.Code); !is || m.Link.GetId() == 0 || m.Link.GetUses() != 0 {
			failf("%s: a link was made: %v", p.name, m)
		}
	case pb.SLinks:
		m := new(pb.LinkPage)
		p.read(got, m)
		p.answered(pb.CLinks, 0, uint64(m.Request))
		p.inOrder("links", p.above[ask{id: pb.CLinks, mark: uint64(m.Request)}], len(m.Links), func(i int) uint64 { return m.Links[i].Id })
	case pb.SJoinLink:
		failf("%s: comes by a link whose code nobody knows", p.name)
	case pb.SAudit:
		m := new(pb.AuditPage)
		p.read(got, m)
		p.answered(pb.CAudit, 0, uint64(m.Request))
	case pb.SMentions:
		m := new(pb.MentionPage)
		p.read(got, m)
		p.answered(pb.CMentions, 0, uint64(m.Request))
		for _, e := range m.Events {
			if !slices.Contains(chat.MentionedUsers(e.Text), chat.UserID(p.user)) {
				failf("%s: is mentioned by %v", p.name, e)
			}
		}
	case pb.SThreads:
		m := new(pb.ThreadPage)
		p.read(got, m)
		p.answered(pb.CThreads, 0, uint64(m.Request))
		for i, th := range m.Threads {
			if th.Root == nil || th.Root.Seq >= th.Last || !th.Followed && th.Unread > 0 || th.Mark > th.Last || th.Unread > th.Replies || i > 0 && th.Last >= m.Threads[i-1].Last {
				failf("%s: threads are %v", p.name, m)
			}
			p.stored(th.Root)
		}
	case pb.SThread, pb.SPins:
		m := new(pb.HistoryPage)
		p.read(got, m)
		p.answered(got.ID+1, 0, uint64(m.Request))
		p.inOrder("picked messages", 0, len(m.Events), func(i int) uint64 { return m.Events[i].Seq })
		for _, e := range m.Events {
			p.stored(e)
		}
	case pb.SSearch:
		m := new(pb.SearchPage)
		p.read(got, m)
		p.answered(pb.CSearch, 0, uint64(m.Request))
		for i, h := range m.Hits {
			if i > 0 && h.Event.TimeMs > m.Hits[i-1].Event.TimeMs || h.Event.Text == "" || len(h.Where)%2 != 0 {
				failf("%s: hit %d is %v", p.name, i, h)
			}
		}
	case pb.SRooms:
		m := new(pb.MyRoomPage)
		p.read(got, m)
		p.answered(pb.CRooms, 0, uint64(m.Request))
		p.inOrder("rooms of mine", p.above[ask{id: pb.CRooms, mark: uint64(m.Request)}], len(m.Rooms), func(i int) uint64 { return m.Rooms[i].Room.Id })
		for _, r := range m.Rooms {
			p.unread(r)
		}
	default:
		p.toldOfPeople(got, answered)
	}
}

// toldOfPeople is an answer about people, or what another session of the user has done.
func (p *peer) toldOfPeople(got packet.Packet, answered func(id packet.ID, request uint32)) {
	switch got.ID {
	case pb.SProfile, pb.SSetProfile:
		m := new(pb.UserProfile)
		p.read(got, m)
		if got.ID == pb.SSetProfile {
			answered(pb.CSetProfile, m.Request)
		} else {
			p.answered(pb.CProfile, 0, uint64(m.Request))
		}
		if own := m.User == p.user; m.User == 0 || m.Name == "" || got.ID == pb.SSetProfile && !own || !own && m.Hidden || own && m.Presence < 2 ||
			len(m.DisplayName) > chat.DisplayNameBytesMax || len(m.About) > chat.AboutBytesMax || len(m.Status) > chat.StatusBytesMax {
			failf("%s: a profile %v", p.name, m)
		}
	case pb.SRename:
		m := new(pb.Rename)
		p.read(got, m)
		answered(pb.CRename, m.Request)
		if _, _, err := chat.ParseUserName(m.Name); err != nil {
			failf("%s: he is called %q now: %v", p.name, m.Name, err)
		}
	case pb.SBlock:
		m := new(pb.Blocked)
		p.read(got, m)
		answered(pb.CBlock, m.Request)
		if m.User == 0 || m.User == p.user {
			failf("%s: he blocks %d", p.name, m.User)
		}
	case pb.SBlocks:
		m := new(pb.BlockPage)
		p.read(got, m)
		p.answered(pb.CBlocks, 0, uint64(m.Request))
		p.inOrder("blocks", p.above[ask{id: pb.CBlocks, mark: uint64(m.Request)}], len(m.Users), func(i int) uint64 { return m.Users[i].User })
	case pb.SSeenBy:
		m := new(pb.SeenByList)
		p.read(got, m)
		p.answered(pb.CSeenBy, 0, uint64(m.Request))
		p.inOrder("marks", 0, len(m.Marks), func(i int) uint64 { return m.Marks[i].User })
		for _, k := range m.Marks {
			if k.Seq > uint64(len(p.r.log[chat.RoomID(m.Room)])) {
				failf("%s: user %d has read room %d up to %d", p.name, k.User, m.Room, k.Seq)
			}
		}
	default:
		failf("%s: a packet %d, which no server sends", p.name, got.ID)
	}
}

// unread compares what a room of the user's list says with the log.
func (p *peer) unread(r *pb.MyRoom) {
	want, last := uint64(0), uint64(0)
	log := p.r.log[chat.RoomID(r.Room.Id)]
	for _, e := range log[:min(r.Room.LastSeq, uint64(len(log)))] {
		if e.Kind == chat.EventMessage {
			if last = uint64(e.Seq); last > r.Mark {
				want++
			}
		}
	}
	if r.Unread != want || r.LastSeq != last {
		failf("%s: of room %d, %d messages are unread and %d is the last; the log says %d and %d", p.name, r.Room.Id, r.Unread, r.LastSeq, want, last)
	}
}

// inOrder checks a page: no longer than allowed, with ids that go up from above after.
func (p *peer) inOrder(what string, after uint64, n int, id func(i int) uint64) {
	if n > historyItemsMax {
		failf("%s: a page of %d %s; at most %d are allowed", p.name, n, what, historyItemsMax)
	}
	for i := range n {
		if id(i) <= after {
			failf("%s: a page of %s has %d where one above %d is next", p.name, what, id(i), after)
		}
		after = id(i)
	}
}

func (p *peer) joined(m *pb.Joined) {
	if m.Room == nil || p.rooms[m.Room.Id] != nil || m.After > m.Room.LastSeq {
		failf("%s: joined %v", p.name, m)
	}
	p.rooms[m.Room.Id] = &readerSeat{epoch: m.Room.Epoch, next: m.After + 1, ephemeral: m.Room.Ephemeral}
}

func (p *peer) event(got packet.Packet) {
	m := new(pb.Event)
	p.read(got, m)
	s := p.rooms[m.Room]
	if s == nil {
		failf("%s: event %d of room %d, where it is not", p.name, m.Seq, m.Room)
	}
	if m.Seq != s.next {
		failf("%s: event %d of room %d, %d is next", p.name, m.Seq, m.Room, s.next)
	}
	s.next++
	if !s.ephemeral {
		p.stored(m)
	}
}

// stored checks that an event is the one in the log.
func (p *peer) stored(m *pb.Event) {
	log := p.r.log[chat.RoomID(m.Room)]
	if m.Seq == 0 || m.Seq > uint64(len(log)) {
		failf("%s: shown is event %d of room %d; stored are %d", p.name, m.Seq, m.Room, len(log))
	}
	want := log[m.Seq-1]
	if m.Text != want.Text || m.Name != want.Name || chat.Nonce(m.Nonce) != want.Nonce ||
		chat.UserID(m.User) != want.User || chat.UserID(m.Subject) != want.Subject || chat.Role(m.Role) != want.Role ||
		int64(m.UntilMs) != want.UntilMs || int64(m.TimeMs) != want.TimeMs || chat.EventKind(m.Kind) != want.Kind {
		failf("%s: shown is %v, stored is %+v", p.name, m, want)
	}
}

func (p *peer) acked(m *pb.Ack) {
	s := p.rooms[m.Room]
	switch {
	case s == nil:
		failf("%s: an ack of room %d, where it is not", p.name, m.Room)
	case s.ephemeral:
		return
	}
	log := p.r.log[chat.RoomID(m.Room)]
	if m.Seq == 0 || m.Seq > uint64(len(log)) {
		failf("%s: acknowledged is event %d of room %d; stored are %d", p.name, m.Seq, m.Room, len(log))
	}
	if e := log[m.Seq-1]; uint64(e.Nonce) != m.Nonce || uint64(e.User) != p.user {
		failf("%s: acknowledged is %v, stored is %+v", p.name, m, e)
	}
}

// removed is an S_LEAVE that answers nothing: an event of the log says that this user is out.
func (p *peer) removed(m *pb.Leave) {
	s, log := p.rooms[m.Room], p.r.log[chat.RoomID(m.Room)]
	if s != nil && (m.Code == uint32(chat.CodeLeft) || m.Code == uint32(chat.CodeRoomDeleted)) { // by the user in another session, or with the room
		p.left[m.Room] = true
		return
	}
	if s == nil || m.Request != 0 || m.Seq == 0 || m.Seq > uint64(len(log)) || m.Message == "" {
		failf("%s: sent out of room %d: %v", p.name, m.Room, m)
	}
	e := log[m.Seq-1]
	if !e.Kind.Rules() || uint64(e.Subject) != p.user || s.next > m.Seq+1 || e.UntilMs != int64(m.UntilMs) {
		failf("%s: was shown up to %d, and is sent out by %v, which is %+v", p.name, s.next-1, m, e)
	}
	p.left[m.Room] = true
}

// authored reports whether an ask becomes an event, and its answer is known by room and nonce.
func (a ask) authored() bool {
	switch a.id {
	case pb.CChat, pb.CRole, pb.CKick, pb.CTopic, pb.CSet, pb.CEdit, pb.CDelete, pb.CReact, pb.CPin:
		return true
	}
	return false
}

func (p *peer) gap(got packet.Packet) {
	m := new(pb.Gap)
	p.read(got, m)
	s := p.rooms[m.Room]
	switch {
	case s == nil:
		failf("%s: a gap in room %d, where it is not", p.name, m.Room)
	case m.From == 0 && m.To+1 == s.next: // its cursor was void
	case !s.ephemeral:
		failf("%s: a gap in room %d though all of it is stored: %v", p.name, m.Room, m)
	case m.From != s.next || m.To < m.From:
		failf("%s: gap %v, %d is next", p.name, m, s.next)
	}
	s.next = m.To + 1
}

// complete checks that nothing of a session that stands is without an answer, when all
// has come to rest. After a leave nothing of a room is told, not even outcomes.
func (p *peer) complete() {
	if p.ended || p.closing || p.fin || p.harmed || p.silent || p.lost || p.goodbye != nil || !p.open {
		return
	}
	for a, n := range p.asked {
		if n > 0 && !(a.authored() && p.left[a.room]) {
			failf("%s: no answer to %+v", p.name, a)
		}
	}
}

func encoded(id packet.ID, m packet.Marshaler) []byte {
	b, err := packet.AppendVT(nil, id, m)
	check(err)
	return b
}
