package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"

	"sarang/internal/swarm"
	"sarang/tests/internal/proc"
	"sarang/tests/internal/wire"
)

// run is one soak and what it has measured.
type run struct {
	options
	config  proc.Config
	server  *proc.Server
	samples []sample
	visits  uint64 // of guests
	missed  uint64 // of guests who were not served
	why     error  // the first of these
}

// report is the outcome.
type report struct {
	OK        bool          `json:"ok"`
	IO        string        `json:"io"`
	Workers   int           `json:"workers"`
	Seconds   float64       `json:"seconds"`
	Samples   int           `json:"samples"`
	Trends    []trend       `json:"trends"`
	Returns   []comeback    `json:"after_all_have_left"`
	Guests    uint64        `json:"guests"`
	Missed    uint64        `json:"guests_not_served"`
	WhyMissed string        `json:"why_not,omitempty"`
	Swarm     *swarm.Report `json:"swarm"`
	SwarmOK   bool          `json:"swarm_ok"`
}

// comeback is what a thing was before the load, and after it.
type comeback struct {
	Name  string  `json:"name"`
	Base  float64 `json:"base"`
	After float64 `json:"after"`
	Slack float64 `json:"slack"`
	OK    bool    `json:"ok"`
}

// warmUp is a short load of the same kind: what it leaves behind is the base.
const warmUp = 3 * time.Second

// leaving is the time for a server to have everything back. Members whose connection is
// lost are remembered for 10 s, and room windows shrink a while after a burst.
const leaving = 60 * time.Second

func (r *run) run(ctx context.Context) (*report, error) {
	var err error
	if r.server, err = proc.Start(ctx, r.config); err != nil {
		return nil, err
	}
	defer r.server.Kill()
	if _, err := r.talk(ctx, warmUp); err != nil {
		return nil, fmt.Errorf("warming up: %w", err)
	}
	base, err := r.left(ctx, nil)
	if err != nil {
		return nil, err
	}
	rep := &report{IO: r.io, Workers: r.workers}
	began := time.Now()
	rep.Swarm, err = r.load(ctx, began)
	rep.Seconds, rep.Samples = time.Since(began).Seconds(), len(r.samples)
	rep.SwarmOK = err == nil && rep.Swarm != nil && rep.Swarm.OK()
	rep.Guests, rep.Missed = r.visits, r.missed
	if r.why != nil {
		rep.WhyMissed = r.why.Error()
	}
	if rep.Swarm == nil || len(r.samples) < samplesMin {
		return nil, errors.Join(fmt.Errorf("the load has ended early, after %d samples", len(r.samples)), err)
	}
	last, err := r.left(ctx, base.Values)
	if err != nil {
		return nil, err
	}
	r.judge(rep, base, last)
	if err := r.server.Stop(ctx); err != nil {
		return rep, err
	}
	return rep, nil
}

// load has the swarm and the guests at work, and takes samples.
func (r *run) load(ctx context.Context, began time.Time) (*swarm.Report, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	if r.guests > 0 {
		wg.Go(func() { r.visiting(ctx) })
	}
	wg.Go(func() { r.sampling(ctx, began) })
	rep, err := r.talk(ctx, r.duration)
	cancel()
	wg.Wait()
	return rep, err
}

func (r *run) talk(ctx context.Context, d time.Duration) (*swarm.Report, error) {
	return r.server.Swarm(ctx, "--clients", strconv.Itoa(r.clients), "--rooms", strconv.Itoa(r.rooms),
		"--rate", fmt.Sprint(r.rate), "--churn", fmt.Sprint(r.churn), "--stalled", strconv.Itoa(r.stalled),
		"--duration", d.String())
}

// sampling takes a sample each interval, until ctx ends. One that fails is left out; a
// server that is gone shows in what the swarm says.
func (r *run) sampling(ctx context.Context, began time.Time) {
	ticker := time.NewTicker(r.interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		s, err := take(ctx, r.server, began)
		if err != nil {
			continue
		}
		// Before all have joined and after they have gone there is nothing to compare.
		if s.Values["sessions"] < float64(r.clients)/2 {
			continue
		}
		r.samples = append(r.samples, s)
		if r.progress != nil {
			fmt.Fprintf(r.progress, "\r\x1b[K%.0f s: rss %s, heap %s, %.0f sessions, %.0f messages, %d guests", s.At.Seconds(),
				amount(s.Values["rss_bytes"], true), amount(s.Values["heap_bytes"], true), s.Values["sessions"], s.Values["messages"], r.visits)
		}
	}
}

// guestNames is how many different guests come, again and again.
const guestNames = 50

// visiting has guests come and go, one after the other.
func (r *run) visiting(ctx context.Context) {
	ticker := time.NewTicker(time.Duration(float64(time.Second) / r.guests))
	defer ticker.Stop()
	for n := uint64(1); ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		err := r.visit(ctx, n)
		if ctx.Err() != nil {
			return
		}
		r.visits++
		if err != nil {
			r.missed++
			if r.why == nil {
				r.why = err
			}
		}
	}
}

// visit is one guest: in, a word, out.
func (r *run) visit(ctx context.Context, n uint64) error {
	name := fmt.Sprintf("guest-%d", n%guestNames)
	u, err := wire.Login(ctx, r.server.Addr(), name, []byte(name+", the token that only this one has"))
	if err != nil {
		return err
	}
	defer u.Close()
	j, err := u.Join("guests")
	if err != nil {
		return err
	}
	if _, err := u.Publish(j.Room.Id, n, "good evening"); err != nil {
		return err
	}
	if tcp, ok := u.Conn.Conn.(*net.TCPConn); ok && n%2 == 0 {
		return tcp.SetLinger(0) // a reset, and no farewell
	}
	return nil
}

// left waits until no session is there and, if there is a base, everything is as it was
// then; or until it is clear that it will not be. It returns the last sample.
func (r *run) left(ctx context.Context, base map[string]float64) (sample, error) {
	ctx, cancel := context.WithTimeout(ctx, leaving)
	defer cancel()
	ticker := time.NewTicker(250 * time.Millisecond)
	defer ticker.Stop()
	var last sample
	for {
		s, err := take(ctx, r.server, time.Now())
		switch {
		case err == nil:
			last = s
			if r.settled(s, base) {
				return s, nil
			}
		case last.Values == nil && ctx.Err() != nil:
			return last, err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return last, nil // what has not come back is for the verdict
		}
	}
}

func (r *run) settled(s sample, base map[string]float64) bool {
	if s.Values["sessions"] > 0 {
		return false
	}
	for _, w := range watched() {
		if base != nil && !back(w, base, s.Values).OK {
			return false
		}
	}
	return true
}

// back compares one thing with its base.
func back(w series, base, now map[string]float64) comeback {
	c := comeback{Name: w.name, Base: base[w.name], After: now[w.name], OK: true}
	if w.slackOf != nil {
		c.Slack = w.slackOf(now["rooms"])
		c.OK = c.After <= c.Base+c.Slack
	}
	return c
}

func (r *run) judge(rep *report, base, last sample) {
	rep.OK = rep.SwarmOK && rep.Missed == 0
	for _, w := range watched() {
		bound := 0.0
		if w.boundOf != nil {
			bound = w.boundOf(&r.options)
		}
		t := trendOf(w.name, r.samples, bound)
		rep.Trends = append(rep.Trends, t)
		rep.OK = rep.OK && t.OK
		if w.slackOf != nil {
			c := back(w, base.Values, last.Values)
			rep.Returns = append(rep.Returns, c)
			rep.OK = rep.OK && c.OK
		}
	}
}

func (r *report) write(out io.Writer, asJSON bool, dir string) error {
	if asJSON {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	word := map[bool]string{true: "", false: "  FAILED"}
	bytes := map[string]bool{}
	for _, w := range watched() {
		bytes[w.name] = w.bytes
	}
	fmt.Fprintf(out, "%s, %d workers: %.0f s, %d samples\n", r.IO, r.Workers, r.Seconds, r.Samples)
	fmt.Fprintf(out, "swarm: %d messages, %d deliveries, %d reconnects; lost %d, doubled %d, out of order %d%s\n",
		r.Swarm.Acked, r.Swarm.Delivered, r.Swarm.Reconnects, r.Swarm.Lost, r.Swarm.Duplicated, r.Swarm.Reordered, word[r.SwarmOK])
	fmt.Fprintf(out, "guests: %d, %d not served %s%s\n", r.Guests, r.Missed, r.WhyMissed, word[r.Missed == 0])
	fmt.Fprintf(out, "%-24s %12s %12s %12s %12s\n", "after the first third", "mean", "max", "growth", "bound")
	for _, t := range r.Trends {
		b := bytes[t.Name]
		bound := "-"
		if t.Bound > 0 {
			bound = amount(t.Bound, b)
		}
		fmt.Fprintf(out, "%-24s %12s %12s %12s %12s%s\n", t.Name, amount(t.Mean, b), amount(t.Max, b), amount(t.Growth, b), bound, word[t.OK])
	}
	fmt.Fprintf(out, "%-24s %12s %12s\n", "when all have left", "base", "after")
	for _, c := range r.Returns {
		fmt.Fprintf(out, "%-24s %12s %12s%s\n", c.Name, amount(c.Base, bytes[c.Name]), amount(c.After, bytes[c.Name]), word[c.OK])
	}
	_, err := fmt.Fprintf(out, "%s; samples, report and plot are in %s\n", map[bool]string{true: "all is well", false: "FAILED"}[r.OK], dir)
	return err
}
