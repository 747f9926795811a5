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
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sarang/internal/simulate"
)

var (
	mutate      = flag.String("mutate", "", `for TestMutations: "all", "few", or parts of names or promises: "this|that"`)
	markdown    = flag.String("markdown", "", "for TestMutations and TestLong: a file for the table")
	mutantSeeds = flag.Int("mutantseeds", 0, "for TestMutant: how many seeds to try")

	mutantClients = flag.Bool("mutantclients", false, "for TestMutant: clients' views alone are judged")
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
		s := mutantFirst + uint64(i)
		runs := []simulate.Result{simulate.Run(s, simulate.Options{ClientsOnly: *mutantClients})}
		if !*mutantClients {
			runs = append(runs, simulate.RunNodes(s, simulate.Options{}))
		}
		for _, r := range runs {
			if r.Failure != "" {
				t.Fatalf("caught after %d seeds by %d: %.200s", i+1, r.Seed, r.Failure)
			}
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
	var chosen []mutation
	for _, m := range mutations() {
		if m.wanted(*mutate) {
			chosen = append(chosen, m)
		}
	}
	if len(chosen) == 0 {
		t.Fatalf("no mutation is called %q", *mutate)
	}
	verdicts := tryAll(t, chosen)
	table := tableOf(chosen, verdicts)
	fmt.Print("\n", table.text())
	caught := 0
	for i := range chosen {
		if verdicts[i].ok(&chosen[i]) {
			caught++
		} else {
			t.Errorf("%s: %v", chosen[i].name, verdicts[i])
		}
	}
	fmt.Printf("\n%d mutations, %d caught\n", len(chosen), caught)
	if *markdown != "" {
		if err := os.WriteFile(*markdown, []byte(table.markdown()), 0o644); err != nil {
			t.Error(err)
		}
	}
}

// wanted reports whether a selection has the mutation: "all", "few", or parts of names
// and promises, with a | between them.
func (m *mutation) wanted(selection string) bool {
	if selection == "all" || selection == "few" && m.few {
		return true
	}
	for part := range strings.SplitSeq(selection, "|") {
		if strings.Contains(m.name, part) || strings.Contains(m.promise, part) {
			return true
		}
	}
	return false
}

// verdict is what became of a mutant.
type verdict struct {
	seeds   int    // it was caught after so many; 0: not
	by      string // what the simulation said
	clients int    // as seeds, by what clients see alone; 0: not, or not tried
}

func (v verdict) ok(m *mutation) bool { return v.seeds > 0 && (!m.clients || v.clients > 0) }

// tryAll tries mutations, as many at once as there are processors.
func tryAll(t *testing.T, chosen []mutation) []verdict {
	verdicts := make([]verdict, len(chosen))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := int(next.Add(1) - 1); i < len(chosen); i = int(next.Add(1) - 1) {
				m := &chosen[i]
				verdicts[i] = m.try(t)
				fmt.Printf("%-64s %v\n", m.name, verdicts[i])
			}
		})
	}
	wg.Wait()
	return verdicts
}

// try builds the mutant and runs it.
func (m *mutation) try(t *testing.T) verdict {
	binary, err := m.build(t.TempDir())
	if err != nil {
		return verdict{by: "it does not build: " + err.Error()}
	}
	var v verdict
	v.seeds, v.by = hunt(binary)
	if m.clients {
		v.clients, _ = hunt(binary, "-mutantclients")
	}
	return v
}

// hunt runs a mutant's seeds until one fails, and returns how many that took and what
// was said; 0 seeds if none failed.
func hunt(binary string, flags ...string) (seeds int, by string) {
	ctx, cancel := context.WithTimeout(context.Background(), mutantTimeout)
	defer cancel()
	flags = append(flags, "-test.run=^TestMutant$", fmt.Sprintf("-mutantseeds=%d", mutantSeedsMax))
	out, err := exec.CommandContext(ctx, binary, flags...).CombinedOutput()
	passed := strings.Count(string(out), " passed\n")
	told := regexp.MustCompile(`caught after \d+ seeds by \d+: (.*)`).FindStringSubmatch(string(out))
	switch {
	case err == nil:
		return 0, fmt.Sprintf("%d seeds passed", passed)
	case told != nil:
		return passed + 1, told[1]
	case ctx.Err() != nil:
		return passed + 1, "it hangs"
	}
	return passed + 1, "it crashes"
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
