package session

import (
	"math"

	"sarang/chat"
	"sarang/packet"
	sarangv1 "sarang/proto/sarang/v1"
)

// chat handles S_CHAT: an event of a room's log, checked to be the next one.
func (s *Session) chat(m *sarangv1.Event) error {
	r := s.state.rooms[chat.RoomID(m.Room)]
	if r == nil && s.undoing(chat.RoomID(m.Room)) {
		return nil
	}
	if r == nil || !r.joined {
		return &UnexpectedError{Packet: sarangv1.SChat, Room: chat.RoomID(m.Room), What: "the room is not joined"}
	}
	seq, want := chat.Seq(m.Seq), r.seq+1
	if seq < want {
		return &SequenceError{Room: r.info.ID, Want: want, Got: seq}
	}
	if seq > want {
		s.events.Fault(s, &SequenceError{Room: r.info.ID, Want: want, Got: seq})
	}
	r.seq, r.seqMs = seq, int64(m.TimeMs)
	e := &s.handler.event
	fault := fillEvent(e, m)
	if fault != nil {
		s.events.Fault(s, &packet.DecodeError{ID: sarangv1.SChat, Err: fault})
	}
	s.events.Event(s, e)
	*e = chat.Event{} // the strings go back to their owner
	return nil
}

// fillEvent makes e of m without copying strings, but for those that are not UTF-8:
// these are repaired, and the last of them is returned as fault.
func fillEvent(e *chat.Event, m *sarangv1.Event) (fault error) {
	*e = chat.Event{
		Room: chat.RoomID(m.Room), Seq: chat.Seq(m.Seq), Kind: eventKind(m.Kind), User: chat.UserID(m.User),
		Name: m.Name, Nonce: chat.Nonce(m.Nonce), TimeMs: int64(m.TimeMs), Text: m.Text,
		Target: chat.Seq(m.Target), Subject: chat.UserID(m.Subject), Role: chat.Role(min(m.Role, 255)),
		UntilMs: int64(m.UntilMs), Root: chat.Seq(m.Root), Value: m.Value,
	}
	for _, text := range []*string{&e.Name, &e.Text} {
		if err := packet.ValidText(*text); err != nil {
			fault = err
			*text = clean(*text)
		}
	}
	if len(m.Files) > 0 {
		files, bad := filesOf(m.Files)
		if e.Files = files; bad != nil {
			fault = bad
		}
	}
	return fault
}

// filesOf makes a list of what a server says of files; what is not allowed is left out, and is the
// fault.
func filesOf(all []*sarangv1.File) (_ chat.FileList, fault error) {
	var files []chat.FileInfo
	for _, f := range all {
		i := chat.FileInfo{
			ID: chat.FileID(f.GetId()), Name: f.GetName(), Type: f.GetType(), Bytes: int64(min(f.GetBytes(), math.MaxInt64)),
			Width: int(f.GetWidth()), Height: int(f.GetHeight()), Thumbnail: f.GetThumbnail(),
		}
		err := chat.CheckFileName(i.Name)
		if err == nil {
			err = chat.CheckFileType(i.Type)
		}
		switch {
		case err != nil:
			fault = err
		case i.ID == 0 || i.ID > chat.FileIDMax || len(files) == chat.FilesPerMessageMax:
			fault = chat.Errorf(chat.CodeBadFile, "a file without a proper id, or one too many")
		default:
			files = append(files, i)
		}
	}
	return chat.NewFileList(files...), fault
}

// eventKind is the domain's number for a kind; 0 for one that can not be said there.
func eventKind(k sarangv1.EventKind) chat.EventKind {
	if k < 0 || k > 255 {
		return 0
	}
	return chat.EventKind(k)
}

// joined handles S_JOIN.
func (s *Session) joined(m *sarangv1.Joined) error {
	q, err := s.answered(m.Request, sarangv1.SJoin, sarangv1.CJoin)
	if err != nil {
		return err
	}
	if m.Room == nil || m.Room.Id == 0 || q.room != 0 && q.room != chat.RoomID(m.Room.Id) {
		s.unjoined(q, chat.Errorf(chat.CodeMalformed, "the server's answer names no room, or another one"))
		return &UnexpectedError{Packet: sarangv1.SJoin, Request: m.Request, What: "it is about another room"}
	}
	j := Joined{Request: m.Request, Room: roomInfo(m.Room), After: chat.Seq(m.After), AfterMs: int64(m.AfterTimeMs), Rejoin: q.rejoin}
	if s.undoing(j.Room.ID) { // it was asked for before the leave, which ends it
		s.unjoined(q, chat.Errorf(chat.CodeUnavailable, "the room is just being left; join it again"))
		return nil
	}
	if known := s.state.rooms[j.Room.ID]; known != nil && !sameRoom(known.info, j.Room) {
		if s.changed(q, known, j.Room); q.rejoin {
			s.pump()
			return nil
		}
	}
	r := s.state.enter(j.Room)
	r.joined, r.rejoin, r.seq, r.seqMs = true, stepNone, j.After, j.AfterMs
	s.events.Joined(s, j)
	if c := q.cursor; c != nil {
		switch {
		case c.Epoch != j.Room.Epoch, m.CursorVoid, j.After < c.Seq:
			// That delivery begins before the cursor means the same, of a server that
			// does not say it otherwise.
			s.events.Gap(s, Gap{Room: j.Room.ID, Epoch: j.Room.Epoch, From: 1, To: j.After, EpochChanged: true})
		case j.After > c.Seq:
			s.events.Gap(s, Gap{Room: j.Room.ID, Epoch: j.Room.Epoch, From: c.Seq + 1, To: j.After})
		}
	}
	s.pump()
	return nil
}

// unjoined handles the failure of a join.
func (s *Session) unjoined(q request, cause *chat.Error) {
	f := Failure{Packet: sarangv1.CJoin, Request: q.id, Room: q.room, Err: cause, Rejoin: q.rejoin}
	r := s.state.rooms[q.room]
	if !q.rejoin || r == nil {
		s.events.Error(s, f)
		return
	}
	if temporary(cause) {
		f.Retrying = true
		r.rejoin, r.retryAt = stepWaiting, s.es.Worker().Now()+retryAfter(cause)
		s.later(r.retryAt)
		s.events.Error(s, f)
		return
	}
	s.state.remove(r)
	s.events.Error(s, f)
	s.refuseAll(r, cause)
}

// left handles S_LEAVE, asked for or not.
func (s *Session) left(m *sarangv1.Leave) error {
	l := Left{Request: m.Request, Room: chat.RoomID(m.Room)}
	if l.Request == 0 && s.undoing(l.Room) {
		return nil
	}
	if l.Request != 0 {
		q, err := s.answered(l.Request, sarangv1.SLeave, sarangv1.CLeave)
		if err != nil {
			return err
		}
		if q.undo {
			s.pump()
			return nil
		}
		l.Room = q.room
	}
	cause := chat.Errorf(chat.CodeNotMember, "the room was left")
	if l.Request == 0 && m.Code != 0 {
		cause = errorOf(m.Code, m.Message, 0)
		l.Err, l.Seq, l.UntilMs = cause, chat.Seq(m.Seq), int64(m.UntilMs)
	}
	if r := s.state.rooms[l.Room]; r != nil {
		if l.Request == 0 {
			s.wasRemoved(l.Room)
		}
		s.state.remove(r)
		s.refuseAll(r, cause)
	} else if l.Request == 0 {
		return &UnexpectedError{Packet: sarangv1.SLeave, Room: l.Room, What: "the room is not joined"}
	}
	s.events.Left(s, l)
	s.pump()
	return nil
}

// wasRemoved notes that the server has taken us out of a room: what was on its way there is
// answered without our knowing of it any more.
func (s *Session) wasRemoved(room chat.RoomID) {
	if s.removed == nil {
		s.removed = map[chat.RoomID]bool{}
	}
	s.removed[room] = true
}

// unleft handles the failure of a leave. If the server does not know us as a member,
// it is what was wanted all the same.
func (s *Session) unleft(q request, f Failure) {
	if q.undo {
		return
	}
	r := s.state.rooms[q.room]
	if r != nil {
		r.leaving = false
	}
	f.Room = q.room
	s.events.Error(s, f)
	if r != nil && f.Err.Code == chat.CodeNotMember && s.state.rooms[q.room] == r {
		s.state.remove(r)
		s.refuseAll(r, f.Err)
	}
}

// gap handles S_GAP: delivery goes on after what is lost.
func (s *Session) gap(m *sarangv1.Gap) error {
	g := Gap{Room: chat.RoomID(m.Room), Epoch: chat.Epoch(m.Epoch), From: chat.Seq(m.From), To: chat.Seq(m.To)}
	r := s.state.rooms[g.Room]
	if r == nil && s.undoing(g.Room) {
		return nil
	}
	if r == nil || !r.joined {
		return &UnexpectedError{Packet: sarangv1.SGap, Room: g.Room, What: "the room is not joined"}
	}
	if g.EpochChanged = g.Epoch != r.info.Epoch; g.EpochChanged {
		r.info.Epoch, r.seq, r.seqMs = g.Epoch, g.To, 0
		g.From = 1
		s.events.Gap(s, g)
		return nil
	}
	want := r.seq + 1
	if g.To+1 == want && g.From == 0 {
		return nil // S_JOIN has said it already: the cursor was void
	}
	if g.To < want {
		return &SequenceError{Room: g.Room, Want: want, Got: g.To}
	}
	if g.From > want { // what lies between came neither as events nor as a gap
		s.events.Fault(s, &SequenceError{Room: g.Room, Want: want, Got: g.From})
	}
	g.From, r.seq, r.seqMs = max(g.From, want), g.To, 0
	s.events.Gap(s, g)
	return nil
}
