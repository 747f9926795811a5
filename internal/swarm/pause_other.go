//go:build !linux

package swarm

import "time"

// pause waits for d, as exactly as the runtime can.
func pause(d time.Duration) { time.Sleep(d) }
