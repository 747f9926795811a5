package swarm

import (
	"hash/maphash"
	"sync/atomic"
	"testing"
	"time"

	"sarang/chat"
	"sarang/client/session"
)

// scene is a run without a server: the test is the server, and tells the members what
// comes to them.
type scene struct {
	*run
	members []*member
	log     []chat.Event // the room's, as it should be: Seq i+1 at i
}

const (
	sceneMembers    = 4
	scenePublishers = 2
	sceneJoins      = sceneMembers // events before the first message
	sceneMessages   = 10
)

// newScene makes a room with four members on two workers, of which two have published
// five messages each, in turn; all are acknowledged.
func newScene(t *testing.T) *scene {
	t.Helper()
	c := Config{Addr: "server.test:7777", Clients: sceneMembers, Publishers: scenePublishers, Workers: 2, Seed: 42, SizeBytes: 100}.WithDefaults()
	s := &scene{run: &run{
		config: &c, hashSeed: maphash.MakeSeed(), started: time.Now(),
		users: make([]atomic.Uint64, c.Clients), failed: make(chan error, 1), report: &Report{},
	}}
	for i := range c.Workers {
		s.workers = append(s.workers, newWorker(s.run, i, nil))
	}
	for i := range c.Clients {
		m := s.workers[i%c.Workers].members[i/c.Workers]
		m.journal.begin(0)
		s.members = append(s.members, m)
		s.users[i].Store(uint64(userOf(i)))
		s.append(chat.Event{Kind: chat.EventJoin, User: userOf(i), Name: userName(&c, i)})
	}
	for i := range sceneMessages {
		s.say(i%scenePublishers, true)
	}
	return s
}

func userOf(client int) chat.UserID { return chat.UserID(100 + client) }

func (s *scene) append(e chat.Event) chat.Seq {
	e.Seq = chat.Seq(len(s.log) + 1)
	e.TimeMs = 1700000000000 + int64(e.Seq)
	s.log = append(s.log, e)
	return e.Seq
}

// say has a publisher publish its next message, and the server store and acknowledge it.
func (s *scene) say(client int, acked bool) chat.Seq {
	p := s.members[client].publisher
	p.sent++
	m := message{publisher: uint32(client), counter: uint32(p.sent), scheduled: int64(p.sent) * 1000}
	seq := s.append(chat.Event{
		Kind: chat.EventMessage, User: userOf(client), Name: userName(s.config, client),
		Nonce: chat.Nonce(p.sent), Text: string(p.worker.inspector.payloads.append(nil, m)),
	})
	p.acked = append(p.acked, 0)
	p.worker.counts.published++
	if acked {
		p.acked[p.sent-1] = seq
		p.worker.counts.acked++
	}
	return seq
}

// deliver gives member i the events as they are in its copy of the log.
func (s *scene) deliver(i int, events []chat.Event) {
	m := s.members[i]
	for k := range events {
		want := m.receipt.last + 1
		switch e := events[k]; {
		case e.Seq < want: // what the session does: it tells, and does not deliver
			m.Fault(nil, &session.SequenceError{Want: want, Got: e.Seq})
		case e.Seq > want:
			m.Fault(nil, &session.SequenceError{Want: want, Got: e.Seq})
			fallthrough
		default:
			m.Event(nil, &e)
		}
	}
}

// play gives everybody the log, each as change has made it, and returns what was found.
func (s *scene) play(change func(member int, log []chat.Event) []chat.Event) *Report {
	for i := range s.members {
		own := append([]chat.Event(nil), s.log...)
		if change != nil {
			own = change(i, own)
		}
		s.deliver(i, own)
	}
	s.collect(nil)
	return s.report
}
