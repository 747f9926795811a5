package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"sarang/chat"
	"sarang/internal/store"
)

// errStoreFaulty is a store of which the check has found something.
var errStoreFaulty = errors.New("store check: it has found faults; see above")

func storeCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "store",
		Short: "Copy and check what messages are kept in",
		Long: "Copy one store to another, or check one. A store is named as for 'serve --store':\n" +
			"  " + strings.Join(store.Forms(), "\n  ") + "\n" +
			"No server may use it meanwhile.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(storeCopyCommand(), storeCheckCommand())
	return c
}

// storeFlags are those of both commands.
type storeFlags struct {
	sync  string
	quiet bool
}

func (f *storeFlags) add(c *cobra.Command) {
	c.Flags().SortFlags = false
	c.Flags().StringVar(&f.sync, "sync", store.PowerSafe.String(), "what the stores have to survive: power-safe or process-safe, as for 'serve'")
	c.Flags().BoolVar(&f.quiet, "quiet", false, "no progress")
}

func storeCopyCommand() *cobra.Command {
	var f storeFlags
	c := &cobra.Command{
		Use:   "copy FROM TO",
		Short: "Copy all that a store holds to another one",
		Long: "Copy all that a store holds to another one: users with their passwords and devices,\n" +
			"rooms, messages, memberships, operators, bans, reports, the audit log. The bytes of files\n" +
			"are not in a store, and are not copied: they are in the server's data folder. Numbers,\n" +
			"epochs, names, tokens and nonces stay, so clients go on where they were. In the end\n" +
			"both are read and compared, room by room and record by record. A copy that was interrupted goes on when it\n" +
			"is started again. Stop all servers that use either store before.\n\n" +
			"Exit status: 0 both stores hold the same, 1 they do not or can not be used, 2 the\n" +
			"arguments make no sense.",
		Example: "  sarang store copy sqlite:sarang-data postgres://sarang@db.example/sarang",
		Args:    usageArgs(cobra.ExactArgs(2)),
		RunE: func(c *cobra.Command, args []string) error {
			return printable(copyStore(c.Context(), f, args[0], args[1], c.OutOrStdout()))
		},
	}
	f.add(c)
	return c
}

func storeCheckCommand() *cobra.Command {
	var f storeFlags
	c := &cobra.Command{
		Use:   "check STORE",
		Short: "Read a whole store and look whether it is sound",
		Long: "Read all that a store holds, and look whether logs are whole, what it says of users,\n" +
			"rooms and messages follows from them, and whatever is kept is about somebody who is\n" +
			"there. Stop all servers that use it before.\n\n" +
			"Exit status: 0 it is sound, 1 it is not or can not be used, 2 the arguments make\n" +
			"no sense.",
		Example: "  sarang store check sqlite:sarang-data",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			return printable(checkStore(c.Context(), f, args[0], c.OutOrStdout()))
		},
	}
	f.add(c)
	return c
}

// usageArgs makes what is wrong with arguments a usageError.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if err := check(c, args); err != nil {
			return usageError{err}
		}
		return nil
	}
}

// openArchive opens a store that can be copied.
func openArchive(ctx context.Context, f storeFlags, url string) (chat.Archive, error) {
	mode, err := store.ParseSyncMode(f.sync)
	if err != nil {
		return nil, usageError{err}
	}
	s, err := store.Open(ctx, url, store.Options{Sync: mode})
	if chat.CodeOf(err) == chat.CodeBadRequest {
		return nil, usageError{err}
	}
	if err != nil {
		return nil, err
	}
	a, can := s.(chat.Archive)
	if !can {
		return nil, errors.Join(errors.New("this kind of store can not be copied"), s.Close())
	}
	return a, nil
}

func copyStore(ctx context.Context, f storeFlags, from, to string, out io.Writer) (err error) {
	if from == to {
		return usageError{errors.New("a store can not be copied to itself")}
	}
	source, err := openArchive(ctx, f, from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	target, err := openArchive(ctx, f, to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	show, end := f.progress()
	c, err := store.Copy(ctx, source, target, show)
	end()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "both stores hold the same: %d users, %d rooms, %d events, %d devices, invitations, memberships and other records (%d of all these were written now)\nsha256 of all of it: %x\n",
		c.Users, c.Rooms, c.Events, c.Others, c.Written, c.Sum)
	return err
}

func checkStore(ctx context.Context, f storeFlags, url string, out io.Writer) (err error) {
	s, err := openArchive(ctx, f, url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	show, end := f.progress()
	a, err := store.Audit(ctx, s, show)
	end()
	if err != nil {
		return err
	}
	for _, fault := range a.Told {
		fmt.Fprintln(out, fault)
	}
	erased := ""
	if a.Erased > 0 {
		erased = fmt.Sprintf(" (%d older ones were erased)", a.Erased)
	}
	_, err = fmt.Fprintf(out, "%d users, %d rooms, %d events%s, %d other records: %d faults\n", a.Users, a.Rooms, a.Events, erased, a.Records, a.Faults)
	if err == nil && a.Faults > 0 {
		err = errStoreFaulty
	}
	return err
}

// progressPeriod is how often the line of progress is written anew.
const progressPeriod = 100 * time.Millisecond

// progress returns what shows how far something has come, on a terminal, and what ends the
// line.
func (f *storeFlags) progress() (show store.Progress, end func()) {
	if f.quiet || !term.IsTerminal(int(os.Stderr.Fd())) {
		return func(string, uint64, uint64) {}, func() {}
	}
	var shown time.Time
	show = func(what string, done, total uint64) {
		if now := time.Now(); now.Sub(shown) >= progressPeriod || done == total {
			shown = now
			const width = 30
			full := width
			if total > 0 {
				full = int(done * width / total)
			}
			fmt.Fprintf(os.Stderr, "\r\x1b[K%-10s [%s%s] %d of %d", what, strings.Repeat("#", full), strings.Repeat(".", width-full), done, total)
		}
	}
	return show, func() { fmt.Fprintln(os.Stderr) }
}
