package main

import (
	"fmt"
	"os"
	"strconv"
)

// firstInherited is the first file that systemd hands over (sd_listen_fds(3)).
const firstInherited = 3

// inheritedSockets returns the listening sockets that systemd has handed to this
// program: LISTEN_FDS of them, if LISTEN_PID is this process.
func inheritedSockets() ([]uintptr, error) {
	if os.Getenv("LISTEN_PID") != strconv.Itoa(os.Getpid()) {
		return nil, nil
	}
	n, err := strconv.Atoi(os.Getenv("LISTEN_FDS"))
	if err != nil || n < 0 || n > 64 {
		return nil, fmt.Errorf("LISTEN_FDS is %q; it must be a number up to 64", os.Getenv("LISTEN_FDS"))
	}
	var all []uintptr
	for i := range n {
		all = append(all, uintptr(firstInherited+i))
	}
	return all, nil
}
