package linear

import (
	"math"

	"github.com/anishathalye/porcupine"

	"sarang/chat"
)

// placesMax bounds how far a log is filled up: a number beyond it is nonsense, and
// fits nowhere.
const placesMax = 1 << 20

// forever is the time after everything.
const forever = math.MaxInt64

// content stands for an event; equal events have equal ones.
type content int

// input is what an operation does: append an event at a place, or read.
type input struct {
	appends bool
	seq     chat.Seq // appends: the place that it has in the end
	event   content  // appends
	page    *reading // reads
}

// reading is what a read returned.
type reading struct {
	from   chat.Seq // of the first event
	events []content
	end    bool // the log ended behind them
	beyond bool // the log did not end behind them
	atMost bool // no events: the log ended before from
	broken bool // an answer that no log could give
}

// ledger turns what was noted of a room into operations.
type ledger struct {
	*record
	contents map[chat.Event]content
	at       map[chat.Seq]sight    // the first thing seen at each place
	of       map[chat.Nonce]sight  // the first sight of each message
	placed   map[chat.Seq]*publish // messages, by where they are
	last     chat.Seq              // the highest place that is spoken of
	next     content
	ops      []porcupine.Operation
}

// operations are a room's history for porcupine.
func (r *record) operations() []porcupine.Operation {
	l := &ledger{
		record: r, contents: map[chat.Event]content{}, at: map[chat.Seq]sight{},
		of: map[chat.Nonce]sight{}, placed: map[chat.Seq]*publish{},
	}
	l.gather()
	l.appends()
	for _, s := range r.shown {
		l.add(s.client, s.at, s.at, input{page: &reading{
			from: s.event.Seq, events: []content{l.content(s.event)}, broken: s.event.Seq == 0,
		}})
	}
	for _, p := range r.pages {
		if p.done != 0 {
			l.add(p.client, p.call, p.done, input{page: l.reading(p)})
		}
	}
	return l.ops
}

func (l *ledger) add(client int, call, ret int64, in input) {
	l.ops = append(l.ops, porcupine.Operation{ClientId: client, Input: in, Call: call, Return: ret})
}

func (l *ledger) content(e chat.Event) content {
	c, known := l.contents[e]
	if !known {
		l.next++
		c = l.next
		l.contents[e] = c
	}
	return c
}

// gather finds out what was first seen where.
func (l *ledger) gather() {
	see := func(s sight) {
		e := &s.event
		l.last = max(l.last, e.Seq)
		if first, seen := l.at[e.Seq]; !seen || s.at < first.at {
			l.at[e.Seq] = s
		}
		if first, seen := l.of[e.Nonce]; e.Kind == chat.EventMessage && (!seen || s.at < first.at) {
			l.of[e.Nonce] = s
		}
	}
	for _, s := range l.shown {
		see(s)
	}
	for _, p := range l.pages {
		for _, e := range p.events {
			see(sight{p.client, p.done, e})
		}
		if n := len(p.events); n > 0 && p.more && p.before == 0 {
			l.last = max(l.last, p.events[n-1].Seq+1) // something is there
		}
	}
	for _, p := range l.publishes {
		if p.acked != 0 {
			l.last = max(l.last, p.seq)
		}
	}
}

// appends makes an operation for each message that took place, and for each place
// that the server filled by itself.
func (l *ledger) appends() {
	for _, p := range l.publishes {
		seq := p.seq
		s, seen := l.of[p.nonce]
		if p.acked == 0 {
			if !seen {
				continue // as far as anybody can tell it did not take place
			}
			seq = s.event.Seq
		}
		if l.placed[seq] == nil {
			l.placed[seq] = p
		}
		l.appendOf(p, seq, s, seen)
	}
	l.fill()
}

// appendOf makes the operation of a message.
func (l *ledger) appendOf(p *publish, seq chat.Seq, s sight, seen bool) {
	in := input{appends: true, seq: seq}
	if seen && s.event.Seq == seq && s.event.Text == p.text {
		in.event = l.content(s.event)
	} else {
		l.next++
		in.event = l.next // what was seen, if anything, is something else
	}
	ret := p.acked
	switch {
	case ret == 0:
		ret = s.at
	case seen:
		ret = min(ret, s.at)
	}
	l.add(p.client, p.call, max(p.call, ret), in)
}

// fill makes operations for the places that no message has: joins, leaves, and what
// nobody has seen. Each lies between what comes before it and what comes after it.
func (l *ledger) fill() {
	last := min(l.last, placesMax)
	upper := make([]int64, last+2) // when the log had this length for certain
	upper[last+1] = forever
	for seq := last; seq > 0; seq-- {
		upper[seq] = upper[seq+1]
		if s, seen := l.at[seq]; seen {
			upper[seq] = min(upper[seq], s.at)
		}
		if p := l.placed[seq]; p != nil && p.acked != 0 {
			upper[seq] = min(upper[seq], p.acked)
		}
	}
	lower := int64(0)
	for seq := chat.Seq(1); seq <= last; seq++ {
		if p := l.placed[seq]; p != nil {
			lower = max(lower, p.call)
			continue
		}
		s, seen := l.at[seq]
		in := input{appends: true, seq: seq}
		switch {
		case seen && s.event.Kind == chat.EventMessage:
			continue // a message that nobody published, or one that is elsewhere, too
		case seen:
			in.event = l.content(s.event)
		default:
			l.next++
			in.event = l.next
		}
		l.add(0, lower, max(lower, upper[seq]), in)
	}
}

// reading makes a read of an answer.
func (l *ledger) reading(p *Page) *reading {
	n := len(p.events)
	in := &reading{from: max(p.after, p.after+1)}
	for i, e := range p.events {
		in.events = append(in.events, l.content(e))
		in.broken = in.broken || e.Seq == 0 || e.Seq != p.events[0].Seq+chat.Seq(i)
	}
	if n > 0 {
		in.from = p.events[0].Seq
	}
	switch last := in.from + chat.Seq(n) - 1; {
	case p.before > 0 && n == 0:
		in.from, in.atMost = 1, p.before > 1
		in.broken = p.more
	case p.before > 0:
		in.end = last+1 < p.before
		in.broken = in.broken || last >= p.before || p.more != (in.from > 1)
	case n == 0:
		in.atMost, in.broken = true, p.more
	default:
		in.end, in.beyond = !p.more, p.more
		in.broken = in.broken || in.from != p.after+1
	}
	return in
}
