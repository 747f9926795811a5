package engine

import "sarang/mem"

// Stats counts what a worker, or a whole service, has done since it started.
type Stats struct {
	Sessions      int // open now
	Timers        int // running now: one for each session with a deadline, and those of the program
	Ticks         uint64
	Accepted      uint64
	Connected     uint64
	Refused       [refusalCount]uint64 // connections, by RefusalCause
	Silent        uint64               // of those, closed without a farewell
	AcceptErrors  uint64
	Disconnected  [reasonCount]uint64 // by ReasonCode
	BytesReceived uint64
	BytesSent     uint64
	Frames        uint64 // received
	FrameErrors   uint64
	SlicesCut     uint64    // slices of time that were over before all was done that waited
	Sends         uint64    // completed, however short
	EntriesSent   uint64    // feed entries times readers
	Blocked       uint64    // sends that met a full socket
	Memory        mem.Stats // buffers of the whole service
}

func (a *Stats) add(b *Stats) {
	a.Sessions += b.Sessions
	a.Timers += b.Timers
	a.Ticks += b.Ticks
	a.Accepted += b.Accepted
	a.Connected += b.Connected
	for i := range b.Refused {
		a.Refused[i] += b.Refused[i]
	}
	a.Silent += b.Silent
	a.AcceptErrors += b.AcceptErrors
	for i := range b.Disconnected {
		a.Disconnected[i] += b.Disconnected[i]
	}
	a.BytesReceived += b.BytesReceived
	a.BytesSent += b.BytesSent
	a.Frames += b.Frames
	a.FrameErrors += b.FrameErrors
	a.SlicesCut += b.SlicesCut
	a.Sends += b.Sends
	a.EntriesSent += b.EntriesSent
	a.Blocked += b.Blocked
}

// Stats adds up the counts of all workers. After Close there are none.
func (s *Service) Stats() Stats {
	var sum Stats
	for _, w := range s.workers {
		s.do(w, func(w *Worker) {
			one := w.stats
			one.Sessions, one.Timers = w.sessions.live, w.wheel.count
			sum.add(&one)
		})
	}
	sum.Memory = s.pool.Stats()
	return sum
}
