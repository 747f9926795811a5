//go:build unix

package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"sarang/internal/store/postgrestest"
)

// failover loses the primary: it is killed, or cut off and goes on by itself. Its standby takes
// over, alone at first. What was the primary follows when the server has gone on.
func failover(ctx context.Context, r *run) error {
	old := r.primary()
	killed := r.rng.IntN(2) == 0
	if killed {
		pid, err := old.Pid()
		if err == nil {
			err = syscall.Kill(pid, syscall.SIGKILL)
		}
		if err != nil {
			return err
		}
	}
	// Whoever promotes has to see to it that nobody writes to the old one any more.
	old.proxy.Set(postgrestest.Refuse)
	old.proxy.Cut()
	if err := r.standby().Promote(); err != nil {
		return err
	}
	r.nodes[0], r.nodes[1] = r.nodes[1], r.nodes[0]
	r.after = func(ctx context.Context) error {
		if !killed {
			if err := old.Halt("immediate"); err != nil {
				return err
			}
		}
		err := r.follow(ctx)
		old.proxy.Set(postgrestest.Pass)
		return err
	}
	return nil
}

// slowSync has the primary's disk take up to a second for each fsync, for a while.
func slowSync(ctx context.Context, r *run) error {
	path := r.primary().slowSyncFile()
	ms := strconv.Itoa(50 + r.rng.IntN(1000))
	if err := os.WriteFile(path, []byte(ms), 0o644); err != nil { //nolint:gosec // the database's user is another one
		return err
	}
	err := sleep(ctx, time.Second/2+r.upTo(5*time.Second))
	return errors.Join(err, os.Remove(path))
}

// fullDisk has somebody else take all that is left of the primary's disk, for a while. It may
// end by it; then it is started again when there is room.
func fullDisk(ctx context.Context, r *run) error {
	n := r.primary()
	ballast := filepath.Join(n.Folder, "ballast")
	if err := fillUp(ballast); err != nil {
		return err
	}
	err := sleep(ctx, time.Second/2+r.upTo(4*time.Second))
	if err := errors.Join(err, os.Remove(ballast)); err != nil {
		return err
	}
	for end := time.Now().Add(endsWithin); time.Now().Before(end); {
		if r.admin(ctx, "SELECT 1") == nil {
			return nil
		}
		if err := sleep(ctx, pollEvery); err != nil {
			return err
		}
	}
	_ = n.Halt("immediate") // it has ended, or can not be used
	return n.Restart(replicated()...)
}

// fillUp writes a file that takes what is left.
func fillUp(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for size := 1 << 20; size > 0; {
		switch _, err := f.Write(make([]byte, size)); {
		case errors.Is(err, syscall.ENOSPC):
			size /= 2
		case err != nil:
			return err
		}
	}
	return nil
}
