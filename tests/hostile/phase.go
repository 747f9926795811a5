package main

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// phase is a part of a run, with what the crowd saw of it.
type phase struct {
	from, to time.Time // of messages that were due then
	before   *phase    // late messages are counted there
	latency  *hdrhistogram.Histogram
	seconds  []*hdrhistogram.Histogram // of the phase, one after the other
	refused  map[uint32]int            // publishes to be said again, by code
	newcomer newcomers
}

// newcomers are clients that come during a phase, log in and go.
type newcomers struct {
	Tried  int     `json:"tried"`
	In     int     `json:"in"`
	WorstM float64 `json:"worst_ms"`

	Read       int     `json:"read"` // so many had their history
	WorstReadM float64 `json:"worst_read_ms"`
}

const latencyMax = time.Minute

func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, latencyMax.Microseconds(), 3)
}

func newPhase(before *phase) *phase {
	p := &phase{from: time.Now(), before: before, latency: newHistogram(), refused: map[uint32]int{}}
	if before != nil {
		before.to = p.from
	}
	return p
}

// record measures a delivery of a message that was due at a time, in the phase that
// this was in.
func (p *phase) record(due time.Time) {
	for p != nil && due.Before(p.from) {
		p = p.before
	}
	if p == nil {
		return
	}
	us := min(max(time.Since(due).Microseconds(), 1), latencyMax.Microseconds())
	_ = p.latency.RecordValue(us)
	second := int(due.Sub(p.from) / time.Second)
	for len(p.seconds) <= second {
		p.seconds = append(p.seconds, newHistogram())
	}
	_ = p.seconds[second].RecordValue(us)
}

// latencies are the figures of a phase, in milliseconds.
type latencies struct {
	Deliveries     int64     `json:"deliveries"`
	P50            float64   `json:"p50_ms"`
	P99            float64   `json:"p99_ms"`
	P999           float64   `json:"p999_ms"`
	Max            float64   `json:"max_ms"`
	P99EachSecond  []float64 `json:"p99_each_second_ms"`
	WorstSecondP99 float64   `json:"worst_second_p99_ms"`
}

func (p *phase) figures() latencies {
	at := func(h *hdrhistogram.Histogram, q float64) float64 { return float64(h.ValueAtQuantile(q)) / 1000 }
	l := latencies{
		Deliveries: p.latency.TotalCount(), P50: at(p.latency, 50), P99: at(p.latency, 99),
		P999: at(p.latency, 99.9), Max: float64(p.latency.Max()) / 1000,
	}
	for _, s := range p.seconds {
		v := at(s, 99)
		l.P99EachSecond = append(l.P99EachSecond, v)
		l.WorstSecondP99 = max(l.WorstSecondP99, v)
	}
	return l
}
