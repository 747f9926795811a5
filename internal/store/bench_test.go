package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sarang/chat"
	"sarang/internal/store"
	"sarang/internal/store/postgrestest"
)

// The stores beside each other, on the same disk and power-safe: a PostgreSQL with its
// durable defaults is started for them.
//
//	go test ./internal/store -run '^$' -bench Commit -benchtime 2s -count 3

const benchUsers = 200

// benchStores runs b on each store.
func benchStores(b *testing.B, run func(b *testing.B, open func() chat.Store)) {
	for _, kind := range []string{"sqlite", "postgres"} {
		b.Run(kind, func(b *testing.B) {
			url := "sqlite:" + b.TempDir()
			if kind == "postgres" {
				server, err := postgrestest.Start()
				if err != nil {
					b.Skip(err)
				}
				b.Cleanup(func() { _ = server.Stop() })
				url = server.URL
			}
			run(b, func() chat.Store {
				s, err := store.Open(context.Background(), url, store.Options{})
				if err != nil {
					b.Fatal(err)
				}
				b.Cleanup(func() { _ = s.Close() })
				return s
			})
		})
	}
}

// bench is a writer to rooms of its own.
type bench struct {
	store chat.Store
	id    chat.BatchID
	rooms []chat.RoomID
	last  map[chat.RoomID]chat.Seq
	users []chat.UserID
	text  string
	nonce chat.Nonce
}

func newBench(b *testing.B, s chat.Store, prefix string, rooms int) *bench {
	b.Helper()
	x := &bench{
		store: s, id: chat.BatchID{Writer: rand.Uint64() | 1}, last: map[chat.RoomID]chat.Seq{},
		text: strings.Repeat("안녕 hello ", 10), // 130 bytes
	}
	for i := range rooms {
		name := fmt.Sprint(prefix, i)
		r, err := s.CreateRoom(b.Context(), chat.Room{Name: name, Key: name}, chat.RoomQuota{})
		if err != nil {
			b.Fatal(err)
		}
		x.rooms = append(x.rooms, r.ID)
	}
	var wg sync.WaitGroup
	x.users = make([]chat.UserID, benchUsers)
	for i := range benchUsers {
		wg.Go(func() {
			name := fmt.Sprint(prefix, "user", i)
			u, err := s.ClaimUser(context.Background(), chat.Claim{Name: name, Key: name, NowMs: 1})
			if err != nil {
				b.Error(err)
			}
			x.users[i] = u.ID
		})
	}
	wg.Wait()
	return x
}

// commit stores n events in one room each.
func (x *bench) commit(b *testing.B, n int, rooms ...chat.RoomID) []chat.Conflict {
	x.id.Number++
	batch := chat.Batch{ID: x.id}
	for _, r := range rooms {
		a := chat.Append{Room: r, After: x.last[r]}
		for i := range n {
			x.nonce++
			a.Events = append(a.Events, chat.Event{
				Room: r, Seq: a.After + 1 + chat.Seq(i), Kind: chat.EventMessage, User: x.users[rand.IntN(benchUsers)],
				Nonce: x.nonce, TimeMs: 1_700_000_000_000, Text: x.text,
			})
		}
		batch.Appends = append(batch.Appends, a)
	}
	conflicts, err := x.store.Commit(context.Background(), batch)
	if err != nil {
		b.Error(err)
	}
	for _, r := range rooms {
		if at := slices.IndexFunc(conflicts, func(c chat.Conflict) bool { return c.Room == r }); at < 0 {
			x.last[r] += chat.Seq(n)
		} else if between := conflicts[at].Between; len(between) > 0 {
			x.last[r] = between[len(between)-1].Seq
		}
	}
	return conflicts
}

func BenchmarkCommit(b *testing.B) {
	benchStores(b, func(b *testing.B, open func() chat.Store) {
		s := open()
		for _, n := range []int{1, 16, 256, 1024} {
			b.Run(fmt.Sprintf("oneRoom/events=%d", n), func(b *testing.B) {
				x := newBench(b, s, fmt.Sprint("one", n, "-", rand.Uint32()), 1)
				x.measure(b, n, x.rooms...)
			})
		}
		b.Run("eachOf1000Rooms", func(b *testing.B) {
			x := newBench(b, s, fmt.Sprint("many", rand.Uint32()), 1000)
			x.measure(b, 1, x.rooms...)
		})
	})
}

func (x *bench) measure(b *testing.B, n int, rooms ...chat.RoomID) {
	var took []time.Duration
	for b.Loop() {
		start := time.Now()
		x.commit(b, n, rooms...)
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	events := float64(len(took) * n * len(rooms))
	b.ReportMetric(events/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(took[len(took)/2].Seconds()*1000, "p50-ms")
	b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "p99-ms")
}

// Several writers, each with a store of its own as a server has, in one room.
func BenchmarkWritersOfOneRoom(b *testing.B) {
	benchStores(b, func(b *testing.B, open func() chat.Store) {
		if strings.HasSuffix(b.Name(), "sqlite") {
			b.Skip("one server's alone")
		}
		for _, writers := range []int{1, 2, 3} {
			b.Run(fmt.Sprint("writers=", writers), func(b *testing.B) { benchWriters(b, open, writers) })
		}
	})
}

func benchWriters(b *testing.B, open func() chat.Store, writers int) {
	const perCommit = 16
	const runTime = 2 * time.Second
	var mu sync.Mutex
	var took []time.Duration
	var by []int
	for b.Loop() {
		took, by = nil, nil
		var all []*bench
		for i := range writers {
			x := newBench(b, open(), fmt.Sprint("w", i, "-", rand.Uint32()), 1)
			x.rooms = []chat.RoomID{all0(all, x).rooms[0]}
			all = append(all, x)
		}
		end := time.Now().Add(runTime)
		var wg sync.WaitGroup
		for _, x := range all {
			wg.Go(func() {
				n := 0
				for time.Now().Before(end) {
					start := time.Now()
					for len(x.commit(b, perCommit, x.rooms[0])) > 0 {
					}
					n++
					mu.Lock()
					took = append(took, time.Since(start))
					mu.Unlock()
				}
				mu.Lock()
				by = append(by, n)
				mu.Unlock()
			})
		}
		wg.Wait()
	}
	slices.Sort(took)
	b.ReportMetric(float64(len(took)*perCommit)/runTime.Seconds(), "events/s")
	b.ReportMetric(took[len(took)/2].Seconds()*1000, "p50-ms")
	b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "p99-ms")
	b.ReportMetric(float64(slices.Min(by))/float64(slices.Max(by)), "fair")
}

// all0 is the first of all, or x.
func all0(all []*bench, x *bench) *bench {
	if len(all) > 0 {
		return all[0]
	}
	return x
}
