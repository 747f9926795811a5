//go:build unix

package main

import (
	"context"
	"errors"
	"slices"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"sarang/internal/store/postgrestest"
)

// kindsOfFault are what can go wrong. Each returns when it is over: what comes then is to
// go on by itself.
func kindsOfFault() map[string]func(context.Context, *run) error {
	return map[string]func(context.Context, *run) error{
		"backend killed": func(ctx context.Context, r *run) error { return r.signalBackend(ctx, syscall.SIGKILL, 0) },
		"backend stopped for a while": func(ctx context.Context, r *run) error {
			return r.signalBackend(ctx, syscall.SIGSTOP, r.upTo(3*time.Second))
		},
		"backends ended by administrator": terminate,
		"postmaster killed":               killPostmaster,
		"restarted":                       func(ctx context.Context, r *run) error { return r.restart(ctx, "fast") },
		"crashed and restarted":           func(ctx context.Context, r *run) error { return r.restart(ctx, "immediate") },
		"connections cut":                 cut,
		"replies cut":                     func(ctx context.Context, r *run) error { return r.through(ctx, postgrestest.CutReplies, time.Second) },
		"requests cut":                    func(ctx context.Context, r *run) error { return r.through(ctx, postgrestest.CutAsked, time.Second) },
		"half open":                       func(ctx context.Context, r *run) error { return r.through(ctx, postgrestest.Silent, 12*time.Second) },
		"nobody answers":                  func(ctx context.Context, r *run) error { return r.through(ctx, postgrestest.Refuse, 3*time.Second) },
		"table locked":                    lock,
		"read-only":                       readOnly,
		"failover":                        failover,
		"slow fsync":                      slowSync,
		"disk full":                       fullDisk,
	}
}

// upTo is a random time.
func (r *run) upTo(most time.Duration) time.Duration {
	if r.brief {
		most /= 4
	}
	return time.Duration(r.rng.Int64N(int64(most)))
}

func terminate(ctx context.Context, r *run) error {
	return r.admin(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sarang'")
}

// signalBackend sends a signal to a process that serves the server, and lets it go on
// after a while if it was stopped. When one is killed, PostgreSQL restarts all by itself.
func (r *run) signalBackend(ctx context.Context, signal syscall.Signal, stopped time.Duration) error {
	c, err := pgx.Connect(ctx, r.primary().URL)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	rows, err := c.Query(ctx, "SELECT pid FROM pg_stat_activity WHERE application_name = 'sarang'")
	if err != nil {
		return err
	}
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil || len(pids) == 0 {
		return err
	}
	slices.Sort(pids)
	pid := pids[r.rng.IntN(len(pids))]
	if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	if signal != syscall.SIGSTOP {
		return nil
	}
	err = sleep(ctx, stopped)
	if e := syscall.Kill(pid, syscall.SIGCONT); e != nil && !errors.Is(e, syscall.ESRCH) {
		err = errors.Join(err, e)
	}
	return err
}

func (r *run) restart(ctx context.Context, mode string) error {
	if err := r.primary().Halt(mode); err != nil {
		return err
	}
	if err := sleep(ctx, r.upTo(2*time.Second)); err != nil {
		return err
	}
	return r.primary().Restart(replicated()...)
}

func killPostmaster(ctx context.Context, r *run) error {
	pid, err := r.primary().Pid()
	if err == nil {
		err = syscall.Kill(pid, syscall.SIGKILL)
	}
	if err == nil {
		err = sleep(ctx, r.upTo(time.Second))
	}
	if err != nil {
		return err
	}
	return r.primary().Restart(replicated()...)
}

func cut(ctx context.Context, r *run) error {
	for range 1 + r.rng.IntN(5) {
		r.primary().proxy.Cut()
		if err := sleep(ctx, r.upTo(50*time.Millisecond)); err != nil {
			return err
		}
	}
	return nil
}

// through has the proxy do something for a while. Connections over which nothing came
// are as they were afterwards, and have lost what was sent: they are cut.
func (r *run) through(ctx context.Context, mode postgrestest.Mode, most time.Duration) error {
	r.primary().proxy.Set(mode)
	if mode == postgrestest.Refuse {
		r.primary().proxy.Cut()
	}
	err := sleep(ctx, r.upTo(most))
	r.primary().proxy.Set(postgrestest.Pass)
	if mode == postgrestest.Silent {
		r.primary().proxy.Cut()
	}
	return err
}

// lock holds a table as an administrator would who changes it, longer than a commit waits.
func lock(ctx context.Context, r *run) error {
	c, err := pgx.Connect(ctx, r.primary().URL)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	table := []string{"heads", "messages", "writers", "users"}[r.rng.IntN(4)]
	if _, err := c.Exec(ctx, "BEGIN; LOCK TABLE "+table+" IN ACCESS EXCLUSIVE MODE"); err != nil {
		return err
	}
	err = sleep(ctx, r.upTo(8*time.Second))
	_, rollback := c.Exec(ctx, "ROLLBACK")
	return errors.Join(err, rollback)
}

func readOnly(ctx context.Context, r *run) error {
	err := r.admin(ctx, "ALTER DATABASE postgres SET default_transaction_read_only = on")
	if err == nil {
		err = terminate(ctx, r)
	}
	if err == nil {
		err = sleep(ctx, r.upTo(3*time.Second))
	}
	return errors.Join(err, r.admin(ctx, "SET default_transaction_read_only = off",
		"ALTER DATABASE postgres RESET default_transaction_read_only"))
}
