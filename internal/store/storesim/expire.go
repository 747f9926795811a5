package storesim

import (
	"context"
	"maps"
	"slices"

	"sarang/chat"
)

var _ chat.Expirer = (*Store)(nil)

// Expired is documented at chat.Expirer.
func (s *Store) Expired(ctx context.Context, q chat.ExpiryQuery) (found []chat.Expiry, next chat.RoomID, err error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "Expired"); err != nil {
		return nil, 0, err
	}
	looked, left := 0, max(q.EventsMax, 1)
	for id := max(q.From, 1); uint64(id) <= uint64(len(d.rooms)); id++ {
		log := d.log(id)
		if log == nil || log.room.Ephemeral || q.KeptMs(log.room.RetainSeconds) == 0 {
			continue
		}
		if looked++; looked > max(q.RoomsMax, 1) {
			return found, id, nil
		}
		if x := log.expired(q, left); x.UpTo != 0 {
			found = append(found, x)
			if left -= x.Events; left <= 0 {
				return found, id, nil
			}
		}
	}
	return found, 0, nil
}

func (log *roomLog) expired(q chat.ExpiryQuery, most int) chat.Expiry {
	x := chat.Expiry{Room: log.room.ID}
	oldMs, dueMs := q.Times(log.room.RetainSeconds)
	says := false
	for i := range log.events[:min(most, len(log.events))] {
		e := &log.events[i]
		if e.TimeMs >= oldMs || i == 0 && e.TimeMs >= dueMs {
			break
		}
		x.UpTo, x.Events, says = e.Seq, i+1, says || e.Kind != chat.EventExpire
	}
	if !says {
		return chat.Expiry{}
	}
	x.AsOf = log.room.LastSeq
	for target, m := range log.changes {
		for _, seq := range m.edits {
			if target <= x.UpTo && seq > x.UpTo {
				x.Edits = append(x.Edits, seq)
			}
		}
	}
	slices.Sort(x.Edits) // a map has no order, and a run is to repeat itself
	return x
}

// expire erases a log up to an event.
func (d *Disk) expire(log *roomLog, upTo chat.Seq) {
	for target, m := range log.changes {
		if target <= upTo {
			d.eraseText(log, m.edits...)
		}
	}
	for len(log.events) > 0 && log.events[0].Seq <= upTo {
		log.events = log.events[1:]
		log.erased++
		d.unname(log.room.ID, log.erased)
	}
	maps.DeleteFunc(log.changes, func(seq chat.Seq, _ *message) bool { return seq <= log.erased })
	maps.DeleteFunc(log.mentions, func(seq chat.Seq, _ []chat.UserID) bool { return seq <= log.erased })
	maps.DeleteFunc(d.follows, func(f follower, _ chat.Follow) bool { return f.room == log.room.ID && f.root <= log.erased })
	forget := func(conflicts []chat.Conflict) {
		for i := range conflicts {
			if c := &conflicts[i]; c.Room == log.room.ID && len(c.Between) > 0 && c.Between[0].Seq <= log.erased {
				c.Between = nil
			}
		}
	}
	for _, o := range d.newest {
		forget(o.conflicts)
	}
	if d.inDoubt != nil {
		forget(d.inDoubt.conflicts)
	}
}
