package sqlite

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"errors"
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
	p := &pending{}
	p.do = func(w *writer) (err error) {
		if u, err = w.claim(c); u.ID > w.userNext {
			w.userNext = u.ID
			p.made = func(w *writer) (bool, error) { return w.userLast >= u.ID, nil } // settling reads it
		}
		return err
	}
	err = s.gather(ctx, p)
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
	return code == chat.CodeUnavailable || code == chat.CodeUncertain || code == chat.CodeStoreGone
}

// knownUser answers a claim by reading alone: the user whose token it shows, or a refusal.
// Neither: it is for a transaction to decide.
func (s *Store) knownUser(ctx context.Context, c chat.Claim) (chat.User, error) {
	select {
	case s.claimRead <- struct{}{}: // one reader is enough, and leaves the others to pages
		defer func() { <-s.claimRead }()
	case <-ctx.Done():
		return chat.User{}, endedError(ctx.Err())
	}
	if err := s.reads.enter(ctx); err != nil {
		return chat.User{}, err
	}
	defer s.reads.leave()
	u := chat.User{Key: c.Key}
	var token []byte
	err := s.readers.holder.QueryRowContext(ctx, c.Key).Scan(number[chat.UserID]{&u.ID}, text{&u.Name}, &token,
		bits[int64]{&u.CreatedMs}, bits[int64]{&u.SeenMs}, number[uint64]{&u.SentCount})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return chat.User{}, nil
	case err != nil:
		return chat.User{}, readError(err)
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

func nobodyNew() error {
	return &chat.Error{
		Code: chat.CodeUnavailable, RetryAfter: retryAfter,
		Message: "nobody new can be let in now; try again later",
	}
}

// claim does one claim inside a transaction.
func (w *writer) claim(c chat.Claim) (chat.User, error) {
	holder, token, err := w.holderOf(c.Key)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return w.makeUser(c)
	case err != nil:
		return chat.User{}, err
	case sameToken(c.Resume, token), sameToken(c.Fresh, token):
		return w.seeUser(holder, c)
	case c.Free(&holder) && c.KnownOnly:
		return chat.User{}, nobodyNew()
	case c.Free(&holder):
		// Before anything is written: a refusal ends no transaction.
		if err := w.checkLook(&c); err != nil {
			return chat.User{}, err
		}
		if err := exec(context.Background(), w.clearKey, int64(holder.ID)); err != nil {
			return chat.User{}, err
		}
		return w.makeUser(c)
	}
	return chat.User{}, refusedClaim(c)
}

// holderOf returns the user who has the key, without his SentCount.
func (w *writer) holderOf(key string) (u chat.User, token []byte, err error) {
	u.Key = key
	err = w.selectHolder.QueryRowContext(context.Background(), key).
		Scan(number[chat.UserID]{&u.ID}, text{&u.Name}, &token, bits[int64]{&u.CreatedMs}, bits[int64]{&u.SeenMs})
	return u, token, err
}

// sameToken reports whether shown, if it is a token at all, is the stored one.
func sameToken(shown chat.TokenHash, stored []byte) bool {
	return shown != chat.TokenHash{} && subtle.ConstantTimeCompare(shown[:], stored) == 1
}

func (w *writer) makeUser(c chat.Claim) (chat.User, error) {
	if c.KnownOnly {
		return chat.User{}, nobodyNew()
	}
	if err := w.checkLook(&c); err != nil {
		return chat.User{}, err
	}
	result, err := w.insertUser.ExecContext(context.Background(), c.Name, c.Key, c.Fresh[:], c.NowMs, c.NowMs, nullIfEmpty(c.Look))
	if err != nil {
		return chat.User{}, err
	}
	id, err := result.LastInsertId()
	return chat.User{ID: chat.UserID(id), Name: c.Name, Key: c.Key, CreatedMs: c.NowMs, SeenMs: c.NowMs}, err
}

// seeUser logs u in: it moves SeenMs forward, if that is due, and fills SentCount.
func (w *writer) seeUser(u chat.User, c chat.Claim) (chat.User, error) {
	ctx := context.Background()
	if c.Sees(u.SeenMs) {
		if err := exec(ctx, w.updateSeen, c.NowMs, int64(u.ID)); err != nil {
			return chat.User{}, err
		}
		u.SeenMs = c.NowMs
		if err := w.keepLook(u.ID, c.Look); err != nil {
			return chat.User{}, err
		}
	}
	err := w.selectSent.QueryRowContext(ctx, int64(u.ID)).Scan(number[uint64]{&u.SentCount})
	return u, err
}
