package session

import (
	"sarang/chat"
	"sarang/packet"
	sarangv1 "sarang/proto/sarang/v1"
)

// Filtered answers Filter and SetFilter: what a room does not take. Its Version is not told.
type Filtered struct {
	Request uint32
	Room    chat.RoomID
	Filter  chat.RoomFilter
}

// Filter asks what a room does not take: Events.Filtered.
func (s *Session) Filter(room chat.RoomID) (uint32, error) {
	return s.ask(request{packet: sarangv1.CFilter, room: room}, "", func(id uint32) packet.Marshaler {
		return &sarangv1.Filter{Request: id, Room: uint64(room)}
	})
}

// SetFilter changes what a room does not take: Events.Filtered.
func (s *Session) SetFilter(room chat.RoomID, f chat.RoomFilter) (uint32, error) {
	words, err := chat.CheckFilter(f.Words)
	if err != nil {
		return 0, err
	}
	return s.ask(request{packet: sarangv1.CFilter, room: room}, "", func(id uint32) packet.Marshaler {
		return &sarangv1.Filter{Request: id, Room: uint64(room), Filter: &sarangv1.RoomFilter{Words: words, Links: f.Links}}
	})
}

// filtered handles S_FILTER.
func (s *Session) filtered(m *sarangv1.Filtered) error {
	q, err := s.answered(m.Request, sarangv1.SFilter, sarangv1.CFilter)
	if err != nil {
		return err
	}
	f := Filtered{Request: q.id, Room: q.room, Filter: chat.RoomFilter{Links: m.Filter.GetLinks()}}
	for _, w := range m.Filter.GetWords() {
		f.Filter.Words = append(f.Filter.Words, clean(w))
	}
	s.events.Filtered(s, f)
	s.pump()
	return nil
}
