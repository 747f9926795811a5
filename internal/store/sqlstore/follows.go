package sqlstore

import (
	"context"
	"math"

	"sarang/chat"
)

// followTables is the step of the schema that makes them.
func followTables() []string {
	return []string{
		// Who follows which thread, and how far he has read it; followed 0: he has said that he does not
		// want to. Commit adds who starts a thread, writes in it or is mentioned there.
		`CREATE TABLE follows (
			user_id  BIGINT NOT NULL,
			room_id  BIGINT NOT NULL,
			root     BIGINT NOT NULL,
			followed BIGINT NOT NULL,
			mark_seq BIGINT NOT NULL,
			PRIMARY KEY (user_id, room_id, root)
		)`,
		"CREATE INDEX follows_thread ON follows (room_id, root)",
		// Of the threads that are there, those who have started them, written in them or are mentioned
		// there have read all.
		`INSERT INTO follows (user_id, room_id, root, followed, mark_seq)
			SELECT x.user_id, t.room_id, t.root, 1, t.last_seq FROM threads t JOIN (
				SELECT r.room_id, r.root, m.user_id FROM replies r JOIN messages m ON m.room_id = r.room_id AND m.seq = r.seq
				UNION SELECT t.room_id, t.root, m.user_id FROM threads t JOIN messages m ON m.room_id = t.room_id AND m.seq = t.root
				UNION SELECT r.room_id, r.root, n.user_id FROM replies r JOIN mentions n ON n.room_id = r.room_id AND n.seq = r.seq
				UNION SELECT t.room_id, t.root, n.user_id FROM threads t JOIN mentions n ON n.room_id = t.room_id AND n.seq = t.root
			) x ON x.room_id = t.room_id AND x.root = t.root WHERE x.user_id <> 0`,
	}
}

// followStatements are those for who follows threads.
type followStatements struct {
	starter, earlier, again, add     string
	one, locked, end, insert, update string
	threads, unread                  string
	forget, endUser                  string
}

func compileFollows(d *Dialect) followStatements {
	const count = `(SELECT count(*) FROM (SELECT p.seq FROM replies p WHERE p.room_id = t.room_id AND p.root = t.root AND p.seq > f.mark_seq
		AND NOT EXISTS (SELECT 1 FROM changes c WHERE c.room_id = p.room_id AND c.target = p.seq AND c.deleted <> 0) LIMIT 1000) y)`
	const absent = " AND NOT EXISTS (SELECT 1 FROM follows f WHERE f.user_id = u.id AND f.room_id = ? AND f.root = ?)"
	s := followStatements{
		starter: "SELECT user_id, text FROM messages WHERE room_id = ? AND seq = ?",
		earlier: "SELECT seq FROM replies WHERE room_id = ? AND root = ? AND seq < ? ORDER BY seq LIMIT 1",
		again:   "UPDATE follows SET followed = 1, mark_seq = ? WHERE user_id = ? AND room_id = ? AND root = ? AND followed = 0",
		add: `INSERT INTO follows (user_id, room_id, root, followed, mark_seq)
			SELECT u.id, CAST(? AS BIGINT), CAST(? AS BIGINT), 1, CAST(? AS BIGINT) FROM users u WHERE u.id = ?` + absent,

		one:    "SELECT followed, mark_seq FROM follows WHERE user_id = ? AND room_id = ? AND root = ?",
		locked: "SELECT followed, mark_seq FROM follows WHERE user_id = ? AND room_id = ? AND root = ?{for update}",
		end: `SELECT coalesce(t.last_seq, m.seq) FROM messages m LEFT JOIN threads t ON t.room_id = m.room_id AND t.root = m.seq
			WHERE m.room_id = ? AND m.seq = ? AND m.kind = 1`,
		insert: "INSERT INTO follows (followed, mark_seq, user_id, room_id, root) VALUES (?, ?, ?, ?, ?)",
		update: "UPDATE follows SET followed = ?, mark_seq = ? WHERE user_id = ? AND room_id = ? AND root = ?",

		threads: `SELECT t.root, t.replies, t.last_seq, coalesce(f.root, 0), coalesce(f.followed, 0), coalesce(f.mark_seq, 0),
			CASE WHEN f.followed = 1 THEN ` + count + ` ELSE 0 END
			FROM threads t LEFT JOIN follows f ON f.user_id = ? AND f.room_id = t.room_id AND f.root = t.root
			WHERE t.room_id = ? AND t.last_seq <= ? ORDER BY t.last_seq DESC{limit}`,
		// It sorts what the user follows in the room: the newest of it may be anywhere among that.
		unread: `SELECT root, replies, last_seq, root, 1, mark_seq, unread FROM (
			SELECT t.root, t.replies, t.last_seq, f.mark_seq, ` + count + ` AS unread
			FROM follows f JOIN threads t ON t.room_id = f.room_id AND t.root = f.root
			WHERE f.user_id = ? AND f.room_id = ? AND f.followed = 1 AND t.last_seq > f.mark_seq AND t.last_seq <= ?) x
			WHERE unread > 0 ORDER BY last_seq DESC{limit}`,

		forget: "DELETE FROM follows WHERE room_id = ? AND root <= ?",
		// That an erased user had to do with a thread is in the log; how far he has read is not.
		endUser: "UPDATE follows SET followed = 0, mark_seq = 0 WHERE user_id = ?",
	}
	for _, query := range []*string{
		&s.starter, &s.earlier, &s.again, &s.add, &s.one, &s.locked, &s.end, &s.insert, &s.update, &s.threads, &s.unread, &s.forget, &s.endUser,
	} {
		*query = d.compile(*query)
	}
	return s
}

// follow notes who follows a thread by a message that was just put into it.
func (s *Store) follow(ctx context.Context, c Conn, e *chat.Event) error {
	q, room, root, seq := &s.sql.follow, int64(e.Room), int64(e.ThreadRoot()), int64(e.Seq)
	first := true
	err := c.Query(ctx, q.earlier, []any{room, root, seq}, func(scan Scan) error {
		first = false
		return scan(new(int64))
	})
	if err != nil {
		return err
	}
	starter := chat.Event{Kind: chat.EventMessage, Seq: e.ThreadRoot()}
	if first {
		err := c.Query(ctx, q.starter, []any{room, root}, func(scan Scan) error {
			var user int64
			var body string
			err := scan(&user, &body)
			if err == nil {
				starter.User, err = whole[chat.UserID](user, "a user")
			}
			starter.SetBody(body)
			return err
		})
		if err != nil {
			return err
		}
	}
	for _, f := range e.Follows(first, &starter) {
		user, mark := int64(f.User), int64(f.Mark)
		if f.Anew {
			n, err := c.Exec(ctx, q.again, mark, user, room, root)
			if err != nil {
				return err
			}
			if n > 0 {
				continue
			}
		}
		if _, err := c.Exec(ctx, q.add, room, root, mark, user, room, root); err != nil {
			return err
		}
	}
	return nil
}

// changeFollow makes a change of a thread inside a transaction.
func (s *Store) changeFollow(ctx context.Context, c Conn, m *chat.MemberChange) (f chat.Follow, err error) {
	q, user, room, root := &s.sql.follow, int64(m.User), int64(m.Room), seqArg(m.Root)
	// Whoever commits to the room adds follows, too, and locks the head first.
	err = c.Query(ctx, s.sql.lockHead, []any{room}, func(scan Scan) error { return scan(new(int64), new(int64), new(int64), new(int64)) })
	if err != nil {
		return f, err
	}
	last, is := int64(0), false
	err = c.Query(ctx, q.end, []any{room, root}, func(scan Scan) error {
		is = true
		return scan(&last)
	})
	if err != nil || !is {
		return f, err
	}
	end, err := whole[chat.Seq](last, "a seq")
	if err != nil {
		return f, err
	}
	if err := c.Query(ctx, q.locked, []any{user, room, root}, scanFollow(m.Root, &f)); err != nil {
		return f, err
	}
	after := f.After(m, end)
	if after == f {
		return f, nil
	}
	query := q.update
	if f.Root == 0 {
		query = q.insert
	}
	_, err = c.Exec(ctx, query, bit(after.Followed), int64(after.Mark), user, room, root)
	return after, err
}

func scanFollow(root chat.Seq, f *chat.Follow) func(Scan) error {
	return func(scan Scan) error {
		var followed, mark int64
		err := scan(&followed, &mark)
		if err != nil {
			return err
		}
		f.Root, f.Followed = root, followed != 0
		f.Mark, err = whole[chat.Seq](mark, "a mark")
		return err
	}
}

// Follow is documented at chat.FollowStore.
func (s *Store) Follow(ctx context.Context, user chat.UserID, room chat.RoomID, root chat.Seq) (f chat.Follow, err error) {
	args := []any{int64(min(user, math.MaxInt64)), int64(room), seqArg(root)}
	err = s.readRows(ctx, s.sql.follow.one, args, func() { f = chat.Follow{} }, scanFollow(root, &f))
	return f, err
}

// Threads is documented at chat.ThreadStore.
func (s *Store) Threads(ctx context.Context, q chat.ThreadQuery) (page []chat.Thread, err error) {
	query := s.sql.follow.threads
	if q.Unread {
		query = s.sql.follow.unread
	}
	args := []any{int64(min(q.User, math.MaxInt64)), int64(q.Room), seqArg(q.Before - 1), int64(max(q.ItemsMax, 1))}
	err = s.readRows(ctx, query, args, func() { page = nil }, func(scan Scan) error {
		var t chat.Thread
		var root, replies, last, follow, followed, mark, unread int64
		if err := scan(&root, &replies, &last, &follow, &followed, &mark, &unread); err != nil {
			return err
		}
		for _, n := range []struct {
			to   *chat.Seq
			from int64
		}{{&t.Root, root}, {&t.Last, last}, {&t.Follow.Root, follow}, {&t.Follow.Mark, mark}} {
			seq, err := whole[chat.Seq](n.from, "a seq")
			if err != nil {
				return err
			}
			*n.to = seq
		}
		t.Replies, t.Unread, t.Follow.Followed = int(max(min(replies, math.MaxInt32), 0)), int(max(unread, 0)), followed != 0
		page = append(page, t)
		return nil
	})
	return page, err
}
