package hub_test

import (
	"context"
	"testing"
	"time"

	"sarang/chat"
	"sarang/internal/hub/hubtest"
	"sarang/internal/store/storesim"
)

// claimStore notes the newest claim.
type claimStore struct {
	*storesim.Store
	claim chat.Claim
}

func (s *claimStore) ClaimUser(ctx context.Context, c chat.Claim) (chat.Claimed, error) {
	s.claim = c
	return s.Store.ClaimUser(ctx, c)
}

// TestAClaimIsOfTheTimeOfTheStore: one that has waited is not of the time at which it was asked
// for. With a clock that was set back meanwhile it would come from the future, and give out
// another token in the place of one that was given out just now.
func TestAClaimIsOfTheTimeOfTheStore(t *testing.T) {
	store := &claimStore{Store: storesim.NewDisk(nil).Open()}
	r := newRig(t, hubtest.Config{Store: store})
	ann := r.Enter("ann", nil)
	first := store.claim
	back := r.Dial(nil)
	back.Login("ann", ann.Token)
	if r.Waiting() != 1 {
		t.Fatalf("%d calls wait for the store", r.Waiting())
	}
	const waits = 10 * time.Second
	r.World.Advance(r.World.Now() + waits)
	r.StepStore(0)
	late := waits.Milliseconds()
	for what, apart := range map[string]int64{
		"time":                   store.claim.NowMs - first.NowMs,
		"end of a reserved name": store.claim.ReservedSinceMs - first.ReservedSinceMs,
		"end of a token":         store.claim.ExpiredMs - first.ExpiredMs,
		"time of a new token":    store.claim.RenewMs - first.RenewMs,
	} {
		if apart < late {
			t.Errorf("the %s of a claim that has waited for %v is %d ms after that of one before it", what, waits, apart)
		}
	}
	r.Settle()
	if back.User.ID != ann.User.ID {
		t.Errorf("who has waited is not let in: %+v", back.Last())
	}
}
