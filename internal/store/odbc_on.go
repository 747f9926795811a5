//go:build odbc

package store

import (
	"context"

	"sarang/chat"
	"sarang/internal/store/odbc"
)

func openODBC(ctx context.Context, place string, o Options) (chat.Store, error) {
	s, err := odbc.Open(ctx, odbc.Config{DSN: place, Store: sqlConfig(o)})
	if err != nil {
		return nil, err
	}
	return sqlStore{s}, nil
}
