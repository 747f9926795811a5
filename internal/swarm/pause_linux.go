package swarm

import (
	"syscall"
	"time"
)

// pause waits for d. The runtime's timers are a millisecond coarse when a program is
// otherwise asleep; the system's are not.
func pause(d time.Duration) {
	t := syscall.NsecToTimespec(int64(d))
	_ = syscall.Nanosleep(&t, nil) // a signal cuts it short; the caller looks at the clock
}
