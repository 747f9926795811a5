package load_test

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"testing"
	"time"

	"sarang/bench/internal/load"
	"sarang/bench/internal/wire"
)

// joined is a crowd of receivers and one publisher that has joined f.
func joined(t *testing.T, f *fake, receivers int) *load.Crowd {
	t.Helper()
	c, err := load.Open(t.Context(), load.Config{Addr: f.addr(), Protocol: wire.Relay{}, Rooms: 1, PerRoom: receivers, Publishers: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	if took, err := c.Connect(); err != nil || took <= 0 {
		t.Fatalf("connect took %v: %v", took, err)
	}
	if took, err := c.Join(); err != nil || took <= 0 {
		t.Fatalf("join took %v: %v", took, err)
	}
	return c
}

// attempts is how often a test measures until there is something: a machine that is
// busy with other things may let a whole tenth of a second pass.
const attempts = 20

func phase(window int) load.Phase {
	return load.Phase{Window: window, Sizes: []int{64}, Warm: 10 * time.Millisecond, Measure: 100 * time.Millisecond}
}

func TestWindow(t *testing.T) {
	for _, window := range []int{1, 16, 63} {
		f := newFake(t, nil)
		c := joined(t, f, 100) // more than are let connect at once
		marks := 0
		p := phase(window)
		p.Mark = func() error { marks++; return nil }
		runs, withDeliveries := 0, 0
		for ; runs < attempts && withDeliveries < 2; runs++ { // a crowd runs phases one after the other
			r, err := c.Run(p)
			if err != nil {
				t.Fatal(err)
			}
			checkWindow(t, window, p, r)
			if r.Deliveries > 0 {
				withDeliveries++
			}
		}
		if withDeliveries < 2 {
			t.Errorf("window %d: deliveries in %d of %d phases", window, withDeliveries, runs)
		}
		if marks != 2*runs {
			t.Errorf("Mark was called %d times, want twice in each of %d phases", marks, runs)
		}
	}
}

// A trickle keeps the window as groups do.
func TestTrickle(t *testing.T) {
	for _, window := range []int{1, 16} {
		c := joined(t, newFake(t, nil), 100)
		p := phase(window)
		p.Trickle = true
		for runs, done := 0, false; !done; runs++ {
			r, err := c.Run(p)
			if err != nil {
				t.Fatal(err)
			}
			checkWindow(t, window, p, r)
			if done = r.Deliveries > 0; !done && runs == attempts {
				t.Fatal("nothing was delivered")
			}
		}
	}
}

// checkWindow checks a phase of 100 receivers.
func checkWindow(t *testing.T, window int, p load.Phase, r *load.Result) {
	t.Helper()
	if r.Lost+r.Repeated+r.Wrong != 0 || r.Wall < p.Measure || r.CPU <= 0 {
		t.Errorf("window %d: %+v", window, r)
	}
	if d := int64(r.Deliveries) - int64(r.Completed)*100; d < -int64(window)*100 || d > int64(window)*100 {
		t.Errorf("window %d: %d messages came to all of 100, but there were %d deliveries", window, r.Completed, r.Deliveries)
	}
	if n := r.Latency.TotalCount(); uint64(n) != r.Deliveries {
		t.Errorf("window %d: %d latencies of %d deliveries", window, n, r.Deliveries)
	}
	// What was received and what was delivered differ by the frames that are cut at the
	// beginning and the end.
	if d := int64(r.Bytes) - 118*int64(r.Deliveries); d < -118*100 || d > 118*100 {
		t.Errorf("window %d: %d bytes for %d deliveries of 118", window, r.Bytes, r.Deliveries)
	}
}

// A message is in flight until the last receiver has it: a server that holds one
// receiver's deliveries back must never see more than the window.
func TestWindowWaitsForTheSlowest(t *testing.T) {
	const window, receivers = 4, 3
	var held [][]byte
	most := 0
	f := newFake(t, func(f *fake, n int, b []byte) {
		for _, c := range f.receivers[1:] {
			c.Write(b)
		}
		held = append(held, append([]byte(nil), b...))
		most = max(most, len(held))
		if len(held) == window {
			for _, h := range held {
				f.receivers[0].Write(h)
			}
			held = nil
		}
	})
	c := joined(t, f, receivers)
	if _, err := c.Run(phase(window)); err != nil && !errors.Is(err, load.ErrStalled) {
		t.Fatal(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if most != window {
		t.Errorf("the server has seen %d messages in flight, want %d", most, window)
	}
}

func TestTimetable(t *testing.T) {
	c := joined(t, newFake(t, nil), 3)
	p := phase(0)
	p.Rate, p.Warm, p.Measure = 1000, 0, 300*time.Millisecond
	r, err := c.Run(p)
	if err != nil {
		t.Fatal(err)
	}
	// The timetable is kept however late the machine is: what was due was published,
	// or is behind.
	if due := float64(r.Published + r.Behind); due < 295 || due > 1.2*1000*r.Wall.Seconds() {
		t.Errorf("%d published and %d behind in %v at 1,000 per second", r.Published, r.Behind, r.Wall)
	}
}

func TestFaultsAreCounted(t *testing.T) {
	for name, c := range map[string]struct {
		twist                 func(f *fake, n int, b []byte)
		lost, repeated, wrong uint64
	}{
		"lost": {func(f *fake, n int, b []byte) {
			if n != 50 && n != 51 {
				f.toAll(b)
			}
		}, 2 * 2, 0, 0},
		"repeated": {func(f *fake, n int, b []byte) {
			f.toAll(b)
			if n == 50 {
				f.toAll(b)
			}
		}, 0, 2, 0},
		"cut": {func(f *fake, n int, b []byte) {
			if n == 50 {
				text := b[4 : 4+64]
				b = frame(text[:60])
			}
			f.toAll(b)
		}, 0, 0, 2},
	} {
		t.Run(name, func(t *testing.T) {
			crowd := joined(t, newFake(t, c.twist), 2)
			p := phase(8)
			p.Warm = 0
			var r load.Result // of all phases until message 51 and more have come
			for range attempts {
				one, err := crowd.Run(p)
				if err != nil {
					t.Fatal(err)
				}
				r.Lost, r.Repeated, r.Wrong = r.Lost+one.Lost, r.Repeated+one.Repeated, r.Wrong+one.Wrong
				if r.Published += one.Published; r.Published > 200 {
					break
				}
			}
			if r.Lost != c.lost || r.Repeated != c.repeated || r.Wrong != c.wrong {
				t.Errorf("lost %d, repeated %d, wrong %d; want %d, %d, %d", r.Lost, r.Repeated, r.Wrong, c.lost, c.repeated, c.wrong)
			}
		})
	}
}

func TestServerFails(t *testing.T) {
	for name, c := range map[string]struct {
		twist func(f *fake, n int, b []byte)
		want  error
	}{
		"closes":       {func(f *fake, _ int, _ []byte) { f.receivers[0].Close() }, io.EOF},
		"other text":   {func(f *fake, _ int, _ []byte) { f.toAll(frame([]byte("good evening to you all!"))) }, wire.ErrHeader},
		"never sent":   {func(f *fake, _ int, _ []byte) { f.toAll(frame(wire.AppendText(nil, 1<<40, 1, 64))) }, wire.ErrHeader},
		"framing lost": {func(f *fake, _ int, _ []byte) { f.toAll([]byte{0, 0, 0, 0}) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := joined(t, newFake(t, c.twist), 2).Run(phase(1))
			var fault *wire.FramingError
			if err == nil || c.want != nil && !errors.Is(err, c.want) || c.want == nil && !errors.As(err, &fault) {
				t.Errorf("error %v, want %v", err, c.want)
			}
		})
	}
}

func TestInterrupted(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	f := newFake(t, func(f *fake, n int, b []byte) {
		if n == 100 {
			stop()
		}
		f.toAll(b)
	})
	c, err := load.Open(ctx, load.Config{Addr: f.addr(), Protocol: wire.Relay{}, Rooms: 1, PerRoom: 2, Publishers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Connect(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Join(); err != nil {
		t.Fatal(err)
	}
	p := phase(1)
	p.Measure = time.Minute
	if _, err := c.Run(p); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}

func TestConfig(t *testing.T) {
	good := load.Config{Addr: netip.MustParseAddrPort("127.0.0.1:1"), Protocol: wire.Relay{}, Rooms: 1, PerRoom: 1, Publishers: 1}
	for name, change := range map[string]func(*load.Config){
		"another machine": func(c *load.Config) { c.Addr = netip.MustParseAddrPort("192.0.2.1:1") },
		"no protocol":     func(c *load.Config) { c.Protocol = nil },
		"no rooms":        func(c *load.Config) { c.Rooms = 0 },
		"negative":        func(c *load.Config) { c.PerRoom = -1 },
	} {
		bad := good
		change(&bad)
		if _, err := load.Open(t.Context(), bad); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	c := joined(t, newFake(t, nil), 1)
	for name, p := range map[string]load.Phase{
		"no window": {Sizes: []int{64}, Measure: time.Second},
		"no sizes":  {Window: 1, Measure: time.Second},
		"both":      {Rate: 1, Trickle: true, Sizes: []int{64}, Measure: time.Second},
		"too short": {Window: 1, Sizes: []int{15}, Measure: time.Second},
		"no time":   {Window: 1, Sizes: []int{64}},
	} {
		if _, err := c.Run(p); err == nil {
			t.Errorf("phase with %s: no error", name)
		}
	}
}

func TestRefusedConnection(t *testing.T) {
	f := newFake(t, nil)
	at := f.addr()
	f.listener.Close() // nobody listens there any more
	c, err := load.Open(t.Context(), load.Config{Addr: at, Protocol: wire.Relay{}, Rooms: 1, PerRoom: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var lost *load.LostError
	if _, err := c.Connect(); !errors.As(err, &lost) {
		t.Errorf("error %v, want a LostError", err)
	}
}
