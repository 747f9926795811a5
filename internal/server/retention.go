package server

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"sarang/chat"
)

// Retention: durable events that are older than a time are erased, in small transactions
// with pauses between them, so that nobody waits for long.
const (
	eraseEvery     = time.Minute // from the end of one round through all rooms to the next
	erasePause     = 50 * time.Millisecond
	eraseRoomsMax  = 64 // of one transaction
	eraseEventsMax = 256
	retentionLeast = time.Minute
)

// erasing is the goroutine that erases.
type erasing struct {
	erased atomic.Int64
	end    context.CancelFunc
	done   chan struct{}
}

// startErasing begins to erase what is older than the configuration allows; nil if it
// allows everything.
func (s *Server) startErasing() (*erasing, error) {
	if s.config.Retention <= 0 {
		return nil, nil
	}
	from, ok := s.store.(chat.Eraser)
	if !ok {
		return nil, fmt.Errorf("retention is %v, and this kind of store can not erase", s.config.Retention)
	}
	ctx, cancel := context.WithCancel(context.Background())
	e := &erasing{end: cancel, done: make(chan struct{})}
	go func() {
		defer close(e.done)
		for wait := time.Duration(0); pausing(ctx, wait); wait = eraseEvery {
			if err := e.round(ctx, s, from); err != nil && ctx.Err() == nil {
				s.config.Logger.Error("erasing old messages failed; trying again later", "error", err)
			}
		}
	}()
	return e, nil
}

// round goes through all rooms once.
func (e *erasing) round(ctx context.Context, s *Server, from chat.Eraser) error {
	before, next := chat.Millis(s.now().Add(-s.config.Retention)), chat.RoomID(1)
	for next != 0 {
		var n int
		var err error
		next, n, err = from.Erase(ctx, chat.Erasure{
			From: next, BeforeMs: before, RoomsMax: eraseRoomsMax, EventsMax: eraseEventsMax,
		})
		if err != nil {
			return err
		}
		e.erased.Add(int64(n))
		if next != 0 && !pausing(ctx, erasePause) {
			return ctx.Err()
		}
	}
	return nil
}

// now is the wall clock of the hub.
func (s *Server) now() time.Time {
	if s.config.Hub.Now != nil {
		return s.config.Hub.Now()
	}
	return time.Now()
}

// pausing waits; false: ctx is done.
func pausing(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// close ends it, in the middle of a round if need be.
func (e *erasing) close() {
	if e != nil {
		e.end()
		<-e.done
	}
}

// checkRetention checks what a person has set.
func checkRetention(name string, d time.Duration) error {
	if d != 0 && d < retentionLeast {
		return fmt.Errorf("%s is %v; allowed are 0 (nothing is erased) and %v or more", name, d, retentionLeast)
	}
	return nil
}
