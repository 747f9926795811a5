package simulate_test

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// table is a table with a heading.
type table [][]string

// tableOf shows what became of mutations.
func tableOf(chosen []mutation, verdicts []verdict) table {
	t := table{{"mutation", "promise", "caught after", "by clients' views alone", "what the simulation said"}}
	for i := range chosen {
		v, clients := verdicts[i], ""
		if chosen[i].clients {
			clients = seedsOf(v.clients)
		}
		by := []rune(v.by)
		t = append(t, []string{chosen[i].name, chosen[i].promise, seedsOf(v.seeds), clients, string(by[:min(len(by), 90)])})
	}
	return t
}

func seedsOf(n int) string {
	switch n {
	case 0:
		return "NOT"
	case 1:
		return "1 seed"
	}
	return fmt.Sprintf("%d seeds", n)
}

// String is a verdict on one line.
func (v verdict) String() string {
	s := seedsOf(v.seeds)
	if v.seeds > 0 {
		s = "caught after " + s
	}
	if v.clients > 0 {
		s += fmt.Sprintf(" (by clients alone: %d)", v.clients)
	}
	return fmt.Sprintf("%s: %.120s", s, v.by)
}

// text is the table with columns that line up.
func (t table) text() string {
	widths := make([]int, len(t[0]))
	for _, row := range t {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for _, row := range t {
		for i, cell := range row[:len(row)-1] {
			fmt.Fprintf(&b, "%-*s  ", widths[i], cell)
		}
		b.WriteString(row[len(row)-1] + "\n")
	}
	return b.String()
}

// markdown is the table for a document.
func (t table) markdown() string {
	var b strings.Builder
	for i, row := range t {
		for _, cell := range row {
			b.WriteString("| " + strings.ReplaceAll(cell, "|", "/") + " ")
		}
		b.WriteString("|\n")
		if i == 0 {
			b.WriteString(strings.Repeat("|---", len(row)) + "|\n")
		}
	}
	return b.String()
}
