package sqlite_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"sarang/chat"
	"sarang/internal/store/sqlite"
)

// While reads overlap there is no moment in which nobody reads, and the log is bounded all
// the same.
func TestLogIsBoundedWhileReadsOverlap(t *testing.T) {
	const most, commitBytes = 2 << 20, 400 << 10
	s := openWithRoom(t, sqlite.Config{Sync: sqlite.ProcessSafe, WALBytesMax: most})
	if err := commit(t.Context(), s, say(1, 2000)); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for ctx.Err() == nil {
				page, _, err := s.History(ctx, 1, chat.Page{ItemsMax: 1000, BytesMax: 1 << 20})
				if err != nil && ctx.Err() == nil {
					t.Errorf("History: %v", err)
				}
				if err == nil && len(page) != 1000 {
					t.Errorf("%d events", len(page))
				}
			}
		})
	}
	largest := int64(0)
	next := chat.Seq(2001)
	for range 50 { // 20 MB
		b := say(next, 20)
		for i := range b.Appends[0].Events {
			b.Appends[0].Events[i].Text = strings.Repeat("x", commitBytes/20)
		}
		if err := commit(t.Context(), s, b); err != nil {
			t.Fatal(err)
		}
		next += 20
		largest = max(largest, s.Stats().WALBytes)
	}
	stop()
	readers.Wait()
	t.Logf("the log had %d KiB at most; reads were held %d times", largest>>10, s.Stats().WALHolds)
	// Twice as much where reads are slow, and what one commit adds.
	if slack := int64(2 * commitBytes); largest > 2*most+slack {
		t.Errorf("the log has grown to %d bytes", largest)
	}
	if s.Stats().WALHolds == 0 {
		t.Error("it was never begun anew")
	}
	wantLast(t, s, next-1)
}

// A read that does not end holds up neither the others nor commits for long.
func TestReadThatDoesNotEnd(t *testing.T) {
	s := openWithRoom(t, sqlite.Config{Sync: sqlite.ProcessSafe, WALBytesMax: 64 << 10})
	leave, err := sqlite.Read(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if err := commit(t.Context(), s, say(chat.Seq(1+500*i), 500)); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.History(t.Context(), 1, chat.Page{ItemsMax: 10, BytesMax: 100}); err != nil {
			t.Fatal(err)
		}
	}
	leave()
	wantLast(t, s, 1500)
}
