package server

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"sarang/chat"
	"sarang/internal/limit"
)

// Retention: what is older than the server, or a room, keeps it is looked for a page of rooms at a time, with
// pauses between them, and erased by the rooms (hub.Expire), so that nobody waits for long.
const (
	expirePause     = 50 * time.Millisecond
	expireLoaded    = time.Second // the pause while the server has too much to do
	expireRoomsMax  = 64          // looked at in one go
	expireEventsMax = 256         // erased in one go
	retentionLeast  = time.Minute
)

// erasing is the goroutine that looks for what is too old.
type erasing struct {
	end  context.CancelFunc
	done chan struct{}
}

// startErasing begins to erase what is older than the configuration, and rooms, allow; nil if the store can
// not find that.
func (s *Server) startErasing() (*erasing, error) {
	from, ok := s.store.(chat.Expirer)
	if !ok {
		if s.config.Retention > 0 {
			return nil, fmt.Errorf("retention is %v, and this kind of store can not erase", s.config.Retention)
		}
		return nil, nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	e := &erasing{end: cancel, done: make(chan struct{})}
	go func() {
		defer close(e.done)
		for wait := time.Duration(0); pausing(ctx, wait); wait = cmp.Or(s.config.ExpireEvery, time.Minute) {
			if err := e.round(ctx, s, from); err != nil && ctx.Err() == nil {
				s.config.Logger.Error("looking for old messages failed; trying again later", "error", err)
			}
		}
	}()
	return e, nil
}

// round goes through all rooms once.
func (e *erasing) round(ctx context.Context, s *Server, from chat.Expirer) error {
	q := chat.ExpiryQuery{From: 1, KeepMs: s.config.Retention.Milliseconds(), RoomsMax: expireRoomsMax, EventsMax: expireEventsMax}
	for q.From != 0 {
		for s.node.Hub.Load().Level >= limit.LevelReads {
			if !pausing(ctx, expireLoaded) {
				return ctx.Err()
			}
		}
		q.NowMs = chat.Millis(s.now())
		found, next, err := from.Expired(ctx, q)
		if err != nil {
			return err
		}
		for _, x := range found {
			s.node.Hub.Expire(x)
		}
		if q.From = next; next != 0 && !pausing(ctx, expirePause) {
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
