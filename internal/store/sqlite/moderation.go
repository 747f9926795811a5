package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"net/netip"

	"sarang/chat"
)

var _ chat.Moderation = (*Store)(nil)

// These are asked seldom, and so are not prepared.
const (
	insertAudit = `INSERT INTO audit (nonce, time_ms, act, by_id, subject, room_id, seq, until_ms, what, reason)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	selectAuditNonce = "SELECT id FROM audit WHERE nonce = ?"

	selectBan = "SELECT id, user_id, network, until_ms, reason, created_ms FROM bans WHERE "
	insertBan = `INSERT INTO bans (id, target, user_id, network, until_ms, reason, created_ms) VALUES (?, ?, ?, ?, ?, ?, ?)`

	selectReport = `SELECT id, room_id, seq, author, reporter, time_ms, reason, outcome, resolved_by, resolved_ms, note FROM reports `
	insertReport = "INSERT INTO reports (room_id, seq, author, reporter, time_ms, reason) VALUES (?, ?, ?, ?, ?, ?)"

	// What is asked of entries and of events alike, with the numbers of AuditQuery.
	auditNames = `coalesce((SELECT name FROM users WHERE id = by_id), ''), coalesce((SELECT name FROM users WHERE id = subject), '')`
	auditWants = ` time_ms >= ?5 AND (?6 = 0 OR by_id = ?6 OR subject = ?6)`

	selectAudit = `SELECT id, time_ms, act, by_id, subject, room_id, seq, 0, until_ms, what, reason, ` + auditNames + `
	FROM audit WHERE (time_ms, room_id, seq, id) < (?1, ?2, ?3, ?4) AND` + auditWants
	// Events; see chat.AuditOf.
	selectRuled = `SELECT 0, time_ms, kind, by_id, subject, room_id, seq, role, until_ms, '', text, ` + auditNames + `
	FROM (SELECT *, user_id AS by_id FROM messages INDEXED BY `
	ruledWants = ` WHERE kind > 3 AND (kind < 6 OR kind > 15) AND kind IN (4, 5, 17, 18, 19, 23) AND (time_ms, room_id, seq) < (?1, ?2, ?3)`
	auditOrder = ` ORDER BY time_ms DESC, room_id DESC, seq DESC LIMIT `
)

// moderate makes a small write with its entry, unless the entry is there: then it was done.
func (s *Store) moderate(ctx context.Context, a chat.AuditEntry, do func(w *writer) error) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	if a.Nonce == 0 {
		return chat.Errorf(chat.CodeBadRequest, "an entry of the audit log needs a nonce")
	}
	return s.gather(ctx, &pending{
		do: func(w *writer) error {
			if id, err := w.auditID(a.Nonce); err != nil || id != 0 {
				return err
			}
			// What is wrong is found before anything is written: a refusal ends no transaction.
			return do(w)
		},
		made: func(w *writer) (bool, error) {
			id, err := w.auditID(a.Nonce)
			return id != 0, err
		},
	})
}

// auditID returns the entry that has a nonce, 0 if there is none.
func (w *writer) auditID(nonce uint64) (id uint64, err error) {
	err = w.conn.QueryRowContext(context.Background(), selectAuditNonce, int64(nonce)).Scan(number[uint64]{&id})
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return id, err
}

// audit stores an entry and returns its id.
func (w *writer) audit(a *chat.AuditEntry) (uint64, error) {
	r, err := w.conn.ExecContext(context.Background(), insertAudit, int64(a.Nonce), a.TimeMs, int64(a.Act), int64(a.By), int64(a.Subject),
		int64(a.Room), int64(a.Seq), a.UntilMs, a.What, a.Reason)
	if err != nil {
		return 0, err
	}
	id, err := r.LastInsertId()
	return uint64(id), err
}

// count returns a number that the query asks for.
func (w *writer) count(query string, args ...any) (n int64, err error) {
	err = w.conn.QueryRowContext(context.Background(), query, args...).Scan(bits[int64]{&n})
	return n, err
}

// AddAudit is documented at chat.Moderation.
func (s *Store) AddAudit(ctx context.Context, a chat.AuditEntry) error {
	return s.moderate(ctx, a, func(w *writer) error {
		_, err := w.audit(&a)
		return err
	})
}

// Operators is documented at chat.Moderation.
func (s *Store) Operators(ctx context.Context) (users []chat.UserID, err error) {
	err = s.each(ctx, "SELECT user_id FROM operators ORDER BY user_id LIMIT ?", []any{chat.OperatorsMax}, func(rows *sql.Rows) error {
		var u chat.UserID
		err := rows.Scan(number[chat.UserID]{&u})
		users = append(users, u)
		return err
	})
	return users, err
}

// each reads rows, one by one.
func (s *Store) each(ctx context.Context, query string, args []any, row func(*sql.Rows) error) error {
	if err := s.beginRead(ctx); err != nil {
		return err
	}
	defer s.endRead()
	rows, err := s.readers.db.QueryContext(ctx, query, args...)
	if err != nil {
		return readError(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows); err != nil {
			return readError(err)
		}
	}
	if err := rows.Err(); err != nil {
		return readError(err)
	}
	return nil
}

// SetOperator is documented at chat.Moderation.
func (s *Store) SetOperator(ctx context.Context, user chat.UserID, operator bool, a chat.AuditEntry) error {
	return s.moderate(ctx, a, func(w *writer) error {
		if !w.isUser(user) {
			return noSuchUser(user)
		}
		query := "DELETE FROM operators WHERE user_id = ?"
		if operator {
			n, err := w.count("SELECT count(*) FROM operators WHERE user_id <> ?", int64(user))
			if err != nil {
				return err
			}
			if n >= chat.OperatorsMax {
				return chat.Errorf(chat.CodeTooMany, "there are %d operators, and no more are taken", n)
			}
			query = "INSERT OR IGNORE INTO operators (user_id) VALUES (?)"
		}
		if err := w.run(query, int64(user)); err != nil {
			return err
		}
		_, err := w.audit(&a)
		return err
	})
}

func noSuchUser(user chat.UserID) error {
	return chat.Errorf(chat.CodeNoUser, "there is no user with id %d", user)
}

// Bans is documented at chat.Moderation.
func (s *Store) Bans(ctx context.Context, after uint64, itemsMax int) (bans []chat.Ban, err error) {
	err = s.each(ctx, selectBan+"id > ? ORDER BY id LIMIT ?", []any{int64(min(after, math.MaxInt64)), max(itemsMax, 1)}, func(rows *sql.Rows) error {
		b, err := scanBan(rows)
		bans = append(bans, b)
		return err
	})
	return bans, err
}

func scanBan(row interface{ Scan(...any) error }) (b chat.Ban, err error) {
	var network string
	err = row.Scan(number[uint64]{&b.ID}, number[chat.UserID]{&b.User}, text{&network}, bits[int64]{&b.UntilMs}, text{&b.Reason}, bits[int64]{&b.CreatedMs})
	if err == nil && network != "" {
		if b.Network, err = netip.ParsePrefix(network); err != nil {
			err = &columnError{network, "a network"}
		}
	}
	return b, err
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
	err := s.moderate(ctx, a, func(w *writer) error {
		if b.User != 0 && !w.isUser(b.User) {
			return noSuchUser(b.User)
		}
		n, err := w.count("SELECT count(*) FROM bans WHERE target <> ? AND (until_ms = 0 OR until_ms > ?)", b.Target(), b.CreatedMs)
		switch {
		case err != nil:
			return err
		case n >= chat.BansMax:
			return chat.Errorf(chat.CodeTooMany, "there are %d bans, and no more are taken", n)
		}
		err = w.run("DELETE FROM bans WHERE target = ? OR until_ms <> 0 AND until_ms <= ?", b.Target(), b.CreatedMs)
		if err != nil {
			return err
		}
		id, err := w.audit(&a)
		if err != nil {
			return err
		}
		return w.run(insertBan, int64(id), b.Target(), int64(b.User), network, b.UntilMs, b.Reason, b.CreatedMs)
	})
	if err != nil {
		return b, err
	}
	err = s.one(ctx, selectBan+"target = ?", b.Target(), func(row *sql.Row) (err error) {
		b, err = scanBan(row)
		return err
	})
	return b, err
}

// one reads a row; that there is none is sql.ErrNoRows.
func (s *Store) one(ctx context.Context, query string, what any, row func(*sql.Row) error) error {
	if err := s.beginRead(ctx); err != nil {
		return err
	}
	defer s.endRead()
	err := row(s.readers.db.QueryRowContext(ctx, query, what))
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return readError(err)
	}
	return err
}

// RemoveBan is documented at chat.Moderation.
func (s *Store) RemoveBan(ctx context.Context, id uint64, a chat.AuditEntry) error {
	return s.moderate(ctx, a, func(w *writer) error {
		n, err := w.count("SELECT count(*) FROM bans WHERE id = ?", int64(min(id, math.MaxInt64)))
		if err == nil && n == 0 {
			err = chat.Errorf(chat.CodeBadRequest, "there is no ban %d", id)
		}
		if err == nil {
			err = w.run("DELETE FROM bans WHERE id = ?", int64(id))
		}
		if err == nil {
			_, err = w.audit(&a)
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
	// Bare ?: their numbers go on behind ?6.
	args := []any{
		before.TimeMs, int64(min(before.Room, math.MaxInt64)), int64(min(before.Seq, math.MaxInt64)), int64(min(before.ID, math.MaxInt64)),
		q.SinceMs, int64(min(q.User, math.MaxInt64)), most + 1, int64(min(q.Room, math.MaxInt64)),
	}
	entries, events, index := selectAudit, selectRuled, "messages_ruled"
	inRoom := ""
	if q.Room != 0 {
		index, inRoom = "messages_ruled_room", " AND room_id = ?8"
	} else {
		args = args[:7]
	}
	const limit = "?7"
	var had, ruled []chat.AuditEntry
	err := s.each(ctx, entries+inRoom+` ORDER BY time_ms DESC, room_id DESC, seq DESC, id DESC LIMIT `+limit, args, collectAudit(&had))
	if err == nil {
		// ?4 is not in it otherwise, and has to be.
		events += index + ruledWants + inRoom + ") WHERE ?4 >= 0 AND" + auditWants + auditOrder + limit
		err = s.each(ctx, events, args, collectAudit(&ruled))
		for i := range ruled {
			chat.FromEvent(&ruled[i])
		}
	}
	if err != nil {
		return nil, false, err
	}
	page, more := chat.MergeAudit(had, ruled, most)
	return page, more, nil
}

func collectAudit(to *[]chat.AuditEntry) func(*sql.Rows) error {
	return func(rows *sql.Rows) error {
		var a chat.AuditEntry
		err := rows.Scan(number[uint64]{&a.ID}, bits[int64]{&a.TimeMs}, number[chat.AuditAct]{&a.Act}, number[chat.UserID]{&a.By},
			number[chat.UserID]{&a.Subject}, number[chat.RoomID]{&a.Room}, number[chat.Seq]{&a.Seq}, number[chat.Role]{&a.Role},
			bits[int64]{&a.UntilMs}, text{&a.What}, text{&a.Reason}, text{&a.ByName}, text{&a.SubjectName})
		*to = append(*to, a)
		return err
	}
}

// TrimAudit is documented at chat.Moderation.
func (s *Store) TrimAudit(ctx context.Context, beforeMs int64, itemsMax int) (erased int, err error) {
	if err := s.begin(ctx); err != nil {
		return 0, err
	}
	defer s.end()
	left := max(itemsMax, 1)
	err = s.gather(ctx, &pending{do: func(w *writer) error {
		for _, query := range []string{
			// The newest stays, so that ids go on; a ban's goes with the ban, and a link's with the link.
			`DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE time_ms < ? AND id NOT IN (SELECT id FROM bans) AND id NOT IN (SELECT id FROM room_links) ORDER BY time_ms LIMIT ?)`,
			`DELETE FROM reports WHERE id IN (SELECT id FROM reports WHERE outcome <> 0 AND resolved_ms < ? ORDER BY resolved_ms LIMIT ?)`,
		} {
			r, err := w.conn.ExecContext(context.Background(), query, beforeMs, left)
			if err != nil {
				return err
			}
			n, err := r.RowsAffected()
			if err != nil {
				return err
			}
			erased, left = erased+int(n), left-int(n)
			if left <= 0 {
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
	err = s.gather(ctx, &pending{do: func(w *writer) error {
		made, err = w.reportOf(r)
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		return w.report(r, q)
	}})
	if err != nil || made.ID != 0 {
		return made, err
	}
	const its = selectReport + "WHERE room_id = ?1 AND seq = ?2 AND reporter = ?3"
	err = s.each(ctx, its, []any{int64(r.Room), int64(r.Seq), int64(r.Reporter)}, func(rows *sql.Rows) (err error) {
		made, err = scanReport(rows)
		return err
	})
	return made, err
}

// reportOf returns the report that somebody has made of an event; sql.ErrNoRows: none.
func (w *writer) reportOf(r chat.Report) (chat.Report, error) {
	return scanReport(w.conn.QueryRowContext(context.Background(), selectReport+"WHERE room_id = ? AND seq = ? AND reporter = ?",
		int64(r.Room), int64(r.Seq), int64(r.Reporter)))
}

// report stores a new report, if it may.
func (w *writer) report(r chat.Report, q chat.ReportQuota) error {
	if !w.isUser(r.Reporter) {
		return noSuchUser(r.Reporter)
	}
	n, err := w.count("SELECT count(*) FROM messages WHERE room_id = ? AND seq = ? AND user_id = ?", int64(r.Room), int64(r.Seq), int64(r.Author))
	switch {
	case err != nil:
		return err
	case n == 0 || r.Author == 0:
		return chat.Errorf(chat.CodeBadRequest, "there is no event %d of that author in the room", r.Seq)
	}
	for _, bound := range []struct {
		most        int
		query, what string
		of          int64
	}{
		{q.ReporterMax, "SELECT count(*) FROM (SELECT 1 FROM reports WHERE outcome = 0 AND reporter = ? LIMIT ?)", "of yours", int64(r.Reporter)},
		{q.RoomMax, "SELECT count(*) FROM (SELECT 1 FROM reports WHERE outcome = 0 AND room_id = ? LIMIT ?)", "in this room", int64(r.Room)},
	} {
		if bound.most <= 0 {
			continue
		}
		if n, err = w.count(bound.query, bound.of, bound.most); err != nil {
			return err
		}
		if n >= int64(bound.most) {
			return chat.Errorf(chat.CodeTooMany, "%d reports %s wait for a moderator already", n, bound.what)
		}
	}
	return w.run(insertReport, int64(r.Room), int64(r.Seq), int64(r.Author), int64(r.Reporter), r.TimeMs, r.Reason)
}

func scanReport(row interface{ Scan(...any) error }) (r chat.Report, err error) {
	err = row.Scan(number[uint64]{&r.ID}, number[chat.RoomID]{&r.Room}, number[chat.Seq]{&r.Seq}, number[chat.UserID]{&r.Author},
		number[chat.UserID]{&r.Reporter}, bits[int64]{&r.TimeMs}, text{&r.Reason}, number[chat.ReportOutcome]{&r.Outcome},
		number[chat.UserID]{&r.ResolvedBy}, bits[int64]{&r.ResolvedMs}, text{&r.Note})
	return r, err
}

// Reports is documented at chat.Moderation.
func (s *Store) Reports(ctx context.Context, q chat.ReportQuery) (reports []chat.Report, more bool, err error) {
	where, most := "WHERE id > ?1", max(q.ItemsMax, 1)
	args := []any{int64(min(q.After, math.MaxInt64)), most + 1}
	if q.Room != 0 {
		where, args = where+" AND room_id = ?3", append(args, int64(min(q.Room, math.MaxInt64)))
	}
	if !q.All {
		where += " AND outcome = 0"
	}
	err = s.each(ctx, selectReport+where+" ORDER BY id LIMIT ?2", args, func(rows *sql.Rows) error {
		r, err := scanReport(rows)
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
	err = s.one(ctx, selectReport+"WHERE id = ?", int64(min(id, math.MaxInt64)), func(row *sql.Row) (err error) {
		r, err = scanReport(row)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
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
	err := s.moderate(ctx, a, func(w *writer) error {
		r, err := scanReport(w.conn.QueryRowContext(context.Background(), selectReport+"WHERE id = ?", int64(min(id, math.MaxInt64))))
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return noReport(id)
		case err != nil:
			return err
		case r.Outcome != chat.ReportOpen:
			return chat.Errorf(chat.CodeBadRequest, "report %d was resolved before, as %v", id, r.Outcome)
		}
		err = w.run("UPDATE reports SET outcome = ?, resolved_by = ?, resolved_ms = ?, note = ? WHERE id = ?",
			int64(outcome), int64(a.By), a.TimeMs, a.Reason, int64(id))
		if err == nil {
			_, err = w.audit(&a)
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
	query := `SELECT id, name, name_key, created_ms, seen_ms,
	(SELECT coalesce(sum(sent_count), 0) FROM authors WHERE user_id = users.id)
	FROM users WHERE name_key > ?1 AND name_key >= ?2 AND name_key < ?3 ORDER BY name_key LIMIT ?4`
	// No character is above this one, and no name has it.
	args := []any{after, prefix, prefix + "\U0010FFFF", max(itemsMax, 1)}
	err = s.each(ctx, query, args, func(rows *sql.Rows) error {
		var u chat.User
		err := rows.Scan(number[chat.UserID]{&u.ID}, text{&u.Name}, text{&u.Key}, bits[int64]{&u.CreatedMs}, bits[int64]{&u.SeenMs}, number[uint64]{&u.SentCount})
		users = append(users, u)
		return err
	})
	return users, err
}
