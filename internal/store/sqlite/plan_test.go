package sqlite_test

import (
	"path/filepath"
	"strings"
	"testing"

	"sarang/internal/store/sqlite"
)

// No query walks a table, or sorts: the work is that of what it answers.
func TestQueriesUseKeys(t *testing.T) {
	dir := t.TempDir()
	open(t, sqlite.Config{Dir: dir})
	db := other(t, filepath.Join(dir, sqlite.DatabaseFile))
	for query, values := range sqlite.Queries() {
		rows, err := db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, make([]any, values)...)
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		var steps []string
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			steps = append(steps, detail)
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
		for _, step := range steps {
			if strings.HasPrefix(step, "SCAN") && step != "SCAN said" && !strings.HasPrefix(step, "SCAN (subquery-") || strings.Contains(step, "TEMP B-TREE") {
				t.Errorf("%s\n%s", query, strings.Join(steps, "\n"))
			}
		}
		t.Logf("%s\n%s", query, strings.Join(steps, "\n"))
	}
}
