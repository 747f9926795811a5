package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"sarang/chat"
	"sarang/internal/store/sqlstore"
)

// conn is one connection.
type conn struct {
	pg   *pgx.Conn
	args appendArgs
}

var _ sqlstore.Appender = (*conn)(nil)

// Exec is documented at sqlstore.Conn.
func (c *conn) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	tag, err := c.pg.Exec(ctx, query, args...)
	return tag.RowsAffected(), err
}

// Query is documented at sqlstore.Conn.
func (c *conn) Query(ctx context.Context, query string, args []any, each func(sqlstore.Scan) error) error {
	rows, err := c.pg.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Begin is documented at sqlstore.Conn.
func (c *conn) Begin(ctx context.Context) error {
	return c.run(ctx, "BEGIN ISOLATION LEVEL READ COMMITTED")
}

// Commit is documented at sqlstore.Conn.
func (c *conn) Commit(ctx context.Context) error { return c.run(ctx, "COMMIT") }

// Rollback is documented at sqlstore.Conn.
func (c *conn) Rollback(ctx context.Context) error { return c.run(ctx, "ROLLBACK") }

func (c *conn) run(ctx context.Context, query string) error {
	_, err := c.pg.PgConn().Exec(ctx, query).ReadAll()
	if err == nil && c.alone() {
		err = errAlone
	}
	return err
}

// errAlone is a commit that took effect at the primary, and that its standbys may not have: somebody
// has ended the wait for them. The connection is as good as before, but what is known of the
// outcome is as little as if it was lost.
var errAlone = errors.New("the wait for a standby was ended: a failover may lose the transaction")

// aloneKey is where a connection keeps that it was told so.
const aloneKey = "sarang.alone"

// noticed is told what a server says beside its answers. Its messages may be in any language, the
// place in its source is not.
func noticed(pg *pgconn.PgConn, n *pgconn.Notice) {
	if n.Routine == "SyncRepWaitForLSN" {
		pg.CustomData()[aloneKey] = true
	}
}

// alone reports whether the newest commit is one of errAlone.
func (c *conn) alone() bool {
	data := c.pg.PgConn().CustomData()
	_, is := data[aloneKey]
	delete(data, aloneKey)
	return is
}

// Close is documented at sqlstore.Conn.
func (c *conn) Close() { closeSoon(c.pg) }

const callAppend = `SELECT state, room, lost FROM sarang_append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,
	$15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34)`

// appendArgs are the arrays of a call. They are used again, and hold nothing of a batch
// between two.
type appendArgs struct {
	rooms, afters, counts, times, flags                    []int64
	mRoom, mSeq, mUser, mNonce, mTime, mPrev               []int64
	mTarget, mSubject, mDigest, aUser, aRoom, aLast, aSent []int64
	rRoom, rUser, rSeq, mUntil, rUntil                     []int64
	said, saidSeq, mHead, mSaid, mSaidSeq                  []int64
	mKind, mRole, rRole                                    []int16
	mText                                                  []string
}

// Append is documented at sqlstore.Appender: one statement is a transaction of its own.
func (c *conn) Append(ctx context.Context, b *sqlstore.Batch) (o sqlstore.Outcome, err error) {
	a := &c.args
	a.fill(b)
	defer a.reset()
	var state, room int64
	err = c.pg.QueryRow(ctx, callAppend, int64(b.ID.Writer), int64(b.ID.Number),
		a.rooms, a.afters, a.counts, a.times, a.flags, a.said, a.saidSeq,
		a.mRoom, a.mSeq, a.mUser, a.mKind, a.mNonce, a.mTime, a.mPrev, a.mText, a.mDigest, a.mTarget, a.mSubject, a.mRole, a.mUntil,
		a.mHead, a.mSaid, a.mSaidSeq,
		a.aUser, a.aRoom, a.aLast, a.aSent, a.rRoom, a.rUser, a.rRole, a.rUntil, a.rSeq).Scan(&state, &room, &o.Lost)
	o.State, o.Room = sqlstore.State(state), chat.RoomID(room)
	if err == nil && c.alone() {
		err = errAlone
	}
	return o, err
}

func (a *appendArgs) fill(b *sqlstore.Batch) {
	for _, h := range b.Heads {
		flags := int64(0)
		if h.Ruled {
			flags = sqlstore.HeadRuled
		}
		a.rooms, a.afters = append(a.rooms, int64(h.Room)), append(a.afters, int64(h.After))
		a.counts, a.times = append(a.counts, int64(h.Events)), append(a.times, h.LastMs)
		a.flags = append(a.flags, flags)
		a.said, a.saidSeq = append(a.said, int64(h.Count)), append(a.saidSeq, int64(h.Said.Newest))
	}
	for i := range b.Rows {
		r := &b.Rows[i]
		a.mRoom, a.mSeq = append(a.mRoom, int64(r.Room)), append(a.mSeq, int64(r.Seq))
		a.mUser, a.mKind = append(a.mUser, int64(r.User)), append(a.mKind, int16(r.Kind))
		a.mNonce, a.mTime = append(a.mNonce, int64(r.Nonce)), append(a.mTime, r.TimeMs)
		a.mPrev, a.mText = append(a.mPrev, int64(r.Prev)), append(a.mText, r.Body())
		a.mDigest = append(a.mDigest, int64(r.StoredDigest()))
		a.mHead = append(a.mHead, int64(r.Head)+1) // arrays begin with 1 there
		a.mSaid, a.mSaidSeq = append(a.mSaid, int64(r.Count)), append(a.mSaidSeq, int64(r.Said.Newest))
		if b.About {
			a.mTarget, a.mSubject = append(a.mTarget, int64(r.Target)), append(a.mSubject, int64(r.Subject))
			a.mRole, a.mUntil = append(a.mRole, int16(r.Role)), append(a.mUntil, r.Extra())
		}
	}
	for _, d := range b.Authors {
		a.aUser, a.aRoom = append(a.aUser, int64(d.User)), append(a.aRoom, int64(d.Room))
		a.aLast, a.aSent = append(a.aLast, int64(d.Last)), append(a.aSent, int64(d.Sent))
	}
	for _, m := range b.Members {
		a.rRoom, a.rUser = append(a.rRoom, int64(m.Room)), append(a.rUser, int64(m.User))
		a.rRole, a.rUntil = append(a.rRole, int16(m.Role)), append(a.rUntil, m.UntilMs)
		a.rSeq = append(a.rSeq, int64(m.Seq))
	}
}

// eventsKeptMax bounds the arrays that a connection keeps between two batches.
const eventsKeptMax = 4096

func (a *appendArgs) reset() {
	clear(a.mText)
	if cap(a.mText) > eventsKeptMax {
		*a = appendArgs{}
		return
	}
	for _, s := range []*[]int64{
		&a.rooms, &a.afters, &a.counts, &a.times, &a.flags, &a.mRoom, &a.mSeq, &a.mUser, &a.mNonce, &a.mTime, &a.mPrev,
		&a.mTarget, &a.mSubject, &a.mDigest, &a.aUser, &a.aRoom, &a.aLast, &a.aSent, &a.rRoom, &a.rUser, &a.rSeq,
		&a.mUntil, &a.rUntil, &a.said, &a.saidSeq, &a.mHead, &a.mSaid, &a.mSaidSeq,
	} {
		*s = (*s)[:0]
	}
	a.mKind, a.mRole, a.rRole, a.mText = a.mKind[:0], a.mRole[:0], a.rRole[:0], a.mText[:0]
}
