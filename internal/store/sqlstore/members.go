package sqlstore

import (
	"context"
	"math"

	"sarang/chat"
)

// selectMyRooms costs some steps into the tables for each room of the page: to the head, the
// newest message, the event at the mark, and the oldest one if that is gone.
const selectMyRooms = `SELECT b.room_id, r.name, r.name_key, r.epoch, r.creator, r.created_ms, h.last_seq, h.last_ms, h.flags, r.topic,
	r.description, r.archived, r.slow_s, r.retain_s,
	coalesce(g.role, 0), coalesce(g.until_ms, 0), b.mark_seq, b.muted,
	h.said - coalesce((SELECT y.said FROM messages y WHERE y.room_id = b.room_id AND y.seq = (
			SELECT max(x.seq) FROM messages x WHERE x.room_id = b.room_id AND x.seq <= b.mark_seq)),
		(SELECT y.said - CASE WHEN y.kind = 1 THEN 1 ELSE 0 END FROM messages y WHERE y.room_id = b.room_id AND y.seq = (
			SELECT min(x.seq) FROM messages x WHERE x.room_id = b.room_id)), 0),
	(SELECT count(*) FROM (SELECT n.seq FROM mentions n WHERE n.user_id = b.user_id AND n.room_id = b.room_id AND n.seq > b.mark_seq LIMIT 100) x),
	(SELECT count(*) FROM (SELECT n.seq FROM mentions n WHERE n.user_id = 0 AND n.room_id = b.room_id AND n.seq > b.mark_seq AND NOT EXISTS
		(SELECT 1 FROM mentions o WHERE o.user_id = b.user_id AND o.room_id = n.room_id AND o.seq = n.seq) LIMIT 100) x),
	coalesce(l.seq, 0), coalesce(l.user_id, 0), coalesce(u.name, ''), coalesce(l.time_ms, 0), {beginning of m}
	FROM (SELECT * FROM memberships WHERE user_id = ? AND room_id > ? ORDER BY room_id{limit}) b
	JOIN rooms r ON r.id = b.room_id JOIN heads h ON h.room_id = b.room_id
	LEFT JOIN members g ON g.room_id = b.room_id AND g.user_id = b.user_id
	LEFT JOIN messages l ON l.room_id = b.room_id AND l.seq = h.said_seq
	LEFT JOIN changes c ON c.room_id = b.room_id AND c.target = h.said_seq
	LEFT JOIN messages m ON m.room_id = b.room_id AND m.seq = CASE WHEN coalesce(c.edited, 0) <> 0 THEN c.edited ELSE h.said_seq END
	LEFT JOIN users u ON u.id = l.user_id ORDER BY b.room_id`

// ChangeMembers is documented at chat.Store.
func (s *Store) ChangeMembers(ctx context.Context, changes []chat.MemberChange, roomsMax int) (after []chat.Membership, err error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.end()
	err = s.gather(ctx, &pending{do: func(ctx context.Context, t *smallTx) error {
		after = make([]chat.Membership, len(changes))
		for i := range changes {
			var err error
			if after[i], err = s.changeMember(ctx, t, &changes[i], roomsMax); err != nil {
				return err
			}
		}
		return nil
	}})
	if err != nil {
		return nil, err
	}
	return after, nil
}

// changeMember makes a change inside a transaction, and returns what the membership is then.
func (s *Store) changeMember(ctx context.Context, t *smallTx, c *chat.MemberChange, roomsMax int) (m chat.Membership, err error) {
	user, room := int64(c.User), int64(c.Room)
	is := false
	err = t.conn.Query(ctx, s.sql.membership, []any{user, room}, func(scan Scan) error {
		is = true
		m, err = scanMembership(scan, false)
		m.User, m.Room = c.User, c.Room
		return err
	})
	exec := func(query string, args ...any) error {
		_, err := t.conn.Exec(ctx, query, args...)
		return err
	}
	switch {
	case err != nil:
		return m, err
	case is && c.Kind.OfThread():
		m.Thread, err = s.changeFollow(ctx, t.conn, c)
		return m, err
	case !is && c.Kind == chat.MemberEnters:
		if may, err := s.mayBelong(ctx, t, c, roomsMax); err != nil || !may {
			return chat.Membership{}, err
		}
		m = chat.Membership{User: c.User, Room: c.Room, Since: c.Seq, Mark: c.Seq}
		return m, exec(s.sql.enter, user, room, int64(c.Seq), int64(c.Seq), int64(0))
	case !is:
		return chat.Membership{}, nil
	case c.Kind == chat.MemberLeaves && (c.Seq == 0 || m.Since < c.Seq):
		return chat.Membership{}, exec(s.sql.leave, user, room)
	case c.Kind == chat.MemberMarks && c.Seq > m.Mark:
		m.Mark = c.Seq
		return m, exec(s.sql.mark, int64(c.Seq), user, room)
	case c.Kind == chat.MemberMutes && !m.Muted, c.Kind == chat.MemberUnmutes && m.Muted:
		m.Muted = !m.Muted
		return m, exec(s.sql.mute, bit(m.Muted), user, room)
	}
	return m, nil
}

// mayBelong reports whether who does not belong to a room may enter it.
func (s *Store) mayBelong(ctx context.Context, t *smallTx, c *chat.MemberChange, roomsMax int) (may bool, err error) {
	if c.User == 0 || c.User > t.users {
		return false, nil
	}
	if c.By != 0 {
		if blocked, err := s.isBlocked(ctx, t.conn, chat.Block{User: c.User, Whom: c.By}); err != nil || blocked {
			return false, err
		}
	}
	err = t.conn.Query(ctx, s.sql.room, []any{int64(c.Room)}, func(scan Scan) error {
		r, err := scanRoom(scan)
		may = !r.Ephemeral
		return err
	})
	if err != nil || !may || roomsMax <= 0 {
		return may, err
	}
	var n int64
	err = t.conn.Query(ctx, s.sql.countMemberships, []any{int64(c.User), int64(roomsMax)}, func(scan Scan) error { return scan(&n) })
	return n < int64(roomsMax), err
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// scanMembership reads since, mark and muted, behind user and room if those are there.
func scanMembership(scan Scan, named bool) (m chat.Membership, err error) {
	var user, room, since, mark, muted int64
	to := []any{&user, &room, &since, &mark, &muted}
	if !named {
		to = to[2:]
	}
	if err := scan(to...); err != nil {
		return m, err
	}
	m.User, m.Room, m.Muted = chat.UserID(user), chat.RoomID(room), muted != 0
	if m.Since, err = whole[chat.Seq](since, "where somebody came"); err != nil {
		return m, err
	}
	m.Mark, err = whole[chat.Seq](mark, "a mark")
	return m, err
}

// MyRooms is documented at chat.Store.
func (s *Store) MyRooms(ctx context.Context, user chat.UserID, after chat.RoomID, itemsMax int) (page []chat.MyRoom, err error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.end()
	args := []any{int64(min(user, math.MaxInt64)), int64(min(after, math.MaxInt64)), int64(max(itemsMax, 1))}
	err = s.read(ctx, func(ctx context.Context, c Conn) error {
		page = nil
		return c.Query(ctx, s.sql.myRooms, args, func(scan Scan) error {
			m, err := scanMyRoom(scan)
			page = append(page, m)
			return err
		})
	})
	return page, err
}

func scanMyRoom(scan Scan) (m chat.MyRoom, err error) {
	var role, mark, muted, unread, mentioned, everybody, last, author int64
	m.Room, err = scanRoom(func(to ...any) error {
		return scan(append(to, &role, &m.Given.UntilMs, &mark, &muted, &unread, &mentioned, &everybody, &last, &author, &m.Last.Name, &m.Last.TimeMs, &m.Last.Text)...)
	})
	if err != nil {
		return m, err
	}
	m.Muted, m.Mentions = muted != 0, int(max(min(mentioned+everybody, chat.MentionsCountedMax), 0))
	if m.Given.Role, err = whole[chat.Role](role, "a role"); err != nil {
		return m, err
	}
	if m.Mark, err = whole[chat.Seq](mark, "a mark"); err != nil {
		return m, err
	}
	if m.Unread, err = whole[uint64](unread, "a count of messages"); err != nil {
		return m, err
	}
	if m.Last.Seq, err = whole[chat.Seq](last, "a seq"); err != nil || m.Last.Seq == 0 {
		return m, err
	}
	m.Last.Room, m.Last.Kind, m.Last.Text = m.ID, chat.EventMessage, chat.LastText(m.Last.Text)
	m.Last.User, err = whole[chat.UserID](author, "a user")
	return m, err
}

// Memberships is documented at chat.Archive.
func (s *Store) Memberships(ctx context.Context, user chat.UserID, room chat.RoomID, itemsMax int) (all []chat.Membership, err error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.end()
	id := int64(min(user, math.MaxInt64))
	args := []any{id, id, int64(min(room, math.MaxInt64)), int64(max(itemsMax, 1))}
	err = s.read(ctx, func(ctx context.Context, c Conn) error {
		all = nil
		return c.Query(ctx, s.sql.memberships, args, func(scan Scan) error {
			m, err := scanMembership(scan, true)
			all = append(all, m)
			return err
		})
	})
	return all, err
}

// AddMemberships is documented at chat.Archive.
func (s *Store) AddMemberships(ctx context.Context, all []chat.Membership) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	return s.gather(ctx, &pending{do: func(ctx context.Context, t *smallTx) error {
		for _, m := range all {
			user, room := int64(m.User), int64(m.Room)
			if _, err := t.conn.Exec(ctx, s.sql.leave, user, room); err != nil {
				return err
			}
			if _, err := t.conn.Exec(ctx, s.sql.enter, user, room, int64(m.Since), int64(m.Mark), bit(m.Muted)); err != nil {
				return err
			}
		}
		return nil
	}})
}
