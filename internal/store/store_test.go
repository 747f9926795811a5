package store_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"sarang/chat"
	"sarang/internal/store"
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

func TestParseURL(t *testing.T) {
	for _, c := range []struct{ url, scheme, place string }{
		{"sqlite:data", "sqlite", "data"},
		{"sqlite:./data", "sqlite", "./data"},
		{"sqlite:/var/lib/sarang", "sqlite", "/var/lib/sarang"},
		{"sqlite:///var/lib/sarang", "sqlite", "///var/lib/sarang"},
		{`sqlite:C:\data`, "sqlite", `C:\data`},
		{`sqlite:C:data`, "sqlite", `C:data`},
		{`sqlite:\\host\share`, "sqlite", `\\host\share`},
		{"SQLite:사랑방 1", "sqlite", "사랑방 1"},
		{"postgres://user:secret@host/db", "postgres", "//user:secret@host/db"},
	} {
		scheme, place, err := store.ParseURL(c.url)
		if err != nil || scheme != c.scheme || place != c.place {
			t.Errorf("ParseURL(%q) = %q, %q, %v", c.url, scheme, place, err)
		}
	}
}

func TestBadURLs(t *testing.T) {
	for _, c := range []struct{ url, say string }{
		{"", "no store is given"},
		{"data", "kind and a colon"},
		{"/var/lib/a:b", "kind and a colon"},
		{"./a:b", "kind and a colon"},
		{`C:\data`, "kind and a colon"},
		{`c:data`, "kind and a colon"},
		{":data", `the kind ""`},
		{"sqlite:", `ends behind "sqlite:"`},
		{"mysql://user:secret@host/db", `the kind "mysql"`},
	} {
		_, err := store.Open(t.Context(), c.url, store.Options{})
		if chat.CodeOf(err) != chat.CodeBadRequest || !strings.Contains(err.Error(), c.say) ||
			!strings.Contains(err.Error(), "give sqlite:FOLDER") || strings.Contains(err.Error(), "secret") {
			t.Errorf("Open(%q): %v; want a sentence with %q", c.url, err, c.say)
		}
	}
}

func TestDefaultURL(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	slashes := filepath.ToSlash(dir)
	for _, url := range []string{
		store.DefaultURL("data"), store.DefaultURL(filepath.Join(dir, "data")), "sqlite:data", "sqlite:./data",
		"sqlite://" + slashes + "/data", store.DefaultURL(filepath.Join(dir, "b", "..", "data")),
	} {
		s, err := store.Open(t.Context(), url, store.Options{})
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		if err := s.Close(); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != "data" {
		t.Errorf("the folder holds %v, %v; want data alone", entries, err)
	}
	if got := store.DefaultURL(""); got != "sqlite:" {
		t.Errorf("the URL of no folder is %q, which is to be refused", got)
	}
	if got := store.DefaultURL("//srv/data"); strings.HasPrefix(got, "sqlite://") {
		t.Errorf("DefaultURL of a path with two slashes is %q, which is another one", got)
	}
}

func TestFigures(t *testing.T) {
	s, err := store.Open(t.Context(), store.DefaultURL(t.TempDir()), store.Options{ReadersMax: 3})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.(store.Shrinker).Shrink(t.Context()); err != nil {
		t.Errorf("Shrink: %v", err)
	}
	meter := s.(store.Meter)
	var names []string
	for _, f := range meter.Figures() {
		name := f.Name
		if f.Label != "" {
			name += "{" + f.Label + "=" + f.Of + "}"
		}
		names = append(names, name)
		if f.Help == "" || f.Counter != strings.HasSuffix(f.Name, "_total") {
			t.Errorf("figure %+v", f)
		}
		if name == "store_readers{state=max}" && f.Value != 3 {
			t.Errorf("%s is %v", name, f.Value)
		}
	}
	const want = "store_readers{state=max} store_readers{state=open} store_readers{state=in_use} " +
		"store_read_waits_total store_read_wait_seconds_total store_wal_holds_total store_index_behind store_wal_bytes"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("figures %s\nwant %s", got, want)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if n := len(meter.Figures()); n != len(names) {
		t.Errorf("%d figures after Close", n)
	}
}

// Options arrive at the driver.
func TestOptions(t *testing.T) {
	for _, m := range []store.SyncMode{store.PowerSafe, store.ProcessSafe} {
		var log strings.Builder
		o := store.Options{Sync: m, Logger: slog.New(slog.NewTextHandler(&log, nil))}
		s, err := store.Open(t.Context(), store.DefaultURL(t.TempDir()), o)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if !strings.Contains(log.String(), "sync="+m.String()) {
			t.Errorf("the store says %q; want %v", log.String(), m)
		}
	}
}

func TestSyncMode(t *testing.T) {
	for _, m := range []store.SyncMode{store.PowerSafe, store.ProcessSafe} {
		if got, err := store.ParseSyncMode(m.String()); err != nil || got != m {
			t.Errorf("ParseSyncMode(%q) = %v, %v", m, got, err)
		}
	}
	for _, s := range []string{"", "off", "Power-Safe"} {
		_, err := store.ParseSyncMode(s)
		if chat.CodeOf(err) != chat.CodeBadRequest || !strings.Contains(err.Error(), "power-safe or process-safe") {
			t.Errorf("ParseSyncMode(%q): %v", s, err)
		}
	}
}
