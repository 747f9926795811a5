package swarm

import (
	"context"
	"fmt"
	"slices"
	"time"

	"sarang/chat"
	"sarang/client/session"
	"sarang/client/view"
	"sarang/engine"
)

// closing is what a member asks when everything was answered, with Config.Changes: where it is
// mentioned, and, one member of each room, its history and its threads. What comes is compared
// when the run is over.
type closing struct {
	stage   closingStage
	request uint32 // that has no answer; 0: none
	timer   engine.Timer

	place    chat.MentionPlace
	mentions []chat.Seq // in the member's room, the newest first
	history  *view.View // made of pages alone
	after    chat.Seq
	threads  []session.Thread
	before   chat.Seq
}

type closingStage uint8

const (
	closingNot closingStage = iota
	closingMentions
	closingHistory
	closingThreads
	closed
)

func (c *closing) asks(request uint32) bool { return request != 0 && c.request == request }

// closeUp asks all members for what is compared.
func (r *run) closeUp(ctx context.Context) error {
	if r.config.Changes == 0 {
		return nil
	}
	r.display.phase = "comparing"
	r.each(func(w *worker) {
		for _, m := range w.members {
			m.closing.stage = closingMentions
			m.askNext()
		}
	})
	_, err := r.await(ctx, r.config.Settle, func() bool {
		left := make([]int, len(r.workers))
		r.each(func(w *worker) {
			for _, m := range w.members {
				if m.closing.stage != closed && !m.dead && !m.void {
					left[w.index]++
				}
			}
		})
		return sum(left) == 0
	})
	return err
}

// askNext asks what comes next. Who is offline asks when it is back.
func (m *member) askNext() {
	c, s := &m.closing, m.session
	if !m.online || c.request != 0 {
		return
	}
	var err error
	switch c.stage {
	case closingMentions:
		c.request, err = s.Mentions(c.place, 0)
	case closingHistory:
		if c.history == nil {
			c.history = view.New(chat.UserID(m.worker.run.users[m.index].Load()))
			c.after = m.journal.base - 1
		}
		c.request, err = s.History(session.History{Room: m.roomID, After: c.after})
	case closingThreads:
		c.request, err = s.Threads(m.roomID, c.before, 0)
	}
	if err != nil {
		m.askLater(closingPause)
	}
}

const closingPause = 100 * time.Millisecond

func (m *member) askLater(wait time.Duration) {
	m.closing.timer.Data = m
	m.worker.engine.After(&m.closing.timer, wait, func(t *engine.Timer) {
		if m := t.Data.(*member); !m.worker.ending {
			m.askNext()
		}
	})
}

// askAgain is called when what was asked was refused.
func (m *member) askAgain(why *chat.Error) {
	m.closing.request = 0
	if !passing(why) {
		m.worker.found("refused in the end", fmt.Sprintf("client %d: %v", m.index, why))
		return // it stays unasked, which is counted
	}
	m.askLater(max(why.RetryAfter, closingPause))
}

// MentionPage takes where the member is mentioned.
func (m *member) MentionPage(_ *session.Session, p session.MentionPage) {
	c := &m.closing
	c.request = 0
	m.worker.counts.listsRead++
	for i := range p.Messages {
		x := &p.Messages[i]
		if x.Room == m.roomID {
			c.mentions = append(c.mentions, x.Seq)
		}
		m.notGone(&x.Event)
	}
	if c.place = p.Next; !p.More {
		c.stage = closingHistory
		if m.index >= m.worker.run.config.Rooms { // the first member of each room reads it
			c.stage = closed
		}
	}
	m.askNext()
}

// HistoryPage takes a page of the room.
func (m *member) HistoryPage(_ *session.Session, p session.HistoryPage) {
	if m.strangerReads(p) {
		return
	}
	c := &m.closing
	c.request = 0
	m.worker.counts.pagesRead++
	page := view.Page{AsOf: p.AsOf, States: p.States}
	for i := range p.Events {
		e := &p.Events[i]
		m.notGone(e)
		c.after = e.Seq
		page.Events = append(page.Events, *m.worker.inspector.shown(e))
	}
	if err := c.history.Page(page); err != nil {
		m.worker.found("page", fmt.Sprintf("client %d: %v", m.index, err))
	}
	if !p.More || len(p.Events) == 0 {
		c.stage = closingThreads
	}
	m.askNext()
}

// ThreadPage takes threads of the room.
func (m *member) ThreadPage(_ *session.Session, p session.ThreadPage) {
	c := &m.closing
	c.request = 0
	m.worker.counts.listsRead++
	for i := range p.Threads {
		m.notGone(&p.Threads[i].Root.Event)
		p.Threads[i].Root = session.StatedMessage{Event: chat.Event{Seq: p.Threads[i].Root.Seq}}
		c.before = p.Threads[i].Last
	}
	c.threads = append(c.threads, p.Threads...)
	if !p.More || len(p.Threads) == 0 {
		c.stage = closed
	}
	m.askNext()
}

// notGone checks that a page has no text that was deleted before it was asked for.
func (m *member) notGone(e *chat.Event) {
	if e.Kind == chat.EventMessage && e.Text != "" && m.worker.run.gone.before(m.room, e.Seq, m.worker.run.clock()) {
		m.leaked(e)
	}
}

// check compares what a member shows, and was told in the end, with what was acknowledged.
func (m *model) check(x *member, n *Changes) {
	in, me := x.worker.inspector, chat.UserID(x.worker.run.users[x.index].Load())
	bad := func(what, why string) {
		x.worker.errors.add(what, fmt.Sprintf("client %d, room %d: %s", x.index, x.roomID, why))
	}
	n.Pictures++
	if why := m.differs(in, x.view, me); why != "" {
		n.PicturesWrong++
		bad("picture", why)
	}
	c := &x.closing
	if c.stage != closed {
		n.ListsWrong++
		bad("list", "what it has asked in the end was not answered")
		return
	}
	var mentioned []chat.Seq
	for _, seq := range slices.Backward(m.order) {
		if m.messages[seq].mentioned == x.index {
			mentioned = append(mentioned, seq)
		}
	}
	slices.SortFunc(c.mentions, func(a, b chat.Seq) int { return int(b) - int(a) }) // of one time they are in any order
	if !slices.Equal(mentioned, c.mentions) {
		n.ListsWrong++
		bad("list", fmt.Sprintf("%d mentions are told, %d are there", len(c.mentions), len(mentioned)))
	}
	if c.history == nil {
		return
	}
	n.Pictures++
	if why := m.differs(in, c.history, me); why != "" {
		n.PicturesWrong++
		bad("picture of pages", why)
	}
	if why := m.threadsDiffer(c.threads); why != "" {
		n.ListsWrong++
		bad("list", why)
	}
}

// threadsDiffer returns what is wrong with a list of the room's threads; empty: nothing.
func (m *model) threadsDiffer(got []session.Thread) string {
	want := map[chat.Seq]session.Thread{}
	for _, seq := range m.order {
		x := m.messages[seq]
		if x.root == 0 {
			continue
		}
		t := want[x.root]
		t.Last = seq
		if x.deleted == 0 {
			t.Replies++
		}
		want[x.root] = t
	}
	if len(got) != len(want) {
		return fmt.Sprintf("%d threads are told, %d are there", len(got), len(want))
	}
	for _, t := range got {
		if w := want[t.Root.Seq]; w.Last != t.Last || w.Replies != t.Replies {
			return fmt.Sprintf("thread %d has %d messages up to %d, and has to have %d up to %d", t.Root.Seq, t.Replies, t.Last, w.Replies, w.Last)
		}
	}
	return ""
}
