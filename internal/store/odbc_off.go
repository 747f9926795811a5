//go:build !odbc

package store

import (
	"context"

	"sarang/chat"
)

func openODBC(context.Context, string, Options) (chat.Store, error) {
	return nil, chat.Errorf(chat.CodeBadRequest, "this program was built without ODBC: go build -tags odbc")
}
