package sqlstore

import (
	"context"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"slices"

	"sarang/chat"
	"sarang/lock"
)

// claimQueue is the claims that wait for a transaction. Whoever of the claimers gets the
// turn does the work of all.
type claimQueue struct {
	max     int           // claims in one transaction
	turn    chan struct{} // full while somebody has the turn
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

func (q *claimQueue) init(most int) {
	q.max, q.turn = most, make(chan struct{}, 1)
	q.mu.Init(lock.NewClass("sqlstore.claims"))
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
		case s.claims.turn <- struct{}{}:
			s.answerClaims(s.claims.take())
			<-s.claims.turn
		case <-ctx.Done():
			if s.claims.remove(p) {
				return chat.User{}, endedError(ctx.Err())
			}
			<-p.done
			return p.user, p.err
		}
	}
}

// answerClaims does the claims in one transaction and answers them. The caller has the
// turn. No claimer's deadline ends it, for it serves all of them.
func (s *Store) answerClaims(pending []*pendingClaim) {
	if len(pending) == 0 {
		return
	}
	err := settle(s.claimAll(pending))
	for _, p := range pending {
		if err != nil {
			p.user, p.err = chat.User{}, err
		}
		close(p.done)
	}
	s.counts.claims.Add(uint64(len(pending)))
	s.counts.claimTxs.Add(1)
}

// claimAll does the claims in one transaction. After one whose outcome was not known they
// are made again: those that had taken effect are recognized by their Fresh token.
func (s *Store) claimAll(pending []*pendingClaim) error {
	var last chat.UserID
	err := s.write(context.Background(), func(ctx context.Context, c Conn) error {
		return s.inTx(ctx, c, func() error {
			// Claims of all servers wait for each other here, and so for names, too.
			had, err := s.count(ctx, c, s.sql.lockCounter, "users")
			if err != nil {
				return err
			}
			last = chat.UserID(had)
			for _, p := range pending {
				p.user, p.err = s.claim(ctx, c, p.claim, &last)
				// A refusal is an answer; anything else ends the transaction.
				if p.err != nil && typed(p.err) == nil {
					return p.err
				}
			}
			if last == chat.UserID(had) {
				return nil
			}
			_, err = c.Exec(ctx, s.sql.updateCounter, int64(last), "users")
			return err
		})
	})
	if err == nil {
		s.raiseUserLast(uint64(last))
	}
	return err
}

var errNobody = errors.New("nobody has the name")

// claim does one claim inside a transaction. last is the newest id given.
func (s *Store) claim(ctx context.Context, c Conn, claim chat.Claim, last *chat.UserID) (chat.User, error) {
	holder, token, err := s.holderOf(ctx, c, claim.Key)
	switch {
	case errors.Is(err, errNobody):
		return s.makeUser(ctx, c, claim, last)
	case err != nil:
		return chat.User{}, err
	case sameToken(claim.Resume, token), sameToken(claim.Fresh, token):
		return s.seeUser(ctx, c, holder, claim.NowMs)
	case holder.SeenMs < claim.ReservedSinceMs:
		if _, err := c.Exec(ctx, s.sql.clearKey, int64(holder.ID)); err != nil {
			return chat.User{}, err
		}
		return s.makeUser(ctx, c, claim, last)
	case claim.Resume == chat.TokenHash{}:
		return chat.User{}, chat.Errorf(chat.CodeNameTaken, "the name %q belongs to somebody else: choose another", claim.Name)
	}
	return chat.User{}, chat.Errorf(chat.CodeBadToken, "the token is not the one of the user %q", claim.Name)
}

// holderOf returns the user who has the key, without his SentCount, and his token's hash.
func (s *Store) holderOf(ctx context.Context, c Conn, key string) (u chat.User, token string, err error) {
	var id int64
	err = c.Query(ctx, s.sql.holder, []any{key}, func(scan Scan) error {
		return scan(&id, &u.Name, &token, &u.CreatedMs, &u.SeenMs)
	})
	if err == nil && id == 0 {
		err = errNobody
	}
	u.ID, u.Key = chat.UserID(id), key
	return u, token, err
}

// sameToken reports whether shown, if it is a token at all, is the stored one.
func sameToken(shown chat.TokenHash, stored string) bool {
	return shown != chat.TokenHash{} && subtle.ConstantTimeCompare([]byte(hexOf(shown)), []byte(stored)) == 1
}

func hexOf(h chat.TokenHash) string { return hex.EncodeToString(h[:]) }

func (s *Store) makeUser(ctx context.Context, c Conn, claim chat.Claim, last *chat.UserID) (chat.User, error) {
	*last++
	u := chat.User{ID: *last, Name: claim.Name, Key: claim.Key, CreatedMs: claim.NowMs, SeenMs: claim.NowMs}
	return u, s.insertUser(ctx, c, u, claim.Fresh)
}

func (s *Store) insertUser(ctx context.Context, c Conn, u chat.User, token chat.TokenHash) error {
	var key any = u.Key
	if u.Key == "" {
		key = nil
	}
	_, err := c.Exec(ctx, s.sql.insertUser, int64(u.ID), u.Name, key, hexOf(token), u.CreatedMs, u.SeenMs)
	return err
}

// seeUser logs u in: it moves SeenMs forward and fills SentCount.
func (s *Store) seeUser(ctx context.Context, c Conn, u chat.User, nowMs int64) (chat.User, error) {
	if nowMs > u.SeenMs {
		if _, err := c.Exec(ctx, s.sql.updateSeen, nowMs, int64(u.ID)); err != nil {
			return chat.User{}, err
		}
		u.SeenMs = nowMs
	}
	var err error
	u.SentCount, err = s.sentOf(ctx, c, u.ID)
	return u, err
}
