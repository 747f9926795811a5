package sqlstore

import (
	"cmp"
	"context"
	"strings"

	"sarang/chat"
)

// profileSchema is the step of the schema that brings what chat.ProfileStore keeps.
func profileSchema() []string {
	return []string{
		// Who has said nothing of himself has no row.
		`CREATE TABLE profiles (
			user_id      BIGINT NOT NULL PRIMARY KEY,
			display_name {text} NOT NULL,
			about        {text} NOT NULL,
			status       {text} NOT NULL,
			hidden       SMALLINT NOT NULL
		)`,
		// Who does not want to see whom.
		`CREATE TABLE blocks (
			user_id    BIGINT NOT NULL,
			blocked_id BIGINT NOT NULL,
			PRIMARY KEY (user_id, blocked_id)
		)`,
		// The names that users had until left_ms, as long as nobody else has them. look is
		// chat.Skeleton of name_key, '' if it is not known.
		`CREATE TABLE old_names (
			name_key {key} NOT NULL PRIMARY KEY,
			user_id  BIGINT NOT NULL,
			look     {key} NOT NULL,
			left_ms  BIGINT NOT NULL
		)`,
		"CREATE INDEX old_names_user ON old_names (user_id)",
		"CREATE INDEX old_names_look ON old_names (look)",
		"CREATE INDEX memberships_room ON memberships (room_id, user_id)",
	}
}

// profileStatements are what is asked of users beside their accounts.
type profileStatements struct {
	few, many, profile, insertProfile, endProfile        string
	block, insertBlock, endBlock, countBlocks, endBlocks string
	blocks, marks                                        string
	former, oldName, insertOldName, endOldName           string
	endOldNames, countOldNames, countLooks               string
	named, rename                                        string
}

// profilesFew is for how many users there is a statement of its own: a look at one is what is
// asked most.
const profilesFew = 1

func compileProfiles(d *Dialect) profileStatements {
	const profiles = "SELECT user_id, display_name, about, status, hidden FROM profiles WHERE "
	s := profileStatements{
		few:           profiles + "user_id IN (?" + strings.Repeat(", ?", profilesFew-1) + ") ORDER BY user_id",
		many:          profiles + "user_id IN (?" + strings.Repeat(", ?", chat.ProfilesMax-1) + ") ORDER BY user_id",
		profile:       profiles + "user_id = ?",
		insertProfile: "INSERT INTO profiles (user_id, display_name, about, status, hidden) VALUES (?, ?, ?, ?, ?)",
		endProfile:    "DELETE FROM profiles WHERE user_id = ?",

		block:       "SELECT count(*) FROM blocks WHERE user_id = ? AND blocked_id = ?",
		insertBlock: "INSERT INTO blocks (user_id, blocked_id) VALUES (?, ?)",
		endBlock:    "DELETE FROM blocks WHERE user_id = ? AND blocked_id = ?",
		endBlocks:   "DELETE FROM blocks WHERE user_id = ?",
		countBlocks: "SELECT count(*) FROM blocks WHERE user_id = ?",
		blocks: `SELECT b.blocked_id, u.name FROM blocks b JOIN users u ON u.id = b.blocked_id
			WHERE b.user_id = ? AND b.blocked_id > ? ORDER BY b.blocked_id{limit}`,
		marks: "SELECT user_id, room_id, since_seq, mark_seq, muted FROM memberships WHERE room_id = ? ORDER BY user_id{limit}",

		former: `SELECT u.id, u.name, coalesce(u.name_key, ''), CASE WHEN u.password IS NULL THEN 0 ELSE 1 END, u.created_ms, u.seen_ms, o.left_ms
			FROM old_names o JOIN users u ON u.id = o.user_id WHERE o.name_key = ?`,
		oldName:       "SELECT name_key, user_id, look, left_ms FROM old_names WHERE name_key = ?",
		insertOldName: "INSERT INTO old_names (name_key, user_id, look, left_ms) VALUES (?, ?, ?, ?)",
		endOldName:    "DELETE FROM old_names WHERE name_key = ?",
		endOldNames:   "DELETE FROM old_names WHERE user_id = ? AND left_ms < ?",
		countOldNames: "SELECT count(*) FROM old_names WHERE user_id = ? AND name_key <> ? AND left_ms >= ?",
		countLooks:    "SELECT count(*) FROM old_names WHERE look = ? AND name_key <> ? AND user_id <> ? AND left_ms >= ?",
		named:         "SELECT coalesce(name_key, ''), coalesce(look, '') FROM users WHERE id = ?",
		rename:        "UPDATE users SET name = ?, name_key = ?, look = ? WHERE id = ?",
	}
	for _, query := range []*string{
		&s.few, &s.many, &s.profile, &s.insertProfile, &s.endProfile,
		&s.block, &s.insertBlock, &s.endBlock, &s.endBlocks, &s.countBlocks, &s.blocks, &s.marks,
		&s.former, &s.oldName, &s.insertOldName, &s.endOldName, &s.endOldNames, &s.countOldNames, &s.countLooks,
		&s.named, &s.rename,
	} {
		*query = d.compile(*query)
	}
	return s
}

// pageOf reads the rows of a query.
func pageOf[T any](ctx context.Context, s *Store, query string, args []any, row func(Scan) (T, error)) (all []T, err error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.end()
	err = s.read(ctx, func(ctx context.Context, c Conn) error {
		all = nil
		return c.Query(ctx, query, args, func(scan Scan) error {
			x, err := row(scan)
			all = append(all, x)
			return err
		})
	})
	return all, err
}

// smallWrite makes a small write.
func (s *Store) smallWrite(ctx context.Context, do func(ctx context.Context, t *smallTx) error) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	return s.gather(ctx, &pending{do: do})
}

// countOf asks for a number.
func countOf(ctx context.Context, c Conn, query string, args ...any) (n int64, err error) {
	err = c.Query(ctx, query, args, func(scan Scan) error { return scan(&n) })
	return n, err
}

func scanProfile(scan Scan) (p chat.ProfileRecord, err error) {
	var user, hidden int64
	if err := scan(&user, &p.DisplayName, &p.About, &p.Status, &hidden); err != nil {
		return p, err
	}
	p.Hidden = hidden != 0
	p.User, err = whole[chat.UserID](user, "the id of a user")
	return p, err
}

// Profiles is documented at chat.Store.
func (s *Store) Profiles(ctx context.Context, users []chat.UserID) ([]chat.ProfileRecord, error) {
	users = users[:min(len(users), chat.ProfilesMax)]
	query, args := s.sql.profile.few, make([]any, profilesFew, chat.ProfilesMax)
	if len(users) > profilesFew {
		query, args = s.sql.profile.many, args[:chat.ProfilesMax]
	}
	for i := range args {
		args[i] = int64(0)
		if i < len(users) {
			args[i] = id(users[i])
		}
	}
	return pageOf(ctx, s, query, args, scanProfile)
}

func nobody(u chat.UserID) error {
	return chat.Errorf(chat.CodeNoUser, "there is no user with id %d", u)
}

func (t *smallTx) isUser(u chat.UserID) bool { return u != 0 && u <= t.users }

// ChangeProfile is documented at chat.Store. Doing it again does no harm.
func (s *Store) ChangeProfile(ctx context.Context, user chat.UserID, c chat.ProfileChange) (p chat.Profile, err error) {
	err = s.smallWrite(ctx, func(ctx context.Context, t *smallTx) error {
		if !t.isUser(user) {
			return nobody(user)
		}
		var have chat.ProfileRecord
		err := t.conn.Query(ctx, s.sql.profile.profile, []any{int64(user)}, func(scan Scan) (err error) {
			have, err = scanProfile(scan)
			return err
		})
		if err != nil {
			return err
		}
		p = c.Apply(have.Profile)
		return s.putProfile(ctx, t.conn, &chat.ProfileRecord{User: user, Profile: p})
	})
	return p, err
}

func (s *Store) putProfile(ctx context.Context, c Conn, p *chat.ProfileRecord) error {
	if _, err := c.Exec(ctx, s.sql.profile.endProfile, int64(p.User)); err != nil || p.Profile == (chat.Profile{}) {
		return err
	}
	_, err := c.Exec(ctx, s.sql.profile.insertProfile, int64(p.User), p.DisplayName, p.About, p.Status, bit(p.Hidden))
	return err
}

// Block is documented at chat.Store. Doing it again does no harm.
func (s *Store) Block(ctx context.Context, b chat.BlockChange) error {
	return s.smallWrite(ctx, func(ctx context.Context, t *smallTx) error {
		if !t.isUser(b.User) || !t.isUser(b.Whom) {
			return chat.Errorf(chat.CodeNoUser, "there is no such user")
		}
		if b.Remove {
			_, err := t.conn.Exec(ctx, s.sql.profile.endBlock, int64(b.User), int64(b.Whom))
			return err
		}
		if is, err := s.isBlocked(ctx, t.conn, b.Block); err != nil || is {
			return err
		}
		if b.Most > 0 {
			n, err := countOf(ctx, t.conn, s.sql.profile.countBlocks, int64(b.User))
			switch {
			case err != nil:
				return err
			case n >= int64(b.Most):
				return b.TooMany()
			}
		}
		_, err := t.conn.Exec(ctx, s.sql.profile.insertBlock, int64(b.User), int64(b.Whom))
		return err
	})
}

// isBlocked reports whether a user blocks another one.
func (s *Store) isBlocked(ctx context.Context, c Conn, b chat.Block) (bool, error) {
	n, err := countOf(ctx, c, s.sql.profile.block, id(b.User), id(b.Whom))
	return n > 0, err
}

// Blocks is documented at chat.Store.
func (s *Store) Blocks(ctx context.Context, user, after chat.UserID, itemsMax int) ([]chat.Person, error) {
	return pageOf(ctx, s, s.sql.profile.blocks, []any{id(user), id(after), int64(max(itemsMax, 1))}, func(scan Scan) (p chat.Person, err error) {
		var whom int64
		if err := scan(&whom, &p.Name); err != nil {
			return p, err
		}
		p.ID, err = whole[chat.UserID](whom, "the id of a user")
		return p, err
	})
}

// RoomMarks is documented at chat.Store.
func (s *Store) RoomMarks(ctx context.Context, room chat.RoomID, itemsMax int) ([]chat.Membership, error) {
	return pageOf(ctx, s, s.sql.profile.marks, []any{id(room), int64(max(itemsMax, 1))}, func(scan Scan) (chat.Membership, error) {
		return scanMembership(scan, true)
	})
}

// Rename is documented at chat.Store. Doing it again does no harm.
func (s *Store) Rename(ctx context.Context, r chat.Rename) error {
	if r.Key == "" || r.Name == "" {
		return chat.Errorf(chat.CodeBadRequest, "a rename needs a name and its key")
	}
	return s.smallWrite(ctx, func(ctx context.Context, t *smallTx) error { return s.rename(ctx, t, &r) })
}

// rename asks for all that can refuse it before it writes: a refusal ends no transaction.
func (s *Store) rename(ctx context.Context, t *smallTx, r *chat.Rename) error {
	if !t.isUser(r.User) {
		return nobody(r.User)
	}
	var key, look string
	if err := t.conn.Query(ctx, s.sql.profile.named, []any{int64(r.User)}, func(scan Scan) error { return scan(&key, &look) }); err != nil {
		return err
	}
	exec := func(query string, args ...any) error {
		_, err := t.conn.Exec(ctx, query, args...)
		return err
	}
	if key == r.Key {
		return exec(s.sql.profile.rename, r.Name, r.Key, nullIfEmpty(cmp.Or(r.Look, look)), int64(r.User))
	}
	c := r.Claim()
	holder, err := s.holderOf(ctx, t.conn, r.Key)
	switch {
	case err != nil:
		return err
	case holder.ID != 0 && !c.Free(&holder):
		return r.Taken()
	}
	old, err := s.oldName(ctx, t.conn, r.Key)
	switch {
	case err != nil:
		return err
	case old.User != 0 && old.User != r.User && !old.Free(&c):
		return r.Taken()
	}
	if err := s.checkLook(ctx, t.conn, &c); err != nil {
		return err
	}
	if key != "" && r.NamesMax > 0 {
		kept, err := countOf(ctx, t.conn, s.sql.profile.countOldNames, int64(r.User), r.Key, r.ReservedSinceMs)
		switch {
		case err != nil:
			return err
		case kept >= int64(r.NamesMax):
			return r.TooMany()
		}
	}
	if holder.ID != 0 {
		if err := s.loseName(ctx, t.conn, holder.ID); err != nil {
			return err
		}
	}
	if err := exec(s.sql.profile.endOldName, r.Key); err != nil {
		return err
	}
	if err := exec(s.sql.profile.endOldNames, int64(r.User), r.ReservedSinceMs); err != nil {
		return err
	}
	if key != "" {
		if err := exec(s.sql.profile.insertOldName, key, int64(r.User), look, r.NowMs); err != nil {
			return err
		}
	}
	return exec(s.sql.profile.rename, r.Name, r.Key, nullIfEmpty(r.Look), int64(r.User))
}

// loseName has a guest lose his name to somebody else.
func (s *Store) loseName(ctx context.Context, c Conn, u chat.UserID) error {
	if _, err := c.Exec(ctx, s.sql.clearKey, int64(u)); err != nil {
		return err
	}
	_, err := c.Exec(ctx, s.sql.endDevices, int64(u), int64(0))
	return err
}

func scanOldName(scan Scan) (n chat.OldName, err error) {
	var user int64
	if err := scan(&n.Key, &user, &n.Look, &n.LeftMs); err != nil {
		return n, err
	}
	n.User, err = whole[chat.UserID](user, "the id of a user")
	return n, err
}

// oldName returns who had a name before he took another one; of nobody if nobody had.
func (s *Store) oldName(ctx context.Context, c Conn, key string) (n chat.OldName, err error) {
	err = c.Query(ctx, s.sql.profile.oldName, []any{key}, func(scan Scan) (err error) { n, err = scanOldName(scan); return err })
	return n, err
}

// formerOf is holderOf for who had the key before he took another one, which the user has, and
// when he did.
func (s *Store) formerOf(ctx context.Context, c Conn, key string) (u chat.User, old chat.OldName, err error) {
	var id, account int64
	err = c.Query(ctx, s.sql.profile.former, []any{key}, func(scan Scan) error {
		return scan(&id, &u.Name, &u.Key, &account, &u.CreatedMs, &u.SeenMs, &old.LeftMs)
	})
	u.ID, u.Account = chat.UserID(id), account == 1
	return u, old, err
}

// claimOld does a claim for a name that nobody has now, if it is kept for who had it before a
// rename: he is let in, and others are refused. Not done: the name is free.
func (s *Store) claimOld(ctx context.Context, t *smallTx, c chat.Claim) (in chat.Claimed, done bool, err error) {
	u, old, err := s.formerOf(ctx, t.conn, c.Key)
	switch {
	case err != nil:
		return in, false, err
	case c.Proven != 0 && u.ID != c.Proven:
		return in, false, chat.NotProven()
	case u.ID == 0:
		return in, false, nil
	}
	d, shown, err := s.shownDevice(ctx, t.conn, &c, &u)
	his := c
	his.Look = "" // that of the name which he has not any more
	switch {
	case err != nil:
		return in, false, err
	case shown && c.NoGuests && !u.Account && c.Password == "":
		return in, false, c.NotHis()
	case shown:
		in, err = s.seeUser(ctx, t.conn, u, &d, his)
		return in, true, err
	case c.Proven != 0:
		in, err = s.seeUser(ctx, t.conn, u, nil, his)
		return in, true, err
	case !old.Free(&c):
		return in, false, refusedClaim(c)
	}
	return in, false, nil
}
