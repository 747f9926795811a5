package sqlstore

import (
	"context"
	"math"
	"net/netip"

	"sarang/chat"
)

var _ chat.Moderation = (*Store)(nil)

// moderationSchema is the step of the schema that brings what chat.Moderation keeps.
func moderationSchema() []string {
	return []string{
		`CREATE TABLE operators (user_id BIGINT NOT NULL PRIMARY KEY)`,
		// by_id 0 is whoever operates the server. nonce: a call that is made again is known by it.
		`CREATE TABLE audit (
			id       BIGINT NOT NULL PRIMARY KEY,
			nonce    BIGINT NOT NULL,
			time_ms  BIGINT NOT NULL,
			act      SMALLINT NOT NULL,
			by_id    BIGINT NOT NULL,
			subject  BIGINT NOT NULL,
			room_id  BIGINT NOT NULL,
			seq      BIGINT NOT NULL,
			until_ms BIGINT NOT NULL,
			what     {text} NOT NULL,
			reason   {text} NOT NULL
		)`,
		"CREATE UNIQUE INDEX audit_nonce ON audit (nonce)",
		"CREATE INDEX audit_time ON audit (time_ms, room_id, seq, id)",
		"CREATE INDEX audit_room ON audit (room_id, time_ms, seq, id)",
		// Roles and kicks are read from the logs: a few rows of many.
		"CREATE INDEX messages_ruled ON messages (time_ms, room_id, seq) WHERE kind IN (4, 5)",
		"CREATE INDEX messages_ruled_room ON messages (room_id, time_ms, seq) WHERE kind IN (4, 5)",
		// id is that of the entry in audit; target is chat.Ban.Target.
		`CREATE TABLE bans (
			id         BIGINT NOT NULL PRIMARY KEY,
			target     {key} NOT NULL,
			user_id    BIGINT NOT NULL,
			network    {text} NOT NULL,
			until_ms   BIGINT NOT NULL,
			reason     {text} NOT NULL,
			created_ms BIGINT NOT NULL
		)`,
		"CREATE UNIQUE INDEX bans_target ON bans (target)",
		`CREATE TABLE reports (
			id          BIGINT NOT NULL PRIMARY KEY,
			room_id     BIGINT NOT NULL,
			seq         BIGINT NOT NULL,
			author      BIGINT NOT NULL,
			reporter    BIGINT NOT NULL,
			time_ms     BIGINT NOT NULL,
			reason      {text} NOT NULL,
			outcome     SMALLINT NOT NULL,
			resolved_by BIGINT NOT NULL,
			resolved_ms BIGINT NOT NULL,
			note        {text} NOT NULL
		)`,
		"CREATE UNIQUE INDEX reports_of ON reports (room_id, seq, reporter)",
		"CREATE INDEX reports_room ON reports (room_id, id)",
		"CREATE INDEX reports_open ON reports (outcome, id)",
		"CREATE INDEX reports_open_room ON reports (room_id, outcome, id)",
		"CREATE INDEX reports_open_reporter ON reports (reporter, outcome)",
		"CREATE INDEX reports_resolved ON reports (outcome, resolved_ms)",
	}
}

// These are asked seldom: they are compiled each time.
const (
	insertAudit = `INSERT INTO audit (id, nonce, time_ms, act, by_id, subject, room_id, seq, until_ms, what, reason)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	selectBan    = "SELECT id, user_id, network, until_ms, reason, created_ms FROM bans WHERE "
	insertBan    = "INSERT INTO bans (id, target, user_id, network, until_ms, reason, created_ms) VALUES (?, ?, ?, ?, ?, ?, ?)"
	selectReport = `SELECT id, room_id, seq, author, reporter, time_ms, reason, outcome, resolved_by, resolved_ms, note FROM reports WHERE `
	insertReport = `INSERT INTO reports (id, room_id, seq, author, reporter, time_ms, reason, outcome, resolved_by, resolved_ms, note)
		VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, 0, '')`
	auditNames  = `, coalesce((SELECT name FROM users WHERE id = e.by_id), ''), coalesce((SELECT name FROM users WHERE id = e.subject), '') FROM `
	selectAudit = `SELECT e.id, e.time_ms, e.act, e.by_id, e.subject, e.room_id, e.seq, 0, e.until_ms, e.what, e.reason` + auditNames +
		`audit e WHERE (time_ms, room_id, seq, id) < (?, ?, ?, ?)`
	// Events; see chat.AuditOf.
	selectRuled = `SELECT 0, e.time_ms, e.kind, e.by_id, e.subject, e.room_id, e.seq, e.role, e.until_ms, '', e.text` + auditNames +
		`(SELECT time_ms, kind, user_id AS by_id, subject, room_id, seq, role, until_ms, text FROM messages WHERE kind IN (4, 5, 16, 17, 18, 19, 23) AND kind <> 16) e
		WHERE (time_ms, room_id, seq) < (?, ?, ?)`
	auditSince = " AND time_ms >= ?"
	auditOf    = " AND (by_id = ? OR subject = ?)"
	auditIn    = " AND room_id = ?"
	auditOrder = " ORDER BY time_ms DESC, room_id DESC, seq DESC"
)

// signed is an id as a database has it.
func signed[T ~uint64](id T) int64 { return int64(min(uint64(id), math.MaxInt64)) }

// exec runs a statement that is not prepared.
func (s *Store) exec(ctx context.Context, c Conn, query string, args ...any) (int, error) {
	n, err := c.Exec(ctx, s.dialect.compile(query), args...)
	return int(n), err
}

// number asks for one.
func (s *Store) number(ctx context.Context, c Conn, query string, args ...any) (n int64, err error) {
	err = c.Query(ctx, s.dialect.compile(query), args, func(scan Scan) error { return scan(&n) })
	return n, err
}

// moderate makes a small write with its entry, unless the entry is there: then it was done. What
// do returns as an error before it has written anything is an answer.
func (s *Store) moderate(ctx context.Context, a chat.AuditEntry, do func(ctx context.Context, c Conn) error) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	if a.Nonce == 0 {
		return chat.Errorf(chat.CodeBadRequest, "an entry of the audit log needs a nonce")
	}
	return s.gather(ctx, &pending{do: func(ctx context.Context, t *smallTx) error {
		n, err := s.number(ctx, t.conn, "SELECT count(*) FROM audit WHERE nonce = ?", int64(a.Nonce))
		if err != nil || n > 0 {
			return err
		}
		return do(ctx, t.conn)
	}})
}

// audit stores an entry, inside a transaction of small writes, and returns its id.
func (s *Store) audit(ctx context.Context, c Conn, a *chat.AuditEntry) (id int64, err error) {
	if id, err = s.number(ctx, c, "SELECT coalesce(max(id), 0) + 1 FROM audit"); err != nil {
		return 0, err
	}
	_, err = s.exec(ctx, c, insertAudit, id, int64(a.Nonce), a.TimeMs, int64(a.Act), int64(a.By), int64(a.Subject), int64(a.Room),
		int64(a.Seq), a.UntilMs, a.What, a.Reason)
	return id, err
}

// each reads the rows of a query that is not prepared; again is called before they are read anew.
func (s *Store) each(ctx context.Context, query string, args []any, again func(), row func(Scan) error) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	return s.read(ctx, func(ctx context.Context, c Conn) error {
		again()
		return c.Query(ctx, s.dialect.compile(query), args, row)
	})
}

// AddAudit is documented at chat.Moderation.
func (s *Store) AddAudit(ctx context.Context, a chat.AuditEntry) error {
	return s.moderate(ctx, a, func(ctx context.Context, c Conn) error {
		_, err := s.audit(ctx, c, &a)
		return err
	})
}

// Operators is documented at chat.Moderation.
func (s *Store) Operators(ctx context.Context) (users []chat.UserID, err error) {
	err = s.each(ctx, "SELECT user_id FROM operators ORDER BY user_id{limit}", []any{int64(chat.OperatorsMax)}, func() { users = nil }, func(scan Scan) error {
		var id int64
		if err := scan(&id); err != nil {
			return err
		}
		u, err := whole[chat.UserID](id, "an operator")
		users = append(users, u)
		return err
	})
	return users, err
}

// SetOperator is documented at chat.Moderation.
func (s *Store) SetOperator(ctx context.Context, user chat.UserID, operator bool, a chat.AuditEntry) error {
	return s.moderate(ctx, a, func(ctx context.Context, c Conn) error {
		if err := s.isUser(ctx, c, user); err != nil {
			return err
		}
		var others, is int64
		others, err := s.number(ctx, c, "SELECT count(*) FROM operators WHERE user_id <> ?", signed(user))
		if err == nil {
			is, err = s.number(ctx, c, "SELECT count(*) FROM operators WHERE user_id = ?", signed(user))
		}
		switch {
		case err != nil:
			return err
		case operator && others >= chat.OperatorsMax:
			return chat.Errorf(chat.CodeTooMany, "there are %d operators, and no more are taken", others)
		case operator && is == 0:
			_, err = s.exec(ctx, c, "INSERT INTO operators (user_id) VALUES (?)", signed(user))
		case !operator:
			_, err = s.exec(ctx, c, "DELETE FROM operators WHERE user_id = ?", signed(user))
		}
		if err == nil {
			_, err = s.audit(ctx, c, &a)
		}
		return err
	})
}

// isUser returns CodeNoUser if there is no such user.
func (s *Store) isUser(ctx context.Context, c Conn, user chat.UserID) error {
	n, err := s.number(ctx, c, "SELECT count(*) FROM users WHERE id = ?", signed(user))
	if err == nil && n == 0 {
		err = chat.Errorf(chat.CodeNoUser, "there is no user with id %d", user)
	}
	return err
}

// Bans is documented at chat.Moderation.
func (s *Store) Bans(ctx context.Context, after uint64, itemsMax int) ([]chat.Ban, error) {
	return s.bans(ctx, "id > ? ORDER BY id{limit}", signed(after), int64(max(itemsMax, 1)))
}

func (s *Store) bans(ctx context.Context, where string, args ...any) (bans []chat.Ban, err error) {
	err = s.each(ctx, selectBan+where, args, func() { bans = nil }, func(scan Scan) error {
		var id, user int64
		var network string
		var b chat.Ban
		err := scan(&id, &user, &network, &b.UntilMs, &b.Reason, &b.CreatedMs)
		if err != nil {
			return err
		}
		b.ID, b.User = uint64(id), chat.UserID(user)
		if network != "" {
			if b.Network, err = netip.ParsePrefix(network); err != nil {
				return damagedError(err)
			}
		}
		bans = append(bans, b)
		return nil
	})
	return bans, err
}

// AddBan is documented at chat.Moderation.
func (s *Store) AddBan(ctx context.Context, b chat.Ban, a chat.AuditEntry) (chat.Ban, error) {
	network := ""
	if b.User == 0 {
		if b.Network = b.Network.Masked(); !b.Network.IsValid() {
			return b, chat.Errorf(chat.CodeBadRequest, "a ban is for a user or a network")
		}
		network = b.Network.String()
	}
	err := s.moderate(ctx, a, func(ctx context.Context, c Conn) error {
		if b.User != 0 {
			if err := s.isUser(ctx, c, b.User); err != nil {
				return err
			}
		}
		n, err := s.number(ctx, c, "SELECT count(*) FROM bans WHERE target <> ? AND (until_ms = 0 OR until_ms > ?)", b.Target(), b.CreatedMs)
		switch {
		case err != nil:
			return err
		case n >= chat.BansMax:
			return chat.Errorf(chat.CodeTooMany, "there are %d bans, and no more are taken", n)
		}
		if _, err = s.exec(ctx, c, "DELETE FROM bans WHERE target = ? OR (until_ms <> 0 AND until_ms <= ?)", b.Target(), b.CreatedMs); err != nil {
			return err
		}
		id, err := s.audit(ctx, c, &a)
		if err == nil {
			_, err = s.exec(ctx, c, insertBan, id, b.Target(), signed(b.User), network, b.UntilMs, b.Reason, b.CreatedMs)
		}
		return err
	})
	if err != nil {
		return b, err
	}
	bans, err := s.bans(ctx, "target = ?", b.Target())
	if err == nil && len(bans) == 1 {
		b = bans[0]
	}
	return b, err
}

// RemoveBan is documented at chat.Moderation.
func (s *Store) RemoveBan(ctx context.Context, id uint64, a chat.AuditEntry) error {
	return s.moderate(ctx, a, func(ctx context.Context, c Conn) error {
		n, err := s.exec(ctx, c, "DELETE FROM bans WHERE id = ?", signed(id))
		if err == nil && n == 0 {
			err = chat.Errorf(chat.CodeBadRequest, "there is no ban %d", id)
		}
		if err == nil {
			_, err = s.audit(ctx, c, &a)
		}
		return err
	})
}

// Audit is documented at chat.Moderation.
func (s *Store) Audit(ctx context.Context, q chat.AuditQuery) ([]chat.AuditEntry, bool, error) {
	before := q.Before
	if before == (chat.AuditMark{}) {
		before = chat.AuditMark{TimeMs: math.MaxInt64}
	}
	most := max(q.ItemsMax, 1)
	read := func(query, order string, mark ...any) (page []chat.AuditEntry, err error) {
		query, args := query+auditSince, append(mark, q.SinceMs)
		if q.User != 0 {
			query, args = query+auditOf, append(args, signed(q.User), signed(q.User))
		}
		if q.Room != 0 {
			query, args = query+auditIn, append(args, signed(q.Room))
		}
		err = s.each(ctx, query+order+"{limit}", append(args, int64(most+1)), func() { page = nil }, func(scan Scan) error {
			a, err := scanAudit(scan)
			page = append(page, a)
			return err
		})
		return page, err
	}
	had, err := read(selectAudit, auditOrder+", id DESC", before.TimeMs, signed(before.Room), signed(before.Seq), signed(before.ID))
	if err != nil {
		return nil, false, err
	}
	ruled, err := read(selectRuled, auditOrder, before.TimeMs, signed(before.Room), signed(before.Seq))
	if err != nil {
		return nil, false, err
	}
	for i := range ruled {
		chat.FromEvent(&ruled[i])
	}
	page, more := chat.MergeAudit(had, ruled, most)
	return page, more, nil
}

func scanAudit(scan Scan) (a chat.AuditEntry, err error) {
	var id, act, by, subject, room, seq, role int64
	err = scan(&id, &a.TimeMs, &act, &by, &subject, &room, &seq, &role, &a.UntilMs, &a.What, &a.Reason, &a.ByName, &a.SubjectName)
	a.ID, a.Act, a.By, a.Subject = uint64(id), chat.AuditAct(act), chat.UserID(by), chat.UserID(subject)
	a.Room, a.Seq, a.Role = chat.RoomID(room), chat.Seq(seq), chat.Role(role)
	return a, err
}

// TrimAudit is documented at chat.Moderation.
func (s *Store) TrimAudit(ctx context.Context, beforeMs int64, itemsMax int) (erased int, err error) {
	if err := s.begin(ctx); err != nil {
		return 0, err
	}
	defer s.end()
	err = s.gather(ctx, &pending{do: func(ctx context.Context, t *smallTx) error {
		left := int64(max(itemsMax, 1))
		erased = 0
		for _, query := range []string{
			// The newest stays, so that ids go on; and a ban's stays as long as the ban, a link's as long as the link.
			`DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE time_ms < ? AND id NOT IN (SELECT id FROM bans) AND id NOT IN (SELECT id FROM room_links)
				AND id < (SELECT max(id) FROM audit) ORDER BY time_ms{limit})`,
			`DELETE FROM reports WHERE id IN (SELECT id FROM reports WHERE outcome <> 0 AND resolved_ms < ?
				AND id < (SELECT max(id) FROM reports) ORDER BY resolved_ms{limit})`,
		} {
			n, err := s.exec(ctx, t.conn, query, beforeMs, left)
			if err != nil {
				return err
			}
			if erased, left = erased+n, left-int64(n); left <= 0 {
				return nil
			}
		}
		return nil
	}})
	return erased, err
}

// AddReport is documented at chat.Moderation.
func (s *Store) AddReport(ctx context.Context, r chat.Report, q chat.ReportQuota) (made chat.Report, err error) {
	if err := s.begin(ctx); err != nil {
		return made, err
	}
	defer s.end()
	err = s.gather(ctx, &pending{do: func(ctx context.Context, t *smallTx) (err error) {
		c := t.conn
		if made, err = s.reportOf(ctx, c, "room_id = ? AND seq = ? AND reporter = ?", signed(r.Room), signed(r.Seq), signed(r.Reporter)); err != nil || made.ID != 0 {
			return err
		}
		if err := s.isUser(ctx, c, r.Reporter); err != nil {
			return err
		}
		if err := s.mayReport(ctx, c, r, q); err != nil {
			return err
		}
		id, err := s.number(ctx, c, "SELECT coalesce(max(id), 0) + 1 FROM reports")
		if err == nil {
			_, err = s.exec(ctx, c, insertReport, id, signed(r.Room), signed(r.Seq), signed(r.Author), signed(r.Reporter), r.TimeMs, r.Reason)
		}
		made = chat.Report{ID: uint64(id), Room: r.Room, Seq: r.Seq, Author: r.Author, Reporter: r.Reporter, TimeMs: r.TimeMs, Reason: r.Reason}
		return err
	}})
	if err != nil {
		return chat.Report{}, err
	}
	return made, nil
}

// mayReport says why a report is not taken.
func (s *Store) mayReport(ctx context.Context, c Conn, r chat.Report, q chat.ReportQuota) error {
	n, err := s.number(ctx, c, "SELECT count(*) FROM messages WHERE room_id = ? AND seq = ? AND user_id = ?", signed(r.Room), signed(r.Seq), signed(r.Author))
	switch {
	case err != nil:
		return err
	case n == 0 || r.Author == 0:
		return chat.Errorf(chat.CodeBadRequest, "there is no event %d of that author in the room", r.Seq)
	}
	for _, bound := range []struct {
		most         int
		column, what string
		of           int64
	}{{q.ReporterMax, "reporter", "of yours", signed(r.Reporter)}, {q.RoomMax, "room_id", "in this room", signed(r.Room)}} {
		if bound.most <= 0 {
			continue
		}
		n, err := s.number(ctx, c, "SELECT count(*) FROM reports WHERE outcome = 0 AND "+bound.column+" = ?", bound.of)
		if err != nil {
			return err
		}
		if n >= int64(bound.most) {
			return chat.Errorf(chat.CodeTooMany, "%d reports %s wait for a moderator already", n, bound.what)
		}
	}
	return nil
}

// reportOf returns the report that there is, one with ID 0 if there is none.
func (s *Store) reportOf(ctx context.Context, c Conn, where string, args ...any) (r chat.Report, err error) {
	err = c.Query(ctx, s.dialect.compile(selectReport+where), args, func(scan Scan) (err error) {
		r, err = scanReport(scan)
		return err
	})
	return r, err
}

func scanReport(scan Scan) (r chat.Report, err error) {
	var id, room, seq, author, reporter, outcome, by int64
	err = scan(&id, &room, &seq, &author, &reporter, &r.TimeMs, &r.Reason, &outcome, &by, &r.ResolvedMs, &r.Note)
	r.ID, r.Room, r.Seq, r.Author, r.Reporter = uint64(id), chat.RoomID(room), chat.Seq(seq), chat.UserID(author), chat.UserID(reporter)
	r.Outcome, r.ResolvedBy = chat.ReportOutcome(outcome), chat.UserID(by)
	return r, err
}

// Reports is documented at chat.Moderation.
func (s *Store) Reports(ctx context.Context, q chat.ReportQuery) (reports []chat.Report, more bool, err error) {
	where, args, most := "id > ?", []any{signed(q.After)}, max(q.ItemsMax, 1)
	if q.Room != 0 {
		where, args = where+" AND room_id = ?", append(args, signed(q.Room))
	}
	if !q.All {
		where += " AND outcome = 0"
	}
	err = s.each(ctx, selectReport+where+" ORDER BY id{limit}", append(args, int64(most+1)), func() { reports = nil }, func(scan Scan) error {
		r, err := scanReport(scan)
		reports = append(reports, r)
		return err
	})
	if more = len(reports) > most; more {
		reports = reports[:most]
	}
	return reports, more, err
}

// Report is documented at chat.Moderation.
func (s *Store) Report(ctx context.Context, id uint64) (r chat.Report, err error) {
	if err := s.begin(ctx); err != nil {
		return r, err
	}
	defer s.end()
	err = s.read(ctx, func(ctx context.Context, c Conn) (err error) {
		r, err = s.reportOf(ctx, c, "id = ?", signed(id))
		return err
	})
	if err == nil && r.ID == 0 {
		err = noReport(id)
	}
	return r, err
}

func noReport(id uint64) error { return chat.Errorf(chat.CodeNoReport, "there is no report %d", id) }

// ResolveReport is documented at chat.Moderation.
func (s *Store) ResolveReport(ctx context.Context, id uint64, outcome chat.ReportOutcome, a chat.AuditEntry) (chat.Report, error) {
	if outcome != chat.ReportActed && outcome != chat.ReportRejected {
		return chat.Report{}, chat.Errorf(chat.CodeBadRequest, "a report is resolved as acted or rejected")
	}
	err := s.moderate(ctx, a, func(ctx context.Context, c Conn) error {
		r, err := s.reportOf(ctx, c, "id = ?", signed(id))
		switch {
		case err != nil:
			return err
		case r.ID == 0:
			return noReport(id)
		case r.Outcome != chat.ReportOpen:
			return chat.Errorf(chat.CodeBadRequest, "report %d was resolved before, as %v", id, r.Outcome)
		}
		_, err = s.exec(ctx, c, "UPDATE reports SET outcome = ?, resolved_by = ?, resolved_ms = ?, note = ? WHERE id = ?",
			int64(outcome), signed(a.By), a.TimeMs, a.Reason, signed(id))
		if err == nil {
			_, err = s.audit(ctx, c, &a)
		}
		return err
	})
	if err != nil {
		return chat.Report{}, err
	}
	return s.Report(ctx, id)
}

// FindUsers is documented at chat.Moderation.
func (s *Store) FindUsers(ctx context.Context, prefix, after string, itemsMax int) (users []chat.User, err error) {
	query := `SELECT u.id, u.name, u.name_key, u.created_ms, u.seen_ms,
		(SELECT cast(coalesce(sum(sent_count), 0) AS BIGINT) FROM authors WHERE user_id = u.id)
		FROM users u WHERE u.name_key > ? AND u.name_key >= ? AND u.name_key < ? ORDER BY u.name_key{limit}`
	// No character is above this one, and no name has it.
	args := []any{after, prefix, prefix + "\U0010FFFF", int64(max(itemsMax, 1))}
	err = s.each(ctx, query, args, func() { users = nil }, func(scan Scan) error {
		var u chat.User
		var id, sent int64
		err := scan(&id, &u.Name, &u.Key, &u.CreatedMs, &u.SeenMs, &sent)
		u.ID, u.SentCount = chat.UserID(id), uint64(sent)
		users = append(users, u)
		return err
	})
	return users, err
}
