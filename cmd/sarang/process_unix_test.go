//go:build unix

package main

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sarang/engine/tlscodec/tlstest"
)

// A server that can not start says so after its log.
func TestLastWords(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(program, "serve", "--listen", "tcp://127.0.0.1:0", "--web", "none", "--http", "127.0.0.1:99999", "--data", t.TempDir())
	c.Env = append(os.Environ(), mainVariable+"=1")
	text, err := c.CombinedOutput()
	if lines := strings.Split(strings.TrimSpace(string(text)), "\n"); err == nil || !strings.HasPrefix(lines[len(lines)-1], "sarang: http on ") {
		t.Errorf("%v; it says %q", err, text)
	}
}

// child is a server in a process of its own.
type child struct {
	t    *testing.T
	cmd  *exec.Cmd
	addr string // where it listens, HOST:PORT
}

// startChild starts a server whose standard error is log, and returns when it listens.
func startChild(t *testing.T, log *os.File, args ...string) *child {
	t.Helper()
	// A child ignores what we ignore, as nohup has it, but not what we handle.
	handled := make(chan os.Signal, 1)
	signal.Notify(handled, syscall.SIGHUP)
	defer signal.Stop(handled)
	return startChildIn(t, "", log, args...)
}

// startChildIn has a shell prepare the child's process, with commands.
func startChildIn(t *testing.T, prepare string, log *os.File, args ...string) *child {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{t: t, cmd: exec.Command("sh", append([]string{
		"-c", prepare + `exec "$0" "$@"`, program,
		"serve", "--listen", "tcp://127.0.0.1:0",
		"--web", "none", "--http", "none", "--sessions-max", "8", "--data", filepath.Join(t.TempDir(), "data"),
	}, args...)...)}
	c.cmd.Env = append(os.Environ(), mainVariable+"=1")
	c.cmd.Stderr = log
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stuck := time.AfterFunc(20*time.Second, func() { _ = c.cmd.Process.Kill() })
	t.Cleanup(func() { stuck.Stop(); _ = c.cmd.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	_, c.addr, _ = strings.Cut(strings.TrimSpace(line), "://")
	if err != nil || !strings.HasPrefix(line, "listening ") || c.addr == "" {
		t.Fatalf("it says %q, %v; %v", line, err, c.cmd.Wait())
	}
	return c
}

// endsInOrder expects the server to stop, with status 0, after a signal.
func (c *child) endsInOrder(s syscall.Signal) {
	c.t.Helper()
	if err := c.cmd.Process.Signal(s); err != nil {
		c.t.Fatal(err)
	}
	if err := c.cmd.Wait(); err != nil {
		c.t.Errorf("after %v: %v", s, err)
	}
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = r.Close(), w.Close() })
	return r, w
}

// The reader of the log goes away, as a pager or a log collector does.
func TestNobodyReadsTheLog(t *testing.T) {
	r, w := pipe(t)
	c := startChild(t, w)
	_ = r.Close()
	c.endsInOrder(syscall.SIGTERM)
}

// The reader of the log stands still, and the pipe is full.
func TestFullLog(t *testing.T) {
	_, w := pipe(t)
	if err := w.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(make([]byte, 4<<20)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("filling the pipe: %v", err)
	}
	if err := syscall.SetNonblock(int(w.Fd()), false); err != nil { // which the child would share
		t.Fatal(err)
	}
	startChild(t, w).endsInOrder(syscall.SIGTERM)
}

// The terminal is closed.
func TestHangup(t *testing.T) {
	startChild(t, nil).endsInOrder(syscall.SIGHUP)
}

// The terminal is closed, but nohup has started the server to outlive it.
func TestHangupUnderNohup(t *testing.T) {
	c := startChildIn(t, "trap '' HUP; ", nil)
	if err := c.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if out, log, err := talkIn(ctx, "still here\n", "mina@"+c.addr, "--plain", "--no-save"); err != nil {
		t.Errorf("%v\n%s%s", err, out, log)
	}
	c.endsInOrder(syscall.SIGTERM)
}

// contains reports whether a file has a text.
func contains(path, want string) bool {
	text, err := os.ReadFile(path)
	return err == nil && strings.Contains(string(text), want)
}

func awaitText(path, want string) {
	for deadline := time.Now().Add(10 * time.Second); !contains(path, want) && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond) // sleep: another process writes the file
	}
}

// With a certificate SIGHUP means to read it again, and not that the terminal is gone; files
// that are not right leave the one that there is.
func TestHangupReadsTheCertificate(t *testing.T) {
	dir := t.TempDir()
	cert := tlstest.Write(t, dir, 1)
	path := filepath.Join(dir, "log")
	log, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	c := startChild(t, log, "--listen", "tls://127.0.0.1:0", "--tls-cert", cert.CertFile, "--tls-key", cert.KeyFile)
	for _, step := range []struct {
		change func()
		says   string
	}{
		{func() { tlstest.Write(t, dir, 2) }, "certificate read"},
		{func() { _ = os.Remove(cert.KeyFile) }, "the certificate stays as it was"},
	} {
		step.change()
		if err := c.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		awaitText(path, step.says)
		if !contains(path, step.says) {
			t.Errorf("the log does not say that %s", step.says)
		}
	}
	c.endsInOrder(syscall.SIGTERM)
}

// The log is rotated: moved away, and the server told.
func TestLogIsReopened(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	c := startChild(t, nil, "--log-file", path)
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	awaitText(path, "log file reopened")
	c.endsInOrder(syscall.SIGTERM)
	if !contains(path, "stopped") || contains(path+".1", "stopped") || !contains(path+".1", "ready") {
		t.Error("the log did not go on in the new file")
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v; want a file for its owner only", info.Mode(), err)
	}
}
