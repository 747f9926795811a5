package limit

import (
	"hash/maphash"
	"time"

	"sarang/lock"
)

// GuessConfig bounds how often passwords may be tried.
type GuessConfig struct {
	NamesMax int  // names and addresses remembered at once; at least 1
	Here     Rate // for one name from one address
	Network  Rate // from one address, for all names
	Name     Rate // for one name, from addresses where its owner was never seen
}

// Guesses remembers how often passwords were tried: for a name from an address, from an
// address, and for a name from addresses that are strange to its owner. So who guesses has to
// wait, and an owner who is where he was before does not wait for others. What was right counts
// for nothing. When all places are taken, one goes that may be needed yet: then the limits of
// logins are left. Any goroutine may call its methods.
type Guesses struct {
	config GuessConfig
	seed   maphash.Seed
	mu     lock.Mutex
	index  map[guessKey]int32
	places []guess
	hand   int
}

// guessKey is a name, an address, or both.
type guessKey struct{ name, network uint64 }

type guess struct {
	key  guessKey
	used Meter
}

// NewGuesses makes one of which nothing is known.
func NewGuesses(c GuessConfig) *Guesses {
	g := &Guesses{config: c, seed: maphash.MakeSeed(), index: map[guessKey]int32{}}
	g.mu.Init(lock.NewClass("limit.guesses"))
	return g
}

// nowhere is the network of what is counted for a name, wherever it is tried.
const nowhere = ^uint64(0)

func (g *Guesses) name(key string) uint64 { return maphash.String(g.seed, key) | 1 }

// Ask counts a try for a name from a network (NetworkOf an address) and returns 0, or counts
// nothing and returns how long it is until there may be one. Network 0 is not counted: it is
// trusted.
func (g *Guesses) Ask(key string, network uint64, now time.Duration) (wait time.Duration) {
	if network == 0 {
		return 0
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	here, of := guessKey{g.name(key), network}, guessKey{0, network}
	wait = max(g.wait(here, g.config.Here, now), g.wait(of, g.config.Network, now))
	if wait == 0 {
		g.take(here, g.config.Here, now)
		g.take(of, g.config.Network, now)
	}
	return wait
}

// AskStrange is Ask for a name, from wherever its owner was never seen.
func (g *Guesses) AskStrange(key string, now time.Duration) (wait time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	k := guessKey{g.name(key), nowhere}
	if wait = g.wait(k, g.config.Name, now); wait == 0 {
		g.take(k, g.config.Name, now)
	}
	return wait
}

// Right takes back what Ask, and AskStrange if strange, have counted: the password was right,
// or nobody has looked at it.
func (g *Guesses) Right(key string, network uint64, strange bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	give := func(k guessKey, r Rate) {
		if i, known := g.index[k]; known {
			g.places[i].used.Give(r, 1)
		}
	}
	if network != 0 {
		give(guessKey{g.name(key), network}, g.config.Here)
		give(guessKey{0, network}, g.config.Network)
	}
	if strange {
		give(guessKey{g.name(key), nowhere}, g.config.Name)
	}
}

// Len is how many names and addresses are remembered.
func (g *Guesses) Len() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.index)
}

func (g *Guesses) wait(k guessKey, r Rate, now time.Duration) time.Duration {
	if i, known := g.index[k]; known {
		return g.places[i].used.Wait(r, now)
	}
	return 0
}

// take counts one. Two places are looked at for each that comes, so that there are not more
// than are needed.
func (g *Guesses) take(k guessKey, r Rate, now time.Duration) {
	if r.None() {
		return
	}
	i, known := g.index[k]
	if !known {
		for range min(2, len(g.places)) {
			g.hand = (g.hand + 1) % len(g.places)
			if g.places[g.hand].used.Rested(now) {
				g.drop(g.hand)
				if len(g.places) == 0 {
					break
				}
				g.hand %= len(g.places)
			}
		}
		if len(g.places) >= max(g.config.NamesMax, 1) {
			g.drop(g.hand % len(g.places))
		}
		i = int32(len(g.places))
		g.places = append(g.places, guess{key: k})
		g.index[k] = i
	}
	g.places[i].used.Take(r, now)
}

// drop forgets a place; the last one moves there.
func (g *Guesses) drop(i int) {
	delete(g.index, g.places[i].key)
	last := len(g.places) - 1
	if i != last {
		g.places[i] = g.places[last]
		g.index[g.places[i].key] = int32(i)
	}
	g.places = g.places[:last]
}
