package sqlstore

import (
	"context"
	"crypto/subtle"
	"encoding/hex"
	"slices"
	"time"

	"sarang/chat"
)

// ClaimUser is documented at chat.Store. Who is known is let in by a read: only what his
// login would write waits for a transaction, and not for long.
func (s *Store) ClaimUser(ctx context.Context, c chat.Claim) (chat.User, error) {
	if err := s.begin(ctx); err != nil {
		return chat.User{}, err
	}
	defer s.end()
	if c.Key == "" || c.Name == "" {
		return chat.User{}, chat.Errorf(chat.CodeBadRequest, "a claim needs a name and its key")
	}
	known, err := s.knownUser(ctx, c)
	if err != nil || known.ID != 0 && !c.Sees(known.SeenMs) {
		return known, err
	}
	if known.ID != 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, seenPatience)
		defer cancel()
	}
	var u chat.User
	err = s.gather(ctx, &pending{helps: known.ID != 0, do: func(ctx context.Context, t *smallTx) (err error) {
		u, err = s.claim(ctx, t, c)
		return err
	}})
	switch {
	case err == nil:
		return u, nil
	case known.ID != 0 && helpsOnly(err):
		return known, nil
	}
	return chat.User{}, err
}

// seenPatience is how long a login waits for its SeenMs to be written.
const seenPatience = 500 * time.Millisecond

// helpsOnly reports whether a write that only helps may be left out for err: the store can
// not write now.
func helpsOnly(err error) bool {
	code := chat.CodeOf(err)
	return code == chat.CodeUnavailable || code == chat.CodeUncertain
}

// knownUser answers a claim by reading alone: the user whose token it shows, or a refusal.
// Neither: it is for a transaction to decide.
func (s *Store) knownUser(ctx context.Context, c chat.Claim) (chat.User, error) {
	select {
	case s.claimRead <- struct{}{}: // logins leave a connection to pages
		defer func() { <-s.claimRead }()
	case <-ctx.Done():
		return chat.User{}, endedError(ctx.Err())
	}
	var u chat.User
	var token string
	err := s.read(ctx, func(ctx context.Context, conn Conn) (err error) {
		if u, token, err = s.holderOf(ctx, conn, c.Key); err == nil && u.ID != 0 {
			u.SentCount, err = s.sentOf(ctx, conn, u.ID)
		}
		return err
	})
	switch {
	case err != nil:
		return chat.User{}, err
	case u.ID == 0:
		return chat.User{}, nil
	case sameToken(c.Resume, token), sameToken(c.Fresh, token):
		return u, nil
	case c.Free(&u):
		return chat.User{}, nil
	}
	return chat.User{}, refusedClaim(c)
}

// refusedClaim is the answer to a claim for a name that is somebody else's.
func refusedClaim(c chat.Claim) error {
	if c.Resume == (chat.TokenHash{}) {
		return chat.Errorf(chat.CodeNameTaken, "the name %q belongs to somebody else: choose another", c.Name)
	}
	return chat.Errorf(chat.CodeBadToken, "the token is not the one of the user %q", c.Name)
}

func nobodyNew() error { return notNow("nobody new can be let in now; try again later") }

// claim does one claim inside a transaction.
func (s *Store) claim(ctx context.Context, t *smallTx, c chat.Claim) (chat.User, error) {
	holder, token, err := s.holderOf(ctx, t.conn, c.Key)
	switch {
	case err != nil:
		return chat.User{}, err
	case holder.ID == 0:
		return s.makeUser(ctx, t, c)
	case sameToken(c.Resume, token), sameToken(c.Fresh, token):
		return s.seeUser(ctx, t.conn, holder, c)
	case c.Free(&holder) && c.KnownOnly:
		return chat.User{}, nobodyNew()
	case c.Free(&holder):
		// Before anything is written: a refusal ends no transaction.
		if err := s.checkLook(ctx, t.conn, &c); err != nil {
			return chat.User{}, err
		}
		if _, err := t.conn.Exec(ctx, s.sql.clearKey, int64(holder.ID)); err != nil {
			return chat.User{}, err
		}
		return s.makeUser(ctx, t, c)
	}
	return chat.User{}, refusedClaim(c)
}

// holderOf returns the user who has the key, without his SentCount, and his token's hash;
// nobody if his ID is 0.
func (s *Store) holderOf(ctx context.Context, c Conn, key string) (u chat.User, token string, err error) {
	var id int64
	err = c.Query(ctx, s.sql.holder, []any{key}, func(scan Scan) error {
		return scan(&id, &u.Name, &token, &u.CreatedMs, &u.SeenMs)
	})
	u.ID, u.Key = chat.UserID(id), key
	return u, token, err
}

// sameToken reports whether shown, if it is a token at all, is the stored one.
func sameToken(shown chat.TokenHash, stored string) bool {
	return shown != chat.TokenHash{} && subtle.ConstantTimeCompare([]byte(hexOf(shown)), []byte(stored)) == 1
}

func hexOf(h chat.TokenHash) string { return hex.EncodeToString(h[:]) }

func (s *Store) makeUser(ctx context.Context, t *smallTx, c chat.Claim) (chat.User, error) {
	if c.KnownOnly {
		return chat.User{}, nobodyNew()
	}
	if err := s.checkLook(ctx, t.conn, &c); err != nil {
		return chat.User{}, err
	}
	t.users++
	u := chat.User{ID: t.users, Name: c.Name, Key: c.Key, CreatedMs: c.NowMs, SeenMs: c.NowMs}
	return u, s.insertUser(ctx, t.conn, chat.UserRecord{User: u, Token: c.Fresh, Look: c.Look})
}

func (s *Store) insertUser(ctx context.Context, c Conn, u chat.UserRecord) error {
	_, err := c.Exec(ctx, s.sql.insertUser, int64(u.ID), u.Name, nullIfEmpty(u.Key), hexOf(u.Token), u.CreatedMs, u.SeenMs, nullIfEmpty(u.Look))
	return err
}

func nullIfEmpty(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// looksMax bounds the users with one look that are asked about: the newest. There is more than
// one only where older ones were free when the next came.
const looksMax = 16

// checkLook refuses a new name that can be taken for one that somebody has.
func (s *Store) checkLook(ctx context.Context, conn Conn, c *chat.Claim) error {
	if c.Look == "" {
		return nil
	}
	return conn.Query(ctx, s.sql.looks, []any{c.Look, c.Key, int64(looksMax)}, func(scan Scan) error {
		var id int64
		var u chat.User
		if err := scan(&id, &u.Name, &u.SeenMs); err != nil {
			return err
		}
		u.ID = chat.UserID(id)
		if !c.Free(&u) {
			return chat.Errorf(chat.CodeNameTaken, "the name %q looks like %q, which belongs to somebody else: choose another", c.Name, u.Name)
		}
		return nil
	})
}

// seeUser logs u in: it moves SeenMs forward, if that is due, and fills SentCount.
func (s *Store) seeUser(ctx context.Context, c Conn, u chat.User, claim chat.Claim) (chat.User, error) {
	if claim.Sees(u.SeenMs) {
		if _, err := c.Exec(ctx, s.sql.updateSeen, claim.NowMs, int64(u.ID)); err != nil {
			return chat.User{}, err
		}
		u.SeenMs = claim.NowMs
		if claim.Look != "" {
			if _, err := c.Exec(ctx, s.sql.updateLook, claim.Look, int64(u.ID)); err != nil {
				return chat.User{}, err
			}
		}
	}
	var err error
	u.SentCount, err = s.sentOf(ctx, c, u.ID)
	return u, err
}

// Seen is documented at chat.Store. Doing it again does no harm.
func (s *Store) Seen(ctx context.Context, users []chat.UserID, nowMs int64) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	users = slices.Clone(users) // it may go on when the caller has gone
	return s.gather(ctx, &pending{helps: true, do: func(ctx context.Context, t *smallTx) error {
		for _, u := range users {
			if _, err := t.conn.Exec(ctx, s.sql.updateLater, nowMs, int64(u), nowMs); err != nil {
				return err
			}
		}
		return nil
	}})
}
