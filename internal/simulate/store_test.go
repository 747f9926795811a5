package simulate_test

import (
	"context"
	"testing"

	"sarang/chat"
	"sarang/internal/simulate"
	"sarang/internal/store/storetest"
)

func TestStoreConformance(t *testing.T) {
	storetest.Run(t, func(*testing.T) storetest.Opener {
		disk := simulate.NewDisk(nil)
		return func(context.Context) (chat.Store, error) { return disk.Open(), nil }
	})
}
