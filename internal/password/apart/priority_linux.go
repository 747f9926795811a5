package apart

import "golang.org/x/sys/unix"

// stepBack has everybody else go first: the thread runs when its processor has nothing else to do.
// A thread of low priority would do so as well, but not at once when somebody wakes up. In a hurry
// it is that. That neither can be had is no reason not to work.
func stepBack(hurry bool) {
	if !hurry {
		idle := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_IDLE}
		if unix.SchedSetAttr(0, &idle, 0) == nil {
			return
		}
	}
	_ = unix.Setpriority(unix.PRIO_PROCESS, 0, low)
}

const low = 10
