package sqlite

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"time"

	"sarang/chat"
)

// What is erased is overwritten with zeros (secure_delete), where it is. But where a page was split
// or joined with its neighbours before, SQLite has moved rows to another page, and what it leaves in
// the old one is not overwritten: it lies in the gap between the numbers of the page's cells and
// the first of them, until something else is put there. So when something was erased, by and by all
// pages are looked at, a few at a time, and gaps are filled with zeros. A commit has no part in it.
//
// https://www.sqlite.org/fileformat2.html#b_tree_pages

const (
	scrubPages = 256                   // looked at in one go
	scrubRest  = 10 * time.Millisecond // between two of them

	// scrubPagesMost is up to which number pages that are none of a tree can be told by their first
	// byte: it is the highest one of a page's number there.
	scrubPagesMost = 1<<25 - 1
)

// scrubber looks through the database some time after something was erased.
type scrubber struct {
	after  time.Duration // 0: never by itself
	wanted bool          // something was erased since a round began
	timer  *time.Timer   // nil: none is to come
	next   int64         // the page at which a round goes on; 0: none is under way
}

// committed is called after a commit, with the writer's turn.
func (s *Store) committed() {
	s.boundLog()
	if s.writer.erased {
		s.writer.erased = false
		s.scrubSoon()
	}
}

// scrubSoon is called when something was erased.
func (s *Store) scrubSoon() {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := &s.scrub
	x.wanted = true
	if x.timer == nil && !s.closed && x.after > 0 {
		x.timer = time.AfterFunc(x.after, s.scrubOn)
	}
}

// scrubOn does a part of a round, and sees that the next one is done.
func (s *Store) scrubOn() {
	ctx := context.Background()
	if s.begin(ctx) != nil {
		return
	}
	defer s.end()
	s.mu.Lock()
	x := &s.scrub
	from := max(x.next, 1)
	if from == 1 {
		x.wanted = false
	}
	s.mu.Unlock()
	next, _, err := s.scrubFrom(ctx, from)
	if err != nil {
		s.log.Warn("looking for what is left of erased texts failed; it is tried again later", "error", err)
		next = 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	x.next, x.timer = next, nil
	x.wanted = x.wanted || err != nil
	if next == 0 && err == nil {
		s.counts.scrubs.Add(1)
	}
	switch {
	case s.closed:
	case next != 0:
		x.timer = time.AfterFunc(scrubRest, s.scrubOn)
	case x.wanted:
		x.timer = time.AfterFunc(x.after, s.scrubOn)
	}
}

// Scrub does a whole round at once: behind it nothing that was erased before is left in the
// database, but for the write-ahead log. It returns in how many pages something was.
func (s *Store) Scrub(ctx context.Context) (found int, err error) {
	if err := s.begin(ctx); err != nil {
		return 0, err
	}
	defer s.end()
	for from := int64(1); from != 0; {
		var n int
		if from, n, err = s.scrubFrom(ctx, from); err != nil {
			return found, err
		}
		found += n
	}
	return found, nil
}

// scrubFrom looks at some pages from a number on, and returns the next one; 0 if there is none.
func (s *Store) scrubFrom(ctx context.Context, from int64) (next int64, found int, err error) {
	pages, last, err := s.gappy(ctx, from)
	if err != nil || len(pages) == 0 {
		return last, 0, err
	}
	w := s.writer
	if err := w.take(ctx); err != nil {
		return 0, 0, err
	}
	defer w.giveBack()
	if err := w.ready(ctx); err != nil {
		return 0, 0, err
	}
	do := func() error {
		for _, n := range pages {
			page, err := pageBytes(ctx, w.conn, n)
			if err != nil {
				return err
			}
			if !fillGap(page, n) {
				continue // it was put to use meanwhile
			}
			if _, err := w.conn.ExecContext(context.Background(), "UPDATE sqlite_dbpage SET data = ? WHERE pgno = ?", page, n); err != nil {
				return err
			}
			found++
		}
		return nil
	}
	stored := func() (bool, error) { return false, nil } // to do it again does no harm
	if err := w.transact(ctx, do, outcomeOf{stored, func() {}}); err != nil {
		return 0, 0, err
	}
	return last, found, nil
}

// gappy returns the numbers of pages, some from a number on, that have something in their gap, and
// the number behind those that it has looked at; 0 if there are no more.
func (s *Store) gappy(ctx context.Context, from int64) (pages []int64, next int64, err error) {
	if err := s.reads.enter(ctx); err != nil {
		return nil, 0, err
	}
	defer s.reads.leave()
	conn, err := s.readers.db.Conn(ctx)
	if err != nil {
		return nil, 0, readError(err)
	}
	defer conn.Close()
	var count, vacuum int64
	err = errors.Join(
		conn.QueryRowContext(ctx, "PRAGMA page_count").Scan(&count),
		conn.QueryRowContext(ctx, "PRAGMA auto_vacuum").Scan(&vacuum))
	switch {
	case err != nil:
		return nil, 0, readError(err)
	case count > scrubPagesMost || vacuum != 0: // it has pages that are taken for others
		return nil, 0, chat.Errorf(chat.CodeInternal, "what is left of erased texts can not be looked for in this database: rewrite it with VACUUM")
	}
	end := min(from+scrubPages, count+1)
	for n := from; n < end; n++ {
		page, err := pageBytes(ctx, conn, n)
		if err != nil {
			return nil, 0, err
		}
		if fillGap(page, n) {
			pages = append(pages, n)
		}
	}
	if end > count {
		end = 0
	}
	return pages, end, nil
}

func pageBytes(ctx context.Context, conn *sql.Conn, n int64) (page []byte, err error) {
	err = conn.QueryRowContext(ctx, "SELECT data FROM sqlite_dbpage WHERE pgno = ?", n).Scan(&page)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, readError(err)
	}
	return page, nil
}

// fillGap fills the gap of a page of a tree with zeros. It reports whether something else was
// there. A page that is not one of a tree as it should be is left alone.
func fillGap(page []byte, number int64) bool {
	header := 0
	if number == 1 {
		header = 100 // behind that of the database
	}
	if len(page) < 512 || len(page) > 1<<16 {
		return false
	}
	cells := header + 8
	switch page[header] {
	case 2, 5: // within the tree
		cells += 4
	case 10, 13: // its leaves
	default:
		return false
	}
	n := int(binary.BigEndian.Uint16(page[header+3:]))
	content := int(binary.BigEndian.Uint16(page[header+5:]))
	if content == 0 {
		content = 1 << 16
	}
	gap := cells + 2*n
	if gap > content || content > len(page) {
		return false
	}
	for i := range n {
		if at := int(binary.BigEndian.Uint16(page[cells+2*i:])); at < content || at >= len(page) {
			return false
		}
	}
	found := false
	for i := gap; i < content; i++ {
		if page[i] != 0 {
			page[i], found = 0, true
		}
	}
	return found
}
