package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"io/fs"

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
	if err := checkVersionTable(ctx, db); err != nil {
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
	if id != applicationID && tables > 0 {
		return chat.Errorf(chat.CodeInternal,
			"the database %s was not made by Sarang: move it away or choose another folder", file)
	}
	return nil
}

// checkVersionTable reads goose's table if there is one. goose itself takes a table
// that can not be read for one that is not there, and tries to make it for seconds.
func checkVersionTable(ctx context.Context, db *sql.DB) error {
	var n int64
	err := db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE tbl_name = 'goose_db_version'").Scan(&n)
	if err != nil || n == 0 {
		return err
	}
	return db.QueryRowContext(ctx, "SELECT coalesce(max(version_id), 0) FROM goose_db_version").Scan(&n)
}
