package sqlite_test

import (
	"runtime"
	"strings"
	"testing"

	"sarang/chat"
	"sarang/internal/store/sqlite"
)

// A page costs what is in it, and not what was asked for: of 200 long messages that may be
// in it by their number, it reads as many as its bytes allow, in both directions.
func TestPageStopsAtItsBytes(t *testing.T) {
	s := openWithRoom(t, sqlite.Config{})
	const text, events, most = 16 << 10, 300, 32 << 10
	b := say(1, events)
	for i := range b.Appends[0].Events {
		b.Appends[0].Events[i].Text = strings.Repeat("x", text)
	}
	if err := commit(t.Context(), s, b); err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]chat.Page{
		"forwards":  {After: 10, ItemsMax: 200, BytesMax: most},
		"backwards": {Before: 1 << 60, ItemsMax: 200, BytesMax: most},
		"middle":    {Before: 250, ItemsMax: 200, BytesMax: most},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got, more, err := s.History(t.Context(), 1, p)
		runtime.ReadMemStats(&after)
		if err != nil || len(got) != most/text || !more {
			t.Fatalf("%s: %d events, more %t, %v", name, len(got), more, err)
		}
		// Three texts are read, one of which shows that there is more.
		if bytes := after.TotalAlloc - before.TotalAlloc; bytes > 8*text {
			t.Errorf("%s: a page of %d bytes takes %d", name, most, bytes)
		}
	}
}
