//go:build odbc

package odbc

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"sync/atomic"

	drivers "github.com/alexbrainman/odbc"

	"sarang/chat"
	"sarang/internal/store/sqlstore"
)

// Config says where the data is kept, and how.
type Config struct {
	// DSN is what the driver manager is told: "DSN=name", or
	// "Driver={PostgreSQL Unicode};Server=host;Database=name;UID=user".
	DSN   string
	Store sqlstore.Config
}

// Open opens the database. ctx bounds the opening, not the store's life. Errors are
// *chat.Error with a sentence that holds no password.
func Open(ctx context.Context, c Config) (*sqlstore.Store, error) {
	pool, err := sql.Open("odbc", "")
	if err != nil {
		return nil, &chat.Error{Code: chat.CodeInternal, Message: "there is no ODBC driver manager", Err: err}
	}
	defer pool.Close() // nothing was opened yet: it is only the way to the driver
	d := &odbcDriver{dsn: c.DSN, name: nameOf(c.DSN), open: pool.Driver().Open, powerSafe: !c.Store.Unsafe}
	if err := d.find(ctx); err != nil {
		return nil, err
	}
	return sqlstore.Open(ctx, d, c.Store)
}

type odbcDriver struct {
	dsn       string
	name      string
	open      func(dsn string) (driver.Conn, error)
	powerSafe bool
	dialect   sqlstore.Dialect
	abandoned atomic.Int64
}

// abandonedMax bounds the threads that are in a call which has not returned.
const abandonedMax = 32

// nameOf is what sentences show of a DSN: there may be a password in the rest.
func nameOf(dsn string) string {
	var parts []string
	for part := range strings.SplitSeq(dsn, ";") {
		key, value, _ := strings.Cut(part, "=")
		switch strings.ToLower(strings.TrimSpace(key)) {
		case "dsn", "server", "servername", "database":
			parts = append(parts, strings.TrimSpace(value))
		}
	}
	return "the ODBC database " + strings.Join(parts, " ")
}

// find finds out whose dialect is spoken there.
func (d *odbcDriver) find(ctx context.Context) error {
	c, err := d.Connect(ctx)
	if err != nil {
		return &chat.Error{Code: chat.CodeInternal, Message: d.name + " can not be opened: the driver says why", Err: err}
	}
	defer c.Close()
	said := ""
	read := func(scan sqlstore.Scan) error { return scan(&said) }
	if err := c.Query(ctx, "SELECT version()", nil, read); err != nil {
		said = ""
	}
	switch {
	case strings.HasPrefix(said, "PostgreSQL "):
		d.dialect = sqlstore.PostgreSQL()
	case said == "" && c.Query(ctx, "SELECT sqlite_version()", nil, read) == nil:
		d.dialect = sqlstore.SQLite(d.powerSafe)
	default:
		return chat.Errorf(chat.CodeBadRequest, "%s is none of those that are known: PostgreSQL and SQLite", d.name)
	}
	d.dialect.Numbered = false // ODBC's parameters are ? everywhere
	return nil
}

// Name is documented at sqlstore.Driver.
func (d *odbcDriver) Name() string { return d.name }

// Dialect is documented at sqlstore.Driver.
func (d *odbcDriver) Dialect() sqlstore.Dialect { return d.dialect }

// Connect is documented at sqlstore.Driver.
func (d *odbcDriver) Connect(ctx context.Context) (sqlstore.Conn, error) {
	if d.abandoned.Load() >= abandonedMax {
		return nil, errTooMany
	}
	h := newHandle(d)
	err := h.run(ctx, func() (err error) {
		h.conn, err = d.open(d.dsn)
		return err
	})
	for _, query := range d.dialect.Session {
		if err != nil {
			break
		}
		_, err = h.Exec(ctx, query)
	}
	if err != nil {
		h.Close()
		return nil, err
	}
	return h, nil
}

var errTooMany = errors.New("too many calls of the driver have not returned")

// errAbandoned is a call that had not returned when its ctx ended. What it was doing may
// take effect.
type errAbandoned struct{ error }

// Unwrap returns ctx's error.
func (e errAbandoned) Unwrap() error { return e.error }

// Fault is documented at sqlstore.Driver. An error that says clearly that the statement
// was refused is one; of any other it is not known what has become of the statement.
func (d *odbcDriver) Fault(err error) sqlstore.Fault {
	var said *drivers.Error
	switch {
	case errors.Is(err, errTooMany):
		return sqlstore.Fault{Kind: sqlstore.Unsent, Says: err.Error()}
	case !errors.As(err, &said) || len(said.Diag) == 0:
		return sqlstore.Fault{Kind: sqlstore.Lost, Says: "the connection was lost"}
	}
	diag := said.Diag[0]
	if said.APIName == "SQLEndTran" || len(diag.State) < 2 {
		return sqlstore.Fault{Kind: sqlstore.Lost, Says: "the connection was lost"}
	}
	switch diag.State[:2] {
	case "22", "23", "25", "40", "42", "53", "54", "55":
		return sqlstore.FaultOfState(diag.State, diag.Message, false)
	}
	switch {
	case diag.State == "57014":
		return sqlstore.FaultOfState(diag.State, diag.Message, false)
	case strings.Contains(diag.Message, "database is locked"):
		return sqlstore.Fault{Kind: sqlstore.Again, Says: "another program has locked it"}
	case strings.Contains(diag.Message, "disk is full"):
		return sqlstore.Fault{Says: "its disk is full"}
	case strings.Contains(diag.Message, "readonly database"):
		return sqlstore.Fault{Says: "it is read-only"}
	}
	return sqlstore.Fault{Kind: sqlstore.Lost, Says: "the connection was lost"}
}
