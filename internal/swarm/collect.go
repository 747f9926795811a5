package swarm

import "github.com/HdrHistogram/hdrhistogram-go"

// collect makes the report, when the workers have ended.
func (r *run) collect(failure error) {
	p, c := r.report, r.config
	p.Clients, p.Rooms, p.Publishers, p.Stalled, p.Workers = c.Clients, c.Rooms, c.Publishers, c.Stalled, c.Workers
	p.Seed, p.SizeBytes, p.Rate, p.Window, p.Ephemeral = c.Seed, c.SizeBytes, c.Rate, c.Window, c.Ephemeral
	p.LatencyFrom = "publish"
	if c.Rate > 0 {
		p.LatencyFrom = "schedule"
	}
	if failure != nil {
		p.Failure = failure.Error()
	}
	p.ChangesPercent = c.Changes
	if c.Changes > 0 {
		p.Changes = &Changes{}
	}
	p.PeopleRate, p.AccountsPercent, p.Private = c.People, c.Accounts, c.Private
	if c.peopled() {
		p.People = &People{}
	}
	t := r.verify()
	p.addWorkers(r)
	p.Expected, p.Delivered, p.Lost = t.Expected, t.Delivered, t.Lost
	p.Duplicated, p.Reordered, p.Corrupted, p.Misacked = t.Duplicated, t.Reordered, t.Corrupted, t.Misacked
	if c.ServerPID != 0 {
		p.ServerUsage = r.usage()
	}
}

// addWorkers adds up what the workers have counted.
func (p *Report) addWorkers(r *run) {
	latency := hdrhistogram.New(1, latencyMicrosMax, latencyDigits)
	acks := hdrhistogram.New(1, latencyMicrosMax, latencyDigits)
	errors := errorLog{}
	live, lastLive, lastAck := uint64(0), int64(0), int64(0)
	for _, w := range r.workers {
		n := &w.counts
		p.Joined += n.joined
		p.Published += n.published
		p.Acked += n.acked
		p.Refused += n.refused
		p.Retried += n.retried
		p.Faults += n.faults
		p.Gaps += n.gaps
		p.Reconnects += n.reconnects
		p.Broken += n.broken
		p.Disconnects += n.disconnects
		p.ConnectsFailed += n.connectsFailed
		p.Goodbyes += n.goodbyes
		p.GaveUp += n.dead
		live += n.deliveredLive
		lastLive, lastAck = max(lastLive, n.lastLive), max(lastAck, n.lastAck)
		if p.Changes != nil {
			p.Changes.Pages += n.pagesRead
			p.Changes.Lists += n.listsRead
			p.Changes.ShownDeleted += n.shownDeleted
		}
		if p.People != nil {
			p.People.add(n.people)
			for _, m := range w.members {
				m.compare(p.People)
			}
		}
		latency.Merge(w.latency)
		acks.Merge(w.ackLatency)
		errors.merge(w.errors)
	}
	p.Unsent = uint64(max(r.due.Load()-int64(p.Published), 0))
	p.Unanswered = p.Published - p.Acked - p.Refused
	p.Latency, p.AckLatency = latencyOf(latency), latencyOf(acks)
	p.Errors, p.ErrorKinds = errors.total(), errors
	p.MessagesPerSecond = per(float64(p.Acked), seconds(lastAck-r.beganAt.Load()))
	p.DeliveriesPerSecond = per(float64(live), seconds(lastLive-r.beganAt.Load()))
}

// per is n per unit, 0 if there was none of the unit.
func per(n, unit float64) float64 {
	if unit <= 0 {
		return 0
	}
	return n / unit
}

// verify compares everything, room by room.
func (r *run) verify() (all tally) {
	rooms := make([]roomCheck, r.config.Rooms)
	for _, w := range r.workers {
		for i, j := range w.journals {
			rooms[i].journals = append(rooms[i].journals, j)
		}
		for _, m := range w.members {
			c := &rooms[m.room]
			c.receipts = append(c.receipts, &m.receipt)
			c.members = append(c.members, m)
			if m.publisher != nil {
				c.authors = append(c.authors, m.publisher.author())
			}
		}
	}
	for i := range rooms {
		rooms[i].changes = r.config.Changes > 0
		all.add(rooms[i].verify())
		if r.report.Changes != nil {
			r.report.Changes.add(rooms[i].pictures(r.workers[0].inspector))
		}
		rooms[i] = roomCheck{} // so that one room's tables are there at a time
	}
	return all
}

// usage is what the server's process has used.
func (r *run) usage() *ServerUsage {
	before, joined, end := r.server[0], r.server[1], r.server[2]
	u := &ServerUsage{
		UserSeconds:     (end.user - joined.user).Seconds(),
		SystemSeconds:   (end.system - joined.system).Seconds(),
		IntervalSeconds: seconds(r.sampledAt[2] - r.sampledAt[1]),
		RSSBytesBefore:  before.rssBytes,
		RSSBytesJoined:  joined.rssBytes,
		RSSBytes:        end.rssBytes,
		RSSBytesPerJoin: float64(joined.rssBytes-before.rssBytes) / float64(r.config.Clients),
	}
	cpu := u.UserSeconds + u.SystemSeconds
	u.CPUPerDelivery = per(cpu*1e6, float64(r.report.Delivered))
	u.CPUBusyFraction = per(cpu, u.IntervalSeconds)
	u.DeliveriesPerCPU = per(float64(r.report.Delivered), cpu)
	return u
}
