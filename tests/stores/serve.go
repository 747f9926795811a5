package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"sarang/tests/internal/proc"
)

// pin has this process, and what it starts, run on all processors but the first, which is the
// server's. The database is among what it starts: so it takes no time of the server's.
func (m *machine) pin() error {
	if runtime.NumCPU() < 2 {
		return errors.New("it takes two processors: one is the server's alone")
	}
	others := fmt.Sprintf("1-%d", runtime.NumCPU()-1)
	pids := []string{strconv.Itoa(os.Getpid())}
	if m.database != nil {
		pid, err := m.database.Pid()
		if err != nil {
			return err
		}
		pids = append(pids, strconv.Itoa(pid)) // those that serve a connection are made by it later
	}
	for _, pid := range pids {
		if out, err := exec.Command("taskset", "-apc", others, pid).CombinedOutput(); err != nil {
			return fmt.Errorf("taskset: %w: %s", err, strings.TrimSpace(string(out)))
		}
	}
	return nil
}

// measureServers has a crowd in one room hear one who speaks, with so many messages in flight.
func measureServers(ctx context.Context, m *machine) (*table, error) {
	if err := m.pin(); err != nil {
		return nil, err
	}
	var build []string
	for _, kind := range m.kinds {
		if kind == "odbc" {
			build = []string{"-tags", "odbc"}
		}
	}
	if m.binary == "" {
		var err error
		if m.binary, err = proc.Build(ctx, m.work, build...); err != nil {
			return nil, err
		}
	}
	t := newTable()
	return t, m.turns(m.kinds, func(kind string) (err error) {
		place, err := m.fresh(kind)
		if err != nil {
			return err
		}
		c := proc.Config{Binary: m.binary, Data: filepath.Join(m.work, fmt.Sprint("data", m.made)), Wrap: []string{"taskset", "-c", "0"}, Args: []string{"--store", place}}
		s, err := proc.Start(ctx, c)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.Stop(context.WithoutCancel(ctx))) }()
		for _, window := range m.windows {
			r, err := s.Swarm(ctx, "--clients", strconv.Itoa(m.clients), "--rooms", "1", "--publishers", "1", "--window", strconv.Itoa(window),
				"--duration", m.each.String(), "--room-prefix", fmt.Sprint("w", window), "--server-pid", strconv.Itoa(s.PID()))
			if err != nil {
				return err
			}
			row := fmt.Sprintf("window %d", window)
			if r.ServerUsage == nil || !r.OK() {
				return fmt.Errorf("%s: the swarm's report is not good: %+v", row, r)
			}
			t.add(row+", processor time per delivery, µs", kind, r.CPUPerDelivery, true)
			t.add("— messages/s ("+row+")", kind, r.MessagesPerSecond, false)
			t.add("— acks p50, ms ("+row+")", kind, r.AckLatency.P50, false)
			t.add("— acks p99, ms ("+row+")", kind, r.AckLatency.P99, false)
		}
		return nil
	})
}
