package sqlstore_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"sarang/internal/store/postgres"
	"sarang/internal/store/postgrestest"
	"sarang/internal/store/sqlstore"
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

// Whatever PostgreSQL knows of the tables, each read goes along an index, and nothing is
// compiled for it.
func TestPlans(t *testing.T) {
	url := postgrestest.Fresh(t)
	s, err := postgres.Open(t.Context(), postgres.Config{URL: url, Store: sqlstore.Config{Unsafe: true}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	config, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range sqlstore.SessionSettings() {
		config.RuntimeParams[name] = value
	}
	c, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(context.Background()) }()
	for _, fill := range []string{
		"INSERT INTO users SELECT g, 'u', 'u'||g, '', 1, 1, 'u'||g FROM generate_series(1, 5000) g",
		"INSERT INTO rooms SELECT g, 'r', 'r'||g, 1, 0, 1, 1 FROM generate_series(1, 5000) g",
		"INSERT INTO heads SELECT g, 10, 1, 0 FROM generate_series(1, 5000) g",
		"INSERT INTO messages SELECT r, s, 1, 1, 1, 1, s - 1, 0, 0, 0, 0, 1, 'x' FROM generate_series(1, 5000) r, generate_series(1, 10) s",
		"INSERT INTO authors SELECT 1, g, 10, 10 FROM generate_series(1, 5000) g",
		"INSERT INTO writers SELECT g, 1, '' FROM generate_series(1, 5000) g",
		"INSERT INTO members SELECT g, 1, 1, 0, 1 FROM generate_series(1, 5000) g",
		"INSERT INTO search_marks SELECT g, 10, 1 FROM generate_series(1, 5000) g",
		"INSERT INTO search_places SELECT r * 100 + s, r, s, ' t1 t2 ' FROM generate_series(1, 5000) r, generate_series(1, 10) s",
		"INSERT INTO search_terms SELECT 't' || t, r * 100 + s FROM generate_series(1, 2) t, generate_series(1, 5000) r, generate_series(1, 10) s",
	} {
		if _, err := c.Exec(t.Context(), fill); err != nil {
			t.Fatalf("%s: %v", fill, err)
		}
	}
	checkPlans(t, c)
	if _, err := c.Exec(t.Context(), "ANALYZE"); err != nil {
		t.Fatal(err)
	}
	checkPlans(t, c)
}

func checkPlans(t *testing.T, c *pgx.Conn) {
	t.Helper()
	for query, args := range sqlstore.Reads(sqlstore.PostgreSQL()) {
		rows, err := c.Query(t.Context(), "EXPLAIN "+query, args...)
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		plan := strings.Join(lines, "\n")
		for _, bad := range []string{"Seq Scan", "Hash Join", "Merge Join", "JIT"} {
			if strings.Contains(plan, bad) {
				t.Errorf("%s\n%s", query, plan)
				break
			}
		}
	}
}
