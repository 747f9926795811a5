package tui

import (
	"strings"
	"testing"

	"sarang/chat"
	"sarang/client"
)

// Who writes @name means somebody who is there; who reads sees a name, and the one that he has now.
func TestMentionsAreWrittenAndRead(t *testing.T) {
	r := newRoom(client.Joined{Room: client.RoomInfo{ID: 1, Name: "lobby", Epoch: 5}})
	r.members[7], r.members[8] = "Ann", "J.R."
	for typed, sent := range map[string]string{
		"hi @Ann!":            "hi [@Ann](user:7)!",
		"@ann: so?":           "[@ann](user:7): so?",
		"@Ann.":               "[@Ann](user:7).",
		"@J.R. @J.R..":        "[@J.R.](user:8) [@J.R.](user:8).",
		"@Anna, a@Ann, @":     "@Anna, a@Ann, @",
		"@room":               "[@room](user:all)",
		"@@Ann @Ann@Ann":      "@[@Ann](user:7) [@Ann](user:7)[@Ann](user:7)",
		"[@Ann](user:9)":      "[@Ann](user:9)",
		"nobody":              "nobody",
		"안녕 @Ann, mail a@b.c": "안녕 [@Ann](user:7), mail a@b.c",
	} {
		if got := r.mentioning(typed); got != sent {
			t.Errorf("%q is sent as %q, want %q", typed, got, sent)
		}
	}
	r.event(chat.Event{Room: 1, Seq: 1, Kind: chat.EventMessage, User: 2, Name: "ben", Text: "hi [@Old](user:7) and [@Gone](user:9)[@room](user:all)"}, 1)
	if got := r.entries[0].text; got != "hi @Ann and @Gone@room" {
		t.Errorf("it is shown as %q", got)
	}
	if got := withMentions("[@a\x1b](user:7)", nil); !strings.HasPrefix(got, "@a") {
		t.Errorf("%q", got)
	}
}
