package server_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"sarang/chat"
	"sarang/client"
	"sarang/internal/server"
	"sarang/internal/simulate/linear"
)

// talker is a client of a concurrent run: several goroutines use it, and one reads
// what it is told.
type talker struct {
	t      *testing.T
	id     int
	c      *client.Client
	seen   *linear.Recorder
	rooms  []client.RoomInfo
	nonces chan chat.Nonce

	mu   sync.Mutex
	told *sync.Cond
	last map[chat.RoomID]chat.Seq // shown so far
	over bool
}

// What a concurrent run does: each talker has so many goroutines with so many acts.
const (
	talkers      = 5
	voices       = 3
	actsPerVoice = 25
)

// Several goroutines publish and read on a real server, all at once; what they see
// must be one log per room, in which each thing happened at one moment.
func TestLinearizability(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		s := start(t, c)
		seen := linear.NewRecorder()
		ctx, cancel := context.WithTimeout(context.Background(), 4*patience)
		defer cancel()
		all := make([]*talker, talkers)
		for i := range all {
			all[i] = newTalker(ctx, t, s, i, seen)
		}
		var wg sync.WaitGroup
		for _, a := range all {
			for voice := range voices {
				wg.Go(func() { a.talk(ctx, rand.New(rand.NewPCG(uint64(a.id), uint64(voice)))) })
			}
		}
		wg.Wait()
		for _, a := range all {
			a.catchUp(ctx, all)
		}
		for _, a := range all {
			if err := a.c.Close(); err != nil {
				t.Errorf("%d: close: %v", a.id, err)
			}
		}
		stop(t, s)
		report, err := seen.Check(time.Minute)
		if err != nil {
			t.Errorf("%+v: %v", report, err)
		}
		if want := talkers * voices * actsPerVoice; report.Rooms != 2 || report.Operations < want {
			t.Errorf("%+v were checked, want 2 rooms and more than %d operations", report, want)
		}
	})
}

func newTalker(ctx context.Context, t *testing.T, s *running, id int, seen *linear.Recorder) *talker {
	t.Helper()
	c, err := client.Dial(ctx, client.Config{
		Addr: s.Addrs()[0].Addr.String(), Name: fmt.Sprintf("talker%d", id), Program: "test",
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	a := &talker{t: t, id: id, c: c, seen: seen, nonces: make(chan chat.Nonce, 1), last: map[chat.RoomID]chat.Seq{}}
	a.told = sync.NewCond(&a.mu)
	a.nonces <- chat.Nonce(id) << 32
	go a.listen()
	for _, room := range []client.Join{{Name: "durable", Create: true}, {Name: "fleeting", Create: true, Ephemeral: true}} {
		j, err := c.Join(ctx, room)
		if err != nil {
			t.Fatal(err)
		}
		a.rooms = append(a.rooms, j.Room)
	}
	return a
}

// listen notes what the client is told.
func (a *talker) listen() {
	for e := range a.c.Events() {
		switch e := e.(type) {
		case client.RoomEvent:
			a.seen.Shown(a.id, e.Event)
			a.mu.Lock()
			a.last[e.Event.Room] = e.Event.Seq
			a.mu.Unlock()
			a.told.Broadcast()
		case client.Gap, client.Fault:
			a.t.Errorf("%d is told %+v", a.id, e)
		}
	}
	a.mu.Lock()
	a.over = true
	a.mu.Unlock()
	a.told.Broadcast()
}

// talk publishes to both rooms and reads the history of the durable one.
func (a *talker) talk(ctx context.Context, rng *rand.Rand) {
	for range actsPerVoice {
		if rng.IntN(3) == 0 {
			a.read(ctx, rng)
			continue
		}
		n := 1 + <-a.nonces
		a.nonces <- n
		room, text := a.rooms[rng.IntN(len(a.rooms))].ID, fmt.Sprintf("%d says %d", a.id, n)
		a.seen.Published(a.id, room, n, text)
		seq, err := a.c.PublishNonce(ctx, room, n, text)
		if err != nil {
			a.t.Errorf("%d: publish: %v", a.id, err)
			return
		}
		a.seen.Acked(room, n, seq)
	}
}

func (a *talker) read(ctx context.Context, rng *rand.Rand) {
	h := client.History{Room: a.rooms[0].ID, ItemsMax: 1 + rng.IntN(20)}
	a.mu.Lock()
	last := a.last[h.Room]
	a.mu.Unlock()
	back := min(last, chat.Seq(rng.IntN(8)))
	if h.After = last - back; rng.IntN(3) == 0 {
		h.After, h.Before = 0, last+1
	}
	asked := a.seen.Asked(a.id, h.Room, h.After, h.Before)
	page, err := a.c.History(ctx, h)
	var refused *chat.Error
	switch {
	case errors.As(err, &refused) && (refused.Code == chat.CodeTooMany || refused.Code == chat.CodeTooFast):
	case err != nil:
		a.t.Errorf("%d: history: %v", a.id, err)
	default:
		asked.Answered(page.Events, page.More)
	}
}

// catchUp waits until the talker has been shown all that any of them has.
func (a *talker) catchUp(ctx context.Context, all []*talker) {
	want := map[chat.RoomID]chat.Seq{}
	for _, o := range all {
		o.mu.Lock()
		for room, seq := range o.last {
			want[room] = max(want[room], seq)
		}
		o.mu.Unlock()
	}
	wake := context.AfterFunc(ctx, func() { a.told.Broadcast() })
	defer wake()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, room := range a.rooms {
		for a.last[room.ID] < want[room.ID] && !a.over && ctx.Err() == nil {
			a.told.Wait()
		}
		if a.last[room.ID] < want[room.ID] {
			a.t.Errorf("%d was shown %d of %d events of %s", a.id, a.last[room.ID], want[room.ID], room.Name)
		}
	}
}
