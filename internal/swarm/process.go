package swarm

import "time"

// usage is what a process has used by a point in time.
type usage struct {
	user, system time.Duration
	rssBytes     int64
}
