package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"sarang/chat"
	"sarang/internal/control"
	"sarang/internal/store"
)

func backupCommand() *cobra.Command {
	var f operateFlags
	c := &cobra.Command{
		Use:   "backup FILE",
		Short: "Make a backup of a server that runs, or of its data",
		Long: "Make a copy of the database in FILE, which must not be there: as it is at one\n" +
			"moment, with everything that was acknowledged before. The server goes on; it\n" +
			"writes into the folder FILE.partial, and this program looks through the copy,\n" +
			"as 'sarang check' does, before it gets its name. The bytes of files that messages\n" +
			"name are copied to the folder FILE.files. A database server has backups of its own." + operateHelp,
		Example: "  sarang backup --data /var/lib/sarang /backup/sarang-$(date +%F).db",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE:    func(c *cobra.Command, args []string) error { return printable(backup(c, &f, args[0])) },
	}
	f.add(c)
	c.Flags().BoolVar(&f.quiet, "quiet", false, "no progress")
	return c
}

// checkedResult is what a backup, a restore and a check tell.
type checkedResult struct {
	File   string   `json:"file,omitempty"`
	Bytes  int64    `json:"bytes,omitempty"`
	Users  uint64   `json:"users"`
	Rooms  uint64   `json:"rooms"`
	Events uint64   `json:"events"`
	Erased uint64   `json:"erased"` // older events, of which nothing is known
	Faults uint64   `json:"faults"`
	Files  uint64   `json:"files"`
	Gone   uint64   `json:"files_gone,omitempty"` // erased while the backup was made
	Told   []string `json:"told,omitempty"`       // the first faults
}

func checked(a *store.Audited) checkedResult {
	return checkedResult{Users: a.Users, Rooms: a.Rooms, Events: a.Events, Erased: a.Erased, Faults: a.Faults, Told: a.Told}
}

func (r checkedResult) text(before string) string {
	s := ""
	for _, fault := range r.Told {
		s += fault + "\n"
	}
	erased := ""
	if r.Erased > 0 {
		erased = fmt.Sprintf(" (%d older ones were erased)", r.Erased)
	}
	return s + fmt.Sprintf("%s%d users, %d rooms, %d events%s, %d files: %d faults\n", before, r.Users, r.Rooms, r.Events, erased, r.Files, r.Faults)
}

// tellChecked prints what a check has found, and fails if that is a fault.
func (f *operateFlags) tellChecked(c *cobra.Command, r checkedResult, before string, faulty error) error {
	if err := f.print(c, r, func() string { return r.text(before) }); err != nil {
		return err
	}
	if r.Faults > 0 {
		return faulty
	}
	return nil
}

func backup(c *cobra.Command, f *operateFlags, file string) (err error) {
	if file, err = filepath.Abs(file); err != nil {
		return err
	}
	if _, err := os.Lstat(file); err == nil {
		return usageError{fmt.Errorf("%s is there already: a backup is not written over another file", file)}
	}
	partial := file + ".partial"
	if err := os.Mkdir(partial, 0o700); errors.Is(err, os.ErrExist) {
		return fmt.Errorf("there is %s, of a backup that is being made or was interrupted: remove it, if nobody makes one", partial)
	} else if err != nil {
		return err
	}
	show, end := f.progress()
	a, made, files, err := makeBackup(c.Context(), f, partial, file, show)
	end()
	if err != nil {
		return errors.Join(err, os.RemoveAll(partial))
	}
	r := checked(a)
	r.Files, r.Gone = uint64(files.copied), uint64(files.gone)
	r.File, r.Bytes = file, made.Bytes
	return f.tellChecked(c, r, fmt.Sprintf("%s, %d bytes: ", file, made.Bytes),
		fmt.Errorf("the copy has faults, and so has the server's data, or its disk: it stays in %s", partial))
}

func makeBackup(ctx context.Context, f *operateFlags, partial, file string, show store.Progress) (
	a *store.Audited, made control.BackupResult, with copiedFiles, err error,
) {
	tell := func(a control.Answer) {
		if p := a.Progress; p != nil {
			show(p.What, p.Done, p.Total)
		}
	}
	if made, err = ask[control.BackupResult](ctx, f, "backup", control.BackupArgs{Dir: partial}, tell); err != nil {
		return nil, made, with, err
	}
	if with, err = backupFiles(ctx, partial, f.data, filesOf(file)); err != nil {
		return nil, made, with, err
	}
	a, err = store.FinishBackup(ctx, partial, file, show)
	return a, made, with, err
}

func restoreCommand() *cobra.Command {
	var f operateFlags
	c := &cobra.Command{
		Use:   "restore FILE DATA",
		Short: "Put a backup into a data folder",
		Long: "Put a backup, what 'sarang backup' has made, into a data folder that has no\n" +
			"database: it is looked through first, and then all of it is there, or nothing.\n" +
			"Files are taken from the folder FILE.files, if there is one.\n" +
			"Every room's log begins a new epoch: numbers that were given out behind the\n" +
			"backup are given out again, and nobody takes the new events for those that he\n" +
			"has seen. Clients that are still there leave their rooms and say so.\n\n" +
			"Exit status: 0 it is done, 1 it failed, 2 the arguments make no sense, 4 a server\n" +
			"has the data folder.",
		Example: "  sarang restore /backup/sarang-2026-11-30.db /var/lib/sarang",
		Args:    usageArgs(cobra.ExactArgs(2)),
		RunE: func(c *cobra.Command, args []string) error {
			show, end := f.progress()
			copied, err := restoreFiles(c.Context(), args[0], args[1])
			if err != nil {
				end()
				return printable(err)
			}
			a, err := store.Restore(c.Context(), args[0], args[1], show)
			end()
			if err == nil && a.Faults == 0 {
				err = noteRestore(c.Context(), args[0], args[1])
			}
			if err != nil {
				return printable(typedExit(err))
			}
			r := checked(a)
			r.Files = uint64(copied)
			return printable(f.tellChecked(c, r, args[1]+": ", errors.New("the backup has faults; nothing was restored")))
		},
	}
	f.addAlone(c)
	return c
}

// noteRestore writes into the audit log of a data folder where its data is from.
func noteRestore(ctx context.Context, file, data string) error {
	b, err := json.Marshal(control.NoteArgs{Act: chat.AuditRestore, What: file})
	if err == nil {
		_, err = (&operateFlags{data: data}).here(ctx, control.Request{Do: "audit-note", Args: b}, noTell)
	}
	return err
}

// addAlone adds the flags of commands that ask no server.
func (f *operateFlags) addAlone(c *cobra.Command) {
	c.Flags().SortFlags = false
	c.Flags().BoolVar(&f.json, "json", false, "print the result as JSON")
	c.Flags().BoolVar(&f.quiet, "quiet", false, "no progress")
}

func checkCommand() *cobra.Command {
	var f operateFlags
	c := &cobra.Command{
		Use:   "check DATA",
		Short: "Look whether a data folder is sound",
		Long: "Look through the database of a data folder: the file itself, whether all logs are\n" +
			"whole, and whether what is said of users and rooms follows from them. No server may\n" +
			"run on it: of one that runs, make a backup, which is looked through as well. The bytes\n" +
			"of files are read, too, and compared with their hashes.\n\n" +
			"Exit status: 0 it is sound, 1 it is not or can not be read, 2 the arguments make no\n" +
			"sense, 3 there is no database, 4 a server has the folder.",
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			if _, err := os.Stat(filepath.Join(args[0], "sarang.db")); errors.Is(err, os.ErrNotExist) {
				return exitError{fmt.Errorf("there is no database in %s", args[0]), exitNothing}
			}
			show, end := f.progress()
			a, err := store.CheckFolder(c.Context(), args[0], show)
			end()
			if err != nil {
				return printable(typedExit(err))
			}
			r := checked(a)
			if err := checkFiles(c.Context(), args[0], &r); err != nil {
				return printable(typedExit(err))
			}
			return printable(f.tellChecked(c, r, args[0]+": ", errStoreFaulty))
		},
	}
	f.addAlone(c)
	return c
}
