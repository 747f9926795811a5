// Command crash kills a real server again and again, at random moments and under load,
// starts it again on its data and its address, and checks from outside that it has kept
// every promise: what was acknowledged is stored, once and as it was sent; what was
// shown is stored; every member saw its room in order, without a gap and without a
// repeat.
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
	"sarang/tests/internal/load"
	"sarang/tests/internal/proc"
)

// options are the flags.
type options struct {
	kills    int
	io       string
	workers  int
	sync     string
	seed     uint64
	binary   string
	data     string
	rate     float64
	rooms    int
	asJSON   bool
	progress io.Writer // nil: nobody looks
}

// errBroken is a run whose report says what is wrong.
var errBroken = errors.New("a promise was broken; see the report")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command().ExecuteContext(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "crash: %v\n", err)
		os.Exit(1)
	}
}

func command() *cobra.Command {
	o := options{}
	c := &cobra.Command{
		Use:   "crash",
		Short: "Kill the server at random moments and check that it keeps its promises",
		Long: "Start the real server, put load on it, kill it with SIGKILL at random moments and\n" +
			"start it again, --kills times. At the end the stored log is read through the\n" +
			"protocol and from the database file, and compared with what was acknowledged\n" +
			"and with what every member saw.\n\n" +
			"Moments: early (while it starts), listen (as soon as it listens), join (while\n" +
			"the clients come back), ack (right after some acknowledgement), load, drain\n" +
			"(after SIGTERM).\n\n" +
			"Exit status 0: every promise was kept. Otherwise 1, and the data folder and the\n" +
			"server's log are kept.",
		Example:       "  go run ./tests/crash --kills 200 --io uring --workers 2",
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(c *cobra.Command, _ []string) error {
			if term.IsTerminal(int(os.Stderr.Fd())) {
				o.progress = os.Stderr
			}
			return crash(c.Context(), o, c.OutOrStdout())
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.IntVar(&o.kills, "kills", 200, "how often to kill the server; about one a second")
	f.StringVar(&o.io, "io", "auto", "the server's I/O driver: auto, "+strings.Join(aio.Kinds(), ", "))
	f.IntVar(&o.workers, "workers", 1, "the server's threads")
	f.StringVar(&o.sync, "sync", "power-safe", "power-safe or process-safe")
	f.Uint64Var(&o.seed, "seed", 0, "makes moments, texts and names repeatable, but not the timing; 0: random")
	f.IntVar(&o.rooms, "rooms", 3, "rooms, with 7 clients each")
	f.Float64Var(&o.rate, "rate", 100, "messages per second and publisher; 4 publish in each room")
	f.StringVar(&o.data, "data", "", "data folder; default a temporary one, which is removed when all is well")
	f.StringVar(&o.binary, "binary", "", "a sarang binary; default: one that is built now")
	f.BoolVar(&o.asJSON, "json", false, "write the report as one JSON object")
	return c
}

// crash runs and reports.
func crash(ctx context.Context, o options, out io.Writer) error {
	if o.kills < 1 {
		return fmt.Errorf("--kills is %d; it must be at least 1", o.kills)
	}
	work, err := os.MkdirTemp("", "sarang-crash-")
	if err != nil {
		return err
	}
	keep := false
	defer func() {
		if !keep {
			_ = os.RemoveAll(work) // a temporary folder
		}
	}()
	if o.binary == "" {
		if o.binary, err = proc.Build(ctx, work); err != nil {
			return err
		}
	}
	if o.data == "" {
		o.data = filepath.Join(work, "data")
	}
	logFile, err := os.Create(filepath.Join(work, "server.log"))
	if err != nil {
		return err
	}
	report, err := newRun(o, logFile).run(ctx)
	if report != nil {
		if e := report.write(out, o.asJSON); err == nil {
			err = e
		}
		if err == nil && !report.OK {
			err = errBroken
		}
	}
	if e := logFile.Close(); err == nil {
		err = e
	}
	if err != nil {
		keep = true
		return fmt.Errorf("%w\nthe data folder is %s, the server's log %s", err, o.data, logFile.Name())
	}
	return nil
}

// report is the outcome.
type report struct {
	OK        bool           `json:"ok"`
	IO        string         `json:"io"`
	Workers   int            `json:"workers"`
	Sync      string         `json:"sync"`
	Seed      uint64         `json:"seed"`
	Kills     int            `json:"kills"`
	Moments   map[string]int `json:"kills_by_moment"`
	EndedSelf int            `json:"drained_before_the_kill"`
	Seconds   float64        `json:"seconds"`
	Load      load.Stats     `json:"load"`
	Protocol  load.Audit     `json:"stored_by_protocol"`
	File      load.Audit     `json:"stored_by_sql"`
	Recovery  quantiles      `json:"recovery_ms"` // from the kill to the first ack of the next life, if it lived so long
	Start     quantiles      `json:"start_ms"`    // from the start of the process until it listens
	Faults    []string       `json:"faults"`      // what members saw and should not have
}

func (r *report) write(out io.Writer, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	var moments []string
	for _, m := range allMoments() {
		moments = append(moments, fmt.Sprintf("%s %d", m, r.Moments[m.String()]))
	}
	fmt.Fprintf(out, "%s, %d workers, %s, seed %d: %d kills in %.0f s (%s; %d drains were over before)\n",
		r.IO, r.Workers, r.Sync, r.Seed, r.Kills, r.Seconds, strings.Join(moments, ", "), r.EndedSelf)
	fmt.Fprintf(out, "messages: %d made, %d acknowledged, %d sent again, %d refused for a time\n",
		r.Load.Messages, r.Load.Acked, r.Load.Resent, r.Load.Refused)
	fmt.Fprintf(out, "members: %d deliveries checked (%d of them read again), %d joins, %d connections lost\n",
		r.Load.Deliveries, r.Load.Reread, r.Load.Joins, r.Load.Lost)
	for _, a := range []struct {
		from string
		*load.Audit
	}{{"the protocol", &r.Protocol}, {"the database file", &r.File}} {
		fmt.Fprintf(out, "stored, by %s: %d messages; lost %d, doubled %d, gaps %d, changed %d, shown and not stored %d, time back %d\n",
			a.from, a.Messages, a.Lost, a.Doubled, a.Gaps, a.Changed, a.NotStored, a.TimeBack)
		if a.First() != "" {
			fmt.Fprintf(out, "  such as: %s\n", a.First())
		}
	}
	fmt.Fprintf(out, "start until it listens: %v\nkill until the first ack: %v\n", r.Start, r.Recovery)
	for _, f := range r.Faults {
		fmt.Fprintf(out, "FAULT: %s\n", f)
	}
	_, err := fmt.Fprintln(out, map[bool]string{true: "every promise was kept", false: "BROKEN"}[r.OK])
	return err
}

// quantiles of some durations, in milliseconds.
type quantiles struct {
	Count int     `json:"count"`
	P50   float64 `json:"p50"`
	P99   float64 `json:"p99"`
	Max   float64 `json:"max"`
}

// String is for people.
func (q quantiles) String() string {
	return fmt.Sprintf("p50 %.0f ms, p99 %.0f ms, max %.0f ms (%d times)", q.P50, q.P99, q.Max, q.Count)
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
