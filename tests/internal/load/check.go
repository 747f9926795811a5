package load

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	_ "modernc.org/sqlite" // the database/sql driver that CheckFile reads with

	pb "sarang/proto/sarang/v1"
	"sarang/tests/internal/wire"
)

// CheckHistory reads all rooms through the protocol and compares them with the ledger.
// Call it after Stop, or after Settle.
func (l *Load) CheckHistory(ctx context.Context) (Audit, error) {
	var sum Audit
	u, err := wire.Login(ctx, l.config.Addr, l.config.Prefix+"-auditor", nil)
	if err != nil {
		return sum, err
	}
	defer u.Close()
	for _, r := range l.rooms {
		id, _ := r.identity()
		if id == 0 {
			continue // nobody has ever been in there
		}
		a := r.audit()
		err := u.History(id, func(e *pb.Event) error {
			a.event(e)
			return ctx.Err()
		})
		if err != nil {
			return sum, fmt.Errorf("history of %s: %w", r.name, err)
		}
		sum.Add(a.end())
	}
	return sum, nil
}

// CheckFile compares the ledger with the database file, read by plain SQL. No server
// may have it open. The file's own consistency is checked as well.
func (l *Load) CheckFile(ctx context.Context, path string) (Audit, error) {
	var sum Audit
	abs, err := filepath.Abs(path)
	if err != nil {
		return sum, err
	}
	abs = filepath.ToSlash(abs)
	if !strings.HasPrefix(abs, "/") {
		abs = "/" + abs // C:/…
	}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: abs, RawQuery: "mode=ro"}).String())
	if err != nil {
		return sum, err
	}
	defer db.Close()
	var verdict string
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check").Scan(&verdict); err != nil {
		return sum, err
	}
	if verdict != "ok" {
		return sum, fmt.Errorf("the database is damaged: %s", verdict)
	}
	for _, r := range l.rooms {
		a := r.audit()
		if err := a.rows(ctx, db); err != nil {
			return sum, err
		}
		sum.Add(a.end())
	}
	return sum, nil
}

// rows reads a room's log from its table.
func (a *roomAudit) rows(ctx context.Context, db *sql.DB) error {
	rows, err := db.QueryContext(ctx, `SELECT m.seq, m.kind, m.user_id, m.nonce, m.time_ms, m.text
		FROM messages m JOIN rooms r ON r.id = m.room_id WHERE r.name = ? ORDER BY m.seq`, a.room.name)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		e := new(pb.Event)
		var nonce int64 // SQLite's integers have a sign
		if err := rows.Scan(&e.Seq, &e.Kind, &e.User, &nonce, &e.TimeMs, &e.Text); err != nil {
			return err
		}
		if e.Kind == pb.EventKind_EVENT_KIND_MESSAGE { // those of joins and leaves are the server's own affair
			e.Nonce = uint64(nonce)
		}
		a.event(e)
	}
	return rows.Err()
}
