// Command hostile attacks a real server in many ways, one after the other, while
// clients that behave go on with their talk, and says what those noticed.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"sarang/tests/internal/proc"
)

// errBroken is a run whose report says what is wrong.
var errBroken = errors.New("a promise was broken; see the report")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command().ExecuteContext(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "hostile: %v\n", err)
		os.Exit(1)
	}
}

func command() *cobra.Command {
	o := options{crowd: crowdConfig{}, seed: 1}
	var names []string
	var asJSON, noPin, short, keep bool
	c := &cobra.Command{
		Use:   "hostile",
		Short: "Attack a real server while clients that behave talk",
		Long: "For each attack: start a server, let a crowd of well-behaved clients talk at a fixed\n" +
			"rate, and measure them for --seconds without the attack, with it, and after it.\n" +
			"Every delivery is checked. The attackers are a process of their own.\n\n" +
			"Exit status 1: a delivery was lost or doubled, a well-behaved session was ended, the\n" +
			"server crashed, or its sessions or memory did not return to what they were.\n\n" +
			"Attacks:\n" + list(),
		Args: cobra.NoArgs, SilenceUsage: true, SilenceErrors: true,
		RunE: func(c *cobra.Command, _ []string) error {
			chosen, err := choose(names, short)
			if err != nil {
				return err
			}
			work, err := os.MkdirTemp("", "sarang-hostile-")
			if err != nil {
				return err
			}
			if !keep {
				defer os.RemoveAll(work)
			}
			if o.data == "" {
				o.data = work
			}
			if o.binary == "" {
				if o.binary, err = proc.Build(c.Context(), work); err != nil {
					return err
				}
			}
			if o.pin = !noPin && runtime.NumCPU() > 1; o.pin {
				if err := pinSelf(clientCPU); err != nil {
					return err
				}
			}
			raiseFiles()
			o.progress = os.Stderr
			return o.all(c.Context(), chosen, asJSON)
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringSliceVar(&names, "attack", nil, "only these attacks")
	f.BoolVar(&short, "short", false, "only the attacks that show something in a second or two")
	f.StringVar(&o.io, "io", "auto", "the server's I/O driver")
	f.IntVar(&o.workers, "workers", 1, "the server's workers")
	f.Var(secondsOf(&o.seconds, 10), "seconds", "length of each of the three phases")
	f.Var(secondsOf(&o.stall, 60), "stall-seconds", "how long the stalled readers do not read")
	f.IntVar(&o.crowd.members, "clients", 500, "well-behaved clients")
	f.IntVar(&o.crowd.rooms, "rooms", 5, "their rooms")
	f.Float64Var(&o.crowd.messagesPerSecond, "rate", 100, "messages per second that they say, all together")
	f.IntVar(&o.crowd.textBytes, "text-bytes", 64, "size of their messages")
	f.Float64Var(&o.scale, "scale", 1, "attackers, as a multiple of the usual number")
	f.IntVar(&o.addresses, "addresses", 24, "addresses that the attackers come from")
	f.StringVar(&o.trusted, "trusted", "", "the server's --trusted; none: its limits hold for loopback, too")
	f.StringArrayVar(&o.server, "server-flag", nil, "one more flag for the server; may be given several times")
	f.StringVar(&o.binary, "binary", "", "a sarang binary; default: it is built")
	f.StringVar(&o.data, "data", "", "folder for the servers' data; default: a temporary one")
	f.BoolVar(&keep, "keep", false, "do not remove the temporary folder")
	f.BoolVar(&noPin, "no-pin", false, "do not keep server and clients on a CPU each")
	f.BoolVar(&asJSON, "json", false, "print the results as JSON")
	f.Uint64Var(&o.seed, "seed", 1, "of the attackers' random bytes")
	c.AddCommand(attackerCommand(), floodCommand())
	return c
}

// list is the attacks for the help.
func list() string {
	var b strings.Builder
	for _, a := range attacks() {
		fmt.Fprintf(&b, "  %-15s %s\n", a.name, a.what)
	}
	return b.String()
}

func choose(names []string, short bool) (chosen []attack, err error) {
	for _, n := range names {
		a := findAttack(n)
		if a == nil {
			return nil, fmt.Errorf("there is no attack %q; the attacks are\n%s", n, list())
		}
		chosen = append(chosen, *a)
	}
	if len(names) > 0 {
		return chosen, nil
	}
	return slices.DeleteFunc(attacks(), func(a attack) bool { return short && !a.cheap }), nil
}

// all runs the attacks one after the other.
func (o options) all(ctx context.Context, chosen []attack, asJSON bool) error {
	var results []*result
	var broken error
	for _, a := range chosen {
		r, err := o.run(ctx, a)
		if err != nil {
			return fmt.Errorf("%s: %w", a.name, err)
		}
		results = append(results, r)
		if !r.Passed {
			broken = errBroken
		}
	}
	if asJSON {
		e := json.NewEncoder(os.Stdout)
		e.SetIndent("", "  ")
		if err := e.Encode(results); err != nil {
			return err
		}
		return broken
	}
	writeText(os.Stdout, results)
	return broken
}

// attackerCommand is the attacker's process; the conductor runs it.
func attackerCommand() *cobra.Command {
	var name, to string
	a := attackConfig{}
	c := &cobra.Command{
		Use: "attacker", Hidden: true, Short: "Attack a server that runs, and say what came of it",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			var err error
			if a.to, err = netip.ParseAddrPort(to); err != nil {
				return err
			}
			t, err := runAttack(name, a, attackSignals{os.Stdin, os.Stdout})
			if err != nil {
				return err
			}
			return json.NewEncoder(os.Stdout).Encode(t)
		},
	}
	f := c.Flags()
	f.StringVar(&name, "attack", "", "which")
	f.StringVar(&to, "to", "", "the server's address")
	f.Var(secondsOf(&a.duration, 10), "seconds", "how long")
	f.Var(secondsOf(&a.stall, 60), "stall-seconds", "how long the stalled readers do not read")
	f.IntVar(&a.addresses, "addresses", 24, "how many addresses it comes from")
	f.Float64Var(&a.scale, "scale", 1, "how many attackers")
	f.Uint64Var(&a.seed, "seed", 1, "of random bytes")
	return c
}

// seconds is a flag with a number of seconds, or a duration with its unit.
type seconds time.Duration

func secondsOf(d *time.Duration, value int) *seconds {
	*d = time.Duration(value) * time.Second
	return (*seconds)(d)
}

// Set reads it.
func (s *seconds) Set(text string) error {
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		text = strconv.FormatFloat(n, 'f', -1, 64) + "s"
	}
	d, err := time.ParseDuration(text)
	if err == nil && d <= 0 {
		err = errors.New("it must be more than 0")
	}
	*s = seconds(d)
	return err
}

// String is in seconds.
func (s *seconds) String() string {
	return strconv.FormatFloat(time.Duration(*s).Seconds(), 'f', -1, 64)
}

// Type is for the help.
func (s *seconds) Type() string { return "seconds" }
