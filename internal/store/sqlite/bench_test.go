package sqlite_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"sarang/chat"
	"sarang/internal/store/sqlite"
)

const benchRooms = 16

// crowd is a store with rooms and users, and the appends that they make.
type crowd struct {
	store *sqlite.Store
	users int
	last  [benchRooms]chat.Seq
	said  int

	batches uint64
	rand    *rand.Rand
	text    string
}

func newCrowd(b *testing.B, mode sqlite.SyncMode, users int) *crowd {
	b.Helper()
	c := &crowd{
		store: open(b, sqlite.Config{Sync: mode, SmallPerTxMax: 1 << 20, IndexAfter: 200 * time.Millisecond}), users: users,
		rand: rand.New(rand.NewPCG(1, 2)), text: strings.Repeat("안녕 hello ", 6), // 78 bytes
	}
	for i := range benchRooms {
		name := fmt.Sprint("room", i)
		if _, err := c.store.CreateRoom(b.Context(), chat.Room{Name: name, Key: name}, chat.RoomQuota{}); err != nil {
			b.Fatal(err)
		}
	}
	giveBack := sqlite.HoldWriter(c.store)
	errs := make(chan error, users)
	for i := range users {
		go func() {
			name := fmt.Sprint("user", i)
			_, err := c.store.ClaimUser(context.Background(), chat.Claim{Name: name, Key: name, NowMs: 1})
			errs <- err
		}()
	}
	giveBack()
	for range users {
		if err := <-errs; err != nil {
			b.Fatal(err)
		}
	}
	return c
}

// batch is n messages of random users, spread over the rooms as a batch of so many
// would be.
func (c *crowd) batch(n int) chat.Batch {
	c.batches++
	b := chat.Batch{ID: chat.BatchID{Writer: 1, Number: c.batches}}
	perRoom := (n + benchRooms - 1) / benchRooms
	for first := c.said / perRoom; n > 0; first++ {
		a := chat.Append{Room: chat.RoomID(first%benchRooms + 1)}
		last := &c.last[a.Room-1]
		a.After = *last
		for range min(perRoom, n) {
			*last++
			c.said++
			a.Events = append(a.Events, chat.Event{
				Room: a.Room, Seq: *last, Kind: chat.EventMessage, User: chat.UserID(c.rand.IntN(c.users) + 1),
				Nonce: chat.Nonce(c.said), TimeMs: 1_700_000_000_000 + int64(c.said), Text: c.text,
			})
		}
		n -= len(a.Events)
		b.Appends = append(b.Appends, a)
	}
	return b
}

func BenchmarkCommit(b *testing.B) {
	for _, mode := range []sqlite.SyncMode{sqlite.ProcessSafe, sqlite.PowerSafe} {
		for _, users := range []int{200, 20_000} {
			for _, n := range []int{1, 16, 1000} {
				b.Run(fmt.Sprintf("%s/users=%d/batch=%d", mode, users, n), func(b *testing.B) {
					benchmarkCommit(b, newCrowd(b, mode, users), n)
				})
			}
		}
	}
}

func benchmarkCommit(b *testing.B, c *crowd, n int) {
	b.ReportAllocs()
	said := c.said
	for b.Loop() {
		if err := commit(b.Context(), c.store, c.batch(n)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(c.said-said)/b.Elapsed().Seconds(), "messages/s")
}

func BenchmarkHistory(b *testing.B) {
	c := newCrowd(b, sqlite.ProcessSafe, 200)
	for range 50 {
		if err := commit(b.Context(), c.store, c.batch(1000)); err != nil {
			b.Fatal(err)
		}
	}
	for _, name := range []string{"after", "before"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				after := chat.Seq(c.rand.Uint64N(uint64(c.last[0]) - 100))
				p := chat.Page{After: after, ItemsMax: 100, BytesMax: 1 << 20}
				if name == "before" {
					p.After, p.Before = 0, after+101
				}
				if events, _, err := c.store.History(b.Context(), 1, p); err != nil || len(events) != 100 {
					b.Fatal(len(events), err)
				}
			}
		})
	}
}

func BenchmarkAuthor(b *testing.B) {
	c := newCrowd(b, sqlite.ProcessSafe, 200)
	for range 100 {
		if err := commit(b.Context(), c.store, c.batch(1000)); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		user := chat.UserID(c.rand.IntN(c.users) + 1)
		if _, err := c.store.Author(b.Context(), 1, user, chat.NoncesPerUserMax); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkClaim(b *testing.B) {
	s := open(b, sqlite.Config{})
	b.SetParallelism(64)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			name := fmt.Sprintf("%x", rand.Uint64())
			if _, err := s.ClaimUser(b.Context(), chat.Claim{Name: name, Key: name, NowMs: 1}); err != nil {
				b.Error(err)
			}
		}
	})
}
