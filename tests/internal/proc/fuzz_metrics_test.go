package proc

import (
	"bytes"
	"math"
	"strings"
	"testing"
)

// FuzzMetrics reads anything as the figures of a server. What is taken is found again by
// its name, and the sum over its labels is what the lines say.
func FuzzMetrics(f *testing.F) {
	for _, s := range []string{
		"# HELP a b\n# TYPE a counter\na 1\n", "a{x=\"1\"} 2\na{x=\"2\"} 3\n\nb 1e3\n", "a NaN\nb +Inf\n", "a", "a \n", " 1\n", "a b\n", "a{x=\"} 1\"} 2\n", "a 1\r\n", "a 1\na 2\nab 3\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		all, err := parseMetrics(bytes.NewReader(text))
		if err != nil {
			return
		}
		sums, sizes := map[string]float64{}, map[string]float64{}
		for key, v := range all {
			if !bytes.Contains(text, []byte(key)) || strings.ContainsRune(key, '\n') {
				t.Fatalf("%q has %q", text, key)
			}
			bare, _, _ := strings.Cut(key, "{")
			sums[bare] += v
			sizes[bare] += math.Abs(v)
		}
		for bare, want := range sums {
			// The order of adding is not always the same, and neither is what is lost by it.
			if got := all.Sum(bare); got != want && math.Abs(got-want) > sizes[bare]*1e-9 {
				t.Fatalf("%q: the sum of %q is %v; want %v", text, bare, got, want)
			}
		}
	})
}
