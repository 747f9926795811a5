package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"math"

	"sarang/chat"
)

// memberStmts are the writer's statements about memberships.
type memberStmts struct {
	sel, count, enter, leave, mark, mute *sql.Stmt
}

func (m *memberStmts) prepare(ctx context.Context, conn *sql.Conn) (err error) {
	for _, s := range []struct {
		stmt  **sql.Stmt
		query string
	}{
		{&m.sel, "SELECT since_seq, mark_seq, muted FROM memberships WHERE user_id = ? AND room_id = ?"},
		{&m.count, "SELECT count(*) FROM (SELECT 1 FROM memberships WHERE user_id = ? LIMIT ?)"},
		{&m.enter, `INSERT INTO memberships (user_id, room_id, since_seq, mark_seq, muted)
			SELECT users.id, rooms.id, ?3, ?3, 0 FROM users, rooms WHERE users.id = ?1 AND rooms.id = ?2 AND rooms.flags & 1 = 0`},
		{&m.leave, "DELETE FROM memberships WHERE user_id = ? AND room_id = ?"},
		{&m.mark, "UPDATE memberships SET mark_seq = ?3 WHERE user_id = ?1 AND room_id = ?2"},
		{&m.mute, "UPDATE memberships SET muted = ?3 WHERE user_id = ?1 AND room_id = ?2"},
	} {
		if *s.stmt, err = conn.PrepareContext(ctx, s.query); err != nil {
			return err
		}
	}
	return nil
}

func (m *memberStmts) close() error {
	return closeStmts(m.sel, m.count, m.enter, m.leave, m.mark, m.mute)
}

// ChangeMembers is documented at chat.Store.
func (s *Store) ChangeMembers(ctx context.Context, changes []chat.MemberChange, roomsMax int) ([]chat.Membership, error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.end()
	after := make([]chat.Membership, len(changes))
	err := s.gather(ctx, &pending{do: func(w *writer) error {
		for i := range changes {
			var err error
			if after[i], err = w.changeMember(&changes[i], roomsMax); err != nil {
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
func (w *writer) changeMember(c *chat.MemberChange, roomsMax int) (chat.Membership, error) {
	m, err := w.membership(c.User, c.Room)
	if err != nil {
		return m, err
	}
	if m.Room != 0 && c.Kind.OfThread() {
		m.Thread, err = w.changeFollow(c)
		return m, err
	}
	ctx, is := context.Background(), m.Room != 0
	user, room := int64(c.User), int64(c.Room)
	switch {
	case !is && c.Kind == chat.MemberEnters:
		if c.By != 0 {
			if blocked, err := w.blocks(c.User, c.By); err != nil || blocked {
				return m, err
			}
		}
		if full, err := w.belongsToMany(c.User, roomsMax); err != nil || full {
			return m, err
		}
		result, err := w.members.enter.ExecContext(ctx, user, room, int64(c.Seq))
		if err != nil {
			return m, err
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return m, err
		}
		return chat.Membership{User: c.User, Room: c.Room, Since: c.Seq, Mark: c.Seq}, nil
	case !is:
		return m, nil
	case c.Kind == chat.MemberLeaves && (c.Seq == 0 || m.Since < c.Seq):
		return chat.Membership{}, exec(ctx, w.members.leave, user, room)
	case c.Kind == chat.MemberMarks && c.Seq > m.Mark:
		m.Mark = c.Seq
		return m, exec(ctx, w.members.mark, user, room, int64(c.Seq))
	case c.Kind == chat.MemberMutes && !m.Muted, c.Kind == chat.MemberUnmutes && m.Muted:
		m.Muted = !m.Muted
		return m, exec(ctx, w.members.mute, user, room, bit(m.Muted))
	}
	return m, nil
}

// membership is the zero one if there is none.
func (w *writer) membership(user chat.UserID, room chat.RoomID) (chat.Membership, error) {
	m := chat.Membership{User: user, Room: room}
	var muted int64
	err := w.members.sel.QueryRowContext(context.Background(), int64(user), int64(room)).
		Scan(number[chat.Seq]{&m.Since}, number[chat.Seq]{&m.Mark}, bits[int64]{&muted})
	if errors.Is(err, sql.ErrNoRows) {
		return chat.Membership{}, nil
	}
	m.Muted = muted != 0
	return m, err
}

func (w *writer) belongsToMany(user chat.UserID, roomsMax int) (bool, error) {
	if roomsMax <= 0 {
		return false, nil
	}
	var n int64
	err := w.members.count.QueryRowContext(context.Background(), int64(user), roomsMax).Scan(bits[int64]{&n})
	return n >= int64(roomsMax), err
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// selectMyRooms costs some steps into the tables for each room of the page: to its newest
// event h, the newest message l, the event at the mark, and the oldest one if that is gone.
// Texts are cut to characters here and to bytes by chat.LastText.
const selectMyRooms = `SELECT b.room_id, rooms.name, rooms.name_key, rooms.epoch, rooms.flags, rooms.creator, rooms.created_ms,
	coalesce(h.seq, 0), coalesce(h.time_ms, 0), rooms.topic, rooms.description, rooms.archived, rooms.slow_s, rooms.retain_s, coalesce(r.role, 0), coalesce(r.until_ms, 0), b.mark_seq, b.muted,
	coalesce(h.said, 0) - coalesce((SELECT said FROM messages WHERE room_id = b.room_id AND seq <= b.mark_seq ORDER BY seq DESC LIMIT 1),
		(SELECT said - (kind = 1) FROM messages WHERE room_id = b.room_id ORDER BY seq LIMIT 1), 0),
	(SELECT count(*) FROM (SELECT 1 FROM mentions n WHERE n.user_id = b.user_id AND n.room_id = b.room_id AND n.seq > b.mark_seq LIMIT 100)),
	(SELECT count(*) FROM (SELECT 1 FROM mentions n WHERE n.user_id = 0 AND n.room_id = b.room_id AND n.seq > b.mark_seq AND NOT EXISTS
		(SELECT 1 FROM mentions o WHERE o.user_id = b.user_id AND o.room_id = n.room_id AND o.seq = n.seq) LIMIT 100)),
	coalesce(l.seq, 0), coalesce(l.user_id, 0), coalesce(u.name, ''), coalesce(l.time_ms, 0), coalesce(substr(coalesce(e.text, l.text), 1, 160), '')
	FROM memberships b JOIN rooms ON rooms.id = b.room_id
	LEFT JOIN members r ON r.room_id = b.room_id AND r.user_id = b.user_id
	LEFT JOIN messages h ON h.room_id = b.room_id AND h.seq = (SELECT max(seq) FROM messages WHERE room_id = b.room_id)
	LEFT JOIN messages l ON l.room_id = b.room_id AND l.seq = h.said_seq
	LEFT JOIN changes c ON c.room_id = b.room_id AND c.target = h.said_seq
	LEFT JOIN messages e ON e.room_id = b.room_id AND e.seq = c.edited
	LEFT JOIN users u ON u.id = l.user_id
	WHERE b.user_id = ?1 AND b.room_id > ?2 ORDER BY b.room_id LIMIT ?3`

// MyRooms is documented at chat.Store.
func (s *Store) MyRooms(ctx context.Context, user chat.UserID, after chat.RoomID, itemsMax int) ([]chat.MyRoom, error) {
	if err := s.beginRead(ctx); err != nil {
		return nil, err
	}
	defer s.endRead()
	rows, err := s.readers.myRooms.QueryContext(ctx, int64(min(user, math.MaxInt64)), int64(min(after, math.MaxInt64)), max(itemsMax, 1))
	if err != nil {
		return nil, readError(err)
	}
	defer rows.Close()
	var page []chat.MyRoom
	for rows.Next() {
		m, err := scanMyRoom(rows)
		if err != nil {
			return nil, readError(err)
		}
		page = append(page, m)
	}
	if err := rows.Err(); err != nil {
		return nil, readError(err)
	}
	return page, nil
}

func scanMyRoom(rows *sql.Rows) (chat.MyRoom, error) {
	var m chat.MyRoom
	var flags, muted int64
	var mentioned, everybody uint64
	r, l := &m.Room, &m.Last
	err := rows.Scan(number[chat.RoomID]{&r.ID}, text{&r.Name}, text{&r.Key}, bits[chat.Epoch]{&r.Epoch}, bits[int64]{&flags},
		number[chat.UserID]{&r.Creator}, bits[int64]{&r.CreatedMs}, number[chat.Seq]{&r.LastSeq}, bits[int64]{&r.LastMs}, text{&r.Topic},
		text{&r.Description}, flag{&r.Archived}, number[uint32]{&r.SlowSeconds}, number[uint32]{&r.RetainSeconds},
		number[chat.Role]{&m.Given.Role}, bits[int64]{&m.Given.UntilMs}, number[chat.Seq]{&m.Mark}, bits[int64]{&muted},
		number[uint64]{&m.Unread}, number[uint64]{&mentioned}, number[uint64]{&everybody},
		number[chat.Seq]{&l.Seq}, number[chat.UserID]{&l.User}, text{&l.Name}, bits[int64]{&l.TimeMs}, text{&l.Text})
	r.Ephemeral, r.Ruled, r.Private = flags&roomEphemeral != 0, flags&roomRuled != 0, flags&roomPrivate != 0
	m.Muted = muted != 0
	m.Mentions = int(min(mentioned+everybody, chat.MentionsCountedMax))
	if l.Seq != 0 {
		l.Room, l.Kind, l.Text = r.ID, chat.EventMessage, chat.LastText(l.Text)
	}
	return m, err
}

const (
	selectMemberships = `SELECT user_id, room_id, since_seq, mark_seq, muted FROM memberships
	WHERE (user_id, room_id) > (?, ?) ORDER BY user_id, room_id LIMIT ?`
	addMembership = `INSERT INTO memberships (user_id, room_id, since_seq, mark_seq, muted) VALUES (?, ?, ?, ?, ?)
	ON CONFLICT DO UPDATE SET since_seq = excluded.since_seq, mark_seq = excluded.mark_seq, muted = excluded.muted`
)

// Memberships is documented at chat.Archive.
func (s *Store) Memberships(ctx context.Context, user chat.UserID, room chat.RoomID, itemsMax int) ([]chat.Membership, error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.end()
	rows, err := s.readers.db.QueryContext(ctx, selectMemberships, int64(min(user, math.MaxInt64)), int64(min(room, math.MaxInt64)), max(itemsMax, 1))
	if err != nil {
		return nil, readError(err)
	}
	defer rows.Close()
	var all []chat.Membership
	for rows.Next() {
		var m chat.Membership
		var muted int64
		err := rows.Scan(number[chat.UserID]{&m.User}, number[chat.RoomID]{&m.Room}, number[chat.Seq]{&m.Since}, number[chat.Seq]{&m.Mark}, bits[int64]{&muted})
		if err != nil {
			return nil, readError(err)
		}
		m.Muted = muted != 0
		all = append(all, m)
	}
	if err := rows.Err(); err != nil {
		return nil, readError(err)
	}
	return all, nil
}

// AddMemberships is documented at chat.Archive.
func (s *Store) AddMemberships(ctx context.Context, all []chat.Membership) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	return s.gather(ctx, &pending{do: func(w *writer) error {
		for _, m := range all {
			if err := w.run(addMembership, int64(m.User), int64(m.Room), int64(m.Since), int64(m.Mark), bit(m.Muted)); err != nil {
				return err
			}
		}
		return nil
	}})
}
