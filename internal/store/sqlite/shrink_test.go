package sqlite_test

import (
	"context"
	"fmt"
	"testing"

	"sarang/chat"
	"sarang/internal/store/sqlite"
)

// TestShrink gives the cache back between writes, and nothing is lost by it.
func TestShrink(t *testing.T) {
	ctx := context.Background()
	s, err := sqlite.Open(ctx, sqlite.Config{Dir: t.TempDir(), Sync: sqlite.ProcessSafe})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		name := fmt.Sprintf("guest%d", i)
		if _, err := s.ClaimUser(ctx, chat.Claim{Name: name, Key: name, NowMs: 1}); err != nil {
			t.Fatal(err)
		}
		if i%10 == 0 {
			if err := s.Shrink(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	if u, err := s.User(ctx, 100); err != nil || u.Name != "guest99" {
		t.Errorf("user 100 is %+v, %v", u, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Shrink(ctx); chat.CodeOf(err) != chat.CodeClosed {
		t.Errorf("a closed store said %v", err)
	}
}
