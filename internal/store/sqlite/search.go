package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"strconv"
	"strings"

	"sarang/chat"
	"sarang/internal/words"
)

var (
	_ chat.Searcher = (*Store)(nil)
	_ chat.Indexer  = (*Store)(nil)
)

// selectPlaces are entries with all the terms, the newest first.
const selectPlaces = `SELECT i.id, i.room_id, i.seq FROM search CROSS JOIN indexed i ON i.id = search.rowid
	WHERE search MATCH ?1 AND search.rowid < ?2 AND search.rowid >= ?3 ORDER BY search.rowid DESC LIMIT ?4`

// selectFound is a message as it was said, and selectEdited its newest edit.
const (
	selectFound  = selectEvents + "m.seq = ? AND EXISTS (SELECT 1 FROM rooms WHERE id = m.room_id)"
	selectEdited = `SELECT e.text FROM changes c JOIN messages e ON e.room_id = c.room_id AND e.seq = c.edited
	WHERE c.room_id = ? AND c.target = ? AND c.edited <> 0`
)

// placesAtOnce is how many entries are read before their messages are.
const placesAtOnce = 128

// Search is documented at chat.Searcher.
func (s *Store) Search(ctx context.Context, q chat.SearchQuery) (chat.Found, error) {
	if s.noSearch {
		return chat.Found{}, chat.Errorf(chat.CodeNoSearch, "this server does not search")
	}
	search, err := words.Read(q)
	if err != nil {
		return chat.Found{}, err
	}
	before := int64(math.MaxInt64)
	if q.BeforeMs != 0 {
		before = firstPlace(q.BeforeMs)
	}
	if q.From != "" {
		from, err := strconv.ParseInt(q.From, 36, 64)
		if err != nil || from < 0 {
			return chat.Found{}, chat.Errorf(chat.CodeBadRequest, "a search goes on from what the page before has said, and from nothing else")
		}
		before = min(before, from)
	}
	if err := s.beginRead(ctx); err != nil {
		return chat.Found{}, err
	}
	defer s.endRead()
	page := search.Begin()
	page.Found.Partial = !s.writer.indexed.Load()
	stopped, err := s.searchFrom(ctx, search, page, before, firstPlace(q.AfterMs))
	switch {
	case err == nil:
	case ctx.Err() != nil && stopped < before: // it tells what it has found in its time, and where to go on
		page.Found.Next = strconv.FormatInt(stopped, 36)
	default:
		return chat.Found{}, readError(err)
	}
	return page.Found, nil
}

// searchFrom looks at the entries below before, and not below least, until the page ends. It returns
// which one it has looked at last.
func (s *Store) searchFrom(ctx context.Context, search *words.Search, page *words.Page, before, least int64) (stopped int64, err error) {
	match := matchOf(search)
	for {
		n := placesAtOnce
		entries, err := s.places(ctx, match, before, least, n)
		if err != nil {
			return before, err
		}
		for _, e := range entries {
			if !page.Look() {
				page.Found.Next = strconv.FormatInt(before, 36)
				return before, nil
			}
			if search.InRooms(e.room) {
				if found, err := s.found(ctx, e.room, e.seq); err != nil {
					return before, err
				} else if found != nil && !page.Add(found) {
					page.Found.Next = strconv.FormatInt(before, 36)
					return before, nil
				}
			}
			before = e.place
		}
		if len(entries) < n {
			return before, nil
		}
	}
}

// matchOf is what the index is asked. Terms have no quotes in them.
func matchOf(search *words.Search) string {
	var b strings.Builder
	for i, t := range search.Terms {
		if i > 0 {
			b.WriteString(" AND ")
		}
		b.WriteString(`"` + t.Text + `"`)
		if t.Prefix {
			b.WriteString(" *")
		}
	}
	if len(search.Rooms) > 0 {
		b.WriteString(` AND ("` + strings.Join(search.Rooms, `" OR "`) + `")`)
	}
	return b.String()
}

func (s *Store) places(ctx context.Context, match string, before, least int64, most int) (entries []entry, err error) {
	rows, err := s.readers.places.QueryContext(ctx, match, before, least, most)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var e entry
		if err := rows.Scan(bits[int64]{&e.place}, number[chat.RoomID]{&e.room}, number[chat.Seq]{&e.seq}); err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, rows.Err()
}

// found is a message; nil if it is gone.
func (s *Store) found(ctx context.Context, room chat.RoomID, seq chat.Seq) (*chat.Event, error) {
	rows, err := s.readers.found.QueryContext(ctx, int64(room), int64(seq))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	if !rows.Next() {
		return nil, rows.Err()
	}
	e, err := scanEvent(rows, room)
	if err := errors.Join(err, rows.Close()); err != nil {
		return nil, err
	}
	err = s.readers.edited.QueryRowContext(ctx, int64(room), int64(seq)).Scan(text{&e.Text})
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, err
	}
	return &e, nil
}

// indexState is what the file says of the index.
type indexState struct {
	version string // what cut the texts into words
	done    bool   // all messages are in it; said only while the store is closed
}

func (w *writer) indexState(ctx context.Context) (st indexState, err error) {
	err = w.index.state.QueryRowContext(ctx).Scan(text{&st.version}, flag{&st.done})
	return st, err
}

func (w *writer) setIndexState(st indexState) error {
	return exec(context.Background(), w.index.setState, st.version, bit(st.done))
}
