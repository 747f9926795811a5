package hub

import (
	"time"

	"sarang/chat"
	"sarang/lock"
)

// recently are the newest things of a kind that have happened to users, for logins: one that was under way
// when such a thing was stored has read what was there before. The store has them all; here they are
// kept for as long as a login may be under way.
type recently[T any] struct {
	mu     lock.Mutex
	count  uint64         // of all that there were
	newest []happening[T] // the last of them
}

type happening[T any] struct {
	user chat.UserID
	what T
	at   time.Duration
}

// recentKept is how long a login may be under way, and recentMax how many things of a kind are remembered
// meanwhile.
const (
	recentKept = time.Minute
	recentMax  = 1 << 16
)

func (r *recently[T]) init(class string) { r.mu.Init(lock.NewClass(class)) }

// now is what since is to be asked with for a login that begins.
func (r *recently[T]) now() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count
}

func (r *recently[T]) add(u chat.UserID, what T, now time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count++
	old := 0
	for old < len(r.newest) && (now-r.newest[old].at > recentKept || len(r.newest)-old >= recentMax) {
		old++
	}
	r.newest = append(r.newest[old:], happening[T]{u, what, now})
}

// since returns the newest thing that has happened to a user since a login has begun and that is
// wanted.
func (r *recently[T]) since(begun uint64, u chat.UserID, wanted func(T) bool) (what T, found bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := len(r.newest) - 1; i >= 0 && r.count-uint64(len(r.newest)-1-i) > begun; i-- {
		if x := &r.newest[i]; x.user == u && wanted(x.what) {
			return x.what, true
		}
	}
	return what, false
}
