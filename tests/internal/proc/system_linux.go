package proc

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// dieWithParent has the system end the process when this program ends, however.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

// ticksPerSecond is USER_HZ, the unit of CPU times in /proc: 100 on every Linux that
// Go runs on.
const ticksPerSecond = 100

func usageOf(pid int) (Usage, error) {
	u := Usage{At: time.Now()}
	dir := "/proc/" + strconv.Itoa(pid)
	status, err := os.ReadFile(dir + "/status")
	if err != nil {
		return u, err
	}
	kib := func(v string) int64 {
		n, _ := strconv.ParseInt(strings.TrimSuffix(v, " kB"), 10, 64)
		return n << 10
	}
	for line := range strings.Lines(string(status)) {
		key, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch key {
		case "VmRSS":
			u.RSSBytes = kib(value)
		case "VmHWM":
			u.PeakBytes = kib(value)
		case "Threads":
			u.Threads, _ = strconv.Atoi(value)
		case "Cpus_allowed_list":
			u.CoreAllowed = value
		}
	}
	if err := u.readCPU(dir + "/stat"); err != nil {
		return u, err
	}
	files, err := os.ReadDir(dir + "/fd")
	u.OpenFiles = len(files)
	return u, err
}

// readCPU reads fields 14 and 15 of /proc/PID/stat; proc(5). The second field, the
// program's name in parentheses, may hold anything.
func (u *Usage) readCPU(path string) error {
	stat, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 13 {
		return fmt.Errorf("%s has only %d fields", path, len(fields))
	}
	for i, to := range []*time.Duration{&u.User, &u.System} {
		n, err := strconv.ParseInt(fields[11+i], 10, 64)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		*to = time.Duration(n) * time.Second / ticksPerSecond
	}
	return nil
}
