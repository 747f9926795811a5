package sqlite_test

import (
	"context"
	"testing"

	"go.uber.org/goleak"

	"sarang/chat"
	"sarang/internal/store/sqlite"
	"sarang/internal/store/storetest"
)

func TestMain(m *testing.M) {
	childMain()
	goleak.VerifyTestMain(m)
}

func TestConformance(t *testing.T) {
	for _, mode := range []sqlite.SyncMode{sqlite.ProcessSafe, sqlite.PowerSafe} {
		t.Run(mode.String(), func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) storetest.Opener {
				dir := t.TempDir()
				return func(ctx context.Context) (chat.Store, error) {
					return sqlite.Open(ctx, sqlite.Config{Dir: dir, Sync: mode, ReadersMax: 2})
				}
			})
		})
	}
}
