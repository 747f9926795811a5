package aiotest

import (
	"sync"
	"sync/atomic"
	"time"

	"sarang/aio"
)

// wakeCases: waking from elsewhere. A Wait here has no end of its own, so a lost
// wake-up shows as a test that runs into its time limit.
func wakeCases() []testCase {
	return []testCase{
		{name: "wake-before-wait", run: caseWakeBeforeWait},
		{name: "wake-from-goroutine", needs: needsExternalWake, run: caseWakeFromGoroutine},
		{name: "wake-ping-pong", needs: needsExternalWake, run: caseWakePingPong},
		{name: "wake-storm", needs: needsExternalWake, run: caseWakeStorm},
		{name: "wake-among-events", needs: needsExternalWake, run: caseWakeAmongEvents},
	}
}

func caseWakeBeforeWait(b *bench) {
	l := b.loop()
	for range 10 {
		l.d.Wake()
		if n := l.wait(-1); n != 0 {
			b.t.Fatalf("%d events from nothing", n)
		}
	}
	for range 100 {
		l.d.Wake()
	}
	l.wait(-1)
	b.calmDown()
}

// calmDown checks that wake-ups are used up: soon a Wait lasts its whole time.
func (b *bench) calmDown() {
	b.t.Helper()
	l := b.loop()
	const timeout = 20 * time.Millisecond
	for range 5 {
		before := l.d.Now()
		if n := l.wait(timeout); n != 0 {
			b.t.Fatalf("%d events from nothing", n)
		}
		if l.d.Now()-before >= timeout-time.Millisecond {
			return
		}
	}
	b.t.Error("Wait goes on returning early with nothing left to deliver")
}

func caseWakeFromGoroutine(b *bench) {
	l := b.loop()
	var woken atomic.Bool
	aboutToWait := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		<-aboutToWait
		woken.Store(true)
		l.d.Wake()
	})
	close(aboutToWait)
	for !woken.Load() {
		l.wait(-1)
	}
	group.Wait()
	b.calmDown()
}

// caseWakePingPong: each wake-up is given only after the one before was seen, so
// that a single lost one stops everything.
func caseWakePingPong(b *bench) {
	l := b.loop()
	const rounds = 1000
	var posted atomic.Int64
	seen := make(chan struct{}, 1)
	var group sync.WaitGroup
	group.Go(func() {
		for range rounds {
			posted.Add(1)
			l.d.Wake()
			<-seen
		}
	})
	for next := int64(1); next <= rounds; next++ {
		for posted.Load() < next {
			l.wait(-1)
		}
		seen <- struct{}{}
	}
	group.Wait()
	b.calmDown()
}

func caseWakeStorm(b *bench) {
	l := b.loop()
	const goroutines, wakesEach = 4, 2500
	var posted atomic.Int64
	var group sync.WaitGroup
	for range goroutines {
		group.Go(func() {
			for range wakesEach {
				posted.Add(1)
				l.d.Wake()
			}
		})
	}
	returns := 0
	for posted.Load() < goroutines*wakesEach {
		l.wait(-1)
		returns++
	}
	group.Wait()
	if returns > goroutines*wakesEach {
		b.t.Errorf("%d returns for %d wake-ups", returns, goroutines*wakesEach)
	}
	b.calmDown()
}

// caseWakeAmongEvents: wake-ups neither hide events nor are hidden by them.
func caseWakeAmongEvents(b *bench) {
	const total = 1 << 20
	l := b.loop()
	near, far := b.pair(aio.SocketOptions{})
	atFar := b.expect(far, 0)
	src := b.send(near, 0, total, 10_000, 2)
	var posted, stop atomic.Bool
	var group sync.WaitGroup
	group.Go(func() {
		for !stop.Load() {
			l.d.Wake()
		}
		posted.Store(true)
		l.d.Wake()
	})
	for atFar.pos < total || !src.done() {
		l.wait(-1)
	}
	stop.Store(true)
	for !posted.Load() {
		l.wait(-1)
	}
	group.Wait()
	b.calmDown()
}
