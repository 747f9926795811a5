package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"sarang/chat"
)

const (
	usersOfWriter = 200
	manyRooms     = 1000
	eventsHot     = 16 // in a commit of several writers of one room
)

// writer is one that stores events in rooms.
type writer struct {
	store chat.Store
	id    chat.BatchID
	rooms []chat.RoomID
	last  map[chat.RoomID]chat.Seq
	users []chat.UserID
	text  string
	nonce chat.Nonce
}

// newWriter makes rooms, and users who speak in them.
func newWriter(ctx context.Context, s chat.Store, prefix string, rooms int) (*writer, error) {
	w := &writer{
		store: s, id: chat.BatchID{Writer: rand.Uint64() | 1}, last: map[chat.RoomID]chat.Seq{},
		text: strings.Repeat("안녕 hello ", 10), // 130 bytes
	}
	var mu sync.Mutex
	var errs []error
	var wg sync.WaitGroup
	note := func(err error, do func()) {
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			errs = append(errs, err)
			return
		}
		do()
	}
	// The store gathers what comes at once into few transactions.
	for i := range rooms {
		wg.Go(func() {
			name := fmt.Sprint(prefix, "-", i)
			r, err := s.CreateRoom(ctx, chat.Room{Name: name, Key: name}, chat.RoomQuota{})
			note(err, func() { w.rooms = append(w.rooms, r.ID) })
		})
	}
	for i := range usersOfWriter {
		wg.Go(func() {
			name := fmt.Sprint(prefix, "-user", i)
			u, err := s.ClaimUser(ctx, chat.Claim{Name: name, Key: name, NowMs: 1})
			note(err, func() { w.users = append(w.users, u.ID) })
		})
	}
	wg.Wait()
	return w, errors.Join(errs...)
}

// commit stores n events in each of the rooms. It reports whether others have written to one.
func (w *writer) commit(ctx context.Context, n int, rooms ...chat.RoomID) (lost bool, err error) {
	w.id.Number++
	b := chat.Batch{ID: w.id}
	for _, r := range rooms {
		a := chat.Append{Room: r, After: w.last[r]}
		for i := range n {
			w.nonce++
			a.Events = append(a.Events, chat.Event{
				Room: r, Seq: a.After + 1 + chat.Seq(i), Kind: chat.EventMessage, User: w.users[rand.IntN(len(w.users))],
				Nonce: w.nonce, TimeMs: 1_700_000_000_000, Text: w.text,
			})
		}
		b.Appends = append(b.Appends, a)
	}
	conflicts, err := w.store.Commit(ctx, b)
	if err != nil {
		return false, err
	}
	for _, r := range rooms {
		w.last[r] += chat.Seq(n)
	}
	for _, c := range conflicts {
		if w.last[c.Room] -= chat.Seq(n); len(c.Between) > 0 {
			w.last[c.Room] = c.Between[len(c.Between)-1].Seq
		}
	}
	return len(conflicts) > 0, nil
}

// durations are how long things took, in the end in order.
type durations []time.Duration

func (d durations) ms(quantile float64) float64 {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[int(float64(len(d)-1)*quantile)].Seconds() * 1000
}

func measureCommits(ctx context.Context, m *machine) (*table, error) {
	type one struct {
		store chat.Store
		close func() error
	}
	stores := map[string]one{}
	defer func() {
		for _, s := range stores {
			_ = s.close()
		}
	}()
	for _, kind := range m.kinds {
		place, err := m.fresh(kind)
		if err != nil {
			return nil, err
		}
		s, closeAll, err := open(ctx, place, 1)
		if err != nil {
			return nil, err
		}
		stores[kind] = one{s[0], closeAll}
	}
	t := newTable()
	writers := map[string]*writer{}
	for _, n := range []int{1, 16, 256, 1024, 0} {
		rooms, row := 1, fmt.Sprintf("%d in one room", n)
		if n == 0 {
			n, rooms, row = 1, manyRooms, fmt.Sprintf("one in each of %d rooms", manyRooms)
		}
		for _, kind := range m.kinds {
			w, err := newWriter(ctx, stores[kind].store, row, rooms)
			if err != nil {
				return nil, err
			}
			writers[kind] = w
		}
		err := m.turns(m.kinds, func(kind string) error {
			w := writers[kind]
			if _, err := w.commit(ctx, n, w.rooms...); err != nil { // not measured
				return err
			}
			var took durations
			began := time.Now()
			for time.Since(began) < m.each {
				at := time.Now()
				lost, err := w.commit(ctx, n, w.rooms...)
				if err != nil || lost {
					return errors.Join(err, ctx.Err(), lostError(lost))
				}
				took = append(took, time.Since(at))
			}
			events := float64(len(took) * n * rooms)
			t.add(row+", events/s", kind, events/time.Since(began).Seconds(), true)
			t.add("— p50, ms ("+row+")", kind, took.ms(0.5), false)
			t.add("— p99, ms ("+row+")", kind, took.ms(0.99), false)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return t, nil
}

func lostError(lost bool) error {
	if lost {
		return errors.New("somebody else has written to a room that is one's own")
	}
	return nil
}

// measureWriters has up to three writers, each with a store of its own as a server has, write to
// one room. A file is one server's alone.
func measureWriters(ctx context.Context, m *machine) (*table, error) {
	t := newTable()
	shared := slices.DeleteFunc(slices.Clone(m.kinds), func(kind string) bool { return kind == "sqlite" })
	if len(shared) == 0 {
		return nil, errors.New("a sqlite store is one server's alone: name another one")
	}
	err := m.turns(shared, func(kind string) error {
		alone := 0.0
		for n := 1; n <= 3; n++ {
			rate, took, fair, err := m.writersOfOneRoom(ctx, kind, n)
			if err != nil {
				return err
			}
			if n == 1 {
				alone = rate
			}
			row := fmt.Sprintf("%d writers", n)
			t.add(row+", events/s", kind, rate, true)
			t.add("— of one writer's ("+row+")", kind, rate/alone, false)
			t.add("— p50, ms ("+row+")", kind, took.ms(0.5), false)
			t.add("— p99, ms ("+row+")", kind, took.ms(0.99), false)
			t.add("— the slowest, of the quickest ("+row+")", kind, fair, false)
		}
		return nil
	})
	return t, err
}

func (m *machine) writersOfOneRoom(ctx context.Context, kind string, n int) (rate float64, took durations, fair float64, err error) {
	place, err := m.fresh(kind)
	if err != nil {
		return 0, nil, 0, err
	}
	stores, closeAll, err := open(ctx, place, n)
	if err != nil {
		return 0, nil, 0, err
	}
	defer func() { err = errors.Join(err, closeAll()) }()
	var all []*writer
	for i, s := range stores {
		w, err := newWriter(ctx, s, fmt.Sprint("w", i), 1)
		if err != nil {
			return 0, nil, 0, err
		}
		all = append(all, w)
	}
	room := all[0].rooms[0]
	var mu sync.Mutex
	var errs []error
	done := make([]int, n)
	began := time.Now()
	var wg sync.WaitGroup
	for i, w := range all {
		wg.Go(func() {
			var own durations
			var err error
			for err == nil && time.Since(began) < m.each {
				at, lost := time.Now(), true
				for lost && err == nil {
					lost, err = w.commit(ctx, eventsHot, room)
				}
				own = append(own, time.Since(at))
			}
			mu.Lock()
			defer mu.Unlock()
			took, done[i], errs = append(took, own...), len(own), append(errs, err)
		})
	}
	wg.Wait()
	rate = float64(len(took)*eventsHot) / time.Since(began).Seconds()
	return rate, took, float64(slices.Min(done)) / float64(max(slices.Max(done), 1)), errors.Join(errs...)
}
