package sqlstore

import (
	"context"
	"fmt"
	"math"
	"slices"

	"sarang/chat"
)

// direction is the step from one event of a page to the one that is read next.
type direction chat.Seq

const (
	forwards  direction = 1
	backwards           = ^direction(0) // -1
)

// History is documented at chat.Store. The events of a page have consecutive numbers.
func (s *Store) History(ctx context.Context, room chat.RoomID, p chat.Page) (events []chat.Event, more bool, err error) {
	if err := s.begin(ctx); err != nil {
		return nil, false, err
	}
	defer s.end()
	query, from, to := s.sql.after, p.After, forwards
	if p.Before != 0 {
		query, from, to = s.sql.before, p.Before, backwards
	}
	// A cursor comes from a client; one beyond the database's integers is beyond everything.
	place := int64(min(from, math.MaxInt64))
	itemsMax := min(max(p.ItemsMax, 1), math.MaxInt32)
	err = s.read(ctx, func(ctx context.Context, c Conn) (err error) {
		args := []any{int64(room), place, int64(itemsMax) + 1, int64(max(p.BytesMax, 0))}
		events, more, err = readPage(ctx, c, query, args, room, to, itemsMax, p.BytesMax)
		return err
	})
	if err != nil {
		return nil, false, err
	}
	if to == backwards {
		slices.Reverse(events)
	}
	return events, more, nil
}

// readPage reads rows until the page is full, and reports whether there was another one.
// A page ends where an event is missing, too.
func readPage(ctx context.Context, c Conn, query string, args []any, room chat.RoomID, to direction, itemsMax, bytesMax int) (
	events []chat.Event, more bool, err error,
) {
	textBytes := 0
	err = c.Query(ctx, query, args, func(scan Scan) error {
		if more {
			return nil
		}
		if len(events) == itemsMax {
			more = true
			return nil
		}
		e, err := scanEvent(scan, room)
		if err != nil {
			return err
		}
		textBytes += e.BodyBytes()
		if n := len(events); n > 0 {
			last := events[n-1].Seq
			if e.Seq == last || (e.Seq > last) != (to == forwards) {
				return damagedError(fmt.Errorf("room %d: event %d stands next to event %d", room, e.Seq, last))
			}
			if textBytes > bytesMax || e.Seq != last+chat.Seq(to) {
				more = true
				return nil
			}
		}
		events = append(events, e)
		return nil
	})
	return events, more, err
}

// Author is documented at chat.Store.
func (s *Store) Author(ctx context.Context, room chat.RoomID, user chat.UserID, noncesMax int) (a chat.Author, err error) {
	if err := s.begin(ctx); err != nil {
		return chat.Author{}, err
	}
	defer s.end()
	err = s.read(ctx, func(ctx context.Context, c Conn) error {
		a = chat.Author{}
		err := c.Query(ctx, s.sql.role, []any{int64(room), int64(user)}, func(scan Scan) (err error) {
			var role int64
			if err := scan(&role, &a.UntilMs); err != nil {
				return err
			}
			a.Role, err = whole[chat.Role](role, "a role")
			return err
		})
		if err != nil || noncesMax < 1 {
			return err
		}
		args := []any{int64(user), int64(room), int64(room), int64(noncesMax)}
		return c.Query(ctx, s.sql.nonces, args, func(scan Scan) error {
			var nonce, seq, digest, kind, timeMs int64
			if err := scan(&nonce, &seq, &digest, &kind, &timeMs); err != nil {
				return err
			}
			if a.SaidMs == 0 && chat.EventKind(kind) == chat.EventMessage {
				a.SaidMs = timeMs
			}
			at, err := whole[chat.Seq](seq, "a seq")
			a.Nonces = append(a.Nonces, chat.NonceSeq{Nonce: chat.Nonce(nonce), Seq: at, Digest: uint64(digest)})
			return err
		})
	})
	return a, err
}

// User is documented at chat.Store.
func (s *Store) User(ctx context.Context, id chat.UserID) (chat.User, error) {
	u, err := s.user(ctx, s.sql.user, int64(id))
	if err == nil && u.ID == 0 {
		err = chat.Errorf(chat.CodeBadRequest, "there is no user with id %d", id)
	}
	return u, err
}

// UserByKey is documented at chat.Store.
func (s *Store) UserByKey(ctx context.Context, key string) (chat.User, error) {
	u, err := s.user(ctx, s.sql.userByKey, key)
	if err == nil && u.ID == 0 {
		err = chat.Errorf(chat.CodeNoUser, "nobody has that name")
	}
	return u, err
}

// user reads the user that query finds by what; without an ID if there is none.
func (s *Store) user(ctx context.Context, query string, what any) (u chat.User, err error) {
	if err := s.begin(ctx); err != nil {
		return chat.User{}, err
	}
	defer s.end()
	err = s.read(ctx, func(ctx context.Context, c Conn) error {
		u = chat.User{}
		err := c.Query(ctx, query, []any{what}, func(scan Scan) (err error) {
			var id, account int64
			if err := scan(&id, &u.Name, &u.Key, &u.CreatedMs, &u.SeenMs, &account); err != nil {
				return err
			}
			u.Account = account == 1
			u.ID, err = whole[chat.UserID](id, "the id of a user")
			return err
		})
		if err == nil && u.ID != 0 {
			u.SentCount, err = s.sentOf(ctx, c, u.ID)
		}
		return err
	})
	return u, err
}

func (s *Store) sentOf(ctx context.Context, c Conn, id chat.UserID) (uint64, error) {
	var sent int64
	err := c.Query(ctx, s.sql.sent, []any{int64(id)}, func(scan Scan) error { return scan(&sent) })
	return uint64(sent), err
}

// loadUserLast raises userLast to what the database says.
func (s *Store) loadUserLast(ctx context.Context, c Conn) error {
	value, err := s.count(ctx, c, s.sql.counter, "users")
	if err == nil {
		s.raiseUserLast(uint64(value))
	}
	return err
}

func (s *Store) raiseUserLast(to uint64) {
	for have := s.userLast.Load(); have < to; have = s.userLast.Load() {
		s.userLast.CompareAndSwap(have, to)
	}
}

// count reads a counter by query.
func (s *Store) count(ctx context.Context, c Conn, query, name string) (value int64, err error) {
	found := false
	err = c.Query(ctx, query, []any{name}, func(scan Scan) error { found = true; return scan(&value) })
	if err == nil && !found {
		err = damagedError(fmt.Errorf("there is no counter of %s", name))
	}
	return value, err
}
