//go:build unix && !linux

package apart

import "golang.org/x/sys/unix"

// stepBack has everybody else go first. That it can not be had is no reason not to work.
func stepBack(hurry bool) {
	priority := 19
	if hurry {
		priority = 10
	}
	_ = unix.Setpriority(unix.PRIO_PROCESS, 0, priority)
}
