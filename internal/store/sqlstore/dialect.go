package sqlstore

import (
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

	LockRows  string // behind a SELECT: locks its rows: {for update}
	Recursive string // what begins a recursive query: {with recursive}

	LockSchema  []string // first statements of a transaction that migrates
	LockAll     string   // first statement of one that writes, where rows can not be locked
	SchemaThere string   // returns a row if the table sarang_schema is there
	Own         [][]string
}

// compile returns the statement as the database wants it.
func (d *Dialect) compile(query string) string {
	query = strings.NewReplacer("{key}", d.Key, "{text}", d.Text, "{limit}", d.Limit, "{bytes}", d.Bytes,
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
	return Dialect{
		Numbered:  true,
		Key:       `text COLLATE "C"`,
		Text:      "text",
		Limit:     " LIMIT ?",
		Bytes:     "octet_length(m.text)",
		LockRows:  " FOR UPDATE",
		Recursive: "WITH RECURSIVE",
		// The key is anything that others will not use; it is given back with the transaction.
		// A migration takes as long as it takes, and so do those who wait for it.
		LockSchema: []string{
			"SET LOCAL statement_timeout = 0", "SET LOCAL lock_timeout = 0",
			"SELECT pg_advisory_xact_lock(7092340412957483649)",
		},
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
