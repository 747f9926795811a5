package tui

import (
	"testing"

	"sarang/chat"
	"sarang/client"
)

// What is done to a message is shown on it, and makes no line of its own.
func TestMessagesThatChange(t *testing.T) {
	r := newRoom(client.Joined{Room: client.RoomInfo{ID: 1, Name: "lobby", Epoch: 5}})
	tell := func(seq chat.Seq, kind chat.EventKind, target chat.Seq, text string) {
		r.event(chat.Event{Room: 1, Seq: seq, Kind: kind, User: 2, Name: "ann", Target: target, Text: text}, 1)
	}
	want := func(lines int, text string) {
		t.Helper()
		if len(r.entries) != lines || r.entries[0].text != text {
			t.Errorf("%d entries, the first %q; want %d and %q", len(r.entries), r.entries[0].text, lines, text)
		}
	}
	tell(1, chat.EventMessage, 0, "helo")
	tell(2, chat.EventEdit, 1, "hello")
	want(1, "hello (edited)")
	tell(3, chat.EventReact, 1, "👍")
	tell(4, chat.EventPin, 1, "")
	want(1, "📌 hello (edited)  👍 1")
	tell(5, chat.EventMessage, 1, "so?")
	if n := r.entries[1]; n.text != "↪ ann: so?" {
		t.Errorf("an answer is shown as %q", n.text)
	}
	tell(6, chat.EventDelete, 1, "")
	want(2, "(deleted)")
	if r.last != 6 {
		t.Errorf("the room stands at %d", r.last)
	}
}

func TestCommandsAboutMessages(t *testing.T) {
	for line, want := range map[string]Command{
		"/edit ^2 what I meant": {Verb: VerbEdit, Number: 2, Text: "what I meant"},
		"/edit so":              {Verb: VerbEdit, Text: "so"},
		"/delete":               {Verb: VerbDelete},
		"/delete ^3":            {Verb: VerbDelete, Number: 3},
		"/react 👍":              {Verb: VerbReact, Text: "👍"},
		"/reply ^1 yes":         {Verb: VerbReply, Number: 1, Text: "yes"},
		"/unreact ^2 👍":         {Verb: VerbUnreact, Number: 2, Text: "👍"},
		"/pin ^2":               {Verb: VerbPin, Number: 2},
		"/unpin":                {Verb: VerbUnpin},
		"/mentions":             {Verb: VerbMentions},
	} {
		if got, err := ParseCommand(line); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", line, got, err, want)
		}
	}
	for _, line := range []string{"/edit", "/edit ^2", "/delete it", "/react ^x 👍", "/reply ^0 x"} {
		if got, err := ParseCommand(line); err == nil {
			t.Errorf("%s: %+v", line, got)
		}
	}
}
