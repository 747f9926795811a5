package hub

import (
	"context"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"sarang/chat"
	"sarang/internal/limit"
	"sarang/internal/password"
	"sarang/lock"
)

// Passwords are hashed on a few goroutines of their own: each hashing takes the memory that
// its cost says, and that of all is bounded by how many there are. Networks have their turns in
// a circle, as at the store; who would wait for too long is sent away. The store is asked by
// these tasks, too, so that a login by password is one task.

// newHashes makes what passwords are hashed by.
func (h *Hub) newHashes() *tasks {
	c := &h.config
	t := &tasks{
		most: c.PasswordsAtOnce, bounds: taskBounds{c.PasswordQueueMax, c.AddressPasswordQueueMax},
		waits: &h.hashQueue, turns: &h.turns, manual: c.Manual, now: h.now,
	}
	t.mu.Init(lock.NewClass("hub.hashes"))
	t.since.Store(noneWaits)
	return t
}

// guessesMax bounds the names and addresses of which it is remembered that passwords were tried.
const guessesMax = 1 << 16

func newGuesses(c *Limits) *limit.Guesses {
	return limit.NewGuesses(limit.GuessConfig{
		NamesMax: guessesMax,
		Here:     limit.NewRate(c.PasswordTriesPerMinute, time.Minute, c.PasswordTriesBurst),
		Network:  limit.NewRate(c.AddressPasswordTriesPerMinute, time.Minute, c.AddressPasswordTriesBurst),
		Name:     limit.NewRate(c.NamePasswordTriesPerHour, time.Hour, c.NamePasswordTriesBurst),
	})
}

// hash has f done where passwords are hashed. False: too many wait, or would wait for too long;
// the session is told so.
func (s *Shard) hash(o *Session, ref RequestRef, f func()) bool {
	h := s.hub
	wait := h.hashes.wait(s.now())
	if most := h.config.PasswordWaitMax; (most < 0 || wait <= most) && s.give(h.hashes, o.source(), f) {
		return true
	}
	s.limited(o, limitedPasswords)
	err := overloaded("too many passwords wait to be checked; try again")
	err.RetryAfter += wait + s.spread(o, ref)
	s.fail(o, ref, err)
	return false
}

// guessing is a try of a password that was counted.
type guessing struct {
	key     string
	network uint64
	strange bool
}

// mayGuess counts a try of a password for a name, and refuses it if there were too many from
// where it comes.
func (s *Shard) mayGuess(o *Session, ref RequestRef, key string) (guessing, bool) {
	g := guessing{key: key, network: o.network}
	wait := s.hub.guesses.Ask(key, o.network, s.now())
	if wait == 0 {
		return g, true
	}
	s.limited(o, limitedGuesses)
	s.charge(o, RefusedBytes)
	s.fail(o, ref, tooManyGuesses(wait+s.spread(o, ref)))
	return g, false
}

func tooManyGuesses(wait time.Duration) *chat.Error {
	return &chat.Error{Code: chat.CodeTooFast, RetryAfter: wait, Message: "too many passwords were tried; try again later"}
}

// right takes back what was counted for a try that was right, or that nobody has looked at.
func (h *Hub) right(g guessing) { h.guesses.Right(g.key, g.network, g.strange) }

// prove returns the user whose name and password these are. Nobody, a guest, and a wrong
// password are one answer, which takes the same time. from is where it comes from, invalid if
// that is trusted.
func (h *Hub) prove(ctx context.Context, g *guessing, secret string, from netip.Addr) (chat.Secret, error) {
	x, err := h.config.Store.Password(ctx, g.key)
	if err != nil && chat.CodeOf(err) != chat.CodeNoUser {
		h.right(*g)
		return chat.Secret{}, err
	}
	// A name that nobody has is counted as one that somebody has.
	if !h.hasBeen(ctx, x.User, from) {
		if wait := h.guesses.AskStrange(g.key, h.now()); wait > 0 {
			h.noteLimited(limitedGuesses, h.now(), from, 0)
			return chat.Secret{}, tooManyGuesses(wait)
		}
		g.strange = true
	}
	h.counts.passwordsChecked.Add(1)
	is, current := password.Is(h.config.PasswordKey, secret, x.Password, h.config.PasswordCost)
	if !is {
		h.counts.passwordsWrong.Add(1)
		return chat.Secret{}, chat.NotProven()
	}
	h.right(*g)
	if !current { // the cost was changed
		fresh := h.hashed(secret)
		if h.config.Store.SetPassword(ctx, chat.PasswordChange{User: x.User, From: x.Password, To: fresh}) == nil {
			x.Password = fresh
		}
	}
	return x, nil
}

// hasBeen reports whether a user has logged in at an address before: strangers who guess do not
// keep him out there.
func (h *Hub) hasBeen(ctx context.Context, u chat.UserID, from netip.Addr) bool {
	if !from.IsValid() {
		return false
	}
	// Also of nobody: what is asked does not tell whether there is somebody.
	devices, err := h.config.Store.Devices(ctx, u)
	return err == nil && slices.ContainsFunc(devices, func(d chat.Device) bool {
		a, err := netip.ParseAddr(d.Address)
		return err == nil && limit.NetworkOf(a) == limit.NetworkOf(from)
	})
}

// hashed returns the hash of a password that is to be kept.
func (h *Hub) hashed(secret string) string {
	var salt [password.SaltBytes]byte
	h.random(salt[:])
	h.counts.passwordsHashed.Add(1)
	return password.Hash(h.config.PasswordKey, secret, h.config.PasswordCost, salt[:])
}

// asking is a session that waits for a password to be checked. Work that waits for it is not
// done when it has gone.
type asking struct{ gone atomic.Bool }
