package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"sarang/tests/internal/proc"
)

// options are what a run is told.
type options struct {
	io        string
	workers   int
	seconds   time.Duration
	stall     time.Duration
	crowd     crowdConfig
	scale     float64
	addresses int
	trusted   string
	server    []string // more flags for the server
	binary    string
	data      string
	pin       bool
	seed      uint64
	progress  io.Writer
}

// The CPUs of a pinned run.
const (
	serverCPU = 0
	clientCPU = 1
)

// serverLook is what the server used at one moment.
type serverLook struct {
	at      time.Time
	usage   proc.Usage
	metrics proc.Metrics
	waited  [2]time.Duration // for a CPU: the server, and this program
}

// trial is one attack on a server of its own.
type trial struct {
	options
	attack attack
	server *proc.Server
	crowd  *crowd
	looks  []serverLook
	phases []*phase

	poolMost float64 // bytes of the server's buffers during the attack
}

// run starts a server and a crowd, and attacks.
func (o options) run(ctx context.Context, a attack) (*result, error) {
	t := &trial{options: o, attack: a}
	data := filepath.Join(o.data, a.name)
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, err
	}
	c := proc.Config{
		Binary: o.binary, Data: data, IO: o.io, Workers: o.workers,
		Args: append([]string{"--log-level", "warn", "--pprof"}, a.serverArgs...),
	}
	if trusted := a.trusted(o.trusted); trusted != "" {
		c.Args = append(c.Args, "--trusted", trusted)
	}
	c.Args = append(c.Args, o.server...)
	if o.pin {
		c.Wrap = pinWords(serverCPU)
	}
	var err error
	if t.server, err = proc.Start(ctx, c); err != nil {
		return nil, err
	}
	defer t.server.Kill()
	r, err := newReactor()
	if err != nil {
		return nil, err
	}
	to, err := netip.ParseAddrPort(t.server.Addr())
	if err != nil {
		return nil, err
	}
	t.crowd = newCrowd(r, to, o.crowd)
	stop, stopped := false, make(chan struct{})
	go func() {
		r.run(func() bool { return stop })
		r.close()
		close(stopped)
	}()
	defer func() {
		r.post(func() { stop = true })
		<-stopped
	}()
	return t.conduct(ctx)
}

// ask has f answered in the reactor's goroutine.
func ask[T any](t *trial, f func() T) T {
	answer := make(chan T, 1)
	t.crowd.r.post(func() { answer <- f() })
	return <-answer
}

func (t *trial) tell(format string, args ...any) {
	if t.progress != nil {
		fmt.Fprintf(t.progress, "%s: "+format+"\n", append([]any{t.attack.name}, args...)...)
	}
}

// errTime is something that did not come about in time.
var errTime = errors.New("it took too long")

// until asks again and again; an error if the answer does not come.
func (t *trial) until(ctx context.Context, what string, limit time.Duration, cond func() bool) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(limit); ; {
		if ask(t, cond) {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("%s: %w (%v)", what, errTime, limit)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.server.Exited():
			return fmt.Errorf("%s: the server has ended: %s", what, t.server.Log())
		case <-tick.C:
		}
	}
}

// patience is how long the crowd waits for what must come.
const patience = 60 * time.Second

// warmUp is before anything is measured.
const warmUp = time.Second

// conduct is the order of events.
func (t *trial) conduct(ctx context.Context) (*result, error) {
	w := t.crowd
	ask(t, func() bool { w.arrive(); return true })
	if err := t.until(ctx, "the crowd arrives", patience, func() bool { return w.online == len(w.members) || len(w.ends) > 0 }); err != nil {
		return nil, err
	}
	if ends := ask(t, func() []string { return w.ends }); len(ends) > 0 {
		return nil, fmt.Errorf("the crowd can not arrive: %v", ends)
	}
	ask(t, func() bool { w.begin(); w.visits(); return true })
	pause(ctx, warmUp)
	attackers, err := t.launch(ctx)
	if err != nil {
		return nil, err
	}
	defer attackers.end()
	base := t.base(ctx)
	t.tell("before")
	t.phase(ctx, func() { pause(ctx, t.seconds) })
	t.tell("%s", t.attack.what)
	var told *tally
	var failed error
	t.phase(ctx, func() { told, failed = t.attackNow(ctx, attackers) })
	t.tell("after")
	t.phase(ctx, func() { pause(ctx, t.seconds) })
	t.look(ctx)
	if failed != nil {
		return nil, failed
	}
	r := t.newResult(told)
	ask(t, func() bool { w.quiet = true; return true })
	if err := t.until(ctx, "everybody has everything", patience, w.settled); err != nil {
		r.Failures = append(r.Failures, err.Error())
	}
	t.compare(ctx, r, base)
	t.verdict(ctx, r)
	return r, ctx.Err()
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// phase measures what the crowd sees while during runs.
func (t *trial) phase(ctx context.Context, during func()) {
	t.look(ctx)
	p := ask(t, func() *phase {
		t.crowd.phase = newPhase(t.crowd.phase)
		return t.crowd.phase
	})
	t.phases = append(t.phases, p)
	during()
}

func (t *trial) look(ctx context.Context) {
	l := serverLook{at: time.Now()}
	l.usage, _ = t.server.Usage()
	l.waited = [2]time.Duration{cpuWait(t.server.PID()), cpuWait(os.Getpid())}
	l.metrics, _ = t.server.Metrics(ctx)
	t.looks = append(t.looks, l)
}
