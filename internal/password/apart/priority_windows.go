package apart

import "golang.org/x/sys/windows"

// stepBack has everybody else go first. That it can not be had is no reason not to work.
func stepBack(hurry bool) {
	class := uint32(windows.IDLE_PRIORITY_CLASS)
	if hurry {
		class = windows.BELOW_NORMAL_PRIORITY_CLASS
	}
	_ = windows.SetPriorityClass(windows.CurrentProcess(), class)
}
