package sqlstore

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"sarang/chat"
	"sarang/internal/words"
)

var (
	_ chat.Searcher = (*Store)(nil)
	_ chat.Indexer  = (*Store)(nil)
)

// A search goes down the ids of one term, the rarest, in steps of which each is bounded, and looks at those
// messages that have the others as well. A beginning of words that few have is gone down in the same way; if
// many have it, and there is nothing else, all messages are: the newest of them will do.
const (
	searchTermsMax = 8    // that the database is asked for; the texts are asked for the others
	searchRoomsMax = 8    // the same of rooms
	foundAtOnce    = 16   // messages that are read at once
	stepMin        = 256  // ids of the first step; each next one has four times as many,
	stepMax        = 4096 // up to so many
)

// rare are up to how many messages a term is counted, one after the other until one has fewer.
var rare = [...]int64{512, 4096}

// prefixRare is up to how many rows of search_terms a beginning is gone down.
const prefixRare = 4096

// afterAll comes behind all that goes on: it is no character.
const afterAll = "\U0010FFFF"

type searchStatements struct {
	counts        string
	step, stepAll string
	byTerm, all   places
	byPrefix      places
	found, newest string
}

// places are entries with all that is looked for, in some rooms, or in any.
type places struct{ in, anywhere string }

func compileSearch(d *Dialect) searchStatements {
	counts := make([]string, searchTermsMax)
	for i := range counts {
		counts[i] = "SELECT " + strconv.Itoa(i) + ", count(*) FROM (SELECT id FROM search_terms WHERE term >= ? AND term <= ?{limit}) t" + strconv.Itoa(i)
	}
	const (
		steps = "SELECT d.id FROM (SELECT id FROM "
		below = "id < ? AND id >= ? ORDER BY id DESC{limit}) d ORDER BY d.id{limit}"
	)
	of := func(from string) (p places) {
		query := "SELECT p.id, p.room_id, p.seq FROM " + from + strings.Repeat(" AND p.terms LIKE ?", searchTermsMax)
		p.in = d.compile(query + " AND p.room_id IN (?" + strings.Repeat(", ?", searchRoomsMax-1) + ") ORDER BY p.id DESC")
		p.anywhere = d.compile(query + " ORDER BY p.id DESC")
		return p
	}
	// A limit keeps the database from beginning elsewhere: with all messages of a room, say.
	some := "(SELECT id, room_id, seq FROM search_places WHERE id IN (?" + strings.Repeat(", ?", foundAtOnce-1) + ") ORDER BY id{limit}) p"
	s := searchStatements{
		counts:  strings.Join(counts, " UNION ALL "),
		step:    steps + "search_terms WHERE term = ? AND " + below,
		stepAll: steps + "search_places WHERE " + below,
		byTerm: of(`(SELECT id FROM search_terms WHERE term = ? AND id < ? AND id >= ? ORDER BY id DESC{limit}) d
			JOIN search_places p ON p.id = d.id WHERE p.id > -1`),
		all: of("(SELECT id, room_id, seq, terms FROM search_places WHERE id < ? AND id >= ? ORDER BY id DESC{limit}) p WHERE p.id > -1"),
		byPrefix: of(`(SELECT DISTINCT id FROM search_terms WHERE term >= ? AND term <= ? AND id < ? AND id >= ?) d
			JOIN search_places p ON p.id = d.id WHERE p.id > -1`),
		// A room that was deleted is not found, and what it held is not.
		found: "SELECT p.id, p.room_id, coalesce(c.edited, 0), " + columnsOfEvent + " FROM " + some + `
			JOIN rooms r ON r.id = p.room_id
			JOIN messages m ON m.room_id = p.room_id AND m.seq = p.seq
			LEFT JOIN users u ON u.id = m.user_id

			LEFT JOIN changes c ON c.room_id = p.room_id AND c.target = p.seq`,
		newest: "SELECT p.id, m.text FROM " + some + `
			JOIN changes c ON c.room_id = p.room_id AND c.target = p.seq
			JOIN messages m ON m.room_id = c.room_id AND m.seq = c.edited`,
	}
	for _, query := range []*string{&s.counts, &s.step, &s.stepAll, &s.found, &s.newest} {
		*query = d.compile(*query)
	}
	return s
}

// Search is documented at chat.Searcher.
func (s *Store) Search(ctx context.Context, q chat.SearchQuery) (chat.Found, error) {
	if s.config.NoSearch {
		return chat.Found{}, noSearch()
	}
	search, err := words.Read(q)
	if err != nil {
		return chat.Found{}, err
	}
	l := look{store: s, search: search, rooms: q.Rooms, before: math.MaxInt64, least: firstPlace(q.AfterMs)}
	if q.BeforeMs != 0 {
		l.before = firstPlace(q.BeforeMs)
	}
	if q.From != "" {
		from, err := strconv.ParseInt(q.From, 36, 64)
		if err != nil || from < 0 {
			return chat.Found{}, chat.Errorf(chat.CodeBadRequest, "a search goes on from what the page before has said, and from nothing else")
		}
		l.before = min(l.before, from)
	}
	if err := s.begin(ctx); err != nil {
		return chat.Found{}, err
	}
	defer s.end()
	partial, begun := !s.backlog.whole.Load(), l.before
	l.page = search.Begin()
	err = l.run(ctx)
	page := l.page.Found
	page.Partial = partial
	switch {
	case err == nil:
	case ctx.Err() != nil && l.before < begun: // it tells what it has found in its time, and where to go on
		page.Next = strconv.FormatInt(l.before, 36)
	default:
		return chat.Found{}, err
	}
	return page, nil
}

func noSearch() error { return chat.Errorf(chat.CodeNoSearch, "this server does not search") }

// look is a search on its way.
type look struct {
	store  *Store
	search *words.Search
	rooms  []chat.RoomID
	page   *words.Page
	before int64 // what was not looked at yet is below it,
	least  int64 // and what is not to be looked at any more below this

	terms  []words.Term // that the database is asked for
	drive  int          // which of them is gone down; -1: all messages
	likes  []any        // the others, as patterns
	inside []any        // the rooms, if they are few
}

// run goes on until the page ends.
func (l *look) run(ctx context.Context) error {
	if err := l.plan(ctx); err != nil {
		return err
	}
	if l.drive >= 0 && l.terms[l.drive].Prefix {
		term := l.terms[l.drive].Text
		found, err := l.places(ctx, &l.store.sql.index.search.byPrefix, term, term+afterAll, l.before, l.least)
		if err == nil {
			_, err = l.lookAt(ctx, found)
		}
		return err
	}
	var took time.Duration
	for n := int64(stepMin); ; n = min(4*n, stepMax) {
		if end, is := ctx.Deadline(); is && time.Until(end) < 2*took {
			// What it has is told in time, and no connection is given up for what takes too long.
			l.page.Found.Next = strconv.FormatInt(l.before, 36)
			return nil
		}
		began := time.Now()
		upTo, err := l.step(ctx, n)
		if err != nil || upTo == l.before {
			return err
		}
		var found []entryIn
		q := &l.store.sql.index.search
		if l.drive < 0 {
			found, err = l.places(ctx, &q.all, l.before, upTo, n)
		} else {
			found, err = l.places(ctx, &q.byTerm, l.terms[l.drive].Text, l.before, upTo, n)
		}
		if err != nil {
			return err
		}
		full, err := l.lookAt(ctx, found)
		if err != nil || full {
			return err
		}
		l.before, took = upTo, time.Since(began)
	}
}

// step returns the last of the next n ids that are gone down, or l.before if there is none.
func (l *look) step(ctx context.Context, n int64) (upTo int64, err error) {
	q := &l.store.sql.index.search
	query, args := q.stepAll, []any{l.before, l.least, n, int64(1)}
	if l.drive >= 0 {
		query, args = q.step, append([]any{l.terms[l.drive].Text}, args...)
	}
	err = l.store.read(ctx, func(ctx context.Context, c Conn) error {
		upTo = l.before
		return c.Query(ctx, query, args, func(scan Scan) error { return scan(&upTo) })
	})
	return upTo, err
}

// plan chooses what is gone down, and what else the database is asked for.
func (l *look) plan(ctx context.Context) error {
	l.terms = slices.Clone(l.search.Terms)
	// Who looks for more than that is asked for his longest words: they are the rarest.
	slices.SortStableFunc(l.terms, func(a, b words.Term) int { return len(b.Text) - len(a.Text) })
	if len(l.search.Rooms) == 1 {
		l.terms = append([]words.Term{{Text: l.search.Rooms[0]}}, l.terms...)
	}
	l.terms = l.terms[:min(len(l.terms), searchTermsMax)]
	if len(l.search.Rooms) > 0 {
		for i := range searchRoomsMax {
			l.inside = append(l.inside, signed(l.rooms[min(i, len(l.rooms)-1)]))
		}
	}
	if err := l.choose(ctx); err != nil {
		return err
	}
	for i, t := range l.terms {
		like := "% " + t.Text + " %"
		if t.Prefix {
			like = "% " + t.Text + "%"
		}
		if i != l.drive {
			l.likes = append(l.likes, like)
		}
	}
	for len(l.likes) < searchTermsMax {
		l.likes = append(l.likes, "%")
	}
	return nil
}

// choose chooses the rarest term. Of those that are not rare one is as good as the other, but for
// beginnings: a message may have several of them.
func (l *look) choose(ctx context.Context) error {
	if l.drive = 0; len(l.terms) == 1 && !l.terms[0].Prefix {
		return nil
	}
	var counts [searchTermsMax]int64
	for _, most := range rare {
		if err := l.count(ctx, counts[:], most); err != nil {
			return err
		}
		least := int64(math.MaxInt64)
		l.drive = -1
		for i, t := range l.terms {
			if n := counts[i]; n < least && (!t.Prefix || n < prefixRare) {
				l.drive, least = i, n
			}
		}
		if least < most {
			return nil
		}
	}
	return nil
}

// count counts the rows of each term, up to most.
func (l *look) count(ctx context.Context, counts []int64, most int64) error {
	args := make([]any, 0, 3*searchTermsMax)
	for i := range searchTermsMax {
		if i >= len(l.terms) {
			args = append(args, "", "", int64(0))
			continue
		}
		t := l.terms[i]
		last := t.Text
		if t.Prefix {
			last += afterAll
		}
		args = append(args, t.Text, last, most)
	}
	return l.store.read(ctx, func(ctx context.Context, c Conn) error {
		return c.Query(ctx, l.store.sql.index.search.counts, args, func(scan Scan) error {
			var i, n int64
			err := scan(&i, &n)
			counts[min(max(int(i), 0), len(counts)-1)] = n
			return err
		})
	})
}

// entryIn is where a message is.
type entryIn struct {
	place int64
	room  chat.RoomID
}

func (l *look) places(ctx context.Context, p *places, args ...any) (found []entryIn, err error) {
	query := p.anywhere
	args = append(args, l.likes...)
	if l.inside != nil {
		query, args = p.in, append(args, l.inside...)
	}
	err = l.store.read(ctx, func(ctx context.Context, c Conn) error {
		found = nil
		return c.Query(ctx, query, args, func(scan Scan) error {
			var e entryIn
			var room, seq int64
			err := scan(&e.place, &room, &seq)
			e.room = chat.RoomID(room)
			found = append(found, e)
			return err
		})
	})
	return found, err
}

// lookAt looks at messages, and notes how far it has come. full: the page has ended.
func (l *look) lookAt(ctx context.Context, found []entryIn) (full bool, err error) {
	for len(found) > 0 {
		some := found[:min(len(found), foundAtOnce)]
		found = found[len(some):]
		events, err := l.read(ctx, some)
		if err != nil {
			return false, err
		}
		for _, e := range some {
			event := events[e.place]
			if !l.page.Look() || event != nil && !l.page.Add(event) {
				l.page.Found.Next = strconv.FormatInt(l.before, 36)
				return true, nil
			}
			l.before = e.place
		}
	}
	return false, nil
}

// read reads messages as they are now, if they are there and in rooms that are searched.
func (l *look) read(ctx context.Context, some []entryIn) (map[int64]*chat.Event, error) {
	var args []any
	for _, e := range some {
		if l.search.InRooms(e.room) {
			args = append(args, e.place)
		}
	}
	if len(args) == 0 {
		return nil, nil
	}
	for len(args) < foundAtOnce {
		args = append(args, args[0])
	}
	args = append(args, int64(foundAtOnce))
	var events map[int64]*chat.Event
	edited := false
	q := &l.store.sql.index.search
	err := l.store.read(ctx, func(ctx context.Context, c Conn) error {
		events, edited = make(map[int64]*chat.Event), false
		err := c.Query(ctx, q.found, args, func(scan Scan) error {
			var place, room, edit int64
			e, err := scanEvent(func(dest ...any) error { return scan(append([]any{&place, &room, &edit}, dest...)...) }, 0)
			e.Room = chat.RoomID(room)
			edited = edited || edit != 0
			events[place] = &e
			return err
		})
		if err != nil || !edited {
			return err
		}
		return c.Query(ctx, q.newest, args, func(scan Scan) error {
			var place int64
			var text string
			err := scan(&place, &text)
			if e := events[place]; e != nil {
				e.Text = text
			}
			return err
		})
	})
	return events, err
}
