package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// Command is how a server is started.
type Command struct {
	Args []string
	Env  []string          // added to this process's
	File map[string]string // files to be written into its folder first, by name
}

// Process is a server that runs.
type Process struct {
	Addr netip.AddrPort
	cmd  *exec.Cmd
	dir  string
	log  *os.File
	done chan struct{} // closed when it has ended
	err  error         // of Wait; to be read when done is closed
}

const (
	startMax = 15 * time.Second
	stopMax  = 10 * time.Second
)

// Start starts what command says for a free port, and waits until it accepts. base is
// where its folder is made. The caller is locked to its thread, which must not end
// before the process: the process is killed then, so that none is left behind.
func Start(ctx context.Context, base, name string, pins Pins, command func(dir string, addr netip.AddrPort) (Command, error)) (*Process, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(base, name+"-")
	if err != nil {
		return nil, err
	}
	p := &Process{dir: dir, done: make(chan struct{})}
	if err := p.start(ctx, pins, command); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), os.RemoveAll(dir))
	}
	return p, nil
}

func (p *Process) start(ctx context.Context, pins Pins, command func(dir string, addr netip.AddrPort) (Command, error)) (err error) {
	if p.Addr, err = freePort(); err != nil {
		return err
	}
	c, err := command(p.dir, p.Addr)
	if err != nil {
		return err
	}
	if err := writeFiles(p.dir, c.File); err != nil {
		return err
	}
	if err := p.launch(c, pins); err != nil {
		return err
	}
	if err := p.accepts(ctx); err != nil {
		p.kill()
		return errors.Join(fmt.Errorf("%w\n%s", err, p.Said()), p.log.Close())
	}
	return nil
}

func writeFiles(dir string, files map[string]string) error {
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// freePort asks the system for a port that nobody uses, and gives it back.
func freePort() (netip.AddrPort, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return netip.AddrPort{}, err
	}
	return l.Addr().(*net.TCPAddr).AddrPort(), l.Close()
}

func (p *Process) launch(c Command, pins Pins) (err error) {
	if p.log, err = os.Create(filepath.Join(p.dir, "output.log")); err != nil {
		return err
	}
	p.cmd = exec.Command(c.Args[0], c.Args[1:]...)
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = p.dir, p.log, p.log
	p.cmd.Env = append(os.Environ(), c.Env...)
	// In a group of its own, Ctrl-C is for this program alone, which then ends the
	// server.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := pins.onServerCore(p.cmd.Start); err != nil {
		return errors.Join(err, p.log.Close())
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return nil
}

// accepts waits until somebody listens at the server's port.
func (p *Process) accepts(ctx context.Context) error {
	deadline := time.NewTimer(startMax)
	defer deadline.Stop()
	for {
		c, err := net.Dial("tcp", p.Addr.String())
		if err == nil {
			return c.Close()
		}
		select {
		case <-p.done:
			return fmt.Errorf("it ended before it listened: %v", p.err)
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline.C:
			return fmt.Errorf("it does not listen at %s after %v", p.Addr, startMax)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// PID is the process's number.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the server has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Dir is the folder that the server works in; it goes with Stop.
func (p *Process) Dir() string { return p.dir }

// Stop ends the server, in order if it will, and removes its folder. A server that has
// ended before is an error.
func (p *Process) Stop() error {
	var err error
	select {
	case <-p.done:
		err = fmt.Errorf("the server has ended by itself: %v\n%s", p.err, p.Said())
	default:
		_ = p.cmd.Process.Signal(syscall.SIGTERM) // if it is gone, done tells
		select {
		case <-p.done:
		case <-time.After(stopMax):
			p.kill()
		}
	}
	return errors.Join(err, p.log.Close(), os.RemoveAll(p.dir))
}

func (p *Process) kill() {
	_ = p.cmd.Process.Kill() // if it is gone, done tells
	<-p.done
}

// Said is the end of what the server has written.
func (p *Process) Said() string {
	b, err := os.ReadFile(p.log.Name())
	if err != nil {
		return err.Error()
	}
	return string(bytes.TrimSpace(b[max(0, len(b)-2000):]))
}
