package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"

	"sarang/chat"
)

//go:embed migrations/*.sql
var migrations embed.FS

// applicationID marks the file as Sarang's (PRAGMA application_id); the first
// migration sets it.
const applicationID = 0x53617261

// migrate checks whose database it is and brings its schema up to date, one
// transaction for each migration.
func migrate(ctx context.Context, db *sql.DB, file string) error {
	if err := checkOwner(ctx, db, file); err != nil {
		return err
	}
	return bringUp(ctx, db, file)
}

// bringUp brings the schema up to date.
func bringUp(ctx context.Context, db *sql.DB, file string) error {
	if err := checkVersionTable(ctx, db, file); err != nil {
		return err
	}
	sources, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, sources)
	if err != nil {
		return err
	}
	have, err := provider.GetDBVersion(ctx)
	if err != nil {
		return err
	}
	known := provider.ListSources()
	if newest := known[len(known)-1].Version; have > newest {
		return chat.Errorf(chat.CodeInternal,
			"the database %s has schema version %d, this program knows versions up to %d: use the newer program that wrote it",
			file, have, newest)
	}
	_, err = provider.Up(ctx)
	return err
}

// checkOwner refuses a database that somebody else made.
func checkOwner(ctx context.Context, db *sql.DB, file string) error {
	var id, tables int64
	if err := db.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id); err != nil {
		return err
	}
	// goose's own table comes before the first migration has set the id: an
	// interrupted first start leaves it alone in the file.
	const others = "SELECT count(*) FROM sqlite_schema WHERE tbl_name NOT IN ('goose_db_version', 'sqlite_sequence')"
	if err := db.QueryRowContext(ctx, others).Scan(&tables); err != nil {
		return err
	}
	if tables == 0 {
		return chat.Errorf(chat.CodeInternal,
			"the database %s has nothing in it: it may be a copy without its log %s-wal: copy both, or restore it from a backup, "+
				"or remove it to begin with an empty server", file, file)
	}
	if id != applicationID {
		return chat.Errorf(chat.CodeInternal,
			"the database %s was not made by Sarang: move it away or choose another folder", file)
	}
	return nil
}

// checkVersionTable reads goose's table, if there is one, as goose does. goose itself
// takes a table that has not what it expects for one that is not there, and tries to
// make it for seconds.
func checkVersionTable(ctx context.Context, db *sql.DB, file string) error {
	var n int64
	err := db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE tbl_name = 'goose_db_version'").Scan(&n)
	if err != nil || n == 0 {
		return err
	}
	err = readVersions(ctx, db)
	if err == nil || ctxEnded(err) || primaryCode(err) != 0 {
		return err // openError knows what SQLite means
	}
	return &chat.Error{
		Code:    chat.CodeInternal,
		Message: "the database " + file + " is damaged: its table of versions is not as it was written: restore it from a backup",
		Err:     err,
	}
}

// readVersions reads goose's table. The version 0 is there since it was made.
func readVersions(ctx context.Context, db *sql.DB) error {
	rows, err := db.QueryContext(ctx, "SELECT id, version_id, is_applied, tstamp FROM goose_db_version")
	if err != nil {
		return err
	}
	defer rows.Close()
	made := false
	for rows.Next() {
		var id, version int64
		var applied bool
		var at time.Time
		if err := rows.Scan(&id, &version, &applied, &at); err != nil {
			return err
		}
		made = made || version == 0
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if !made {
		return errors.New("there is no version 0")
	}
	return nil
}
