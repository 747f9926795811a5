package swarm

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/HdrHistogram/hdrhistogram-go"

	"sarang/chat"
	"sarang/client/session"
)

// publisher is the part of a member that publishes. Of the run's messages 0, 1, 2, …
// it makes those whose number is its index, modulo the number of publishers.
type publisher struct {
	*member
	sent     uint64     // messages made so far; their counters are 1 to sent
	quota    uint64     // how many it makes at most
	acked    []chat.Seq // by counter - 1; 0: no ack yet
	lastAck  chat.Seq   // the highest
	inFlight []flight   // in the order of sending
	refusals int
	pumping  bool
	changer  *changer // nil: it says messages and nothing else
}

// flight is a message without an answer.
type flight struct {
	nonce     chat.Nonce
	counter   uint32
	scheduled int64
	deed      deed
}

// refusalsMax is after how many refusals a publisher stops: the next message would be
// refused as well.
const refusalsMax = 16

func newPublisher(m *member) *publisher {
	p := &publisher{member: m, quota: 1<<32 - 1}
	c := m.worker.run.config
	n := uint64(c.Messages)
	if c.Changes > 0 {
		p.changer = &changer{rng: rand.New(rand.NewPCG(c.Seed, mix(uint64(m.index))))}
		if most := c.picturedMax(); n == 0 || n > most {
			n = most
		}
	}
	if n > 0 {
		p.quota = p.share(n)
	}
	return p
}

// share is how many of the run's first n messages are this publisher's.
func (p *publisher) share(n uint64) uint64 {
	publishers := uint64(p.worker.run.config.Publishers)
	return (n + publishers - 1 - uint64(p.index)) / publishers
}

// pump publishes what may be published now.
func (p *publisher) pump() {
	w := p.worker
	if p.pumping || !w.publishing || !p.online {
		return
	}
	p.pumping = true // a publish may be answered before it returns, by a refusal
	defer func() { p.pumping = false }()
	limit := p.quota
	if w.run.config.Rate > 0 {
		limit = min(limit, p.share(w.due))
	}
	for p.sent < limit && len(p.inFlight) < w.run.config.Window {
		if !p.publish() {
			return
		}
	}
}

// publish makes the next message.
func (p *publisher) publish() bool {
	w := p.worker
	now := w.run.clock()
	m := message{publisher: uint32(p.index), counter: uint32(p.sent + 1), scheduled: now}
	if w.run.config.Rate > 0 {
		k := uint64(p.index) + p.sent*uint64(w.run.config.Publishers)
		m.scheduled = min(now, w.run.beganAt.Load()+w.run.timetable.at(k))
	}
	var d deed
	if p.changer != nil {
		d = p.changer.next(w.run.config.Changes)
	}
	if err := p.send(&d, m); err != nil {
		w.errors.add("publish", err.Error())
		return false
	}
	if p.sent++; p.sent == p.quota {
		w.counts.exhausted++
	}
	w.counts.published++
	p.acked = append(p.acked, 0)
	p.inFlight = append(p.inFlight, flight{nonce: d.nonce, counter: m.counter, scheduled: m.scheduled, deed: d})
	return true
}

// settle takes a message out of those in flight.
func (p *publisher) settle(nonce chat.Nonce) (flight, bool) {
	i := slices.IndexFunc(p.inFlight, func(f flight) bool { return f.nonce == nonce })
	if i < 0 {
		return flight{}, false
	}
	f := p.inFlight[i]
	p.inFlight = slices.Delete(p.inFlight, i, i+1)
	return f, true
}

func (p *publisher) acknowledged(a session.Ack) {
	w := p.worker
	f, ok := p.settle(a.Nonce)
	if !ok {
		w.counts.faults++
		w.found("protocol", fmt.Sprintf("client %d: an ack for nonce %#x, which is not in flight", p.index, uint64(a.Nonce)))
		return
	}
	if !p.void { // else it names a place in a log that nobody has written down
		p.acked[f.counter-1] = a.Seq
		p.lastAck = max(p.lastAck, a.Seq)
		if p.changer != nil {
			f.deed.seq = a.Seq
			p.changer.answered(f.deed)
			if f.deed.act == actDelete {
				w.run.gone.add(p.room, f.deed.target, w.run.clock())
			}
		}
	}
	w.counts.acked++
	w.counts.lastAck = w.clock()
	recordMicros(w.ackLatency, w.counts.lastAck-f.scheduled)
	p.pump()
}

func (p *publisher) refused(r session.Refused) {
	if p.changer != nil && r.Err.Code == chat.CodeErased {
		p.overtaken(r.Nonce)
		return
	}
	p.refusals++
	if r.Retrying {
		p.worker.counts.retried++
		return
	}
	if f, ok := p.settle(r.Nonce); ok && p.changer != nil {
		p.changer.answered(f.deed)
	}
	p.worker.counts.refused++
	if p.refusals >= refusalsMax && p.sent < p.quota {
		p.quota = p.sent
		p.worker.counts.exhausted++
	}
	p.pump()
}

// overtaken is called when what was to be changed had been deleted by then.
func (p *publisher) overtaken(nonce chat.Nonce) {
	if f, ok := p.settle(nonce); ok {
		f.deed.refused = true
		p.changer.answered(f.deed)
	}
	p.worker.counts.refused++
	p.pump()
}

// author is what the publisher knows, for the check.
func (p *publisher) author() author {
	a := author{index: uint32(p.index), published: int(p.sent), acked: p.acked, refusals: p.refusals}
	if p.changer != nil {
		a.deeds = p.changer.done
	}
	return a
}

// recordMicros records a time in nanoseconds. What is beyond the histogram's range
// counts as its end.
func recordMicros(h *hdrhistogram.Histogram, nanos int64) {
	_ = h.RecordValue(min(max(nanos/1000, 1), latencyMicrosMax)) // within its range
}
