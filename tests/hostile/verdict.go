package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// result is what one attack came to.
type result struct {
	Attack string `json:"attack"`
	What   string `json:"what"`
	IO     string `json:"io"`

	Before latencies `json:"before"`
	With   latencies `json:"with"`
	After  latencies `json:"after"`

	// CPU is the server's, as a part of one CPU.
	CPUBefore float64 `json:"cpu_before"`
	CPUWith   float64 `json:"cpu_with"`
	CPUAfter  float64 `json:"cpu_after"`

	// CPUWait is how long the server and the crowd were ready to run and waited for a
	// CPU, seconds per second: before, with, after.
	CPUWait [3][2]float64 `json:"cpu_wait"`

	Newcomers [3]newcomers      `json:"newcomers"` // before, with, after
	Refused   [3]map[string]int `json:"refused"`   // publishes of the well-behaved that had to be said again, by code

	Sent    int `json:"sent"`
	Acked   int `json:"acked"`
	Lost    int `json:"lost"`
	Doubled int `json:"doubled"`
	Wrong   int `json:"wrong"`

	RSSBytes     [4]int64       `json:"rss_bytes"`       // before, at the attack's beginning and end, at last
	PeakBytes    int64          `json:"peak_bytes"`      // of the server's life
	PoolBytes    [4]float64     `json:"pool_bytes"`      // buffers in use: as above
	PoolMost     float64        `json:"pool_most_bytes"` // during the attack
	HeapBytes    [2]float64     `json:"heap_bytes"`      // after a collection: before, at last
	Sessions     [2]int         `json:"sessions"`        // before, at last
	ReturnedIn   float64        `json:"returned_in_s"`   // until sessions and buffers were as before
	Disconnected map[string]int `json:"disconnected"`    // by the server's reason, since the beginning of the first phase
	ServerRefuse int            `json:"server_refused"`

	Attackers *tally   `json:"attackers"`
	Ends      []string `json:"ends,omitempty"` // of well-behaved sessions
	Failures  []string `json:"failures,omitempty"`
	Passed    bool     `json:"passed"`
}

// baseline is what must come back.
type baseline struct {
	sessions, pool, heap float64
}

// What the memory of a server that has been attacked may have grown by: rooms, users
// and messages that the attackers made are remembered, within bounds.
const (
	poolSlackBytes = 4 << 20
	heapSlackBytes = 48 << 20
	returnMax      = 30 * time.Second
)

const (
	metricSessions = "sarang_sessions"
	metricPool     = `sarang_buffer_bytes{state="in_use"}`
	metricHeap     = "go_memstats_heap_alloc_bytes"
)

// base has the server collect its garbage, and looks.
func (t *trial) base(ctx context.Context) baseline {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+t.server.HTTP()+"/debug/pprof/heap?gc=1", nil); err == nil {
		if answer, err := http.DefaultClient.Do(request); err == nil {
			_, _ = io.Copy(io.Discard, answer.Body)
			answer.Body.Close()
		}
	}
	m, _ := t.server.Metrics(ctx)
	return baseline{m[metricSessions], m[metricPool], m[metricHeap]}
}

// newResult gathers what is known when the last phase is over.
func (t *trial) newResult(told *tally) *result {
	r := &result{Attack: t.attack.name, What: t.attack.what, IO: t.io, Attackers: told, Disconnected: map[string]int{}}
	figures := ask(t, func() (l [3]latencies) {
		for i, p := range t.phases {
			l[i] = p.figures()
			r.Newcomers[i], r.Refused[i] = p.newcomer, map[string]int{}
			for code, n := range p.refused {
				r.Refused[i][fmt.Sprint(code)] = n
			}
		}
		return l
	})
	r.Before, r.With, r.After = figures[0], figures[1], figures[2]
	cpu := func(i int) float64 {
		a, b := t.looks[i], t.looks[i+1]
		return (b.usage.User + b.usage.System - a.usage.User - a.usage.System).Seconds() / b.at.Sub(a.at).Seconds()
	}
	r.CPUBefore, r.CPUWith, r.CPUAfter = cpu(0), cpu(1), cpu(2)
	for i := range r.CPUWait {
		a, b := t.looks[i], t.looks[i+1]
		for k := range a.waited {
			r.CPUWait[i][k] = (b.waited[k] - a.waited[k]).Seconds() / b.at.Sub(a.at).Seconds()
		}
	}
	for i, l := range t.looks {
		r.RSSBytes[i], r.PoolBytes[i] = l.usage.RSSBytes, l.metrics[metricPool]
	}
	r.PeakBytes, r.PoolMost = t.looks[3].usage.PeakBytes, t.poolMost
	first, last := t.looks[0].metrics, t.looks[3].metrics
	for name, v := range last {
		reason, ok := strings.CutPrefix(name, `sarang_disconnected_total{reason="`)
		if n := int(v - first[name]); ok && n > 0 {
			r.Disconnected[strings.TrimSuffix(reason, `"}`)] = n
		}
	}
	r.ServerRefuse = int(last.Sum("sarang_refused_total") - first.Sum("sarang_refused_total"))
	return r
}

// compare waits until sessions and memory are as they were.
func (t *trial) compare(ctx context.Context, r *result, base baseline) {
	start := time.Now()
	var now baseline
	for {
		m, err := t.server.Metrics(ctx)
		if err != nil {
			r.Failures = append(r.Failures, "the server does not show its figures: "+err.Error())
			return
		}
		now = baseline{m[metricSessions], m[metricPool], m[metricHeap]}
		if visitors := float64(2); now.sessions <= base.sessions+visitors && now.pool <= base.pool+poolSlackBytes {
			break
		}
		if time.Since(start) > returnMax || ctx.Err() != nil {
			break
		}
		pause(ctx, 50*time.Millisecond)
	}
	r.ReturnedIn = time.Since(start).Seconds()
	now = t.base(ctx)
	r.Sessions = [2]int{int(base.sessions), int(now.sessions)}
	r.HeapBytes = [2]float64{base.heap, now.heap}
	if now.sessions > base.sessions+2 {
		r.Failures = append(r.Failures, fmt.Sprintf("%.0f sessions, before the attack %.0f", now.sessions, base.sessions))
	}
	if now.pool > base.pool+poolSlackBytes {
		r.Failures = append(r.Failures, fmt.Sprintf("%.1f MiB of buffers in use, before the attack %.1f", now.pool/(1<<20), base.pool/(1<<20)))
	}
	if now.heap > base.heap+heapSlackBytes {
		r.Failures = append(r.Failures, fmt.Sprintf("%.1f MiB on the heap, before the attack %.1f", now.heap/(1<<20), base.heap/(1<<20)))
	}
}

// What the well-behaved may notice of an attack on what they share with others.
const (
	fairTimes    = 5.0    // so many times the p99 without
	fairP99M     = 100.0  // ms
	fairNewcomer = 1000.0 // ms
	fairUnder    = 3      // visitors who may be under way when a phase ends
)

// fairness says what the well-behaved have noticed too much of.
func (r *result) fairness() (bad []string) {
	fail := func(not bool, format string, args ...any) {
		if not {
			bad = append(bad, fmt.Sprintf(format, args...))
		}
	}
	n := &r.Newcomers[1]
	fail(n.In < n.Tried-fairUnder || n.WorstM > fairNewcomer, "of %d newcomers %d came in, after %.0f ms at most", n.Tried, n.In, n.WorstM)
	fail(n.Read < n.In-fairUnder || n.WorstReadM > fairNewcomer, "%d of %d newcomers had their history, after %.0f ms at most", n.Read, n.In, n.WorstReadM)
	fail(r.With.P99 > max(fairTimes*r.Before.P99, 10), "p99 went from %.1f to %.1f ms", r.Before.P99, r.With.P99)
	fail(r.With.P99 > fairP99M, "p99 is %.1f ms", r.With.P99)
	return bad
}

// verdict reports whether the promises were kept, and ends the server in order.
func (t *trial) verdict(ctx context.Context, r *result) {
	w := t.crowd
	ask(t, func() bool {
		r.Sent, r.Acked = w.sent, w.acked
		r.Lost, r.Doubled, r.Wrong = w.lost+w.missing(), w.doubled, w.wrong
		r.Ends = slices.Clone(w.ends[:min(len(w.ends), 20)])
		return true
	})
	fail := func(bad bool, format string, args ...any) {
		if bad {
			r.Failures = append(r.Failures, fmt.Sprintf(format, args...))
		}
	}
	fail(r.Lost > 0, "%d deliveries were lost", r.Lost)
	fail(r.Doubled > 0, "%d deliveries were doubled", r.Doubled)
	fail(r.Wrong > 0, "%d times a well-behaved client was told something wrong", r.Wrong)
	fail(len(r.Ends) > 0, "well-behaved sessions were ended: %v", r.Ends)
	fail(r.With.Deliveries == 0, "nothing was delivered during the attack: the run shows nothing")
	r.Failures = append(r.Failures, r.Attackers.Failures...)
	if most := float64(t.attack.poolMax); most > 0 {
		grown := t.poolMost - r.PoolBytes[0]
		fail(grown > most, "the server's buffers grew by %.1f MiB", mebi(grown))
	}
	if t.attack.fair {
		r.Failures = append(r.Failures, r.fairness()...)
	}
	if reports := t.server.CrashReports(); len(reports) > 0 {
		fail(true, "the server crashed: %v", reports)
	}
	select {
	case <-t.server.Exited():
		fail(true, "the server ended by itself: %s", t.server.Log())
	default:
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		err := t.server.Stop(stopping)
		fail(err != nil, "the server did not end in order: %v", err)
	}
	r.Passed = len(r.Failures) == 0
}
