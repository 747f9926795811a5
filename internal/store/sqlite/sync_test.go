package sqlite_test

import (
	"slices"
	"testing"

	"sarang/chat"
	"sarang/internal/store/sqlite"
)

// What is acknowledged is on the disk; what can be made again, as the index of searches, need not be,
// whatever comes after it.
func TestCommitsAreSynced(t *testing.T) {
	for _, c := range []struct {
		mode                sqlite.SyncMode
		others, theIndexers int
	}{{sqlite.PowerSafe, 2, 1}, {sqlite.ProcessSafe, 1, 1}} {
		t.Run(c.mode.String(), func(t *testing.T) {
			s := openWithRoom(t, sqlite.Config{Sync: c.mode})
			var levels []int
			sqlite.BreakCommits(s, func(commit func() error) error {
				level, err := sqlite.Synchronous(s)
				if err != nil {
					t.Error(err)
				}
				levels = append(levels, level)
				return commit()
			})
			want := func(what string, level int) {
				t.Helper()
				if len(levels) == 0 || slices.ContainsFunc(levels, func(l int) bool { return l != level }) {
					t.Errorf("%s: PRAGMA synchronous was %v at its commits, want %d", what, levels, level)
				}
				levels = nil
			}
			say1(t, s, 1, chat.Event{Text: "first"})
			want("a message", c.others)
			wantIndexed(t, s)
			want("the index", c.theIndexers)
			say1(t, s, 2, chat.Event{Text: "second"})
			want("a message after the index", c.others)
			wantIndexed(t, s)
			want("the index, again", c.theIndexers)
			if _, err := s.ClaimUser(t.Context(), chat.Claim{Name: "somebody", Key: "somebody", NowMs: 1}); err != nil {
				t.Fatal(err)
			}
			want("a new user", c.others)
		})
	}
}
