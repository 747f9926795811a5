package postgres_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"sarang/chat"
	"sarang/internal/store/postgres"
	"sarang/internal/store/postgrestest"
	"sarang/internal/store/sqlstore"
)

func wantOpenError(t *testing.T, c postgres.Config, code chat.Code, says string) {
	t.Helper()
	s, err := postgres.Open(t.Context(), c)
	if s != nil {
		_ = s.Close()
	}
	if chat.CodeOf(err) != code || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "secret") {
		t.Errorf("opening: %v; want code %d with %q, and no password", err, code, says)
	}
}

// A server that would lose what it has acknowledged is refused, unless somebody says so.
func TestUnsafeServerIsRefused(t *testing.T) {
	url := postgrestest.Fresh(t)
	wantOpenError(t, postgres.Config{URL: url + "&synchronous_commit=off"}, chat.CodeInternal, "off")
	admin := dial(t, url)
	var fsync string
	if err := admin.QueryRow(t.Context(), "SHOW fsync").Scan(&fsync); err != nil {
		t.Fatal(err)
	}
	if fsync == "off" {
		wantOpenError(t, postgres.Config{URL: url}, chat.CodeInternal, "fsync=off")
	}
	s, err := postgres.Open(t.Context(), postgres.Config{URL: url + "&synchronous_commit=off", Store: sqlstore.Config{Unsafe: true}})
	if err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
}

func TestNewerSchemaIsRefused(t *testing.T) {
	url := postgrestest.Fresh(t)
	newRig(t, url, sqlstore.Config{})
	execute(t, dial(t, url), "INSERT INTO sarang_schema VALUES (99)")
	wantOpenError(t, postgres.Config{URL: url, Store: sqlstore.Config{Unsafe: true}}, chat.CodeInternal, "has schema version 99")
}

// Servers that start together make the tables once.
func TestManyStartAtOnce(t *testing.T) {
	url := postgrestest.Fresh(t)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			s, err := open(context.Background(), url)
			if err != nil {
				t.Error(err)
				return
			}
			_ = s.Close()
		})
	}
	wg.Wait()
}

func TestOpenErrors(t *testing.T) {
	for _, c := range []struct {
		url  string
		code chat.Code
		says string
	}{
		{"postgres://u:secret@127.0.0.1:1/db?connect_timeout=1", chat.CodeUnavailable, "nobody answers there"},
		{"postgres://u:secret@[::1/db", chat.CodeBadRequest, "is not right"},
		{"postgres://u:secret@host/db?sslmode=perhaps", chat.CodeBadRequest, "is not right"},
		{"postgres://u:secret@host:port/db", chat.CodeBadRequest, "is not right"},
	} {
		wantOpenError(t, postgres.Config{URL: c.url}, c.code, c.says)
	}
	url := postgrestest.Fresh(t)
	wantOpenError(t, postgres.Config{URL: strings.Replace(url, "/postgres?", "/nowhere?", 1), Store: sqlstore.Config{Unsafe: true}}, chat.CodeUnavailable, "there is no such database")
}
