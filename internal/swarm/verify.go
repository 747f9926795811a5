package swarm

import "sarang/chat"

// author is what a publisher knows of its messages when all is over.
type author struct {
	index     uint32     // of the client
	published int        // counters 1 to published were sent
	acked     []chat.Seq // by counter - 1; 0: no ack
	refusals  int        // an order that the server's refusals have changed is no fault
	deeds     []deed     // with Config.Changes: what was answered
}

// tally is the sum of what was found.
type tally struct {
	Expected   uint64 // deliveries that there had to be
	Delivered  uint64 // of these, those that came and were right
	Lost       uint64
	Duplicated uint64
	Reordered  uint64
	Corrupted  uint64
	Misacked   uint64 // acks that name the place of another message
}

func (t *tally) add(o tally) {
	t.Expected += o.Expected
	t.Delivered += o.Delivered
	t.Lost += o.Lost
	t.Duplicated += o.Duplicated
	t.Reordered += o.Reordered
	t.Corrupted += o.Corrupted
	t.Misacked += o.Misacked
}

// place says what a place in a room's log means for who did or did not get it.
type place uint8

const (
	placeOther  place = 1 << iota // somebody came or went
	placeMust                     // the first, and as a rule only, place of a message
	placeRepeat                   // a message that has an earlier place
	placeLate                     // a message with a counter below one that the publisher has before
)

// roomCheck is what there is to compare when all is over: what each worker wrote down,
// what each member got, and what answers each publisher had.
type roomCheck struct {
	journals []*journal
	receipts []*receipt
	members  []*member
	authors  []author

	changes bool // deeds are there
	byIndex map[uint32]*progress
	byPlace map[chat.Seq]*deed // the acknowledged ones
	places  []place            // from base on
	base    chat.Seq
	sum     counts // of all places
}

// counts are how many of some places are of each kind.
type counts struct{ must, late, repeats, other uint64 }

func (n *counts) add(p place) {
	if p&placeMust != 0 {
		n.must++
	}
	if p&placeLate != 0 {
		n.late++
	}
	if p&placeRepeat != 0 {
		n.repeats++
	}
	if p&placeOther != 0 {
		n.other++
	}
}

// progress follows one publisher through the log.
type progress struct {
	*author
	seen    []bool // by counter - 1
	highest uint32
}

// verify compares everything of one room.
func (c *roomCheck) verify() (t tally) {
	c.byIndex = make(map[uint32]*progress, len(c.authors))
	for i := range c.authors {
		a := &c.authors[i]
		c.byIndex[a.index] = &progress{author: a, seen: make([]bool, a.published)}
		for k := range a.deeds {
			if c.byPlace == nil {
				c.byPlace = map[chat.Seq]*deed{}
			}
			if d := &a.deeds[k]; d.seq != 0 {
				c.byPlace[d.seq] = d
			}
		}
	}
	c.readJournals(&t)
	c.readAcks(&t)
	for _, r := range c.receipts {
		c.compare(r, &t)
	}
	return t
}

// readJournals finds out what each place is.
func (c *roomCheck) readJournals(t *tally) {
	last := chat.Seq(0)
	for _, j := range c.journals {
		if j.base == 0 {
			continue
		}
		if c.base == 0 || j.base < c.base {
			c.base = j.base
		}
	}
	for _, j := range c.journals {
		if j.base > c.base && j.base-c.base > placesAheadMax {
			t.Corrupted++ // for some members the server let the log begin elsewhere
			continue
		}
		last = max(last, j.last)
	}
	for seq := c.base; seq <= last && seq > 0; seq++ {
		p := c.classify(seq, c.merge(seq, t), t)
		c.places = append(c.places, p)
		c.sum.add(p)
	}
}

// merge puts together what the workers saw at a place. Where they differ, members have
// seen different orders.
func (c *roomCheck) merge(seq chat.Seq, t *tally) (all record) {
	for _, j := range c.journals {
		r := j.get(seq)
		switch {
		case r.state == stateUnseen:
		case all.state == stateUnseen || all.state == stateSpoiled && r.state == stateMessage:
			all = r
		case r.state == stateSpoiled && all.state == stateMessage:
		case c.changes && r.state != stateOther && all.state != stateOther && r.hash>>32 == all.hash>>32:
			if uint32(r.hash) != 0 && uint32(all.hash) != 0 && r.hash != all.hash {
				t.Corrupted++
			}
			erased := r.erased || all.erased
			if r.state == stateMessage {
				all = r
			}
			all.erased = erased
		case r.state != all.state || r.publisher != all.publisher || r.counter != all.counter:
			t.Reordered++
		case r.hash != all.hash && r.state != stateSpoiled:
			t.Corrupted++
		}
	}
	return all
}

func (c *roomCheck) classify(seq chat.Seq, r record, t *tally) place {
	switch r.state {
	case stateUnseen:
		return 0
	case stateOther:
		return placeOther
	case stateSpoiled:
		return placeMust
	case stateChange:
		if d := c.byPlace[seq]; d != nil && d.nonce == chat.Nonce(r.scheduled) {
			r.counter = d.counter
		}
	}
	p := c.byIndex[r.publisher]
	switch {
	case p == nil || r.counter == 0 || int(r.counter) > p.published:
		t.Corrupted++ // nobody has sent this
		return placeOther
	case p.seen[r.counter-1]:
		return placeRepeat
	}
	p.seen[r.counter-1] = true
	if c.changes && !c.says(seq) {
		return placeMust // what changes a message may get its place behind one that was said after it
	}
	if r.counter < p.highest && p.refusals == 0 {
		return placeMust | placeLate
	}
	p.highest = max(p.highest, r.counter)
	return placeMust
}

// says reports whether a place is that of an acknowledged message that answers no other one.
func (c *roomCheck) says(seq chat.Seq) bool {
	d := c.byPlace[seq]
	return d != nil && (d.act == actMessage || d.act == actMention)
}

// readAcks compares the acks with the places: a message that was acknowledged must
// have been delivered to everybody, at the place that the ack names.
func (c *roomCheck) readAcks(t *tally) {
	members := uint64(len(c.receipts))
	for i := range c.authors {
		p := c.byIndex[c.authors[i].index]
		for k, seq := range p.acked {
			if seq == 0 {
				continue
			}
			switch r := c.find(seq); {
			case r.state == stateMessage && r.publisher == p.index && int(r.counter) == k+1:
			case r.state == stateChange && r.publisher == p.index && c.byPlace[seq] != nil && int(c.byPlace[seq].counter) == k+1 &&
				c.byPlace[seq].nonce == chat.Nonce(r.scheduled):
			case r.state == stateSpoiled:
			case p.seen[k]:
				t.Misacked++ // it is elsewhere
			default: // nobody has got it
				t.Expected += members
				t.Lost += members
				if r.state != stateUnseen {
					t.Misacked++
				}
			}
		}
	}
}

func (c *roomCheck) find(seq chat.Seq) (found record) {
	for _, j := range c.journals {
		r := j.get(seq)
		if r.state > found.state {
			found = r
		}
	}
	return found
}

// compare counts what a member should have got and has.
func (c *roomCheck) compare(r *receipt, t *tally) {
	var missing counts
	for _, h := range r.holes {
		c.count(h, &missing)
	}
	t.Reordered += missing.other // at the end of the log it may be late; here it is lost
	c.count(span{r.last + 1, c.base + chat.Seq(len(c.places))}, &missing)
	got := c.sum.must - missing.must
	t.Expected += c.sum.must
	t.Lost += missing.must
	t.Delivered += got - min(r.corrupted, got)
	t.Corrupted += r.corrupted + r.mangled
	t.Reordered += r.reordered + c.sum.late - missing.late
	t.Duplicated += r.duplicated + c.sum.repeats - missing.repeats
}

// count adds the places of h to n, as far as they were looked at.
func (c *roomCheck) count(h span, n *counts) {
	from, to := max(h.from, c.base), min(h.to+1, c.base+chat.Seq(len(c.places)))
	for seq := from; seq < to; seq++ {
		n.add(c.places[seq-c.base])
	}
}
