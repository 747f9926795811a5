package server

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"sarang/internal/store"
)

// Giving memory back. The collector lets the heap grow to twice of what lives before
// it looks, and keeps the room afterwards; that is right under load and waste on a
// server of idle sessions. So, when little is allocated and much could be given back,
// it is: not more than once in a while, for it costs a collection.
const (
	memoryPollInterval = 5 * time.Second
	memoryGiveInterval = 30 * time.Second
	memorySlackBytes   = 4 << 20 // below it nothing is worth the work
)

// heap is what is looked at.
type heap struct {
	liveBytes      uint64 // when the collector last looked
	slackBytes     uint64 // what could be given back, about
	allocatedBytes uint64 // since the start
}

func readHeap() heap {
	s := []metrics.Sample{
		{Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/gc/heap/allocs:bytes"},
	}
	metrics.Read(s)
	live, objects, free := s[0].Value.Uint64(), s[1].Value.Uint64(), s[2].Value.Uint64()
	return heap{live, max(objects, live) - live + free, s[3].Value.Uint64()}
}

// worthGiving reports whether memory is to be given back, by what has happened since before.
func (h heap) worthGiving(before heap) bool {
	busy := h.allocatedBytes-before.allocatedBytes > h.slackBytes/4
	return !busy && h.slackBytes > max(memorySlackBytes, h.liveBytes/8)
}

// giveMemoryBack runs until ctx is done.
func (s *Server) giveMemoryBack(ctx context.Context) {
	look := time.NewTicker(memoryPollInterval)
	defer look.Stop()
	before, given := readHeap(), time.Time{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		now := readHeap()
		if now.worthGiving(before) && time.Since(given) >= memoryGiveInterval {
			if err := s.shrinkStore(ctx); err != nil && ctx.Err() == nil {
				s.config.Logger.Warn("shrinking the store's cache failed", "error", err)
			}
			debug.FreeOSMemory()
			now, given = readHeap(), time.Now()
		}
		before = now
	}
}

// shrinkStore has the store let go of what it keeps only for speed, if it can.
func (s *Server) shrinkStore(ctx context.Context) error {
	if k, ok := s.store.(store.Shrinker); ok {
		return k.Shrink(ctx)
	}
	return nil
}
