package session

import (
	"strings"

	"sarang/chat"
	"sarang/packet"
	sarangv1 "sarang/proto/sarang/v1"
)

// Search says what is looked for. One of Text, User, Name, Links and Files is to be given.
type Search struct {
	Room              chat.RoomID // 0: all rooms that the user belongs to
	Text              string      // words, "phrases" and beginnings*: all of them are to be there
	User              chat.UserID // only what he has said; 0: everybody
	Name              string      // the same, by the name that he has now
	AfterMs, BeforeMs int64       // dated at AfterMs or later, and before BeforeMs; 0: no bound
	Links             bool        // only with an address of the web in it
	Files             bool        // only with files
	From              string      // SearchPage.Next of the page before
	ItemsMax          int         // 0: as many as the server likes to give
}

// SearchPage is what was found, the newest first.
type SearchPage struct {
	Request uint32
	Room    chat.RoomID
	Hits    []Hit
	Next    string // where to go on, also when there are no Hits; empty: that was all
	Partial bool   // the server has not come to all old messages yet
}

// Hit is a message that was found, with the text that it has now.
type Hit struct {
	chat.Event
	RoomName string
	Where    []Range // in Text, in order
}

// Range is a part of a text: its bytes from From up to, and without, To.
type Range struct{ From, To int }

// searchBytesMax bounds what is looked for; the server's own bound is lower.
const searchBytesMax = 1 << 10

// Search looks for messages: Events.SearchPage.
func (s *Session) Search(q Search) (uint32, error) {
	if len(q.Text) > searchBytesMax || len(q.From) > chat.SearchFromBytesMax {
		return 0, &LimitError{"bytes of a search", searchBytesMax}
	}
	return s.ask(request{packet: sarangv1.CSearch, room: q.Room}, q.Name, func(id uint32) packet.Marshaler {
		return &sarangv1.Search{
			Request: id, Room: uint64(q.Room), Text: q.Text, User: uint64(q.User), Name: q.Name,
			AfterMs: uint64(max(q.AfterMs, 0)), BeforeMs: uint64(max(q.BeforeMs, 0)), Links: q.Links, Files: q.Files, From: q.From, ItemsMax: wire32(q.ItemsMax),
		}
	})
}

// searchPage handles S_SEARCH.
func (s *Session) searchPage(m *sarangv1.SearchPage) error {
	q, err := s.answered(m.Request, sarangv1.SSearch, sarangv1.CSearch)
	if err != nil {
		return err
	}
	p := SearchPage{Request: q.id, Room: q.room, Next: strings.Clone(m.Next), Partial: m.Partial, Hits: make([]Hit, len(m.Hits))}
	for i, h := range m.Hits {
		hit := &p.Hits[i]
		if fault := fillEvent(&hit.Event, h.GetEvent()); fault != nil {
			s.events.Fault(s, &packet.DecodeError{ID: sarangv1.SSearch, Err: fault})
		}
		hit.Name, hit.Text, hit.RoomName = strings.Clone(hit.Name), strings.Clone(hit.Text), clean(h.GetRoomName())
		hit.Where = ranges(h.GetWhere(), len(hit.Text))
	}
	s.events.SearchPage(s, p)
	s.pump()
	return nil
}

// ranges reads pairs of numbers. What is no part of a text of so many bytes, behind the one before, is left out:
// who marks it in the text need not look again.
func ranges(pairs []uint32, textBytes int) (all []Range) {
	last := 0
	for ; len(pairs) >= 2; pairs = pairs[2:] {
		if from, to := int64(pairs[0]), int64(pairs[1]); from >= int64(last) && to > from && to <= int64(textBytes) {
			all = append(all, Range{int(from), int(to)})
			last = int(to)
		}
	}
	return all
}
