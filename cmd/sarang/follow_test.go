package main

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"sarang/internal/tui"
)

// A follower that is killed goes on, with --resume, about where it was.
func TestFollowIsKilled(t *testing.T) {
	addr := startServer(t)
	configIn(t, t.TempDir())
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(program, "chat", "log@"+addr, "#room", "--plain", "--follow")
	c.Env = append(os.Environ(), mainVariable+"=1")
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Process.Kill() }()
	printed := bufio.NewScanner(out)
	until := func(text string) {
		t.Helper()
		for printed.Scan() {
			if strings.Contains(printed.Text(), text) {
				return
			}
		}
		t.Fatalf("it has not printed %q", text)
	}
	until("log joined")
	say := func(text string) {
		t.Helper()
		if out, log, err := talk(t, text+"\n", "mina@"+addr, "#room", "--plain", "--no-save"); err != nil {
			t.Fatalf("%v\n%s%s", err, out, log)
		}
	}
	say("before")
	until("mina: before")
	path, err := tui.DefaultIdentityPath()
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) { // sleep: another process writes the file, and can not on Windows while it is read
		id, _, err := tui.NewIdentityFile(path).Load(addr, "log")
		if err != nil {
			t.Fatal(err)
		}
		if at, ok := id.Cursor("room"); ok && at.Seq >= 3 { // log joined, mina joined, before
			break
		}
		if time.Now().After(end) {
			t.Fatal("it does not remember what it has printed")
		}
	}
	_ = c.Process.Kill()
	_ = c.Wait()
	again, log, err := talk(t, "after\n", "log@"+addr, "#room", "--plain", "--resume")
	if err != nil || strings.Contains(again, "before") || !strings.Contains(again, "log: after") {
		t.Errorf("%v\n%s%s", err, again, log)
	}
}
