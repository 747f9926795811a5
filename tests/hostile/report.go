package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// mebi is bytes in MiB.
func mebi[T int64 | float64](bytes T) float64 { return float64(bytes) / (1 << 20) }

// ratio is how many times as large it became.
func ratio(with, before float64) string {
	if before <= 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f", with/before)
}

// writeText writes results for people: a table, and then what each attacker was told.
func writeText(to io.Writer, results []*result) {
	t := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "attack\tio\tp50 ms\t\t\t×\tp99 ms\t\t\t×\tworst s\tCPU\t\t\tRSS MiB\tlost\tdoubled\tsessions\tnewcomers\tverdict")
	fmt.Fprintln(t, "\t\tbefore\twith\tafter\t\tbefore\twith\tafter\t\tp99 ms\tbefore\twith\tafter\tgrowth\t\t\tleft over\tin/tried, worst ms\t")
	for _, r := range results {
		verdict := "passed"
		if !r.Passed {
			verdict = "FAILED"
		}
		fmt.Fprintf(t, "%s\t%s\t%.2f\t%.2f\t%.2f\t%s\t%.2f\t%.2f\t%.2f\t%s\t%.1f\t%.0f%%\t%.0f%%\t%.0f%%\t%.0f\t%d\t%d\t%d\t%d/%d, %.0f\t%s\n",
			r.Attack, r.IO, r.Before.P50, r.With.P50, r.After.P50, ratio(r.With.P50, r.Before.P50),
			r.Before.P99, r.With.P99, r.After.P99, ratio(r.With.P99, r.Before.P99), r.With.WorstSecondP99,
			100*r.CPUBefore, 100*r.CPUWith, 100*r.CPUAfter, mebi(r.RSSBytes[2]-r.RSSBytes[0]),
			r.Lost, r.Doubled, max(r.Sessions[1]-r.Sessions[0], 0), r.Newcomers[1].In, r.Newcomers[1].Tried, r.Newcomers[1].WorstM, verdict)
	}
	_ = t.Flush()
	for _, r := range results {
		fmt.Fprintf(to, "\n%s: %s\n", r.Attack, r.What)
		r.writeAttackers(to)
		fmt.Fprintf(to, "  server: %.0f MiB at most; buffers %.1f, %.1f, %.1f MiB before, at the end of the attack, at last; heap %.1f, %.1f MiB before and at last; as before within %.1f s; p99.9 %.1f, %.1f, %.1f ms\n",
			mebi(r.PeakBytes), mebi(r.PoolBytes[1]), mebi(r.PoolBytes[2]), mebi(r.PoolBytes[3]),
			mebi(r.HeapBytes[0]), mebi(r.HeapBytes[1]), r.ReturnedIn, r.Before.P999, r.With.P999, r.After.P999)
		fmt.Fprintf(to, "  waited for a CPU, part of the time: the server %.0f, %.0f, %.0f %%; the crowd %.0f, %.0f, %.0f %%\n",
			100*r.CPUWait[0][0], 100*r.CPUWait[1][0], 100*r.CPUWait[2][0], 100*r.CPUWait[0][1], 100*r.CPUWait[1][1], 100*r.CPUWait[2][1])
		fmt.Fprintf(to, "  newcomers with the attack: %d of %d came in, %.0f ms at most; %d had a page of history, %.0f ms at most\n",
			r.Newcomers[1].In, r.Newcomers[1].Tried, r.Newcomers[1].WorstM, r.Newcomers[1].Read, r.Newcomers[1].WorstReadM)
		if n := total(r.Refused[1]); n > 0 {
			fmt.Fprintf(to, "  publishes of the well-behaved that had to be said again, by error code: %s\n", counts(r.Refused[1]))
		}
		for _, f := range r.Failures {
			fmt.Fprintf(to, "  FAILED: %s\n", strings.TrimSpace(f))
		}
	}
}

func (r *result) writeAttackers(to io.Writer) {
	a := r.Attackers
	fmt.Fprintf(to, "  attackers: %d connects (%.0f/s), %d failed; said %d times, %.1f MiB; heard %.1f MiB, %d answers, %d events\n",
		a.Connects, float64(a.Connects)/a.Seconds, a.ConnectsFailed, a.Packets, mebi(a.Bytes), mebi(a.BytesHeard), a.Answers, a.Events)
	fmt.Fprintf(to, "  they were told: errors %s; goodbyes %s; ends %s; the server counts %s, %d refused\n",
		counts(a.Errors), counts(a.Goodbyes), counts(a.Ends), counts(r.Disconnected), r.ServerRefuse)
	for _, name := range slices.Sorted(maps.Keys(a.Figures)) {
		fmt.Fprintf(to, "  %s: %.6g\n", strings.ReplaceAll(name, "_", " "), a.Figures[name])
	}
}

func total(n map[string]int) (sum int) {
	for _, v := range n {
		sum += v
	}
	return sum
}

func counts(n map[string]int) string {
	if len(n) == 0 {
		return "none"
	}
	var all []string
	for _, k := range slices.Sorted(maps.Keys(n)) {
		all = append(all, fmt.Sprintf("%s × %d", k, n[k]))
	}
	return strings.Join(all, ", ")
}
