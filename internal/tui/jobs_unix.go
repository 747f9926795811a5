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

// takenLately is how long after the terminal was taken a SIGCONT has nothing to say: it is
// the one that let the taking go on. In the background that stops by itself.
const takenLately = 300 * time.Millisecond

func (s *screen) onSignals(ctx context.Context, signals <-chan os.Signal) {
	var taken time.Time
	for {
		select {
		case sig := <-signals:
			switch {
			case sig == unix.SIGTSTP:
				s.stop(ctx, signals)
				taken = time.Now()
			case sig == unix.SIGCONT && time.Since(taken) > takenLately: // after SIGSTOP, of which nobody is told
				m := takeAgain{make(chan struct{})}
				s.send(m)
				await(ctx, m.taken)
				taken = time.Now()
			case sig == unix.SIGQUIT: // all stacks, as always, but not on a screen
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
	if !await(ctx, m.given) {
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
	await(ctx, m.taken)
}

// await waits for done, and reports whether it came before the end of ctx.
func await(ctx context.Context, done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	case <-ctx.Done():
		return false
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
		await(s.ctx, m.again)
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
