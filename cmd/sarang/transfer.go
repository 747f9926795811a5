package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sarang/chat"
	"sarang/internal/control"
	"sarang/internal/store"
	"sarang/internal/transfer"
	"sarang/internal/tui"
)

// exitLeftOut is the exit code of an import of which not all is there.
const exitLeftOut = 5

// usersMapBytesMax bounds the file of --users.
const usersMapBytesMax = 16 << 20

func exportAllCommand() *cobra.Command {
	var f operateFlags
	var output string
	c := &cobra.Command{
		Use: "export [ROOM|id:N]", Short: "Print a room, or everything, as lines of JSON that can be imported",
		Long: "Print a room with those who are named in it, or everything, as lines of JSON: users,\n" +
			"rooms, what was said with edits, replies, reactions and pins, and members. Passwords,\n" +
			"sessions and the bytes of files are not in it: 'sarang backup' has them. docs/transfer.md\n" +
			"describes the lines; 'sarang import' reads them. The server goes on meanwhile." + operateHelp,
		Example: "  sarang export --data /var/lib/sarang -o all.jsonl\n  sarang export lobby | gzip > lobby.jsonl.gz",
		Args:    usageArgs(cobra.MaximumNArgs(1)),
	}
	f.add(c)
	c.Flags().StringVarP(&output, "output", "o", "", "write them into a file, which must not be there")
	c.Flags().BoolVar(&f.quiet, "quiet", false, "no progress")
	c.RunE = func(c *cobra.Command, a []string) error {
		return printable(exportAll(c, &f, strings.Join(a, ""), output))
	}
	return c
}

func exportAll(c *cobra.Command, f *operateFlags, room, output string) (err error) {
	w := c.OutOrStdout()
	show, end := func(string, uint64, uint64) {}, func() {}
	if output != "" {
		file, err := os.OpenFile(output, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, os.ErrExist) {
			return usageError{fmt.Errorf("%s is there already: an export is not written over another file", output)}
		}
		if err != nil {
			return err
		}
		defer func() {
			if closed := file.Close(); err == nil {
				err = closed
			}
			if err != nil {
				err = errors.Join(err, os.Remove(output)) // it would be half an export
			}
		}()
		w = file
		show, end = f.progress()
	}
	b := bufio.NewWriterSize(w, 64<<10)
	var failed error
	r, err := ask[transfer.Exported](c.Context(), f, "export", control.ExportArgs{Room: room}, func(a control.Answer) {
		switch {
		case a.Progress != nil:
			show(a.Progress.What, a.Progress.Done, a.Progress.Total)
		case a.Part != nil && failed == nil:
			line := []byte(a.Part)
			if output == "" {
				line = tui.CleanJSON(line) // it may be a terminal
			}
			if _, failed = b.Write(line); failed == nil {
				failed = b.WriteByte('\n')
			}
		}
	})
	end()
	if err = errors.Join(err, failed, b.Flush()); err != nil || output == "" {
		return err
	}
	return f.print(c, r, func() string {
		return fmt.Sprintf("%s: %d users, %d rooms, %d events\n", output, r.Users, r.Rooms, r.Events)
	})
}

func importCommand() *cobra.Command {
	var f operateFlags
	var o transfer.Options
	var zone, users string
	names, what := transfer.Formats()
	forms := ""
	for i := range names {
		forms += fmt.Sprintf("  %-8s %s\n", names[i], what[i])
	}
	c := &cobra.Command{
		Use: "import FILE...", Short: "Bring in rooms with what was said there, from an export of this or another program",
		Long: "Bring in users and rooms with all that was said, with times and authors. The formats:\n" + forms +
			"Everything is read and checked first; if something is wrong nothing is written. An\n" +
			"import that was cut off goes on when it is started again, and a second one changes\n" +
			"nothing. Authors become users without a password; --users FILE says who is who here,\n" +
			"as JSON: {\"U123\": \"ann\"}. docs/transfer.md says what becomes of each thing.\n\n" +
			"It asks the server that runs on the data folder, by the socket in it, or works on\n" +
			"the folder itself when no server runs. Exit status: 0 all of it is there, 1 it failed,\n" +
			"or there is something wrong with the file and nothing was written, 2 the arguments make\n" +
			"no sense, 3 there is no server's data, 4 another program has the data and does not\n" +
			"answer, 5 something was left out (with --skip-bad, or somebody wrote meanwhile).",
		Example: "  sarang import --data /var/lib/sarang all.jsonl\n  sarang import --dry-run slack.zip",
		Args:    usageArgs(cobra.MinimumNArgs(1)),
	}
	f.add(c)
	l := c.Flags()
	l.StringVar(&o.Format, "format", "", strings.Join(names, ", ")+"; default: it is told by the file")
	l.BoolVar(&o.DryRun, "dry-run", false, "check, and say what would be done; write nothing")
	l.BoolVar(&o.SkipBad, "skip-bad", false, "leave out what can not be read, and rooms that can not be written, and import the rest")
	l.StringVar(&users, "users", "", "a file with who is who: an object of JSON from ids or names there to names here, or id:N")
	l.BoolVar(&o.SameNames, "same-names", false, "who is called the same here is the same")
	l.BoolVar(&o.Append, "append", false, "rooms of other programs that are there already: put what is newer behind what they have")
	l.StringVar(&o.Into, "into", "", "call the room so (a file with one room)")
	l.StringVar(&o.Prefix, "prefix", "", "put this before the names of all rooms")
	l.StringVar(&zone, "zone", "UTC", "time zone of logs that have none, such as Europe/Berlin or Local")
	l.IntVar(&o.TextBytesMax, "text-bytes-max", 0, "the server's --text-bytes-max, if it is not the default: longer messages of other programs are split")
	l.BoolVar(&f.quiet, "quiet", false, "no progress")
	c.RunE = func(c *cobra.Command, files []string) (err error) {
		if o.Zone, err = time.LoadLocation(zone); err != nil {
			return usageError{fmt.Errorf("there is no time zone %q", zone)}
		}
		if o.Format != "" && !slices.Contains(names, o.Format) {
			return usageError{fmt.Errorf("there is no format %q: give one of %s", o.Format, strings.Join(names, ", "))}
		}
		if o.Into != "" && len(files) > 1 {
			return usageError{errors.New("--into is for one file: several rooms can not have one name")}
		}
		if users != "" {
			if o.Users, err = readUsersMap(users); err != nil {
				return usageError{err}
			}
		}
		return printable(importFiles(c, &f, o, files))
	}
	return c
}

// readUsersMap reads the file of --users.
func readUsersMap(path string) (m map[string]string, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, usersMapBytesMax+1))
	if err == nil && len(b) > usersMapBytesMax {
		err = fmt.Errorf("it has more than %d bytes", usersMapBytesMax)
	}
	if err == nil {
		err = json.Unmarshal(b, &m)
	}
	if err != nil {
		return nil, fmt.Errorf("the map of users %s is no object of JSON with names: %w", path, err)
	}
	return m, nil
}

func importFiles(c *cobra.Command, f *operateFlags, o transfer.Options, files []string) (err error) {
	ctx := c.Context()
	for _, file := range files {
		if _, err := os.Stat(file); err != nil {
			return usageError{err}
		}
	}
	target := control.Remote(f.data)
	_, err = control.Ask(ctx, f.data, control.Request{Do: "ping"}, noTell)
	if errors.Is(err, control.ErrNobody) {
		nobody := err
		var done func() error
		if target, done, err = f.openTarget(c); chat.CodeOf(err) == chat.CodeAlreadyRunning {
			err = fmt.Errorf("%w (it does not answer at its socket: %w)", err, nobody)
		}
		if err == nil {
			defer func() { err = errors.Join(err, done()) }()
		}
	}
	if err != nil {
		return typedExit(err)
	}
	show, end := f.progress()
	o.Progress = transfer.Progress(show)
	r, err := transfer.Import(ctx, target, files, o)
	end()
	if printed := f.print(c, r, func() string { return importText(r) }); printed != nil {
		return errors.Join(err, printed)
	}
	switch {
	case errors.Is(err, transfer.ErrLeftOut):
		return exitError{err, exitLeftOut}
	case errors.Is(err, transfer.ErrNotWritten):
		return fmt.Errorf("%w: what is wrong stands above; --skip-bad imports the rest", err)
	case err != nil && !r.DryRun:
		return fmt.Errorf("%w (what was written until then is there; the same import goes on behind it)", typedExit(err))
	}
	return typedExit(err)
}

// openTarget opens the store of a server that does not run.
func (f *operateFlags) openTarget(c *cobra.Command) (transfer.Target, func() error, error) {
	if f.store == "" {
		if _, err := os.Stat(filepath.Join(f.data, "sarang.db")); errors.Is(err, os.ErrNotExist) {
			return nil, nil, exitError{fmt.Errorf("there is no server's data in the folder %s: give --data", f.data), exitNothing}
		}
	}
	s, err := store.Open(c.Context(), cmp.Or(f.store, store.DefaultURL(f.data)), store.Options{})
	if err != nil {
		return nil, nil, err
	}
	return (&control.Operations{Store: s, Now: time.Now}).ImportTarget(), s.Close, nil
}

// importText is a report for people.
func importText(r *transfer.Report) string {
	s := ""
	for _, told := range r.Told {
		s += told + "\n"
	}
	did := ""
	if r.DryRun {
		did = "to be "
	}
	s += fmt.Sprintf("users: %d %smade, %d there already\nrooms: %d %smade, %d there already, %d refused\nevents: %d %swritten, %d there already, %d refused\n",
		r.UsersMade, did, r.UsersThere, r.RoomsMade, did, r.RoomsThere, r.RoomsRefused, r.EventsWritten, did, r.EventsThere, r.EventsRefused)
	for _, part := range []struct {
		what string
		of   map[string]uint64
	}{{"changed", r.Changed}, {"left out", r.LeftOut}} {
		for _, why := range slices.Sorted(maps.Keys(part.of)) {
			s += fmt.Sprintf("%s: %d %s\n", part.what, part.of[why], why)
		}
	}
	if r.Faults > 0 {
		s += fmt.Sprintf("faults: %d\n", r.Faults)
	}
	return s
}
