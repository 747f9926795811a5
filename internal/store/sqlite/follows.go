package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"math"

	"sarang/chat"
)

// followStmts are the writer's statements about who follows threads.
type followStmts struct {
	starter       *sql.Stmt // a thread's first message, if this is its first answer
	write, be     *sql.Stmt
	sel, end, put *sql.Stmt
	forget        *sql.Stmt // of threads that retention has erased
}

func (f *followStmts) all() []stmtOf {
	return []stmtOf{
		{&f.starter, `SELECT m.user_id, m.text FROM threads t JOIN messages m ON m.room_id = t.room_id AND m.seq = t.root
			WHERE t.room_id = ?1 AND t.root = ?2 AND t.last_seq = ?3 AND NOT EXISTS (SELECT 1 FROM replies WHERE room_id = ?1 AND root = ?2 AND seq < ?3)`},
		{&f.write, `INSERT INTO follows (user_id, room_id, root, followed, mark_seq) VALUES (?, ?, ?, 1, ?)
			ON CONFLICT DO UPDATE SET followed = 1, mark_seq = max(mark_seq, excluded.mark_seq) WHERE followed = 0`},
		{&f.be, "INSERT INTO follows (user_id, room_id, root, followed, mark_seq) VALUES (?, ?, ?, 1, ?) ON CONFLICT DO NOTHING"},
		{&f.sel, selectFollow},
		{&f.end, `SELECT coalesce(t.last_seq, m.seq) FROM messages m LEFT JOIN threads t ON t.room_id = m.room_id AND t.root = m.seq
			WHERE m.room_id = ? AND m.seq = ? AND m.kind = 1`},
		{&f.put, "INSERT OR REPLACE INTO follows (user_id, room_id, root, followed, mark_seq) VALUES (?, ?, ?, ?, ?)"},
		{&f.forget, "DELETE FROM follows WHERE room_id = ?1 AND root < (SELECT min(seq) FROM messages WHERE room_id = ?1)"},
	}
}

func (f *followStmts) prepare(ctx context.Context, conn *sql.Conn) (err error) {
	for _, s := range f.all() {
		if *s.stmt, err = conn.PrepareContext(ctx, s.query); err != nil {
			return err
		}
	}
	return nil
}

func (f *followStmts) close() error {
	var errs []error
	for _, s := range f.all() {
		errs = append(errs, closeStmts(*s.stmt))
	}
	return errors.Join(errs...)
}

const (
	// That an erased user had to do with a thread is in the log; how far he has read is not.
	forgetFollows = "UPDATE follows SET followed = 0, mark_seq = 0 WHERE user_id = ?"

	selectFollow = "SELECT followed, mark_seq FROM follows WHERE user_id = ? AND room_id = ? AND root = ?"

	threadUnread = `(SELECT count(*) FROM (SELECT 1 FROM replies p WHERE p.room_id = t.room_id AND p.root = t.root AND p.seq > f.mark_seq
		AND NOT EXISTS (SELECT 1 FROM changes c WHERE c.room_id = p.room_id AND c.target = p.seq AND c.deleted <> 0) LIMIT 1000))`

	selectThreads = `SELECT t.root, t.replies, t.last_seq, coalesce(f.root, 0), coalesce(f.followed, 0), coalesce(f.mark_seq, 0),
		CASE WHEN f.followed = 1 THEN ` + threadUnread + ` ELSE 0 END
	FROM threads t LEFT JOIN follows f ON f.user_id = ?4 AND f.room_id = t.room_id AND f.root = t.root
	WHERE t.room_id = ?1 AND t.last_seq <= ?2 ORDER BY t.last_seq DESC LIMIT ?3`

	// It sorts what the user follows in the room: the newest of it may be anywhere among that.
	selectUnreadThreads = `SELECT root, replies, last_seq, root, 1, mark_seq, unread FROM (
		SELECT t.root, t.replies, t.last_seq, f.mark_seq, ` + threadUnread + ` AS unread
		FROM follows f CROSS JOIN threads t ON t.room_id = f.room_id AND t.root = f.root
		WHERE f.user_id = ?4 AND f.room_id = ?1 AND f.followed = 1 AND t.last_seq > f.mark_seq AND t.last_seq <= ?2)
	WHERE unread > 0 ORDER BY last_seq DESC LIMIT ?3`
)

// follow notes who follows a thread by a message that was just put into it.
func (w *writer) follow(e *chat.Event) error {
	ctx, room, root := context.Background(), int64(e.Room), int64(e.ThreadRoot())
	starter, body := chat.Event{Kind: chat.EventMessage, Seq: e.ThreadRoot()}, ""
	err := w.follows.starter.QueryRowContext(ctx, room, root, int64(e.Seq)).Scan(number[chat.UserID]{&starter.User}, text{&body})
	first := err == nil
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	starter.SetBody(body)
	for _, f := range e.Follows(first, &starter) {
		stmt := w.follows.be
		if f.Anew {
			stmt = w.follows.write
		}
		if f.User != e.User && !w.isUser(f.User) {
			continue
		}
		if err := exec(ctx, stmt, int64(f.User), room, root, int64(f.Mark)); err != nil {
			return err
		}
	}
	return nil
}

// changeFollow makes a change of a thread inside a transaction.
func (w *writer) changeFollow(c *chat.MemberChange) (f chat.Follow, err error) {
	ctx, user, room, root := context.Background(), int64(c.User), int64(c.Room), seqArg(c.Root)
	var last chat.Seq
	err = w.follows.end.QueryRowContext(ctx, room, root).Scan(number[chat.Seq]{&last})
	if errors.Is(err, sql.ErrNoRows) {
		return f, nil
	}
	if err != nil {
		return f, err
	}
	if f, err = scanFollow(w.follows.sel.QueryRowContext(ctx, user, room, root), c.Root); err != nil {
		return f, err
	}
	after := f.After(c, last)
	if after == f {
		return f, nil
	}
	return after, exec(ctx, w.follows.put, user, room, root, bit(after.Followed), int64(after.Mark))
}

func scanFollow(row *sql.Row, root chat.Seq) (f chat.Follow, err error) {
	var followed int64
	err = row.Scan(bits[int64]{&followed}, number[chat.Seq]{&f.Mark})
	if errors.Is(err, sql.ErrNoRows) {
		return chat.Follow{}, nil
	}
	f.Root, f.Followed = root, followed != 0
	return f, err
}

// Follow is documented at chat.FollowStore.
func (s *Store) Follow(ctx context.Context, user chat.UserID, room chat.RoomID, root chat.Seq) (chat.Follow, error) {
	if err := s.beginRead(ctx); err != nil {
		return chat.Follow{}, err
	}
	defer s.endRead()
	f, err := scanFollow(s.readers.follow.QueryRowContext(ctx, int64(min(user, math.MaxInt64)), int64(room), seqArg(root)), root)
	if err != nil {
		return chat.Follow{}, readError(err)
	}
	return f, nil
}

// Threads is documented at chat.ThreadStore.
func (s *Store) Threads(ctx context.Context, q chat.ThreadQuery) (page []chat.Thread, err error) {
	stmt := s.readers.threads
	if q.Unread {
		stmt = s.readers.unreadThreads
	}
	args := []any{int64(q.Room), seqBefore(q.Before), max(q.ItemsMax, 1), int64(min(q.User, math.MaxInt64))}
	err = s.readRows(ctx, stmt, args, func(rows *sql.Rows) error {
		var t chat.Thread
		var replies, unread uint64
		var followed int64
		err := rows.Scan(number[chat.Seq]{&t.Root}, number[uint64]{&replies}, number[chat.Seq]{&t.Last},
			number[chat.Seq]{&t.Follow.Root}, bits[int64]{&followed}, number[chat.Seq]{&t.Follow.Mark}, number[uint64]{&unread})
		t.Replies, t.Unread, t.Follow.Followed = int(min(replies, math.MaxInt32)), int(unread), followed != 0
		page = append(page, t)
		return err
	})
	return page, err
}
