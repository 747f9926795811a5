package simulate_test

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	"sarang/internal/simulate"
)

// progress shows how a long run goes. Its methods may be called from any goroutine.
type progress struct {
	began    time.Time
	terminal bool

	mu      sync.Mutex
	shown   time.Time
	runs    int
	failing []uint64
	time    time.Duration // simulated
	counts  simulate.Counts
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

// add adds the runs of one seed.
func (p *progress) add(runs ...simulate.Result) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.runs++
	for _, r := range runs {
		p.time += r.At
		if r.Failure != "" {
			p.failing = append(p.failing, r.Seed)
			fmt.Fprintf(os.Stderr, "\nseed %d FAILS: %s\n  replay: %s\n", r.Seed, r.Failure, replay(r))
		}
		p.counts.Add(r.Counts)
	}
	if time.Since(p.shown) >= p.every() {
		p.shown = time.Now()
		p.line()
	}
}

// over reports whether so many failures are enough to look at.
func (p *progress) over() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.failing) >= 10
}

func (p *progress) line() {
	start, end := "", "\n"
	if p.terminal {
		start, end = "\r", "\x1b[K"
	}
	c := &p.counts
	fmt.Fprintf(os.Stderr, "%s%v: %d seeds, %d failed, %.1f h simulated, %d messages, %d crashes, %d resets%s",
		start, time.Since(p.began).Round(time.Second), p.runs, len(p.failing), p.time.Hours(),
		c.Published, c.Crashes+c.PowerLosses, c.Network.Resets, end)
}

// summary is what a long run came to, as it is written to a file.
type summary struct {
	Seeds          int               `json:"seeds"`
	Failed         int               `json:"failed"`
	FailingSeeds   []uint64          `json:"failing_seeds"`
	Steps          int               `json:"steps"`
	SimulatedHours float64           `json:"simulated_hours"`
	WallSeconds    float64           `json:"wall_seconds"`
	SeedsPerSecond float64           `json:"seeds_per_second"`
	Counts         []simulate.Figure `json:"counts"`
}

// table shows the counts, a line for each group.
func (s *summary) table() table {
	t := table{{"", ""}}
	for i, f := range s.Counts {
		if i == 0 || s.Counts[i-1].Group != f.Group {
			t = append(t, []string{f.Group, ""})
		} else {
			t[len(t)-1][1] += "; "
		}
		t[len(t)-1][1] += fmt.Sprintf("%s %d", f.Name, f.N)
	}
	return t
}

// end prints the counts, and writes them to files if they are named: all of it as JSON,
// and the counts as a table.
func (p *progress) end(file, tableFile string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line()
	wall := time.Since(p.began).Seconds()
	s := summary{
		Seeds: p.runs, Failed: len(p.failing), FailingSeeds: append([]uint64{}, p.failing...), Steps: p.counts.Steps,
		SimulatedHours: p.time.Hours(), WallSeconds: wall, SeedsPerSecond: float64(p.runs) / wall,
		Counts: p.counts.Figures(),
	}
	fmt.Printf("\n%-44s %14d\n%-44s %14d\n%-44s %14d\n%-44s %14.1f\n%-44s %14.1f\n", "seeds", s.Seeds, "  failed", s.Failed,
		"steps", s.Steps, "hours simulated", s.SimulatedHours, "seeds per second", s.SeedsPerSecond)
	for i, f := range s.Counts {
		if i == 0 || s.Counts[i-1].Group != f.Group {
			fmt.Println(f.Group)
		}
		fmt.Printf("  %-42s %14d\n", f.Name, f.N)
	}
	if tableFile != "" {
		if err := os.WriteFile(tableFile, []byte(s.table().markdown()), 0o644); err != nil {
			return err
		}
	}
	if file == "" {
		return nil
	}
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o644)
}
