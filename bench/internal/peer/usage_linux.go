package peer

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// CPU is processor time of all threads of a process. Total is exact; how it divides
// into user and system comes from the kernel's shares.
type CPU struct {
	Total, User, System time.Duration
}

// Sub is what was used between b and c.
func (c CPU) Sub(b CPU) CPU { return CPU{c.Total - b.Total, c.User - b.User, c.System - b.System} }

// userHz is the unit of the times in /proc/PID/stat: 100 on every architecture that Go
// has a Linux port for.
const userHz = 100

// CPUOf reads the processor time of a process.
func CPUOf(pid int) (CPU, error) {
	// The clock id of a process's CPU time, clock_getcpuclockid(3): its number
	// inverted, and the kind of clock (2: by the scheduler's account).
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|2), &t); err != nil {
		return CPU{}, fmt.Errorf("CPU time of process %d: %w", pid, err)
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return CPU{}, err
	}
	fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:]) // the name may contain anything
	const first, utime, stime = 3, 14, 15                     // proc_pid_stat(5)
	if len(fields) <= stime-first {
		return CPU{}, fmt.Errorf("/proc/%d/stat is not as expected: %q", pid, b)
	}
	var ticks [2]int64
	for i, field := range []int{utime, stime} {
		if ticks[i], err = strconv.ParseInt(string(fields[field-first]), 10, 64); err != nil {
			return CPU{}, fmt.Errorf("/proc/%d/stat: %w", pid, err)
		}
	}
	tick := time.Second / userHz
	return CPU{Total: time.Duration(t.Nano()), User: time.Duration(ticks[0]) * tick, System: time.Duration(ticks[1]) * tick}, nil
}

// CPUOfAll is the time that all cores together have been busy since the machine was
// started, to the hundredth of a second and core.
func CPUOfAll() (time.Duration, error) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	line, _, _ := strings.Cut(string(b), "\n")
	fields := strings.Fields(line)
	// proc_stat(5): user, nice, system, idle, iowait, irq, softirq; what is stolen by
	// other machines is at the end.
	const user, idle, iowait, softirq = 1, 4, 5, 7
	if len(fields) <= softirq || fields[0] != "cpu" {
		return 0, fmt.Errorf("/proc/stat is not as expected: %q", line)
	}
	var ticks int64
	for i := user; i <= softirq; i++ {
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("/proc/stat: %w", err)
		}
		if i != idle && i != iowait {
			ticks += n
		}
	}
	return time.Duration(ticks) * (time.Second / userHz), nil
}

// Memory is what a process has in memory, in bytes.
type Memory struct {
	RSS       int64 // resident
	PSS       int64 // resident, shared pages by share
	Anonymous int64 // resident and not of a file
}

// MemoryOf reads a process's /proc/PID/smaps_rollup.
func MemoryOf(pid int) (Memory, error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return Memory{}, err
	}
	defer f.Close()
	var m Memory
	fields := map[string]*int64{"Rss:": &m.RSS, "Pss:": &m.PSS, "Anonymous:": &m.Anonymous}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) < 2 || fields[words[0]] == nil {
			continue
		}
		kilo, err := strconv.ParseInt(words[1], 10, 64)
		if err != nil {
			return Memory{}, fmt.Errorf("%s: %w", f.Name(), err)
		}
		*fields[words[0]] = kilo << 10
	}
	if m.RSS == 0 {
		return Memory{}, fmt.Errorf("%s has no Rss", f.Name())
	}
	return m, nil
}
