package mem_test

import (
	"errors"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"sarang/lock"
	"sarang/mem"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newPool returns a pool that must be closed without leaks by the end of the test.
func newPool(t testing.TB, c mem.Config) *mem.Pool {
	t.Helper()
	p := mem.NewPool(c)
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if s := p.Stats(); s.Total.ReservedBytes != 0 || s.Total.InUse != 0 {
			t.Errorf("after Close: %+v", s.Total)
		}
	})
	return p
}

// bothModes runs a test with and without Config.Debug.
func bothModes(t *testing.T, f func(t *testing.T, c mem.Config)) {
	t.Helper()
	t.Run("normal", func(t *testing.T) { f(t, mem.Config{}) })
	t.Run("debug", func(t *testing.T) { f(t, mem.Config{Debug: true}) })
}

func get(t testing.TB, p *mem.Pool, n int) *mem.Buf {
	t.Helper()
	b, err := p.Get(n)
	if err != nil {
		t.Fatalf("Get(%d): %v", n, err)
	}
	return b
}

// panicText returns the text that f panics with, and fails if it does not.
func panicText(t *testing.T, f func()) (text string) {
	t.Helper()
	defer func() {
		v := recover()
		if v == nil {
			t.Fatal("no panic")
		}
		s, ok := v.(string)
		if !ok {
			t.Fatalf("panic value is %v", v)
		}
		text = s
	}()
	f()
	return ""
}

func wantText(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("text lacks %q:\n%s", part, text)
		}
	}
}

func leaksOf(t *testing.T, err error) []mem.Leak {
	t.Helper()
	var e *mem.LeakError
	if !errors.As(err, &e) {
		t.Fatalf("error is %v, want a LeakError", err)
	}
	return e.Leaks
}

// wantNoAllocs fails if f allocates, once it is warm. A build that watches its locks
// does allocate, so there is nothing to see there.
func wantNoAllocs(t *testing.T, f func()) {
	t.Helper()
	if lock.Enabled {
		t.Skip("locks allocate in this build")
	}
	if n := testing.AllocsPerRun(1000, f); n != 0 {
		t.Errorf("%v allocations per run", n)
	}
}
