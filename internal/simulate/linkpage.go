package simulate

import (
	"slices"

	"sarang/chat"
	sdk "sarang/client/session"
)

// judge is fail for what is known by looking at the disk.
func (l *link) judge(format string, args ...any) {
	if !l.actor.run.options.ClientsOnly {
		l.fail(format, args...)
	}
}

// HistoryPage answers a request for history.
func (l *link) HistoryPage(_ *sdk.Session, p sdk.HistoryPage) {
	r := l.actor.run
	r.counts.Pages++
	l.note("has %d events of history of room %d, more %t", len(p.Events), p.Room, p.More)
	q := l.answer(p.Request, askHistory)
	if q.seen != nil {
		events := slices.Clone(p.Events)
		for i := range events {
			events[i] = r.model.asSaid(events[i])
		}
		q.seen.Answered(events, p.More)
	}
	most := r.plan.historyItemsMax
	if q.page.ItemsMax > 0 {
		most = min(most, q.page.ItemsMax)
	}
	switch {
	case q.room != p.Room:
		l.fail("history of room %d, wanted is that of %d", p.Room, q.room)
	case len(p.Events) > most:
		l.fail("%d events of history of room %d, wanted are %d at most", len(p.Events), p.Room, most)
	case q.seen == nil && (len(p.Events) > 0 || p.More):
		l.fail("%d events of history of room %d, more %t, though it has none", len(p.Events), p.Room, p.More)
	case q.seen == nil || r.options.ClientsOnly:
		return
	}
	l.pageStored(p)
	l.pageTold(q, &p)
	l.learn(q, &p)
	if q.page.Before > 0 {
		l.pageBefore(q, p)
		return
	}
	l.pageAfter(q, p)
}

// pageStored compares a page with the disk.
func (l *link) pageStored(p sdk.HistoryPage) {
	log := l.actor.run.model.logs[p.Room]
	for i, e := range p.Events {
		switch {
		case e.Seq == 0 || e.Seq > chat.Seq(len(log)):
			l.fail("history of room %d has %v, which is not stored", p.Room, brief(e))
		case i > 0 && e.Seq != p.Events[i-1].Seq+1:
			l.fail("history of room %d has %d after %d", p.Room, e.Seq, p.Events[i-1].Seq)
		}
	}
}

func (l *link) pageBefore(q *asked, p sdk.HistoryPage) {
	end := min(q.page.Before-1, q.known)
	switch n := len(p.Events); {
	case n == 0 && end > 0:
		l.fail("no history of room %d before %d", p.Room, q.page.Before)
	case n == 0 && p.More:
		l.fail("no history of room %d before %d, and there is more", p.Room, q.page.Before)
	case n == 0:
	case p.Events[n-1].Seq < end || p.Events[n-1].Seq >= q.page.Before:
		l.fail("history of room %d before %d ends at %d", p.Room, q.page.Before, p.Events[n-1].Seq)
	case p.More != (p.Events[0].Seq > 1):
		l.fail("history of room %d begins at %d and says that there is more: %t", p.Room, p.Events[0].Seq, p.More)
	case q.walk && p.More:
		q.page.Before = p.Events[0].Seq
		l.askHistory(q.page, true)
	}
}

func (l *link) pageAfter(q *asked, p sdk.HistoryPage) {
	n := len(p.Events)
	last := q.page.After
	switch {
	case n == 0 && q.page.After < q.known:
		l.fail("no history of room %d after %d", p.Room, q.page.After)
	case n > 0 && p.Events[0].Seq != q.page.After+1:
		l.fail("history of room %d after %d begins at %d", p.Room, q.page.After, p.Events[0].Seq)
	case n > 0:
		last = p.Events[n-1].Seq
	}
	if !p.More && last < q.known {
		l.fail("history of room %d ends at %d, when %d were stored", p.Room, last, q.known)
	}
	if p.More && last >= chat.Seq(len(l.actor.run.model.logs[p.Room])) {
		l.fail("history of room %d goes on after %d, but it does not", p.Room, last)
	}
	if q.walk && p.More {
		q.page.After = last
		l.askHistory(q.page, true)
	}
}
