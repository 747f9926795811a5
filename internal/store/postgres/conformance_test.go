package postgres_test

import (
	"context"
	"flag"
	"os"
	"testing"

	"go.uber.org/goleak"

	"sarang/chat"
	"sarang/internal/store/postgres"
	"sarang/internal/store/postgrestest"
	"sarang/internal/store/sqlstore"
	"sarang/internal/store/storetest"
)

func TestMain(m *testing.M) {
	childMain()
	code := postgrestest.Main(m)
	if code == 0 {
		if err := goleak.Find(); err != nil {
			println(err.Error())
			code = 1
		}
	}
	os.Exit(code)
}

func opener(url string) storetest.Opener {
	return func(ctx context.Context) (chat.Store, error) { return open(ctx, url) }
}

func open(ctx context.Context, url string) (*sqlstore.Store, error) {
	return postgres.Open(ctx, postgres.Config{URL: url, Store: sqlstore.Config{ReadersMax: 2, Unsafe: true}})
}

func TestConformance(t *testing.T) {
	fewerChecks(t, "6")
	t.Run("alone", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) storetest.Opener { return opener(postgrestest.Fresh(t)) })
	})
	t.Run("shared", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) storetest.Opener { return storetest.Share(opener(postgrestest.Fresh(t)), 2) })
	})
}

// Two hubs, each with a store of its own on the same data.
func TestHubs(t *testing.T) {
	fewerChecks(t, "10")
	storetest.RunHubs(t, func(t *testing.T) storetest.Opener { return opener(postgrestest.Fresh(t)) }, 2)
}

// fewerChecks has property tests make so many runs, unless somebody has said how many:
// each makes tables.
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
