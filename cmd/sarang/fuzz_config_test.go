package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// FuzzConfigFile reads anything as a configuration file. It must be refused with an
// error or give a configuration that keeps the rules.
func FuzzConfigFile(f *testing.F) {
	f.Add("workers = 2\nidle-timeout = \"2m\"\ndata = \"x\"\n")
	f.Add("[a]\nb = 1\n")
	f.Add("sessions-max = \"x\"\nheartbeat = 5\n")
	f.Add("debug-memory = true\nsync = \"process-safe\"\nhttp = \"off\"\n")
	// Left out is what acts at once: files that are opened, names that are looked up,
	// and the escapes by which a key could be one of those all the same.
	acts := regexp.MustCompile(`log|listen|config|\\`)
	f.Fuzz(func(t *testing.T, text string) {
		if acts.MatchString(text) {
			return
		}
		path := filepath.Join(t.TempDir(), "sarang.toml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := configOfArgs([]string{"--config", path})
		if err != nil {
			return
		}
		if err := c.Validate(); err != nil {
			t.Fatalf("a configuration was taken that is not valid: %v", err)
		}
	})
}
