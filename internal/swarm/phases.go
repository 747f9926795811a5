package swarm

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"sarang/chat"
)

// phases runs the run, from the first connect to the last answer. began reports
// whether all had joined, so that there is something to report.
func (r *run) phases(ctx context.Context) (began bool, err error) {
	if err := r.join(ctx); err != nil {
		return false, err
	}
	if err := r.sample(1); err != nil {
		return false, err
	}
	cpu := ownCPU()
	began = true
	r.beganAt.Store(r.clock())
	if err = r.publish(ctx); errors.Is(err, errInterrupted) {
		r.report.Interrupted, err = true, nil
	}
	r.report.PublishSeconds = seconds(r.clock() - r.beganAt.Load())
	r.each(func(w *worker) { w.publishing = false })
	if err == nil {
		// What was begun is ended in order, whatever ctx says.
		err = r.settle(context.WithoutCancel(ctx))
	}
	r.report.ClientCPU = (ownCPU() - cpu).Seconds()
	if e := r.sample(2); err == nil {
		err = e
	}
	return began, err
}

func seconds(nanos int64) float64 { return float64(nanos) / 1e9 }

// sample reads what the server's process has used.
func (r *run) sample(i int) (err error) {
	if r.config.ServerPID != 0 {
		r.server[i], err = usageOf(r.config.ServerPID)
		r.sampledAt[i] = r.clock()
	}
	return err
}

// join connects everybody and waits until all are in their rooms.
func (r *run) join(ctx context.Context) error {
	if err := r.sample(0); err != nil {
		return err
	}
	r.display.phase = "joining"
	from := r.clock()
	r.each(func(w *worker) { w.joinAll() })
	all, err := r.await(ctx, r.config.JoinTimeout, func() bool { return r.joined() == int64(r.config.Clients) })
	if err == nil && !all {
		err = fmt.Errorf("only %d of %d clients have joined in %v", r.joined(), r.config.Clients, r.config.JoinTimeout)
	}
	r.report.JoinSeconds = seconds(r.clock() - from)
	return err
}

// publish has messages published until the duration is over or all are made.
func (r *run) publish(ctx context.Context) error {
	c := r.config
	duration := c.Duration
	if duration == 0 {
		duration = 1 << 62
	}
	r.display.phase = "publishing"
	if c.Idle {
		r.display.phase = "holding"
	} else {
		r.each(func(w *worker) { w.begin() })
	}
	stop := make(chan struct{})
	var helpers sync.WaitGroup
	if c.Rate > 0 && !c.Idle {
		helpers.Go(func() { r.pace(stop) })
	}
	if c.Churn > 0 {
		helpers.Go(func() { r.churn(stop) })
	}
	if c.People > 0 {
		helpers.Go(func() { r.peopled(stop) })
	}
	_, err := r.await(ctx, duration, func() bool {
		return !c.Idle && r.exhausted() == int64(c.Publishers)
	})
	close(stop)
	helpers.Wait()
	if err == nil {
		// What was due and could not be sent yet (a window was full, a client was
		// away) is sent late, and its latency counts: leaving it out would flatter.
		_, err = r.await(ctx, c.Settle, func() bool { return r.unsent() <= 0 || r.exhausted() == int64(c.Publishers) })
	}
	return err
}

// unsent is how many messages were due and are not made.
func (r *run) unsent() int64 {
	if r.config.Rate == 0 {
		return 0
	}
	return r.due.Load() - r.published()
}

// pace posts to the workers what is due, at the times of the timetable.
func (r *run) pace(stop <-chan struct{}) {
	most := uint64(1) << 63
	if r.config.Messages > 0 {
		most = uint64(r.config.Messages)
	}
	if d := r.config.Duration; d > 0 {
		most = min(most, r.timetable.within(d))
	}
	began, posted := r.beganAt.Load(), uint64(0)
	for posted < most {
		now := r.clock() - began
		if due := min(r.timetable.due(now), most); due > posted {
			r.postDue(posted, due)
			posted = due
			r.due.Store(int64(due))
		}
		wait := time.Duration(r.timetable.at(posted) - (r.clock() - began))
		select {
		case <-stop:
			return
		default:
			if wait > 0 {
				pause(min(wait, 50*time.Millisecond))
			}
		}
	}
}

// postDue posts to those workers that own the publishers of messages from to due - 1.
func (r *run) postDue(from, due uint64) {
	c := r.config
	concerned := make([]bool, c.Workers)
	for k := from; k < min(due, from+uint64(c.Publishers)); k++ {
		concerned[int(k%uint64(c.Publishers))%c.Workers] = true
	}
	for i, w := range r.workers {
		if concerned[i] {
			w.post(func() { w.dueBy(due) })
		}
	}
}

// churn breaks connections, evenly spread over the time, of clients chosen by the seed.
func (r *run) churn(stop <-chan struct{}) {
	rng := rand.New(rand.NewPCG(r.config.Seed, 'c'))
	every := time.NewTicker(time.Duration(float64(time.Second) / r.config.Churn))
	defer every.Stop()
	for {
		select {
		case <-stop:
			return
		case <-every.C:
			w, i := r.workers[rng.IntN(len(r.workers))], rng.Int()
			w.post(func() { w.breakOne(i) })
		}
	}
}

// settle waits for the answers to all messages, and for everybody to have got all;
// first those who read all the time, then those who did not.
func (r *run) settle(ctx context.Context) error {
	r.display.phase = "settling"
	if _, err := r.await(ctx, r.config.ResumeTimeout+r.config.Settle, r.answered); err != nil {
		return err
	}
	deadline := time.Now().Add(r.config.Settle)
	if _, err := r.await(ctx, r.config.Settle, func() bool { return r.behind(false) == 0 }); err != nil {
		return err
	}
	if r.config.Stalled > 0 {
		r.display.phase = "catching up"
		from := r.clock()
		r.each(func(w *worker) { w.release() })
		_, err := r.await(ctx, time.Until(deadline), func() bool { return r.behind(true) == 0 })
		r.report.CatchUpSeconds = seconds(r.clock() - from)
		if err != nil {
			return err
		}
	}
	if err := r.closeUp(ctx); err != nil {
		return err
	}
	if err := r.closeDirect(ctx); err != nil {
		return err
	}
	if err := r.closePeople(ctx); err != nil {
		return err
	}
	return r.lastWords(ctx)
}

// answered reports whether every message has its answer and all are online.
func (r *run) answered() bool {
	waiting := make([]int, len(r.workers))
	r.each(func(w *worker) {
		for _, m := range w.members {
			if (!m.online || m.breaking) && !m.dead {
				waiting[w.index]++
			}
			if m.publisher != nil {
				waiting[w.index] += len(m.publisher.inFlight)
			}
		}
	})
	return sum(waiting) == 0
}

func sum(n []int) (all int) {
	for _, one := range n {
		all += one
	}
	return all
}

// behind is how many members have not got what somebody has got, or what was
// acknowledged. Stalled ones count if stalled is true.
func (r *run) behind(stalled bool) int {
	heads := make([][]chat.Seq, len(r.workers))
	r.each(func(w *worker) { heads[w.index] = w.heads() })
	for _, h := range heads[1:] {
		for room := range h {
			heads[0][room] = max(heads[0][room], h[room])
		}
	}
	n := make([]int, len(r.workers))
	r.each(func(w *worker) {
		for _, m := range w.members {
			if (stalled || !m.stalled) && m.receipt.last < heads[0][m.room] && !m.void && !m.dead {
				n[w.index]++
			}
		}
	})
	return sum(n)
}

// heads is the highest place of each room that this worker knows of.
func (w *worker) heads() []chat.Seq {
	heads := make([]chat.Seq, len(w.journals))
	for room, j := range w.journals {
		heads[room] = j.last
	}
	for _, m := range w.members {
		if m.publisher != nil {
			heads[m.room] = max(heads[m.room], m.publisher.lastAck)
		}
	}
	return heads
}

// lastWords asks everybody once more and waits for the answers: what came twice has
// come before them.
func (r *run) lastWords(ctx context.Context) error {
	asked := make([]int, len(r.workers))
	r.each(func(w *worker) {
		for _, m := range w.members {
			if m.online && m.session.Ping(lastPing) == nil {
				asked[w.index]++
			}
		}
	})
	_, err := r.await(ctx, min(r.config.Settle, lastWordsTimeout), func() bool {
		pongs := make([]int, len(r.workers))
		r.each(func(w *worker) { pongs[w.index] = w.counts.pongs })
		return sum(pongs) >= sum(asked)
	})
	return err
}

// lastWordsTimeout bounds the wait for those answers: some may have been lost with a
// connection.
const lastWordsTimeout = 3 * time.Second
