package tui

import (
	"hash/fnv"

	"charm.land/lipgloss/v2"
)

// theme is how things look. Whoever wants no colour (NO_COLOR) still sees bold, faint
// and reversed text, and every state has a sign of its own besides.
type theme struct {
	bar, banner, dim, strong, active, marker, failed lipgloss.Style
	names                                            []lipgloss.Style
}

// palette has colours of one lightness, in the middle: the contrast is at least 4 to 1
// on white and on black.
func palette() []string {
	return []string{
		"#e12b2b", "#c7501c", "#a16a17", "#797911", "#428513", "#13873a", "#138568",
		"#158096", "#1e77d0", "#5c68e8", "#9053e6", "#c024e0", "#d51ea7", "#df2268",
	}
}

func newTheme() theme {
	plain := lipgloss.NewStyle()
	t := theme{
		bar:    plain.Reverse(true),
		banner: plain.Reverse(true).Bold(true),
		dim:    plain.Faint(true),
		strong: plain.Bold(true),
		active: plain.Bold(true).Underline(true),
		marker: plain.Bold(true).Foreground(lipgloss.Color("#c7501c")),
		failed: plain.Bold(true).Foreground(lipgloss.Color("#e12b2b")),
	}
	for _, c := range palette() {
		t.names = append(t.names, plain.Foreground(lipgloss.Color(c)))
	}
	return t
}

// name returns the style of a person's name, the same one always and everywhere.
func (t *theme) name(name string) lipgloss.Style {
	h := fnv.New32a()
	_, _ = h.Write([]byte(nameKey(name))) // a hash takes everything
	return t.names[h.Sum32()%uint32(len(t.names))]
}
