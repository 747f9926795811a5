// Command soak runs a real server under load for a long time and watches what it takes:
// memory, buffers, descriptors, goroutines. At the end it reports whether any of them has
// grown, and whether everything came back after the clients had left.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"sarang/aio"
	"sarang/tests/internal/proc"
)

// options are the flags.
type options struct {
	duration time.Duration
	interval time.Duration
	io       string
	workers  int
	clients  int
	rooms    int
	rate     float64
	churn    float64
	stalled  int
	guests   float64
	growth   int64 // bytes
	binary   string
	out      string
	asJSON   bool
	progress io.Writer // nil: nobody looks
}

// errGrown is a run whose report says what is wrong.
var errGrown = errors.New("a check has failed; see the report")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command().ExecuteContext(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "soak: %v\n", err)
		os.Exit(1)
	}
}

func command() *cobra.Command {
	o := options{}
	c := &cobra.Command{
		Use:   "soak",
		Short: "Run the server under load for long and see whether anything grows",
		Long: "Start the real server, have 'sarang swarm' talk on it with connections that break\n" +
			"and come back, and guests that come and go, and take a sample each --interval.\n\n" +
			"The verdict: from the end of the first third on, memory, buffers, descriptors and\n" +
			"goroutines show no upward trend beyond a bound (a line through the samples); when\n" +
			"all clients have left, there is no session, and buffers, descriptors and\n" +
			"goroutines are back to what they were before. The swarm checks every delivery.\n\n" +
			"Into --out go samples.csv, report.json and plot.svg. Exit status 0: all is well.",
		Example:       "  go run ./tests/soak --duration 1h --io uring --workers 2 --out soak-uring",
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(c *cobra.Command, _ []string) error {
			if term.IsTerminal(int(os.Stderr.Fd())) {
				o.progress = os.Stderr
			}
			return soak(c.Context(), o, c.OutOrStdout())
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.DurationVar(&o.duration, "duration", time.Hour, "how long the load lasts")
	f.DurationVar(&o.interval, "interval", time.Second, "time between samples")
	f.StringVar(&o.io, "io", "auto", "the server's I/O driver: auto, "+strings.Join(aio.Kinds(), ", "))
	f.IntVar(&o.workers, "workers", 1, "the server's threads")
	f.IntVar(&o.clients, "clients", 500, "clients of the swarm")
	f.IntVar(&o.rooms, "rooms", 10, "its rooms")
	f.Float64Var(&o.rate, "rate", 500, "messages per second, in all")
	f.Float64Var(&o.churn, "churn", 20, "connections broken per second; the clients come back and go on")
	f.IntVar(&o.stalled, "stalled", 0, "clients that do not read until the end")
	f.Float64Var(&o.guests, "guests", 10, "guests per second, who log in, join, say something and go, half of them by a reset")
	f.Int64Var(&o.growth, "growth-bytes-max", 16<<20, "how much memory may grow from the end of the first third on")
	f.StringVar(&o.out, "out", "", "folder for samples, report and plot; default a temporary one")
	f.StringVar(&o.binary, "binary", "", "a sarang binary; default: one that is built now")
	f.BoolVar(&o.asJSON, "json", false, "write the report as one JSON object")
	return c
}

// soak runs and reports.
func soak(ctx context.Context, o options, out io.Writer) error {
	if o.interval <= 0 || o.duration < samplesMin*o.interval {
		return fmt.Errorf("--duration is %v; it must be at least %d times --interval (%v)", o.duration, samplesMin, o.interval)
	}
	work, err := os.MkdirTemp("", "sarang-soak-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if o.binary == "" {
		if o.binary, err = proc.Build(ctx, work); err != nil {
			return err
		}
	}
	if o.out == "" {
		if o.out, err = os.MkdirTemp("", "sarang-soak-report-"); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return err
	}
	logFile, err := os.Create(filepath.Join(o.out, "server.log"))
	if err != nil {
		return err
	}
	defer logFile.Close()
	r := &run{options: o, config: proc.Config{
		Binary: o.binary, Data: filepath.Join(work, "data"), IO: o.io, Workers: o.workers, Log: logFile,
	}}
	rep, err := r.run(ctx)
	if rep == nil {
		return err
	}
	if e := save(o.out, rep, r.samples); err == nil {
		err = e
	}
	if e := rep.write(out, o.asJSON, o.out); err == nil {
		err = e
	}
	if err == nil && !rep.OK {
		err = errGrown
	}
	return err
}

// save writes the files of a run.
func save(dir string, rep *report, samples []sample) error {
	text, err := json.MarshalIndent(rep, "", "  ")
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(dir, "report.json"), append(text, '\n'), 0o644),
		os.WriteFile(filepath.Join(dir, "samples.csv"), csvOf(samples), 0o644),
		os.WriteFile(filepath.Join(dir, "plot.svg"), plot(samples), 0o644),
	)
}
