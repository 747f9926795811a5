//go:build !linux

package swarm

import "errors"

func usageOf(int) (usage, error) {
	return usage{}, errors.New("reading another process's CPU and memory (--server-pid) works on Linux only")
}
