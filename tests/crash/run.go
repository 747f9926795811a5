package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"sarang/internal/store/sqlite"
	"sarang/tests/internal/load"
	"sarang/tests/internal/proc"
)

// moment is when a server is killed.
type moment int

const (
	early  moment = iota // while it starts, perhaps before its main function
	listen               // as soon as it listens, or soon after
	join                 // while the clients come back
	ack                  // right after some acknowledgement
	inLoad               // some time later
	drain                // after SIGTERM
	moments
)

// String is the moment's name in reports.
func (m moment) String() string {
	return [moments]string{"early", "listen", "join", "ack", "load", "drain"}[m]
}

func allMoments() (all []moment) {
	for m := range moments {
		all = append(all, m)
	}
	return all
}

// Bounds of the random waits.
const (
	earlyMax     = 50 * time.Millisecond // a start takes about half of it
	listenMax    = 25 * time.Millisecond
	loadMin      = 200 * time.Millisecond
	loadMax      = 1700 * time.Millisecond
	drainMax     = 10 * time.Millisecond // about as long as it takes
	acksMax      = 200
	patience     = 60 * time.Second // for anything that a server has to do
	emptyFolders = 3                // kills before the first server may finish its start
)

// run is the loop and what it has measured.
type run struct {
	options
	log       io.Writer
	rng       *rand.Rand
	config    proc.Config
	load      *load.Load
	byMoment  map[string]int
	endedSelf int
	recovery  []time.Duration
	start     []time.Duration
	killedAt  time.Time // the last one; zero before the first
}

func newRun(o options, log io.Writer) *run {
	if o.seed == 0 {
		o.seed = rand.Uint64()
	}
	return &run{
		options: o, log: log, rng: rand.New(rand.NewPCG(o.seed, 0)), byMoment: map[string]int{},
		config: proc.Config{
			Binary: o.binary, Data: o.data, Listen: proc.FreeAddr(), HTTP: "none", IO: o.io, Workers: o.workers,
			Args: []string{"--sync", o.sync}, Log: log,
		},
	}
}

// run kills, then has everything settle and compares. The report is there also when an
// error says that the run could not go on.
func (r *run) run(ctx context.Context) (*report, error) {
	began := time.Now()
	r.load = load.Start(load.Config{Addr: r.config.Listen, Rooms: r.rooms, RatePerSecond: r.rate, Seed: r.seed})
	defer r.load.Stop()
	var err error
	kills := 0
	for ; kills < r.kills && err == nil; kills++ {
		m := r.pick(kills)
		if err = r.round(ctx, m); err != nil {
			err = fmt.Errorf("kill %d (%v): %w", kills+1, m, err)
		}
		r.byMoment[m.String()]++
		r.show(kills + 1)
		if faults := r.load.Faults(); len(faults) > 0 {
			kills++
			break // what follows would only be its consequences
		}
	}
	rep := &report{
		IO: r.io, Workers: r.workers, Sync: r.sync, Seed: r.seed, Kills: kills,
		Moments: r.byMoment, EndedSelf: r.endedSelf, Faults: []string{},
	}
	if err == nil {
		err = r.compare(ctx, rep)
	}
	rep.Seconds, rep.Load = time.Since(began).Seconds(), r.load.Stats()
	rep.Faults = append(rep.Faults, r.load.Faults()...)
	rep.Recovery, rep.Start = quantilesOf(r.recovery), quantilesOf(r.start)
	rep.OK = err == nil && len(rep.Faults) == 0 && rep.Protocol.OK() && rep.File.OK()
	return rep, err
}

// pick chooses a moment. The first ones find no database, or half of one.
func (r *run) pick(kills int) moment {
	if kills < emptyFolders {
		return early
	}
	weights := [moments]int{early: 2, listen: 1, join: 3, ack: 4, inLoad: 7, drain: 3}
	sum := 0
	for _, w := range weights {
		sum += w
	}
	n := r.rng.IntN(sum)
	for m, w := range weights {
		if n -= w; n < 0 {
			return moment(m)
		}
	}
	return inLoad
}

// round is one life of the server.
func (r *run) round(ctx context.Context, m moment) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	joins := r.load.Count(load.Joined)
	launched := time.Now()
	s, err := proc.Launch(r.config)
	if err != nil {
		return err
	}
	if err = r.live(ctx, s, m, launched, joins); err != nil {
		s.Kill()
		return err
	}
	at := time.Now()
	exit := s.Kill()
	r.killedAt = at
	switch {
	case exit.Signal == syscall.SIGKILL:
	case m == drain && exit.Code == 0 && exit.Signal == 0:
		r.endedSelf++
	default:
		return &proc.ExitError{Exit: exit, Log: s.Log()}
	}
	// Of those that are killed, the exit status does not tell.
	for _, word := range []string{"panic: ", "fatal error: ", "DATA RACE"} {
		if strings.Contains(s.Log(), word) {
			return fmt.Errorf("the server's log has %q in it:\n%s", word, s.Log())
		}
	}
	if found := s.CrashReports(); len(found) > 0 {
		return fmt.Errorf("the server left a crash report: %s", found[0])
	}
	return nil
}

// live waits until it is time to kill.
func (r *run) live(ctx context.Context, s *proc.Server, m moment, launched time.Time, joins uint64) error {
	if m == early {
		return r.sleep(ctx, 0, earlyMax)
	}
	if err := s.Ready(ctx); err != nil {
		return err
	}
	r.start = append(r.start, time.Since(launched))
	switch m {
	case listen:
		return r.sleep(ctx, 0, listenMax)
	case join:
		return r.alive(ctx, s, load.Joined, joins, 1+r.rng.Uint64N(uint64(r.load.Members())))
	}
	if err := r.recovered(ctx, s, joins); err != nil {
		return err
	}
	switch m {
	case ack:
		return r.alive(ctx, s, load.Acked, r.load.Count(load.Acked), 1+r.rng.Uint64N(acksMax))
	case drain:
		if err := r.sleep(ctx, 0, loadMin); err != nil {
			return err
		}
		if err := s.Signal(syscall.SIGTERM); err != nil {
			return err
		}
		return r.sleep(ctx, 0, drainMax)
	}
	return r.sleep(ctx, loadMin, loadMax)
}

// recovered waits for the first acknowledgement of this life. It is one that follows a
// join: acks of the last life may still come out of a socket.
func (r *run) recovered(ctx context.Context, s *proc.Server, joins uint64) error {
	if err := r.alive(ctx, s, load.Joined, joins, 1); err != nil {
		return err
	}
	if err := r.alive(ctx, s, load.Acked, r.load.Count(load.Acked), 1); err != nil {
		return err
	}
	if !r.killedAt.IsZero() {
		r.recovery = append(r.recovery, time.Since(r.killedAt))
	}
	return nil
}

// alive waits for the load, but not for a server that has ended.
func (r *run) alive(ctx context.Context, s *proc.Server, k load.Kind, since, n uint64) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-s.Exited():
			cancel(errEnded)
		case <-ctx.Done():
		}
	}()
	err := r.load.WaitFor(ctx, k, since, n)
	if err != nil && errors.Is(context.Cause(ctx), errEnded) {
		return &proc.ExitError{Exit: s.Kill(), Log: s.Log()}
	}
	if err != nil {
		return fmt.Errorf("%w; the end of its log:\n%s", err, s.Log())
	}
	return nil
}

// errEnded is a server that ended by itself.
var errEnded = errors.New("the server has ended")

// sleep waits for a random time: the moment of a kill is to be any.
func (r *run) sleep(ctx context.Context, least, most time.Duration) error {
	select {
	case <-time.After(least + time.Duration(r.rng.Int64N(int64(most-least)))):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// compare starts the server once more, has the load settle, and reads the log, first
// from the server and then from the file that it leaves.
func (r *run) compare(ctx context.Context, rep *report) error {
	ctx, cancel := context.WithTimeout(ctx, 5*patience)
	defer cancel()
	s, err := proc.Start(ctx, r.config)
	if err != nil {
		return err
	}
	defer s.Kill()
	settling, stop := context.WithTimeout(ctx, patience)
	defer stop()
	if err := r.load.Settle(settling); err != nil {
		return err
	}
	if rep.Protocol, err = r.load.CheckHistory(ctx); err != nil {
		return err
	}
	r.load.Stop()
	if err := s.Stop(ctx); err != nil {
		return err
	}
	rep.File, err = r.load.CheckFile(ctx, filepath.Join(r.data, sqlite.DatabaseFile))
	return err
}

// show rewrites the line of progress.
func (r *run) show(kills int) {
	if r.progress != nil {
		st := r.load.Stats()
		fmt.Fprintf(r.progress, "\r\x1b[K%d of %d kills, %d messages acknowledged, %d deliveries checked", kills, r.kills, st.Acked, st.Deliveries)
		if kills == r.kills {
			fmt.Fprintln(r.progress)
		}
	}
}

func quantilesOf(all []time.Duration) quantiles {
	if len(all) == 0 {
		return quantiles{}
	}
	slices.Sort(all)
	at := func(q float64) float64 { return millis(all[int(q*float64(len(all)-1))]) }
	return quantiles{Count: len(all), P50: at(0.5), P99: at(0.99), Max: at(1)}
}
