package suite

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strconv"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"sarang/bench/internal/peer"
)

// floorRunner runs bench/floor.c: not a server, but the sends that no server can do
// without. It has its own receivers, and places itself on the cores.
type floorRunner struct{ how string }

// Bytes of a frame with a 64-byte text as Sarang sends it.
const floorBytes = 118

func (r floorRunner) setup() Setup {
	return Setup{Name: "floor-" + r.how, Setup: "bench/floor.c, a bare loop of sends with receivers of its own; 118 bytes per delivery"}
}

func (r floorRunner) tool() string { return peer.ToolFloor }

func (r floorRunner) refuses(w Workload) string {
	switch {
	case w.Kind != KindFanout:
		return "sends, and does nothing else"
	case w.Rate > 0:
		return "has no timetable"
	case w.Trickle:
		return "sends in rounds"
	case len(w.Sizes) != 1:
		return "has one size"
	case w.Name == Stored:
		return "stores nothing"
	}
	return ""
}

func (r floorRunner) run(ctx context.Context, b *Bench, group []Workload, note noteFunc) error {
	tool, ok := b.Tools.Path[peer.ToolFloor]
	if !ok {
		return &missingError{b.Tools.Missing[peer.ToolFloor]}
	}
	for _, w := range group {
		c := exec.CommandContext(ctx, tool, r.how, "--receivers", strconv.Itoa(w.Who.Receivers()), "--bytes", strconv.Itoa(floorBytes),
			"--window", strconv.Itoa(w.Window), "--seconds", strconv.FormatFloat(b.Plan.Measure.Seconds(), 'f', -1, 64),
			"--cores", fmt.Sprintf("%d,%d", b.Pins.Server, b.Pins.Client))
		c.WaitDelay = time.Second
		var said bytes.Buffer
		c.Stderr = &said
		out, err := c.Output()
		if err != nil {
			return fmt.Errorf("floor: %w: %s", err, bytes.TrimSpace(said.Bytes()))
		}
		var f struct {
			PerSecond float64 `json:"deliveries_per_second"`
			User      float64 `json:"user_us"`
			System    float64 `json:"system_us"`
			CPU       float64 `json:"cpu_us_per_delivery"`
		}
		if err := json.Unmarshal(out, &f); err != nil {
			return fmt.Errorf("floor printed %q: %w", out, err)
		}
		note(w, map[string]float64{
			CPUMicros: f.CPU, UserMicros: f.User, SystemMicros: f.System, PerSecond: f.PerSecond,
			MessagesPerSecond: f.PerSecond / float64(w.Who.PerRoom), BytesEach: floorBytes,
		})
	}
	return nil
}

func latencyValues(v map[string]float64, h *hdrhistogram.Histogram) {
	for name, q := range map[string]float64{P50Millis: 50, P99Millis: 99, P999Millis: 99.9} {
		v[name] = float64(h.ValueAtQuantile(q)) / 1e6
	}
}
