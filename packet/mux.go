package packet

import "fmt"

// The handler table has two levels, so that a few scattered ids cost a few pages
// and a look-up costs two loads.
const (
	muxPageBits = 8
	muxPageIDs  = 1 << muxPageBits
)

// Mux takes packets to their handlers by id. S is what a handler is told about
// where the packet came from, a session as a rule.
//
// A Mux belongs to one goroutine: its messages are reused from packet to packet.
// Make one per worker.
type Mux[S any] struct {
	pages [1 << (16 - muxPageBits)]*[muxPageIDs]route[S]
}

// route is one registered handler with the message that it reuses.
type route[S any] interface {
	dispatch(s S, p Packet) error
}

// NewMux returns a Mux without handlers.
func NewMux[S any]() *Mux[S] { return &Mux[S]{} }

// HandleRaw registers h for packets of hand-laid records. The reader, and what it
// lends, is valid until h returns. If the reader has failed, and h returns nil or
// the reader's error (also wrapped), Dispatch returns a *DecodeError. h must not
// act on a record before Err or Done have said that it is whole.
//
// HandleRaw panics if id has a handler already or h is nil.
func (m *Mux[S]) HandleRaw(id ID, h func(s S, r *Reader) error) {
	if h == nil {
		panic(fmt.Sprintf("packet: nil handler for packet %d", id))
	}
	m.add(id, &rawRoute[S]{handle: h})
}

// Handle registers h for packets that carry the message M.
//
// One M is reused for all packets of that id: msg is valid until h returns, and
// reset then. If M has UnmarshalVTUnsafe, its strings and byte fields are parts of
// the packet's lent payload and die with the handler: clone what is kept. Strings
// are not checked to be UTF-8; see ValidText.
//
// Handle panics if id has a handler already or h is nil.
func Handle[S, M any, PM interface {
	*M
	Unmarshaler
}](m *Mux[S], id ID, h func(s S, msg PM) error) {
	if h == nil {
		panic(fmt.Sprintf("packet: nil handler for packet %d", id))
	}
	t := &typedRoute[S, M, PM]{handle: h}
	t.bind()
	m.add(id, t)
}

func (m *Mux[S]) add(id ID, r route[S]) {
	page := m.pages[id>>muxPageBits]
	if page == nil {
		page = new([muxPageIDs]route[S])
		m.pages[id>>muxPageBits] = page
	}
	if page[id%muxPageIDs] != nil {
		panic(fmt.Sprintf("packet: two handlers for packet %d", id))
	}
	page[id%muxPageIDs] = r
}

// IDs returns the ids that have a handler, in ascending order.
func (m *Mux[S]) IDs() []ID {
	var ids []ID
	for i, page := range m.pages {
		if page == nil {
			continue
		}
		for j, r := range page {
			if r != nil {
				ids = append(ids, ID(i<<muxPageBits|j))
			}
		}
	}
	return ids
}

// Dispatch decodes p and calls its handler. An id without a handler is an
// *UnknownIDError, a payload that does not decode a *DecodeError, and the handler
// has not run then (a raw handler has, see HandleRaw). A handler's own error is
// returned as it is.
//
// A handler may dispatch packets that were inside its own, but not of its own id:
// that panics, as it would decode over the message in use.
func (m *Mux[S]) Dispatch(s S, p Packet) error {
	page := m.pages[p.ID>>muxPageBits]
	if page == nil || page[p.ID%muxPageIDs] == nil {
		return &UnknownIDError{ID: p.ID}
	}
	return page[p.ID%muxPageIDs].dispatch(s, p)
}
