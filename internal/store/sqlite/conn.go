package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	"sarang/chat"
)

const (
	walCheckpointPages = 4000 // the log is moved into the database when it has this many pages of 4 KiB
)

// dsn returns the driver's name for file: a file: URI, so that any character may be
// in the path, with the parameters that are given as key, value, key, value…
func dsn(file string, params ...string) string {
	path := filepath.ToSlash(file)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // C:/… on Windows
	}
	// _dqs=0: a misspelt column is an error and not a string. _error_rc=1: the
	// sentence in an error belongs to that error.
	query := url.Values{"_dqs": {"0"}, "_error_rc": {"1"}}
	for i := 0; i+1 < len(params); i += 2 {
		query.Add(params[i], params[i+1])
	}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}).String()
}

func writerDSN(file string, c Config) string {
	params := append(sharedParams(c),
		"_journal_mode", "WAL",
		"_pragma", pragma("cache_size", -c.WriterCacheBytes/1024),
		"_pragma", pragma("wal_autocheckpoint", walCheckpointPages),
		"_pragma", pragma("journal_size_limit", int(c.WALBytesMax)),
		"_pragma", pragma("secure_delete", 1), // what was erased is overwritten with zeros
	)
	if c.Sync == ProcessSafe {
		return dsn(file, append(params, "_synchronous", "NORMAL")...)
	}
	return dsn(file, append(params, "_synchronous", "FULL",
		"_pragma", pragma("fullfsync", 1), "_pragma", pragma("checkpoint_fullfsync", 1))...)
}

func readerDSN(file string, c Config) string {
	return dsn(file, append(sharedParams(c), "mode", "ro",
		"_pragma", pragma("cache_size", -c.ReaderCacheBytes/1024))...)
}

func sharedParams(c Config) []string {
	return []string{
		"_busy_timeout", strconv.Itoa(c.BusyTimeoutMillis),
		"_pragma", pragma("trusted_schema", 0),
	}
}

func pragma(name string, value int) string { return fmt.Sprintf("%s(%d)", name, value) }

// openDB opens a pool of at most conns connections that stay open.
func openDB(name string, conns int) (*sql.DB, error) {
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

// checkWAL refuses a file system on which SQLite could not switch to WAL mode, for
// then the promises of the package comment do not hold.
func checkWAL(ctx context.Context, db *sql.DB, file string) error {
	var mode string
	if err := db.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode); err != nil {
		return err
	}
	if mode != "wal" {
		return chat.Errorf(chat.CodeInternal,
			"the database %s can not use a write-ahead log (it says %q): choose a folder on a local disk", file, mode)
	}
	return nil
}
