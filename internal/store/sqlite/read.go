package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"sarang/chat"
)

// readers is the bounded pool of reading connections and its statements.
type readers struct {
	db                              *sql.DB
	after, before                   *sql.Stmt
	room, roomByKey                 *sql.Stmt
	rooms, privateRooms             *sql.Stmt
	author, user, userByKey, holder *sql.Stmt
	myRooms, target, states         *sql.Stmt
	password, shown, devices        *sql.Stmt
	former                          *sql.Stmt
	profiles                        profileStmts
	mentions, threads, pins         *sql.Stmt
	unreadThreads, follow           *sql.Stmt
	replies, repliesBefore          *sql.Stmt
	places, found, edited           *sql.Stmt
	durable, retains                *sql.Stmt
	oldest, newest, editsBehind     *sql.Stmt
}

// The list of what a user has authored is walked from its head; see the first migration.
// The row of the role comes with it, in one statement, so that both are of one moment.
const selectAuthor = `WITH RECURSIVE said (seq, nonce, digest, prev_seq, kind, time_ms) AS (
	SELECT m.seq, m.nonce, m.digest, m.prev_seq, m.kind, m.time_ms FROM authors a
		JOIN messages m ON m.room_id = a.room_id AND m.seq = a.last_seq
		WHERE a.user_id = ?1 AND a.room_id = ?2
	UNION ALL
	SELECT m.seq, m.nonce, m.digest, m.prev_seq, m.kind, m.time_ms FROM said
		JOIN messages m ON m.room_id = ?2 AND m.seq = said.prev_seq
	LIMIT ?3)
	SELECT 1, role, until_ms, 0, 0, 0, 0 FROM members WHERE user_id = ?1 AND room_id = ?2
	UNION ALL
	SELECT 0, 0, nonce, seq, digest, kind, time_ms FROM said`

const selectUser = `SELECT id, name, coalesce(name_key, ''), created_ms, seen_ms, password IS NOT NULL,
	(SELECT coalesce(sum(sent_count), 0) FROM authors WHERE user_id = users.id)
	FROM users WHERE `

// selectHolder finds who has a name.
const selectHolder = `SELECT id, name, password IS NOT NULL, created_ms, seen_ms,
	(SELECT coalesce(sum(sent_count), 0) FROM authors WHERE user_id = users.id)
	FROM users WHERE name_key = ?`

// selectFormer finds who had a name before he took another one, and when he did.
const selectFormer = `SELECT u.id, u.name, coalesce(u.name_key, ''), u.password IS NOT NULL, u.created_ms, u.seen_ms,
	(SELECT coalesce(sum(sent_count), 0) FROM authors WHERE user_id = u.id), o.left_ms
	FROM old_names o JOIN users u ON u.id = o.user_id WHERE o.name_key = ?`

func openReaders(ctx context.Context, file string, c Config) (*readers, error) {
	db, err := openDB(readerDSN(file, c), c.ReadersMax)
	if err != nil {
		return nil, err
	}
	r := &readers{db: db}
	for _, s := range []struct {
		stmt  **sql.Stmt
		query string
	}{
		{&r.after, selectAfter},
		{&r.before, selectBefore},
		{&r.room, selectRoom + "id = ?"},
		{&r.roomByKey, selectRoom + "name_key = ?"},
		{&r.rooms, selectPublicRooms},
		{&r.privateRooms, selectPrivateRooms},
		{&r.author, selectAuthor},
		{&r.user, selectUser + "id = ?"},
		{&r.userByKey, selectUser + "name_key = ?"},
		{&r.holder, selectHolder},
		{&r.former, selectFormer},
		{&r.myRooms, selectMyRooms},
		{&r.password, selectPassword},
		{&r.shown, selectShown},
		{&r.devices, selectDevices},
		{&r.target, selectTarget},
		{&r.states, selectStates},
		{&r.mentions, selectMentions},
		{&r.threads, selectThreads},
		{&r.unreadThreads, selectUnreadThreads},
		{&r.follow, selectFollow},
		{&r.pins, selectPins},
		{&r.replies, selectReplies},
		{&r.repliesBefore, selectRepliesBefore},
		{&r.places, selectPlaces},
		{&r.found, selectFound},
		{&r.edited, selectEdited},
		{&r.durable, selectDurable},
		{&r.retains, selectRetains},
		{&r.oldest, selectOldest},
		{&r.newest, selectNewest},
		{&r.editsBehind, selectEditsBehind},
	} {
		if *s.stmt, err = db.PrepareContext(ctx, s.query); err != nil {
			return nil, errors.Join(err, r.close())
		}
	}
	if err := r.profiles.prepare(ctx, db); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

func (r *readers) close() error {
	return errors.Join(closeStmts(r.after, r.before, r.room, r.roomByKey, r.rooms, r.privateRooms, r.author, r.user, r.userByKey, r.holder,
		r.myRooms, r.password, r.shown, r.devices, r.target, r.states, r.former,
		r.mentions, r.threads, r.unreadThreads, r.follow, r.pins, r.replies, r.repliesBefore, r.places, r.found, r.edited,
		r.durable, r.retains, r.oldest, r.newest, r.editsBehind),
		r.profiles.close(), r.db.Close())
}

// Author is documented at chat.Store.
func (s *Store) Author(ctx context.Context, room chat.RoomID, user chat.UserID, noncesMax int) (chat.Author, error) {
	if err := s.beginRead(ctx); err != nil {
		return chat.Author{}, err
	}
	defer s.endRead()
	rows, err := s.readers.author.QueryContext(ctx, int64(user), int64(room), max(noncesMax, 0))
	if err != nil {
		return chat.Author{}, readError(err)
	}
	defer rows.Close()
	a, err := scanAuthor(rows)
	if err != nil {
		return chat.Author{}, readError(err)
	}
	return a, nil
}

// scanAuthor reads rows of which each is a role or a nonce.
func scanAuthor(rows *sql.Rows) (a chat.Author, err error) {
	for rows.Next() {
		var isRole int
		var role chat.Role
		var n chat.NonceSeq
		var kind chat.EventKind
		var timeMs int64
		err := rows.Scan(&isRole, number[chat.Role]{&role}, bits[chat.Nonce]{&n.Nonce}, number[chat.Seq]{&n.Seq},
			bits[uint64]{&n.Digest}, number[chat.EventKind]{&kind}, bits[int64]{&timeMs})
		if err != nil {
			return chat.Author{}, err
		}
		if isRole == 1 {
			a.Role, a.UntilMs = role, int64(n.Nonce) // the column that nonces have
		} else {
			a.Nonces = append(a.Nonces, n)
			if a.SaidMs == 0 && kind == chat.EventMessage {
				a.SaidMs = timeMs
			}
		}
	}
	return a, rows.Err()
}

// User is documented at chat.Store.
func (s *Store) User(ctx context.Context, id chat.UserID) (chat.User, error) {
	if err := s.beginRead(ctx); err != nil {
		return chat.User{}, err
	}
	defer s.endRead()
	u, err := scanUser(s.readers.user.QueryRowContext(ctx, int64(id)))
	if errors.Is(err, sql.ErrNoRows) {
		return chat.User{}, chat.Errorf(chat.CodeBadRequest, "there is no user with id %d", id)
	}
	return u, err
}

// UserByKey is documented at chat.Store.
func (s *Store) UserByKey(ctx context.Context, key string) (chat.User, error) {
	if err := s.beginRead(ctx); err != nil {
		return chat.User{}, err
	}
	defer s.endRead()
	u, err := scanUser(s.readers.userByKey.QueryRowContext(ctx, key))
	if errors.Is(err, sql.ErrNoRows) {
		return chat.User{}, chat.Errorf(chat.CodeNoUser, "nobody has that name")
	}
	return u, err
}

// scanUser reads a row of selectUser; that there is none is sql.ErrNoRows.
func scanUser(row *sql.Row) (u chat.User, err error) {
	err = row.Scan(number[chat.UserID]{&u.ID}, text{&u.Name}, text{&u.Key}, bits[int64]{&u.CreatedMs},
		bits[int64]{&u.SeenMs}, flag{&u.Account}, number[uint64]{&u.SentCount})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return chat.User{}, err
	case err != nil:
		return chat.User{}, readError(err)
	}
	return u, nil
}
