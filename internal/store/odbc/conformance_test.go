//go:build odbc

package odbc_test

import (
	"context"
	"flag"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"sarang/chat"
	"sarang/internal/store/odbc"
	"sarang/internal/store/postgrestest"
	"sarang/internal/store/sqlstore"
	"sarang/internal/store/storetest"
)

func TestMain(m *testing.M) {
	code := postgrestest.Main(m)
	if code == 0 {
		if err := goleak.Find(); err != nil {
			println(err.Error())
			code = 1
		}
	}
	os.Exit(code)
}

func opener(dsn string) storetest.Opener {
	return func(ctx context.Context) (chat.Store, error) {
		return odbc.Open(ctx, odbc.Config{DSN: dsn, Store: sqlstore.Config{ReadersMax: 2, Unsafe: true}})
	}
}

// installed skips the test where the driver manager does not know the driver.
func installed(t *testing.T, name string) {
	t.Helper()
	out, err := exec.Command("odbcinst", "-q", "-d", "-n", name).CombinedOutput()
	if err != nil {
		t.Skipf("no ODBC driver %q: %v, %s", name, err, strings.TrimSpace(string(out)))
	}
}

// overPostgres returns the DSN of an empty schema.
func overPostgres(t *testing.T) string {
	t.Helper()
	u, err := url.Parse(postgrestest.Fresh(t))
	if err != nil {
		t.Fatal(err)
	}
	return "Driver={PostgreSQL Unicode};Server=" + u.Hostname() + ";Port=" + u.Port() + ";UID=" + u.User.Username() +
		";Database=" + strings.TrimPrefix(u.Path, "/") + ";Protocol=7.4-1;MaxLongVarcharSize=0;" +
		"ConnSettings=SET+search_path+TO+" + u.Query().Get("search_path") + ";"
}

func overSQLite(t *testing.T) string {
	t.Helper()
	return "Driver={SQLite3};Database=" + filepath.Join(t.TempDir(), "sarang.db") + ";Timeout=10000;"
}

func TestConformance(t *testing.T) {
	fewerChecks(t, "6")
	t.Run("PostgreSQL", func(t *testing.T) {
		installed(t, "PostgreSQL Unicode")
		storetest.Run(t, func(t *testing.T) storetest.Opener { return opener(overPostgres(t)) })
	})
	t.Run("SQLite", func(t *testing.T) {
		installed(t, "SQLite3")
		storetest.Run(t, func(t *testing.T) storetest.Opener { return opener(overSQLite(t)) })
	})
}

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
