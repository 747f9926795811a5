package aio_test

import (
	"net/netip"
	"testing"

	"sarang/aio"
	"sarang/aio/aiotest"
)

// TestConformanceIocp runs the suite on the completion port.
func TestConformanceIocp(t *testing.T) {
	aiotest.Run(t, aiotest.Factory{
		Name: "iocp",
		Open: func(t *testing.T, configs ...aio.Config) []aio.Driver {
			var all []aio.Driver
			for _, c := range configs {
				d, err := aio.Open("iocp", c)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, d)
			}
			return all
		},
		Loopback:        netip.MustParseAddrPort("127.0.0.1:0"),
		Loopback6:       netip.MustParseAddrPort("[::1]:0"),
		ReadsInTurns:    true,
		IdleConnections: 1000, // Wine makes them slowly
	})
}
