package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"sarang/chat"
	"sarang/internal/store"
	"sarang/internal/store/postgrestest"
)

// machine is what is measured on.
type machine struct {
	options
	kinds    []string // those of options.stores that can be had
	without  []string // why others can not
	database *postgrestest.Server
	made     int
}

func newMachine(o options) (*machine, error) {
	m := &machine{options: o}
	var err error
	if slices.ContainsFunc(o.stores, func(kind string) bool { return kind != "sqlite" }) {
		if m.database, err = postgrestest.Start("log_min_messages=fatal", "max_wal_size=4GB"); err != nil {
			m.without = append(m.without, fmt.Sprintf("postgres, odbc: %v", err))
		}
	}
	for _, kind := range o.stores {
		if kind != "sqlite" && m.database == nil {
			continue
		}
		if kind == "odbc" {
			if err := m.tryODBC(); err != nil {
				m.without = append(m.without, fmt.Sprintf("odbc: %v", err))
				continue
			}
		}
		m.kinds = append(m.kinds, kind)
	}
	if len(m.kinds) == 0 {
		return nil, fmt.Errorf("none of the stores can be had: %s", strings.Join(m.without, "; "))
	}
	return m, nil
}

// tryODBC opens a store by ODBC.
func (m *machine) tryODBC() error {
	place, err := m.fresh("odbc")
	if err != nil {
		return err
	}
	s, err := store.Open(context.Background(), place, store.Options{})
	if err != nil {
		return err
	}
	return s.Close()
}

func (m *machine) close() {
	if m.database != nil {
		_ = m.database.Stop()
	}
}

// fresh returns the URL of an empty store.
func (m *machine) fresh(kind string) (string, error) {
	m.made++
	name := fmt.Sprint("bench", m.made)
	if kind == "sqlite" {
		dir := filepath.Join(m.work, name)
		return "sqlite:" + dir, os.MkdirAll(dir, 0o700)
	}
	if err := m.database.Exec("CREATE DATABASE " + name); err != nil {
		return "", err
	}
	u, err := m.newest()
	if err != nil {
		return "", err
	}
	if kind == "postgres" {
		return u.String(), nil
	}
	return "odbc:Driver={PostgreSQL Unicode};Server=" + u.Hostname() + ";Port=" + u.Port() + ";UID=" + u.User.Username() +
		";Database=" + name + ";Protocol=7.4-1;MaxLongVarcharSize=0;", nil
}

// newest returns the URL of the database that was made last.
func (m *machine) newest() (*url.URL, error) {
	u, err := url.Parse(m.database.URL)
	if err == nil {
		u.Path = fmt.Sprint("/bench", m.made)
	}
	return u, err
}

// open opens stores on the same data: a database server's as many as are wanted.
func open(ctx context.Context, place string, n int) (all []chat.Store, closeAll func() error, err error) {
	closeAll = func() error {
		var errs []error
		for _, s := range all {
			errs = append(errs, s.Close())
		}
		return errors.Join(errs...)
	}
	for range n {
		s, err := store.Open(ctx, place, store.Options{})
		if err != nil {
			return nil, nil, errors.Join(err, closeAll())
		}
		all = append(all, s)
	}
	return all, closeAll, nil
}

// turns calls measure for each store in each round, every second round backwards.
func (m *machine) turns(kinds []string, measure func(kind string) error) error {
	for round := range m.rounds {
		order := slices.Clone(kinds)
		if round%2 == 1 {
			slices.Reverse(order)
		}
		for _, kind := range order {
			if err := measure(kind); err != nil {
				return fmt.Errorf("%s: %w", kind, err)
			}
		}
	}
	return nil
}

func (m *machine) write(out io.Writer) {
	load, _ := os.ReadFile("/proc/loadavg") // there is none on other systems
	fmt.Fprintf(out, "%d processors, load %s, %s, %d rounds of %v; medians\n", runtime.NumCPU(),
		strings.TrimSpace(string(load)), time.Now().UTC().Format(time.RFC3339), m.rounds, m.each)
	for _, why := range m.without {
		fmt.Fprintf(out, "not measured: %s\n", why)
	}
}
