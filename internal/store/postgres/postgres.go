// Package postgres keeps users, rooms and logs in a PostgreSQL database, by pgx and
// without cgo. Several servers may have the same one: see package sqlstore, which has the
// schema and all statements but one. That one is a function in the database, by which a
// batch is compared and appended in one round trip.
package postgres

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"sarang/chat"
	"sarang/internal/store/sqlstore"
)

// Config says where the data is kept, and how. Zero fields take the defaults.
type Config struct {
	// URL is postgres://user@host:port/database?option=value, as libpq and pgx know it.
	// What it leaves out is taken from the PG* environment variables, a service file and a
	// password file.
	URL string

	// Unsafe lets a server be used that may lose commits which it has acknowledged, as it
	// is set up. It is refused otherwise.
	Unsafe bool

	Store  sqlstore.Config
	Logger *slog.Logger // default: none
}

// Settings of each connection, unless the URL has others. A lock that somebody holds, an
// administrator say, ends a call with an error of which the outcome is known; so it is to
// come before the deadlines of package sqlstore, after which it is not.
const (
	lockTimeout      = "5s"
	statementTimeout = "8s"
	idleInTxTimeout  = "20s" // of a transaction whose client has gone silent
)

// versionMin is the oldest server that has what is used, as server_version_num: 12.
const versionMin = 120000

//go:embed append.sql
var createAppend string

// Open opens the database. ctx bounds the opening, not the store's life. Errors are
// *chat.Error with a sentence that names the database and holds no password.
func Open(ctx context.Context, c Config) (*sqlstore.Store, error) {
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	c.Store.Logger = c.Logger
	d, err := newDriver(c)
	if err != nil {
		return nil, err
	}
	return sqlstore.Open(ctx, d, c.Store)
}

type driver struct {
	config *pgx.ConnConfig
	name   string
	unsafe bool
	log    *slog.Logger
}

func newDriver(c Config) (*driver, error) {
	config, err := pgx.ParseConfig(c.URL)
	if err != nil {
		return nil, urlError()
	}
	defaults := map[string]string{
		"application_name":                    "sarang",
		"lock_timeout":                        lockTimeout,
		"statement_timeout":                   statementTimeout,
		"idle_in_transaction_session_timeout": idleInTxTimeout,
		// What is asked is always found by an index, whatever a plan was made by that is as
		// old as the empty tables.
		"enable_seqscan":                "off",
		"default_transaction_isolation": "read committed",
	}
	maps.Copy(defaults, config.RuntimeParams)
	config.RuntimeParams = defaults
	return &driver{
		config: config, unsafe: c.Unsafe, log: c.Logger,
		name: fmt.Sprintf("the database %s at %s:%d", config.Database, config.Host, config.Port),
	}, nil
}

// urlError says that a URL is wrong, and not how: what pgx says of it may hold a password.
func urlError() error {
	return chat.Errorf(chat.CodeBadRequest,
		"the URL of the database is not right: give postgres://user@host:port/database?option=value")
}

// Name is documented at sqlstore.Driver.
func (d *driver) Name() string { return d.name }

// Dialect is documented at sqlstore.Driver.
func (d *driver) Dialect() sqlstore.Dialect {
	own := sqlstore.PostgreSQL()
	own.Own = [][]string{append(own.Own[0], createAppend)}
	return own
}

// Connect is documented at sqlstore.Driver.
func (d *driver) Connect(ctx context.Context) (sqlstore.Conn, error) {
	pg, err := pgx.ConnectConfig(ctx, d.config)
	if err != nil {
		return nil, err
	}
	if err := d.check(ctx, pg); err != nil {
		closeSoon(pg)
		return nil, err
	}
	return &conn{pg: pg}, nil
}

// closeSoon ends a connection, and waits for nobody.
func closeSoon(pg *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = pg.Close(ctx)
}

// check looks at the settings by which a server may lose what it has acknowledged. A
// server can be restarted with others, so each connection is asked.
func (d *driver) check(ctx context.Context, pg *pgx.Conn) error {
	var version int
	var encoding, fsync, pages, commit string
	var standby, readOnly bool
	err := pg.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, current_setting('server_encoding'),
		current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit'),
		pg_is_in_recovery(), current_setting('transaction_read_only')::bool`).
		Scan(&version, &encoding, &fsync, &pages, &commit, &standby, &readOnly)
	switch {
	case err != nil:
		return err
	case version < versionMin:
		return chat.Errorf(chat.CodeInternal, "%s is of version %d.%d: at least 12 is needed", d.name, version/10000, version%10000)
	case encoding != "UTF8":
		return chat.Errorf(chat.CodeInternal, "%s has the encoding %s: make it with UTF8", d.name, encoding)
	case standby:
		return unavailable(d.name + " is a standby, which can not be written: name all servers and target_session_attrs=read-write")
	case readOnly:
		return unavailable(d.name + " can not be written now: it is read-only")
	}
	for _, s := range []struct{ name, value, loses string }{
		{"fsync", fsync, "a crash of its machine may damage the database"},
		{"full_page_writes", pages, "a crash of its machine may damage the database"},
		{"synchronous_commit", commit, "a crash of the database may lose acknowledged messages"},
	} {
		if s.value != "off" {
			continue
		}
		if !d.unsafe {
			return chat.Errorf(chat.CodeInternal, "%s runs with %s=off: %s. Turn it on, or say --sync process-safe", d.name, s.name, s.loses)
		}
		d.log.Debug("the database is not safe", "database", d.name, "setting", s.name+"=off", "so", s.loses)
	}
	return nil
}

func unavailable(sentence string) error {
	return &chat.Error{Code: chat.CodeUnavailable, RetryAfter: time.Second, Message: sentence}
}

// Fault is documented at sqlstore.Driver.
func (d *driver) Fault(err error) sqlstore.Fault {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return faultOf(pg)
	}
	var refused *pgconn.ConnectError
	if errors.As(err, &refused) {
		return sqlstore.Fault{Kind: sqlstore.Unsent, Says: "nobody answers there"}
	}
	if pgconn.SafeToRetry(err) {
		return sqlstore.Fault{Kind: sqlstore.Unsent, Says: "the connection was lost"}
	}
	return sqlstore.Fault{Kind: sqlstore.Lost, Says: "the connection was lost"}
}

// faultOf reads an error that the server has sent.
// https://www.postgresql.org/docs/current/errcodes-appendix.html
func faultOf(pg *pgconn.PgError) sqlstore.Fault {
	// The server gives up the connection; it may have been about to tell that it is done.
	if s := cmp.Or(pg.SeverityUnlocalized, pg.Severity); s == "FATAL" || s == "PANIC" {
		fault := sqlstore.Fault{Kind: sqlstore.Lost, Says: "it has ended the connection"}
		switch pg.Code {
		case "57P03":
			fault.Says = "it is starting or stopping"
		case "53300":
			fault.Says = "it has too many connections"
		case "28P01", "28000":
			fault = sqlstore.Fault{Kind: sqlstore.Unusable, Says: "the user or password is refused"}
		case "3D000":
			fault = sqlstore.Fault{Kind: sqlstore.Unusable, Says: "there is no such database"}
		}
		return fault
	}
	switch pg.Code {
	case "40001", "40P01":
		return sqlstore.Fault{Kind: sqlstore.Again, Says: "others are writing the same"}
	case "23505":
		return sqlstore.Fault{Kind: sqlstore.Exists, Says: "a key is in use"}
	case "55P03":
		return sqlstore.Fault{Says: "somebody has locked it"}
	case "57014":
		return sqlstore.Fault{Says: "it took too long"}
	case "53100":
		return sqlstore.Fault{Says: "its disk is full"}
	case "25006":
		return sqlstore.Fault{Says: "it is read-only"}
	case "42501":
		return sqlstore.Fault{Kind: sqlstore.Unusable, Says: "the user may not do that"}
	case "42P01", "42883", "42703":
		return sqlstore.Fault{Kind: sqlstore.Unusable, Says: "its tables are not those of Sarang"}
	}
	return sqlstore.Fault{Says: pg.Message}
}
