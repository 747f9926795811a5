package main

import (
	"bytes"
	"fmt"
)

// Sizes of the drawing, in its own units.
const (
	plotWidth  = 900
	plotHeight = 110 // of one series
	plotLeft   = 190
	plotRight  = 20
)

// plot draws all series over time, one below the other, as SVG.
func plot(samples []sample) []byte {
	var b bytes.Buffer
	all := watched()
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">`+"\n",
		plotWidth, len(all)*plotHeight+20)
	fmt.Fprintln(&b, `<rect width="100%" height="100%" fill="white"/>`)
	for i, w := range all {
		plotOne(&b, w, samples, i*plotHeight)
	}
	end := 0.0
	if len(samples) > 0 {
		end = samples[len(samples)-1].At.Seconds()
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d">0 s</text><text x="%d" y="%d" text-anchor="end">%.0f s</text>`+"\n</svg>\n",
		plotLeft, len(all)*plotHeight+14, plotWidth-plotRight, len(all)*plotHeight+14, end)
	return b.Bytes()
}

// plotOne draws one series at a height, from 0 to a little above its highest value.
func plotOne(b *bytes.Buffer, w series, samples []sample, top int) {
	most := 0.0
	for _, s := range samples {
		most = max(most, s.Values[w.name])
	}
	if most == 0 {
		most = 1
	}
	bottom := top + plotHeight - 10
	fmt.Fprintf(b, `<text x="8" y="%d">%s</text><text x="8" y="%d" fill="gray">max %s</text>`+"\n", top+30, w.name, top+48, amount(most, w.bytes))
	fmt.Fprintf(b, `<path d="M%d %dH%d" stroke="silver"/>`+"\n", plotLeft, bottom, plotWidth-plotRight)
	if len(samples) < 2 {
		return
	}
	fmt.Fprint(b, `<polyline fill="none" stroke="steelblue" points="`)
	end := samples[len(samples)-1].At.Seconds()
	for _, s := range samples {
		x := plotLeft + s.At.Seconds()/end*(plotWidth-plotLeft-plotRight)
		y := float64(bottom) - s.Values[w.name]/(1.1*most)*(plotHeight-15)
		fmt.Fprintf(b, "%.1f,%.1f ", x, y)
	}
	fmt.Fprintln(b, `"/>`)
}

// amount writes a value for people.
func amount(v float64, bytes bool) string {
	if bytes {
		return fmt.Sprintf("%.1f MiB", v/(1<<20))
	}
	return fmt.Sprintf("%.4g", v)
}
