// Command stores measures the stores beside each other: SQLite, PostgreSQL and PostgreSQL by ODBC,
// on the same disk and power-safe, in one run in which they take turns. What counts are the
// ratios: the figures are those of the machine. It starts a PostgreSQL of its own, with its
// durable defaults.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"sarang/chat"
)

// options are the flags.
type options struct {
	parts    []string
	stores   []string
	rounds   int
	each     time.Duration
	rooms    int
	messages int

	searchedRooms int
	clients       int
	windows       []int
	binary        string
	work          string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command().ExecuteContext(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "stores: %v\n", err)
		os.Exit(1)
	}
}

// part is a measurement.
type part struct {
	name  string
	about string
	run   func(ctx context.Context, m *machine) (*table, error)
}

func parts() []part {
	return []part{
		{"commit", "group commits: events/s, and how long one takes", measureCommits},
		{"writers", "several writers of one room, 16 events in a commit", measureWriters},
		{"serve", "a server under load: its processor time per delivery, and its acks", measureServers},
		{"start", "a store with --rooms and --messages: how long it takes to open, and a page", measureStarts},
		{"search", "--messages in --searched-rooms: two words looked for while 1,000 messages are stored a second", measureSearches},
	}
}

func kinds() []string { return []string{"sqlite", "postgres", "odbc"} }

func command() *cobra.Command {
	o := options{}
	var names []string
	about := ""
	for _, p := range parts() {
		names = append(names, p.name)
		about += fmt.Sprintf("  %-8s %s\n", p.name, p.about)
	}
	c := &cobra.Command{
		Use:   "stores",
		Short: "Measure SQLite, PostgreSQL and ODBC beside each other",
		Long: "Measure the stores beside each other, in turns, on one machine and one disk. The parts:\n\n" + about +
			"\nODBC is measured in a program built with -tags odbc, where psqlODBC is installed.",
		Example: "  go run ./tests/stores --parts commit,writers\n" +
			"  go run -tags odbc ./tests/stores --parts commit --rounds 5\n" +
			"  go run ./tests/stores --parts start --stores postgres --rooms 1000000 --messages 10000000",
		Args: cobra.NoArgs, SilenceUsage: true, SilenceErrors: true,
		RunE: func(c *cobra.Command, _ []string) error { return measure(c.Context(), o, c.OutOrStdout()) },
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringSliceVar(&o.parts, "parts", names, "what is measured")
	f.StringSliceVar(&o.stores, "stores", kinds(), "of which stores; ratios are to the first")
	f.IntVar(&o.rounds, "rounds", 3, "how often each is measured, in turns: medians are shown")
	f.DurationVar(&o.each, "each", time.Second, "how long one measurement takes")
	f.IntVar(&o.rooms, "rooms", 100_000, "rooms of the part start")
	f.IntVar(&o.messages, "messages", 1_000_000, "messages of the parts start and search, evenly in the rooms")
	f.IntVar(&o.searchedRooms, "searched-rooms", 1000, "rooms of the part search")
	f.IntVar(&o.clients, "clients", 1000, "clients of the part serve, in one room")
	f.IntSliceVar(&o.windows, "windows", []int{1, 16, 64}, "messages in flight of the part serve")
	f.StringVar(&o.binary, "binary", "", "a sarang binary for the part serve; default: one that is built now")
	return c
}

func (o *options) check() error {
	for _, name := range o.parts {
		if !slices.ContainsFunc(parts(), func(p part) bool { return p.name == name }) {
			return fmt.Errorf("--parts: there is no %q", name)
		}
	}
	for _, name := range o.stores {
		if !slices.Contains(kinds(), name) {
			return fmt.Errorf("--stores: there is no %q; there are %s", name, strings.Join(kinds(), ", "))
		}
	}
	if o.rounds < 1 || o.each <= 0 || o.rooms < 1 || o.messages < o.rooms || o.clients < 1 || o.searchedRooms < 1 || o.searchedRooms > chat.SearchRoomsMax {
		return fmt.Errorf("--rounds, --each, --rooms, --clients and --searched-rooms are more than 0, --searched-rooms at most %d, and --messages at least as many as --rooms", chat.SearchRoomsMax)
	}
	return nil
}

func measure(ctx context.Context, o options, out io.Writer) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	if o.work, err = os.MkdirTemp("", "sarang-stores-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(o.work)) }()
	m, err := newMachine(o)
	if err != nil {
		return err
	}
	defer m.close()
	m.write(out)
	for _, p := range parts() {
		if !slices.Contains(o.parts, p.name) {
			continue
		}
		t, err := p.run(ctx, m)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		fmt.Fprintf(out, "\n## %s: %s\n\n", p.name, p.about)
		t.write(out, m.kinds)
	}
	return nil
}
