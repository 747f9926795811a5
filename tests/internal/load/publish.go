package load

import (
	"context"
	"time"

	pb "sarang/proto/sarang/v1"
)

// publishing makes messages, on a random timetable, and sends those again that were
// refused for a time.
func (m *member) publishing(ctx context.Context) {
	mean := time.Duration(float64(time.Second) / m.load.config.RatePerSecond)
	timer := time.NewTimer(mean)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		wait, err := m.publishOne(mean)
		if err != nil {
			return // the reader notices as well, and goes on from there
		}
		timer.Reset(wait)
	}
}

// publishOne sends what is due and says when to come again.
func (m *member) publishOne(mean time.Duration) (time.Duration, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	wait := time.Duration(m.rng.Int64N(int64(2 * mean)))
	if !m.joined {
		return wait, nil
	}
	now := time.Now()
	for _, counter := range m.flying {
		if at, waits := m.waiting[counter]; waits && now.After(at) {
			delete(m.waiting, counter)
			m.load.counts.add(resent)
			if err := m.send(counter); err != nil {
				return 0, err
			}
		}
	}
	select {
	case <-m.load.quiet:
		return wait, nil
	default:
	}
	if len(m.flying) >= m.load.config.InFlightMax {
		return wait, nil
	}
	m.made++
	m.acked = append(m.acked, 0)
	m.flying = append(m.flying, m.made)
	m.load.counts.add(Message)
	return wait, m.send(m.made)
}

// send sends a message, for the first time or again.
func (m *member) send(counter int) error {
	if m.conn == nil {
		return errEnd
	}
	id, _ := m.room.identity()
	m.asked[counter] = time.Now()
	return m.conn.Send(pb.CChat, &pb.Publish{Room: id, Nonce: m.nonceBase + uint64(counter), Text: m.text(counter)})
}

func (m *member) text(counter int) string {
	return textOf(m.load.config.Seed, m.name, counter, m.load.config.TextBytesMax)
}
