package main

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sarang/aio"
	"sarang/packet"
	pb "sarang/proto/sarang/v1"
	"sarang/tests/internal/proc"
)

// TestMain also is the attacker's process, which the tests start from their own binary.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "attacker" {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

// few are the attacks of the test: one of each kind.
func few() []string {
	return []string{"connect-rst", "garbage", "never-read", "join-leave"}
}

// TestAttacks runs a few attacks, for a moment each, on every driver. What it measures
// says nothing on a busy machine; what is promised must hold all the same.
func TestAttacks(t *testing.T) {
	bin := build(t)
	for _, kind := range aio.Kinds() {
		for i, name := range few() {
			t.Run(kind+"/"+name, func(t *testing.T) {
				if _, _, err := aio.Choose(kind); err != nil {
					t.Skipf("not available here: %v", err)
				}
				if testing.Short() && i > 0 {
					t.Skip("one attack in a short run")
				}
				o := options{
					io: kind, workers: 1, seconds: 400 * time.Millisecond, stall: time.Second, scale: 0.3, addresses: 8, binary: bin, data: t.TempDir(), seed: 1,
					crowd: crowdConfig{members: 100, rooms: 5, messagesPerSecond: 100, textBytes: 64},
				}
				r, err := o.run(t.Context(), *findAttack(name))
				if err != nil {
					t.Fatal(err)
				}
				var text strings.Builder
				writeText(&text, []*result{r})
				t.Log("\n" + text.String())
				if !r.Passed {
					t.Errorf("%v", r.Failures)
				}
				if r.Attackers.Connects == 0 || r.Acked == 0 {
					t.Errorf("nothing happened: %+v", r)
				}
			})
		}
	}
	if !testing.Short() {
		t.Run("stalled", func(t *testing.T) { stalledReadersCatchUp(t, bin) })
	}
}

// stalledReadersCatchUp has a hundred readers stop for a second and catch up.
func stalledReadersCatchUp(t *testing.T, bin string) {
	o := options{
		io: "auto", workers: 1, seconds: 300 * time.Millisecond, stall: 1500 * time.Millisecond, scale: 0.1, addresses: 8,
		binary: bin, data: t.TempDir(), seed: 1,
		crowd: crowdConfig{members: 20, rooms: 2, messagesPerSecond: 20, textBytes: 64},
	}
	r, err := o.run(t.Context(), *findAttack("stalled"))
	if err != nil {
		t.Fatal(err)
	}
	if a := r.Attackers; !r.Passed || a.Events < 1000 || a.Figures["stalled_messages"] < 10 {
		t.Errorf("%v; %+v", r.Failures, r.Attackers)
	}
}

func build(t *testing.T) string {
	t.Helper()
	r, err := newReactor()
	if err != nil {
		t.Skip(err) // not on this system
	}
	r.close()
	bin, err := proc.Build(context.Background(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

// TestCrowdNotices gives a member what a bad server would send.
func TestCrowdNotices(t *testing.T) {
	event := func(seq uint64, text string) []byte {
		return encode(pb.SChat, &pb.Event{Room: 1, Seq: seq, Kind: pb.EventKind_EVENT_KIND_MESSAGE, Name: goodName(1), Text: text})
	}
	for _, c := range []struct {
		name                 string
		said                 [][]byte
		lost, doubled, wrong int
	}{
		{name: "in order", said: [][]byte{event(1, ""), event(2, "")}},
		{name: "a hole", said: [][]byte{event(1, ""), event(4, "")}, lost: 2},
		{name: "twice", said: [][]byte{event(1, ""), event(2, ""), event(1, "")}, doubled: 1},
		{name: "changed", said: [][]byte{event(1, "5 something else")}, wrong: 1},
		{name: "an ack of nothing", said: [][]byte{encode(pb.SAck, &pb.Ack{Room: 1, Nonce: 9, Seq: 1})}, wrong: 1},
		{name: "what nobody sends", said: [][]byte{{4, 0, 99, 0}}, wrong: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &crowd{padding: "pad"}
			m := &member{crowd: w, room: &room{id: 1, last: 4}, joined: true, next: 1, unacked: map[uint64]*spoken{}}
			w.members = []*member{m}
			for _, b := range c.said {
				for len(b) > 0 {
					p, n, err := packet.Split(b)
					if err != nil {
						t.Fatal(err)
					}
					if p.ID == pb.SChat {
						var e pb.Event
						if err := e.UnmarshalVT(p.Payload); err != nil {
							t.Fatal(err)
						}
						if e.Text == "" {
							e.Text = "1 pad"
							p, _, _ = packet.Split(encode(pb.SChat, &e))
						}
					}
					m.told(p)
					b = b[n:]
				}
			}
			if w.lost != c.lost || w.doubled != c.doubled || w.wrong != c.wrong {
				t.Errorf("lost %d, doubled %d, wrong %d", w.lost, w.doubled, w.wrong)
			}
			if missing := w.missing(); missing != max(int(5-m.next), 0) || w.settled() != (missing == 0) {
				t.Errorf("settled %t, %d are missing", w.settled(), missing)
			}
		})
	}
}

// TestPhases: a message counts where it was due.
func TestPhases(t *testing.T) {
	first := newPhase(nil)
	due := first.from.Add(time.Microsecond)
	second := newPhase(first)
	for !second.from.After(due) { // some clocks tick slowly
		second = newPhase(first)
	}
	second.record(due)
	second.record(second.from)
	second.record(first.from.Add(-time.Second))
	if a, b := first.figures().Deliveries, second.figures().Deliveries; a != 1 || b != 1 {
		t.Errorf("%d and %d deliveries", a, b)
	}
}

// Whom an attack needs to be trusted for its preparation is; nobody else is for its sake.
func TestTrusted(t *testing.T) {
	for _, c := range []struct{ trusts, wanted, want string }{
		{"", "", ""},
		{"", "none", "none"},
		{hallNetwork, "", hallNetwork},
		{hallNetwork, "none", hallNetwork},
		{hallNetwork, "10.0.0.0/8", "10.0.0.0/8," + hallNetwork},
	} {
		if got := (&attack{trusts: c.trusts}).trusted(c.wanted); got != c.want {
			t.Errorf("an attack that trusts %q, in a run that wants %q: %q, want %q", c.trusts, c.wanted, got, c.want)
		}
	}
}
