package sqlstore

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"sarang/chat"
	"sarang/internal/words"
)

// The index of what messages say is written here; search.go reads it. indexer.go brings messages into it,
// a moment after they were stored. What is edited or erased is taken out in the transaction that does it.

// searchSchema is the step of the schema that makes the index.
func searchSchema() []string {
	return []string{
		// A message in the index. id is its place in the order of a search: the millisecond, times
		// 2^20, and a number among those of the same one. terms are what it is found by, with
		// spaces around each: by them its rows of search_terms are found again.
		`CREATE TABLE search_places (
			id      BIGINT NOT NULL PRIMARY KEY,
			room_id BIGINT NOT NULL,
			seq     BIGINT NOT NULL,
			terms   {text} NOT NULL
		)`,
		"CREATE UNIQUE INDEX search_places_seq ON search_places (room_id, seq)",
		// Who looks for a term goes down its ids.
		`CREATE TABLE search_terms (
			term {key} NOT NULL,
			id   BIGINT NOT NULL,
			PRIMARY KEY (term, id)
		)`,
		// Up to where a room's log was looked at, in the generation gen: 0 in all others. Who
		// changes what the index says of a room locks its row.
		`CREATE TABLE search_marks (
			room_id BIGINT NOT NULL PRIMARY KEY,
			seq     BIGINT NOT NULL,
			gen     BIGINT NOT NULL
		)`,
		"INSERT INTO search_marks (room_id, seq, gen) SELECT room_id, 0, 0 FROM heads WHERE flags IN (0, 2, 4, 6)",
		// One row: what cut the texts into terms, and how often that has changed. Who brings
		// messages in locks it, so that one server at a time does.
		`CREATE TABLE search_state (
			id      BIGINT NOT NULL PRIMARY KEY,
			version {text} NOT NULL,
			gen     BIGINT NOT NULL
		)`,
		"INSERT INTO search_state (id, version, gen) VALUES (1, '', 0)",
	}
}

// Places.
const (
	placeBits  = 20                      // of them count the messages of one millisecond
	placeMsMax = int64(1)<<42 - 1        // the last millisecond that has places, in the year 2109
	placeMost  = int64(1)<<placeBits - 1 // of one millisecond; what comes behind is not found
)

// firstPlace is the first place of what is dated ms or later.
func firstPlace(ms int64) int64 { return min(max(ms, 0), placeMsMax) << placeBits }

const (
	pairsAtOnce  = 64  // rows of search_terms that one statement takes out, or puts in while there are as many
	lastsAtOnce  = 32  // milliseconds whose newest places are asked for at once
	unreadAtOnce = 128 // events of one room that are looked at before their places are given
)

// indexStatements are those about the index.
type indexStatements struct {
	state, lockState, setState       string
	insertMark, lockMark, setMark    string
	dropMark, marks                  string
	unread, edited                   string
	place, placesUpTo, somePlaces    string
	placesBetween, lastPlaces        string
	insertPlace, setTerms, dropPlace string
	insertTerm, insertTerms          string
	dropTerms                        string
	original                         string
	search                           searchStatements
}

func compileIndex(d *Dialect) indexStatements {
	const place = "SELECT id, seq, terms FROM search_places WHERE room_id = ? AND seq "
	lasts := make([]string, lastsAtOnce)
	for i := range lasts {
		// Columns and no expressions: a driver that does not know what those are may take them for 32 bits.
		lasts[i] = "SELECT id FROM (SELECT id FROM search_places WHERE id >= ? AND id <= ? ORDER BY id DESC{limit}) l" + strconv.Itoa(i)
	}
	s := indexStatements{
		state:     "SELECT version, gen FROM search_state WHERE id = 1",
		lockState: "SELECT version, gen FROM search_state WHERE id = 1{for update}",
		setState:  "UPDATE search_state SET version = ?, gen = ? WHERE id = 1",

		insertMark: "INSERT INTO search_marks (room_id, seq, gen) VALUES (?, 0, 0)",
		lockMark:   "SELECT seq, gen FROM search_marks WHERE room_id = ?{for update}",
		setMark:    "UPDATE search_marks SET seq = ?, gen = ? WHERE room_id = ?",
		dropMark:   "DELETE FROM search_marks WHERE room_id = ?",
		marks: `SELECT i.room_id, i.seq, i.gen, h.last_seq FROM
			(SELECT * FROM search_marks WHERE room_id > ? ORDER BY room_id{limit}) i JOIN heads h ON h.room_id = i.room_id ORDER BY i.room_id`,

		unread: `SELECT m.seq, m.kind, m.user_id, m.time_ms, m.text, coalesce(c.edited, 0), coalesce(c.deleted, 0) FROM messages m
			LEFT JOIN changes c ON c.room_id = m.room_id AND c.target = m.seq
			WHERE m.room_id = ? AND m.seq > ? ORDER BY m.seq{limit}`,

		edited: `SELECT c.target, m.text FROM
			(SELECT room_id, target, edited FROM changes WHERE room_id = ? AND target > ? AND target <= ? ORDER BY target{limit}) c
			JOIN messages m ON m.room_id = c.room_id AND m.seq = c.edited WHERE c.edited <> 0`,
		original: "SELECT user_id, text FROM messages WHERE room_id = ? AND seq = ?",

		place:         place + "= ?",
		placesUpTo:    place + "<= ?",
		placesBetween: place + "> ? AND seq <= ?",
		somePlaces:    "SELECT id, seq, terms FROM search_places WHERE room_id = ? ORDER BY seq{limit}",
		lastPlaces:    strings.Join(lasts, " UNION ALL "),
		insertPlace:   "INSERT INTO search_places (id, room_id, seq, terms) VALUES (?, ?, ?, ?)",
		setTerms:      "UPDATE search_places SET terms = ? WHERE id = ?",
		dropPlace:     "DELETE FROM search_places WHERE id = ?",

		insertTerm:  "INSERT INTO search_terms (term, id) VALUES (?, ?)",
		insertTerms: "INSERT INTO search_terms (term, id) VALUES (?, ?)" + strings.Repeat(", (?, ?)", pairsAtOnce-1),
		dropTerms:   "DELETE FROM search_terms WHERE (term = ? AND id = ?)" + strings.Repeat(" OR (term = ? AND id = ?)", pairsAtOnce-1),

		search: compileSearch(d),
	}
	for _, query := range []*string{
		&s.state, &s.lockState, &s.setState, &s.insertMark, &s.lockMark, &s.setMark, &s.dropMark, &s.marks, &s.unread, &s.edited, &s.original,
		&s.place, &s.placesUpTo, &s.placesBetween, &s.somePlaces, &s.lastPlaces, &s.insertPlace, &s.setTerms, &s.dropPlace,
		&s.insertTerm, &s.insertTerms, &s.dropTerms,
	} {
		*query = d.compile(*query)
	}
	return s
}

// entry is a message of the index.
type entry struct {
	place int64 // 0: there is none, or none is left
	seq   chat.Seq
	ms    int64
	terms string // as in search_places
	was   string // what it was found by so far
}

// termsOf is what the index keeps of a message.
func termsOf(room chat.RoomID, m *chat.Event) string {
	terms := words.MessageTerms(room, m.User, m.Text, m.Files != "")
	if len(terms) == 0 {
		return ""
	}
	return " " + strings.Join(terms, " ") + " "
}

// pair is a row of search_terms.
type pair struct {
	term string
	id   int64
}

func pairsOf(all []pair, terms string, id int64) []pair {
	for term := range strings.FieldsSeq(terms) {
		all = append(all, pair{term, id})
	}
	return all
}

// addPairs inserts rows, in their order in the table.
func (s *Store) addPairs(ctx context.Context, c Conn, pairs []pair) error {
	slices.SortFunc(pairs, comparePairs)
	args := make([]any, 0, 2*pairsAtOnce)
	for len(pairs) > 0 {
		query, n := s.sql.index.insertTerm, 1
		if len(pairs) >= pairsAtOnce {
			query, n = s.sql.index.insertTerms, pairsAtOnce
		}
		args = args[:0]
		for _, p := range pairs[:n] {
			args = append(args, p.term, p.id)
		}
		if _, err := c.Exec(ctx, query, args...); err != nil {
			return err
		}
		pairs = pairs[n:]
	}
	return nil
}

func comparePairs(a, b pair) int {
	if c := strings.Compare(a.term, b.term); c != 0 {
		return c
	}
	return int(min(max(a.id-b.id, -1), 1))
}

// dropPairs deletes rows.
func (s *Store) dropPairs(ctx context.Context, c Conn, pairs []pair) error {
	slices.SortFunc(pairs, comparePairs)
	args := make([]any, 0, 2*pairsAtOnce)
	for len(pairs) > 0 {
		n := min(len(pairs), pairsAtOnce)
		args = args[:0]
		for i := range pairsAtOnce {
			p := pairs[min(i, n-1)] // the last one again and again
			args = append(args, p.term, p.id)
		}
		if _, err := c.Exec(ctx, s.sql.index.dropTerms, args...); err != nil {
			return err
		}
		pairs = pairs[n:]
	}
	return nil
}

// changeTerms has entries that have their places found by something else.
func (s *Store) changeTerms(ctx context.Context, c Conn, entries ...entry) error {
	var gone, come []pair
	for _, e := range entries {
		if e.was == e.terms {
			continue
		}
		for _, p := range pairsOf(nil, e.was, e.place) {
			if !strings.Contains(e.terms, " "+p.term+" ") {
				gone = append(gone, p)
			}
		}
		for _, p := range pairsOf(nil, e.terms, e.place) {
			if !strings.Contains(e.was, " "+p.term+" ") {
				come = append(come, p)
			}
		}
		if _, err := c.Exec(ctx, s.sql.index.setTerms, e.terms, e.place); err != nil {
			return err
		}
	}
	if err := s.dropPairs(ctx, c, gone); err != nil {
		return err
	}
	return s.addPairs(ctx, c, come)
}

// dropEntries takes entries out.
func (s *Store) dropEntries(ctx context.Context, c Conn, entries []entry) error {
	var gone []pair
	for _, e := range entries {
		gone = pairsOf(gone, e.was, e.place)
		if _, err := c.Exec(ctx, s.sql.index.dropPlace, e.place); err != nil {
			return err
		}
	}
	return s.dropPairs(ctx, c, gone)
}

// entries reads those that a query tells.
func (s *Store) entries(ctx context.Context, c Conn, query string, args ...any) (all []entry, err error) {
	err = c.Query(ctx, query, args, func(scan Scan) error {
		var e entry
		var seq int64
		err := scan(&e.place, &seq, &e.was)
		e.seq = chat.Seq(seq)
		all = append(all, e)
		return err
	})
	return all, err
}

// lockMark keeps the indexer away from a room until the transaction ends, and returns how far it has
// come. There is no mark of a room that was deleted, and of an ephemeral one.
func (s *Store) lockMark(ctx context.Context, c Conn, room int64) (mark, gen int64, there bool, err error) {
	err = c.Query(ctx, s.sql.index.lockMark, []any{room}, func(scan Scan) error {
		there = true
		return scan(&mark, &gen)
	})
	return mark, gen, there, err
}

// reindex has the index say what became of a message by an edit or a deletion, in its transaction. One that
// is not in the index yet comes into it as it is then.
func (s *Store) reindex(ctx context.Context, c Conn, e *chat.Event) error {
	room, target := int64(e.Room), int64(e.Target)
	if _, _, there, err := s.lockMark(ctx, c, room); err != nil || !there {
		return err
	}
	entries, err := s.entries(ctx, c, s.sql.index.place, room, target)
	if err != nil || len(entries) == 0 {
		return err
	}
	if e.Kind == chat.EventDelete {
		return s.dropEntries(ctx, c, entries)
	}
	said := chat.Event{Kind: chat.EventMessage}
	err = c.Query(ctx, s.sql.index.original, []any{room, target}, func(scan Scan) error {
		var user int64
		var body string
		err := scan(&user, &body)
		said.User = chat.UserID(user)
		said.SetBody(body)
		return err
	})
	said.Text = e.Text
	entries[0].terms = termsOf(e.Room, &said)
	if err != nil {
		return err
	}
	return s.changeTerms(ctx, c, entries[0])
}

// dropGone takes the messages of a room up to one out of the index, which are about to be erased.
func (s *Store) dropGone(ctx context.Context, c Conn, room, upTo int64) error {
	if _, _, _, err := s.lockMark(ctx, c, room); err != nil {
		return err
	}
	entries, err := s.entries(ctx, c, s.sql.index.placesUpTo, room, upTo)
	if err != nil {
		return err
	}
	return s.dropEntries(ctx, c, entries)
}

// dropSome takes up to most messages of a room that was deleted out of the index, and returns how many.
func (s *Store) dropSome(ctx context.Context, c Conn, room, most int64) (int, error) {
	entries, err := s.entries(ctx, c, s.sql.index.somePlaces, room, most)
	if err != nil {
		return 0, err
	}
	return len(entries), s.dropEntries(ctx, c, entries)
}
