package native_test

import (
	"math"
	"slices"
	"strings"
	"time"

	"sarang/packet"
	pb "sarang/proto/sarang/v1"
)

// script is an input as a play: who says what, when, and how it is spoilt.
type script struct {
	r     *rig
	bytes []byte
	peers [3]*peer
	good  *peer // behaves, and must not notice
	hall  uint64
	sent  uint64 // messages of good

	request  uint32
	patience time.Duration // how much time the script may still pass
	spoil    spoil
	held     [3][]byte // said, and not flushed
}

// spoil is what is done to the next packet.
type spoil struct {
	kind, at byte
	set      bool
}

// The acts of a script: the low four bits of its byte.
const (
	actLogin = iota
	actJoin
	actPublish
	actLeave
	actCreate
	actList
	actHistory
	actMembers
	actPing
	actUnknown
	actRaw
	actEnd
	actPass
	actSpoil
	actListen
	actGood
)

// When an act's bytes go out and what follows: the high two bits of its byte.
const (
	afterHold = iota // with those of the next act
	afterSend
	afterTick // the server has one tick
	afterRest
)

// memberPace is longer than what changes of memberships wait for each other.
const memberPace = 300 * time.Millisecond

// The bounds of a script, so that it takes a millisecond and not a second.
const (
	actsMax = 100
	passMax = 3 * time.Second
)

func (s *script) next() byte {
	if len(s.bytes) == 0 {
		return 0
	}
	b := s.bytes[0]
	s.bytes = s.bytes[1:]
	return b
}

// play runs a whole input.
func play(input []byte) *script {
	s := &script{bytes: input, patience: passMax}
	s.r = newRig(rigOptions(s.next()), uint64(s.next()))
	s.start()
	for range actsMax {
		if len(s.bytes) == 0 {
			break
		}
		s.act(s.next())
	}
	s.finish()
	return s
}

// start brings up the session that behaves.
func (s *script) start() {
	s.good = s.r.dial("good")
	s.good.polite = true
	s.good.say(encoded(pb.CLogin, &pb.Login{VersionMin: 1, VersionMax: 1, Name: "good"}))
	s.r.rest()
	s.good.say(encoded(pb.CJoin, &pb.Join{Name: "hall", Create: true}))
	s.r.rest()
	for id := range s.good.rooms {
		s.hall = id
	}
	if s.hall == 0 {
		failf("nobody can join: %v", s.good.asked)
	}
	s.speak()
}

// speak has the well-behaved session say something.
func (s *script) speak() {
	s.sent++
	s.good.say(encoded(pb.CChat, &pb.Publish{Room: s.hall, Nonce: s.sent, Text: "all is well"}))
}

// finish lets everything come to its end, and checks what must hold then.
func (s *script) finish() {
	s.speak()
	s.r.rest()
	for i, p := range s.peers {
		if p != nil {
			s.flush(i)
			p.listen(true)
		}
	}
	s.r.pass(memberPace)
	s.check()
	for i, p := range s.peers {
		switch {
		case p == nil:
		case i&1 == int(s.sent&1):
			p.listen(false) // the server must end it by itself
		default:
			p.close()
		}
	}
	s.r.pass(2 * idleTimeout)
	s.speak()
	s.r.rest()
	s.check()
	if n := s.r.svc.Sessions(); n != 1 {
		failf("%d sessions, and only one client", n)
	}
	if st := s.r.hub.Stats(); st.Users != 1 || st.PendingBytes != 0 {
		failf("with one client left: %+v", st)
	}
	for _, p := range s.peers {
		if p != nil {
			p.close()
		}
	}
	s.good.finish()
	s.r.pass(idleTimeout)
	if n := s.r.svc.Sessions(); n != 0 {
		failf("%d sessions, and no client", n)
	}
	s.r.close()
}

func (s *script) check() {
	for _, p := range append(s.peers[:], s.good) {
		if p != nil {
			p.complete()
		}
	}
	if s.good.ended || s.good.goodbye != nil {
		failf("the well-behaved session was ended: %v", s.good.goodbye)
	}
	if seat := s.good.rooms[s.hall]; int(seat.next) != len(s.r.log[1])+1 {
		failf("the well-behaved session has the room up to %d of %d", seat.next-1, len(s.r.log[1]))
	}
	own := 0
	for _, e := range s.r.log[1] {
		if uint64(e.User) == s.good.user && e.Nonce != 0 {
			own++
		}
	}
	if own != int(s.sent) {
		failf("the well-behaved session has said %d things; stored are %d", s.sent, own)
	}
}

// act is one act of the script.
func (s *script) act(b byte) {
	who := int(b>>4&3) % len(s.peers)
	if s.peers[who] == nil || s.peers[who].closing {
		s.peers[who] = s.r.dial([]string{"first", "second", "third"}[who])
		s.held[who] = nil
		s.r.rest()
	}
	p := s.peers[who]
	switch b & 15 {
	case actRaw:
		n := min(int(s.next()), len(s.bytes))
		s.held[who] = append(s.held[who], s.bytes[:n]...)
		s.bytes = s.bytes[n:]
	case actEnd:
		s.end(who, p)
	case actPass:
		d := min(time.Duration(s.next())*4*time.Millisecond, s.patience)
		s.patience -= d
		s.r.pass(d)
	case actSpoil:
		s.spoil = spoil{kind: s.next(), at: s.next(), set: true}
	case actListen:
		p.listen(s.next()&1 != 0)
	case actGood:
		s.speak()
	default:
		id, m := s.packet(b&15, p)
		s.hold(who, id, m)
	}
	switch b >> 6 {
	case afterHold:
		return
	case afterTick:
		s.flush(who)
		s.r.step()
		s.r.poll()
		s.r.world.Advance(s.r.world.Now())
	case afterRest:
		s.flush(who)
		s.r.rest()
	default:
		s.flush(who)
	}
}

func (s *script) flush(who int) {
	b := s.held[who]
	s.held[who] = nil
	if len(b) > 0 {
		s.peers[who].say(b)
	}
}

// end ends a connection in one of the ways that there are.
func (s *script) end(who int, p *peer) {
	s.flush(who)
	switch s.next() % 4 {
	case 0:
		p.finish()
	case 1:
		p.reset()
	case 2:
		p.close()
	case 3:
		p.finish()
		p.reset()
	}
}

// hold adds a packet, spoilt if that was wanted, to what a peer says next.
func (s *script) hold(who int, id packet.ID, m packet.Marshaler) {
	b, err := packet.AppendVT(nil, id, m)
	if err != nil {
		return // too long for a packet
	}
	if s.spoil.set {
		b = s.spoil.apply(b)
		s.spoil = spoil{}
	}
	s.held[who] = append(s.held[who], b...)
}

// apply spoils a packet.
func (s spoil) apply(b []byte) []byte {
	at := int(s.at) % len(b)
	switch s.kind % 8 {
	case 0: // cut off
		return b[:at]
	case 1: // a changed byte
		b[at] ^= s.kind>>3 | 1
	case 2: // repeated
		return slices.Repeat(b, 2+at%5)
	case 3: // a size that is too large
		b[0] += s.at | 1
	case 4: // a size that is too small
		b[0], b[1] = s.at%8, 0
	case 5: // a byte more
		return slices.Insert(b, at, s.kind)
	case 6: // another id
		b[2] = s.at
	case 7: // a byte less, with a size that is right
		if at >= packet.HeaderBytes {
			b = slices.Delete(b, at, at+1)
			b[0]--
		}
	}
	return b
}

// roomOf picks a room: names of them and ids that exist or do not.
func (s *script) roomOf(b byte) (name string, id uint64) {
	switch b & 7 {
	case 0:
		return "hall", 0
	case 1:
		return "eph", 0
	case 2:
		return "사랑방", 0
	case 3:
		return []string{"", "a b", "\xff\xfe", "#hall", strings.Repeat("x", 200), "Hall"}[b>>3&7%6], 0
	case 4:
		return "", 99
	case 5:
		return "", math.MaxUint64
	}
	return "", uint64(b&7 - 5) // 1 and 2
}

// idOf is roomOf for requests that take an id only.
func (s *script) idOf(b byte) uint64 {
	_, id := s.roomOf(b)
	if id == 0 {
		id = uint64(b & 3)
	}
	return id
}

// number picks a number with the borders among them.
func (s *script) number(b byte) uint64 {
	switch b >> 5 {
	case 6:
		return math.MaxUint64 - uint64(b&31)
	case 7:
		return math.MaxInt64 - 15 + uint64(b&31)
	}
	return uint64(b & 31)
}

// packet is the act's packet.
func (s *script) packet(act byte, p *peer) (packet.ID, packet.Marshaler) {
	s.request++
	switch act {
	case actLogin:
		return pb.CLogin, s.login(p)
	case actJoin:
		return pb.CJoin, s.join(p)
	case actPublish:
		b, nonce := s.next(), s.next()
		m := &pb.Publish{
			Room: s.idOf(b), Nonce: uint64(nonce), Text: s.text(b>>3, nonce), Target: uint64(b>>7) * uint64(nonce>>4), Root: uint64(nonce >> 7),
		}
		if nonce&15 == 15 { // there is no such file, or there are too many
			m.Files = make([]uint64, 1+b&15)
			for i := range m.Files {
				m.Files[i] = uint64(b)*uint64(i) + 1
			}
		}
		return pb.CChat, m
	case actLeave:
		return s.membership(s.next())
	case actCreate:
		b := s.next()
		name, _ := s.roomOf(b)
		return pb.CCreate, &pb.Create{Request: s.request, Name: name, Ephemeral: b&128 != 0, Private: b&64 != 0}
	case actList:
		return pb.CList, &pb.List{Request: s.request, After: s.number(s.next()), ItemsMax: uint32(s.number(s.next()))}
	case actHistory:
		b, c := s.next(), s.next()
		m := &pb.History{Request: s.request, Room: s.idOf(b), ItemsMax: uint32(b >> 3 & 15)}
		if b&128 != 0 {
			m.Before = s.number(c)
		} else {
			m.After = s.number(c)
		}
		return pb.CHistory, m
	case actMembers:
		b := s.next()
		return pb.CMembers, &pb.Members{Request: s.request, Room: s.idOf(b), After: s.number(s.next()), ItemsMax: uint32(b >> 3)}
	case actPing:
		switch b := s.next(); {
		case b&192 == 192:
			return s.accounts(b)
		case b&64 != 0 && b&16 != 0:
			return s.change(b)
		case b&64 != 0:
			return s.rule(b, p)
		case b&128 != 0 && b&32 != 0:
			return s.people(b)
		case b&128 != 0:
			return pb.CPong, &pb.Ping{Value: uint64(b)}
		}
		return pb.CPing, &pb.Ping{Value: uint64(s.request)}
	}
	id := packet.ID(s.next()) | packet.ID(s.next())<<8
	return id, &pb.Ping{Value: uint64(s.request)}
}

// membership is a leave, or what else a user says of his rooms.
func (s *script) membership(b byte) (packet.ID, packet.Marshaler) {
	room := s.idOf(b)
	switch b >> 3 & 7 {
	case 1, 5:
		return pb.CMark, &pb.Mark{Request: s.request, Room: room, Seq: s.number(s.next())}
	case 2:
		return pb.CMute, &pb.Mute{Request: s.request, Room: room, Muted: b&128 != 0}
	case 3:
		return pb.CRooms, &pb.MyRooms{Request: s.request, After: s.number(s.next()), ItemsMax: uint32(b >> 6)}
	case 4:
		return pb.CLeave, &pb.Leave{Request: s.request, Room: room, ForGood: true}
	case 7:
		return pb.CTyping, &pb.Typing{Room: room}
	case 6:
		c := s.next()
		return pb.CDirect, &pb.Direct{
			Request: s.request, Users: []uint64{1, s.number(c)}[:c>>3&3%3], Names: []string{"ann", "bob", "nobody\xff"}[:c&3],
		}
	}
	if b>>3&7 == 7 {
		return s.moderation(room)
	}
	if c := s.next(); c&1 != 0 {
		return s.picked(room, c)
	}
	return pb.CLeave, &pb.Leave{Request: s.request, Room: room}
}

// picked is what is asked for of mentions, threads and pins.
func (s *script) picked(room uint64, c byte) (packet.ID, packet.Marshaler) {
	items := uint32(c >> 6)
	switch c >> 1 & 3 {
	case 0:
		m := &pb.Mentions{Request: s.request, ItemsMax: items}
		if c&8 != 0 {
			m.Before = &pb.MentionPlace{TimeMs: s.number(s.next()), Room: room, Seq: s.number(c)}
		}
		return pb.CMentions, m
	case 1:
		if c&32 != 0 {
			return pb.CFollow, &pb.FollowThread{Request: s.request, Room: room, Root: s.number(s.next()), Remove: c&16 != 0}
		}
		return pb.CThreads, &pb.Threads{Request: s.request, Room: room, Before: s.number(s.next()), ItemsMax: items, Unread: c&16 != 0}
	case 2:
		if c&32 != 0 {
			return pb.CReadThread, &pb.ReadThread{Request: s.request, Room: room, Root: s.number(s.next()), Seq: s.number(s.next())}
		}
		return pb.CThread, &pb.ThreadHistory{Request: s.request, Room: room, Root: s.number(s.next()), After: s.number(c >> 3), ItemsMax: items}
	}
	return pb.CPins, &pb.Pins{Request: s.request, Room: room, Before: s.number(s.next()), ItemsMax: items}
}

// moderation is what users report, and moderators read and resolve.
func (s *script) moderation(room uint64) (packet.ID, packet.Marshaler) {
	c := s.next()
	switch c & 3 {
	case 0:
		return pb.CReport, &pb.ReportMessage{Request: s.request, Room: room, Seq: s.number(s.next()), Reason: []string{"", "spam", "\xff"}[(c>>2)%3]}
	case 1:
		return pb.CReports, &pb.Reports{Request: s.request, Room: room, After: s.number(s.next()), All: c&4 != 0, ItemsMax: uint32(c >> 6)}
	case 2:
		return pb.CResolve, &pb.Resolve{Request: s.request, Room: room, Report: s.number(s.next()), Outcome: uint32(c >> 2 & 3), Note: "done"}
	}
	if c&56 == 48 {
		return pb.CPurge, &pb.Purge{Request: s.request, Room: room, User: uint64(c & 3), LastSeconds: uint32(s.next()) * 60}
	}
	if c&56 == 56 {
		return pb.CDeleteRoom, &pb.DeleteRoom{Request: s.request, Room: room}
	}
	if c&56 == 40 {
		return s.links(room)
	}
	if c&8 != 0 {
		return pb.CSearch, s.search(c, room)
	}
	m := &pb.Audit{Request: s.request, Room: room, ItemsMax: uint32(c >> 6)}
	if c&4 != 0 {
		m.Before = &pb.AuditMark{TimeMs: s.number(s.next()), Seq: s.number(c), Id: s.number(c >> 3)}
	}
	return pb.CAudit, m
}

// links are those into a room, and what people try to come by.
func (s *script) links(room uint64) (packet.ID, packet.Marshaler) {
	c := s.next()
	if c&60 == 60 {
		m := &pb.Filter{Request: s.request, Room: room}
		if c&1 != 0 {
			m.Filter = &pb.RoomFilter{Words: []string{"a", "x y", "\xff", ""}[:c>>6], Links: c&2 != 0}
		}
		return pb.CFilter, m
	}
	switch c & 3 {
	case 0:
		return pb.CMakeLink, &pb.MakeLink{Request: s.request, Room: room, ForSeconds: s.number(s.next()), UsesMax: uint32(c >> 6)}
	case 1:
		return pb.CLinks, &pb.Links{Request: s.request, Room: room, After: s.number(s.next()), ItemsMax: uint32(c >> 6)}
	case 2:
		return pb.CRevokeLink, &pb.RevokeLink{Request: s.request, Room: room, Link: s.number(s.next())}
	}
	return pb.CJoinLink, &pb.JoinLink{Request: s.request, Code: []string{"", "AAAA-BBBB-CCCC-DDDD", "#/join/\xff", "x"}[c>>6]}
}

// search looks for something, in a room or in all of them.
func (s *script) search(c byte, room uint64) *pb.Search {
	m := &pb.Search{Request: s.request, Room: room, ItemsMax: uint32(c >> 6), Text: []string{"", "a", "\"x y\" z*", "\xff"}[c>>4&3]}
	if c&4 != 0 {
		m.Room = 0
	}
	d := s.next()
	m.Links, m.Files, m.From = d&1 != 0, d&128 != 0, []string{"", "1", "1.1.1", "?"}[d>>1&3]
	if d&8 != 0 {
		m.User, m.AfterMs = s.number(d), s.number(d>>4)
	}
	if d&16 != 0 {
		m.Name, m.BeforeMs = []string{"ann", "\xff"}[d>>5&1], s.number(d>>6)
	}
	return m
}

// accounts is a packet of accounts, with passwords that are right now and then.
func (s *script) accounts(b byte) (packet.ID, packet.Marshaler) {
	password := func(n byte) string {
		return []string{"", "short", "correct horse", "battery staple", "\xff\xfe x\x00 12345"}[n%5]
	}
	c := s.next()
	switch b & 3 {
	case 0:
		return pb.CRegister, &pb.Register{Request: s.request, Password: password(c)}
	case 1:
		return pb.CPassword, &pb.ChangePassword{Request: s.request, OldPassword: password(c), NewPassword: password(c / 5), KeepSessions: b&4 != 0}
	case 2:
		return pb.CSessions, &pb.Sessions{Request: s.request}
	}
	if b&8 != 0 {
		return pb.CErase, &pb.EraseUser{Request: s.request, Password: password(c)}
	}
	return pb.CEndSession, &pb.EndSession{Request: s.request, Session: s.number(c), Others: b&4 != 0}
}

// people is what a user says of himself and of others, or asks about them.
func (s *script) people(b byte) (packet.ID, packet.Marshaler) {
	c := s.next()
	name := []string{"", "ann", "Bob", "carla", "dan", "admin", "a b\xff", strings.Repeat("x", 200)}[c&7]
	switch b & 7 {
	case 0:
		return pb.CProfile, &pb.LookUp{Request: s.request, User: s.number(c >> 3), Name: name}
	case 1:
		m := &pb.SetProfile{Request: s.request}
		text, hidden := []string{"", "x", "two\nlines", "\xff", strings.Repeat("y", 2000)}[c>>3%5], c&128 != 0
		if c&1 != 0 {
			m.DisplayName = &name
		}
		if c&2 != 0 {
			m.About, m.Hidden = &text, &hidden
		}
		if c&4 != 0 {
			m.Status = &text
		}
		return pb.CSetProfile, m
	case 2:
		return pb.CRename, &pb.Rename{Request: s.request, Name: name}
	case 3:
		return pb.CAway, &pb.Away{Request: s.request, Away: c&1 != 0}
	case 4, 5:
		return pb.CBlock, &pb.Block{Request: s.request, User: s.number(c >> 3), Name: name, Remove: b&1 != 0}
	case 6:
		return pb.CBlocks, &pb.Blocks{Request: s.request, After: s.number(c), ItemsMax: uint32(c >> 6)}
	}
	return pb.CSeenBy, &pb.SeenBy{Request: s.request, Room: s.idOf(c)}
}

// change is what is done to a message that is there, or is not, or is none. Its nonces are those
// of nothing else.
func (s *script) change(b byte) (packet.ID, packet.Marshaler) {
	c, nonce := s.next(), s.next()
	what := uint64(c & 3)
	room, mark, target := s.idOf(b&7), uint64(nonce)|(4+what)<<8, s.number(c>>2)
	if b&32 != 0 {
		target = uint64(c >> 2)
	}
	remove := b&8 != 0
	switch what {
	case 0:
		return pb.CEdit, &pb.Edit{Room: room, Nonce: mark, Target: target, Text: s.text(b>>3&7, nonce)}
	case 1:
		return pb.CDelete, &pb.Delete{Room: room, Nonce: mark, Target: target}
	case 2:
		emoji := []string{"👍", "❤️", "x", ""}[nonce&3]
		return pb.CReact, &pb.React{Room: room, Nonce: mark, Target: target, Emoji: emoji, Remove: remove}
	}
	return pb.CPin, &pb.Pin{Room: room, Nonce: mark, Target: target, Remove: remove}
}

// rule is a role or a kick, for those who are there, or are not. Its nonces are no message's:
// an ack does not say what it is of.
func (s *script) rule(b byte, p *peer) (packet.ID, packet.Marshaler) {
	c, nonce := s.next(), s.next()
	room, mark := s.idOf(b&7), uint64(nonce)|1<<8
	if c&64 != 0 && nonce == 0 {
		mark = 0
	}
	id, name := uint64(c>>4&3), []string{"ann", "bob", "nobody", "a b\xff"}[c&3]
	switch c >> 2 & 3 {
	case 0:
		id = p.user
	case 1:
		id = 0
	}
	reason := s.text(b>>3&7, nonce)
	if b&128 != 0 {
		reason = ""
	}
	if b&35 == 35 {
		kind := pb.EventKind(16 + c>>2&3)
		if c&128 != 0 {
			kind = pb.EventKind_EVENT_KIND_RETAIN
		}
		return pb.CSet, &pb.SetRoom{Room: room, Nonce: mark, Kind: kind, Text: reason, Value: uint32(c & 3)}
	}
	if b&33 == 33 {
		return pb.CTopic, &pb.Topic{Room: room, Nonce: mark, Text: reason}
	}
	if b&32 != 0 {
		return pb.CKick, &pb.Kick{Room: room, Nonce: mark, Subject: id, Name: name, Reason: reason}
	}
	return pb.CRole, &pb.GiveRole{
		Room: room, Nonce: mark, Subject: id, Name: name, Role: uint32(c >> 5), ForSeconds: uint32(c>>7) * uint32(s.number(nonce)), Reason: reason,
	}
}

func (s *script) login(p *peer) *pb.Login {
	b := s.next()
	m := &pb.Login{VersionMin: 1, VersionMax: 1 + uint32(b>>6&1), Client: "fuzz", Capabilities: []string{"x", "\xff"}}
	m.Name = []string{"ann", "bob", "Ann", "a b\x00"}[b&3]
	switch b >> 2 & 7 {
	case 0:
		m.Token = p.own
	case 1:
		m.Token = make([]byte, 16)
	case 2:
		m.Token = []byte("abc")
	case 3:
		m.Token = make([]byte, 65)
	case 4:
		m.Token = []byte("0123456789abcdef" + m.Name)
	}
	switch b >> 5 {
	case 1:
		m.Password, m.Register = "correct horse", b&4 != 0
	case 3:
		m.Password, m.Device = "battery staple", "\xff\x00 phone \u202e"
	case 5:
		m.VersionMin, m.VersionMax = 2, 9
	case 7:
		m.VersionMin, m.VersionMax = 0, 0
	}
	return m
}

func (s *script) join(p *peer) *pb.Join {
	b := s.next()
	m := &pb.Join{Request: s.request, Create: b&8 != 0, Ephemeral: b&16 != 0 || b&7 == 1}
	m.Name, m.Room = s.roomOf(b)
	switch b >> 5 {
	case 1:
		m.Cursor = &pb.Cursor{Epoch: uint64(s.next()), Seq: s.number(s.next())}
	case 2: // the right epoch, as far as somebody knows it
		m.Cursor = &pb.Cursor{Epoch: s.good.rooms[s.hall].epoch, Seq: s.number(s.next())}
	case 3, 4:
		m.HistoryItems = uint32(s.number(s.next()))
	}
	return m
}

// text is a message's text: right and wrong ones.
func (s *script) text(kind, n byte) string {
	switch kind & 7 {
	case 0:
		return ""
	case 1:
		return "a\x00b"
	case 2:
		return "not \xff text"
	case 3:
		return strings.Repeat("m", textBytesMax)
	case 4:
		return strings.Repeat("m", textBytesMax+1)
	case 5:
		return strings.Repeat("안", int(n))
	case 6:
		return strings.Repeat("x", 60000)
	}
	return "hi"
}
