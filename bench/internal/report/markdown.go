package report

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"sarang/bench/internal/suite"
)

// Markdown writes the report for people: a table per workload, medians with the lowest
// and the highest, and the goals last.
func (r *Report) Markdown(w io.Writer) error {
	var b strings.Builder
	r.head(&b)
	r.fanout(&b)
	for _, workload := range r.Plan.Workloads {
		if len(r.Results.Servers(workload.Name)) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n## %s\n\n`%s`\n\n", workload.Title, workload.Name)
		if workload.Kind == suite.KindSessions {
			r.table(&b, workload, sessionColumns())
		} else {
			r.table(&b, workload, deliveryColumns(workload.Kind))
		}
		r.reasons(&b, workload)
	}
	r.servers(&b)
	r.goals(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) head(b *strings.Builder) {
	m := r.Machine
	fmt.Fprintf(b, "# Benchmarks\n\n")
	if r.Interrupted {
		b.WriteString("**The run was interrupted: this is not all of it.**\n\n")
	}
	if r.Plan.Divide > 1 {
		fmt.Fprintf(b, "**A smoke run with %d times fewer connections than the titles say: no figures to quote.**\n\n", r.Plan.Divide)
	}
	where := "server and client share the cores"
	if m.Pinned {
		where = fmt.Sprintf("server on core %d, client on core %d", m.ServerCore, m.ClientCore)
	}
	fmt.Fprintf(b, "%s; %s, %d cores, Linux %s, %s, %s, data on %s; loopback, %s. ",
		r.When.Format("2006-01-02 15:04 UTC"), m.Processor, m.Cores, m.Kernel, m.Congestion, m.Go, m.Filesystem, where)
	fmt.Fprintf(b, "Medians of %d runs of %v each, after %v of load; in brackets the lowest and the highest. ", r.Plan.Repeat, r.Plan.Measure, r.Plan.Warm)
	b.WriteString("CPU is the server's processor time, user and system, of all its threads, per delivery: one message that came to one receiver. " +
		"A message is in flight from its publish until the last receiver has it. " +
		"Busy is in cores; what others use should be next to nothing, or the figures are noise. Compare within one run only.\n")
}

// fanout is the table of the three windows side by side.
func (r *Report) fanout(b *strings.Builder) {
	windows := []string{suite.Window1, suite.Window16, suite.Window64}
	var servers []string
	for _, w := range windows {
		for _, s := range r.Results.Servers(w) {
			if !slices.Contains(servers, s) {
				servers = append(servers, s)
			}
		}
	}
	if len(servers) == 0 {
		return
	}
	b.WriteString("\n## Handing a message to a room: CPU per delivery, µs\n\nIn brackets: how many times that of floor-uring, of relay-uring, which is the floor under this client, and of relay-stored, which is that of a server that stores first.\n\n")
	b.WriteString("| server | window 1 | window 16 | window 64 |\n|---|---|---|---|\n")
	for _, s := range servers {
		fmt.Fprintf(b, "| %s |", s)
		for _, w := range windows {
			cpu, ok := r.Results.Of(w, s, suite.CPUMicros)
			if !ok {
				b.WriteString(" – |")
				continue
			}
			fmt.Fprintf(b, " %s", number(cpu.Median))
			if times := r.times(w, s, cpu.Median); times != "" {
				fmt.Fprintf(b, " (%s)", times)
			}
			b.WriteString(" |")
		}
		b.WriteString("\n")
	}
}

// times says how many times a floor's a figure is, for each floor but the server itself.
func (r *Report) times(workload, server string, cpu float64) string {
	var all []string
	for _, base := range []struct{ server, name string }{
		{"floor-uring", "floor"}, {"relay-uring", "relay"}, {"relay-stored", "stored relay"},
	} {
		floor, ok := r.Results.Of(workload, base.server, suite.CPUMicros)
		if ok && floor.Median > 0 && server != base.server {
			all = append(all, fmt.Sprintf("%.2f × %s", cpu/floor.Median, base.name))
		}
	}
	return strings.Join(all, ", ")
}

// column is a column of a table: what it says of a server.
type column struct {
	title string
	cell  func(r *suite.Results, workload, server string) string
}

func deliveryColumns(k suite.Kind) []column {
	delivery, bytes := "delivery", value("bytes per delivery", suite.BytesEach)
	if k == suite.KindEcho {
		delivery, bytes = "echo", value("RSS bytes per connection", suite.RSSBytes)
	}
	return []column{
		spread("CPU per "+delivery+", µs", suite.CPUMicros),
		together("user + system", " + ", suite.UserMicros, suite.SystemMicros),
		value("per second", suite.PerSecond),
		together("p50 / p99 / p99.9, ms", " / ", suite.P50Millis, suite.P99Millis, suite.P999Millis),
		bytes,
		together("busy: server / client / others", " / ", suite.ServerBusy, suite.ClientBusy, suite.OthersBusy),
		{"faults", faults},
	}
}

func sessionColumns() []column {
	return []column{
		spread("connect, s", suite.ConnectSeconds), value("per second", suite.ConnectsPerSecond), value("CPU each, µs", suite.ConnectMicros),
		spread("join, s", suite.JoinSeconds), value("per second", suite.JoinsPerSecond), value("CPU each, µs", suite.JoinMicros),
		spread("RSS bytes per session", suite.RSSBytes), value("of these anonymous", suite.AnonymousBytes),
	}
}

func value(title, name string) column {
	return column{title, func(r *suite.Results, workload, server string) string {
		s, ok := r.Of(workload, server, name)
		if !ok {
			return "–"
		}
		return number(s.Median)
	}}
}

func spread(title, name string) column {
	return column{title, func(r *suite.Results, workload, server string) string {
		s, ok := r.Of(workload, server, name)
		switch {
		case !ok:
			return "–"
		case s.N == 1:
			return number(s.Median)
		}
		return fmt.Sprintf("%s [%s–%s]", number(s.Median), number(s.Min), number(s.Max))
	}}
}

func together(title, between string, names ...string) column {
	return column{title, func(r *suite.Results, workload, server string) string {
		var cells []string
		for _, n := range names {
			s, ok := r.Of(workload, server, n)
			if !ok {
				return "–"
			}
			cells = append(cells, number(s.Median))
		}
		return strings.Join(cells, between)
	}}
}

// faults lists what should not be, of all repetitions together.
func faults(r *suite.Results, workload, server string) string {
	var all []string
	for _, name := range []string{suite.Lost, suite.Repeated, suite.Wrong, suite.Behind} {
		if s, ok := r.Of(workload, server, name); ok && s.Max > 0 {
			all = append(all, fmt.Sprintf("%s: up to %.0f", strings.ReplaceAll(name, "_", " "), s.Max))
		}
	}
	return strings.Join(all, ", ")
}

func (r *Report) table(b *strings.Builder, w suite.Workload, columns []column) {
	b.WriteString("| server |")
	for _, c := range columns {
		fmt.Fprintf(b, " %s |", c.title)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(columns)) + "\n")
	for _, s := range r.Results.Servers(w.Name) {
		if _, ok := r.Results.Of(w.Name, s, suite.PerSecond); !ok {
			if _, ok := r.Results.Of(w.Name, s, suite.JoinSeconds); !ok {
				continue
			}
		}
		fmt.Fprintf(b, "| %s |", s)
		for _, c := range columns {
			fmt.Fprintf(b, " %s |", c.cell(r.Results, w.Name, s))
		}
		b.WriteString("\n")
	}
}

// reasons says why some servers are not in a table.
func (r *Report) reasons(b *strings.Builder, w suite.Workload) {
	first := true
	for _, d := range r.Results.Dashes {
		if d.Workload != w.Name {
			continue
		}
		if first {
			b.WriteString("\nNot measured:\n")
			first = false
		}
		fmt.Fprintf(b, "- %s: %s\n", d.Server, oneLine(d.Reason))
	}
}

func (r *Report) servers(b *strings.Builder) {
	b.WriteString("\n## How the servers are set up\n\n")
	measured := map[string]bool{}
	for _, s := range r.Results.Samples {
		measured[s.Server] = true
	}
	for _, s := range r.Setups {
		if measured[s.Name] {
			fmt.Fprintf(b, "- **%s**: %s\n", s.Name, s.Setup)
		}
	}
}

func (r *Report) goals(b *strings.Builder) {
	b.WriteString("\n## Goals\n\n| goal | wanted | measured | |\n|---|---|---|---|\n")
	for _, g := range r.Goals {
		sign := "≤"
		if g.AtLeast {
			sign = "≥"
		}
		want := strings.TrimSpace(sign + " " + number(g.Limit) + " " + g.Unit)
		if g.Missing != "" {
			fmt.Fprintf(b, "| %s | %s | – | not judged: %s |\n", g.What, want, oneLine(g.Missing))
			continue
		}
		outcome := "**not reached**"
		if g.Reached {
			outcome = "reached"
		}
		fmt.Fprintf(b, "| %s | %s | %s %s | %s |\n", g.What, want, number(g.Got), g.Unit, outcome)
	}
}

// oneLine fits a reason into a table.
func oneLine(s string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "|", "/")
}

// number writes three digits that count, and thousands with commas.
func number(v float64) string {
	switch {
	case v < 0:
		return "-" + number(-v)
	case v == 0:
		return "0"
	case v < 0.1:
		return strconv.FormatFloat(v, 'f', 4, 64)
	case v < 1:
		return strconv.FormatFloat(v, 'f', 3, 64)
	case v < 10:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case v < 100:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	digits := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
