package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sarang/bench/internal/suite"
)

// options are the command line.
type options struct {
	workloads, servers  []string
	repeat              int
	seconds, warm       float64
	settle              float64
	divide              int
	quick, asJSON, list bool
	root, out, dataDir  string
	before              string
}

func command() *cobra.Command {
	var o options
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure Sarang beside other servers and the floor",
		Long: `Measure Sarang beside other chat servers and beside the floor.

Each server runs alone, pinned to one core; this program is the client of all of them,
pinned to another. All get the same texts, the same number of messages in flight (one
is in flight until every receiver has it), and they take turns, in an order that is
turned round with every repetition. Medians are reported with their spread.

Built from the checkout: sarang, floor, relay, the echo servers and NATS (a library).
Measured if they are installed: redis-server, inspircd, mosquitto.

The report goes to standard output, progress to standard error, and the folder --out
gets report.md, results.json and fanout.svg. Ctrl-C ends the run and its servers.

With --before a commit is compared with this checkout, in turns, and the exit status is
1 if a delivery costs more than 1.05 times what it did.`,
		Example: `  go run ./cmd/bench                                        everything; some 20 minutes
  go run ./cmd/bench --quick                                a smoke run of seconds
  go run ./cmd/bench --workload window-1,window-16 --server sarang-uring,floor-uring --repeat 5
  go run ./cmd/bench --workload echo-1000 --seconds 5
  go run ./cmd/bench --before HEAD~1                        did this commit make anything slower?
  go run ./cmd/bench --list`,
		Args: cobra.NoArgs, SilenceUsage: true, SilenceErrors: true,
		RunE: func(c *cobra.Command, _ []string) error {
			if o.list {
				return list(c)
			}
			plan, err := o.plan(c.Flags().Changed)
			if err != nil {
				return usageError{err}
			}
			return measure(c, o, plan)
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringSliceVar(&o.workloads, "workload", nil, "only these workloads (see --list)")
	f.StringSliceVar(&o.servers, "server", nil, "only these servers (see --list); default all but the optional ones")
	f.IntVar(&o.repeat, "repeat", 3, "how often everything is measured")
	f.Float64Var(&o.seconds, "seconds", 2, "how long each measurement takes")
	f.Float64Var(&o.warm, "warm", 0.5, "seconds of load before each measurement")
	f.Float64Var(&o.settle, "settle", 15, "idle seconds before memory is read")
	f.IntVar(&o.divide, "divide", 1, "use so many times fewer connections")
	f.BoolVar(&o.quick, "quick", false, "a smoke run: once, 0.2 s each, a fiftieth of the connections; no figures to quote")
	f.StringVar(&o.before, "before", "", "compare with the servers of this commit (a git revision)")
	f.BoolVar(&o.asJSON, "json", false, "the report as JSON")
	f.StringVar(&o.root, "root", "", "the checkout to build from; default: the one around the working folder")
	f.StringVar(&o.out, "out", "", "folder for the report; default bench/out in the checkout")
	f.StringVar(&o.dataDir, "data-dir", "", "folder for the servers' data; default the system's temporary folder. It should be on a disk: an fsync is part of what is measured")
	f.BoolVar(&o.list, "list", false, "list workloads and servers, and end")
	return c
}

// plan checks the options. changed reports whether a flag was given.
func (o options) plan(changed func(string) bool) (suite.Plan, error) {
	if o.quick {
		for name, value := range map[string]func(){
			"repeat": func() { o.repeat = 1 }, "seconds": func() { o.seconds = 0.2 }, "warm": func() { o.warm = 0.05 },
			"settle": func() { o.settle = 0.1 }, "divide": func() { o.divide = 50 },
		} {
			if !changed(name) {
				value()
			}
		}
	}
	switch {
	case o.repeat < 1 || o.repeat > 100:
		return suite.Plan{}, fmt.Errorf("--repeat is %d; it must be 1 to 100", o.repeat)
	case o.seconds < 0.05 || o.seconds > 600:
		return suite.Plan{}, fmt.Errorf("--seconds is %g; it must be 0.05 to 600", o.seconds)
	case o.warm < 0 || o.warm > 600 || o.settle < 0 || o.settle > 600:
		return suite.Plan{}, fmt.Errorf("--warm is %g and --settle %g; they must be 0 to 600", o.warm, o.settle)
	case o.divide < 1 || o.divide > 1000:
		return suite.Plan{}, fmt.Errorf("--divide is %d; it must be 1 to 1000", o.divide)
	}
	if o.before != "" {
		if len(o.servers) == 0 {
			o.servers = []string{"sarang-uring", "before-uring", "sarang-epoll", "before-epoll"}
		}
		if len(o.workloads) == 0 {
			o.workloads = []string{suite.Window1, suite.Window16, suite.Window64, suite.Trickle16, suite.Rate100k, suite.Stored}
		}
	}
	p := suite.Plan{
		Repeat: o.repeat, Measure: seconds(o.seconds), Warm: seconds(o.warm), Settle: seconds(o.settle), Divide: o.divide, Servers: o.servers,
	}
	for _, s := range o.servers {
		if !slices.Contains(suite.RunnerNames(), s) {
			return p, fmt.Errorf("there is no server %q; there are %s", s, strings.Join(suite.RunnerNames(), ", "))
		}
	}
	all := suite.Workloads()
	for _, name := range o.workloads {
		if !slices.ContainsFunc(all, func(w suite.Workload) bool { return w.Name == name }) {
			return p, fmt.Errorf("there is no workload %q; bench --list has them", name)
		}
	}
	for _, w := range all {
		if len(o.workloads) == 0 || slices.Contains(o.workloads, w.Name) {
			p.Workloads = append(p.Workloads, w)
		}
	}
	return p, nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func list(c *cobra.Command) error {
	out := c.OutOrStdout()
	fmt.Fprintln(out, "workloads:")
	for _, w := range suite.Workloads() {
		fmt.Fprintf(out, "  %-14s %s\n", w.Name, w.Title)
	}
	fmt.Fprintln(out, "servers:")
	for _, s := range suite.Setups() {
		optional := ""
		if s.Optional {
			optional = " (only when asked for)"
		}
		fmt.Fprintf(out, "  %-22s %s%s\n", s.Name, s.Setup, optional)
	}
	return nil
}
