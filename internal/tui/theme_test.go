package tui_test

import (
	"math"
	"strconv"
	"testing"

	"sarang/internal/tui"
)

// A name can be read on a white and on a black screen: the contrast, as WCAG 2.2 has it
// (1.4.3), is at least 4 with both.
func TestPaletteCanBeRead(t *testing.T) {
	for _, c := range tui.Palette() {
		n, err := strconv.ParseUint(c[1:], 16, 32)
		if err != nil {
			t.Fatal(err)
		}
		l := 0.2126*linear(n>>16) + 0.7152*linear(n>>8&0xff) + 0.0722*linear(n&0xff)
		if onWhite, onBlack := 1.05/(l+0.05), (l+0.05)/0.05; onWhite < 4 || onBlack < 4 {
			t.Errorf("%s has a contrast of %.1f on white, %.1f on black", c, onWhite, onBlack)
		}
	}
}

func linear(c uint64) float64 {
	v := float64(c) / 255
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}
