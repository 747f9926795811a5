// Command faults has a real server keep its messages in a real PostgreSQL, and everything
// go wrong between and behind them, again and again and under load: processes are killed,
// connections cut or left half open, tables locked, the database stopped, read-only, slow
// or full, or lost, so that its standby takes over. It checks from outside that every promise was kept: what was acknowledged is
// stored, once and as it was sent, and every member saw its room in order, without a gap
// and without a repeat.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"sarang/tests/internal/proc"
)

// options are the flags.
type options struct {
	faults int
	seed   uint64
	rooms  int
	kinds  string
	rate   float64
	binary string
	work   string
	brief  bool // faults do not last long
}

var errBroken = errors.New("a promise was broken; see the report")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command().ExecuteContext(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "faults: %v\n", err)
		os.Exit(1)
	}
}

func command() *cobra.Command {
	o := options{}
	c := &cobra.Command{
		Use:   "faults",
		Short: "Have everything go wrong with a server's PostgreSQL, and check that it keeps its promises",
		Long: "Start a PostgreSQL with a standby that confirms each commit, and the real server,\n" +
			"put load on it, and have things go wrong with the database, --faults times. At the end the log is read through the protocol\n" +
			"and in the database, and compared with what was acknowledged and what was seen.\n\n" +
			"Exit status 0: every promise was kept, and the server went on after each fault.",
		Example:       "  go run ./tests/faults --faults 200",
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(c *cobra.Command, _ []string) error { return faults(c.Context(), o, c.OutOrStdout()) },
	}
	f := c.Flags()
	f.SortFlags = false
	f.IntVar(&o.faults, "faults", 200, "how many things go wrong; each takes some seconds")
	f.Uint64Var(&o.seed, "seed", 0, "makes the order of the faults repeatable, but not the timing; 0: random")
	f.StringVar(&o.kinds, "kinds", "", "only these, with commas between them: \"failover,disk full\"; default: all")
	f.IntVar(&o.rooms, "rooms", 3, "rooms, with 7 clients each")
	f.Float64Var(&o.rate, "rate", 50, "messages per second and publisher; 4 publish in each room")
	f.StringVar(&o.binary, "binary", "", "a sarang binary; default: one that is built now")
	return c
}

func faults(ctx context.Context, o options, out io.Writer) error {
	if o.faults < 1 {
		return fmt.Errorf("--faults is %d; it must be at least 1", o.faults)
	}
	var err error
	if o.work, err = os.MkdirTemp("", "sarang-faults-"); err != nil {
		return err
	}
	if o.binary == "" {
		if o.binary, err = proc.Build(ctx, o.work); err != nil {
			return err
		}
	}
	log, err := os.Create(filepath.Join(o.work, "server.log"))
	if err != nil {
		return err
	}
	began := time.Now()
	r := newRun(o, log)
	err = r.run(ctx)
	r.write(out, time.Since(began))
	if err == nil && !r.ok() {
		err = errBroken
	}
	if err = errors.Join(err, log.Close()); err != nil {
		return fmt.Errorf("%w\nthe server's log is %s", err, log.Name())
	}
	return os.RemoveAll(o.work)
}
