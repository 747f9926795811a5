// Package postgres keeps users, rooms and logs in a PostgreSQL database, by pgx and
// without cgo. Several servers may have the same one: see package sqlstore, which has the
// schema and all statements but one. That one is a function in the database, by which a
// batch is compared and appended in one round trip.
package postgres

import (
	"cmp"
	"context"
	"crypto/tls"
	_ "embed"
	"errors"
	"fmt"
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

	Store sqlstore.Config
}

//go:embed append.sql
var createAppend string

const dropAppend = "DROP FUNCTION IF EXISTS sarang_append"

// Open opens the database. ctx bounds the opening, not the store's life. Errors are
// *chat.Error with a sentence that names the database and holds no password.
func Open(ctx context.Context, c Config) (*sqlstore.Store, error) {
	d, err := newDriver(c)
	if err != nil {
		return nil, err
	}
	return sqlstore.Open(ctx, d, c.Store)
}

type driver struct {
	config *pgx.ConnConfig
	name   string
}

func newDriver(c Config) (*driver, error) {
	config, err := pgx.ParseConfig(c.URL)
	if err != nil {
		return nil, urlError()
	}
	defaults := map[string]string{"application_name": "sarang"}
	maps.Copy(defaults, sqlstore.SessionSettings())
	maps.Copy(defaults, config.RuntimeParams)
	config.RuntimeParams = defaults
	config.OnNotice = noticed
	return &driver{
		config: config,
		name:   fmt.Sprintf("the database %s at %s:%d", config.Database, config.Host, config.Port),
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
	// The function is that of the newest version, which is the last step's to make anew.
	own.Own = [][]string{append(own.Own[0], createAppend), {dropAppend, createAppend}}
	return own
}

// Connect is documented at sqlstore.Driver.
func (d *driver) Connect(ctx context.Context) (sqlstore.Conn, error) {
	pg, err := pgx.ConnectConfig(ctx, d.config)
	if err != nil {
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

// Fault is documented at sqlstore.Driver.
func (d *driver) Fault(err error) sqlstore.Fault {
	if errors.Is(err, errAlone) {
		return sqlstore.Fault{Kind: sqlstore.Lost, Says: "its standby has not confirmed it"}
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		severity := cmp.Or(pg.SeverityUnlocalized, pg.Severity)
		return sqlstore.FaultOfState(pg.Code, pg.Message, severity == "FATAL" || severity == "PANIC")
	}
	var untrusted *tls.CertificateVerificationError
	if errors.As(err, &untrusted) {
		return sqlstore.Fault{Kind: sqlstore.Unusable, Says: "its certificate is not one that sslmode and sslrootcert accept for that host"}
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
