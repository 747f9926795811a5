package sqlite_test

import (
	"testing"

	"sarang/chat"
	"sarang/internal/store/sqlite"
)

// A name that nobody has costs no transaction where nobody can be made: as one that somebody has.
func TestRefusedClaimWritesNothing(t *testing.T) {
	s := open(t, sqlite.Config{})
	if _, err := s.ClaimUser(t.Context(), chat.Claim{Name: "ann", Key: "ann", Fresh: chat.TokenHash{1}, Password: "$x", NowMs: 1000}); err != nil {
		t.Fatal(err)
	}
	before := s.Stats().SmallTxs
	for _, name := range []string{"ann", "bob"} {
		_, err := s.ClaimUser(t.Context(), chat.Claim{Name: name, Key: name, Resume: chat.TokenHash{2}, Fresh: chat.TokenHash{2}, NowMs: 2000, NoGuests: true})
		if chat.CodeOf(err) != chat.CodeBadToken {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := s.Stats().SmallTxs - before; n != 0 {
		t.Errorf("%d transactions, want none", n)
	}
}
