package proc

import (
	"errors"
	"time"
)

// Usage is what the system says of a process now.
type Usage struct {
	At          time.Time
	RSSBytes    int64         // resident memory
	PeakBytes   int64         // the most that it was
	User        time.Duration // CPU time since its start
	System      time.Duration
	OpenFiles   int
	Threads     int
	CoreAllowed string // CPUs that it may run on, such as 0-1
}

// ErrNoUsage is a system that this package can not ask.
var ErrNoUsage = errors.New("what a process uses can be read on Linux only")

// Usage asks the system what the server uses now. It is an error when the process has
// ended, and ErrNoUsage on systems other than Linux.
func (s *Server) Usage() (Usage, error) { return usageOf(s.PID()) }
