package simulate_test

import (
	"testing"

	"sarang/internal/simulate"
)

// Older copies of the store are put back, in seeds that have such an operator, and readers
// who stood beyond them are told.
func TestOlderCopiesArePutBack(t *testing.T) {
	if slow || testing.Short() {
		t.Skip("it takes some dozen seeds")
	}
	var all simulate.Counts
	for s := range uint64(80) {
		r := simulate.Run(s+1, simulate.Options{})
		if r.Failure != "" {
			t.Fatalf("seed %d: %s", s+1, r.Failure)
		}
		all.Add(r.Counts)
	}
	t.Logf("%d copies put back, %d readers told", all.PutBacks, all.Voided)
	if all.PutBacks < 20 || all.Voided < 5 {
		t.Errorf("%d copies put back, %d readers told", all.PutBacks, all.Voided)
	}
}
