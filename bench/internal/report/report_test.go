package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"sarang/bench/internal/report"
	"sarang/bench/internal/suite"
)

// example has two servers in one window, one that failed, and a session workload.
func example() *report.Report {
	sample := func(workload, server string, repeat int, cpu float64) suite.Sample {
		return suite.Sample{Workload: workload, Server: server, Repeat: repeat, Values: map[string]float64{
			suite.CPUMicros: cpu, suite.UserMicros: cpu / 4, suite.SystemMicros: cpu * 3 / 4, suite.PerSecond: 1234567.8,
			suite.P50Millis: 1, suite.P99Millis: 2.5, suite.P999Millis: 12.25, suite.BytesEach: 118, suite.Lost: float64(repeat),
		}}
	}
	r := &suite.Results{
		Samples: []suite.Sample{
			sample(suite.Window1, "floor-uring", 0, 2), sample(suite.Window1, "floor-uring", 1, 2),
			sample(suite.Window1, "sarang-uring", 0, 2.2), sample(suite.Window1, "sarang-uring", 1, 2.4),
			{Workload: suite.Sessions, Server: "sarang-uring", Values: map[string]float64{suite.JoinSeconds: 0.5, suite.RSSBytes: 480, suite.GrowthBytes: 10e6}},
			{Workload: suite.Sessions18, Server: "sarang-uring", Values: map[string]float64{suite.GrowthBytes: 10e6 + 8000*480}},
		},
		Dashes: []suite.Dash{{Workload: suite.Window1, Server: "redis", Reason: "not\ninstalled | here"}},
	}
	plan := suite.Plan{Repeat: 2, Measure: time.Second, Warm: time.Second, Divide: 1}
	for _, w := range suite.Workloads() {
		if w.Name == suite.Window1 || w.Name == suite.Sessions {
			plan.Workloads = append(plan.Workloads, w)
		}
	}
	return &report.Report{
		Machine: report.Machine{Processor: "a <processor>", Cores: 2, Kernel: "6.1", Go: "go1", Filesystem: "ext4", Pinned: true, ClientCore: 1},
		When:    time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC), Plan: plan, Results: r, Setups: suite.Setups(), Goals: suite.Goals(r),
	}
}

func render(t *testing.T, f func(io.Writer) error) string {
	t.Helper()
	var b bytes.Buffer
	if err := f(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestMarkdown(t *testing.T) {
	got := render(t, example().Markdown)
	for _, want := range []string{
		"2026-01-02 03:04 UTC; a <processor>, 2 cores, Linux 6.1",
		"| sarang-uring | 2.30 (1.15 × floor) | – | – |",
		"| sarang-uring | 2.30 [2.20–2.40] | 0.575 + 1.7",
		" | 1,234,568 | 1.00 / 2.50 / 12.2 | 118 | – | lost: up to 1 |",
		"- redis: not installed / here\n",
		"| sarang-uring | – | – | – | 0.500 | – | – | 480 | – |",
		"| CPU per delivery, window 1, against the floor | ≤ 1.20 × | 1.15 × | reached |",
		"| user-space memory of an idle joined session, from 10,000 to 18,000 | ≤ 512 bytes | 480 bytes | reached |",
		"| CPU per delivery, window 1, against Redis | ≤ 0.650 × | – | not judged: redis: not installed / here |",
		"- **floor-uring**: bench/floor.c",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("there is no %q", want)
		}
	}
	for _, not := range []string{"interrupted", "smoke", "NaN", "- **nats**"} {
		if strings.Contains(got, not) {
			t.Errorf("there is %q", not)
		}
	}
	if t.Failed() {
		t.Log(got)
	}
	// Every row of a table has as many cells as its head.
	cells := 0
	for line := range strings.Lines(got) {
		if !strings.HasPrefix(line, "|") {
			cells = 0
			continue
		}
		if n := strings.Count(line, "|"); cells == 0 {
			cells = n
		} else if n != cells {
			t.Errorf("a row of %d cells in a table of %d: %s", n, cells, line)
		}
	}
	r := example()
	r.Interrupted, r.Plan.Divide = true, 50
	if got := render(t, r.Markdown); !strings.Contains(got, "interrupted") || !strings.Contains(got, "smoke run") {
		t.Error("the report does not say that it is not whole and not to be quoted")
	}
}

func TestJSON(t *testing.T) {
	var got struct {
		Medians []struct {
			Workload, Server string
			Values           map[string]struct{ Median, Min, Max float64 }
		}
		Samples []struct{ Values map[string]float64 }
		Goals   []struct {
			What    string
			Reached bool
		}
		NotMeasured []struct{ Reason string } `json:"not_measured"`
	}
	if err := json.Unmarshal([]byte(render(t, example().JSON)), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Samples) != 6 || len(got.Medians) != 3 || len(got.NotMeasured) != 1 || len(got.Goals) == 0 {
		t.Fatalf("%d samples, %d medians, %d dashes, %d goals", len(got.Samples), len(got.Medians), len(got.NotMeasured), len(got.Goals))
	}
	if v := got.Medians[1].Values[suite.CPUMicros]; got.Medians[1].Server != "sarang-uring" || v.Min != 2.2 || v.Max != 2.4 {
		t.Errorf("the second median is %+v", got.Medians[1])
	}
}

func TestSVG(t *testing.T) {
	for name, r := range map[string]*report.Report{"example": example(), "nothing": {Results: &suite.Results{}}} {
		got := render(t, r.SVG)
		bars := 0
		for d := xml.NewDecoder(strings.NewReader(got)); ; {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v in %s", name, err, got)
			}
			if e, ok := token.(xml.StartElement); ok && e.Name.Local == "rect" {
				bars++
			}
		}
		if want := map[string]int{"example": 2}[name]; bars != want || strings.Contains(got, "NaN") || strings.Contains(got, "Inf") {
			t.Errorf("%s: %d bars, want %d: %s", name, bars, want, got)
		}
	}
}
