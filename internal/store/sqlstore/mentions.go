package sqlstore

import (
	"context"
	"math"
	"slices"

	"sarang/chat"
)

// The tables of mentions and threads are written here, in the transaction that stores the
// message or what changes it, and read here. Batches with messages that mention somebody, or
// answer, go statement by statement (see changes.go). Other messages have no row in them.

// linkTables is the step of the schema that makes them.
func linkTables() []string {
	const root = "CASE WHEN m.until_ms <> 0 THEN m.until_ms ELSE m.target END"
	return []string{
		// Which messages, as they are now, mention whom; user_id 0: everybody in the room. time_ms
		// is the message's. Texts that were stored before mention nobody: the form of a mention
		// was not known.
		`CREATE TABLE mentions (
			user_id BIGINT NOT NULL,
			room_id BIGINT NOT NULL,
			seq     BIGINT NOT NULL,
			time_ms BIGINT NOT NULL,
			PRIMARY KEY (user_id, room_id, seq)
		)`,
		"CREATE INDEX mentions_newest ON mentions (user_id, time_ms, room_id, seq) WHERE user_id <> 0",
		"CREATE INDEX mentions_message ON mentions (room_id, seq)",
		// The messages of threads, and what a list of threads shows: how many of them were not
		// deleted, and the newest one.
		`CREATE TABLE replies (
			room_id BIGINT NOT NULL,
			root    BIGINT NOT NULL,
			seq     BIGINT NOT NULL,
			PRIMARY KEY (room_id, root, seq)
		)`,
		`CREATE TABLE threads (
			room_id  BIGINT NOT NULL,
			root     BIGINT NOT NULL,
			replies  BIGINT NOT NULL,
			last_seq BIGINT NOT NULL,
			PRIMARY KEY (room_id, root)
		)`,
		"CREATE INDEX threads_newest ON threads (room_id, last_seq)",
		"INSERT INTO replies (room_id, root, seq) SELECT m.room_id, r.seq, m.seq FROM messages m JOIN messages r ON r.room_id = m.room_id AND r.seq = " + root +
			" WHERE m.kind = 1 AND m.target <> 0 AND r.kind = 1",
		`INSERT INTO threads (room_id, root, replies, last_seq)
			SELECT p.room_id, p.root, sum(CASE WHEN coalesce(c.deleted, 0) = 0 THEN 1 ELSE 0 END), max(p.seq) FROM replies p
			LEFT JOIN changes c ON c.room_id = p.room_id AND c.target = p.seq GROUP BY p.room_id, p.root`,
		"DROP INDEX messages_thread",
	}
}

// linkStatements are those for messages that mention somebody, or answer.
type linkStatements struct {
	mention, mentionAll, dropMentions           string
	reply, answered, firstAnswer, isReply, less string
	mentions, pins                              string
	replies, repliesBefore                      string
	forgetMentions, forgetReplies, forgetThread string
}

func compileLinks(d *Dialect) linkStatements {
	s := linkStatements{
		// Who is no user is not mentioned.
		mention: `INSERT INTO mentions (user_id, room_id, seq, time_ms)
			SELECT id, CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT) FROM users WHERE id = ?`,
		mentionAll:   "INSERT INTO mentions (room_id, seq, time_ms, user_id) VALUES (?, ?, ?, ?)",
		dropMentions: "DELETE FROM mentions WHERE room_id = ? AND seq = ?",

		reply: `INSERT INTO replies (room_id, root, seq)
			SELECT room_id, seq, CAST(? AS BIGINT) FROM messages WHERE room_id = ? AND seq = ? AND kind = 1`,
		answered:    "UPDATE threads SET replies = replies + 1, last_seq = ? WHERE room_id = ? AND root = ?",
		firstAnswer: "INSERT INTO threads (last_seq, room_id, root, replies) VALUES (?, ?, ?, 1)",
		isReply:     "SELECT seq FROM replies WHERE room_id = ? AND root = ? AND seq = ?",
		less:        "UPDATE threads SET replies = replies - 1 WHERE room_id = ? AND root = ?",

		mentions: `SELECT time_ms, room_id, seq FROM mentions WHERE user_id = ? AND user_id <> 0
			AND (time_ms, room_id, seq) < (?, ?, ?) ORDER BY time_ms DESC, room_id DESC, seq DESC{limit}`,
		pins:          "SELECT target, pinned FROM changes WHERE room_id = ? AND pinned <> 0 AND pinned <= ? ORDER BY pinned DESC{limit}",
		replies:       "SELECT seq FROM replies WHERE room_id = ? AND root = ? AND seq > ? ORDER BY seq{limit}",
		repliesBefore: "SELECT seq FROM replies WHERE room_id = ? AND root = ? AND seq < ? ORDER BY seq DESC{limit}",

		forgetMentions: "DELETE FROM mentions WHERE room_id = ? AND seq <= ?",
		forgetReplies:  "DELETE FROM replies WHERE room_id = ? AND root <= ?",
		forgetThread:   "DELETE FROM threads WHERE room_id = ? AND root <= ?",
	}
	for _, query := range []*string{
		&s.mention, &s.mentionAll, &s.dropMentions, &s.reply, &s.answered, &s.firstAnswer, &s.isReply, &s.less,
		&s.mentions, &s.pins, &s.replies, &s.repliesBefore, &s.forgetMentions, &s.forgetReplies, &s.forgetThread,
	} {
		*query = d.compile(*query)
	}
	return s
}

// storeLinks notes what messages say of others. It comes before the changes of the same batch.
func (s *Store) storeLinks(ctx context.Context, c Conn, b *Batch, stands map[chat.RoomID]bool) error {
	for _, e := range b.Linked {
		if !stands[e.Room] {
			continue
		}
		if err := s.mention(ctx, c, e.Room, e.Seq, e.TimeMs, e.Text); err != nil {
			return err
		}
		if err := s.reply(ctx, c, e); err != nil {
			return err
		}
	}
	return nil
}

// mention notes whom a message mentions whose text is now this one.
func (s *Store) mention(ctx context.Context, c Conn, room chat.RoomID, seq chat.Seq, timeMs int64, text string) error {
	for _, u := range chat.MentionedUsers(text) {
		query := s.sql.link.mention
		if u == 0 {
			query = s.sql.link.mentionAll
		}
		if _, err := c.Exec(ctx, query, int64(room), int64(seq), timeMs, int64(u)); err != nil {
			return err
		}
	}
	return nil
}

// reply notes to which thread a message belongs.
func (s *Store) reply(ctx context.Context, c Conn, e *chat.Event) error {
	q, room, root, seq := &s.sql.link, int64(e.Room), int64(e.ThreadRoot()), int64(e.Seq)
	if root == 0 {
		return nil
	}
	n, err := c.Exec(ctx, q.reply, seq, room, root)
	if err != nil || n == 0 {
		return err
	}
	if n, err = c.Exec(ctx, q.answered, seq, room, root); err == nil && n == 0 {
		_, err = c.Exec(ctx, q.firstAnswer, seq, room, root)
	}
	if err != nil {
		return err
	}
	return s.follow(ctx, c, e)
}

// unlink forgets what a message, which is deleted, has said of others.
func (s *Store) unlink(ctx context.Context, c Conn, e *chat.Event) error {
	q, room, root, seq := &s.sql.link, int64(e.Room), int64(e.ThreadRoot()), int64(e.Seq)
	if _, err := c.Exec(ctx, q.dropMentions, room, seq); err != nil || root == 0 {
		return err
	}
	is := false
	err := c.Query(ctx, q.isReply, []any{room, root, seq}, func(scan Scan) error {
		is = true
		return scan(new(int64))
	})
	if err != nil || !is {
		return err
	}
	_, err = c.Exec(ctx, q.less, room, root)
	return err
}

// UserMentions is documented at chat.MentionStore.
func (s *Store) UserMentions(ctx context.Context, user chat.UserID, before chat.MentionPlace, itemsMax int) (page []chat.MentionPlace, err error) {
	if before == (chat.MentionPlace{}) {
		before = chat.MentionPlace{TimeMs: math.MaxInt64}
	}
	args := []any{int64(min(user, math.MaxInt64)), before.TimeMs, int64(min(before.Room, math.MaxInt64)), seqArg(before.Seq), int64(max(itemsMax, 1))}
	err = s.readRows(ctx, s.sql.link.mentions, args, func() { page = nil }, func(scan Scan) error {
		var m chat.MentionPlace
		var room, seq int64
		err := scan(&m.TimeMs, &room, &seq)
		if err == nil {
			m.Room, err = whole[chat.RoomID](room, "a room")
		}
		if err == nil {
			m.Seq, err = whole[chat.Seq](seq, "a seq")
		}
		page = append(page, m)
		return err
	})
	return page, err
}

// Pins is documented at chat.ThreadStore.
func (s *Store) Pins(ctx context.Context, room chat.RoomID, before chat.Seq, itemsMax int) (page []chat.Pin, err error) {
	args := []any{int64(room), seqArg(before - 1), int64(max(itemsMax, 1))}
	err = s.readRows(ctx, s.sql.link.pins, args, func() { page = nil }, func(scan Scan) error {
		var p chat.Pin
		var target, pinned int64
		err := scan(&target, &pinned)
		if err == nil {
			p.Target, err = whole[chat.Seq](target, "a seq")
		}
		if err == nil {
			p.Pinned, err = whole[chat.Seq](pinned, "a seq")
		}
		page = append(page, p)
		return err
	})
	return page, err
}

// Replies is documented at chat.ThreadStore.
func (s *Store) Replies(ctx context.Context, room chat.RoomID, root chat.Seq, p chat.Page) (seqs []chat.Seq, more bool, err error) {
	query, from := s.sql.link.replies, p.After
	if p.Before != 0 {
		query, from = s.sql.link.repliesBefore, p.Before
	}
	itemsMax := min(max(p.ItemsMax, 1), math.MaxInt32)
	args := []any{int64(room), seqArg(root), seqArg(from), int64(itemsMax) + 1}
	err = s.readRows(ctx, query, args, func() { seqs = nil }, func(scan Scan) error {
		var n int64
		if err := scan(&n); err != nil {
			return err
		}
		seq, err := whole[chat.Seq](n, "a seq")
		seqs = append(seqs, seq)
		return err
	})
	if err != nil {
		return nil, false, err
	}
	if more = len(seqs) > itemsMax; more {
		seqs = seqs[:itemsMax]
	}
	if p.Before != 0 {
		slices.Reverse(seqs)
	}
	return seqs, more, nil
}

// readRows runs a query, and calls each for its rows. It calls again first, whenever it begins.
func (s *Store) readRows(ctx context.Context, query string, args []any, again func(), each func(Scan) error) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	return s.read(ctx, func(ctx context.Context, c Conn) error {
		again()
		return c.Query(ctx, query, args, each)
	})
}
