package simulate_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"sarang/internal/simulate"
)

var (
	mutate      = flag.String("mutate", "", `for TestMutations: "all", "few", or a part of a name`)
	mutantSeeds = flag.Int("mutantseeds", 0, "for TestMutant: how many seeds to try")
)

// Mutants are tried with seeds of their own; so many of them at most.
const (
	mutantFirst    = 1000
	mutantSeedsMax = 300
	mutantTimeout  = 3 * time.Minute
)

// root is the module's folder.
const root = "../.."

// TestMutationsApply keeps the table true to the sources.
func TestMutationsApply(t *testing.T) {
	for _, m := range mutations() {
		if _, err := m.apply(); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
	}
}

// apply returns the file with its fault.
func (m *mutation) apply() (string, error) {
	source, err := os.ReadFile(filepath.Join(root, m.file))
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(source), m.old); n != 1 {
		return "", fmt.Errorf("%s has this %d times, not once: %q", m.file, n, m.old)
	}
	return strings.Replace(string(source), m.old, m.new, 1), nil
}

// TestMutant is what a mutant's own test runs: seeds until one fails.
func TestMutant(t *testing.T) {
	for i := range *mutantSeeds {
		r := simulate.Run(mutantFirst+uint64(i), simulate.Options{})
		if r.Failure != "" {
			t.Fatalf("caught after %d seeds by %d: %.200s", i+1, r.Seed, r.Failure)
		}
		fmt.Printf("seed %d passed\n", i+1)
	}
}

// TestMutations breaks the server on purpose, in one way after the other, and expects
// the simulation to notice: scripts/mutations.sh.
func TestMutations(t *testing.T) {
	if *mutate == "" {
		t.Skip("it runs for -mutate=all or -mutate=few")
	}
	tried, caught := 0, 0
	for _, m := range mutations() {
		if *mutate != "all" && !(*mutate == "few" && m.few) && !strings.Contains(m.name, *mutate) {
			continue
		}
		tried++
		verdict, ok := m.try(t)
		if ok {
			caught++
		} else {
			t.Errorf("%s: %s", m.name, verdict)
		}
		fmt.Printf("%-62s %s\n", m.name, verdict)
	}
	fmt.Printf("\n%d mutations, %d caught\n", tried, caught)
	if tried == 0 {
		t.Errorf("no mutation is called %q", *mutate)
	}
}

// try builds the mutant and runs it.
func (m *mutation) try(t *testing.T) (verdict string, caught bool) {
	dir := t.TempDir()
	binary, err := m.build(dir)
	if err != nil {
		return "does not build: " + err.Error(), false
	}
	ctx, cancel := context.WithTimeout(context.Background(), mutantTimeout)
	defer cancel()
	run := exec.CommandContext(ctx, binary, "-test.run=^TestMutant$", fmt.Sprintf("-mutantseeds=%d", mutantSeedsMax))
	out, err := run.CombinedOutput()
	passed := strings.Count(string(out), " passed\n")
	told := regexp.MustCompile(`caught after (\d+) seeds by \d+: .*`).FindString(string(out))
	switch {
	case err == nil:
		return fmt.Sprintf("NOT caught by %d seeds", passed), false
	case ctx.Err() != nil:
		return fmt.Sprintf("caught after %d seeds: it hangs", passed+1), true
	case told != "":
		return told, true
	}
	return fmt.Sprintf("caught after %d seeds: it crashes", passed+1), true
}

// build makes the test binary of the mutant; the sources stay as they are.
func (m *mutation) build(dir string) (string, error) {
	mutated, err := m.apply()
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "mutated.go")
	if err := os.WriteFile(file, []byte(mutated), 0o600); err != nil {
		return "", err
	}
	original, err := filepath.Abs(filepath.Join(root, m.file))
	if err != nil {
		return "", err
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {original: file}})
	if err != nil {
		return "", err
	}
	list := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "mutant.test")
	build := exec.Command("go", "test", "-c", "-vet=off", "-overlay", list, "-o", binary, ".")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return binary, nil
}
