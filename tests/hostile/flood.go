package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"sarang/tests/internal/proc"
)

// floodConfig is what a long run of guests is told.
type floodConfig struct {
	options
	duration, every time.Duration
}

// floodCommand has guests leave behind what they can at the default limits, for long, and
// watches what becomes of memory and disk.
func floodCommand() *cobra.Command {
	f := floodConfig{options: options{scale: 1}}
	c := &cobra.Command{
		Use:   "flood",
		Short: "Flood a server at its default limits for long, and see whether memory and disk level off",
		Long: "Start a server at its default limits, which hold for all addresses, and have 64\n" +
			"guests of each address make rooms, fill them, and come again under other names.\n" +
			"A line each --every says what the server takes. The verdict: in the second half\n" +
			"of the run memory grows by no more than a sixth and 32 MiB, and the disk by no\n" +
			"more than the addresses may have stored in that time, half as much again, and\n" +
			"64 MiB.",
		Example: "  go run ./tests/hostile flood --duration 1h --addresses 4",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			work, err := os.MkdirTemp("", "sarang-flood-")
			if err != nil {
				return err
			}
			defer os.RemoveAll(work)
			f.options.data = work
			if f.binary == "" {
				if f.binary, err = proc.Build(c.Context(), work); err != nil {
					return err
				}
			}
			raiseFiles()
			return f.run(c.Context(), c.OutOrStdout())
		},
	}
	flags := c.Flags()
	flags.SortFlags = false
	flags.DurationVar(&f.duration, "duration", time.Hour, "how long it lasts")
	flags.DurationVar(&f.every, "every", time.Minute, "how often a line is written")
	flags.IntVar(&f.addresses, "addresses", 4, "addresses that the guests come from")
	flags.Float64Var(&f.scale, "scale", 1, "guests, as a multiple of 64 per address")
	flags.StringVar(&f.io, "io", "auto", "the server's I/O driver")
	flags.IntVar(&f.workers, "workers", 1, "the server's workers")
	flags.StringArrayVar(&f.server, "server-flag", nil, "one more flag for the server; may be given several times")
	flags.StringVar(&f.binary, "binary", "", "a sarang binary; default: it is built")
	flags.Uint64Var(&f.seed, "seed", 1, "of the guests' random bytes")
	return c
}

// floodLook is what the server takes at one moment.
type floodLook struct {
	at        time.Duration
	rss, disk float64
}

func (f floodConfig) run(ctx context.Context, out io.Writer) error {
	data := filepath.Join(f.data, "data")
	server, err := proc.Start(ctx, proc.Config{
		Binary: f.binary, Data: data, IO: f.io, Workers: f.workers,
		Args: append([]string{"--log-level", "error", "--trusted", "none"}, f.server...),
	})
	if err != nil {
		return err
	}
	defer server.Kill()
	t := &trial{options: f.options, attack: *findAttack("guests"), server: server}
	t.seconds, t.stall = f.duration, time.Minute
	ended := make(chan error, 1)
	var told *tally
	go func() {
		var err error
		told, err = t.attackNow(ctx, new(attackers))
		ended <- err
	}()
	fmt.Fprintf(out, "%8s %9s %9s %9s %9s %9s %9s %8s %8s %10s %8s\n",
		"time", "RSS MiB", "heap MiB", "buf MiB", "disk MiB", "log MiB", "in MiB", "rooms", "sessions", "events", "level")
	began := time.Now()
	tick := time.NewTicker(f.every)
	defer tick.Stop()
	var looks []floodLook
	look := func() error {
		m, err := server.Metrics(ctx)
		if err != nil {
			return fmt.Errorf("the server does not show its figures: %w", err)
		}
		l := floodLook{time.Since(began), m["process_resident_memory_bytes"], folderBytes(data)}
		looks = append(looks, l)
		fmt.Fprintf(out, "%8s %9.1f %9.1f %9.1f %9.1f %9.1f %9.1f %8.0f %8.0f %10.0f %8.0f\n", l.at.Round(time.Second),
			mebi(l.rss), mebi(m["go_memstats_heap_inuse_bytes"]), mebi(m[metricPool]), mebi(l.disk), mebi(m["sarang_store_wal_bytes"]),
			mebi(m["sarang_received_bytes_total"]), m["sarang_rooms"], m[metricSessions], m["sarang_committed_events_total"], m["sarang_load_level"])
		return nil
	}
	if err := look(); err != nil {
		return err
	}
	for {
		select {
		case <-tick.C:
			if err := look(); err != nil {
				return err
			}
		case <-server.Exited():
			return fmt.Errorf("the server has ended: %s", server.Log())
		case err := <-ended:
			if err == nil {
				err = look()
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "the guests were told: errors %s; %d connects, %d answers\n", counts(told.Errors), told.Connects, told.Answers)
			err = f.verdict(out, looks)
			if stopErr := server.Stop(context.WithoutCancel(ctx)); err == nil {
				err = stopErr
			}
			return err
		}
	}
}

// What may still grow when a flood has levelled off.
const (
	floodMemorySlackBytes = 32 << 20
	floodDiskSlackBytes   = 64 << 20
	floodStoredPerHour    = 16 << 20 // the default of an address
)

// verdict compares the end with the middle of the run.
func (f floodConfig) verdict(out io.Writer, looks []floodLook) error {
	last := looks[len(looks)-1]
	middle := looks[0]
	for _, l := range looks {
		if l.at <= last.at/2 {
			middle = l
		}
	}
	hours := (last.at - middle.at).Hours()
	memoryMax := middle.rss/6 + floodMemorySlackBytes
	diskMax := 1.5*hours*floodStoredPerHour*float64(f.addresses) + floodDiskSlackBytes
	memory, disk := last.rss-middle.rss, last.disk-middle.disk
	fmt.Fprintf(out, "in the last %v memory grew by %.1f MiB (at most %.1f), the disk by %.1f MiB (at most %.1f)\n",
		(last.at - middle.at).Round(time.Second), mebi(memory), mebi(memoryMax), mebi(disk), mebi(diskMax))
	if memory > memoryMax || disk > diskMax {
		return errors.New("it does not level off")
	}
	fmt.Fprintln(out, "both level off")
	return nil
}

// folderBytes is the size of all files in a folder.
func folderBytes(dir string) (sum float64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil
		}
		if info, err := d.Info(); err == nil {
			sum += float64(info.Size())
		}
		return nil
	})
	return sum
}
