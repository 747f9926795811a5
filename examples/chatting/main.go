// Chatting is a complete small game server on Sarang's public packages, and a dummy
// client that talks to it and checks what it hears. See README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"sarang/aio"
)

// errUsage is the answer to arguments that make no sense.
var errUsage = errors.New("usage: chatting server [flags], or chatting client [flags]; each has --help")

// errLost is the end of a client that was not told everything. The report said more.
var errLost = errors.New("something was lost")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "chatting:", err)
		os.Exit(1)
	}
}

// run does what the arguments say, until ctx is done.
func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) > 0 {
		switch args[0] {
		case "server":
			return serverCommand(ctx, args[1:], out)
		case "client":
			return clientCommand(ctx, args[1:], out)
		}
	}
	return errUsage
}

func parse(f *flag.FlagSet, args []string) error {
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return fmt.Errorf("%q is no flag: %w", f.Arg(0), errUsage)
	}
	return nil
}

func serverCommand(ctx context.Context, args []string, out io.Writer) error {
	c := serverConfig{logger: slog.Default(), listen: defaultAddr()}
	f := flag.NewFlagSet("chatting server", flag.ContinueOnError)
	f.TextVar(&c.listen, "listen", c.listen, "address and port for players; port 0 picks one")
	f.StringVar(&c.db, "db", "chatting.db", "file of the players' table")
	f.StringVar(&c.driver, "io", "auto", "I/O driver: auto, "+strings.Join(aio.Kinds(), ", "))
	f.IntVar(&c.workers, "workers", 2, "threads that serve players")
	if err := parse(f, args); err != nil {
		return err
	}
	s, err := startServer(c)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "listening on", s.addr)
	<-ctx.Done()
	goodbye, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	return s.close(goodbye)
}

func clientCommand(ctx context.Context, args []string, out io.Writer) error {
	c := crowdConfig{logger: slog.Default(), addr: defaultAddr()}
	f := flag.NewFlagSet("chatting client", flag.ContinueOnError)
	f.TextVar(&c.addr, "addr", c.addr, "address and port of the server")
	f.StringVar(&c.driver, "io", "auto", "I/O driver: auto, "+strings.Join(aio.Kinds(), ", "))
	f.StringVar(&c.name, "name", "dummy", "what the dummies' names begin with")
	f.IntVar(&c.clients, "clients", 50, "how many dummies")
	f.IntVar(&c.messages, "messages", 0, "how much each one says; 0: as much as the duration allows")
	f.DurationVar(&c.duration, "duration", 10*time.Second, "how long they talk; 0: until all messages are said")
	f.DurationVar(&c.interval, "interval", 200*time.Millisecond, "time between two remarks of one dummy")
	f.DurationVar(&c.patience, "patience", 10*time.Second, "time to log in, and for the last lines to come")
	if err := parse(f, args); err != nil {
		return err
	}
	if c.clients < 1 || c.messages < 0 || c.interval < 0 || c.duration < 0 || c.patience <= 0 || c.messages == 0 && c.duration == 0 {
		return errors.New("there must be a client, a patience, and something to end the talk: messages or duration")
	}
	r, err := runCrowd(ctx, c)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d dummies said %d remarks and heard %d of %d lines; from remark to line %v on average, %v at most\n",
		c.clients, r.Said, r.Heard, r.Expected, r.LatencyMean().Round(time.Microsecond), r.LatencyMax.Round(time.Microsecond))
	for _, fault := range r.Faults {
		fmt.Fprintln(out, "fault:", fault)
	}
	if r.FaultCount > len(r.Faults) {
		fmt.Fprintf(out, "and %d more faults\n", r.FaultCount-len(r.Faults))
	}
	if r.Failed() {
		return errLost
	}
	return nil
}

// defaultAddr is where the server listens and the client looks for it.
func defaultAddr() netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 7777)
}
