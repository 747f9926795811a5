package tui_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"sarang/chat"
	"sarang/client"
	"sarang/internal/tui"
)

// unclean returns texts with every character that a terminal might act on, alone and
// in sequences that terminals know.
func unclean() []string {
	all := []string{
		"\x1b]0;owned\x07", "\x1b]52;c;b3duZWQ=\x07", "\x1b[2J", "\x9b2J", "a\x9d0;owned\x9c", "a\r\nsarang: b", "\u2028b\u2029c",
	}
	add := func(r rune) { all = append(all, "a"+string(r)+"b", "a"+string([]byte{byte(r)})+"b") }
	for r := range rune(0xa0) {
		if unicode.IsControl(r) {
			add(r)
		}
	}
	for _, r16 := range unicode.Bidi_Control.R16 {
		for r := r16.Lo; r <= r16.Hi; r += r16.Stride {
			all = append(all, "a"+string(rune(r))+"b")
		}
	}
	return all
}

// wantClean checks what a terminal gets: lines of text, and nothing to act on.
func wantClean(t *testing.T, where, text string) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Errorf("%q reaches the terminal by %s: not UTF-8", text, where)
	}
	for _, r := range text {
		if r != '\n' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
			t.Errorf("%U reaches the terminal by %s: %q", r, where, text)
			return
		}
	}
}

// serverSays is everything that comes of a server, with text wherever it can put one.
func serverSays(text string) []client.Event {
	said := chat.Errorf(chat.CodeDraining, "%s", text)
	return []client.Event{
		client.Online{LoggedIn: client.LoggedIn{User: me, Name: text, Server: text, Capabilities: []string{text}, Resumed: true}},
		client.RoomEvent{Event: chat.Event{Room: lobby, Seq: 1, Kind: chat.EventJoin, User: ann, Name: text}},
		client.RoomEvent{Event: chat.Event{Room: lobby, Seq: 2, Kind: chat.EventMessage, User: ann, Name: text, Text: text}},
		client.RoomEvent{Event: chat.Event{Room: lobby, Seq: 3, Kind: chat.EventLeave, User: ann, Name: text}},
		client.RoomEvent{Event: chat.Event{Room: lobby, Seq: 4, Kind: 200, User: ann, Name: text, Text: text}},
		client.Gap{Room: lobby, Epoch: 5, From: 5, To: 6},
		client.Failure{Room: lobby, Err: said},
		client.Failure{Room: lobby, Err: said, Rejoin: true, Retrying: true},
		client.Fault{Err: errors.New(text)},
		client.Offline{Err: said, RetryIn: time.Second},
		client.Offline{Err: errors.New(text), RetryIn: time.Second},
	}
}

// endings are the events that end a program, one each.
func endings(text string) []client.Event {
	said := chat.Errorf(chat.CodeDraining, "%s", text)
	return []client.Event{
		client.Left{Room: lobby},
		client.Failure{Room: lobby, Err: said, Rejoin: true},
		client.Offline{Err: said, Final: true},
		client.Offline{Err: errors.New(text), Final: true},
	}
}

// hostile is a server that answers everything with one text.
type hostile struct {
	*fake
	text string
}

func (h hostile) Join(context.Context, client.Join) (client.Joined, error) {
	return client.Joined{Room: client.RoomInfo{ID: lobby, Name: h.text, Epoch: 5}}, nil
}

func (h hostile) PublishNonce(context.Context, chat.RoomID, chat.Nonce, string) (chat.Seq, error) {
	return 0, chat.Errorf(chat.CodeTooFast, "%s", h.text)
}

func TestPlainPrintsNothingUnclean(t *testing.T) {
	for _, text := range unclean() {
		for _, end := range endings(text) {
			for _, machine := range []bool{false, true} {
				var out, log bytes.Buffer
				h := hostile{newFake(append(serverSays(text), end)...), text}
				err := tui.Plain(t.Context(), tui.PlainConfig{
					Conn: h, Room: "lobby", In: io.MultiReader(strings.NewReader("said "+text+"\n"), silence(t)),
					Out: &out, Log: &log, JSON: machine, Location: time.UTC,
				})
				if err == nil {
					t.Fatal("it ended without an error")
				}
				wantClean(t, "standard output", out.String())
				wantClean(t, "the log", log.String())
				wantClean(t, "the error", err.Error())
				if strings.Contains(out.String()+log.String(), "\nsarang: b") {
					t.Errorf("a line of the server's own making: %q", log.String())
				}
			}
		}
	}
	refusing := refusingRoom{newFake()}
	err := tui.Plain(t.Context(), tui.PlainConfig{Conn: refusing, Room: "lobby", In: silence(t)})
	wantClean(t, "the error of a join", err.Error())
}

type refusingRoom struct{ *fake }

func (refusingRoom) Join(context.Context, client.Join) (client.Joined, error) {
	return client.Joined{}, chat.Errorf(chat.CodeForbidden, "\x1b]0;owned\x07\u202e")
}

func TestScreenShowsNothingUnclean(t *testing.T) {
	colour := regexp.MustCompile("\x1b\\[[0-9;:]*m")
	for _, text := range unclean() {
		bad := tui.Plainly(chat.Errorf(chat.CodeTooFast, "%s", text))
		s := newStage(t, 70, 60, nil)
		s.key(ctrl('b'))
		var all []any
		for _, e := range append(serverSays(text), endings(text)...) {
			all = append(all, tui.Message(e, s.now))
		}
		joined := client.Joined{Room: client.RoomInfo{ID: lobby, Name: text, Epoch: 5, Members: 2}}
		other := client.Joined{Room: client.RoomInfo{ID: dev, Name: text + "2", Epoch: 5, Members: 2}}
		nonce := chat.Nonce(0)
		for _, what := range append([]any{joined, other}, append(all,
			joined,
			tui.MembersLoaded{Room: lobby, Members: []client.Member{{User: ann, Name: text}}},
			tui.HistoryLoaded{Room: lobby, Err: bad},
			tui.HistoryLoaded{Room: lobby, Page: client.HistoryPage{Room: lobby, Epoch: 5, Events: []chat.Event{{Room: lobby, Name: text, Text: text}}}},
			tui.RoomsListed{Rooms: []client.RoomInfo{{ID: 5, Name: text}}},
			tui.RoomsListed{Err: bad},
			tui.Failed{What: "#" + text, Err: bad},
			tui.Published{Room: lobby, Nonce: 1, Err: bad},
		)...) {
			if effects := s.enter("said"); nonce == 0 && len(effects) > 0 {
				nonce = effects[0].(tui.Publish).Nonce
			}
			s.m.Update(what)
			v := s.m.View()
			wantClean(t, "the screen", colour.ReplaceAllString(v.Content, ""))
			wantClean(t, "the title", v.WindowTitle)
		}
	}
}
