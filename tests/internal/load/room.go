package load

import (
	"fmt"
	"hash/fnv"
	"sync"

	pb "sarang/proto/sarang/v1"
)

// room is what all members together know of a room.
type room struct {
	name    string
	authors []*member

	mu     sync.Mutex
	id     uint64
	epoch  uint64
	prints []uint64 // fingerprint of the event at Seq i+1; 0: nobody has seen it
}

// enter notes which room a name stands for. It must stand for one room for ever.
func (r *room) enter(id, epoch uint64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.id == 0 {
		r.id, r.epoch = id, epoch
	}
	if r.id != id || r.epoch != epoch {
		return fmt.Errorf("room %s was %d in epoch %d and is %d in epoch %d", r.name, r.id, r.epoch, id, epoch)
	}
	return nil
}

func (r *room) identity() (id, epoch uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.id, r.epoch
}

// saw notes that an event was shown to somebody. All must see the same.
func (r *room) saw(e *pb.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for uint64(len(r.prints)) < e.Seq {
		r.prints = append(r.prints, 0)
	}
	at := &r.prints[e.Seq-1]
	switch p := fingerprint(e); {
	case *at == 0:
		*at = p
	case *at != p:
		return fmt.Errorf("room %s showed two different events at %d", r.name, e.Seq)
	}
	return nil
}

// shown returns the fingerprint at a place, 0 if nobody has seen it, and the highest
// place that anybody has seen.
func (r *room) shown(seq uint64) (print, highest uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	highest = uint64(len(r.prints))
	if seq >= 1 && seq <= highest {
		print = r.prints[seq-1]
	}
	return print, highest
}

// fingerprint stands for everything that an event says; it is never 0.
func fingerprint(e *pb.Event) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %d %d %d %d ", e.Seq, e.Kind, e.User, e.Nonce, e.TimeMs)
	_, _ = h.Write([]byte(e.Text))
	return h.Sum64() | 1
}
