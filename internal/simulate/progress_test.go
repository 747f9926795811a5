package simulate_test

import (
	"fmt"
	"os"
	"time"

	"sarang/internal/simulate"
)

// progress shows how a long run goes.
type progress struct {
	began    time.Time
	shown    time.Time
	terminal bool
	runs     int
	failed   int
	time     time.Duration // simulated
	counts   simulate.Counts
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// every is how often a line is written: a terminal's is written over.
func (p *progress) every() time.Duration {
	if p.terminal {
		return 200 * time.Millisecond
	}
	return 30 * time.Second
}

func (p *progress) add(r simulate.Result) {
	p.runs++
	p.time += r.At
	if r.Failure != "" {
		p.failed++
		fmt.Fprintf(os.Stderr, "\nseed %d FAILS: %s\n  replay: %s\n", r.Seed, r.Failure, replay(r.Seed))
	}
	p.counts.Add(r.Counts)
	if time.Since(p.shown) >= p.every() {
		p.shown = time.Now()
		p.line()
	}
}

func (p *progress) line() {
	start, end := "", "\n"
	if p.terminal {
		start, end = "\r", "\x1b[K"
	}
	c := &p.counts
	fmt.Fprintf(os.Stderr, "%s%v: %d seeds, %d failed, %v simulated, %d messages, %d crashes, %d disk faults, %d resets%s",
		start, time.Since(p.began).Round(time.Second), p.runs, p.failed, p.time.Round(time.Second),
		c.Published, c.Crashes, c.DiskFaults, c.Network.Resets, end)
}

func (p *progress) end() {
	p.line()
	c, n := &p.counts, &p.counts.Network
	fmt.Printf(`
seeds            %12d
  failed         %12d
steps            %12d
simulated time   %12v
messages
  published      %12d
  acknowledged   %12d
  stored events  %12d
  shown          %12d
  gaps (ephemeral rooms) %4d
server
  crashes        %12d
  drains         %12d
disk faults      %12d
clock jumps      %12d
network
  connections    %12d
  reconnect storms %10d
  stalls         %12d
  injected resets %11d
  resets arrived %12d
  half-open      %12d
  refused        %12d
  short sends    %12d
  short reads    %12d
  full sockets   %12d
  held aborts    %12d
  accept errors  %12d
`, p.runs, p.failed, c.Steps, p.time.Round(time.Second), c.Published, c.Acked, c.Stored, c.Shown, c.Gaps,
		c.Crashes, c.Drains, c.DiskFaults, c.ClockJumps, n.Connected, c.Storms, n.Stalls, n.NetworkResets,
		n.Resets, n.Vanished, n.Refusals, n.ShortSends, n.ShortRecvs, n.WouldBlocks, n.HeldAborts, n.AcceptErrors)
}
