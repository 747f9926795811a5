// Package proc runs the real server as a process of its own, for the programs and tests
// that look at it from outside: it starts the binary on free ports, waits until it is
// ready, kills or stops it, and reads what the system and /metrics say about it.
//
// A Server is one process. To start again on the same data and address, Start again
// with the same Config, whose Listen says the address that the first one got:
//
//	c := proc.Config{Binary: bin, Data: dir, Listen: proc.FreeAddr()}
//	s, err := proc.Start(ctx, c)
//	...
//	s.Kill()
//	s, err = proc.Start(ctx, c)
package proc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Config says how a server is started. Binary and Data are required.
type Config struct {
	Binary string // a sarang binary; see Build
	Data   string // the data folder

	Listen string // HOST:PORT for clients; "": a free port of 127.0.0.1
	Web    string // URL for browsers; "": none
	HTTP   string // HOST:PORT of /metrics; "": a free port of 127.0.0.1; "none": none

	IO      string // driver; "": the server's choice
	Workers int    // 0: the server's default

	Args []string  // more flags of 'sarang serve'
	Env  []string  // more variables, NAME=VALUE
	Wrap []string  // a command to run it under, such as taskset -c 0; it must end in exec
	Log  io.Writer // also gets the server's log; nil: only Log() has its end
}

// args are the program and its arguments. It sets addresses that are open.
func (c *Config) args() []string {
	if c.Listen == "" {
		c.Listen = FreeAddr()
	}
	if c.HTTP == "" {
		c.HTTP = FreeAddr()
	}
	all := append([]string{}, c.Wrap...)
	all = append(all, c.Binary, "serve", "--data", c.Data, "--listen", "tcp://"+c.Listen, "--web", cmp.Or(c.Web, "none"), "--http", c.HTTP)
	if c.IO != "" {
		all = append(all, "--io", c.IO)
	}
	if c.Workers > 0 {
		all = append(all, "--workers", strconv.Itoa(c.Workers))
	}
	return append(all, c.Args...)
}

// Server is a server process, which may have ended. All methods may be called from any
// goroutine.
type Server struct {
	config Config
	cmd    *exec.Cmd
	log    *tail
	ready  chan struct{}
	exited chan struct{} // closed when exit is set
	exit   Exit
}

// Exit is how a process has ended.
type Exit struct {
	Code   int            // its exit status; -1 if a signal ended it
	Signal syscall.Signal // that ended it; 0: none did
	At     time.Time
}

// String says it in words.
func (e Exit) String() string {
	if e.Signal != 0 {
		return "ended by signal: " + e.Signal.String()
	}
	return fmt.Sprintf("exit status %d", e.Code)
}

// ExitError is a process that has ended and was not meant to, or not so.
type ExitError struct {
	Exit Exit
	Log  string // the end of its log
}

// Error says how it ended and what it said last.
func (e *ExitError) Error() string {
	return fmt.Sprintf("the server has ended (%v); the end of its log:\n%s", e.Exit, e.Log)
}

// Launch starts a server and does not wait until it is ready. The caller ends it with
// Kill or Stop; on Linux it also ends when this program does.
func Launch(c Config) (*Server, error) {
	args := c.args()
	s := &Server{
		config: c, cmd: exec.Command(args[0], args[1:]...), log: &tail{also: c.Log},
		ready: make(chan struct{}), exited: make(chan struct{}),
	}
	s.cmd.Env = append(os.Environ(), c.Env...)
	s.cmd.Stdout = &readyWriter{ready: s.ready}
	s.cmd.Stderr = s.log
	s.cmd.WaitDelay = 5 * time.Second
	dieWithParent(s.cmd)
	started := make(chan error)
	go s.run(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting %s: %w", args[0], err)
	}
	return s, nil
}

// run starts the process and waits for its end, on one thread: the system ends a child
// when the thread that made it ends, and Go may end any thread but a locked one.
func (s *Server) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := s.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	_ = s.cmd.Wait() // what matters of it is in ProcessState
	s.exit = Exit{Code: s.cmd.ProcessState.ExitCode(), At: time.Now()}
	if w, ok := s.cmd.ProcessState.Sys().(interface {
		Signaled() bool
		Signal() syscall.Signal
	}); ok && w.Signaled() {
		s.exit.Signal = w.Signal()
	}
	close(s.exited)
}

// runLocked is cmd.Run on one thread; see run.
func runLocked(cmd *exec.Cmd) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		done <- cmd.Run()
	}()
	return <-done
}

// readyPatience is for a busy machine; a server is ready in some 50 ms.
const readyPatience = 30 * time.Second

// Start starts a server and waits until it listens. If it does not, it is killed and
// the error says why: an *ExitError if it ended by itself.
func Start(ctx context.Context, c Config) (*Server, error) {
	s, err := Launch(c)
	if err != nil {
		return nil, err
	}
	if err := s.Ready(ctx); err != nil {
		s.Kill()
		return nil, err
	}
	return s, nil
}

// Ready waits until the server listens. If it ends instead, the error is an *ExitError.
func (s *Server) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyPatience)
	defer cancel()
	select {
	case <-s.ready:
		return nil
	case <-s.exited:
		return &ExitError{s.exit, s.log.String()}
	case <-ctx.Done():
		return fmt.Errorf("the server is not ready: %w; the end of its log:\n%s", ctx.Err(), s.log.String())
	}
}

// Addr is where clients connect to, HOST:PORT.
func (s *Server) Addr() string { return s.config.Listen }

// HTTP is where /metrics is, HOST:PORT, or "none".
func (s *Server) HTTP() string { return s.config.HTTP }

// Config is what the server was started with, with the addresses that were chosen.
func (s *Server) Config() Config { return s.config }

// PID is the process id.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Log is the end of what the server wrote to its log, up to 64 KiB.
func (s *Server) Log() string { return s.log.String() }

// Exited is closed when the process has ended.
func (s *Server) Exited() <-chan struct{} { return s.exited }

// Signal sends a signal. It is an error if the process has ended.
func (s *Server) Signal(sig os.Signal) error { return s.cmd.Process.Signal(sig) }

// Kill ends the process by SIGKILL, if it has not ended, and waits for that.
func (s *Server) Kill() Exit {
	_ = s.cmd.Process.Kill() // it may have ended
	<-s.exited
	return s.exit
}

// Wait waits for the process to end by itself.
func (s *Server) Wait(ctx context.Context) (Exit, error) {
	select {
	case <-s.exited:
		return s.exit, nil
	case <-ctx.Done():
		return Exit{}, fmt.Errorf("the server has not ended: %w", ctx.Err())
	}
}

// stopPatience is longer than the server's default for an orderly end, 15 s.
const stopPatience = 30 * time.Second

// Stop asks the server to end (SIGTERM) and waits. Anything but exit status 0 is an
// *ExitError; one that does not end is killed, which is an error, too.
func (s *Server) Stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stopPatience)
	defer cancel()
	if err := s.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.Kill()
		return fmt.Errorf("asking the server to end: %w", err)
	}
	exit, err := s.Wait(ctx)
	if err != nil {
		s.Kill()
		return fmt.Errorf("%w; the end of its log:\n%s", err, s.log.String())
	}
	if exit.Code != 0 {
		return &ExitError{exit, s.log.String()}
	}
	return nil
}

// CrashReports returns the paths of the reports that broken invariants have left in
// the data folder.
func (s *Server) CrashReports() []string {
	found, err := filepath.Glob(filepath.Join(s.config.Data, "crashes", "*"))
	if err != nil {
		return nil // the pattern is well-formed
	}
	return found
}

// Build compiles the server into dir and returns the binary's path. It works from any
// directory of the module. Flags, such as -race, go to the go command.
func Build(ctx context.Context, dir string, flags ...string) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "sarang")
	if runtime.GOOS == "windows" {
		bin += ".exe"
	}
	args := append([]string{"build"}, flags...)
	cmd := exec.CommandContext(ctx, "go", append(args, "-o", bin, "./cmd/sarang")...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the server: %w\n%s", err, out)
	}
	return bin, nil
}

// Root is the module's root directory.
func Root() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	mod := strings.TrimSpace(string(out))
	if mod == "" || mod == os.DevNull {
		return "", errors.New("this is not inside the project's folder; run it from there")
	}
	return filepath.Dir(mod), nil
}
