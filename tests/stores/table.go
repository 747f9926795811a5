package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// table is the figures of a part.
type table struct {
	rows   []string
	values map[string]map[string][]float64 // by row and store
	ratio  map[string]bool                 // of a row: the ratio to the first store counts
}

func newTable() *table {
	return &table{values: map[string]map[string][]float64{}, ratio: map[string]bool{}}
}

// add notes a figure. ratio says that the stores are to be compared by it.
func (t *table) add(row, kind string, value float64, ratio bool) {
	if t.values[row] == nil {
		t.rows = append(t.rows, row)
		t.values[row] = map[string][]float64{}
	}
	t.values[row][kind] = append(t.values[row][kind], value)
	t.ratio[row] = ratio
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	if n == 0 {
		return 0
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// ratioOf is the median of the ratios of the rounds, in which the two took turns.
func ratioOf(of, to []float64) (float64, bool) {
	var all []float64
	for i := range min(len(of), len(to)) {
		if to[i] > 0 {
			all = append(all, of[i]/to[i])
		}
	}
	return median(all), len(all) > 0
}

func figure(v float64) string {
	switch {
	case v >= 1000:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// write writes the table: a column for each store, then one for each ratio to the first.
func (t *table) write(out io.Writer, kinds []string) {
	head := append([]string{""}, kinds...)
	for _, kind := range kinds[1:] {
		head = append(head, kind+" / "+kinds[0])
	}
	fmt.Fprintf(out, "| %s |\n|%s\n", strings.Join(head, " | "), strings.Repeat("---|", len(head)))
	for _, row := range t.rows {
		cells := []string{row}
		for _, kind := range kinds {
			cell := "–"
			if values := t.values[row][kind]; len(values) > 0 {
				cell = figure(median(values))
			}
			cells = append(cells, cell)
		}
		for _, kind := range kinds[1:] {
			cell := ""
			if r, has := ratioOf(t.values[row][kind], t.values[row][kinds[0]]); has && t.ratio[row] {
				cell = strconv.FormatFloat(r, 'f', 2, 64)
			}
			cells = append(cells, cell)
		}
		fmt.Fprintf(out, "| %s |\n", strings.Join(cells, " | "))
	}
}
