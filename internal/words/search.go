package words

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"sarang/chat"
)

// Beside its words, an index keeps of a message in which room it is, whose, whether there are links in
// it, and whether it has files: by terms that no text has.
const (
	roomMark = ":r"
	userMark = ":u"
	linkMark = ":l"
	fileMark = ":f"
)

// RoomTerm is a term that all messages of a room have.
func RoomTerm(room chat.RoomID) string { return roomMark + strconv.FormatUint(uint64(room), 36) }

// MessageTerms are what an index keeps of a message that says something, or has files; nil of one that
// does not. Each is there once.
func MessageTerms(room chat.RoomID, user chat.UserID, text string, files bool) []string {
	if text == "" && !files {
		return nil
	}
	terms := append(Terms(text), RoomTerm(room), userTerm(user))
	if HasLink(text) {
		terms = append(terms, linkMark)
	}
	if files {
		terms = append(terms, fileMark)
	}
	return terms
}

func userTerm(user chat.UserID) string { return userMark + strconv.FormatUint(uint64(user), 36) }

// roomTermsMax is in how many rooms an index is asked for the room's own term; in more of them
// the rooms of what is found are looked at one by one.
const roomTermsMax = 8

// Search is a chat.SearchQuery that was read.
type Search struct {
	Query
	of    chat.SearchQuery
	Terms []Term   // that all that is found has
	Rooms []string // and one of these, if there are any
}

// Read reads q. Errors are *chat.Error: CodeBadRequest.
func Read(q chat.SearchQuery) (*Search, error) {
	query, err := Parse(q.Text)
	if err != nil {
		return nil, err
	}
	s := &Search{Query: query, of: q}
	s.Terms = s.Query.Terms()
	if q.User != 0 {
		s.Terms = append(s.Terms, Term{Text: userTerm(q.User)})
	}
	if q.Links {
		s.Terms = append(s.Terms, Term{Text: linkMark})
	}
	if q.Files {
		s.Terms = append(s.Terms, Term{Text: fileMark})
	}
	switch {
	case len(s.Terms) == 0:
		return nil, chat.Errorf(chat.CodeBadRequest, "say what you look for: words, somebody's messages, links, or files")
	case len(q.Rooms) == 0 || len(q.Rooms) > chat.SearchRoomsMax:
		return nil, chat.Errorf(chat.CodeBadRequest, "there are %d rooms to be searched; allowed are 1 to %d", len(q.Rooms), chat.SearchRoomsMax)
	case len(q.From) > chat.SearchFromBytesMax:
		return nil, badFrom()
	}
	if len(q.Rooms) <= roomTermsMax {
		for _, r := range q.Rooms {
			s.Rooms = append(s.Rooms, RoomTerm(r))
		}
	}
	return s, nil
}

// InRooms reports whether a room is one of those that are searched.
func (s *Search) InRooms(room chat.RoomID) bool {
	_, is := slices.BinarySearch(s.of.Rooms, room)
	return is
}

// Matches reports whether e, with the text that it has now, is found.
func (s *Search) Matches(e *chat.Event) bool {
	if e.Kind != chat.EventMessage || e.Text == "" && e.Files == "" || !s.InRooms(e.Room) || s.of.User != 0 && e.User != s.of.User ||
		e.TimeMs < s.of.AfterMs || s.of.BeforeMs != 0 && e.TimeMs >= s.of.BeforeMs || s.of.Links && !HasLink(e.Text) || s.of.Files && e.Files == "" {
		return false
	}
	_, found := s.Find(e.Text)
	return found
}

// Page gathers what is found, and says when that is enough.
type Page struct {
	search  *Search
	bytes   int
	scanned int
	Found   chat.Found
}

// Begin begins a page.
func (s *Search) Begin() *Page { return &Page{search: s} }

// Look counts a message that may be found; false: no more may be looked at.
func (p *Page) Look() bool {
	if p.scanned >= max(p.search.of.ScanMax, 1) {
		return false
	}
	p.scanned++
	return true
}

// Add adds a message if it is found; false: the page was full before.
func (p *Page) Add(e *chat.Event) bool {
	if !p.search.Matches(e) {
		return true
	}
	n := len(p.Found.Messages)
	if n > 0 && (n >= p.search.of.ItemsMax || p.bytes+e.BodyBytes() > p.search.of.BytesMax) {
		return false
	}
	p.bytes += e.BodyBytes()
	p.Found.Messages = append(p.Found.Messages, *e)
	return true
}

func badFrom() error {
	return chat.Errorf(chat.CodeBadRequest, "a search goes on from what the page before has said, and from nothing else")
}

// Place is where a message stands in the order of a search, for stores that have no other: by
// time, and then by room and number.
type Place struct {
	TimeMs int64
	Room   chat.RoomID
	Seq    chat.Seq
}

// String returns the form of Found.Next.
func (p Place) String() string {
	return strconv.FormatInt(p.TimeMs, 36) + "." + strconv.FormatUint(uint64(p.Room), 36) + "." + strconv.FormatUint(uint64(p.Seq), 36)
}

// ParsePlace reads what String has returned; CodeBadRequest if it is something else.
func ParsePlace(s string) (p Place, err error) {
	ms, rest, _ := strings.Cut(s, ".")
	room, seq, found := strings.Cut(rest, ".")
	var errs [3]error
	var r, n uint64
	p.TimeMs, errs[0] = strconv.ParseInt(ms, 36, 64)
	r, errs[1] = strconv.ParseUint(room, 36, 63)
	n, errs[2] = strconv.ParseUint(seq, 36, 63)
	if !found || errs != [3]error{} {
		return Place{}, badFrom()
	}
	p.Room, p.Seq = chat.RoomID(r), chat.Seq(n)
	return p, nil
}

// Compare says which of two places is older: that is less.
func (p Place) Compare(o Place) int {
	return cmp.Or(cmp.Compare(p.TimeMs, o.TimeMs), cmp.Compare(p.Room, o.Room), cmp.Compare(p.Seq, o.Seq))
}
