package sqlstore

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Dialect is what the SQL of a database has of its own. Everything else is the same for
// all. In the statements of this package, ? is a parameter and the words in braces are
// fields of the dialect.
type Dialect struct {
	Numbered bool // parameters are $1, $2…

	Key   string // type of text that is compared byte for byte and indexed: {key}
	Text  string // type of text of any length: {text}
	Limit string // behind ORDER BY, with one parameter: {limit}
	Bytes string // bytes of the column text of m, as an expression: {bytes}

	// The column text of m, which may not be there, and at least the first LastTextBytesMax bytes
	// of it: {text of m}, {beginning of m}. Where a driver does not know how long an expression may
	// be it is the column itself; NULL is read as an empty text then.
	TextOf, BeginningOf string

	LockRows  string // behind a SELECT: locks its rows: {for update}
	Recursive string // what begins a recursive query: {with recursive}

	LockSchema  []string // first statements of a transaction that migrates
	LockAll     []string // the same of one that writes, where rows can not be locked
	SchemaThere string   // returns a row if the table sarang_schema is there

	Session []string   // first statements of a connection, where the driver has no other way
	Own     [][]string // further statements of each migration

	// Check refuses a database that can not be used as it is set up; nil if there is
	// nothing to be looked at.
	Check func(ctx context.Context, c Conn, name string, unsafe bool) error
}

// compile returns the statement as the database wants it.
func (d *Dialect) compile(query string) string {
	query = strings.NewReplacer("{key}", d.Key, "{text}", d.Text, "{limit}", d.Limit, "{bytes}", d.Bytes, "{text of m}", d.TextOf, "{beginning of m}", d.BeginningOf,
		"{for update}", d.LockRows, "{with recursive}", d.Recursive).Replace(query)
	if !d.Numbered {
		return query
	}
	var b strings.Builder
	n := 0
	for part := range strings.SplitSeq(query, "?") {
		if n > 0 {
			b.WriteByte('$')
			b.WriteString(strconv.Itoa(n))
		}
		b.WriteString(part)
		n++
	}
	return b.String()
}

// PostgreSQL is the dialect of PostgreSQL, whatever driver leads to it.
func PostgreSQL() Dialect {
	var session []string
	settings := SessionSettings()
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		session = append(session, "SET "+name+" = '"+settings[name]+"'")
	}
	return Dialect{
		Numbered: true,
		Key:      `text COLLATE "C"`,
		Text:     "text",
		Limit:    " LIMIT ?",
		Bytes:    "octet_length(m.text)",
		TextOf:   "coalesce(m.text, '')", BeginningOf: "coalesce(substr(m.text, 1, 160), '')",
		LockRows:  " FOR UPDATE",
		Recursive: "WITH RECURSIVE",
		// The key is anything that others will not use; it is given back with the transaction.
		// A migration takes as long as it takes, and so do those who wait for it.
		LockSchema: []string{
			"SET LOCAL statement_timeout = 0", "SET LOCAL lock_timeout = 0",
			"SELECT pg_advisory_xact_lock(7092340412957483649)",
		},
		Session:     session,
		Check:       checkPostgreSQL,
		SchemaThere: "SELECT 1 FROM pg_catalog.pg_class WHERE oid = to_regclass('sarang_schema')",
		Own: [][]string{{
			// Rows that are written again and again stay on their page (HOT).
			"ALTER TABLE heads SET (fillfactor = 50)",
			"ALTER TABLE writers SET (fillfactor = 50)",
			"ALTER TABLE authors SET (fillfactor = 80)",
			// Texts of some kilobytes are read with their page, and not each from a table of
			// its own.
			"ALTER TABLE messages ALTER COLUMN text SET STORAGE MAIN",
			"ALTER TABLE messages SET (toast_tuple_target = 8160)",
		}},
	}
}

// SQLite is the dialect of SQLite 3.28 or later behind a driver of others; package sqlite
// does not use it. One transaction writes at a time, and says so with its first statement.
func SQLite(powerSafe bool) Dialect {
	synchronous := "FULL"
	if !powerSafe {
		synchronous = "NORMAL"
	}
	return Dialect{
		Key:    "TEXT",
		Text:   "TEXT",
		Limit:  " LIMIT ?",
		Bytes:  "length(CAST(m.text AS BLOB))",
		TextOf: "m.text", BeginningOf: "m.text",
		Recursive:   "WITH RECURSIVE",
		LockSchema:  []string{"CREATE TABLE IF NOT EXISTS sarang_lock (x BIGINT)", "DELETE FROM sarang_lock"},
		LockAll:     []string{"DELETE FROM sarang_lock"},
		SchemaThere: "SELECT 1 FROM sqlite_master WHERE name = 'sarang_schema'",
		Session:     []string{"PRAGMA busy_timeout = 5000", "PRAGMA journal_mode = WAL", "PRAGMA synchronous = " + synchronous},
	}
}
