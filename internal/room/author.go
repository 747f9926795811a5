package room

import (
	"slices"

	"sarang/chat"
)

// author is what a room knows of a user beside his presence: his nonces, and his role.
type author struct {
	loaded  bool            // stored and given hold what the store remembers
	ruled   bool            // given is that of an event that came after loading began
	given   chat.Given      // the role; RoleNone: none was given
	saidMs  int64           // when his newest message was said, as far as is known; 0: not
	stored  []chat.NonceSeq // of the last ones in the log, in order: a ring once it is full
	next    int             // where the ring is written next
	most    int             // nonces in the ring
	onWay   []chat.NonceSeq // of events that are gathering or in flight; without Seq
	highest chat.Nonce      // no nonce above it was used
	newest  chat.Nonce      // and none above it is in stored
	held    []Publish       // waiting for loaded
	awaited bool            // the store is asked: what comes in meanwhile must not be missed
	wanted  int             // events on their way that are about him
}

// find looks a nonce up; Seq 0: its event is on its way. Clients that count their nonces
// up are found new at once.
func (a *author) find(n chat.Nonce) (chat.NonceSeq, bool) {
	if n > a.highest {
		return chat.NonceSeq{}, false
	}
	for _, in := range [...][]chat.NonceSeq{a.stored, a.onWay} {
		for i := range in {
			if in[i].Nonce == n {
				return in[i], true
			}
		}
	}
	return chat.NonceSeq{}, false
}

// mistaken is for who gives a nonce that is known to something else; nil if e says the
// same.
func mistaken(known chat.NonceSeq, e *chat.Event) *chat.Error {
	if known.Digest == 0 || known.Digest == e.Digest() {
		return nil
	}
	return chat.Errorf(chat.CodeNonceUsed, "the nonce of this message was used for another one: give it a new nonce")
}

// begin notes an event that is on its way. It pushes none out that is stored: the event
// may fail.
func (a *author) begin(e *chat.Event) {
	a.highest = max(a.highest, e.Nonce)
	a.onWay = append(a.onWay, chat.NonceSeq{Nonce: e.Nonce, Digest: e.Digest()})
}

// end takes a nonce back whose event is not on its way any more.
func (a *author) end(n chat.Nonce) {
	if i := slices.IndexFunc(a.onWay, func(x chat.NonceSeq) bool { return x.Nonce == n }); i >= 0 {
		a.onWay = slices.Delete(a.onWay, i, i+1)
	}
	if len(a.onWay) == 0 && cap(a.onWay) > onWayKept {
		a.onWay = nil // only a peak has needed it
	}
}

const onWayKept = 16

// digestOf is the digest of an event that is on its way. What it costs grows with the text, so it
// is computed once.
func (a *author) digestOf(e *chat.Event) uint64 {
	for i := range a.onWay {
		if a.onWay[i].Nonce == e.Nonce {
			return a.onWay[i].Digest
		}
	}
	return e.Digest()
}

// note is remember for an event.
func (a *author) note(e *chat.Event, digest uint64) {
	a.remember(chat.NonceSeq{Nonce: e.Nonce, Seq: e.Seq, Digest: digest})
	if e.Kind == chat.EventMessage {
		a.saidMs = e.TimeMs
	}
}

// remember notes where an event of the log is, in the place of the oldest.
func (a *author) remember(n chat.NonceSeq) {
	if n.Nonce <= a.newest && slices.ContainsFunc(a.stored, func(x chat.NonceSeq) bool { return x.Nonce == n.Nonce }) {
		return
	}
	a.highest, a.newest = max(a.highest, n.Nonce), max(a.newest, n.Nonce)
	if len(a.stored) < a.most {
		a.stored = append(a.stored, n)
		return
	}
	a.stored[a.next] = n
	a.next = (a.next + 1) % len(a.stored)
}

// load takes what the store remembers, the newest first. What has come in since it was
// asked is newer.
func (a *author) load(stored chat.Author) {
	since := slices.Concat(a.stored[a.next:], a.stored[:a.next])
	a.stored, a.next, a.newest = nil, 0, 0
	for i := len(stored.Nonces) - 1; i >= 0; i-- {
		a.remember(stored.Nonces[i])
	}
	for _, n := range since {
		a.remember(n)
	}
	if !a.ruled {
		a.given = stored.Given()
	}
	if a.saidMs == 0 {
		a.saidMs = stored.SaidMs
	}
	a.loaded = true
}

// busy reports whether the room can not do without him.
func (a *author) busy() bool {
	return len(a.onWay) > 0 || len(a.held) > 0 || a.awaited || a.wanted > 0
}

// authorCache keeps the authors that were active last: between max/2 and max of
// them, and all that have something on its way. Others are read from the store again.
// Where more are busy than max/2, as in a crowd that comes to a room with roles, it looks
// for those that may go the more rarely, so that a crowd costs no more for each of them
// than a few do.
type authorCache struct {
	young, old map[chat.UserID]*author
	turnAt     int // at so many young ones the old ones are forgotten
	max        int
	noncesMax  int
	complete   bool // all that the log says went through this cache: new authors need no loading
}

func newAuthorCache(most, noncesMax int, complete bool) authorCache {
	return authorCache{young: map[chat.UserID]*author{}, turnAt: most / 2, max: most, noncesMax: noncesMax, complete: complete}
}

// peek returns an author if he is in the cache, else nil.
func (c *authorCache) peek(u chat.UserID) *author {
	if a := c.young[u]; a != nil {
		return a
	}
	return c.old[u]
}

func (c *authorCache) get(u chat.UserID) *author {
	if a := c.young[u]; a != nil {
		return a
	}
	a := c.old[u]
	if a == nil {
		a = &author{loaded: c.complete, most: c.noncesMax}
	}
	if len(c.young) >= c.turnAt {
		c.turn()
	}
	c.young[u] = a
	return a
}

// turn forgets the old ones and makes the young ones old.
func (c *authorCache) turn() {
	young := map[chat.UserID]*author{}
	for u, a := range c.old {
		if a.busy() {
			if c.young[u] == nil {
				young[u] = a
			}
		} else if c.young[u] == nil {
			c.complete = false // somebody is forgotten: he is to be loaded if he returns
		}
	}
	c.old, c.young = c.young, young
	c.turnAt = len(young) + max(c.max/2, len(young)/busyPerTurn)
}

// busyPerTurn is for how many busy authors one has to come before all are looked through.
const busyPerTurn = 8
