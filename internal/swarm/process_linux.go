package swarm

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"
)

// userHz is the unit of the times in /proc/PID/stat: sysconf(_SC_CLK_TCK), which is
// 100 on every architecture that Go has a Linux port for.
const userHz = 100

// usageOf reads /proc/PID/stat.
func usageOf(pid int) (usage, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return usage{}, fmt.Errorf("--server-pid %d: %w", pid, err)
	}
	u, err := parseStat(b)
	if err != nil {
		return usage{}, fmt.Errorf("--server-pid %d: /proc/%d/stat: %w", pid, pid, err)
	}
	return u, nil
}

// parseStat reads the line of a process; proc_pid_stat(5) numbers the fields from 1.
func parseStat(b []byte) (u usage, err error) {
	i := bytes.LastIndexByte(b, ')') // field 2, the name, may contain anything
	fields := bytes.Fields(b[i+1:])
	const first, utime, stime, rss = 3, 14, 15, 24
	if i < 0 || len(fields) <= rss-first {
		return u, errors.New("it is not as expected")
	}
	number := func(field int) int64 {
		n, e := strconv.ParseInt(string(fields[field-first]), 10, 64)
		if e != nil && err == nil {
			err = e
		}
		return n
	}
	tick := time.Second / userHz
	u = usage{
		user:     time.Duration(number(utime)) * tick,
		system:   time.Duration(number(stime)) * tick,
		rssBytes: number(rss) * int64(os.Getpagesize()),
	}
	if err != nil {
		return usage{}, err
	}
	return u, nil
}
