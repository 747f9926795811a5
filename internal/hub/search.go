package hub

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"sarang/chat"
	"sarang/internal/limit"
	"sarang/internal/words"
	"sarang/lock"
)

// Searches: of one room, or of all that a user belongs to. The store looks, in a pool of its own;
// then the homes of the rooms in which something was found are asked for the right to read them, so
// that it is the right of the moment in which the answer is given.

const (
	searchPageMax  = 50 // hits of a page: with their places they are to fit into a packet
	searchRequests = 4  // so many requests a search counts as
)

// SearchRequest says what is looked for, in RequestRef.Room, or, if that is 0, in all rooms that the
// user belongs to. Its strings are lent.
type SearchRequest struct {
	Text              string // see package words
	Whose             Whom   // whose messages; the zero Whom: everybody's
	AfterMs, BeforeMs int64
	Links, Files      bool
	From              string // SearchPage.Next of the page before
	ItemsWant         int
}

// Hit is a message that was found, with its newest text, and where in it.
type Hit struct {
	chat.Event
	RoomName string
	Where    []words.Range
}

// SearchPage is what was found, the newest first.
type SearchPage struct {
	Hits    []Hit
	Next    string // where to go on, also if nothing was found here; empty: that was all
	Partial bool   // the store has not come to all old messages yet
}

// newSearches makes the pool that searches.
func (h *Hub) newSearches() *tasks {
	c := &h.config
	t := &tasks{
		most: c.SearchesAtOnce, bounds: taskBounds{c.SearchQueueMax, c.AddressSearchQueueMax},
		waits: &h.searchQueue, turns: &h.turns, manual: c.Manual, now: h.now,
	}
	t.mu.Init(lock.NewClass("hub.searches"))
	t.since.Store(noneWaits)
	return t
}

// Search tells the client a page of what is found.
func (s *Shard) Search(o *Session, ref RequestRef, r SearchRequest) {
	if !s.mayRequest(o, ref, limit.LevelReads) {
		return
	}
	for range searchRequests - 1 {
		if s.slow(o, ref, &o.asked, s.hub.limits.requests, limitedRequests, "you ask too much; try again later") {
			return
		}
	}
	q, err := s.searchQuery(o, &r)
	if err != nil {
		s.fail(o, ref, err)
		return
	}
	if !s.begin(o, ref) {
		return
	}
	q.asker = asker{session: o.Engine.ID(), network: o.network, user: o.User, ref: ref, counted: true}
	if ref.Room == 0 {
		for i := range o.places { // that he belongs to them may not be stored yet
			if p := &o.places[i]; p.cursor != nil && !p.ephemeral {
				q.joined = append(q.joined, p.room)
			}
		}
		s.search(o, &q)
		return
	}
	s.ask(&searchRequest{q})
}

// searchQuery reads what a client looks for.
func (s *Shard) searchQuery(o *Session, r *SearchRequest) (q searchOf, err *chat.Error) {
	if s.hub.config.NoSearch {
		return q, chat.Errorf(chat.CodeNoSearch, "this server does not search")
	}
	if len(r.From) > chat.SearchFromBytesMax {
		return q, chat.Errorf(chat.CodeBadRequest, "a search goes on from what the page before has said, and from nothing else")
	}
	q.query = chat.SearchQuery{
		Text: strings.Clone(r.Text), User: r.Whose.ID, AfterMs: r.AfterMs, BeforeMs: r.BeforeMs, Links: r.Links, Files: r.Files, From: strings.Clone(r.From),
		ItemsMax: min(s.items(r.ItemsWant), searchPageMax), BytesMax: s.historyBytes(o), ScanMax: s.hub.config.SearchScanMax,
	}
	if r.Whose.Name != "" && r.Whose.ID == 0 {
		if q.whose, err = r.Whose.key(); err != nil {
			return q, err
		}
	}
	parsed, parseErr := words.Parse(q.query.Text)
	switch {
	case parseErr != nil:
		return q, asError(parseErr)
	case parsed.Empty() && q.query.User == 0 && q.whose == "" && !q.query.Links && !q.query.Files:
		return q, chat.Errorf(chat.CodeBadRequest, "say what you look for: words, somebody's messages, links, or files")
	}
	return q, nil
}

// searchOf is a search on its way.
type searchOf struct {
	asker
	query  chat.SearchQuery
	whose  string        // the comparison form of a name; empty: query.User
	joined []chat.RoomID // by the session, where all rooms are searched
}

// searchRequest asks the room's home for the right to read.
type searchRequest struct{ searchOf }

func (r *searchRequest) at(h *home) {
	if !h.may(r, chat.ActionHistory) {
		return
	}
	info := h.room.Info()
	if !info.Ephemeral { // nothing of such a room is stored
		r.query.Rooms = []chat.RoomID{info.ID}
	}
	h.shard.answer(r.session.Worker(), &searchGranted{r.searchOf})
}

// searchGranted has the session's shard search.
type searchGranted struct{ searchOf }

func (g *searchGranted) on(s *Shard) {
	o := s.session(g.session)
	switch {
	case o == nil:
	case len(g.query.Rooms) == 0:
		o.requests--
		o.Client.Found(o, g.ref, SearchPage{})
	default:
		s.search(o, &g.searchOf)
	}
}

// search has the store look.
func (s *Shard) search(o *Session, q *searchOf) {
	hub := s.hub
	store, can := hub.config.Store.(chat.Searcher)
	if !can {
		o.requests--
		s.fail(o, q.ref, chat.Errorf(chat.CodeNoSearch, "this server does not search"))
		return
	}
	id := o.Engine.ID()
	ok := s.give(hub.searches, o.source(), func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(hub.config.SearchMsMax)*time.Millisecond)
		defer cancel()
		begun := hub.now()
		moment := hub.erased.now()
		page, err := hub.find(ctx, store, q)
		hub.counts.searches.Add(1)
		hub.counts.searchNanos.Add(int64(hub.now() - begun))
		answer := func(o *Session) { s.found(o, q, page, moment, err) }
		s.worker.Post(&reply{hub.config.AnswerQueueBytesMax, id, answer})
	})
	if !ok {
		o.requests--
		s.limited(o, limitedReads)
		s.fail(o, q.ref, overloaded("too many searches wait; try again"))
	}
}

// find runs a search at the store, and finds the words in what it has found. It runs on a task.
func (h *Hub) find(ctx context.Context, store chat.Searcher, q *searchOf) (page SearchPage, err error) {
	query := q.query
	if q.whose != "" {
		if query.User, err = h.user(ctx, 0, q.whose); err != nil {
			return page, err
		}
	}
	if len(query.Rooms) == 0 {
		if query.Rooms, err = h.searchable(ctx, q.user); err != nil {
			return page, err
		}
		query.Rooms = append(query.Rooms, q.joined...)
		slices.Sort(query.Rooms)
		query.Rooms = slices.Compact(query.Rooms)
		query.Rooms = query.Rooms[max(len(query.Rooms)-chat.SearchRoomsMax, 0):]
	}
	if len(query.Rooms) == 0 {
		return page, nil
	}
	found, err := store.Search(ctx, query)
	if err != nil {
		return page, err
	}
	page.Next, page.Partial = found.Next, found.Partial
	parsed, _ := words.Parse(query.Text) // it was read before
	for _, e := range found.Messages {
		where, _ := parsed.Find(e.Text)
		page.Hits = append(page.Hits, Hit{Event: e, Where: where})
	}
	return page, nil
}

// searchable are the rooms that a user belongs to and may read, in order, as the store knows it; the homes
// are asked for those in which something is found.
func (h *Hub) searchable(ctx context.Context, user chat.UserID) (rooms []chat.RoomID, err error) {
	const page = 256
	now := h.nowMs()
	for after := chat.RoomID(0); len(rooms)+page <= chat.SearchRoomsMax; {
		mine, err := h.config.Store.MyRooms(ctx, user, after, page)
		if err != nil {
			return nil, err
		}
		for i := range mine {
			r := &mine[i]
			after = r.ID
			if r.RoleAt(user, r.Given, now).May(chat.ActionHistory) || h.isOperator(user) {
				rooms = append(rooms, r.ID)
			}
		}
		if len(mine) < page {
			break
		}
	}
	return rooms, nil
}

// found goes on with what the store has found: the rooms are asked for the right to it.
func (s *Shard) found(o *Session, q *searchOf, page SearchPage, moment uint64, err error) {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		s.fail(o, q.ref, &chat.Error{
			Code: chat.CodeUnavailable, RetryAfter: retryLater,
			Message: "the search took too long; look for something rarer, or in one room",
		})
		return
	case err != nil:
		s.fail(o, q.ref, s.hub.typed("searching", err))
		return
	}
	c := &searchCheck{asker: q.asker, moment: moment, page: page}
	for i := range page.Hits {
		e := &page.Hits[i].Event
		at := slices.IndexFunc(c.rooms, func(r roomFound) bool { return r.id == e.Room })
		if at < 0 {
			at = len(c.rooms)
			c.rooms = append(c.rooms, roomFound{id: e.Room})
		}
		c.rooms[at].last = max(c.rooms[at].last, e.Seq)
	}
	if len(c.rooms) == 0 {
		o.Client.Found(o, q.ref, c.page)
		return
	}
	o.requests++ // it goes on
	s.request(roomRequest{room: c.rooms[0].id, other: c})
}

// roomFound is a room in which something was found.
type roomFound struct {
	id   chat.RoomID
	last chat.Seq
}

// searchCheck asks the homes of rooms, one after the other, for the right to read what was found there.
type searchCheck struct {
	asker
	page   SearchPage
	rooms  []roomFound // that are to be asked, the first one now
	moment uint64
	late   bool
}

func (c *searchCheck) at(h *home) {
	info := h.room.Info()
	// Events that are not here yet may have taken the right.
	if !c.late && h.lacks(info.Epoch, c.rooms[0].last) {
		c.late = true
		h.whenCaughtUp(c)
		return
	}
	if !h.room.Known(c.user) {
		h.whenKnown(c.user, c)
		return
	}
	if h.room.Access(c.user, chat.ActionHistory, h.shard.hub.nowMs()) != nil {
		c.page.Hits = slices.DeleteFunc(c.page.Hits, func(hit Hit) bool { return hit.Room == info.ID })
	}
	for i := range c.page.Hits {
		if hit := &c.page.Hits[i]; hit.Room == info.ID {
			hit.RoomName = info.Name
		}
	}
	c.rooms, c.late = c.rooms[1:], false
	if len(c.rooms) > 0 {
		h.shard.request(roomRequest{room: c.rooms[0].id, other: c})
		return
	}
	h.shard.answer(c.session.Worker(), &searchAllowed{c})
}

// searchAllowed has the page told.
type searchAllowed struct{ *searchCheck }

func (a *searchAllowed) on(s *Shard) {
	o := s.session(a.session)
	if o == nil {
		return
	}
	o.requests--
	for i := range a.page.Hits {
		s.stillSaid(&a.page.Hits[i].Event, a.moment)
	}
	a.page.Hits = slices.DeleteFunc(a.page.Hits, func(hit Hit) bool { return hit.Text == "" && hit.Files == "" })
	o.Client.Found(o, a.ref, a.page)
	for i := range a.page.Hits {
		hit := &a.page.Hits[i].Event
		s.unsent(o, queuedPage{hit.Room, hit.Seq, hit.Seq})
	}
}
