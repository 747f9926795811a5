package sqlite_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"sarang/chat"
	"sarang/internal/store/sqlite"
)

// childVariable makes this test binary a server that only commits, in the folder
// that it names, and prints each Seq when it is acknowledged.
const childVariable = "SARANG_SQLITE_TEST_CHILD"

func childMain() {
	dir := os.Getenv(childVariable)
	if dir == "" {
		return
	}
	if err := commitForEver(dir); err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
}

func commitForEver(dir string) error {
	ctx := context.Background()
	s, err := sqlite.Open(ctx, sqlite.Config{Dir: dir, Sync: sqlite.ProcessSafe})
	if err != nil {
		return err
	}
	r, err := s.CreateRoom(ctx, chat.Room{Name: "r", Key: "r"}, chat.RoomQuota{})
	if err != nil {
		return err
	}
	u, err := s.ClaimUser(ctx, chat.Claim{Name: "u", Key: "u", NowMs: 1})
	if err != nil {
		return err
	}
	for seq := chat.Seq(1); ; seq++ {
		e := chat.Event{Room: r.ID, Seq: seq, Kind: chat.EventMessage, User: u.ID, Nonce: chat.Nonce(seq), Text: "x"}
		b := chat.Batch{ID: chat.BatchID{Writer: 1, Number: uint64(seq)}}
		b.Appends = []chat.Append{{Room: r.ID, After: seq - 1, Events: []chat.Event{e}}}
		if err := commit(ctx, s, b); err != nil {
			return err
		}
		fmt.Println(seq)
	}
}

// startChild starts such a server and waits for its first acknowledgement.
func startChild(t *testing.T, dir string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childVariable+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "1" {
		t.Fatalf("the child says %q, %v", lines.Text(), lines.Err())
	}
	return cmd, lines
}

// A server that is killed loses nothing that it acknowledged, and its lock.
func TestKilledServerLosesNothing(t *testing.T) {
	dir := t.TempDir()
	cmd, lines := startChild(t, dir)

	_, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir})
	wantError(t, err, chat.CodeAlreadyRunning, dir)
	wantError(t, err, chat.CodeAlreadyRunning, "process "+strconv.Itoa(cmd.Process.Pid))

	acknowledged := 1
	for acknowledged < 50 && lines.Scan() {
		acknowledged++
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() { // what was still in the pipe was acknowledged too
		if n, err := strconv.Atoi(strings.TrimSpace(lines.Text())); err == nil {
			acknowledged = n
		}
	}
	_ = cmd.Wait()
	s := open(t, sqlite.Config{Dir: dir})
	r, err := s.Room(t.Context(), 1)
	last := r.LastSeq
	if err != nil || int(last) < acknowledged || acknowledged < 50 {
		t.Fatalf("%d acknowledged, stored up to %d, %v", acknowledged, last, err)
	}
	if last > chat.Seq(acknowledged)+1 {
		t.Fatalf("stored up to %d, but only %d were published", last, acknowledged+1)
	}
}
