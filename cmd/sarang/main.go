// Command sarang is the chat server, its clients, and what operates it: serve, chat, swarm, store,
// backup.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"sarang/internal/tui"
)

// Exit codes.
const (
	exitFailed = 1 // it ran and failed: lost messages, a server that went away
	exitUsage  = 2 // it was asked for something that can not be
)

// usageError is an error in what a person asked for.
type usageError struct{ error }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() {
		<-ctx.Done()
		stop() // a second Ctrl-C ends the program at once
	}()
	root := &cobra.Command{
		Use:   "sarang",
		Short: "A chat server in one binary",
		Long: "Sarang is a chat server in one binary: rooms with history, for terminals,\n" +
			"programs and games, on a completion-port core of its own.\n\n" +
			"  sarang serve                          start a server\n" +
			"  sarang chat ann@127.0.0.1:7777 '#lobby'  talk\n" +
			"  sarang swarm --clients 1000           put load on it and check every message",
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(serveCommand(), hashCommand())
	root.AddCommand(chatCommand())
	root.AddCommand(swarmCommand())
	root.AddCommand(storeCommand())
	root.AddCommand(userCommand(), roomCommand(), banCommand(), reportCommand(), auditCommand(), inviteCommand())
	root.AddCommand(backupCommand(), restoreCommand(), checkCommand(), exportAllCommand(), importCommand())
	if c := serviceCommand(); c != nil {
		root.AddCommand(c)
	}
	if err := root.ExecuteContext(ctx); err != nil {
		what, code := tui.CleanText(err.Error()), exitCode(err) // wherever its words come from
		if code == exitUsage {
			what += "\nRun 'sarang --help', or 'sarang COMMAND --help', to see what there is."
		}
		lastWords(fmt.Sprintf("sarang: %s\n", what))
		os.Exit(code)
	}
}

// exitCode is what the program ends with for an error.
func exitCode(err error) int {
	var usage usageError
	var other exitError
	switch {
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &other):
		return other.code
	}
	return exitFailed
}

// printable makes an error in which a server may have had a word fit for a terminal. It is
// for every command that talks to one.
func printable(err error) error {
	if err == nil {
		return nil
	}
	return printableError{err}
}

type printableError struct{ err error }

func (e printableError) Error() string { return tui.CleanLine(e.err.Error()) }
func (e printableError) Unwrap() error { return e.err }

// lastWords writes to standard error. The end of the program does not wait for ever for
// somebody who reads them.
func lastWords(text string) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		fmt.Fprint(os.Stderr, text)
	}()
	select {
	case <-done:
	case <-time.After(logFlushTimeout):
	}
}

// version is that of the module, or the commit that it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, kv := range info.Settings {
		if kv.Key == "vcs.revision" && len(kv.Value) >= 12 {
			return "devel-" + kv.Value[:12]
		}
	}
	return "devel"
}
