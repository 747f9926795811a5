package archtest

import (
	"slices"
	"strings"
	"testing"
)

// A check that never fails would pass as well: these are the violations that it must
// find, and their lawful neighbours.

func TestImportRule(t *testing.T) {
	cases := []struct {
		from, to    string
		test, whole bool // whole: no fault
	}{
		{"mem", "lock", false, true},
		{"lock", "mem", false, false},
		{"aio", "mem", false, true},
		{"aio", "packet", false, false},
		{"engine", "packet", false, false},
		{"engine", "packet", true, true},
		{"packet", "engine", false, true},
		{"aio/aiosim", "aio", false, true},
		{"aio/aiotest", "engine", false, false},
		{"engine", "aio/aiosim", false, true},
		{"engine", "aio/aiosim", true, true},
		{"packet", "chat", false, false},
		{"packet", "chat", true, false},
		{"engine", "proto/sarang/v1", true, false},
		{"lock", "engine", true, true},
		{"chat", "chat/chattest", false, true},
		{"chat", "engine", false, false},
		{"chat", "client", false, false},
		{"client", "engine", false, true},
		{"client", "proto/sarang/v1", false, true},
		{"client", "client/session", false, true},
		{"client", "client/internal/clienttest", true, true},
		{"client/session", "proto/sarang/v1", false, true},
		{"client/session", "internal/hub", false, false},
		{"internal/swarm", "client/session", false, true},
		{"client", "internal/server", false, false},
		{"client", "internal/server", true, true},
		{"internal/room", "chat", false, true},
		{"internal/node", "internal/gateway/native", false, true},
		{"internal/node", "internal/hub", false, true},
		{"internal/server", "internal/node", false, true},
		{"internal/server", "internal/gateway/native", false, false},
		{"internal/simulate", "internal/gateway/native", true, true},
		{"internal/hub", "internal/gateway/native", false, false},
		{"internal/hub", "packet", false, false},
		{"internal/hub", "proto/sarang/v1", false, false},
		{"internal/hub/queue", "packet", false, false},
		{"internal/hub", "engine", false, true},
		{"internal/hubbub", "packet", false, true},
		{"internal/gateway/native", "internal/hub", false, true},
		{"internal/gateway/native", "packet", false, true},
		{"internal/gateway/native", "internal/gateway", false, true},
		{"internal/gateway", "internal/gateway/native", false, false},
		{"internal/node", "internal/gateway", false, true},
		{"internal/server", "internal/gateway", false, false},
		{"internal/gateway/ws", "websocket", false, true},
		{"client", "websocket", false, true},
		{"internal/hub", "websocket", false, false},
		{"websocket", "chat", true, false},
		{"websocket", "packet", false, true},
		{"internal/gateway/native", "internal/gateway/native/wire", false, true},
		{"internal/gateway/native", "internal/gateway/ws", false, false},
		{"internal/store", "internal/store/sqlite", false, true},
		{"internal/store", "internal/store/postgres", false, true},
		{"internal/server", "internal/store", false, true},
		{"internal/server", "internal/store/sqlite", false, true},
		{"internal/store/sqlite", "internal/store/sqlite/migrations", false, true},
		{"internal/store/sqlite", "internal/store/postgres", false, false},
		{"internal/store/postgres", "internal/store/sqlstore", false, true},
		{"internal/store/sqlstore", "internal/gateway/ws", false, false},
		{"internal/gateway/ws", "internal/store/sqlite", false, false},
		{"internal/gateway/ws", "internal/room", false, true},
		{"internal/store/sqlite", "internal/store/storetest", true, true},
		{"internal/server", "cmd/sarang", false, false},
		{"cmd/sarang", "internal/server", false, true},
		{"examples/echo", "engine", false, true},
		{"examples/echo", "aio/aiosim", true, true},
		{"examples/echo", "chat", false, false},
		{"examples/echo", "internal/server", true, false},
		{"engine", "examples/echo", false, false},
		{"tests/crash", "internal/swarm", false, true},
		{"tests/crash", "tests/internal/proc", false, true},
		{"tests/crash", "client", true, true},
		{"cmd/sarang", "tests/internal/proc", false, false},
		{"internal/server", "tests/internal/proc", true, false},
		{"engine", "tests/internal/proc", true, false},
		{"examples/echo", "tests/internal/proc", true, false},
		{"misc", "lock", false, false},
	}
	for _, c := range cases {
		if what := importRule(c.from, c.to, c.test); (what == "") != c.whole {
			t.Errorf("%s imports %s (test: %v): %q", c.from, c.to, c.test, what)
		}
	}
}

func TestBroken(t *testing.T) {
	cases := []struct {
		name, path, text, want string // want is part of the fault, "" for none
	}{
		{"upward import", "lock/a.go", "package lock\n\nimport _ \"sarang/engine\"\n", "a.go:3: imports sarang/engine"},
		{"room with a network", "internal/room/a.go", "package room\n\nimport _ \"net/netip\"\n", "no I/O"},
		{"room without", "internal/room/a.go", "package room\n\nimport _ \"slices\"\n", ""},
		{"sleep", "mem/a_test.go", "package mem\n\nimport \"time\"\n\nfunc f() { time.Sleep(1) }\n", "a_test.go:5: time.Sleep"},
		{"renamed sleep", "mem/a_test.go", "package mem\n\nimport x \"time\"\n\nvar f = x.Sleep\n", "time.Sleep"},
		{"sleep in a suite", "aio/aiotest/a.go", "package aiotest\n\nimport \"time\"\n\nfunc f() { time.Sleep(1) }\n", "time.Sleep"},
		{"sleep with a reason", "mem/a_test.go", "package mem\n\nimport \"time\"\n\nfunc f() { time.Sleep(1) } // sleep: the clock is what is tested\n", ""},
		{"sleep of something else", "mem/a_test.go", "package mem\n\nimport \"time\"\n\nvar _ time.Time\n\nfunc f(c clock) { c.Sleep(1) }\n", ""},
		{"long file", "mem/a.go", "package mem\n" + strings.Repeat("\n", linesMax), "701 lines"},
		{"long test", "mem/a_test.go", "package mem\n" + strings.Repeat("\n", linesMax), ""},
		{"long generated file", "mem/a.go", "// Code generated by x. DO NOT EDIT.\n\npackage mem\n" + strings.Repeat("\n", linesMax), ""},
	}
	for _, c := range cases {
		s, err := parse(c.path, []byte(c.text))
		if err != nil {
			t.Fatal(c.name, err)
		}
		faults := broken(s)
		if c.want == "" && len(faults) > 0 || c.want != "" && (len(faults) != 1 || !strings.Contains(faults[0], c.want)) {
			t.Errorf("%s: %q, want one with %q", c.name, faults, c.want)
		}
	}
}

func TestSilent(t *testing.T) {
	var all []*source
	for path, text := range map[string]string{
		"a/a.go": "package a\n",
		"a/b.go": "// Package a is spoken for.\npackage a\n",
		"b/a.go": "//go:build linux\n\npackage b\n",
		"c/a.go": "// A licence, say.\n\npackage c\n",
	} {
		s, err := parse(path, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	if got := silent(all); !slices.Equal(got, []string{"b", "c"}) {
		t.Errorf("silent packages %q, want b and c", got)
	}
}
