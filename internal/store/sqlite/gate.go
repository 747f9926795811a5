package sqlite

import (
	"context"
	"time"

	"sarang/lock"
)

// gate counts the reads that are going on, and can keep new ones waiting.
type gate struct {
	mu     lock.Mutex
	inside int
	shut   chan struct{} // nil: open; closed when it is opened again
	empty  chan struct{} // not nil: somebody waits for the last read; closed then
}

func (g *gate) init() { g.mu.Init(lock.NewClass("sqlite.gate")) }

// enter begins a read. A nil return wants leave.
func (g *gate) enter(ctx context.Context) error {
	for {
		g.mu.Lock()
		shut := g.shut
		if shut == nil {
			g.inside++
		}
		g.mu.Unlock()
		if shut == nil {
			return nil
		}
		select {
		case <-shut:
		case <-ctx.Done():
			return endedError(ctx.Err())
		}
	}
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	if g.inside == 0 && g.empty != nil {
		close(g.empty)
		g.empty = nil
	}
}

// close keeps new reads waiting until open, and waits for those that are going on, but not
// longer than most. It reports whether none is left. One caller at a time.
func (g *gate) close(most time.Duration) bool {
	g.mu.Lock()
	g.shut = make(chan struct{})
	if g.inside == 0 {
		g.mu.Unlock()
		return true
	}
	empty := make(chan struct{})
	g.empty = empty
	g.mu.Unlock()
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-empty:
		return true
	case <-timer.C:
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.empty = nil
	return g.inside == 0
}

// open lets reads in again.
func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.shut)
	g.shut = nil
}
