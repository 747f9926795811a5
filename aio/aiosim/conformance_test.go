package aiosim_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sarang/aio"
	"sarang/aio/aiosim"
	"sarang/aio/aiotest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// factory opens drivers in a world of its own for each case.
func factory(config aiosim.Config) aiotest.Factory {
	return aiotest.Factory{
		Name: aiosim.Name,
		Open: func(_ *testing.T, configs ...aio.Config) []aio.Driver {
			w := aiosim.NewWorld(config)
			var drivers []aio.Driver
			for _, c := range configs {
				drivers = append(drivers, w.NewDriver(c))
			}
			return drivers
		},
		Loopback:       netip.MustParseAddrPort("127.0.0.1:0"),
		Loopback6:      netip.MustParseAddrPort("[::1]:0"),
		Simulated:      true,
		NoExternalWake: !config.AllowExternalWake,
	}
}

// benignFaults lose nothing: whatever the suite asks for must still come.
func benignFaults() aiosim.Faults {
	return aiosim.Faults{
		DelayMin: 10 * time.Microsecond, DelayMax: 3 * time.Millisecond,
		SegmentBytesMin: 100, SegmentBytesMax: 5000,
		ShortSend: 0.3, ShortRecv: 0.2, SpuriousFull: 0.1,
		Stall: 0.001, StallMin: time.Millisecond, StallMax: 20 * time.Millisecond,
		AbortDelayMax: 2 * time.Millisecond,
	}
}

func TestSimConformance(t *testing.T) {
	aiotest.Run(t, factory(aiosim.Config{Seed: 1, AllowExternalWake: true}))
}

func TestSimConformanceWithFaults(t *testing.T) {
	seeds := 5
	if testing.Short() {
		seeds = 2
	}
	for seed := range seeds {
		t.Run(fmt.Sprintf("seed-%d", seed), func(t *testing.T) {
			f := factory(aiosim.Config{Seed: uint64(seed), Faults: benignFaults(), AllowExternalWake: true})
			f.IdleConnections = 300
			aiotest.Run(t, f)
		})
	}
}

func TestSimConformanceOnASlowLine(t *testing.T) {
	f := factory(aiosim.Config{
		Seed:            9,
		Faults:          aiosim.Faults{DelayMin: time.Millisecond, DelayMax: time.Millisecond, BytesPerSecond: 10 << 20},
		SendBufferBytes: 8000,
		RecvBufferBytes: 3000,
	})
	f.IdleConnections = 300
	aiotest.Run(t, f)
}
