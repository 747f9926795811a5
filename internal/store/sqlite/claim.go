package sqlite

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"errors"
	"slices"

	"sarang/chat"
	"sarang/lock"
)

// claimQueue is the claims that wait for a transaction. Whoever of the claimers
// gets the writer's turn first does the work of all.
type claimQueue struct {
	max     int // claims in one transaction
	mu      lock.Mutex
	waiting []*pendingClaim
}

// pendingClaim is answered when done is closed.
type pendingClaim struct {
	claim chat.Claim
	done  chan struct{}
	user  chat.User
	err   error
}

func (q *claimQueue) add(c chat.Claim) *pendingClaim {
	p := &pendingClaim{claim: c, done: make(chan struct{})}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, p)
	return p
}

// remove takes p back; false if it is being answered.
func (q *claimQueue) remove(p *pendingClaim) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	at := slices.Index(q.waiting, p)
	if at < 0 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, at, at+1)
	return true
}

// take returns the oldest claims, at most max, which must now be answered.
func (q *claimQueue) take() []*pendingClaim {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(q.max, len(q.waiting))
	taken := slices.Clone(q.waiting[:n])
	q.waiting = slices.Delete(q.waiting, 0, n)
	return taken
}

// ClaimUser is documented at chat.Store.
func (s *Store) ClaimUser(ctx context.Context, c chat.Claim) (chat.User, error) {
	if err := s.begin(ctx); err != nil {
		return chat.User{}, err
	}
	defer s.end()
	if c.Key == "" || c.Name == "" {
		return chat.User{}, chat.Errorf(chat.CodeBadRequest, "a claim needs a name and its key")
	}
	p := s.claims.add(c)
	for {
		select {
		case <-p.done:
			return p.user, p.err
		case s.writer.turn <- struct{}{}:
			s.answerClaims(s.claims.take())
			s.writer.giveBack()
		case <-ctx.Done():
			if s.claims.remove(p) {
				return chat.User{}, endedError(ctx.Err())
			}
			<-p.done
			return p.user, p.err
		}
	}
}

// answerClaims does the claims in one transaction and answers them. The caller has
// the turn. No claimer's deadline ends it, for it serves all of them.
func (s *Store) answerClaims(pending []*pendingClaim) {
	if len(pending) == 0 {
		return
	}
	err := s.writer.claimAll(pending)
	for _, p := range pending {
		if err != nil {
			p.user, p.err = chat.User{}, err
		}
		close(p.done)
	}
	s.counts.claims.Add(uint64(len(pending)))
	s.counts.claimTxs.Add(1)
}

func (w *writer) claimAll(pending []*pendingClaim) error {
	ctx, cancel := context.WithTimeout(context.Background(), w.busyTimeout)
	defer cancel()
	if err := w.ready(ctx); err != nil {
		return err
	}
	userLast := w.userLast
	do := func() error {
		for _, p := range pending {
			p.user, p.err = w.claim(p.claim)
			// A refusal is an answer, and so is a user who can not be read: those who
			// are in the same transaction need not know. Anything else ends it.
			var odd *columnError
			if errors.As(p.err, &odd) {
				p.user, p.err = chat.User{}, damagedError(p.err)
			}
			var refusal *chat.Error
			if p.err != nil && !errors.As(p.err, &refusal) {
				return p.err
			}
			userLast = max(userLast, p.user.ID)
		}
		return nil
	}
	// After a COMMIT that failed the claims may be made again: those that had
	// taken effect are recognized by their Fresh token.
	stored := func() (bool, error) { return false, nil }
	return w.transact(ctx, do, outcomeOf{stored, func() { w.userLast = userLast }})
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
		return w.seeUser(holder, c.NowMs)
	case holder.SeenMs < c.ReservedSinceMs:
		if err := exec(context.Background(), w.clearKey, int64(holder.ID)); err != nil {
			return chat.User{}, err
		}
		return w.makeUser(c)
	case c.Resume == chat.TokenHash{}:
		return chat.User{}, chat.Errorf(chat.CodeNameTaken, "the name %q belongs to somebody else: choose another", c.Name)
	}
	return chat.User{}, chat.Errorf(chat.CodeBadToken, "the token is not the one of the user %q", c.Name)
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
	result, err := w.insertUser.ExecContext(context.Background(), c.Name, c.Key, c.Fresh[:], c.NowMs, c.NowMs)
	if err != nil {
		return chat.User{}, err
	}
	id, err := result.LastInsertId()
	return chat.User{ID: chat.UserID(id), Name: c.Name, Key: c.Key, CreatedMs: c.NowMs, SeenMs: c.NowMs}, err
}

// seeUser logs u in: it moves SeenMs forward and fills SentCount.
func (w *writer) seeUser(u chat.User, nowMs int64) (chat.User, error) {
	ctx := context.Background()
	if nowMs > u.SeenMs {
		if err := exec(ctx, w.updateSeen, nowMs, int64(u.ID)); err != nil {
			return chat.User{}, err
		}
		u.SeenMs = nowMs
	}
	err := w.selectSent.QueryRowContext(ctx, int64(u.ID)).Scan(number[uint64]{&u.SentCount})
	return u, err
}
