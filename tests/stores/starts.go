package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"sarang/chat"
	"sarang/internal/store"
	"sarang/internal/store/sqlite"
)

const (
	usersOfStart = 1000
	pageEvents   = 50
	pagesRead    = 300
)

// filling is what fills a store that was just made, by its own SQL: through chat.Store it would
// take many times as long. Rooms get their messages in turns, as they do in life, so that those
// of one room do not lie together. {i} are the numbers from 1 to the parameter.
func filling(postgres bool, rooms, each int) []string {
	private, flags, padded := "", "0", "printf('%08d', i)"
	if postgres {
		private, flags, padded = ", private", "0", "lpad(i::text, 8, '0')"
	}
	all := []string{
		fmt.Sprintf("INSERT INTO users (id, name, name_key, created_ms, seen_ms, look%s) SELECT i, 'user' || %s, 'user' || %s, 1, 1, 'user' || %s%s FROM {%d}",
			map[bool]string{true: ", token_hash"}[postgres], padded, padded, padded, map[bool]string{true: ", ''"}[postgres], usersOfStart),
		fmt.Sprintf("INSERT INTO rooms (id, name, name_key, epoch, creator, created_ms%s) SELECT i, 'room' || %s, 'room' || %s, i, 1, 1, %s FROM {%d}",
			map[bool]string{true: private, false: ", flags"}[postgres], padded, padded, flags, rooms),
	}
	for seq := 1; seq <= each; seq++ {
		all = append(all, fmt.Sprintf(`INSERT INTO messages (room_id, seq, user_id, kind, nonce, time_ms, prev_seq, target, subject, role, until_ms, digest, said, said_seq, text)
			SELECT i, %d, 1 + i %% %d, 1, i, 1700000000000 + i, %d, 0, 0, 0, 0, 1, %d, %d, '%s' FROM {%d}`,
			seq, usersOfStart, seq-1, seq, seq, strings.Repeat("안녕 hello ", 10), rooms))
	}
	all = append(all, fmt.Sprintf("INSERT INTO authors (user_id, room_id, last_seq, sent_count) SELECT 1 + i %% %d, i, %d, %d FROM {%d}", usersOfStart, each, each, rooms))
	if postgres {
		return append(all,
			fmt.Sprintf("INSERT INTO heads (room_id, last_seq, last_ms, flags, said, said_seq) SELECT i, %d, 1700000000000 + i, 0, %d, %d FROM {%d}", each, each, each, rooms),
			fmt.Sprintf("UPDATE counters SET value = CASE name WHEN 'users' THEN %d ELSE %d END", usersOfStart, rooms),
			"ANALYZE")
	}
	return append(all, fmt.Sprintf("UPDATE totals SET rooms = %d", rooms))
}

// fill fills the store that a place names.
func (m *machine) fill(ctx context.Context, kind, place string) error {
	s, err := store.Open(ctx, place, store.Options{}) // makes the tables
	if err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	each := m.messages / m.rooms
	if kind == "sqlite" {
		db, err := sql.Open("sqlite", "file:"+filepath.Join(strings.TrimPrefix(place, "sqlite:"), sqlite.DatabaseFile)+
			"?_pragma=synchronous(0)&_pragma=cache_size(-262144)")
		if err != nil {
			return err
		}
		for _, query := range filling(false, m.rooms, each) {
			before, n, _ := strings.Cut(query, "{")
			if n != "" {
				query = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT " + strings.TrimSuffix(n, "}") + ") " + before + "n"
			}
			if _, err := db.ExecContext(ctx, query); err != nil {
				return errors.Join(fmt.Errorf("%.60s: %w", query, err), db.Close())
			}
		}
		return db.Close()
	}
	u, err := m.newest()
	if err != nil {
		return err
	}
	c, err := pgx.Connect(ctx, u.String())
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(ctx) }()
	for _, query := range append([]string{"SET synchronous_commit = off"}, filling(true, m.rooms, each)...) {
		if before, n, has := strings.Cut(query, "{"); has {
			query = before + "generate_series(1, " + strings.TrimSuffix(n, "}") + ") AS g (i)"
		}
		if _, err := c.Exec(ctx, query); err != nil {
			return fmt.Errorf("%.60s: %w", query, err)
		}
	}
	return nil
}

// measureStarts opens stores that hold much, and reads from anywhere.
func measureStarts(ctx context.Context, m *machine) (*table, error) {
	t := newTable()
	places := map[string]string{}
	for _, kind := range m.kinds {
		place, err := m.fresh(kind)
		if err != nil {
			return nil, err
		}
		at := time.Now()
		if err := m.fill(ctx, kind, place); err != nil {
			return nil, fmt.Errorf("filling %s: %w", kind, err)
		}
		t.add("filled in, s", kind, time.Since(at).Seconds(), false)
		places[kind] = place
	}
	return t, m.turns(m.kinds, func(kind string) (err error) {
		at := time.Now()
		s, err := store.Open(ctx, places[kind], store.Options{})
		if err != nil {
			return err
		}
		t.add("opened in, ms", kind, time.Since(at).Seconds()*1000, false)
		defer func() { err = errors.Join(err, s.Close()) }()
		return m.read(ctx, t, kind, s)
	})
}

// read reads pages of all sorts from a store.
func (m *machine) read(ctx context.Context, t *table, kind string, s chat.Store) error {
	each := m.messages / m.rooms
	room := func() chat.RoomID { return chat.RoomID(1 + rand.IntN(m.rooms)) }
	for _, what := range []struct {
		name string
		read func() (int, error)
		want int
	}{
		{"a page of history from anywhere", func() (int, error) {
			page, _, err := s.History(ctx, room(), chat.Page{Before: chat.Seq(each + 1), ItemsMax: pageEvents, BytesMax: 1 << 20})
			return len(page), err
		}, min(each, pageEvents)},
		{"a room by its id", func() (int, error) {
			r, err := s.Room(ctx, room())
			return int(r.LastSeq), err
		}, each},
		{"a page of 50 rooms", func() (int, error) {
			page, err := s.Rooms(ctx, chat.RoomID(rand.IntN(max(m.rooms-pageEvents, 1))), pageEvents)
			return len(page), err
		}, min(m.rooms, pageEvents)},
		{"what a user has said in a room", func() (int, error) {
			r := room()
			a, err := s.Author(ctx, r, 1+chat.UserID(r)%usersOfStart, 16)
			return len(a.Nonces), err
		}, min(each, 16)},
	} {
		var took durations
		for range pagesRead {
			at := time.Now()
			n, err := what.read()
			if err != nil {
				return fmt.Errorf("%s: %w", what.name, err)
			}
			if n < what.want { // a round before this one has written a little
				return fmt.Errorf("%s: there are %d, want %d", what.name, n, what.want)
			}
			took = append(took, time.Since(at))
		}
		t.add(what.name+", p50, ms", kind, took.ms(0.5), true)
		t.add("— p99, ms ("+what.name+")", kind, took.ms(0.99), false)
	}
	// And it can be written to.
	w := &writer{store: s, id: chat.BatchID{Writer: rand.Uint64() | 1}, last: map[chat.RoomID]chat.Seq{}, users: []chat.UserID{usersOfStart}, text: "x", nonce: 1 << 40}
	r := room()
	now, err := s.Room(ctx, r)
	if err != nil {
		return err
	}
	w.last[r] = now.LastSeq
	lost, err := w.commit(ctx, 1, r)
	if err == nil {
		err = lostError(lost)
	}
	return err
}
