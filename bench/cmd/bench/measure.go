package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sarang/bench/internal/peer"
	"sarang/bench/internal/report"
	"sarang/bench/internal/suite"
)

// measure builds, runs the plan and writes the report.
func measure(c *cobra.Command, o options, plan suite.Plan) (err error) {
	root, err := checkout(o.root)
	if err != nil {
		return usageError{err}
	}
	if o.out == "" {
		o.out = filepath.Join(root, "bench", "out")
	}
	dir, err := os.MkdirTemp(o.dataDir, "sarang-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	say := func(format string, args ...any) { fmt.Fprintf(c.ErrOrStderr(), format+"\n", args...) }
	bench := &suite.Bench{Dir: dir, Plan: plan, Progress: say}
	bench.Tools, err = peer.Gather(c.Context(), root, o.before, dir, bench.ToolNames(), func(what string) { say("%s", what) })
	if c.Context().Err() != nil {
		return errors.New("interrupted before anything was measured")
	}
	if err != nil {
		return err
	}
	if bench.Pins, err = peer.Cores(); err != nil {
		return err
	}
	if err := bench.Pins.PinClient(); err != nil {
		return err
	}
	debug.SetGCPercent(400) // a collection in the client is a hiccup in all latencies
	say("this takes about %v", bench.Estimate().Round(time.Second))
	begin := time.Now()
	results, err := bench.Run(c.Context())
	if err != nil && len(results.Samples) == 0 {
		return errors.New("interrupted before anything was measured")
	}
	goals := suite.Goals(results)
	if o.before != "" {
		goals = suite.Compare(results, plan.Workloads)
	}
	r := report.Report{
		Machine: machine(dir, bench.Pins), When: begin.UTC(), Took: time.Since(begin).Round(time.Second),
		Plan: plan, Results: results, Setups: suite.Setups(), Goals: goals, Interrupted: err != nil,
	}
	if e := write(c.OutOrStdout(), o, &r); e != nil {
		return e
	}
	say("the report is in %s", o.out)
	if err != nil { // only an interruption ends a run early
		return errors.New("interrupted; the report has what was measured")
	}
	if o.before != "" && slices.ContainsFunc(goals, func(g suite.Goal) bool { return !g.Reached }) {
		return fmt.Errorf("slower than %s, or not measured: see the goals at the end of the report", o.before)
	}
	return nil
}

// write puts the report where it belongs.
func write(stdout io.Writer, o options, r *report.Report) error {
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return err
	}
	for name, render := range map[string]func(io.Writer) error{"report.md": r.Markdown, "results.json": r.JSON, "fanout.svg": r.SVG} {
		if err := toFile(filepath.Join(o.out, name), render); err != nil {
			return err
		}
	}
	if o.asJSON {
		return r.JSON(stdout)
	}
	return r.Markdown(stdout)
}

func toFile(path string, render func(io.Writer) error) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return render(f)
}

// checkout finds the folder of module sarang at or above the working folder.
func checkout(given string) (string, error) {
	dir, err := filepath.Abs(given)
	if err != nil {
		return "", err
	}
	for at := dir; ; at = filepath.Dir(at) {
		b, err := os.ReadFile(filepath.Join(at, "go.mod"))
		if err == nil && strings.HasPrefix(string(b), "module sarang\n") {
			return at, nil
		}
		if given != "" || at == filepath.Dir(at) {
			return "", fmt.Errorf("%s is not in a checkout of Sarang; say where one is with --root", dir)
		}
	}
}
