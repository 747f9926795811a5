package suite

import (
	"context"
	"fmt"
	"slices"
	"time"

	"sarang/bench/internal/peer"
)

// Bench runs a plan. The caller of Run is locked to its thread, and stays alive as long
// as the program.
type Bench struct {
	Tools    *peer.Tools
	Pins     peer.Pins
	Dir      string // for the servers' folders: on a disk, as an fsync is part of what is measured
	Plan     Plan
	Progress func(format string, args ...any)

	results Results
}

// runner measures one server: a group of workloads on the same connections.
type runner interface {
	setup() Setup
	// tool is the program that it needs.
	tool() string
	// refuses is why the workload can not be measured, "" if it can.
	refuses(w Workload) string
	run(ctx context.Context, b *Bench, group []Workload, note noteFunc) error
}

// noteFunc takes the values of one workload.
type noteFunc func(w Workload, values map[string]float64)

// Run measures everything of the plan and returns it; after an error, what there is.
// A server that fails is a dash with the error as its reason, and the others go on.
func (b *Bench) Run(ctx context.Context) (*Results, error) {
	groups := grouped(b.Plan)
	for repeat := range b.Plan.Repeat {
		for _, group := range groups {
			all := b.runners(group[0].Kind)
			if repeat%2 == 1 {
				slices.Reverse(all)
			}
			for _, r := range all {
				if err := b.one(ctx, r, group, repeat); err != nil {
					return &b.results, err
				}
			}
		}
	}
	b.inOrder()
	return &b.results, nil
}

// grouped puts workloads that share connections together, in the plan's order.
func grouped(p Plan) [][]Workload {
	var groups [][]Workload
	for _, w := range p.Workloads {
		w = w.scaled(p.Divide)
		i := slices.IndexFunc(groups, func(g []Workload) bool { return g[0].Who == w.Who && g[0].Kind == w.Kind })
		if i < 0 {
			groups = append(groups, []Workload{w})
			continue
		}
		groups[i] = append(groups[i], w)
	}
	return groups
}

// Setup is a server and how it is configured.
type Setup struct {
	Name     string `json:"name"`
	Setup    string `json:"setup"`
	Optional bool   `json:"optional,omitempty"` // measured only when asked for by name
}

// Setups are all servers, in the order of the report.
func Setups() []Setup {
	var all []Setup
	for _, k := range []Kind{KindFanout, KindEcho} {
		for _, r := range allRunners(k) {
			all = append(all, r.setup())
		}
	}
	return all
}

// RunnerNames are all servers that can be asked for.
func RunnerNames() []string {
	var names []string
	for _, s := range Setups() {
		names = append(names, s.Name)
	}
	return names
}

// allRunners are those that know a kind of workload, in the report's order.
func allRunners(k Kind) []runner {
	if k == KindEcho {
		return echoRunners()
	}
	all := []runner{floorRunner{"uring"}, floorRunner{"send"}}
	for _, s := range peer.Servers() {
		all = append(all, serverRunner{s})
	}
	return all
}

// runners are those of the plan.
func (b *Bench) runners(k Kind) []runner {
	return slices.DeleteFunc(allRunners(k), func(r runner) bool {
		s := r.setup()
		if len(b.Plan.Servers) == 0 {
			return s.Optional
		}
		return !slices.Contains(b.Plan.Servers, s.Name)
	})
}

// ToolNames are the programs that the plan needs.
func (b *Bench) ToolNames() []string {
	var names []string
	for _, group := range grouped(b.Plan) {
		for _, r := range b.runners(group[0].Kind) {
			if !slices.Contains(names, r.tool()) {
				names = append(names, r.tool())
			}
		}
	}
	return names
}

// one runs a group of workloads on one server. The error is of the context only.
func (b *Bench) one(ctx context.Context, r runner, group []Workload, repeat int) error {
	group = slices.DeleteFunc(slices.Clone(group), func(w Workload) bool {
		why := r.refuses(w)
		if why == "" {
			why = b.results.Reason(w.Name, r.setup().Name) // it failed before
		}
		if why != "" {
			b.dash(w, r, why)
		}
		return why != ""
	})
	if len(group) == 0 {
		return nil
	}
	var done []string
	err := r.run(ctx, b, group, func(w Workload, values map[string]float64) {
		done = append(done, w.Name)
		b.results.Samples = append(b.results.Samples, Sample{w.Name, r.setup().Name, repeat, values})
		b.Progress("%d/%d  %-12s  %-22s  %s", repeat+1, b.Plan.Repeat, w.Name, r.setup().Name, brief(values))
	})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		b.Progress("%d/%d  %-12s  %-22s  not measured: %v", repeat+1, b.Plan.Repeat, group[len(done)%len(group)].Name, r.setup().Name, err)
		for _, w := range group {
			if !slices.Contains(done, w.Name) {
				b.dash(w, r, err.Error())
			}
		}
	}
	return nil
}

func (b *Bench) dash(w Workload, r runner, why string) {
	if b.results.Reason(w.Name, r.setup().Name) == "" {
		b.results.Dashes = append(b.results.Dashes, Dash{w.Name, r.setup().Name, why})
	}
}

// inOrder sorts the samples as a report wants them: servers in the order of runners.
func (b *Bench) inOrder() {
	names := RunnerNames()
	slices.SortStableFunc(b.results.Samples, func(x, y Sample) int {
		return slices.Index(names, x.Server) - slices.Index(names, y.Server)
	})
}

// missingError is a tool that is not there.
type missingError struct{ why string }

func (e *missingError) Error() string { return e.why }

// brief is the line of progress.
func brief(v map[string]float64) string {
	if s, ok := v[JoinSeconds]; ok {
		return fmt.Sprintf("connect %.2f s, join %.2f s, %.0f bytes per session", v[ConnectSeconds], s, v[RSSBytes])
	}
	s := fmt.Sprintf("%8.3f µs  %9.0f/s", v[CPUMicros], v[PerSecond])
	if p, ok := v[P50Millis]; ok {
		s += fmt.Sprintf("  p50 %.2f  p99 %.2f ms", p, v[P99Millis])
	}
	for _, bad := range []string{Lost, Repeated, Wrong, Behind} {
		if v[bad] > 0 {
			s += fmt.Sprintf("  %s %.0f", bad, v[bad])
		}
	}
	return s
}

// Estimate is about how long a plan takes.
func (b *Bench) Estimate() time.Duration {
	var each time.Duration
	for _, group := range grouped(b.Plan) {
		const start = 1500 * time.Millisecond
		for _, r := range b.runners(group[0].Kind) {
			each += start + time.Duration(group[0].Who.Conns())*100*time.Microsecond
			for _, w := range group {
				switch {
				case r.refuses(w) != "":
				case w.Kind == KindSessions:
					each += b.Plan.Settle
				default:
					each += b.Plan.Warm + b.Plan.Measure
				}
			}
		}
	}
	return each * time.Duration(b.Plan.Repeat)
}
