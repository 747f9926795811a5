package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"time"
)

// samplesOf makes a sample a second with a value each.
func samplesOf(name string, n int, value func(i int) float64) (all []sample) {
	for i := range n {
		all = append(all, sample{At: time.Duration(i) * time.Second, Values: map[string]float64{name: value(i)}})
	}
	return all
}

func TestTrend(t *testing.T) {
	saw := func(i int) float64 { return float64(i % 10) } // a collector's
	for _, c := range []struct {
		name   string
		value  func(i int) float64
		growth float64 // about
		ok     bool
	}{
		{"flat", func(int) float64 { return 100 }, 0, true},
		{"saw", saw, 0, true},
		{"warming up", func(i int) float64 { return float64(min(i, 90)) * 50 }, 0, true},
		{"slow leak", func(i int) float64 { return saw(i) + float64(i)/4 }, 50, false},
		{"shrinks", func(i int) float64 { return float64(-i) }, -200, true},
	} {
		got := trendOf("x", samplesOf("x", 300, c.value), 20)
		if got.OK != c.ok || math.Abs(got.Growth-c.growth) > 3 {
			t.Errorf("%s: %+v, want growth %v", c.name, got, c.growth)
		}
	}
	if got := trendOf("x", samplesOf("x", 300, func(i int) float64 { return float64(i) }), 0); !got.OK {
		t.Errorf("what may grow: %+v", got)
	}
}

func TestBack(t *testing.T) {
	for _, w := range watched() {
		if w.slackOf == nil {
			continue
		}
		base := map[string]float64{w.name: 5, "rooms": 3}
		least := map[string]float64{w.name: 5 + w.slackOf(3), "rooms": 3}
		if c := back(w, base, least); !c.OK {
			t.Errorf("%s: %+v", w.name, c)
		}
		least[w.name]++
		if c := back(w, base, least); c.OK {
			t.Errorf("%s: one more is not noticed: %+v", w.name, c)
		}
	}
}

// The drawing is well-formed, with a line for each series.
func TestPlot(t *testing.T) {
	for _, n := range []int{0, 1, 50} {
		drawing := plot(samplesOf("rss_bytes", n, func(i int) float64 { return float64(i * i) }))
		d := xml.NewDecoder(bytes.NewReader(drawing))
		lines := 0
		for {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%d samples: %v in\n%s", n, err, drawing)
			}
			if e, ok := token.(xml.StartElement); ok && e.Name.Local == "polyline" {
				lines++
			}
		}
		if want := len(watched()); lines != want && n > 1 {
			t.Errorf("%d samples: %d lines, want %d", n, lines, want)
		}
	}
}

func TestCSV(t *testing.T) {
	table := string(csvOf(samplesOf("rss_bytes", 3, func(i int) float64 { return float64(i) })))
	lines := strings.Split(strings.TrimSpace(table), "\n")
	if len(lines) != 4 || !strings.HasPrefix(lines[0], "seconds,rss_bytes,") || !strings.HasPrefix(lines[3], "2.000,2,") {
		t.Errorf("%q", table)
	}
}

func TestFlags(t *testing.T) {
	c := command()
	c.SetArgs([]string{"--duration", "3s"})
	if err := c.Execute(); err == nil || !strings.Contains(err.Error(), "--duration") {
		t.Errorf("too short a run: %v", err)
	}
}
