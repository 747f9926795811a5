package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sarang/internal/store/postgrestest"
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

func TestFlags(t *testing.T) {
	for _, args := range []string{"--parts nothing", "--stores mysql", "--rounds 0", "--rooms 10 --messages 9", "--searched-rooms 4097"} {
		c := command()
		c.SetArgs(strings.Fields(args))
		if err := c.Execute(); err == nil || !strings.Contains(err.Error(), "--") {
			t.Errorf("%s: %v", args, err)
		}
	}
}

// Every part but that with servers measures something, of the schema that there is today.
func TestMeasure(t *testing.T) {
	o := options{
		parts: []string{"commit", "writers", "start", "search"}, stores: []string{"sqlite", "postgres"},
		rounds: 1, each: 5 * time.Millisecond, rooms: 20, messages: 400, clients: 1, searchedRooms: 10,
	}
	if err := postgrestest.Missing(); err != nil {
		t.Logf("without PostgreSQL: %v", err)
		o.stores, o.parts = o.stores[:1], []string{"commit", "start", "search"}
	}
	var out strings.Builder
	if err := measure(t.Context(), o, &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, part := range o.parts {
		if !strings.Contains(out.String(), "## "+part) {
			t.Errorf("nothing is told of %s:\n%s", part, out.String())
		}
	}
	if strings.Contains(out.String(), "NaN") {
		t.Errorf("a figure is none:\n%s", out.String())
	}
}

func TestRatios(t *testing.T) {
	table := newTable()
	for _, v := range []float64{10, 20, 90} {
		table.add("row", "sqlite", v, true)
		table.add("row", "postgres", 2*v, true)
	}
	table.add("alone", "postgres", 1234.5, true)
	var out strings.Builder
	table.write(&out, []string{"sqlite", "postgres"})
	const want = "|  | sqlite | postgres | postgres / sqlite |\n|---|---|---|---|\n| row | 20.0 | 40.0 | 2.00 |\n| alone | – | 1234 |  |\n"
	if out.String() != want {
		t.Errorf("the table is\n%s\nwant\n%s", out.String(), want)
	}
}
