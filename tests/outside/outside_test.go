//go:build unix

package outside_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	// What the game is built on: its result is not to be cached when they change.
	_ "sarang/aio"
	_ "sarang/engine"
	_ "sarang/packet"
)

// heading begins the paragraph of README.md whose commands are run here.
const heading = "## Your own game on the core"

// The commands of README.md make a module of its own that builds and runs.
func TestGameInItsOwnModule(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	script := commands(t, filepath.Join(root, "README.md"))
	dir := t.TempDir()
	link(t, root, filepath.Join(dir, "sarang")) // beside which the commands put the game

	// The checksums of the project's own dependencies, so that no server is asked.
	game := filepath.Join(dir, "game")
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err == nil {
		err = os.Mkdir(game, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(game, "go.sum"), sums, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}

	c := exec.CommandContext(t.Context(), "sh", "-euc", script)
	c.Dir = dir
	c.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, script, out)
	}
	if want := "the hall says \"hello\"\n"; !strings.HasSuffix(string(out), want) {
		t.Errorf("the game printed\n%s\nwant %s", out, want)
	}
}

// commands returns the first block of code below the heading.
func commands(t *testing.T, readme string) string {
	t.Helper()
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), heading+"\n")
	if found {
		_, rest, found = strings.Cut(rest, "\n```\n")
	}
	block, _, closed := strings.Cut(rest, "\n```\n")
	if !found || !closed {
		t.Fatalf("README.md has no block of commands below %q", heading)
	}
	return block
}

func link(t *testing.T, to, from string) {
	t.Helper()
	if err := os.Symlink(to, from); err != nil {
		t.Fatal(err)
	}
}
