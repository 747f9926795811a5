package aiotest

import "os"

// countOpenFiles returns how many files this process has open.
func countOpenFiles() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return -1
	}
	return len(entries)
}
