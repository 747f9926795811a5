package sqlite_test

import (
	"context"
	"flag"
	"testing"

	"go.uber.org/goleak"

	"sarang/chat"
	"sarang/internal/store/sqlite"
	"sarang/internal/store/storetest"
)

func TestMain(m *testing.M) {
	childMain()
	goleak.VerifyTestMain(m)
}

func TestConformance(t *testing.T) {
	if slow || testing.Short() {
		fewerChecks(t, "15")
	}
	for _, mode := range []sqlite.SyncMode{sqlite.ProcessSafe, sqlite.PowerSafe} {
		if slow && mode == sqlite.PowerSafe {
			continue // each case makes a database, which takes seconds
		}
		t.Run(mode.String(), func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) storetest.Opener {
				dir := t.TempDir()
				return func(ctx context.Context) (chat.Store, error) {
					return sqlite.Open(ctx, sqlite.Config{Dir: dir, Sync: mode, ReadersMax: 2})
				}
			})
		})
	}
}

// Two hubs in one process: the file can be open once.
func TestHubs(t *testing.T) {
	if slow { // each run makes a database
		fewerChecks(t, "12")
	}
	storetest.RunHubs(t, func(t *testing.T) storetest.Opener {
		dir := t.TempDir()
		return func(ctx context.Context) (chat.Store, error) {
			return sqlite.Open(ctx, sqlite.Config{Dir: dir, Sync: sqlite.ProcessSafe, ReadersMax: 1})
		}
	}, 1)
}

// fewerChecks has property tests make so many runs, unless somebody has said how many.
func fewerChecks(t *testing.T, runs string) {
	t.Helper()
	checks := flag.Lookup("rapid.checks")
	if checks == nil || checks.Value.String() != checks.DefValue {
		return
	}
	if err := checks.Value.Set(runs); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = checks.Value.Set(checks.DefValue) })
}
