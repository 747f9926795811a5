package tui

// Wrap and Cells are for tests: what they promise is easier to hunt for there than on
// a screen.
func Wrap(s string, first, others int) []string { return wrap(s, first, others) }

// Cells is the width of a clean s.
func Cells(s string) int { return cellsOf(s) }

// Palette is the colours of names.
func Palette() []string { return palette() }
