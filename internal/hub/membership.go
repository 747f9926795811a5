package hub

import (
	"context"
	"time"

	"sarang/chat"
	"sarang/engine"
	"sarang/internal/limit"
)

// Who belongs to a room and how far he has read is no part of its log. What changes of it
// gathers at the shard of the room's home, so that the changes of a room have one order, and is
// stored by and by, many in one transaction, off the workers. Who has asked is told when it is
// stored, and so are the user's other sessions, wherever they are.

const (
	// memberPace is how long the store is left alone between two such transactions, unless
	// there is enough for a whole one.
	memberPace = 200 * time.Millisecond
	// memberRetry is when it is tried again what the store could not do.
	memberRetry = time.Second
	// membersWaitMax bounds what waits on a shard. What sessions ask for is bounded by them;
	// the rest are those who come, and who come again later.
	membersWaitMax = 1 << 16
)

// memberQueue is what waits to be stored of the rooms of a shard.
type memberQueue struct {
	waiting []*memberJob
	newest  map[seat]*memberJob // the newest of those that wait about a user in a room
	flying  bool                // some are being stored
	freeAt  time.Duration       // worker's time until which the store is left alone
	timer   engine.Timer
}

type seat struct {
	user chat.UserID
	room chat.RoomID
}

// memberJob is a change, and who waits for it.
type memberJob struct {
	change chat.MemberChange
	askers []asker
	news   bool // the user is told if he did not belong to the room
}

// belong has a membership changed; who, if not nil, is told the outcome.
func (s *Shard) belong(c chat.MemberChange, who *asker) { s.belongs(c, who) }

// belongNews is belong for what the user has not done himself: his sessions are told.
func (s *Shard) belongNews(c chat.MemberChange) {
	if job := s.belongs(c, nil); job != nil {
		job.news = true
	}
}

// belongs returns nil if too much waits already.
func (s *Shard) belongs(c chat.MemberChange, who *asker) *memberJob {
	q := &s.members
	at := seat{c.User, c.Room}
	job := q.newest[at]
	if job != nil && job.change.Kind == c.Kind && job.change.By == c.By && job.change.Root == c.Root &&
		(c.Kind == chat.MemberMarks || c.Kind == chat.MemberReads || c.Kind == chat.MemberEnters) {
		if c.Kind != chat.MemberEnters {
			job.change.Seq = max(job.change.Seq, c.Seq)
		}
	} else {
		if len(q.waiting) >= membersWaitMax {
			s.membersRefused(who)
			return nil
		}
		job = &memberJob{change: c}
		q.waiting = append(q.waiting, job)
		if q.newest == nil {
			q.newest = map[seat]*memberJob{}
		}
		q.newest[at] = job
	}
	if who != nil {
		job.askers = append(job.askers, *who)
	}
	return job
}

func (s *Shard) membersRefused(who *asker) {
	s.hub.logTrouble(&s.hub.troubles.request, "a change of a membership is dropped", "waiting", len(s.members.waiting))
	if who != nil {
		s.refuse(who, overloaded("too many changes wait for the store; try again"))
	}
}

// storeMembers has what waits stored, when it is time. It is called at the end of a tick.
func (s *Shard) storeMembers() {
	q := &s.members
	if q.flying || len(q.waiting) == 0 {
		return
	}
	now := s.worker.Now()
	if wait := q.freeAt - now; wait > 0 && len(q.waiting) < chat.MemberChangesMax && !s.hub.draining.Load() {
		if !q.timer.Running() {
			s.worker.After(&q.timer, wait, func(*engine.Timer) { s.storeMembers() })
		}
		return
	}
	jobs := q.take()
	q.flying, q.freeAt = true, now+memberPace
	ok := s.give(s.hub.claims, limit.Source{}, func() {
		after, err := s.hub.changeMembers(jobs)
		s.worker.Post(engine.MessageFunc(func(*engine.Worker) { s.membersStored(jobs, after, err) }))
	})
	if !ok {
		s.membersStored(jobs, nil, overloaded("too many requests wait for the store; try again"))
	}
}

// take returns the first of what waits.
func (q *memberQueue) take() []*memberJob {
	n := min(len(q.waiting), chat.MemberChangesMax)
	jobs := q.waiting[:n:n]
	if q.waiting = q.waiting[n:]; len(q.waiting) == 0 {
		q.waiting, q.newest = nil, nil
		return jobs
	}
	for _, j := range jobs {
		if at := (seat{j.change.User, j.change.Room}); q.newest[at] == j {
			delete(q.newest, at)
		}
	}
	return jobs
}

// changeMembers stores changes. It may block.
func (h *Hub) changeMembers(jobs []*memberJob) ([]chat.Membership, error) {
	changes := make([]chat.MemberChange, len(jobs))
	for i, j := range jobs {
		changes[i] = j.change
	}
	ctx, cancel := context.WithTimeout(context.Background(), h.config.StoreTimeout)
	defer cancel()
	return h.config.Store.ChangeMembers(ctx, changes, h.config.UserMembershipsMax)
}

// membersStored tells what was stored. What nobody waits for is stored later if it was not, but
// by a server that goes down: it does not wait for a store that may never come back, and who came
// comes again.
func (s *Shard) membersStored(jobs []*memberJob, after []chat.Membership, err error) {
	q := &s.members
	q.flying = false
	if err == nil {
		s.hub.counts.memberChanges.Add(int64(len(jobs)))
		for i, j := range jobs {
			s.tellMember(j, after[i])
		}
		return
	}
	why := s.hub.typed("storing memberships", err)
	var again []*memberJob
	for _, j := range jobs {
		for i := range j.askers {
			s.refuse(&j.askers[i], why)
		}
		if j.askers == nil && !s.hub.draining.Load() && len(q.waiting)+len(again) < membersWaitMax {
			again = append(again, j)
		}
	}
	q.waiting = append(again, q.waiting...)
	q.freeAt = s.worker.Now() + memberRetry
}

// tellMember tells those who have asked for a change, and the user's other sessions.
func (s *Shard) tellMember(j *memberJob, m chat.Membership) {
	if leaves := j.change.Kind == chat.MemberLeaves; j.askers == nil && !(j.news && (leaves || m.Since == j.change.Seq && m.Room != 0)) {
		return
	}
	for i := range j.askers {
		who := &j.askers[i]
		if m.Room == 0 && j.change.Kind != chat.MemberLeaves {
			s.refuse(who, s.notMember())
			continue
		}
		if j.noThread(&m) {
			s.refuse(who, chat.Errorf(chat.CodeNoMessage, "event %d is no message of this room, or is not kept any more", j.change.Root))
			continue
		}
		s.answer(who.session.Worker(), &memberTold{*who, j.change.Kind, j.change.Root, m})
	}
	if m.Room == 0 && j.change.Kind != chat.MemberLeaves || j.change.Kind.OfThread() && m.Thread.Root == 0 {
		return
	}
	for _, id := range s.hub.online.sessionsOf(j.change.User) {
		if !j.asked(id) {
			who := asker{session: id, user: j.change.User, ref: RequestRef{Room: j.change.Room}}
			s.answer(id.Worker(), &memberTold{who, j.change.Kind, j.change.Root, m})
		}
	}
}

// notMember is the answer to who does not belong to the room. A server that goes down may have
// dropped that he came (membersStored), so it can not say that he does not.
func (s *Shard) notMember() *chat.Error {
	if s.hub.draining.Load() {
		return draining()
	}
	return chat.Errorf(chat.CodeNotMember, "you do not belong to this room: join it first")
}

// noThread reports whether a change was of a thread that there is not. Who has read what he does not
// follow is not told so.
func (j *memberJob) noThread(m *chat.Membership) bool {
	return j.change.Kind.OfThread() && j.change.Kind != chat.MemberReads && m.Thread.Root == 0
}

func (j *memberJob) asked(id engine.SessionID) bool {
	for i := range j.askers {
		if j.askers[i].session == id {
			return true
		}
	}
	return false
}

// Followed is what a user has to do with a thread, as it is told.
type Followed struct {
	Root     chat.Seq
	Followed bool
	Mark     chat.Seq // he has read the thread up to it
	Reads    bool     // it is told of a mark, and not of who follows
}

// memberTold tells a session what a membership of its user is.
type memberTold struct {
	asker
	kind chat.MemberChangeKind
	root chat.Seq // of a thread
	m    chat.Membership
}

func (t *memberTold) on(s *Shard) {
	o := s.session(t.session)
	if o == nil || o.User != t.user {
		return
	}
	if t.counted {
		o.requests--
	}
	switch t.kind {
	case chat.MemberLeaves:
		s.leftForGood(o, t.ref, t.counted)
	case chat.MemberMarks:
		o.Client.Marked(o, t.ref, t.m.Mark)
	case chat.MemberMutes, chat.MemberUnmutes:
		o.Client.Muted(o, t.ref, t.m.Muted)
	case chat.MemberFollows, chat.MemberUnfollows, chat.MemberReads:
		o.Client.Followed(o, t.ref, Followed{Root: t.root, Followed: t.m.Thread.Followed, Mark: t.m.Thread.Mark, Reads: t.kind == chat.MemberReads})
	case chat.MemberEnters:
		o.Client.Belongs(o, t.ref.Room)
	}
}
