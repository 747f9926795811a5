package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"math"
	"strings"

	"sarang/chat"
)

const (
	columnsOfProfile = "user_id, display_name, about, status, hidden"

	// As many ids as there are parameters: 0 is nobody.
	selectProfiles = "SELECT " + columnsOfProfile + " FROM profiles WHERE user_id IN (?"
	putProfile     = "INSERT OR REPLACE INTO profiles (" + columnsOfProfile + ") VALUES (?, ?, ?, ?, ?)"
	selectBlocks   = `SELECT b.blocked_id, coalesce(u.name, '') FROM blocks b LEFT JOIN users u ON u.id = b.blocked_id
	WHERE b.user_id = ? AND b.blocked_id > ? ORDER BY b.blocked_id LIMIT ?`
	selectRoomMarks = "SELECT user_id, room_id, since_seq, mark_seq, muted FROM memberships WHERE room_id = ? ORDER BY user_id LIMIT ?"

	// These are asked seldom, and so are not prepared.
	putBlock      = "INSERT OR IGNORE INTO blocks (user_id, blocked_id) VALUES (?, ?)"
	selectOldName = "SELECT name_key, user_id, look, left_ms FROM old_names WHERE "
	putOldName    = "INSERT OR REPLACE INTO old_names (name_key, user_id, look, left_ms) VALUES (?, ?, ?, ?)"
)

// profilesFew is for how many users there is a statement of its own: a look at one is what is
// asked most.
const profilesFew = 1

// profileStmts are the readers' statements about profiles.
type profileStmts struct{ few, many, blocks, marks *sql.Stmt }

func (p *profileStmts) prepare(ctx context.Context, db *sql.DB) (err error) {
	for _, s := range []struct {
		stmt  **sql.Stmt
		query string
	}{
		{&p.few, selectProfiles + strings.Repeat(", ?", profilesFew-1) + ") ORDER BY user_id"},
		{&p.many, selectProfiles + strings.Repeat(", ?", chat.ProfilesMax-1) + ") ORDER BY user_id"},
		{&p.blocks, selectBlocks},
		{&p.marks, selectRoomMarks},
	} {
		if *s.stmt, err = db.PrepareContext(ctx, s.query); err != nil {
			return err
		}
	}
	return nil
}

func (p *profileStmts) close() error { return closeStmts(p.few, p.many, p.blocks, p.marks) }

func signed[T ~uint64](id T) int64 { return int64(min(uint64(id), math.MaxInt64)) }

func scanProfile(scan func(...any) error) (p chat.ProfileRecord, err error) {
	err = scan(number[chat.UserID]{&p.User}, text{&p.DisplayName}, text{&p.About}, text{&p.Status}, flag{&p.Hidden})
	return p, err
}

// collect reads all rows.
func collect[T any](rows *sql.Rows, err error, scan func(scan func(...any) error) (T, error)) (all []T, _ error) {
	if err != nil {
		return nil, readError(err)
	}
	defer rows.Close()
	for rows.Next() {
		x, err := scan(rows.Scan)
		if err != nil {
			return nil, readError(err)
		}
		all = append(all, x)
	}
	if err := rows.Err(); err != nil {
		return nil, readError(err)
	}
	return all, nil
}

// Profiles is documented at chat.Store.
func (s *Store) Profiles(ctx context.Context, users []chat.UserID) ([]chat.ProfileRecord, error) {
	if err := s.beginRead(ctx); err != nil {
		return nil, err
	}
	defer s.endRead()
	users = users[:min(len(users), chat.ProfilesMax)]
	stmt, args := s.readers.profiles.few, make([]any, profilesFew, chat.ProfilesMax)
	if len(users) > profilesFew {
		stmt, args = s.readers.profiles.many, args[:chat.ProfilesMax]
	}
	for i := range args {
		args[i] = int64(0)
		if i < len(users) {
			args[i] = signed(users[i])
		}
	}
	rows, err := stmt.QueryContext(ctx, args...)
	return collect(rows, err, scanProfile)
}

// hasUser reports whether a user is there, with those that the transaction under way makes.
func (w *writer) hasUser(u chat.UserID) bool { return u != 0 && u <= w.userNext }

// ChangeProfile is documented at chat.Store.
func (s *Store) ChangeProfile(ctx context.Context, user chat.UserID, c chat.ProfileChange) (p chat.Profile, err error) {
	if err := s.begin(ctx); err != nil {
		return p, err
	}
	defer s.end()
	err = s.gather(ctx, &pending{do: func(w *writer) error {
		if !w.hasUser(user) {
			return chat.Errorf(chat.CodeNoUser, "there is no user with id %d", user)
		}
		row := w.conn.QueryRowContext(context.Background(), "SELECT "+columnsOfProfile+" FROM profiles WHERE user_id = ?", int64(user))
		have, err := scanProfile(row.Scan)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		p = c.Apply(have.Profile)
		return w.putProfile(&chat.ProfileRecord{User: user, Profile: p})
	}})
	return p, err
}

func (w *writer) putProfile(p *chat.ProfileRecord) error {
	if p.Profile == (chat.Profile{}) {
		return w.run("DELETE FROM profiles WHERE user_id = ?", int64(p.User))
	}
	return w.run(putProfile, int64(p.User), p.DisplayName, p.About, p.Status, bit(p.Hidden))
}

// Block is documented at chat.Store.
func (s *Store) Block(ctx context.Context, b chat.BlockChange) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	return s.gather(ctx, &pending{do: func(w *writer) error {
		if !w.hasUser(b.User) || !w.hasUser(b.Whom) {
			return chat.Errorf(chat.CodeNoUser, "there is no such user")
		}
		if b.Remove {
			return w.run("DELETE FROM blocks WHERE user_id = ? AND blocked_id = ?", int64(b.User), int64(b.Whom))
		}
		if is, err := w.blocks(b.User, b.Whom); err != nil || is {
			return err
		}
		if b.Most > 0 {
			var n int64
			row := w.conn.QueryRowContext(context.Background(), "SELECT count(*) FROM blocks WHERE user_id = ?", int64(b.User))
			if err := row.Scan(bits[int64]{&n}); err != nil {
				return err
			}
			if n >= int64(b.Most) {
				return b.TooMany()
			}
		}
		return w.run(putBlock, int64(b.User), int64(b.Whom))
	}})
}

// blocks reports whether a user blocks another one.
func (w *writer) blocks(user, whom chat.UserID) (bool, error) {
	var n int64
	row := w.conn.QueryRowContext(context.Background(), "SELECT count(*) FROM blocks WHERE user_id = ? AND blocked_id = ?", int64(user), int64(whom))
	err := row.Scan(bits[int64]{&n})
	return n > 0, err
}

// Blocks is documented at chat.Store.
func (s *Store) Blocks(ctx context.Context, user, after chat.UserID, itemsMax int) ([]chat.Person, error) {
	if err := s.beginRead(ctx); err != nil {
		return nil, err
	}
	defer s.endRead()
	rows, err := s.readers.profiles.blocks.QueryContext(ctx, signed(user), signed(after), max(itemsMax, 1))
	return collect(rows, err, func(scan func(...any) error) (p chat.Person, err error) {
		return p, scan(number[chat.UserID]{&p.ID}, text{&p.Name})
	})
}

// RoomMarks is documented at chat.Store.
func (s *Store) RoomMarks(ctx context.Context, room chat.RoomID, itemsMax int) ([]chat.Membership, error) {
	if err := s.beginRead(ctx); err != nil {
		return nil, err
	}
	defer s.endRead()
	rows, err := s.readers.profiles.marks.QueryContext(ctx, signed(room), max(itemsMax, 1))
	return collect(rows, err, func(scan func(...any) error) (m chat.Membership, err error) {
		return m, scan(number[chat.UserID]{&m.User}, number[chat.RoomID]{&m.Room}, number[chat.Seq]{&m.Since}, number[chat.Seq]{&m.Mark}, flag{&m.Muted})
	})
}

// Rename is documented at chat.Store.
func (s *Store) Rename(ctx context.Context, r chat.Rename) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	if r.Key == "" || r.Name == "" {
		return chat.Errorf(chat.CodeBadRequest, "a rename needs a name and its key")
	}
	return s.gather(ctx, &pending{do: func(w *writer) error { return w.rename(&r) }})
}

// rename asks for all that can refuse it before it writes: a refusal ends no transaction.
func (w *writer) rename(r *chat.Rename) error {
	ctx := context.Background()
	if !w.hasUser(r.User) {
		return chat.Errorf(chat.CodeNoUser, "there is no user with id %d", r.User)
	}
	var key, look string
	row := w.conn.QueryRowContext(ctx, "SELECT coalesce(name_key, ''), coalesce(look, '') FROM users WHERE id = ?", int64(r.User))
	if err := row.Scan(text{&key}, text{&look}); err != nil {
		return err
	}
	c := r.Claim()
	if key == r.Key {
		return w.run("UPDATE users SET name = ?, look = ? WHERE id = ?", r.Name, nullIfEmpty(cmp.Or(r.Look, look)), int64(r.User))
	}
	holder, err := w.holderOf(r.Key)
	switch {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return err
	case !c.Free(&holder):
		return r.Taken()
	}
	old, had, err := w.oldName(r.Key)
	if err != nil {
		return err
	}
	if had && old.User != r.User && !old.Free(&c) {
		return r.Taken()
	}
	if err := w.checkLook(&c); err != nil {
		return err
	}
	if key != "" && r.NamesMax > 0 {
		var kept int64
		row := w.conn.QueryRowContext(ctx, "SELECT count(*) FROM old_names WHERE user_id = ? AND name_key <> ? AND left_ms >= ?",
			int64(r.User), r.Key, r.ReservedSinceMs)
		if err := row.Scan(bits[int64]{&kept}); err != nil {
			return err
		}
		if kept >= int64(r.NamesMax) {
			return r.TooMany()
		}
	}
	if holder.ID != 0 {
		if err := w.loseName(holder.ID); err != nil {
			return err
		}
	}
	if err := w.run("DELETE FROM old_names WHERE name_key = ? OR user_id = ? AND left_ms < ?", r.Key, int64(r.User), r.ReservedSinceMs); err != nil {
		return err
	}
	if key != "" {
		if err := w.run(putOldName, key, int64(r.User), look, r.NowMs); err != nil {
			return err
		}
	}
	return w.run("UPDATE users SET name = ?, name_key = ?, look = ? WHERE id = ?", r.Name, r.Key, nullIfEmpty(r.Look), int64(r.User))
}

// loseName has a guest lose his name to somebody else.
func (w *writer) loseName(u chat.UserID) error {
	if err := exec(context.Background(), w.clearKey, int64(u)); err != nil {
		return err
	}
	return w.run("DELETE FROM devices WHERE user_id = ?", int64(u))
}

func scanOldName(scan func(...any) error) (n chat.OldName, err error) {
	return n, scan(text{&n.Key}, number[chat.UserID]{&n.User}, text{&n.Look}, bits[int64]{&n.LeftMs})
}

// oldName returns who had a name before he took another one.
func (w *writer) oldName(key string) (n chat.OldName, had bool, err error) {
	n, err = scanOldName(w.conn.QueryRowContext(context.Background(), selectOldName+"name_key = ?", key).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return n, false, nil
	}
	return n, err == nil, err
}
