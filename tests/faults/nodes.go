package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"sarang/internal/store/postgrestest"
)

// node is one of the two databases: the server names both, and writes to the one that lets it.
type node struct {
	*postgrestest.Server
	proxy   *postgrestest.Proxy
	mounted bool // its folder is a small disk of its own
}

func (r *run) primary() *node { return r.nodes[0] }
func (r *run) standby() *node { return r.nodes[1] }

// settings are those of both. Small logs: the disk is small.
func settings() []string {
	return []string{"log_min_messages=fatal", "max_wal_size=96MB", "min_wal_size=32MB", "wal_keep_size=64MB"}
}

// replicated are those of a primary whose commits a standby confirms.
func replicated() []string { return append(settings(), "synchronous_standby_names=*") }

//go:embed shim/slowsync.c
var slowSyncSource []byte

// slowSyncFile is where a node is told how slow its disk is.
func (n *node) slowSyncFile() string { return filepath.Join(n.Folder, "slow") }

// startNodes starts a primary and its standby, each on a small disk and with a disk that can be
// made slow, where that can be had.
func (r *run) startNodes(ctx context.Context) error {
	shim, err := buildShim(ctx, r.work)
	if err != nil {
		r.without["slow fsync"] = err.Error()
	}
	for range 2 {
		s, err := postgrestest.Prepare()
		if err != nil {
			return err
		}
		n := &node{Server: s}
		r.nodes = append(r.nodes, n)
		if err := n.mount(); err != nil {
			r.without["disk full"] = err.Error()
		} else {
			n.mounted = true
		}
		if shim != "" {
			s.Env = []string{"LD_PRELOAD=" + shim, "SLOW_SYNC_FILE=" + n.slowSyncFile()}
		}
		if len(r.nodes) == 1 {
			err = s.Restart(settings()...)
		} else {
			err = r.follow(ctx)
		}
		if err != nil {
			return err
		}
		if n.proxy, err = postgrestest.NewProxy(s.URL); err != nil {
			return err
		}
	}
	return nil
}

// buildShim returns the library that makes fsync slow.
func buildShim(ctx context.Context, dir string) (string, error) {
	source, shim := filepath.Join(dir, "slowsync.c"), filepath.Join(dir, "slowsync.so")
	// The database's user is another one.
	if err := errors.Join(os.Chmod(dir, 0o755), os.WriteFile(source, slowSyncSource, 0o600)); err != nil {
		return "", err
	}
	out, err := exec.CommandContext(ctx, "cc", "-shared", "-fPIC", "-O1", "-o", shim, source).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("it needs a C compiler: %w %s", err, strings.TrimSpace(string(out)))
	}
	return shim, nil
}

// follow makes the second node a standby of the first, and has commits wait for it from then on.
func (r *run) follow(ctx context.Context) error {
	if err := r.standby().Follow(r.primary().Server, settings()...); err != nil {
		return err
	}
	if err := r.admin(ctx, "ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"); err != nil {
		return err
	}
	return r.untilConfirmed(ctx)
}

// untilConfirmed waits until the standby confirms commits.
func (r *run) untilConfirmed(ctx context.Context) error {
	c, err := pgx.Connect(ctx, r.primary().URL)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	for {
		var confirms bool
		if err := c.QueryRow(ctx, "SELECT count(*) > 0 FROM pg_stat_replication WHERE sync_state = 'sync'").Scan(&confirms); err != nil || confirms {
			return err
		}
		if err := sleep(ctx, pollEvery); err != nil {
			return fmt.Errorf("the standby does not confirm: %w", err)
		}
	}
}

func (r *run) stopNodes() {
	for _, n := range r.nodes {
		if n.proxy != nil {
			n.proxy.Close()
		}
		_ = n.Halt("immediate")
		if n.mounted {
			n.unmount()
		}
		_ = n.Stop()
	}
}

// storeURL names both nodes, by their proxies, in the order in which they were made.
func (r *run) storeURL() string {
	u, err := url.Parse(r.primary().proxy.URL)
	if err != nil {
		return r.primary().proxy.URL
	}
	other, err := url.Parse(r.standby().proxy.URL)
	if err != nil {
		return r.primary().proxy.URL
	}
	u.Host += "," + other.Host
	query := u.Query()
	query.Set("target_session_attrs", "read-write")
	u.RawQuery = query.Encode()
	return u.String()
}

// chosen returns the kinds of fault that are to be tried and can be had.
func (r *run) chosen() ([]string, error) {
	all := slices.Sorted(maps.Keys(kindsOfFault()))
	if r.kinds != "" {
		wanted := strings.Split(r.kinds, ",")
		for _, kind := range wanted {
			if !slices.Contains(all, kind) {
				return nil, fmt.Errorf("--kinds: there is no %q; there are %s", kind, strings.Join(all, ", "))
			}
		}
		all = wanted
	}
	all = slices.DeleteFunc(all, func(kind string) bool { return r.without[kind] != "" })
	if len(all) == 0 {
		return nil, fmt.Errorf("none of these faults can be had here: %v", r.without)
	}
	return all, nil
}

// admin runs a statement, not by way of the proxy.
func (r *run) admin(ctx context.Context, queries ...string) error {
	c, err := pgx.Connect(ctx, r.primary().URL)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	for _, q := range queries {
		if _, err := c.Exec(ctx, q); err != nil {
			return err
		}
	}
	return nil
}
