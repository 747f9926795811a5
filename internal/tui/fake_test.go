package tui_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"sarang/chat"
	"sarang/client"
	"sarang/engine"
	"sarang/internal/tui"
)

// fake is a connection on which happens what a test wants. What is not below panics.
type fake struct {
	tui.Conn
	events chan client.Event
}

func newFake(events ...client.Event) *fake {
	f := &fake{events: make(chan client.Event, len(events))}
	for _, e := range events {
		f.events <- e
	}
	return f
}

func (f *fake) Events() <-chan client.Event { return f.events }

func (f *fake) Join(context.Context, client.Join) (client.Joined, error) {
	return client.Joined{Room: client.RoomInfo{ID: lobby, Name: "lobby", Epoch: 5}}, nil
}

func (f *fake) Blocks(context.Context) ([]client.Member, error) {
	return []client.Member{{User: mall, Name: "mall"}}, nil
}

// silence is an input that never has a line, until it is closed.
func silence(t *testing.T) io.Reader {
	r, w := io.Pipe()
	t.Cleanup(func() { _ = w.Close() })
	return r
}

func TestPlainEndsWhenThereIsNoWayOn(t *testing.T) {
	gone := &client.DisconnectedError{Reason: engine.Reason{Code: engine.ReasonConnect}}
	for _, c := range []struct {
		name   string
		events []client.Event
		say    string
	}{
		{"put out", []client.Event{client.Left{Room: lobby}}, "put us out of #lobby"},
		{"not let in again", []client.Event{
			client.Offline{Err: gone, RetryIn: time.Second},
			client.Failure{Room: lobby, Rejoin: true, Err: chat.Errorf(chat.CodeNoRoom, "no such room")},
		}, "no such room"},
		{"over", []client.Event{client.Offline{Err: chat.Errorf(chat.CodeBadToken, "the token is not valid"), Final: true}}, "the token is not valid"},
	} {
		var log bytes.Buffer
		err := tui.Plain(t.Context(), tui.PlainConfig{
			Conn: newFake(c.events...), Room: "lobby", In: silence(t), Out: io.Discard, Log: &log,
		})
		if err == nil || !strings.Contains(err.Error(), c.say) {
			t.Errorf("%s: %v; want %q", c.name, err, c.say)
		}
	}
}

func TestPlainTellsOfGapsAndFaults(t *testing.T) {
	events := []client.Event{
		client.RoomEvent{Event: chat.Event{Room: lobby, Seq: 1, Kind: chat.EventJoin, User: ann, Name: "ann\x1b[2J"}},
		client.RoomEvent{Event: chat.Event{Room: dev, Seq: 1, Kind: chat.EventMessage, Name: "ann", Text: "elsewhere"}},
		client.Gap{Room: lobby, Epoch: 5, From: 2, To: 9},
		client.Fault{Err: &client.SequenceError{Room: lobby, Want: 10, Got: 12}},
		client.Failure{Room: lobby, Retrying: true, Rejoin: true, Err: chat.Errorf(chat.CodeTooFast, "later")},
		client.RoomEvent{Event: chat.Event{Room: lobby, Seq: 12, Kind: chat.EventLeave, User: ann, Name: "ann"}},
		client.Gap{Room: lobby, Epoch: 6, From: 1, To: 0, EpochChanged: true},
		client.Left{Room: lobby}, // the end
	}
	for _, machine := range []bool{false, true} {
		var out, log bytes.Buffer
		err := tui.Plain(t.Context(), tui.PlainConfig{
			Conn: newFake(events...), Room: "lobby", In: silence(t), Out: &out, Log: &log, Location: time.UTC, JSON: machine,
		})
		if err == nil || errors.As(err, new(*tui.RefusedError)) {
			t.Errorf("ended with %v", err)
		}
		var got []string
		for l := range strings.Lines(out.String()) {
			if !machine {
				l = l[len("00:00:00 "):] // a gap has the time of its telling
			}
			got = append(got, strings.TrimSuffix(l, "\n"))
		}
		want := []string{"#lobby * ann␛[2J joined", "#lobby * events 2 to 9 are not available any more", "#lobby * ann left", "#lobby * the room began anew"}
		if machine {
			want = []string{
				`{"event":"join","room":"lobby","seq":1,"time":"1970-01-01T00:00:00.000Z","user":8,"name":"ann\u001b[2J"}`,
				`{"event":"gap","room":"lobby","from":2,"to":9}`,
				`{"event":"leave","room":"lobby","seq":12,"time":"1970-01-01T00:00:00.000Z","user":8,"name":"ann"}`,
				`{"event":"gap","room":"lobby","from":1,"anew":true}`,
			}
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("printed\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if !strings.Contains(log.String(), "broke the order") && !strings.Contains(log.String(), "broken the protocol") {
			t.Errorf("logged %s", log.String())
		}
	}
}
