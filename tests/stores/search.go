package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"sarang/chat"
)

const (
	wordsOfMessage  = 12
	vocabulary      = 20_000
	eventsOfFilling = 1000 // of a commit
	eventsOfTalk    = 10   // the same while searches are measured,
	talkPerSecond   = 1000 // events
	searchPage      = 50
	searchScanMax   = 2000 // as the server's default
	sampledTexts    = 4096 // of which queries are made
	firstMessageMs  = 1_700_000_000_000
)

// talk is what is said in the rooms of a store, and looked for.
type talk struct {
	*writer
	zipf   *rand.Zipf
	random *rand.Rand
	ms     int64
	said   []string // some of the texts
}

func newTalk(ctx context.Context, s chat.Store, rooms int) (*talk, error) {
	w, err := newWriter(ctx, s, "search", rooms)
	if err != nil {
		return nil, err
	}
	slices.Sort(w.rooms)
	random := rand.New(rand.NewPCG(1, 2))
	return &talk{writer: w, random: random, zipf: rand.NewZipf(random, 1.1, 8, vocabulary-1), ms: firstMessageMs}, nil
}

// text is of words of which few are common and many are rare, as in a language.
func (k *talk) text() string {
	var b strings.Builder
	for i := range wordsOfMessage {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "w%d", k.zipf.Uint64())
	}
	return b.String()
}

// say stores n events in rooms, as many in each, and returns how long that took.
func (k *talk) say(ctx context.Context, n, perRoom int) (time.Duration, error) {
	k.id.Number++
	b := chat.Batch{ID: k.id}
	for _, at := range k.random.Perm(len(k.rooms))[:min(len(k.rooms), max(n/perRoom, 1))] {
		r := k.rooms[at]
		a := chat.Append{Room: r, After: k.last[r]}
		for range perRoom {
			k.nonce++
			k.ms += 1 + int64(k.random.IntN(3))
			e := chat.Event{
				Room: r, Seq: a.After + 1 + chat.Seq(len(a.Events)), Kind: chat.EventMessage, User: k.users[k.random.IntN(len(k.users))],
				Nonce: k.nonce, TimeMs: k.ms, Text: k.text(),
			}
			if len(k.said) < sampledTexts {
				k.said = append(k.said, e.Text)
			} else if k.random.IntN(64) == 0 {
				k.said[k.random.IntN(sampledTexts)] = e.Text
			}
			a.Events = append(a.Events, e)
		}
		b.Appends = append(b.Appends, a)
	}
	began := time.Now()
	conflicts, err := k.store.Commit(ctx, b)
	if err == nil && len(conflicts) > 0 {
		err = errors.New("somebody else writes")
	}
	if err != nil {
		return 0, err
	}
	for _, a := range b.Appends {
		k.last[a.Room] += chat.Seq(len(a.Events))
	}
	return time.Since(began), nil
}

// sayFor says as much as is said in a second, for a time.
func (k *talk) sayFor(ctx context.Context, each time.Duration) (took durations, err error) {
	tick := time.NewTicker(time.Second * eventsOfTalk / talkPerSecond)
	defer tick.Stop()
	for end := time.Now().Add(each); time.Now().Before(end); <-tick.C {
		d, err := k.say(ctx, eventsOfTalk, 1)
		if err != nil {
			return nil, err
		}
		took = append(took, d)
	}
	return took, nil
}

// queries are pairs of words of which each is in a message.
func (k *talk) queries(n int) (all []string) {
	for range n {
		words := strings.Fields(k.said[k.random.IntN(len(k.said))])
		i := k.random.IntN(len(words))
		all = append(all, words[i]+" "+words[(i+1+k.random.IntN(len(words)-1))%len(words)])
	}
	return all
}

// measureSearches fills stores, and looks for two words at a time in all rooms while more is said.
func measureSearches(ctx context.Context, m *machine) (*table, error) {
	t := newTable()
	talks := map[string]*talk{}
	for _, kind := range m.kinds {
		place, err := m.fresh(kind)
		if err != nil {
			return nil, err
		}
		all, closeAll, err := open(ctx, place, 1)
		if err != nil {
			return nil, err
		}
		defer func() { _ = closeAll() }()
		k, err := newTalk(ctx, all[0], m.searchedRooms)
		if err != nil {
			return nil, err
		}
		began := time.Now()
		for said := 0; said < m.messages; said += eventsOfFilling {
			if _, err := k.say(ctx, min(eventsOfFilling, m.messages-said), 1); err != nil {
				return nil, fmt.Errorf("filling %s: %w", kind, err)
			}
		}
		t.add("filled in, s", kind, time.Since(began).Seconds(), false)
		began = time.Now()
		if err := all[0].(chat.Indexer).Indexed(ctx); err != nil {
			return nil, fmt.Errorf("indexing %s: %w", kind, err)
		}
		t.add("the rest of the index, s", kind, time.Since(began).Seconds(), false)
		talks[kind] = k
	}
	return t, m.turns(m.kinds, func(kind string) error { return m.search(ctx, t, kind, talks[kind]) })
}

func (m *machine) search(ctx context.Context, t *table, kind string, k *talk) error {
	without, err := k.sayFor(ctx, m.each)
	if err != nil {
		return err
	}
	type outcome struct {
		took   durations
		found  int
		errors error
	}
	queries := k.queries(1024)
	done, searched := make(chan struct{}), make(chan outcome, 1)
	go func() {
		var o outcome
		defer func() { searched <- o }()
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			default:
			}
			began := time.Now()
			found, err := k.store.(chat.Searcher).Search(ctx, chat.SearchQuery{
				Text: queries[i%len(queries)], Rooms: k.rooms, ItemsMax: searchPage, BytesMax: 1 << 16, ScanMax: searchScanMax,
			})
			if err != nil {
				o.errors = err
				return
			}
			o.took = append(o.took, time.Since(began))
			if len(found.Messages) > 0 {
				o.found++
			}
		}
	}()
	with, err := k.sayFor(ctx, m.each)
	close(done)
	o := <-searched
	if err := errors.Join(err, o.errors); err != nil {
		return err
	}
	t.add("two words, p50, ms", kind, o.took.ms(0.5), true)
	t.add("two words, p99, ms", kind, o.took.ms(0.99), true)
	t.add("searches a second", kind, float64(len(o.took))/m.each.Seconds(), false)
	t.add("of 100 find something", kind, 100*float64(o.found)/float64(max(len(o.took), 1)), false)
	t.add("acks without searches, p99, ms", kind, without.ms(0.99), false)
	t.add("acks with searches, p99, ms", kind, with.ms(0.99), false)
	t.add("— ratio of the two", kind, with.ms(0.99)/max(without.ms(0.99), 1e-3), false)
	return nil
}
