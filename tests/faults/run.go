package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"sarang/tests/internal/load"
	"sarang/tests/internal/proc"
)

// Bounds of what is waited for.
const (
	patience   = 60 * time.Second
	acksBetter = 30 // after a fault: as many say that the server goes on
	pauseMax   = 600 * time.Millisecond
	pollEvery  = 50 * time.Millisecond
	// A connection that is half open is given up after 10 s, and 5 s are for another one; then
	// the same batch is sent again, and what waits behind it goes.
	answersWithin = 30 * time.Second
	endsWithin    = 3 * time.Second // a database that can not be asked for so long after a full disk has ended
)

// run is the loop and what it has measured.
type run struct {
	options
	log     io.Writer
	rng     *rand.Rand
	nodes   []*node           // the first one takes what is written, the others follow it
	without map[string]string // kinds of fault that can not be had here, and why
	server  *proc.Server
	load    *load.Load

	after func(context.Context) error // when the server goes on: puts in order what a fault has left

	byKind   map[string]int
	recovery []time.Duration
	notReady int // faults during which /readyz said so
	protocol load.Audit
	doubled  int64 // by SQL
	gaps     int64
	problems []string
}

func newRun(o options, log io.Writer) *run {
	if o.seed == 0 {
		o.seed = rand.Uint64()
	}
	return &run{options: o, log: log, rng: rand.New(rand.NewPCG(o.seed, 0)), byKind: map[string]int{}, without: map[string]string{}}
}

func (r *run) run(ctx context.Context) (err error) {
	defer r.stopNodes()
	if err := r.startNodes(ctx); err != nil {
		return err
	}
	r.server, err = proc.Start(ctx, proc.Config{
		Binary: r.binary, Data: filepath.Join(r.work, "data"), Args: []string{"--store", r.storeURL()}, Log: r.log,
	})
	if err != nil {
		return err
	}
	defer r.server.Kill()
	r.load = load.Start(load.Config{Addr: r.server.Addr(), Rooms: r.rooms, RatePerSecond: r.rate, Seed: r.seed})
	defer r.load.Stop()
	if err := r.goesOn(ctx); err != nil {
		return err
	}
	kinds, err := r.chosen()
	if err != nil {
		return err
	}
	for i := range r.faults {
		kind := kinds[i%len(kinds)]
		if i%len(kinds) == 0 {
			r.rng.Shuffle(len(kinds), func(a, b int) { kinds[a], kinds[b] = kinds[b], kinds[a] })
			kind = kinds[0]
		}
		if err := r.one(ctx, kind); err != nil {
			return fmt.Errorf("fault %d (%s): %w", i+1, kind, err)
		}
		if faults := r.load.Faults(); len(faults) > 0 {
			break // what follows would only be its consequences
		}
	}
	return r.compare(ctx)
}

// one has one thing go wrong, and waits until the server goes on.
func (r *run) one(ctx context.Context, kind string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	watched, stop := context.WithCancel(ctx)
	said := make(chan bool, 1)
	go func() { said <- r.watchReady(watched) }()
	err := kindsOfFault()[kind](ctx, r)
	if err == nil {
		at := time.Now()
		err = r.goesOn(ctx)
		r.recovery = append(r.recovery, time.Since(at))
	}
	if err == nil && r.after != nil {
		err = r.after(ctx)
		r.after = nil
	}
	stop()
	if <-said {
		r.notReady++
	}
	r.byKind[kind]++
	if err == nil {
		err = sleep(ctx, time.Duration(r.rng.Int64N(int64(pauseMax))))
	}
	return err
}

// watchReady reports whether /readyz said meanwhile that the server is not ready.
func (r *run) watchReady(ctx context.Context) (notReady bool) {
	client := http.Client{Timeout: 5 * time.Second}
	for sleep(ctx, 100*time.Millisecond) == nil {
		answer, err := client.Get("http://" + r.server.HTTP() + "/readyz")
		if err != nil {
			continue
		}
		notReady = notReady || answer.StatusCode == http.StatusServiceUnavailable
		_ = answer.Body.Close()
	}
	return notReady
}

// goesOn waits for acknowledgements.
func (r *run) goesOn(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := r.load.WaitFor(ctx, load.Acked, r.load.Count(load.Acked), acksBetter)
	if err != nil {
		return fmt.Errorf("the server does not go on: %w; the end of its log:\n%s", err, r.server.Log())
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// compare has everything settle, and reads the log through the protocol and by SQL.
func (r *run) compare(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, 3*patience)
	defer cancel()
	if err := r.load.Settle(ctx); err != nil {
		return err
	}
	if r.protocol, err = r.load.CheckHistory(ctx); err != nil {
		return err
	}
	r.load.Stop()
	r.problems = append(r.problems, r.load.Faults()...)
	if err := r.server.Stop(ctx); err != nil {
		return err
	}
	if longest := r.load.Stats().LongestAnswer; longest > answersWithin {
		r.problems = append(r.problems, fmt.Sprintf("a message had no answer for %v", longest))
	}
	if strings.Contains(r.server.Log(), "panic: ") {
		r.problems = append(r.problems, "the server's log has a panic in it")
	}
	c, err := pgx.Connect(ctx, r.primary().URL)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(ctx) }()
	return c.QueryRow(ctx, `SELECT
		(SELECT count(*) FROM (SELECT FROM messages WHERE kind = 1 GROUP BY room_id, user_id, nonce HAVING count(*) > 1) d),
		(SELECT count(*) FROM (SELECT room_id FROM messages GROUP BY room_id HAVING count(*) <> max(seq)) g)
			+ (SELECT count(*) FROM heads h WHERE last_seq <> (SELECT coalesce(max(seq), 0) FROM messages m WHERE m.room_id = h.room_id))`).
		Scan(&r.doubled, &r.gaps)
}

func (r *run) ok() bool {
	return len(r.problems) == 0 && r.protocol.OK() && r.protocol.Messages > 0 && r.doubled == 0 && r.gaps == 0
}

func (r *run) write(out io.Writer, took time.Duration) {
	if r.load == nil {
		return
	}
	total := 0
	for _, n := range r.byKind {
		total += n
	}
	fmt.Fprintf(out, "seed %d: %d faults in %.0f s, /readyz told of %d of them\n", r.seed, total, took.Seconds(), r.notReady)
	for _, kind := range slices.Sorted(maps.Keys(r.byKind)) {
		fmt.Fprintf(out, "  %-34s %d\n", kind, r.byKind[kind])
	}
	for _, kind := range slices.Sorted(maps.Keys(r.without)) {
		fmt.Fprintf(out, "  %-34s not tried: %s\n", kind, r.without[kind])
	}
	st, a := r.load.Stats(), r.protocol
	fmt.Fprintf(out, "messages: %d made, %d acknowledged, %d sent again, %d told to come again; %d deliveries checked\n",
		st.Messages, st.Acked, st.Resent, st.Refused, st.Deliveries)
	fmt.Fprintf(out, "stored, by the protocol: %d messages; lost %d, doubled %d, gaps %d, changed %d, shown and not stored %d, time back %d\n",
		a.Messages, a.Lost, a.Doubled, a.Gaps, a.Changed, a.NotStored, a.TimeBack)
	fmt.Fprintf(out, "stored, by SQL: %d nonces doubled, %d rooms with a gap\n", r.doubled, r.gaps)
	if len(r.recovery) > 0 {
		slices.Sort(r.recovery)
		at := func(q int) time.Duration { return r.recovery[(len(r.recovery)-1)*q/100].Round(time.Millisecond) }
		fmt.Fprintf(out, "from the end of a fault until %d acknowledgements: p50 %v, p99 %v, longest %v\n", acksBetter, at(50), at(99), at(100))
	}
	fmt.Fprintf(out, "the longest that a message waited for an ack or a refusal: %v\n", st.LongestAnswer.Round(time.Millisecond))
	for _, p := range r.problems {
		fmt.Fprintf(out, "FAULT: %s\n", p)
	}
	fmt.Fprintln(out, map[bool]string{true: "every promise was kept", false: "BROKEN, or not finished"}[r.ok()])
}
