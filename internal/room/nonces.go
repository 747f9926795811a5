package room

import "sarang/chat"

// publisher is what a room knows of an author: his last nonces.
type publisher struct {
	loaded  bool            // recent holds what the store remembers
	recent  []chat.NonceSeq // a ring once it is full; Seq 0: on its way
	next    int             // where the ring is written next
	highest chat.Nonce      // no nonce above it was used
	pending int             // messages on their way
	held    []Publish       // waiting for loaded
}

// find looks a nonce up. Clients that count their nonces up are found new at once.
func (p *publisher) find(n chat.Nonce) (chat.Seq, bool) {
	if n > p.highest {
		return 0, false
	}
	for i := range p.recent {
		if p.recent[i].Nonce == n {
			return p.recent[i].Seq, true
		}
	}
	return 0, false
}

// remember sets the Seq of a nonce, adding it in the place of the oldest.
func (p *publisher) remember(n chat.Nonce, s chat.Seq) {
	if s > 0 {
		for i := range p.recent {
			if p.recent[i].Nonce == n {
				p.recent[i].Seq = s
				return
			}
		}
	}
	p.highest = max(p.highest, n)
	if len(p.recent) < chat.NoncesPerUserMax {
		p.recent = append(p.recent, chat.NonceSeq{Nonce: n, Seq: s})
		return
	}
	p.recent[p.next] = chat.NonceSeq{Nonce: n, Seq: s}
	p.next = (p.next + 1) % len(p.recent)
}

func (p *publisher) forget(n chat.Nonce) {
	for i := range p.recent {
		if p.recent[i].Nonce == n && p.recent[i].Seq == 0 {
			p.recent[i] = chat.NonceSeq{}
		}
	}
}

// publisherCache keeps the authors that were active last: between max/2 and max of
// them, and all that have something on its way. Others are read from the store again.
type publisherCache struct {
	young, old map[chat.UserID]*publisher
	max        int
	complete   bool // nothing was stored before this process: new authors need no loading
}

func newPublisherCache(most int, complete bool) publisherCache {
	return publisherCache{young: map[chat.UserID]*publisher{}, max: most, complete: complete}
}

func (c *publisherCache) get(u chat.UserID) *publisher {
	if p := c.young[u]; p != nil {
		return p
	}
	p := c.old[u]
	if p == nil {
		p = &publisher{loaded: c.complete}
	}
	if len(c.young) >= c.max/2 {
		c.turn()
	}
	c.young[u] = p
	return p
}

// turn forgets the old ones and makes the young ones old.
func (c *publisherCache) turn() {
	young := map[chat.UserID]*publisher{}
	for u, p := range c.old {
		if p.pending > 0 || len(p.held) > 0 {
			if c.young[u] == nil {
				young[u] = p
			}
		} else if c.young[u] == nil {
			c.complete = false // somebody is forgotten: he is to be loaded if he returns
		}
	}
	c.old, c.young = c.young, young
}

func (c *publisherCache) holding() bool {
	for _, m := range []map[chat.UserID]*publisher{c.young, c.old} {
		for _, p := range m {
			if len(p.held) > 0 {
				return true
			}
		}
	}
	return false
}
