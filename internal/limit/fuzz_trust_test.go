package limit_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"sarang/internal/limit"
)

// FuzzParseTrust reads any words. What is taken means the same when it is written down
// and read again, and for both forms of an IPv4 address; what is refused is told.
func FuzzParseTrust(f *testing.F) {
	for _, s := range []string{
		"127.0.0.0/8,::1/128", "none", "", "none,10.0.0.1", "10.1.2.3", "::ffff:192.0.2.0/120", "::ffff:192.0.2.0/95",
		"::ffff:0:0/96", "::/0", "0.0.0.0/0", "10.1.2.3/8", "fe80::1%eth0", "fe80::/10", "10.0.0.0/33", " 10.0.0.1 ", "010.0.0.1",
	} {
		f.Add(s, []byte{10, 1, 2, 3})
		f.Add(s, []byte{0xfe, 0x80, 15: 1})
	}
	f.Fuzz(func(t *testing.T, list string, probe []byte) {
		words := strings.Split(list, ",")
		given := slices.Clone(words)
		trust, err := limit.ParseTrust(words)
		if !slices.Equal(words, given) {
			t.Fatalf("%q became %q", given, words)
		}
		if err != nil {
			if trust != nil || !strings.Contains(err.Error(), "none") {
				t.Fatalf("%q: %v, %v", words, trust, err)
			}
			return
		}
		if trust == nil || len(trust) > len(words) {
			t.Fatalf("%q are %v", words, trust)
		}
		written := []string{"none"}
		for i, p := range trust {
			if p != p.Masked() || !trust.Contains(p.Addr()) {
				t.Fatalf("%q has %v, of which %v is no part", words[i], p, p.Addr())
			}
			if i == 0 {
				written = nil
			}
			written = append(written, p.String())
		}
		if again, err := limit.ParseTrust(written); err != nil || !slices.Equal(again, trust) {
			t.Fatalf("%q are %v; read again %v, %v", words, trust, again, err)
		}
		a, ok := netip.AddrFromSlice(probe)
		if !ok {
			return
		}
		in := trust.Contains(a)
		other := a.WithZone("eth0")
		if a.Is4() {
			other = netip.AddrFrom16(a.As16())
		}
		if trust.Contains(other) != in {
			t.Fatalf("%v has %v: %t, and %v: %t", trust, a, in, other, !in)
		}
		if in != slices.ContainsFunc(trust, func(p netip.Prefix) bool { return p.Contains(a.Unmap()) }) {
			t.Fatalf("%v has %v: %t", trust, a, in)
		}
	})
}

// FuzzRate takes from a rate of any settings at any times. A wait that is told is one
// that suffices, and no more is given in a time than rate and burst say.
func FuzzRate(f *testing.F) {
	f.Add(20, 60, []byte{0, 0, 50, 255, 3})
	f.Add(0, 5, []byte{1})
	f.Add(1, 1<<62, []byte{0, 0, 0})
	f.Add(1<<62, -1, []byte{0, 1, 0})
	f.Add(-1<<63, -1<<63, []byte{7})
	f.Fuzz(func(t *testing.T, units, burst int, steps []byte) {
		r := limit.NewRate(units, time.Second, burst)
		if r.None() != (units < 1) {
			t.Fatalf("%d a second is no limit: %t", units, r.None())
		}
		var m limit.Meter
		var now time.Duration
		taken := 0.0
		for _, step := range steps {
			now += time.Duration(step) * 7 * time.Millisecond
			wait := m.Take(r, now)
			switch {
			case wait < 0 || r.None() && wait != 0:
				t.Fatalf("%d a second, burst %d: wait %v", units, burst, wait)
			case wait == 0:
				taken++
			default:
				other := m
				if again := other.Take(r, now+wait); again != 0 {
					t.Fatalf("%d a second, burst %d: after %v another %v", units, burst, wait, again)
				}
				if other = m; wait > 1 && other.Take(r, now+wait-1) == 0 {
					t.Fatalf("%d a second, burst %d: %v is longer than it takes", units, burst, wait)
				}
			}
		}
		allowed := float64(max(burst, 1)) + now.Seconds()*float64(units) + 1
		if !r.None() && taken > allowed {
			t.Fatalf("%d a second, burst %d: %v taken in %v", units, burst, taken, now)
		}
	})
}
