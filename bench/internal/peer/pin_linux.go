package peer

import (
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Pins says on which cores server and client run. The zero value is core 0 for both;
// see Cores.
type Pins struct {
	Server, Client int
	Pinned         bool // false: this machine has one core, or allows only one
}

// Cores picks the two lowest cores that this process may use: the first for servers,
// the second for the client.
func Cores() (Pins, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return Pins{}, fmt.Errorf("sched_getaffinity: %w", err)
	}
	var found []int
	for i := 0; len(found) < 2 && i < 8*len(set)*8; i++ {
		if set.IsSet(i) {
			found = append(found, i)
		}
	}
	if len(found) < 2 {
		return Pins{}, nil
	}
	return Pins{Server: found[0], Client: found[1], Pinned: true}, nil
}

// PinClient moves all threads of this process to the client's core.
func (p Pins) PinClient() error {
	if !p.Pinned {
		return nil
	}
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, t := range tasks {
		id, err := strconv.Atoi(t.Name())
		if err != nil {
			continue
		}
		if err := pin(id, p.Client); err != nil {
			return err
		}
	}
	return nil
}

// onServerCore runs f with the calling thread on the server's core, so that what f
// starts is born there. The caller is locked to its thread.
func (p Pins) onServerCore(f func() error) error {
	if !p.Pinned {
		return f()
	}
	if err := pin(0, p.Server); err != nil {
		return err
	}
	err := f()
	if back := pin(0, p.Client); err == nil {
		err = back
	}
	return err
}

func pin(thread, core int) error {
	var set unix.CPUSet
	set.Set(core)
	if err := unix.SchedSetaffinity(thread, &set); err != nil {
		return fmt.Errorf("sched_setaffinity(%d, core %d): %w", thread, core, err)
	}
	return nil
}
