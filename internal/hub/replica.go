package hub

import (
	"sarang/chat"
	"sarang/engine"
)

// replica is a room's log in one format at a shard that has readers of it.
type replica struct {
	key       replicaKey
	epoch     chat.Epoch
	ephemeral bool
	feed      *engine.Feed
	shared    bool // the feed is the home's, which is on this shard
}

type replicaKey struct {
	room   chat.RoomID
	format formatIndex
}

// attach returns the shard's replica for a session that has joined, made from the
// home's window if need be.
func (s *Shard) attach(j *joined) *replica {
	key := replicaKey{j.ref.Room, j.format}
	r := s.replicas[key]
	if r == nil {
		r = &replica{key: key, epoch: j.info.Epoch, ephemeral: j.info.Ephemeral}
		if h := s.homes[key.room]; h != nil {
			r.feed, r.shared = h.streams[key.format].feed, true
		} else {
			r.feed = s.worker.NewFeed(uint64(j.info.LastSeq)+1, 0)
			if j.window != nil {
				r.feed.Load(j.window)
			}
		}
		r.feed.Data, r.feed.Fetch = r, s.fetch
		s.replicas[key] = r
	}
	if j.window != nil {
		j.window.Release()
	}
	return r
}

// readersGone tells a shard that its last reader has left: it gets no more events.
type readersGone struct{ replica replicaKey }

func (d *readersGone) on(s *Shard) {
	r := s.replicas[d.replica]
	if r == nil {
		return
	}
	engine.Invariant(r.feed.Cursors() == 0, "a replica of a room is dropped that has readers")
	delete(s.replicas, d.replica)
	if !r.shared {
		r.feed.Close()
	}
}
