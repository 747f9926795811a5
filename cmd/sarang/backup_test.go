package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"sarang/internal/store"
)

// run runs a command as main does, and returns its output and the exit code.
func run(t *testing.T, c *cobra.Command, args ...string) (out string, code int, err error) {
	t.Helper()
	var b bytes.Buffer
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetOut(&b)
	c.SetErr(&b)
	c.SetArgs(args)
	if err = c.ExecuteContext(t.Context()); err != nil {
		code = exitCode(err)
	}
	return b.String(), code, err
}

func TestBackupRestoreCheck(t *testing.T) {
	data, to := t.TempDir(), t.TempDir()
	fill(t, "sqlite:"+data)
	file, other := filepath.Join(to, "b.db"), filepath.Join(to, "other")
	const whole = "1 users, 1 rooms, 3 events, 0 files: 0 faults\n"
	if out, code, err := run(t, backupCommand(), "--data", data, "--quiet", file); code != 0 || !strings.HasSuffix(out, whole) {
		t.Fatalf("%d, %v\n%s", code, err, out)
	}
	if left, err := os.ReadDir(to); err != nil || len(left) != 1 {
		t.Errorf("the backup left %v, %v", left, err)
	}
	if _, code, err := run(t, backupCommand(), "--data", data, file); code != exitUsage {
		t.Errorf("over a file that is there: %d, %v", code, err)
	}
	if _, code, err := run(t, backupCommand(), "--data", filepath.Join(to, "none"), filepath.Join(to, "c.db")); code != exitNothing {
		t.Errorf("of a folder without data: %d, %v", code, err)
	}
	out, code, err := run(t, restoreCommand(), "--json", file, other)
	var r checkedResult
	if code != 0 || json.Unmarshal([]byte(out), &r) != nil || r.Events != 3 || r.Faults != 0 {
		t.Fatalf("%d, %v\n%s", code, err, out)
	}
	if _, code, err := run(t, restoreCommand(), file, other); code != exitUsage {
		t.Errorf("over a database: %d, %v", code, err)
	}
	if out, code, err := run(t, checkCommand(), other); code != 0 || !strings.HasSuffix(out, whole) {
		t.Errorf("%d, %v\n%s", code, err, out)
	}
	if _, code, _ := run(t, checkCommand(), to); code != exitNothing {
		t.Errorf("a check of a folder without a database: %d", code)
	}
}

// A folder that another process has, which answers at no socket, is left alone, and so is
// what is damaged.
func TestBackupRefused(t *testing.T) {
	data, to := t.TempDir(), t.TempDir()
	fill(t, "sqlite:"+data)
	s, err := store.Open(t.Context(), "sqlite:"+data, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]func() (string, int, error){
		"backup":  func() (string, int, error) { return run(t, backupCommand(), "--data", data, filepath.Join(to, "b.db")) },
		"check":   func() (string, int, error) { return run(t, checkCommand(), data) },
		"restore": func() (string, int, error) { return run(t, restoreCommand(), filepath.Join(to, "b.db"), data) },
	} {
		if _, code, err := c(); code != exitBusy || !strings.Contains(err.Error(), "another server") {
			t.Errorf("%s: %d, %v", what, code, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(to); err != nil || len(left) != 0 {
		t.Errorf("refused backups left %v, %v", left, err)
	}
	file := filepath.Join(data, "sarang.db")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append(text[:len(text)-9000], make([]byte, 9000)...), 0o600); err != nil {
		t.Fatal(err)
	}
	_, code, err := run(t, checkCommand(), data)
	if code != exitFailed || errors.As(err, new(usageError)) {
		t.Errorf("a check of a damaged database: %d, %v", code, err)
	}
	if _, code, err = run(t, backupCommand(), "--data", data, filepath.Join(to, "b.db")); code != exitFailed {
		t.Errorf("a backup of a damaged database: %d, %v", code, err)
	}
}
