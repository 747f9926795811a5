package limit_test

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sarang/internal/limit"
)

func network(t *testing.T, address string) uint64 {
	t.Helper()
	a, err := netip.ParseAddr(address)
	if err != nil {
		t.Fatal(err)
	}
	return limit.NetworkOf(a)
}

func TestNetworkOf(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true},
		{"2001:db8:0:1::1", "2001:db8:0:2::1", false},
		{"fe80::1%eth0", "fe80::1", true},
	} {
		if a, b := network(t, c.a), network(t, c.b); (a == b) != c.same || a == 0 || b == 0 {
			t.Errorf("%s is %x, %s is %x", c.a, a, c.b, b)
		}
	}
	if network(t, "::1") == 0 || network(t, "0.0.0.0") == 0 {
		t.Error("an address without a name")
	}
}

// Who comes to a queue in which others have much waits for one item of each of them.
func TestQueueIsFair(t *testing.T) {
	var q limit.Queue[string]
	push := func(network, session uint64, item string) {
		q.Push(limit.Source{Network: network, Session: session}, 0, item)
	}
	for range 100 {
		push(1, 10, "a")
		push(1, 11, "b")
		push(2, 20, "c")
	}
	push(1, 12, "late session")
	push(3, 30, "late network")
	push(0, 40, "alone")
	push(0, 41, "alone, too")
	var got []string
	for range 10 {
		got = append(got, q.Pop(0))
	}
	want := []string{"a", "c", "late network", "alone", "alone, too", "b", "c", "late session", "c", "a"}
	if !slices.Equal(got, want) {
		t.Errorf("served were %q, want %q", got, want)
	}
	if n := q.LenOf(limit.Source{Network: 1}); n != 197 || q.Len() != 197+97 {
		t.Errorf("%d of %d wait", n, q.Len())
	}
}

// What waits is told by the one whose turn is next, and not by him who has most.
func TestQueueSince(t *testing.T) {
	var q limit.Queue[int]
	if _, waits := q.Since(); waits {
		t.Error("something waits in an empty queue")
	}
	for i := range 10 {
		q.Push(limit.Source{Network: 1}, time.Duration(i), i)
	}
	q.Push(limit.Source{Network: 2}, 10, 0)
	want := func(want time.Duration) {
		t.Helper()
		if since, waits := q.Since(); !waits || since != want {
			t.Errorf("since %d, %t; want %d", since, waits, want)
		}
	}
	want(0)
	q.Pop(20)
	want(10)
	q.Pop(30)
	want(20)
}

// Against a model that is a list: each item comes once, those of a session in their order,
// and between two of a network every other one that waits has a turn.
func TestQueueModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type item struct {
			source limit.Source
			n      int
		}
		var q limit.Queue[item]
		var all []item
		skipped := map[uint64]int{} // turns of others since a network's last, or since it came
		for n := range rapid.IntRange(1, 200).Draw(t, "steps") {
			if len(all) == 0 || rapid.Bool().Draw(t, "push") {
				s := limit.Source{Network: rapid.Uint64Range(1, 4).Draw(t, "network"), Session: rapid.Uint64Range(0, 3).Draw(t, "session")}
				if q.LenOf(s) == 0 {
					skipped[s.Network] = 0
				}
				all = append(all, item{s, n})
				q.Push(s, 0, item{s, n})
				continue
			}
			any := rapid.IntRange(0, 3).Draw(t, "take") == 0
			var got item
			if any {
				got = q.Take(rapid.IntRange(0, q.Len()-1).Draw(t, "which"), 0)
				clear(skipped) // the circle was turned
			} else {
				got = q.Pop(0)
			}
			i := slices.IndexFunc(all, func(x item) bool { return x.source == got.source })
			if i < 0 || all[i] != got {
				t.Fatalf("%+v is served, of %+v", got, all)
			}
			all = slices.Delete(all, i, i+1)
			skipped[got.source.Network] = 0
			for k := range skipped {
				if k != got.source.Network && q.LenOf(limit.Source{Network: k}) > 0 {
					if skipped[k]++; skipped[k] > 3 {
						t.Fatalf("network %d waits for more than one turn of each other one", k)
					}
				}
			}
			if q.Len() != len(all) {
				t.Fatalf("%d wait, want %d", q.Len(), len(all))
			}
		}
	})
}
