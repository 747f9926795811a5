package storesim

import (
	"context"
	"slices"

	"sarang/chat"
	"sarang/internal/words"
)

var (
	_ chat.Searcher = (*Store)(nil)
	_ chat.Indexer  = (*Store)(nil)
)

// Indexed is documented at chat.Indexer. A search looks at the logs themselves, so there is nothing to
// wait for.
func (s *Store) Indexed(ctx context.Context) error { return ctx.Err() }

// Search is documented at chat.Searcher. It looks at everything that the disk has.
func (s *Store) Search(ctx context.Context, q chat.SearchQuery) (chat.Found, error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "Search"); err != nil {
		return chat.Found{}, err
	}
	search, err := words.Read(q)
	if err != nil {
		return chat.Found{}, err
	}
	var all []chat.Event
	for _, room := range q.Rooms {
		if log := d.log(room); log != nil {
			all = log.messagesNow(all)
		}
	}
	slices.SortFunc(all, func(a, b chat.Event) int { return placeOf(&b).Compare(placeOf(&a)) })
	if q.From != "" {
		from, err := words.ParsePlace(q.From)
		if err != nil {
			return chat.Found{}, err
		}
		all = slices.DeleteFunc(all, func(e chat.Event) bool { return placeOf(&e).Compare(from) >= 0 })
	}
	page := search.Begin()
	last := q.From // looked at
	for i := range all {
		if !page.Look() || !page.Add(&all[i]) {
			page.Found.Next = last
			break
		}
		last = placeOf(&all[i]).String()
	}
	return page.Found, nil
}

func placeOf(e *chat.Event) words.Place {
	return words.Place{TimeMs: e.TimeMs, Room: e.Room, Seq: e.Seq}
}

// messagesNow appends the log's messages, with the texts that they have now.
func (log *roomLog) messagesNow(all []chat.Event) []chat.Event {
	for _, e := range log.events {
		if e.Text = log.textOf(&e); e.Kind == chat.EventMessage && (e.Text != "" || e.Files != "") {
			all = append(all, e)
		}
	}
	return all
}
