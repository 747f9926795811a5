package swarm

import (
	"testing"

	"pgregory.net/rapid"

	"sarang/chat"
)

// TestReceiptAgainstModel compares a receipt with a set that remembers everything.
func TestReceiptAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r receipt
		r.last = 10
		seen := map[chat.Seq]bool{}
		var late, again uint64
		for _, n := range rapid.SliceOfN(rapid.IntRange(11, 50), 0, 80).Draw(t, "seqs") {
			seq := chat.Seq(n)
			fresh := seq > r.last
			switch {
			case seen[seq]:
				again++
			case !fresh:
				late++
			}
			if got := r.take(seq); got != fresh {
				t.Fatalf("take(%d) = %v, want %v", seq, got, fresh)
			}
			seen[seq] = true
		}
		if r.reordered != late || r.duplicated != again {
			t.Fatalf("late %d, again %d; want %d, %d", r.reordered, r.duplicated, late, again)
		}
		missing := map[chat.Seq]bool{}
		for _, h := range r.holes {
			for s := h.from; s <= h.to; s++ {
				missing[s] = true
			}
		}
		for s := chat.Seq(11); s <= r.last; s++ {
			if missing[s] == seen[s] {
				t.Fatalf("event %d: seen %v, missing %v", s, seen[s], missing[s])
			}
		}
	})
}
