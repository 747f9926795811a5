package swarm

import (
	"fmt"
	"io"
	"time"
)

// display is the line that shows, on a terminal, how the run goes.
type display struct {
	to    io.Writer // nil: nothing is shown
	phase string
	shown bool

	last      time.Time
	delivered int64
}

func newDisplay(to io.Writer) *display { return &display{to: to} }

// show rewrites the line, not too often.
func (d *display) show(r *run) {
	now := time.Now()
	passed := now.Sub(d.last)
	if d.to == nil || passed < progressEvery {
		return
	}
	delivered := r.delivered()
	rate := 0.0
	if !d.last.IsZero() {
		rate = float64(delivered-d.delivered) / passed.Seconds()
	}
	d.last, d.delivered, d.shown = now, delivered, true
	line := fmt.Sprintf("%s: %d of %d joined", d.phase, r.joined(), r.config.Clients)
	if d.phase != "joining" {
		line = fmt.Sprintf("%s %4.0fs: %d published, %d acked, %d delivered (%.0f/s), %d wrong",
			d.phase, seconds(r.clock()-r.beganAt.Load()), r.published(), r.acked(), delivered, rate, r.bad())
	}
	fmt.Fprintf(d.to, "\r%s\x1b[K", line) // K: erase to the end of the line (ECMA-48, 8.3.41)
}

// clear takes the line away.
func (d *display) clear() {
	if d.shown {
		fmt.Fprint(d.to, "\r\x1b[K")
	}
}
