package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"sarang/aio"
	"sarang/internal/swarm"
	"sarang/internal/tui"
)

// errSwarmFailed is a swarm whose report says what was wrong.
var errSwarmFailed = errors.New("swarm: a check has failed; see the report")

func swarmCommand() *cobra.Command {
	var c swarm.Config
	var asJSON, quiet bool
	var authorities string
	d := swarm.Config{}.WithDefaults()
	command := &cobra.Command{
		Use:   "swarm",
		Short: "Put load on a server and check every message",
		Long: "Connect many clients to a server, have them talk, and check that every message\n" +
			"comes to every member of its room: once, in order and unchanged.\n\n" +
			"Client i is in room i mod --rooms. Measuring starts when all have joined. With\n" +
			"--rate messages are made on a fixed timetable, and latency counts from when a\n" +
			"message was due; without it each publisher keeps --window messages in flight,\n" +
			"and latency counts from the publish. The report goes to standard output.\n\n" +
			"With --changes messages are answered, edited, deleted and reacted to as well. In the\n" +
			"end what each client shows of its room, what a page of history says, who is mentioned\n" +
			"where and what each thread holds must be what follows from the acknowledgements, and\n" +
			"nothing that was deleted may be told to who asks for it afterwards.\n\n" +
			"With --people clients also take other names, block each other, tell how far they have\n" +
			"read and describe their rooms; what the server knows of each in the end must be what\n" +
			"was acknowledged, and no mark goes back. Then every two of them talk in a direct room,\n" +
			"and who has blocked the other one hears nothing of it.\n\n" +
			"Exit status: 0 all is well, 1 a check failed or the server can not be reached,\n" +
			"2 the flags make no sense. Ctrl-C ends the run early, with a report.",
		Example: "  sarang swarm --clients 1000 --rooms 10 --duration 30s\n" +
			"  sarang swarm --clients 2000 --publishers 1 --window 64 --messages 100000 --json\n" +
			"  sarang swarm --clients 500 --rate 2000 --stalled 50 --churn 20\n" +
			"  sarang swarm --clients 200 --rooms 4 --messages 20000 --changes 60 --churn 10\n" +
			"  sarang swarm --clients 200 --rooms 4 --private --accounts 20 --people 50 --churn 10\n" +
			"  sarang swarm --clients 15000 --idle --duration 1m --server-pid $(pidof sarang)",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			set := c.WithDefaults()
			if err := checkSwarmFlags(command, &c, &set); err != nil {
				return usageError{err}
			}
			var err error
			if set.TLS, err = trusting(authorities); err != nil {
				return usageError{err}
			}
			if !quiet && term.IsTerminal(int(os.Stderr.Fd())) {
				set.Progress = os.Stderr
			}
			return printable(runSwarm(command, set, asJSON))
		},
	}
	f := command.Flags()
	f.SortFlags = false
	f.StringVar(&c.Addr, "addr", "127.0.0.1:7777", "the server's HOST:PORT")
	f.StringVar(&c.Proto, "proto", "", "what is spoken: "+strings.Join(swarm.Protos(), ", ")+" (default tcp)")
	f.StringVar(&authorities, "ca", "", "with tls and wss: PEM file of the authorities to believe, instead of the system's")
	f.IntVar(&c.Clients, "clients", d.Clients, "sessions")
	f.IntVar(&c.Rooms, "rooms", d.Rooms, "rooms; the clients are spread evenly over them")
	f.IntVar(&c.Publishers, "publishers", 0, "how many of the clients publish; 0: all that are not stalled")
	f.Float64Var(&c.Rate, "rate", 0, "messages per second in all; 0: as fast as acks allow")
	f.IntVar(&c.Window, "window", 0, "messages in flight per publisher (default 1, or 128 with --rate)")
	f.IntVar(&c.SizeBytes, "size", d.SizeBytes, "bytes of text per message")
	f.DurationVar(&c.Duration, "duration", 0, "how long to publish (default 10s unless --messages is given)")
	f.IntVar(&c.Messages, "messages", 0, "how many messages in all; 0: until --duration is over")
	f.BoolVar(&c.Idle, "idle", false, "join, publish nothing, and hold for --duration")
	f.IntVar(&c.Stalled, "stalled", 0, "clients that stop reading while the others publish, then catch up")
	f.Float64Var(&c.Churn, "churn", 0, "connections broken per second; the clients come back and go on")
	f.IntVar(&c.Changes, "changes", 0, "percent of what is published that are replies, messages of threads, mentions, edits, deletions and reactions; what each client shows in the end is compared")
	f.Float64Var(&c.People, "people", 0, "renames, blocks, marks and settings of rooms per second; in the end each client is asked about")
	f.IntVar(&c.Accounts, "accounts", 0, "percent of the clients that register by a password; the others are guests")
	f.BoolVar(&c.Private, "private", false, "private rooms: the first client of each lets the others in")
	f.BoolVar(&c.Ephemeral, "ephemeral", false, "rooms that the server does not store")
	f.StringVar(&c.RoomPrefix, "room-prefix", d.RoomPrefix, "what the names of rooms and users begin with")
	f.Uint64Var(&c.Seed, "seed", 0, "makes names, texts and choices repeatable; 0: random")
	f.DurationVar(&c.Settle, "settle", d.Settle, "time for the last deliveries, and for stalled clients to catch up")
	f.DurationVar(&c.ResumeTimeout, "resume-timeout", d.ResumeTimeout, "how long a client tries to come back")
	f.DurationVar(&c.JoinTimeout, "join-timeout", d.JoinTimeout, "time for all clients to join")
	f.IntVar(&c.Workers, "workers", d.Workers, "threads that run the clients")
	f.StringVar(&c.IO, "io", d.IO, "I/O driver: auto, "+strings.Join(aio.Kinds(), ", "))
	f.IntVar(&c.ServerPID, "server-pid", 0, "process id of the server on this machine: report its CPU and memory, per session if it was freshly started (Linux)")
	f.BoolVar(&asJSON, "json", false, "write the report as one JSON object")
	f.BoolVar(&quiet, "quiet", false, "no progress line")
	return command
}

// checkSwarmFlags finds what a person can not have meant. A zero in Config means
// "default"; as a flag that somebody wrote it does not.
func checkSwarmFlags(command *cobra.Command, given, set *swarm.Config) error {
	zero := map[string]bool{
		"clients": given.Clients == 0, "rooms": given.Rooms == 0, "size": given.SizeBytes == 0,
		"window": given.Window == 0, "workers": given.Workers == 0,
	}
	for name, is := range zero {
		if is && command.Flags().Changed(name) {
			return fmt.Errorf("--%s is 0; it must be at least 1", name)
		}
	}
	if given.Idle && (given.Messages > 0 || given.Rate > 0 || given.Publishers > 0) {
		return errors.New("--idle publishes nothing; it goes with none of --messages, --rate and --publishers")
	}
	return set.Validate()
}

// runSwarm runs and reports. A run that could not go on has a report all the same.
func runSwarm(command *cobra.Command, c swarm.Config, asJSON bool) error {
	ctx, stop := untilHangup(command.Context())
	defer stop()
	report, err := swarm.Run(ctx, c)
	if report == nil || report.Joined < report.Clients && !asJSON {
		return err // which says it all
	}
	for _, kind := range report.ErrorKinds {
		for i, what := range kind.First {
			kind.First[i] = tui.CleanLine(what) // it may be the server's words
		}
	}
	report.Failure = tui.CleanLine(report.Failure)
	write := report.WriteText
	if asJSON {
		write = report.WriteJSON
	}
	if e := write(command.OutOrStdout()); e != nil {
		return e
	}
	if err == nil && !report.OK() {
		err = errSwarmFailed
	}
	return err
}
