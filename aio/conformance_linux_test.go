package aio_test

import (
	"net/netip"
	"testing"

	"sarang/aio"
	"sarang/aio/aiotest"
)

var loopback = netip.MustParseAddrPort("127.0.0.1:0")

// opener is a way to open a driver: Open with a kind, or a variant for tests.
type opener func(aio.Config) (aio.Driver, error)

func openKind(kind string) opener {
	return func(c aio.Config) (aio.Driver, error) { return aio.Open(kind, c) }
}

// need skips a test where the machine does not have the kind.
func need(t testing.TB, kind string) {
	t.Helper()
	if _, _, err := aio.Choose(kind); err != nil {
		t.Skip(err)
	}
}

func TestConformance(t *testing.T) {
	for _, kind := range aio.Kinds() {
		t.Run(kind, func(t *testing.T) { conform(t, kind, openKind(kind)) })
	}
}

// TestConformanceTinyUring: a ring that is always full must be as good.
func TestConformanceTinyUring(t *testing.T) { conform(t, "uring", aio.OpenTinyUring) }

// TestConformanceCoarseEpoll: so must timeouts in milliseconds.
func TestConformanceCoarseEpoll(t *testing.T) { conform(t, "epoll", aio.OpenCoarseEpoll) }

func conform(t *testing.T, kind string, open opener) {
	need(t, kind)
	aiotest.Run(t, aiotest.Factory{
		Name: kind,
		Open: func(t *testing.T, configs ...aio.Config) []aio.Driver {
			var all []aio.Driver
			for _, c := range configs {
				d, err := open(c)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, d)
			}
			return all
		},
		Loopback:     loopback,
		Loopback6:    netip.MustParseAddrPort("[::1]:0"),
		ReadsOnce:    kind == "portable",
		ReadsInTurns: kind == "epoll",
	})
}
