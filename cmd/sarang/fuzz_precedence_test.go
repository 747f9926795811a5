package main

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"sarang/internal/server"
)

// FuzzPrecedence gives one setting in up to three ways. What comes of it must be what
// comes of the strongest of them alone: a flag, else the environment, else the file. And
// the same text must mean the same, whichever way it came. An empty variable is none.
func FuzzPrecedence(f *testing.F) {
	keys := []string{
		"workers", "sessions-max", "idle-timeout", "drain-timeout", "debug-memory", "sync", "data", "http", "io", "trusted",
		"messages-per-second", "worker-lag-max", "store-queue-max", "log-format",
	}
	const fromFile, fromEnv, fromFlag = 1, 2, 4
	add := func(key string, ways byte, file, env, flag string) {
		for i, k := range keys {
			if k == key {
				f.Add(byte(i), ways, file, env, flag)
			}
		}
	}
	add("workers", fromFile|fromEnv|fromFlag, "2", "3", "4")
	add("workers", fromFile|fromEnv, "many", "3", "")
	add("workers", fromEnv|fromFlag, "", "0x10", "010")
	add("workers", fromEnv|fromFlag, "", "1_0", " 2")
	add("idle-timeout", fromFile|fromFlag, "2m", "", "5s")
	add("idle-timeout", fromFile|fromEnv, "-2m", " 3m ", "")
	add("debug-memory", fromFile|fromEnv, "TRUE", "f", "")
	add("sync", fromFile|fromEnv, "process-safe", "maybe", "")
	add("data", fromFile|fromEnv|fromFlag, "a", "", "b")
	add("http", fromFile|fromEnv, "none", "", "")
	add("trusted", fromFile|fromFlag, "10.0.0.0/8, ::1", "", "none")
	add("trusted", fromEnv, "", "none,10.0.0.1", "")
	add("worker-lag-max", fromFlag, "", "", "0")
	f.Fuzz(func(t *testing.T, which, ways byte, file, env, flag string) {
		if strings.ContainsRune(file+env+flag, 0) || !utf8.ValidString(file) || !utf8.ValidString(env) || !utf8.ValidString(flag) {
			return // not in an environment, and not in a file
		}
		key := keys[int(which)%len(keys)]
		one := setting{t: t, key: key}
		all, allErr := one.in(ways, file, env, flag)
		if env == "" {
			ways &^= fromEnv
		}
		strongest, text := byte(0), ""
		for way, s := range map[byte]string{fromFile: file, fromEnv: env, fromFlag: flag} {
			if ways&way > strongest {
				strongest, text = way, s
			}
		}
		alone, aloneErr := one.in(strongest, file, env, flag)
		if fmt.Sprint(allErr) != fmt.Sprint(aloneErr) || allErr == nil && !reflect.DeepEqual(all, alone) {
			t.Fatalf("%s in ways %b, %q: %v; alone %v", key, ways, []string{file, env, flag}, allErr, aloneErr)
		}
		if allErr != nil {
			return
		}
		if err := all.Validate(); err != nil {
			t.Fatalf("%s = %q is taken, and not valid: %v", key, text, err)
		}
		for _, way := range []byte{fromFile, fromEnv, fromFlag} {
			if way == fromEnv && text == "" {
				continue
			}
			if other, err := one.in(way, text, text, text); err == nil && strongest != 0 && !reflect.DeepEqual(other, all) {
				t.Fatalf("%s = %q means something else in way %d than in way %d", key, text, way, strongest)
			}
		}
	})
}

// setting is one setting, to be given in several ways.
type setting struct {
	t   *testing.T
	key string
}

// in is the configuration with the setting given in these ways.
func (s setting) in(ways byte, file, env, flag string) (server.Config, error) {
	name := "SARANG_" + strings.ToUpper(strings.ReplaceAll(s.key, "-", "_"))
	_ = os.Unsetenv(name)
	var args []string
	if ways&1 != 0 {
		path := filepath.Join(s.t.TempDir(), "sarang.toml")
		if err := os.WriteFile(path, []byte(s.key+" = "+tomlString(file)+"\n"), 0o600); err != nil {
			s.t.Fatal(err)
		}
		args = append(args, "--config", path)
	}
	if ways&2 != 0 {
		s.t.Setenv(name, env)
	}
	if ways&4 != 0 {
		args = append(args, "--"+s.key+"="+flag)
	}
	c, err := configOfArgs(args)
	c.Logger = nil
	return c, err
}

// tomlString writes s as a basic string; https://toml.io/en/v1.0.0#string
func tomlString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		b.WriteString(`\U` + fmt.Sprintf("%08X", r))
	}
	return b.String() + `"`
}
