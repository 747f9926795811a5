//go:build unix

package tui

import (
	"context"
	"os"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"
)

// What the signals of job control have the screen do.
type (
	// handBack has it give the terminal back, say so, take the terminal again when told
	// to, and say that.
	handBack struct{ given, again, taken chan struct{} }

	// takeAgain has it take the terminal again, which others may have used, and say so.
	takeAgain struct{ taken chan struct{} }
)

// jobControl returns what does what the signals ask that are about the terminal, until ctx
// ends: it gives the terminal back before it is stopped, and takes it again when it goes
// on. From now on nothing else happens at these signals.
func (s *screen) jobControl(ctx context.Context) func() {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, unix.SIGTSTP, unix.SIGCONT, unix.SIGQUIT)
	return func() {
		defer signal.Stop(signals)
		s.onSignals(ctx, signals)
	}
}

func (s *screen) onSignals(ctx context.Context, signals <-chan os.Signal) {
	for {
		select {
		case sig := <-signals:
			switch sig {
			case unix.SIGTSTP:
				s.stop(ctx, signals)
			case unix.SIGCONT:
				m := takeAgain{make(chan struct{})} // it was SIGSTOP, of which nobody is told
				s.send(m)
				s.wait(ctx, m.taken, signals)
			case unix.SIGQUIT: // all stacks, as always, but not on a screen
				s.terminal.Restore()
				signal.Reset(unix.SIGQUIT)
				_ = unix.Kill(unix.Getpid(), unix.SIGQUIT)
			}
		case <-ctx.Done():
			return
		}
	}
}

// stop stops the process, as the shell asks for, and returns when it goes on.
func (s *screen) stop(ctx context.Context, signals <-chan os.Signal) {
	if !hasJobControl() {
		return
	}
	m := handBack{make(chan struct{}), make(chan struct{}), make(chan struct{})}
	s.send(m)
	select {
	case <-m.given:
	case <-ctx.Done():
		return
	}
	// SIGTSTP has a handler by now, so it stops nobody.
	_ = unix.Kill(unix.Getpid(), unix.SIGSTOP)
	for sig := range signals {
		if sig == unix.SIGCONT {
			break
		}
	}
	close(m.again)
	s.wait(ctx, m.taken, signals)
}

// wait waits until the screen has its terminal again. In the background that is a further
// stop, and what has let it go on then is settled by it.
func (s *screen) wait(ctx context.Context, taken <-chan struct{}, signals <-chan os.Signal) {
	select {
	case <-taken:
	case <-ctx.Done():
		return
	}
	for {
		select {
		case <-signals:
		default:
			return
		}
	}
}

// hasJobControl reports whether there is a shell that lets a stopped job go on: one that
// gives each job a process group of its own. A stopped session without one stays so.
func hasJobControl() bool {
	session, err := unix.Getsid(0)
	return err == nil && session != unix.Getpgrp()
}

// suspend stops the job, as Ctrl-Z does where the terminal takes it.
func suspend() { _ = unix.Kill(0, unix.SIGTSTP) }

// terminalMessage does what the signals have asked for, between two things that happen.
func (s *screen) terminalMessage(msg any) {
	switch m := msg.(type) {
	case handBack:
		s.release()
		close(m.given)
		<-m.again
		defer close(m.taken)
	case takeAgain:
		s.release()
		defer close(m.taken)
	default:
		return
	}
	if err := s.program.RestoreTerminal(); err != nil {
		s.end() // it can not be had any more
	}
}

// rendererEnd is what the library's renderer is given to end: it stops its ticker after it
// has said that it has ended, and a renderer that was started anew by then would draw nothing.
const rendererEnd = 100 * time.Millisecond

func (s *screen) release() {
	_ = s.program.ReleaseTerminal() // as RestoreTerminal, which follows, fails too
	time.Sleep(rendererEnd)
}
