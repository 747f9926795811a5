package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"sarang/chat"
	"sarang/internal/control"
	"sarang/internal/server"
	"sarang/internal/store"
	"sarang/internal/tui"
)

// What the commands that operate a server end with, besides exitFailed and exitUsage.
const (
	exitNothing = 3 // there is nobody and nothing of that name
	exitBusy    = 4 // another program has the data, and answers at no socket
)

// exitError is an error that has an exit code of its own.
type exitError struct {
	error
	code int
}

func (e exitError) Unwrap() error { return e.error }

// operateFlags are those of all commands that operate a server.
type operateFlags struct {
	data, store string
	json, quiet bool
}

const operateHelp = "\n\nIt asks the server that runs on the data folder, by the socket in it, or works on\n" +
	"the folder itself when no server runs. Exit status: 0 it is done, 1 it failed, 2 the\n" +
	"arguments make no sense, 3 there is nothing of that name, 4 another program has the\n" +
	"data and does not answer."

func (f *operateFlags) add(c *cobra.Command) {
	l := c.Flags()
	l.SortFlags = false
	l.StringVar(&f.data, "data", cmp.Or(os.Getenv("SARANG_DATA"), server.Default().DataDir), "data folder of the server")
	l.StringVar(&f.store, "store", os.Getenv("SARANG_STORE"), "the server's --store, if it has one: for when it is stopped")
	l.BoolVar(&f.json, "json", false, "print the result as JSON")
}

// ask has an operation done, by the server that runs, or else here.
func ask[R any](ctx context.Context, f *operateFlags, do string, args any, tell control.Tell) (r R, err error) {
	b, err := json.Marshal(args)
	if err != nil {
		return r, err
	}
	q := control.Request{Do: do, Args: b}
	answer, err := control.Ask(ctx, f.data, q, tell)
	if errors.Is(err, control.ErrNobody) {
		nobody := err
		if answer, err = f.here(ctx, q, tell); chat.CodeOf(err) == chat.CodeAlreadyRunning {
			err = fmt.Errorf("%w (it does not answer at its socket: %w)", err, nobody)
		}
	}
	if err != nil {
		return r, typedExit(err)
	}
	return r, json.Unmarshal(answer, &r)
}

// here does an operation on the data of a server that does not run.
func (f *operateFlags) here(ctx context.Context, q control.Request, tell control.Tell) (answer json.RawMessage, err error) {
	if f.store == "" {
		if _, err := os.Stat(filepath.Join(f.data, "sarang.db")); errors.Is(err, os.ErrNotExist) {
			return nil, exitError{fmt.Errorf("there is no server's data in the folder %s: give --data", f.data), exitNothing}
		}
	}
	s, err := store.Open(ctx, cmp.Or(f.store, store.DefaultURL(f.data)), store.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return (&control.Operations{Store: s, Now: time.Now}).Do(ctx, q, tell)
}

// typedExit gives an error the exit code that says what is wrong.
func typedExit(err error) error {
	switch chat.CodeOf(err) {
	case chat.CodeNoUser, chat.CodeNoRoom, chat.CodeNoReport:
		return exitError{err, exitNothing}
	case chat.CodeAlreadyRunning:
		return exitError{err, exitBusy}
	case chat.CodeBadRequest, chat.CodeBadName:
		return usageError{err}
	}
	return err
}

// print writes a result: as JSON, or as text has it.
func (f *operateFlags) print(c *cobra.Command, result any, text func() string) error {
	if f.json {
		b, err := json.MarshalIndent(result, "", "  ")
		if err == nil {
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s\n", tui.CleanJSON(b))
		}
		return err
	}
	_, err := fmt.Fprint(c.OutOrStdout(), tui.CleanText(text()))
	return err
}

// progress shows how far something has come, on a terminal.
func (f *operateFlags) progress() (show store.Progress, end func()) {
	return (&storeFlags{quiet: f.quiet}).progress()
}
