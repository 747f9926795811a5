package swarm

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sarang/chat"
)

// found is what a report says is wrong.
type found struct {
	Delivered, Lost, Duplicated, Reordered, Corrupted, Misacked uint64
}

const sceneDeliveries = sceneMembers * sceneMessages

// at is the place of the scene's n-th message, from 0, in the log.
func at(n int) int { return sceneJoins + n }

// only changes what one member gets.
func only(member int, change func(log []chat.Event) []chat.Event) func(int, []chat.Event) []chat.Event {
	return func(i int, log []chat.Event) []chat.Event {
		if i == member {
			return change(log)
		}
		return log
	}
}

func edit(n int, change func(e *chat.Event)) func([]chat.Event) []chat.Event {
	return func(log []chat.Event) []chat.Event {
		change(&log[n])
		return log
	}
}

func spoil(e *chat.Event) { e.Text = strings.Replace(e.Text, "e", "f", 1) }

// TestFaultsAreFound breaks the server in one way after the other.
func TestFaultsAreFound(t *testing.T) {
	for _, test := range []struct {
		name   string
		before func(s *scene)
		change func(member int, log []chat.Event) []chat.Event
		want   found
	}{
		{
			name: "nothing", want: found{Delivered: sceneDeliveries},
		},
		{
			name: "one member does not get a message",
			change: only(2, func(log []chat.Event) []chat.Event {
				return slices.Delete(log, at(4), at(5))
			}),
			want: found{Delivered: sceneDeliveries - 1, Lost: 1},
		},
		{
			name: "one member does not get the last messages",
			change: only(1, func(log []chat.Event) []chat.Event {
				return log[:at(7)]
			}),
			want: found{Delivered: sceneDeliveries - 3, Lost: 3},
		},
		{
			name: "one member gets nothing at all",
			change: only(3, func(log []chat.Event) []chat.Event {
				return nil
			}),
			want: found{Delivered: sceneDeliveries - sceneMessages, Lost: sceneMessages},
		},
		{
			name: "an acknowledged message comes to nobody, its place is empty",
			change: func(_ int, log []chat.Event) []chat.Event {
				return slices.Delete(log, at(4), at(5))
			},
			want: found{Delivered: sceneDeliveries - sceneMembers, Lost: sceneMembers},
		},
		{
			name: "an acknowledged message comes to nobody, it was the last",
			change: func(_ int, log []chat.Event) []chat.Event {
				return log[:at(sceneMessages-1)]
			},
			want: found{Delivered: sceneDeliveries - sceneMembers, Lost: sceneMembers},
		},
		{
			name: "an acknowledged message comes to nobody, another has its place",
			before: func(s *scene) {
				s.log = slices.Delete(s.log, at(9), at(10))
				s.members[1].publisher.acked[4] = s.say(0, true)
			},
			want: found{Delivered: sceneDeliveries, Lost: sceneMembers, Misacked: 1},
		},
		{
			name: "an event comes twice",
			change: only(0, func(log []chat.Event) []chat.Event {
				return slices.Insert(log, at(5), log[at(4)])
			}),
			want: found{Delivered: sceneDeliveries, Duplicated: 1},
		},
		{
			name: "a message is stored twice",
			before: func(s *scene) {
				s.append(s.log[at(4)])
			},
			want: found{Delivered: sceneDeliveries, Duplicated: sceneMembers},
		},
		{
			name: "two events come in the wrong order",
			change: only(1, func(log []chat.Event) []chat.Event {
				log[at(4)], log[at(5)] = log[at(5)], log[at(4)]
				return log
			}),
			want: found{Delivered: sceneDeliveries, Reordered: 1},
		},
		{
			name: "two messages have changed places for one member",
			change: only(0, func(log []chat.Event) []chat.Event {
				log[at(4)], log[at(5)] = log[at(5)], log[at(4)]
				log[at(4)].Seq, log[at(5)].Seq = log[at(5)].Seq, log[at(4)].Seq
				return log
			}),
			// It is the first of its worker: the neighbour differs from it, the other
			// worker does, and the acks do.
			want: found{Delivered: sceneDeliveries, Reordered: 4, Misacked: 2},
		},
		{
			name: "a publisher's messages are stored in the wrong order",
			before: func(s *scene) {
				a, b := at(4), at(6) // both of publisher 0
				s.log[a], s.log[b] = s.log[b], s.log[a]
				s.log[a].Seq, s.log[b].Seq = s.log[b].Seq, s.log[a].Seq
				acked := s.members[0].publisher.acked
				acked[2], acked[3] = acked[3], acked[2]
			},
			want: found{Delivered: sceneDeliveries, Reordered: sceneMembers},
		},
		{
			name:   "the text is changed for one member",
			change: only(2, edit(at(3), spoil)),
			want:   found{Delivered: sceneDeliveries - 1, Corrupted: 1},
		},
		{
			name:   "the text is changed for everybody",
			change: func(_ int, log []chat.Event) []chat.Event { spoil(&log[at(3)]); return log },
			want:   found{Delivered: sceneDeliveries - sceneMembers, Corrupted: sceneMembers},
		},
		{
			name:   "the author's name is changed for one member",
			change: only(2, edit(at(3), func(e *chat.Event) { e.Name = "somebody" })),
			want:   found{Delivered: sceneDeliveries - 1, Corrupted: 1},
		},
		{
			name:   "the author is another for everybody",
			change: func(_ int, log []chat.Event) []chat.Event { log[at(3)].User++; return log },
			want:   found{Delivered: sceneDeliveries - sceneMembers, Corrupted: sceneMembers},
		},
		{
			name:   "a join is not the same for one member",
			change: only(2, edit(1, func(e *chat.Event) { e.Name = "somebody" })),
			want:   found{Delivered: sceneDeliveries, Corrupted: 1},
		},
		{
			name: "an ack names another place",
			before: func(s *scene) {
				s.members[0].publisher.acked[2]++
			},
			want: found{Delivered: sceneDeliveries, Misacked: 1},
		},
		{
			name: "a message that nobody has sent",
			before: func(s *scene) {
				s.say(1, false)
				s.members[1].publisher.sent--
			},
			want: found{Delivered: sceneDeliveries, Corrupted: 1},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newScene(t)
			if test.before != nil {
				test.before(s)
			}
			r := s.play(test.change)
			got := found{r.Delivered, r.Lost, r.Duplicated, r.Reordered, r.Corrupted, r.Misacked}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("wrong is not what was made wrong (-want +got):\n%s", diff)
			}
			if wrong := test.want != (found{Delivered: sceneDeliveries}); r.OK() == wrong {
				t.Errorf("OK() = %v", r.OK())
			}
		})
	}
}

// TestWhatIsNoFault has a server that does what it may do.
func TestWhatIsNoFault(t *testing.T) {
	for _, test := range []struct {
		name      string
		before    func(s *scene)
		delivered uint64
	}{
		{
			name:      "a message without an ack was stored all the same",
			before:    func(s *scene) { s.say(0, false) },
			delivered: sceneDeliveries + sceneMembers,
		},
		{
			name: "a message without an ack was not stored",
			before: func(s *scene) {
				s.say(0, false)
				s.log = s.log[:len(s.log)-1]
			},
			delivered: sceneDeliveries,
		},
		{
			name: "refusals have changed a publisher's order",
			before: func(s *scene) {
				a, b := at(4), at(6)
				s.log[a], s.log[b] = s.log[b], s.log[a]
				s.log[a].Seq, s.log[b].Seq = s.log[b].Seq, s.log[a].Seq
				p := s.members[0].publisher
				p.acked[2], p.acked[3] = p.acked[3], p.acked[2]
				p.refusals = 1
			},
			delivered: sceneDeliveries,
		},
		{
			name:      "somebody leaves at the end",
			before:    func(s *scene) { s.append(chat.Event{Kind: chat.EventLeave, User: 100, Name: "x"}) },
			delivered: sceneDeliveries,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newScene(t)
			test.before(s)
			r := s.play(nil)
			got := found{r.Delivered, r.Lost, r.Duplicated, r.Reordered, r.Corrupted, r.Misacked}
			if want := (found{Delivered: test.delivered}); got != want || r.Expected != test.delivered {
				t.Errorf("expected %d, found %+v; want %+v", r.Expected, got, want)
			}
		})
	}
}

func TestUnansweredIsAFailure(t *testing.T) {
	s := newScene(t)
	s.say(0, false)
	if r := s.play(nil); r.Unanswered != 1 || r.OK() {
		t.Fatalf("a message without ack or refusal: unanswered %d, OK %v", r.Unanswered, r.OK())
	}
}
