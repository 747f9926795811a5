package linear_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"sarang/chat"
	"sarang/internal/simulate/linear"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// said is a message of user 1 in room 1.
func said(seq chat.Seq, n chat.Nonce) chat.Event {
	return chat.Event{
		Room: 1, Seq: seq, Kind: chat.EventMessage, User: 1, Name: "ann", Nonce: n,
		TimeMs: int64(seq), Text: text(n),
	}
}

func text(n chat.Nonce) string { return fmt.Sprintf("message %d", n) }

func joined(seq chat.Seq) chat.Event {
	return chat.Event{Room: 1, Seq: seq, Kind: chat.EventJoin, User: 2, Name: "ben"}
}

// publish is a message from its call to its acknowledgment.
func publish(r *linear.Recorder, n chat.Nonce, seq chat.Seq) {
	r.Published(1, 1, n, text(n))
	r.Acked(1, n, seq)
}

// Histories, and whether one log could have given them.
func TestHistories(t *testing.T) {
	for _, c := range []struct {
		name   string
		happen func(r *linear.Recorder)
		wrong  bool
	}{
		{"nothing", func(*linear.Recorder) {}, false},
		{"one after the other", func(r *linear.Recorder) {
			publish(r, 11, 1)
			publish(r, 12, 2)
			r.Shown(2, said(1, 11))
			r.Shown(2, said(2, 12))
		}, false},
		{"shown before the acknowledgment", func(r *linear.Recorder) {
			r.Published(1, 1, 11, text(11))
			r.Shown(2, said(1, 11))
			r.Acked(1, 11, 1)
		}, false},
		{"two at once, in either order", func(r *linear.Recorder) {
			r.Published(1, 1, 11, text(11))
			r.Published(2, 1, 12, text(12))
			r.Acked(1, 11, 2)
			r.Acked(1, 12, 1)
		}, false},
		{"one after the other, numbered the other way", func(r *linear.Recorder) {
			publish(r, 11, 2)
			publish(r, 12, 1)
		}, true},
		{"two acknowledged at one place", func(r *linear.Recorder) {
			r.Published(1, 1, 11, text(11))
			r.Published(2, 1, 12, text(12))
			r.Acked(1, 11, 1)
			r.Acked(1, 12, 1)
		}, true},
		{"acknowledged, and somebody else's is there", func(r *linear.Recorder) {
			r.Published(2, 1, 12, text(12))
			publish(r, 11, 1)
			r.Shown(2, said(1, 12))
		}, true},
		{"two readers are shown different things", func(r *linear.Recorder) {
			r.Published(1, 1, 11, text(11))
			r.Published(2, 1, 12, text(12))
			r.Shown(1, said(1, 11))
			r.Shown(2, said(1, 12))
		}, true},
		{"one message twice", func(r *linear.Recorder) {
			publish(r, 11, 1)
			r.Shown(1, said(1, 11))
			r.Shown(1, said(2, 11))
		}, true},
		{"never acknowledged, and shown", func(r *linear.Recorder) {
			r.Published(1, 1, 11, text(11))
			r.Shown(2, said(1, 11))
			publish(r, 12, 2)
		}, false},
		{"never acknowledged, and never seen", func(r *linear.Recorder) {
			r.Published(1, 1, 11, text(11))
			publish(r, 12, 1)
		}, false},
		{"shown before it was published", func(r *linear.Recorder) {
			r.Shown(2, said(1, 11))
			publish(r, 11, 1)
		}, true},
		{"nobody published it", func(r *linear.Recorder) { r.Shown(2, said(1, 11)) }, true},
		{"changed", func(r *linear.Recorder) {
			r.Published(1, 1, 11, "something else")
			r.Shown(2, said(1, 11))
		}, true},
		{"joins between messages", func(r *linear.Recorder) {
			r.Shown(2, joined(1))
			publish(r, 11, 2)
			publish(r, 12, 4) // 3 is nobody's, and nobody saw it
			r.Shown(2, said(2, 11))
		}, false},
		{"a place of which nobody knows comes too late", func(r *linear.Recorder) {
			publish(r, 11, 1)
			page(r, 0, 0, false, said(1, 11))
			publish(r, 12, 3)
			page(r, 0, 0, false, said(1, 11), said(3, 12))
		}, true},
		{"there is more, and nobody has seen it", func(r *linear.Recorder) {
			publish(r, 11, 1)
			page(r, 0, 0, true, said(1, 11))
		}, false},
		{"event 0", func(r *linear.Recorder) { r.Shown(2, said(0, 11)) }, true},
	} {
		t.Run(c.name, func(t *testing.T) { judge(t, c.happen, c.wrong) })
	}
}

// page asks for history and gets it at once.
func page(r *linear.Recorder, after, before chat.Seq, more bool, events ...chat.Event) {
	r.Asked(2, 1, after, before).Answered(events, more)
}

// Pages of history of a log that holds messages 11, 12 and 13.
func TestPages(t *testing.T) {
	one, two, three := said(1, 11), said(2, 12), said(3, 13)
	for _, c := range []struct {
		name   string
		happen func(r *linear.Recorder)
		wrong  bool
	}{
		{"all", func(r *linear.Recorder) { page(r, 0, 0, false, one, two, three) }, false},
		{"the last", func(r *linear.Recorder) { page(r, 2, 0, false, three) }, false},
		{"the first, and there is more", func(r *linear.Recorder) { page(r, 0, 0, true, one) }, false},
		{"below 3", func(r *linear.Recorder) { page(r, 0, 3, true, two) }, false},
		{"below 9", func(r *linear.Recorder) { page(r, 0, 9, true, two, three) }, false},
		{"below 1", func(r *linear.Recorder) { page(r, 0, 1, false) }, false},
		{"behind the end", func(r *linear.Recorder) { page(r, 7, 0, false) }, false},
		{"stale", func(r *linear.Recorder) { page(r, 0, 0, false, one, two) }, true},
		{"stale and empty", func(r *linear.Recorder) { page(r, 0, 0, false) }, true},
		{"stale, below 9", func(r *linear.Recorder) { page(r, 0, 9, true, two) }, true},
		{"empty, below 3", func(r *linear.Recorder) { page(r, 0, 3, false) }, true},
		{"there was more, and is no more", func(r *linear.Recorder) {
			page(r, 2, 0, true, three)
			page(r, 3, 0, false)
		}, true},
		{"empty, and says that there is more", func(r *linear.Recorder) { page(r, 7, 0, true) }, true},
		{"begins too late", func(r *linear.Recorder) { page(r, 0, 0, false, two, three) }, true},
		{"with a hole", func(r *linear.Recorder) { page(r, 0, 0, false, one, three) }, true},
		{"out of order", func(r *linear.Recorder) { page(r, 0, 0, false, two, one, three) }, true},
		{"with something else in it", func(r *linear.Recorder) { page(r, 0, 0, false, one, joined(2), three) }, true},
		{"with event 0", func(r *linear.Recorder) { page(r, 0, 0, true, said(0, 11), one) }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			judge(t, func(r *linear.Recorder) {
				publish(r, 11, 1)
				publish(r, 12, 2)
				publish(r, 13, 3)
				c.happen(r)
			}, c.wrong)
		})
	}
}

// A page that was asked for while messages came may or may not hold them; one that was
// never answered says nothing.
func TestPageMeanwhile(t *testing.T) {
	for _, seen := range [][]chat.Event{{said(1, 11)}, {said(1, 11), said(2, 12)}} {
		judge(t, func(r *linear.Recorder) {
			publish(r, 11, 1)
			r.Asked(3, 1, 0, 0)
			p := r.Asked(2, 1, 0, 0)
			publish(r, 12, 2)
			p.Answered(seen, false)
		}, false)
	}
}

func judge(t *testing.T, happen func(*linear.Recorder), wrong bool) {
	t.Helper()
	r := linear.NewRecorder()
	happen(r)
	_, err := r.Check(0)
	var illegal *linear.Error
	switch {
	case !wrong && err != nil:
		t.Errorf("one log could have given this, but: %v", err)
	case wrong && !errors.As(err, &illegal):
		t.Errorf("no log could have given this, but the check says: %v", err)
	case wrong && (illegal.Room != 1 || !strings.Contains(err.Error(), "room 1")):
		t.Errorf("the error does not name the room: %v", err)
	}
}

// Rooms do not mix, and the report counts them.
func TestRooms(t *testing.T) {
	r := linear.NewRecorder()
	for room := chat.RoomID(1); room <= 3; room++ {
		r.Published(1, room, 11, text(11))
		e := said(1, 11)
		e.Room = room
		r.Shown(2, e)
		r.Acked(room, 11, 1)
	}
	report, err := r.Check(0)
	if err != nil || report.Rooms != 3 || report.Operations != 6 {
		t.Errorf("%+v, %v", report, err)
	}
	r.Acked(3, 11, 2)
	if _, err := r.Check(0); err == nil || !strings.Contains(err.Error(), "room 3") {
		t.Errorf("a message in room 3 has two places: %v", err)
	}
}

// A busy log: many authors at once, each acknowledgment late, most messages seen.
func TestManyAtOnce(t *testing.T) {
	r := linear.NewRecorder()
	const authors, rounds = 30, 40
	seq, n := chat.Seq(0), chat.Nonce(0)
	for range rounds {
		p := r.Asked(99, 1, seq, 0)
		for range authors {
			n++
			r.Published(int(n)%authors, 1, n, text(n))
		}
		for i := range chat.Nonce(authors) {
			seq++
			if i%3 > 0 {
				r.Shown(1, said(seq, n-i))
			}
		}
		for i := range chat.Nonce(authors) {
			if i%5 > 0 {
				r.Acked(1, n-i, seq-authors+1+chat.Seq(i))
			}
		}
		p.Answered(nil, false)
	}
	if report, err := r.Check(0); err != nil {
		t.Errorf("%+v: %v", report, err)
	}
}
