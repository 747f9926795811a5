package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sarang/internal/store/sqlite"
	"sarang/tests/internal/proc"
)

// sample is what the server takes at one moment, by the name of what.
type sample struct {
	At     time.Duration // since the load began
	Values map[string]float64
}

// series is one thing that is watched.
type series struct {
	name  string
	bytes bool
	// boundOf is how much it may grow over the whole run; nil: it may, as a database
	// does.
	boundOf func(o *options) float64
	// slackOf is how far it may be above its base after the clients have left, with so
	// many rooms there; nil: nobody asks.
	slackOf func(rooms float64) float64
}

// Bounds on things that are counted. The few come from the store's reading connections,
// which are opened when needed and stay, and from the question for metrics itself.
const (
	filesSlack      = 8
	goroutinesSlack = 8
	countGrowth     = 24 // the load's own unrest: connections that are just being remade
)

// windowBuffers is how many buffers a room may keep: a window of 256 KiB in pieces of
// 16 KiB, of which the first and the last are in use by part. It keeps them when nobody
// is there; what is held beyond that is a leak, and small ones are reported by the
// server itself when it ends.
const windowBuffers = 256/16 + 2

// watched are the series, in the order of the plot.
func watched() []series {
	memory := func(o *options) float64 { return float64(o.growth) }
	count := func(*options) float64 { return countGrowth }
	windows := func(o *options) float64 { return countGrowth + windowBuffers*float64(2*o.rooms+1) }
	within := func(n float64) func(float64) float64 { return func(float64) float64 { return n } }
	return []series{
		{"rss_bytes", true, memory, nil},
		{"heap_bytes", true, memory, nil},
		{"buffer_bytes", true, memory, nil},
		{"buffer_reserved_bytes", true, memory, nil},
		{"buffers", false, windows, func(rooms float64) float64 { return windowBuffers * rooms }},
		{"files", false, count, within(filesSlack)},
		{"goroutines", false, count, within(goroutinesSlack)},
		{"threads", false, count, nil},
		{"sessions", false, count, within(0)},
		{"timers", false, count, func(rooms float64) float64 { return rooms }}, // each may wait for a member who is away
		{"rooms", false, count, nil},
		{"database_bytes", true, nil, nil},
		{"log_bytes", true, nil, nil},
		{"messages", false, nil, nil},
		{"cpu_seconds", false, nil, nil},
	}
}

// take asks the system and the server.
func take(ctx context.Context, s *proc.Server, began time.Time) (sample, error) {
	m, err := s.Metrics(ctx)
	if err != nil {
		return sample{}, err
	}
	v := map[string]float64{
		"heap_bytes":            m["go_memstats_heap_inuse_bytes"],
		"buffer_bytes":          m[`sarang_buffer_bytes{state="in_use"}`],
		"buffer_reserved_bytes": m[`sarang_buffer_bytes{state="reserved"}`],
		"buffers":               m["sarang_buffers"],
		"files":                 m["process_open_fds"],
		"goroutines":            m["go_goroutines"],
		"threads":               m["go_threads"],
		"sessions":              m["sarang_sessions"],
		"timers":                m["sarang_timers"],
		"rooms":                 m["sarang_rooms"],
		"messages":              m["sarang_committed_events_total"],
		"log_bytes":             m["sarang_store_wal_bytes"],
		"rss_bytes":             m["process_resident_memory_bytes"],
		"cpu_seconds":           m["process_cpu_seconds_total"],
	}
	if info, err := os.Stat(filepath.Join(s.Config().Data, sqlite.DatabaseFile)); err == nil {
		v["database_bytes"] = float64(info.Size())
	}
	return sample{At: time.Since(began), Values: v}, nil
}

// csvOf is the samples as a table, a line each.
func csvOf(samples []sample) []byte {
	var b bytes.Buffer
	names := []string{"seconds"}
	for _, w := range watched() {
		names = append(names, w.name)
	}
	fmt.Fprintln(&b, strings.Join(names, ","))
	for _, s := range samples {
		fmt.Fprintf(&b, "%.3f", s.At.Seconds())
		for _, w := range watched() {
			fmt.Fprintf(&b, ",%g", s.Values[w.name])
		}
		fmt.Fprintln(&b)
	}
	return b.Bytes()
}
