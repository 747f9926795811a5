package engine_test

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"testing"
	"time"

	"sarang/aio"
	"sarang/aio/aiosim"
	"sarang/engine"
)

// leaver is an echo that tells sessions why they end.
type leaver struct{ echo }

func (leaver) Farewell(to engine.Sender, why engine.Reason) {
	_ = to.Send(pack(idBye, byte(why.Code)))
}

// Drain tells every session, sends what waits, ends the streams, and is done when
// the peers have gone.
func TestDrain(t *testing.T) {
	onDrivers(t, func(t *testing.T, open func(int) (aio.Driver, error)) {
		ended := make(chan engine.Reason, 100)
		svc := serve(t, engine.Config{
			OpenDriver: open, Workers: 2,
		})
		at := listen(t, svc, "127.0.0.1:0", packets(func(*engine.Worker) engine.Handler { return leaver{echo{ended: ended}} }))
		const count = 10
		peers := make(chan error, count)
		for i := range count {
			c := dial(t, at)
			roundTrip(t, c, byte(i))
			go func() {
				rest, err := io.ReadAll(c)
				if err == nil && string(rest) != string(pack(idBye, byte(engine.ReasonDraining))) {
					err = errors.New("no farewell, but " + string(rest))
				}
				c.Close()
				peers <- err
			}()
		}
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		svc.Drain(ctx)
		if n := svc.Sessions(); n != 0 || ctx.Err() != nil {
			t.Errorf("%d sessions are left after Drain: %v", n, ctx.Err())
		}
		for range count {
			if err := <-peers; err != nil {
				t.Error(err)
			}
			if why := <-ended; why.Code != engine.ReasonDraining {
				t.Errorf("ended with %v", why)
			}
		}
		if err := svc.Connect(at, packets(newEcho), nil); !errors.Is(err, engine.ErrClosed) {
			t.Errorf("Connect after Drain gave %v", err)
		}
		if _, err := svc.Listen(netip.MustParseAddrPort("127.0.0.1:0"), packets(newEcho)); !errors.Is(err, engine.ErrClosed) {
			t.Errorf("Listen after Drain gave %v", err)
		}
	})
}

// A peer that does not go is aborted when the time is up.
func TestDrainDeadline(t *testing.T) {
	onDrivers(t, func(t *testing.T, open func(int) (aio.Driver, error)) {
		ended := make(chan engine.Reason, 1)
		svc := serve(t, engine.Config{
			OpenDriver: open, LingerTimeout: time.Hour,
		})
		at := listen(t, svc, "127.0.0.1:0", packets(func(*engine.Worker) engine.Handler { return echo{ended: ended} }))
		c := dial(t, at)
		roundTrip(t, c, 'a')
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		svc.Drain(ctx)
		if ctx.Err() == nil {
			t.Error("Drain ended before its time although a peer stayed")
		}
		if why := <-ended; why.Code != engine.ReasonDraining {
			t.Errorf("ended with %v", why)
		}
	})
}

// A connection that is being made when Drain begins is given up, not let in.
func TestDrainWhileConnecting(t *testing.T) {
	c := setup{simply: true, faults: aiosim.Faults{DelayMin: 1e9, DelayMax: 1e9}}
	everywhere(t, c, func(h *harness) {
		if err := h.service.Connect(h.at, h.packets, nil); err != nil {
			h.Fatal(err)
		}
		h.service.Drain(context.Background())
		h.until("no session", func() bool { return h.service.Sessions() == 0 })
		if len(h.sessions) != 0 || len(h.ended) != 1 || h.ended[0].Code != engine.ReasonDraining {
			h.Errorf("%d were connected, ended with %v", len(h.sessions), h.ended)
		}
		if h.now() > 5e9 {
			h.Errorf("it took %v", h.now())
		}
	})
}
