package report

import (
	"fmt"
	"html"
	"io"
	"math"
	"strings"

	"sarang/bench/internal/suite"
)

// Measures of the picture, in pixels.
const (
	svgWidth   = 760
	labelWidth = 150
	barHeight  = 16
	barGap     = 6
	panelHead  = 34
	svgMargin  = 16
	valueWidth = 190 // beside the longest bar
)

// bar is one server's in a panel.
type bar struct {
	server string
	micros float64
	times  float64 // the floor
}

// SVG draws CPU per delivery for the three windows: a panel each, a bar per server, on a
// logarithmic scale that begins at half the lowest.
func (r *Report) SVG(w io.Writer) error {
	var body strings.Builder
	y := svgMargin
	for _, p := range []struct{ workload, title string }{
		{suite.Window1, "1 message in flight"}, {suite.Window16, "16 messages in flight"}, {suite.Window64, "64 messages in flight"},
	} {
		bars := r.bars(p.workload)
		if len(bars) == 0 {
			continue
		}
		y = drawPanel(&body, y, p.title, bars)
	}
	_, err := fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" font-family="sans-serif" font-size="12">
<style>text{fill:#222}.b{fill:#9aa7b5}.m{fill:#c2410c}.f{fill:#4b5563}@media(prefers-color-scheme:dark){text{fill:#ddd}.b{fill:#64748b}.m{fill:#fb923c}.f{fill:#cbd5e1}}</style>
%s</svg>
`, svgWidth, y+svgMargin, body.String())
	return err
}

// bars are the servers of a workload with their medians.
func (r *Report) bars(workload string) []bar {
	floor, hasFloor := r.Results.Of(workload, "floor-uring", suite.CPUMicros)
	var bars []bar
	for _, s := range r.Results.Servers(workload) {
		cpu, ok := r.Results.Of(workload, s, suite.CPUMicros)
		if !ok || cpu.Median <= 0 {
			continue
		}
		b := bar{server: s, micros: cpu.Median}
		if hasFloor && floor.Median > 0 {
			b.times = cpu.Median / floor.Median
		}
		bars = append(bars, b)
	}
	return bars
}

// drawPanel draws a title and its bars from y on, and returns where it ends.
func drawPanel(body *strings.Builder, y int, title string, bars []bar) int {
	low, high := math.Inf(1), 0.0
	for _, b := range bars {
		low, high = min(low, b.micros), max(high, b.micros)
	}
	low /= 2
	fmt.Fprintf(body, `<text x="%d" y="%d" font-weight="bold">Server CPU per delivery, %s: 1,000 receivers, logarithmic</text>`+"\n",
		svgMargin, y+panelHead-16, html.EscapeString(title))
	y += panelHead
	const longest = svgWidth - 2*svgMargin - labelWidth - valueWidth
	for _, b := range bars {
		width := longest * math.Log(b.micros/low) / math.Log(high/low)
		class := "b"
		switch {
		case strings.HasPrefix(b.server, "sarang"):
			class = "m"
		case strings.HasPrefix(b.server, "floor"), strings.HasPrefix(b.server, "relay"):
			class = "f"
		}
		label := number(b.micros) + " µs"
		if b.times > 0 {
			label += fmt.Sprintf(" (%.2f × floor)", b.times)
		}
		text := y + barHeight - 4
		fmt.Fprintf(body, `<text x="%d" y="%d" text-anchor="end">%s</text><rect class="%s" x="%d" y="%d" width="%.1f" height="%d" rx="2"/><text x="%.1f" y="%d">%s</text>`+"\n",
			svgMargin+labelWidth-8, text, html.EscapeString(b.server), class, svgMargin+labelWidth, y, width, barHeight,
			float64(svgMargin+labelWidth)+width+6, text, html.EscapeString(label))
		y += barHeight + barGap
	}
	return y
}
