package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"sarang/internal/server"
)

// The page about the limits has all flags, with their defaults.
func TestLimitsPage(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "limits.md"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(page), "\n")
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	limitFlags(flags, server.Default().Hub)
	flags.VisitAll(func(f *pflag.Flag) {
		value := strings.Trim(f.DefValue, "[]")
		for _, line := range lines {
			if strings.Contains(line, "`--"+f.Name+"`") && strings.Contains(line, value) {
				return
			}
		}
		t.Errorf("docs/limits.md has no line with --%s and its default %s", f.Name, value)
	})
}

func TestLimitsFromEverywhere(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sarang.toml")
	if err := os.WriteFile(file, []byte("messages-per-second = 7\nrequests-per-second = 8\ntrusted = [\"10.0.0.0/8\", \"fd00::/8\"]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SARANG_REQUESTS_PER_SECOND", "9")
	c, err := configOfArgs([]string{"--config", file, "--address-connections-max", "0", "--worker-lag-max", "0"})
	if err != nil {
		t.Fatal(err)
	}
	l := c.Hub.Limits
	if l.MessagesPerSecond != 7 || l.RequestsPerSecond != 9 || l.AddressConnectionsMax != 0 || l.MessagesBurst != 60 || c.Hub.WorkerLagMax >= 0 {
		t.Errorf("limits %+v, lag %v", l, c.Hub.WorkerLagMax)
	}
	if got := fmt.Sprint(l.Trusted); got != "[10.0.0.0/8 fd00::/8]" {
		t.Errorf("trusted %s", got)
	}
	t.Setenv("SARANG_TRUSTED", "none")
	if c, err = configOfArgs(nil); err != nil || c.Hub.Limits.Trusted == nil || len(c.Hub.Limits.Trusted) != 0 {
		t.Errorf("trusted none: %v, %v", c.Hub.Limits.Trusted, err)
	}
	if c, err = configOfArgs([]string{"--trusted", "192.0.2.0/24,192.0.3.1"}); err != nil || fmt.Sprint(c.Hub.Limits.Trusted) != "[192.0.2.0/24 192.0.3.1/32]" {
		t.Errorf("trusted by flag: %v, %v", c.Hub.Limits.Trusted, err)
	}
	for _, args := range [][]string{
		{"--messages-per-second=-1"},
		{"--trusted=there"},
		{"--trusted=none,10.0.0.0/8"},
		{"--addresses-max=0"},
		{"--store-queue-max=0"},
		{"--publish-bytes-pending-max=1"},
		{"--receive-bytes-per-second=1023"},
		{"--worker-lag-max=1ms"},
		{"--logins-failed-max=201"},
	} {
		flag := strings.TrimPrefix(strings.Split(args[0], "=")[0], "--")
		if _, err := configOfArgs(args); err == nil || !strings.Contains(err.Error(), flag) {
			t.Errorf("%v: %v", args, err)
		}
	}
}
