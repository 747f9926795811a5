package tui

import (
	"testing"

	"sarang/chat"
)

// What whoever operates the server has set says so.
func TestSetByServer(t *testing.T) {
	e := chat.Event{Kind: chat.EventArchive, Value: 1}
	if got, want := setText(e), "the operator of the server archived the room: it takes nothing new"; got != want {
		t.Errorf("%q; want %q", got, want)
	}
	if e.Kind, e.User, e.Name = chat.EventName, 7, "ann"; setText(e) != "ann has renamed the room to #" {
		t.Errorf("%q", setText(e))
	}
}
