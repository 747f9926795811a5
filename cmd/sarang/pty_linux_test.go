package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// shellVariable has the test binary be a shell with job control, for one job.
const shellVariable = "TEST_SARANG_SHELL"

// Descriptors of the shell, by which the test speaks with it.
const (
	shellCommands = 3 // lines: fg, bg
	shellReports  = 4 // lines: started PID, stopped SIGNAL, exited STATUS, killed SIGNAL
)

// shell runs its arguments as a job in the foreground of its terminal. "nohup" before them
// has the job ignore SIGHUP.
func shell() {
	commands, reports := os.NewFile(shellCommands, "commands"), os.NewFile(shellReports, "reports")
	say := func(format string, args ...any) { fmt.Fprintf(reports, format+"\n", args...) }
	args := os.Args[1:]
	if args[0] == "nohup" {
		args = args[1:]
		signal.Ignore(syscall.SIGHUP)
	}
	job := exec.Command(args[0], args[1:]...)
	job.Env = append(os.Environ(), shellVariable+"=", mainVariable+"=1")
	job.Stdin, job.Stdout, job.Stderr = os.Stdin, os.Stdout, os.Stderr
	job.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Foreground: true, Ctty: 0}
	if err := job.Start(); err != nil {
		say("failed %v", err)
		return
	}
	pid := job.Process.Pid
	say("started %d", pid)
	for lines := bufio.NewScanner(commands); ; {
		var status unix.WaitStatus
		if _, err := unix.Wait4(pid, &status, unix.WUNTRACED, nil); errors.Is(err, unix.EINTR) {
			continue
		}
		switch {
		case status.Exited():
			say("exited %d", status.ExitStatus())
			return
		case status.Signaled():
			say("killed %v", status.Signal())
			return
		}
		foreground(unix.Getpgrp())
		say("stopped %v", status.StopSignal())
		if !lines.Scan() {
			return
		}
		if lines.Text() == "fg" {
			foreground(pid)
		}
		_ = unix.Kill(-pid, unix.SIGCONT)
	}
}

// foreground gives the terminal to a process group.
func foreground(group int) {
	signal.Ignore(syscall.SIGTTOU) // which is for those who ask from the background
	defer signal.Reset(syscall.SIGTTOU)
	if err := unix.IoctlSetPointerInt(0, unix.TIOCSPGRP, group); err != nil {
		panic(err)
	}
}

// console is a terminal with a shell that runs the program.
type console struct {
	t       *testing.T
	keys    *os.File // the end at which a person sits
	line    *os.File // the program's end
	modes   unix.Termios
	reports *bufio.Reader
	command io.Writer
	shell   *exec.Cmd
	pid     int    // of the program
	config  string // the folder of its settings

	mu      sync.Mutex
	all     bytes.Buffer
	changed chan struct{}
}

// consoleWait bounds what a test waits for.
const consoleWait = 20 * time.Second

// openConsole starts the program with args in a terminal. env comes on top.
func openConsole(t *testing.T, env []string, args ...string) *console {
	t.Helper()
	c := &console{t: t, config: t.TempDir(), changed: make(chan struct{}, 1)}
	c.keys, c.line = openPty(t)
	c.modes = c.termios()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if args[0] == "nohup" {
		args = append([]string{"nohup", program}, args[1:]...)
	} else {
		args = append([]string{program}, args...)
	}
	c.shell = exec.Command(program, args...)
	c.shell.Env = append(append(os.Environ(), shellVariable+"=1", "TERM=xterm-256color", "XDG_CONFIG_HOME="+c.config), env...)
	c.shell.Stdin, c.shell.Stdout, c.shell.Stderr = c.line, c.line, c.line
	commands, command := pipe(t)
	reports, report := pipe(t)
	c.shell.ExtraFiles = []*os.File{commands, report}
	c.shell.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := c.shell.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = commands.Close(), report.Close()
	c.command, c.reports = command, bufio.NewReader(reports)
	if err := reports.SetReadDeadline(time.Now().Add(2 * consoleWait)); err != nil {
		t.Fatal(err)
	}
	var reading sync.WaitGroup
	reading.Go(c.read)
	t.Cleanup(func() {
		if c.pid != 0 {
			_ = unix.Kill(c.pid, unix.SIGKILL)
		}
		_ = c.shell.Process.Kill()
		_ = c.shell.Wait()
		_, _ = c.line.Close(), c.keys.Close()
		reading.Wait()
	})
	if _, err := fmt.Sscanf(c.report(), "started %d", &c.pid); err != nil {
		t.Fatal(err)
	}
	return c
}

// openPty makes a terminal of 80 by 24.
func openPty(t *testing.T) (keys, line *os.File) {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Skipf("no pseudo-terminal: %v", err)
	}
	keys = os.NewFile(uintptr(fd), "ptmx")
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80}); err != nil {
		t.Fatal(err)
	}
	line, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return keys, line
}

func (c *console) termios() unix.Termios {
	c.t.Helper()
	modes, err := unix.IoctlGetTermios(int(c.line.Fd()), unix.TCGETS)
	if err != nil {
		c.t.Fatal(err)
	}
	return *modes
}

func (c *console) read() {
	b := make([]byte, 4096)
	for {
		n, err := c.keys.Read(b)
		c.mu.Lock()
		c.all.Write(b[:n])
		c.mu.Unlock()
		select {
		case c.changed <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

func (c *console) written() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.all.String()
}

// shows waits for a text that is written behind place from, and returns the place behind it.
func (c *console) shows(from int, text string) int {
	c.t.Helper()
	timeout := time.After(consoleWait)
	for {
		all := c.written()
		if i := strings.Index(all[from:], text); i >= 0 {
			return from + i + len(text)
		}
		select {
		case <-c.changed:
		case <-timeout:
			c.t.Fatalf("%q never came; after %d the terminal had %q", text, from, all[from:])
		}
	}
}

func (c *console) press(keys string) {
	c.t.Helper()
	if _, err := c.keys.WriteString(keys); err != nil {
		c.t.Fatal(err)
	}
}

func (c *console) signal(s syscall.Signal) {
	c.t.Helper()
	if err := unix.Kill(c.pid, s); err != nil {
		c.t.Fatal(err)
	}
}

// report is the next thing that the shell says of its job.
func (c *console) report() string {
	c.t.Helper()
	line, err := c.reports.ReadString('\n')
	if err != nil {
		c.t.Fatalf("the shell says nothing: %v; the terminal had %q", err, c.written())
	}
	return strings.TrimSpace(line)
}

// ended expects the program to have ended, or to be stopped, so.
func (c *console) ended(want string) {
	c.t.Helper()
	if got := c.report(); got != want {
		c.t.Errorf("the program has %s; want %s; the terminal had %q", got, want, c.written())
	}
}

// goOn has the shell continue its job, in the foreground or background: fg, bg.
func (c *console) goOn(where string) {
	c.t.Helper()
	if _, err := io.WriteString(c.command, where+"\n"); err != nil {
		c.t.Fatal(err)
	}
}

func (c *console) setModes(modes unix.Termios) {
	c.t.Helper()
	if err := unix.IoctlSetTermios(int(c.line.Fd()), unix.TCSETS, &modes); err != nil {
		c.t.Fatal(err)
	}
}

// gone waits for the end of a program whose shell has ended.
func (c *console) gone() {
	c.t.Helper()
	for end := time.Now().Add(consoleWait); unix.Kill(c.pid, 0) == nil; {
		if time.Now().After(end) {
			c.t.Fatal("the program goes on without its terminal")
		}
		time.Sleep(time.Millisecond) // sleep: it is not our child
	}
}

// close takes the terminal away, as a window that is closed does.
func (c *console) close() {
	c.t.Helper()
	if err := c.keys.Close(); err != nil {
		c.t.Fatal(err)
	}
}

// settle waits until all that was written has come to the reader: an answer of the line
// discipline is behind it.
func (c *console) settle() {
	c.t.Helper()
	const mark = "\x1b[settled"
	from := len(c.written())
	if _, err := c.line.WriteString(mark); err != nil {
		c.t.Fatal(err)
	}
	c.shows(from, mark)
}

var (
	privateMode = regexp.MustCompile(`\x1b\[\?(\d+)([hl])`)
	keyboard    = regexp.MustCompile(`\x1b\[([<>])(\d+)u`)
	otherKeys   = regexp.MustCompile(`\x1b\[>4(?:;(\d+))?m`)
	cursorShape = regexp.MustCompile(`\x1b\[(\d*) q`)
)

// wantRestored checks that the terminal is as it was before the program: its modes, and what
// escape sequences have switched on.
func (c *console) wantRestored(screen bool) {
	c.t.Helper()
	c.settle()
	if now := c.termios(); now != c.modes {
		c.t.Errorf("the terminal's modes are %+v; they were %+v", now, c.modes)
	}
	all := c.written()
	on := map[string]bool{"25": true}
	for _, m := range privateMode.FindAllStringSubmatch(all, -1) {
		on[m[1]] = m[2] == "h"
	}
	for mode, is := range on {
		if is != (mode == "25") {
			c.t.Errorf("the terminal's mode %s is on: %t", mode, is)
		}
	}
	if _, was := on["1049"]; was != screen {
		c.t.Errorf("the alternate screen was there: %t; want %t", was, screen)
	}
	depth := 0
	for _, m := range keyboard.FindAllStringSubmatch(all, -1) {
		if m[1] == ">" {
			depth++
		} else {
			depth = max(0, depth-1)
		}
	}
	if depth != 0 {
		c.t.Errorf("%d settings of the keyboard are left", depth)
	}
	if m := otherKeys.FindAllStringSubmatch(all, -1); len(m) > 0 && m[len(m)-1][1] > "0" {
		c.t.Errorf("modifyOtherKeys is left at %s", m[len(m)-1][1])
	}
	if m := cursorShape.FindAllStringSubmatch(all, -1); len(m) > 0 && m[len(m)-1][1] > "0" {
		c.t.Errorf("the cursor's shape is left at %s", m[len(m)-1][1])
	}
}

// wantScreen checks that the screen stands and takes single keys.
func (c *console) wantScreen() {
	c.t.Helper()
	if now := c.termios(); now.Lflag&(unix.ICANON|unix.ECHO|unix.ISIG) != 0 {
		c.t.Errorf("the terminal is not raw: %+v", now)
	}
}
