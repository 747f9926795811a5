package session

import (
	"strings"

	"sarang/chat"
	"sarang/packet"
	sarangv1 "sarang/proto/sarang/v1"
)

// created handles S_CREATE.
func (s *Session) created(m *sarangv1.Created) error {
	q, err := s.answered(m.Request, sarangv1.SCreate, sarangv1.CCreate)
	if err != nil {
		return err
	}
	s.events.Created(s, Created{Request: q.id, Room: roomInfo(m.Room)})
	s.pump()
	return nil
}

// listed handles S_LIST.
func (s *Session) listed(m *sarangv1.Listed) error {
	q, err := s.answered(m.Request, sarangv1.SList, sarangv1.CList)
	if err != nil {
		return err
	}
	p := RoomPage{Request: q.id, More: m.More, Rooms: make([]RoomInfo, 0, len(m.Rooms))}
	for _, r := range m.Rooms {
		p.Rooms = append(p.Rooms, roomInfo(r))
	}
	s.events.RoomPage(s, p)
	s.pump()
	return nil
}

// historyPage handles S_HISTORY.
func (s *Session) historyPage(m *sarangv1.HistoryPage) error {
	return s.eventPage(m, sarangv1.SHistory, sarangv1.CHistory)
}

// eventPage handles a page of events, which answers what was asked for.
func (s *Session) eventPage(m *sarangv1.HistoryPage, by, asked packet.ID) error {
	q, err := s.answered(m.Request, by, asked)
	if err != nil {
		return err
	}
	p := HistoryPage{
		Request: q.id, Room: chat.RoomID(m.Room), Epoch: chat.Epoch(m.Epoch), More: m.More, AsOf: chat.Seq(m.AsOf),
		Events: make([]chat.Event, len(m.Events)),
	}
	for i, e := range m.Events {
		if fault := fillEvent(&p.Events[i], e); fault != nil {
			s.events.Fault(s, &packet.DecodeError{ID: by, Err: fault})
		}
		p.Events[i].Name, p.Events[i].Text = strings.Clone(p.Events[i].Name), strings.Clone(p.Events[i].Text)
		st, changed, fault := stateOf(e)
		if fault != nil {
			s.events.Fault(s, &packet.DecodeError{ID: by, Err: fault})
		}
		if changed {
			st.Text = p.Events[i].Text
			p.States = append(p.States, st)
		}
		p.Events[i].Room = p.Room // a page is of one room; it need not say so each time
	}
	s.events.HistoryPage(s, p)
	s.pump()
	return nil
}

// memberPage handles S_MEMBERS.
func (s *Session) memberPage(m *sarangv1.MemberPage) error {
	q, err := s.answered(m.Request, sarangv1.SMembers, sarangv1.CMembers)
	if err != nil {
		return err
	}
	p := MemberPage{
		Request: q.id, Room: chat.RoomID(m.Room), Total: int(m.Total), More: m.More,
		Members: make([]Member, 0, len(m.Members)),
	}
	for _, u := range m.Members {
		p.Members = append(p.Members, Member{
			User: chat.UserID(u.GetUser()), Name: clean(u.GetName()), DisplayName: clean(u.GetDisplayName()), Presence: presenceOf(u.GetPresence()),
		})
	}
	s.events.MemberPage(s, p)
	s.pump()
	return nil
}
