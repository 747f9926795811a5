//go:build !linux

package proc

import "os/exec"

// dieWithParent does nothing: the caller ends what it has started.
func dieWithParent(*exec.Cmd) {}

func usageOf(int) (Usage, error) { return Usage{}, ErrNoUsage }
