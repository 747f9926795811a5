package main

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"sarang/chat"
	"sarang/internal/control"
	"sarang/internal/store"
	"sarang/internal/transfer"
)

func export(t *testing.T, args ...string) (out string, code int) {
	t.Helper()
	out, code, _ = run(t, exportAllCommand(), args...)
	return out, code
}

// made is the data folder of a server that holds nothing.
func made(t *testing.T) string {
	t.Helper()
	data, err := os.MkdirTemp("", "sarang") // its path fits into a socket's
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(data) })
	s, err := store.Open(t.Context(), store.DefaultURL(data), store.Options{Sync: store.ProcessSafe})
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// What is exported comes in elsewhere, into the data of a stopped server and into one that runs.
func TestExportImport(t *testing.T) {
	from, stopped, running := t.TempDir(), made(t), made(t)
	fill(t, "sqlite:"+from)
	speak(t, "sqlite:"+from)
	text, code := export(t, "--data", from)
	if code != 0 || strings.Count(text, "\n") != 7 {
		t.Fatalf("%d\n%s", code, text)
	}
	file := filepath.Join(t.TempDir(), "all.jsonl")
	if out, code := export(t, "--data", from, "--quiet", "-o", file); code != 0 || !strings.HasSuffix(out, ": 1 users, 1 rooms, 3 events\n") {
		t.Fatalf("%d\n%s", code, out)
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != text {
		t.Fatalf("%v\n%s", err, b)
	}
	s, err := store.Open(t.Context(), store.DefaultURL(running), store.Options{Sync: store.ProcessSafe})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	o := &control.Operations{Store: s, Now: time.Now}
	targets := []string{stopped, running}
	server, err := control.Listen(t.Context(), running, o, slog.New(slog.DiscardHandler))
	switch {
	case err == nil:
		defer server.Close()
	case runtime.GOOS == "windows": // Wine has no local sockets
		t.Logf("a running server is not tried: %v", err)
		targets = targets[:1]
	default:
		t.Fatal(err)
	}
	for _, data := range targets {
		out, code, err := run(t, importCommand(), "--data", data, "--quiet", "--dry-run", file)
		if code != 0 || !strings.Contains(out, "events: 3 to be written, 0 there already, 0 refused\n") {
			t.Fatalf("%d, %v\n%s", code, err, out)
		}
		for i, want := range []transfer.Report{
			{Format: "sarang", UsersMade: 1, RoomsMade: 1, EventsWritten: 3},
			{Format: "sarang", UsersThere: 1, RoomsThere: 1, EventsThere: 3},
		} {
			out, code, err := run(t, importCommand(), "--data", data, "--quiet", "--json", file)
			var r transfer.Report
			if code != 0 || json.Unmarshal([]byte(out), &r) != nil {
				t.Fatalf("%d, %v\n%s", code, err, out)
			}
			w, _ := json.Marshal(want)
			if g, _ := json.Marshal(r); string(g) != string(w) {
				t.Errorf("import %d into %s: %s, want %s", i, data, g, w)
			}
		}
		if again, code := export(t, "--data", data); code != 0 || again != text {
			t.Errorf("exit %d: exported\n%s\nand then\n%s", code, text, again)
		}
		out, code, err = run(t, auditCommand(), "--data", data)
		if code != 0 || strings.Count(out, " restore import all.jsonl, ") != 1 || strings.Count(out, " export everything, ") != 1 {
			t.Errorf("the audit log: %d, %v\n%s", code, err, out)
		}
	}
}

func TestExportImportUsage(t *testing.T) {
	data := made(t)
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	bad := write("bad.jsonl", `{"type":"sarang-export","version":1}`+"\n{}\n"+`{"type":"end"}`+"\n")
	future := write("future.jsonl", `{"type":"sarang-export","version":2}`+"\n")
	unknown, users := write("unknown", "hello"), write("users.json", "[1]")
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"export nowhere --data " + data, exitNothing, ""},
		{"export a b", exitUsage, ""},
		{"export --data " + dir, exitNothing, ""},
		{"export -o " + bad + " --data " + data, exitUsage, ""},
		{"import", exitUsage, ""},
		{"import nowhere --data " + data, exitUsage, ""},
		{"import " + bad + " --data " + dir, exitNothing, ""},
		{"import " + bad + " --data " + data, exitFailed, "line 2: there is no type \"\"\n"},
		{"import --skip-bad " + bad + " --data " + data, exitLeftOut, "faults: 1\n"},
		{"import " + future + " --data " + data, exitUsage, ""},
		{"import " + unknown + " --data " + data, exitUsage, ""},
		{"import --format x " + bad + " --data " + data, exitUsage, ""},
		{"import --zone Nowhere/Land " + bad + " --data " + data, exitUsage, ""},
		{"import --users " + users + " " + bad + " --data " + data, exitUsage, ""},
		{"import --into x " + bad + " " + bad + " --data " + data, exitUsage, ""},
		{"import " + dir + " --data " + data, exitFailed, ""},
	} {
		root := group("sarang", "", "", exportAllCommand(), importCommand())
		out, code, err := run(t, root, append(strings.Fields(c.args), "--quiet")...)
		if code != c.code || !strings.Contains(out, c.want) {
			t.Errorf("sarang %s: exit %d, %v; want %d and %q\n%s", c.args, code, err, c.code, c.want, out)
		}
	}
	s, err := store.Open(t.Context(), store.DefaultURL(data), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if rooms, err := s.(chat.Archive).AllRooms(t.Context(), 0, 1); err != nil || len(rooms) > 0 {
		t.Errorf("%v, %v", rooms, err)
	}
}
