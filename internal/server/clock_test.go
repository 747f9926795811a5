package server_test

import (
	"sync/atomic"
	"testing"
	"time"

	"sarang/internal/server"
	pb "sarang/proto/sarang/v1"
)

// The clock is set back a little while the server runs, and again while it does not: the
// times of a room stand still until the clock has come there. When it is set back by much it
// was wrong before, and the room's time is set right with it.
func TestClockSetBack(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		noon := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
		var clock atomic.Int64
		c.Hub.Now = func() time.Time { return time.UnixMilli(clock.Load()) }
		set := func(at time.Time) { clock.Store(at.UnixMilli()) }

		set(noon)
		s := start(t, c)
		a := dial(t, s, "a")
		token := a.login(nil).Token
		id := a.join(&pb.Join{Name: "r"}).Room.Id
		a.expectEvent(1, "+ a")
		a.publish(id, 1, "at noon")
		a.expectOwn(1, 2, "at noon")
		set(noon.Add(-20 * time.Second))
		a.publish(id, 2, "a little before")
		a.expectOwn(2, 3, "a little before")
		stop(t, s)

		set(noon.Add(-40 * time.Second))
		s = start(t, c)
		defer stop(t, s)
		a = dial(t, s, "a")
		a.login(token)
		a.join(&pb.Join{Name: "r"})
		a.expectEvent(4, "+ a")
		a.publish(id, 3, "some more before")
		a.expectOwn(3, 5, "some more before")
		set(noon.Add(time.Hour))
		a.publish(id, 4, "at one")
		a.expectOwn(4, 6, "at one")
		set(noon.Add(time.Minute))
		a.publish(id, 5, "set right")
		a.expectOwn(5, 7, "set right")

		var page pb.HistoryPage
		a.say(pb.CHistory, &pb.History{Room: id})
		a.expect(pb.SHistory, &page)
		want := []time.Time{noon, noon, noon, noon, noon, noon.Add(time.Hour), noon.Add(time.Minute)}
		if len(page.Events) != len(want) {
			t.Fatalf("%d events, want %d", len(page.Events), len(want))
		}
		for i, e := range page.Events {
			if got := time.UnixMilli(int64(e.TimeMs)); !got.Equal(want[i]) {
				t.Errorf("event %d (%q) has the time %v, want %v", e.Seq, e.Text, got.UTC(), want[i])
			}
		}
	})
}
