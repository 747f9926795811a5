package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"sarang/chat"
	"sarang/internal/store/sqlite"
)

// FuzzRows puts any value into any column of one row, and reads. What comes must be
// sound, or a typed error that says that the file is damaged, so that nobody waits for
// it to pass; and whole rows must still be read.
func FuzzRows(f *testing.F) {
	const (
		keep = iota
		null
		whole
		real
		text
		blob
	)
	f.Add(byte(0), []byte{keep, keep, keep, keep, keep, keep, keep, keep}, int64(0), 0.0, []byte("as it was"))
	f.Add(byte(0), []byte{keep, whole}, int64(-1), 0.0, []byte{})                                               // seq
	f.Add(byte(0), []byte{keep, whole}, int64(math.MaxInt64), 0.0, []byte{})                                    // seq
	f.Add(byte(0), []byte{keep, whole}, int64(1), 0.0, []byte{})                                                // seq, another one's
	f.Add(byte(0), []byte{whole}, int64(2), 0.0, []byte{})                                                      // room_id: a hole is left
	f.Add(byte(0), []byte{keep, keep, whole}, int64(-7), 0.0, []byte{})                                         // user
	f.Add(byte(0), []byte{keep, keep, keep, whole}, int64(256), 0.0, []byte{})                                  // kind
	f.Add(byte(0), []byte{keep, keep, keep, keep, real}, int64(0), 1.5, []byte{})                               // nonce
	f.Add(byte(0), []byte{keep, keep, keep, keep, keep, keep, whole}, int64(2), 0.0, []byte{})                  // prev_seq, of itself
	f.Add(byte(0), []byte{keep, keep, keep, keep, keep, keep, keep, text}, int64(0), 0.0, []byte("a\xffb"))     // text
	f.Add(byte(0), []byte{keep, keep, keep, keep, keep, keep, keep, blob}, int64(0), 0.0, []byte("not a text")) // text
	f.Add(byte(1), []byte{keep, null, null, null, null, null}, int64(0), 0.0, []byte{})
	f.Add(byte(1), []byte{keep, text, keep, blob}, int64(0), 0.0, []byte("\xed\xa0\x80"))
	f.Add(byte(2), []byte{whole, keep, keep, whole, whole}, int64(0), 0.0, []byte{})
	f.Add(byte(2), []byte{keep, keep, text, real}, int64(0), 1e300, []byte("r"))
	f.Add(byte(3), []byte{keep, keep, keep, whole}, int64(math.MaxInt64), 0.0, []byte{}) // sent_count
	f.Add(byte(3), []byte{keep, keep, text, text}, int64(0), 0.0, []byte("many"))
	f.Add(byte(0), []byte{keep, keep, keep, keep, keep, keep, keep, keep, whole, keep, whole}, int64(-1), 0.0, []byte{}) // target, role
	f.Add(byte(0), []byte{keep, keep, keep, keep, keep, keep, keep, keep, null, text, real}, int64(0), 0.5, []byte("2")) // target, subject, role
	f.Add(byte(4), []byte{keep, keep, whole}, int64(256), 0.0, []byte{})                                                 // role
	f.Add(byte(4), []byte{keep, keep, text, null}, int64(0), 0.0, []byte("owner"))
	f.Add(byte(0), []byte{keep, keep, keep, keep, keep, keep, keep, keep, keep, keep, keep, keep, keep, whole, whole}, int64(-3), 0.0, []byte{}) // said
	f.Add(byte(0), []byte{keep, keep, keep, keep, keep, keep, keep, keep, keep, keep, keep, keep, keep, text, null}, int64(9), 0.0, []byte("x")) // said
	f.Add(byte(5), []byte{keep, keep, keep, whole, text}, int64(math.MaxInt64), 0.0, []byte("x"))                                                // mark_seq
	f.Add(byte(5), []byte{whole, keep, blob, real}, int64(2), 0.5, []byte{})
	f.Add(byte(6), []byte{keep, whole, keep, keep, blob}, int64(-1), 0.0, []byte{1}) // id, token_hash
	f.Add(byte(6), []byte{keep, keep, null, blob, null, text, text}, int64(0), 0.0, []byte("x"))
	f.Add(byte(1), []byte{keep, keep, keep, keep, keep, keep, blob}, int64(0), 0.0, []byte("$x")) // password
	w := newRowWorld(f)
	f.Fuzz(func(t *testing.T, table byte, shape []byte, n int64, x float64, s []byte) {
		var set []string
		var args []any
		target := w.tables[int(table)%len(w.tables)]
		for i, column := range target.columns {
			value := any(nil)
			switch {
			case i >= len(shape) || shape[i]%6 == keep:
				continue
			case shape[i]%6 == whole:
				value = n
			case shape[i]%6 == real:
				value = x
			case shape[i]%6 == text:
				value = string(s)
			case shape[i]%6 == blob:
				value = s
			}
			set, args = append(set, column+" = ?"), append(args, value)
		}
		w.reset(t)
		if len(set) > 0 {
			w.exec(t, "UPDATE "+target.name+" SET "+strings.Join(set, ", ")+target.where, args...)
		}
		w.read(t, n)
		w.devices(t)
		w.claim(t)
	})
}

// rowWorld is a store, and a connection of its own to the same file.
type rowWorld struct {
	store  *sqlite.Store
	db     *sql.DB
	tables []rowTable
}

type rowTable struct {
	name, where string
	columns     []string
}

// newRowWorld opens the store and gives it tables without types and constraints: what
// a disk does to a record does not keep them either.
func newRowWorld(tb testing.TB) *rowWorld {
	dir := tb.TempDir()
	w := &rowWorld{store: openWithRoom(tb, sqlite.Config{Dir: dir, Sync: sqlite.ProcessSafe})}
	var err error
	if w.db, err = sql.Open("sqlite", filepath.Join(dir, sqlite.DatabaseFile)+"?_pragma=synchronous(0)"); err != nil {
		tb.Fatal(err)
	}
	w.db.SetMaxOpenConns(1)
	tb.Cleanup(func() { _ = w.db.Close() })
	w.tables = []rowTable{
		{"messages", " WHERE seq = 2", []string{"room_id", "seq", "user_id", "kind", "nonce", "time_ms", "prev_seq", "text", "target", "subject", "role", "digest", "until_ms", "said", "said_seq"}},
		{"users", " WHERE id = 1", []string{"id", "name", "name_key", "created_ms", "seen_ms", "look", "password"}},
		{"rooms", " WHERE id = 1", []string{"id", "name", "name_key", "epoch", "flags", "creator", "created_ms", "topic", "description", "archived", "slow_s"}},
		{"authors", " WHERE user_id = 1", []string{"user_id", "room_id", "last_seq", "sent_count"}},
		{"members", " WHERE user_id = 1", []string{"room_id", "user_id", "role", "seq", "until_ms"}},
		{"memberships", " WHERE user_id = 1", []string{"user_id", "room_id", "since_seq", "mark_seq", "muted"}},
		{"devices", " WHERE user_id = 1", []string{"user_id", "id", "name", "address", "token_hash", "renewed_ms", "next_hash", "next_ms", "created_ms", "seen_ms"}},
	}
	for _, t := range w.tables {
		w.exec(tb, "DROP TABLE "+t.name)
		w.exec(tb, fmt.Sprintf("CREATE TABLE %s (%s)", t.name, strings.Join(t.columns, ", ")))
	}
	return w
}

func (w *rowWorld) exec(tb testing.TB, query string, args ...any) {
	tb.Helper()
	if _, err := w.db.ExecContext(context.Background(), query, args...); err != nil {
		tb.Fatalf("%s: %v", query, err)
	}
}

// reset makes two rooms and two users, of which the first say something in the first.
func (w *rowWorld) reset(tb testing.TB) {
	tb.Helper()
	for _, t := range w.tables {
		w.exec(tb, "DELETE FROM "+t.name)
	}
	w.exec(tb, "INSERT INTO rooms (id, name, name_key, epoch, flags, created_ms, topic) VALUES (1, 'r', 'r', 5, 0, 1, 'tea'), (2, 'q', 'q', 6, 1, 2, '')")
	w.exec(tb, "INSERT INTO users VALUES (1, 'u', 'u', 1, 1, 'u', NULL), (2, 'v', 'v', 1, 1, NULL, '$x')")
	w.exec(tb, "INSERT INTO devices VALUES (1, 1, 'phone', '::1', zeroblob(32), 1, NULL, 0, 1, 1), (2, 7, '', '', zeroblob(32), 1, zeroblob(32), 1, 1, 1)")
	w.exec(tb, "INSERT INTO messages VALUES (1, 1, 1, 1, 11, 1, 0, 'one', 0, 0, 0, 0, 0, 1, 1), (1, 2, 1, 4, 12, 2, 1, '', 1, 2, 3, 0, 9, 1, 1), (1, 3, 1, 1, 13, 3, 2, 'three', 0, 0, 0, 7, 0, 2, 3)")
	w.exec(tb, "INSERT INTO authors VALUES (1, 1, 3, 2), (2, 1, 0, 0)")
	w.exec(tb, "INSERT INTO members VALUES (1, 2, 3, 2, 9), (1, 1, 5, 1, 0)")
	w.exec(tb, "INSERT INTO memberships VALUES (1, 1, 0, 2, 0), (2, 1, 1, 1, 1)")
}

// damaged checks that err is nil or says that the file is damaged, and tells which.
func damaged(t *testing.T, err error) bool {
	t.Helper()
	if err == nil {
		return false
	}
	var typed *chat.Error
	if !errors.As(err, &typed) || typed.Code != chat.CodeInternal || !strings.Contains(typed.Message, "damaged") || typed.RetryAfter != 0 {
		t.Fatalf("the error %v (code %d) is not that of a damaged file", err, chat.CodeOf(err))
	}
	return true
}

// read asks for everything that can be read.
func (w *rowWorld) read(t *testing.T, n int64) {
	ctx := t.Context()
	for _, p := range []chat.Page{
		{},
		{After: 1},
		{After: 2},
		{After: chat.Seq(n)},
		{Before: 2},
		{Before: 3},
		{Before: math.MaxUint64},
		{Before: max(chat.Seq(n), 1)},
	} {
		p.ItemsMax, p.BytesMax = 2, 1<<20
		events, _, err := w.store.History(ctx, 1, p)
		if damaged(t, err) {
			continue
		}
		if len(events) > p.ItemsMax {
			t.Fatalf("%d events were asked for, %d came", p.ItemsMax, len(events))
		}
		for i, e := range events {
			inside := e.Seq > p.After && p.Before == 0 || e.Seq < p.Before
			if e.Room != 1 || !inside || i > 0 && e.Seq != events[i-1].Seq+1 || !sound(e) {
				t.Fatalf("event %+v of page %+v", e, p)
			}
		}
	}
	for _, u := range []chat.UserID{1, 2, chat.UserID(n)} {
		mine, err := w.store.MyRooms(ctx, u, 0, 2)
		for _, r := range mine {
			if !damaged(t, err) && (r.ID == 0 || !utf8.ValidString(r.Name+r.Last.Name+r.Last.Text) || len(r.Last.Text) > chat.LastTextBytesMax) {
				t.Fatalf("user %d has the room %+v", u, r)
			}
		}
		_ = damaged(t, err)
	}
	for _, id := range []chat.RoomID{1, chat.RoomID(n)} {
		r, err := w.store.Room(ctx, id)
		if chat.CodeOf(err) != chat.CodeNoRoom && !damaged(t, err) && (r.ID != id || r.LastSeq >= math.MaxInt64) {
			t.Fatalf("room %d is %+v", id, r)
		}
	}
	if r, err := w.store.RoomByKey(ctx, "r"); chat.CodeOf(err) != chat.CodeNoRoom && !damaged(t, err) && r.Key != "r" {
		t.Fatalf("room r is %+v", r)
	}
	if a, err := w.store.Author(ctx, 1, 1, 7); !damaged(t, err) && len(a.Nonces) > 7 {
		t.Fatalf("7 nonces were asked for, %d came", len(a.Nonces))
	}
	rooms, err := w.store.Rooms(ctx, 0, 10)
	if !damaged(t, err) {
		for last := chat.RoomID(0); len(rooms) > 0; rooms = rooms[1:] {
			r := rooms[0]
			if r.ID < last || r.ID == 0 || !utf8.ValidString(r.Name) || !utf8.ValidString(r.Key) {
				t.Fatalf("room %+v after %d", r, last)
			}
			last = r.ID
		}
	}
	for _, id := range []chat.UserID{1, chat.UserID(n)} {
		u, err := w.store.User(ctx, id)
		if chat.CodeOf(err) == chat.CodeBadRequest || damaged(t, err) {
			continue
		}
		if u.ID != id || !utf8.ValidString(u.Name) || !utf8.ValidString(u.Key) {
			t.Fatalf("user %d is %+v", id, u)
		}
	}
}

// devices reads what belongs to accounts.
func (w *rowWorld) devices(t *testing.T) {
	for _, u := range []chat.UserID{1, 2} {
		devices, err := w.store.Devices(t.Context(), u)
		if damaged(t, err) {
			continue
		}
		for _, d := range devices {
			if !utf8.ValidString(d.Name) || !utf8.ValidString(d.Address) || d.ID >= math.MaxInt64 {
				t.Fatalf("device %+v", d)
			}
		}
	}
	if x, err := w.store.Password(t.Context(), "v"); chat.CodeOf(err) != chat.CodeNoUser && !damaged(t, err) &&
		(x.User == 0 || !utf8.ValidString(x.Password)) {
		t.Fatalf("the password of v is %+v", x)
	}
}

// sound reports whether the numbers of e can be followed by others, and its texts sent.
func sound(e chat.Event) bool {
	return e.Seq < math.MaxInt64 && e.User < math.MaxInt64 && e.Target < math.MaxInt64 && e.Subject < math.MaxInt64 &&
		utf8.ValidString(e.Name) && utf8.ValidString(e.Text)
}

// claim has two users log in at a time: one who can not be read must not keep the other one
// out.
func (w *rowWorld) claim(t *testing.T) {
	type outcome struct {
		user chat.User
		err  error
	}
	claim := func(name string, token byte) <-chan outcome {
		done := make(chan outcome, 1)
		go func() {
			in, err := w.store.ClaimUser(t.Context(), chat.Claim{Name: name, Key: name, Fresh: chat.TokenHash{token}, NowMs: 5})
			done <- outcome{in.User, err}
		}()
		return done
	}
	giveBack := sqlite.HoldWriter(w.store)
	known, other := claim("u", 1), claim("somebody-else", 2)
	for sqlite.SmallWaiting(w.store) < 1 {
		runtime.Gosched()
	}
	giveBack()
	if got := <-known; chat.CodeOf(got.err) != chat.CodeNameTaken && !damaged(t, got.err) &&
		(got.user.ID == 0 || !utf8.ValidString(got.user.Name)) {
		t.Fatalf("u logs in as %+v", got.user)
	}
	if got := <-other; got.err != nil || got.user.Name != "somebody-else" {
		t.Fatalf("another user can not log in: %+v, %v", got.user, got.err)
	}
}
