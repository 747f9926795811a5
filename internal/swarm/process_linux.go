package swarm

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// userHz is the unit of the times in /proc/PID/stat: sysconf(_SC_CLK_TCK), which is
// 100 on every architecture that Go has a Linux port for.
const userHz = 100

// usageOf reads /proc/PID/stat; proc_pid_stat(5) numbers the fields from 1.
func usageOf(pid int) (usage, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return usage{}, fmt.Errorf("--server-pid %d: %w", pid, err)
	}
	i := bytes.LastIndexByte(b, ')') // field 2, the name, may contain anything
	fields := bytes.Fields(b[i+1:])
	const first, utime, stime, rss = 3, 14, 15, 24
	if i < 0 || len(fields) <= rss-first {
		return usage{}, fmt.Errorf("--server-pid %d: /proc/%d/stat is not as expected", pid, pid)
	}
	number := func(field int) int64 {
		n, e := strconv.ParseInt(string(fields[field-first]), 10, 64)
		if e != nil && err == nil {
			err = fmt.Errorf("--server-pid %d: /proc/%d/stat: %w", pid, pid, e)
		}
		return n
	}
	tick := time.Second / userHz
	u := usage{
		user:     time.Duration(number(utime)) * tick,
		system:   time.Duration(number(stime)) * tick,
		rssBytes: number(rss) * int64(os.Getpagesize()),
	}
	return u, err
}
