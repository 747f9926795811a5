package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A name that was registered is one's own on another device, by its password; the token that
// was got by it is enough from then on.
func TestChatPassword(t *testing.T) {
	addr := startServer(t)
	dir := t.TempDir()
	secret, wrong := filepath.Join(dir, "secret"), filepath.Join(dir, "wrong")
	for file, text := range map[string]string{secret: "correct horse\nsecond line\n", wrong: "battery staple"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	say := func(token string, args ...string) error {
		_, log, err := talk(t, "hi\n", append([]string{"ann@" + addr, "--plain", "--token-file", filepath.Join(dir, token)}, args...)...)
		if strings.Contains(log, "horse") || err != nil && strings.Contains(err.Error(), "horse") {
			t.Errorf("the password is told: %s, %v", log, err)
		}
		return err
	}
	if err := say("phone", "--register", "--password-file", secret); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{}, {"--password-file", wrong}, {"--register", "--password-file", secret}} {
		if err := say("laptop", args...); err == nil {
			t.Errorf("%q: somebody else is let in", args)
		}
	}
	for range 2 {
		if err := say("laptop", "--password-file", secret); err != nil {
			t.Error(err)
		}
	}
	if err := say("laptop"); err != nil {
		t.Errorf("by the token that the password has brought: %v", err)
	}
	if err := say("phone"); err != nil {
		t.Errorf("by the first one: %v", err)
	}
	for _, args := range [][]string{
		{"--invitation", "x"}, {"--password-file", filepath.Join(dir, "none")}, {"--password-file", dir},
	} {
		var usage usageError
		if err := say("laptop", args...); !errors.As(err, &usage) {
			t.Errorf("%q: %v; want a usage error", args, err)
		}
	}
}
