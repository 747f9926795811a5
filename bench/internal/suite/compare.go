package suite

import (
	"slices"
	"strings"

	"sarang/bench/internal/peer"
)

// SlowerMax is how many times the figure of before a figure may be.
const SlowerMax = 1.05

// Compare judges the servers of this checkout by those of another commit, where both were
// measured: what a delivery costs, and for what is stored how much of it there is.
func Compare(r *Results, workloads []Workload) []Goal {
	var goals []Goal
	for _, w := range workloads {
		for _, now := range RunnerNames() {
			before := strings.Replace(now, "sarang-", peer.BeforePrefix, 1)
			if before == now || !r.tried(w.Name, now) && !r.tried(w.Name, before) {
				continue
			}
			if w.Name == Stored {
				goals = append(goals, r.paired("messages stored per second, before against "+now, w.Name, before, now, AcksPerSecond))
				continue
			}
			goals = append(goals, r.paired("CPU per delivery, "+w.Name+", "+now, w.Name, now, before, CPUMicros))
		}
	}
	return goals
}

// tried reports whether a server has a figure or a reason why there is none.
func (r *Results) tried(workload, server string) bool {
	return slices.Contains(r.Servers(workload), server)
}

// paired is the median of the ratios a / b, of measurements that were made one after the
// other: what the machine does in between is in both.
func (r *Results) paired(what, workload, a, b, value string) Goal {
	g := Goal{What: what, Unit: "×", Limit: SlowerMax}
	var ratios []float64
	for _, x := range r.Samples {
		for _, y := range r.Samples {
			if x.Workload == workload && y.Workload == workload && x.Server == a && y.Server == b && x.Repeat == y.Repeat && y.Values[value] > 0 {
				ratios = append(ratios, x.Values[value]/y.Values[value])
			}
		}
	}
	if len(ratios) == 0 {
		g.Missing = r.Reason(workload, a)
		if g.Missing == "" {
			g.Missing = judge{r}.missing(workload, b)
		}
		return g
	}
	g.Got = Summarize(ratios).Median
	g.Reached = g.Got <= g.Limit
	return g
}
