package storesim_test

import (
	"context"
	"testing"

	"go.uber.org/goleak"

	"sarang/chat"
	"sarang/internal/store/storesim"
	"sarang/internal/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	storetest.Run(t, func(*testing.T) storetest.Opener {
		disk := storesim.NewDisk(nil)
		return func(context.Context) (chat.Store, error) { return disk.Open(), nil }
	})
}

// Several servers on one disk are one store.
func TestConformanceOfTwo(t *testing.T) {
	storetest.Run(t, func(*testing.T) storetest.Opener {
		disk := storesim.NewDisk(nil)
		return storetest.Share(func(context.Context) (chat.Store, error) { return disk.Open(), nil }, 2)
	})
}

// Two hubs with a store each, on one disk.
func TestHubs(t *testing.T) {
	storetest.RunHubs(t, func(*testing.T) storetest.Opener {
		disk := storesim.NewDisk(nil)
		return func(context.Context) (chat.Store, error) { return disk.Open(), nil }
	}, 2)
}
